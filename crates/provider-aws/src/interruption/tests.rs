use std::sync::Mutex as StdMutex;

use apiserver::NODES;
use aws::unavailable::Wanted;
use runtime::metrics::names;
use serde_json::Value;

use super::*;
use crate::testing::{CLAIMS, Cloud, labels as labels_of};

/// Nothing is noted.
pub(crate) struct NoMarks;

impl Marks for NoMarks {
    fn mark(&self, _: &Taken, _: Kind) {}
}

/// What was noted.
#[derive(Default)]
pub(crate) struct Noted(pub(crate) StdMutex<Vec<Taken>>);

impl Marks for Noted {
    fn mark(&self, what: &Taken, _: Kind) {
        self.0.lock().expect("no panic").push(what.clone());
    }
}

/// A spot claim `a` with instance `i-1` and its node.
async fn cloud() -> Cloud {
    let cloud = Cloud::new().await;
    let spot = |object: &mut Value| object["metadata"]["labels"] = labels_of("spot");
    cloud.kube.claim("a", "i-1");
    cloud.kube.change(CLAIMS, "a", spot);
    cloud.kube.node("node-of-a", "i-1");
    cloud.kube.change(NODES, "node-of-a", spot);
    cloud.kube.settle().await;
    cloud
}

fn interruptions(cloud: &Cloud, on_rebalance: OnRebalance) -> (Interruptions, Arc<Noted>) {
    let marks = Arc::new(Noted::default());
    let interruptions = Interruptions::new(cloud.world(), marks.clone(), on_rebalance);
    (interruptions, marks)
}

fn annotation(cloud: &Cloud, key: &str) -> Value {
    let claim = cloud.kube.get(CLAIMS, "a").expect("the claim");
    claim["metadata"]["annotations"][key].clone()
}

/// INT-1, INT-5: a spot interruption deletes the claim, tells both objects, and marks the offering.
#[tokio::test(start_paused = true)]
async fn a_spot_interruption_deletes_the_claim_and_marks_the_offering() {
    let cloud = cloud().await;
    let (interruptions, marks) = interruptions(&cloud, OnRebalance::Ignore);
    interruptions
        .handle(Kind::SpotInterrupted, "i-1")
        .await
        .expect("handled");
    cloud.pass(1).await;
    assert!(cloud.kube.is_going(CLAIMS, "a"));
    let told = [
        "Node/node-of-a SpotInterrupted",
        "Node/node-of-a TerminatingOnInterruption",
        "NodeClaim/a SpotInterrupted",
        "NodeClaim/a TerminatingOnInterruption",
    ];
    assert_eq!(cloud.kube.told(), told);
    let offering = Taken::Spot {
        instance_type: "m5.large".to_owned(),
        zone: "test-zone-1a".to_owned(),
    };
    assert_eq!(*marks.0.lock().expect("no panic"), [offering]);
    let labels = ["spot_interrupted", "default", "spot", "", "graceful"];
    let count = cloud
        .kube
        .metrics
        .value(&names::NODECLAIMS_DISRUPTED, &labels);
    assert_eq!(count, Some(1.0));
}

/// INT-5: what is left of a reservation that is taken away can't be had.
#[tokio::test(start_paused = true)]
async fn a_reservation_that_is_interrupted_has_nothing_left() {
    let cloud = cloud().await;
    cloud.kube.change(CLAIMS, "a", |claim| {
        let key = labels::CAPACITY_RESERVATION_ID;
        claim["metadata"]["labels"][key] = "cr-1".into();
    });
    cloud.kube.settle().await;
    let (interruptions, marks) = interruptions(&cloud, OnRebalance::Ignore);
    let kind = Kind::CapacityReservationInterrupted;
    interruptions.handle(kind, "i-1").await.expect("handled");
    let id = "cr-1".to_owned();
    let expected = [Taken::Reservation { id }];
    assert_eq!(*marks.0.lock().expect("no panic"), expected);
    assert!(cloud.kube.is_going(CLAIMS, "a"));
}

/// OFF-14: the spot offering of the type in the zone can't be had after an interruption, and no
/// other.
#[tokio::test(start_paused = true)]
async fn the_offering_of_a_spot_interruption_is_unavailable() {
    let cloud = cloud().await;
    let emptied: Arc<StdMutex<Vec<String>>> = Arc::default();
    let sink = emptied.clone();
    let offerings = Arc::new(UnavailableOfferings::new(cloud.kube.clock.clone()));
    let marks = ProcessMarks {
        offerings: offerings.clone(),
        empty_reservation: move |id: &str| sink.lock().expect("no panic").push(id.to_owned()),
    };
    let interruptions = Interruptions::new(cloud.world(), Arc::new(marks), OnRebalance::Ignore);
    let kind = Kind::SpotInterrupted;
    interruptions.handle(kind, "i-1").await.expect("handled");
    let is_unavailable = |capacity_type, zone| {
        let wanted = Wanted {
            capacity_type,
            zone,
            subnets: &[],
            group: None,
        };
        offerings.with(|marks, now| marks.of_type("m5.large").is_unavailable(&wanted, now))
    };
    assert!(is_unavailable(CapacityType::Spot, "test-zone-1a"));
    assert!(!is_unavailable(CapacityType::Spot, "test-zone-1b"));
    assert!(!is_unavailable(CapacityType::OnDemand, "test-zone-1a"));
    let id = "cr-1".to_owned();
    let reservation = Taken::Reservation { id };
    interruptions
        .marks
        .mark(&reservation, Kind::CapacityReservationInterrupted);
    assert_eq!(*emptied.lock().expect("no panic"), ["cr-1"]);
}

/// INT-6: a rebalance recommendation is told, and nothing else.
#[tokio::test(start_paused = true)]
async fn a_recommendation_is_only_told() {
    let cloud = cloud().await;
    let (interruptions, marks) = interruptions(&cloud, OnRebalance::Ignore);
    let kind = Kind::RebalanceRecommendation;
    interruptions.handle(kind, "i-1").await.expect("handled");
    cloud.pass(1).await;
    assert!(!cloud.kube.is_going(CLAIMS, "a"));
    let told = [
        "Node/node-of-a SpotRebalanceRecommendation",
        "NodeClaim/a SpotRebalanceRecommendation",
    ];
    assert_eq!(cloud.kube.told(), told);
    assert!(marks.0.lock().expect("no panic").is_empty());
    assert_eq!(annotation(&cloud, labels::REPLACE), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_recommendation_marks_the_claim_where_that_is_wanted() {
    let cloud = cloud().await;
    let (interruptions, marks) = interruptions(&cloud, OnRebalance::Replace);
    let kind = Kind::RebalanceRecommendation;
    for _ in 0..2 {
        interruptions.handle(kind, "i-1").await.expect("handled");
        cloud.kube.settle().await;
    }
    assert!(!cloud.kube.is_going(CLAIMS, "a"), "the new one comes first");
    assert_eq!(
        annotation(&cloud, labels::REPLACE),
        "rebalance_recommendation"
    );
    assert!(!marks.0.lock().expect("no panic").is_empty());
    interruptions
        .handle(Kind::SpotInterrupted, "i-1")
        .await
        .expect("handled");
    assert!(
        cloud.kube.is_going(CLAIMS, "a"),
        "there is no time any more"
    );
}

/// INT-3: what is told twice, or after the claim began to go, is done once.
#[tokio::test(start_paused = true)]
async fn the_same_news_twice_are_one_deletion() {
    let cloud = cloud().await;
    let (interruptions, _) = interruptions(&cloud, OnRebalance::Ignore);
    let both = [
        interruptions.handle(Kind::SpotInterrupted, "i-1"),
        interruptions.handle(Kind::InstanceTerminated, "i-1"),
    ];
    for result in futures::future::join_all(both).await {
        result.expect("handled");
    }
    cloud.pass(1).await;
    interruptions
        .handle(Kind::SpotInterrupted, "i-1")
        .await
        .expect("handled");
    assert_eq!(cloud.kube.disrupted(), 1);
    assert!(
        lock(&interruptions.asked).is_empty(),
        "nothing is remembered for ever"
    );
}

/// INT-8: instances of others are nobody's claim.
#[tokio::test(start_paused = true)]
async fn instances_of_others_are_left_alone() {
    let cloud = cloud().await;
    let (interruptions, marks) = interruptions(&cloud, OnRebalance::Replace);
    let kind = Kind::SpotInterrupted;
    interruptions
        .handle(kind, "i-foreign")
        .await
        .expect("handled");
    cloud.pass(1).await;
    assert!(cloud.kube.told().is_empty());
    assert!(marks.0.lock().expect("no panic").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_has_gone_meanwhile_is_fine() {
    let cloud = cloud().await;
    let (interruptions, _) = interruptions(&cloud, OnRebalance::Ignore);
    cloud.kube.change(CLAIMS, "a", |claim| {
        claim["metadata"]["finalizers"] = [(); 0].into();
    });
    cloud.kube.delete(CLAIMS, "a");
    // Nobody has been told of it yet.
    interruptions
        .handle(Kind::SystemStatus, "i-1")
        .await
        .expect("nothing to be done");
    assert_eq!(cloud.kube.disrupted(), 0);
}
