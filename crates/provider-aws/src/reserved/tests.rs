use apiserver::NODES;
use aws::ec2::Reservation;
use serde_json::Value;

use super::*;
use crate::fake::FakeReservation;
use crate::testing::{CLAIMS, Cloud, claim, instance};

const RESERVED: Context<'_> = Context {
    instance_type: None,
    class: None,
    claim: None,
    partitioned: false,
    reserved_capacity: true,
};

fn reserve(object: &mut Value, id: &str) {
    let labels = &mut object["metadata"]["labels"];
    labels["karpenter.sh/capacity-type"] = "reserved".into();
    labels["karpenter.k8s.aws/capacity-reservation-id"] = id.into();
    labels["karpenter.k8s.aws/capacity-reservation-type"] = "default".into();
    labels["karpenter.k8s.aws/capacity-reservation-interruptible"] = "false".into();
}

fn reserved_claim(cloud: &Cloud, name: &str, instance: &str, reservation: &str) {
    let mut claim = claim(name, instance);
    reserve(&mut claim, reservation);
    cloud.kube.create(CLAIMS, claim);
}

/// Capacity type, and how many labels of a reservation there are.
fn says(cloud: &Cloud, resource: apiserver::Resource<'_>, name: &str) -> (String, usize) {
    let object = cloud.kube.get(resource, name).expect("it");
    let labels = object["metadata"]["labels"].as_object().expect("labels");
    let capacity_type = labels["karpenter.sh/capacity-type"]
        .as_str()
        .expect("a text");
    let of_reservation = labels
        .keys()
        .filter(|key| key.contains("capacity-reservation"));
    (capacity_type.to_owned(), of_reservation.count())
}

fn start_demoting(cloud: &Cloud) {
    let (world, instances) = (cloud.world(), cloud.instances());
    let stop = cloud.kube.shutdown.clone();
    tokio::spawn(async move { demote(&world, &instances, &RESERVED, &stop).await });
}

/// CR-16: claim and node of an instance that is on demand now say so, and nothing of a reservation.
#[tokio::test(start_paused = true)]
async fn what_is_no_longer_reserved_says_so() {
    let cloud = Cloud::new().await;
    cloud.put(instance("i-1"));
    let mut still = instance("i-2");
    still.reservation_id = Some("cr-1".to_owned());
    still.reservation_preference = Some("capacity-reservations-only".to_owned());
    cloud.put(still);
    for (name, id) in [("a", "i-1"), ("b", "i-2")] {
        reserved_claim(&cloud, name, id, "cr-1");
        let node = format!("node-of-{name}");
        cloud.kube.node(&node, id);
        cloud
            .kube
            .change(NODES, &node, |node| reserve(node, "cr-1"));
    }
    cloud.kube.settle().await;
    start_demoting(&cloud);
    cloud.pass(1).await;
    let on_demand = ("on-demand".to_owned(), 0);
    let reserved = ("reserved".to_owned(), 3);
    assert_eq!(says(&cloud, CLAIMS, "a"), on_demand);
    assert_eq!(says(&cloud, NODES, "node-of-a"), on_demand);
    assert_eq!(says(&cloud, CLAIMS, "b"), reserved);
    assert_eq!(says(&cloud, NODES, "node-of-b"), reserved);
}

/// CR-16: a node that lags behind its claim follows.
#[tokio::test(start_paused = true)]
async fn a_node_alone_follows_and_one_that_is_not_registered_waits() {
    let cloud = Cloud::new().await;
    cloud.put(instance("i-1"));
    cloud.kube.claim("a", "i-1");
    cloud.kube.node("node-of-a", "i-1");
    cloud.kube.change(NODES, "node-of-a", |node| {
        reserve(node, "cr-1");
        node["metadata"]["labels"]["karpenter.sh/registered"] = "false".into();
    });
    cloud.kube.settle().await;
    start_demoting(&cloud);
    cloud.pass(1).await;
    assert_eq!(says(&cloud, NODES, "node-of-a").0, "reserved");
    cloud.kube.change(NODES, "node-of-a", |node| {
        node["metadata"]["labels"]["karpenter.sh/registered"] = "true".into();
    });
    cloud.pass(61).await;
    assert_eq!(
        says(&cloud, NODES, "node-of-a"),
        ("on-demand".to_owned(), 0)
    );
}

/// CR-17: claims of a capacity block go forty minutes before its end; those of other reservations
/// stay, whenever these end.
#[tokio::test(start_paused = true)]
async fn claims_of_a_block_go_before_it_ends() {
    let cloud = Cloud::new().await;
    let ends = cloud.kube.clock.now() + Duration::from_mins(45);
    for (id, kind) in [("cr-block", "capacity-block"), ("cr-default", "default")] {
        let reservation = Reservation {
            id: id.to_owned(),
            instance_match_criteria: "targeted".to_owned(),
            reservation_type: Some(kind.to_owned()),
            ends: Some(ends),
            ..Reservation::default()
        };
        let tags = aws::Tags::new();
        let held = FakeReservation { reservation, tags };
        cloud.fake.change(|state| state.reservations.push(held));
    }
    reserved_claim(&cloud, "block", "i-1", "cr-block");
    reserved_claim(&cloud, "default", "i-2", "cr-default");
    reserved_claim(&cloud, "gone", "i-3", "cr-gone");
    cloud.kube.settle().await;
    let (world, stop) = (cloud.world(), cloud.kube.shutdown.clone());
    tokio::spawn(async move { expire(&world, &stop).await });
    cloud.pass(4 * 60).await;
    assert!(!cloud.kube.is_going(CLAIMS, "block"));
    cloud.pass(2 * 60).await;
    assert!(cloud.kube.is_going(CLAIMS, "block"));
    cloud.pass(60 * 60).await;
    assert!(!cloud.kube.is_going(CLAIMS, "default"));
    assert!(!cloud.kube.is_going(CLAIMS, "gone"));
}
