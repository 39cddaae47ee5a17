//! The referee finds what is wrong, and nothing in what is right.

use std::sync::Arc;

use catalog::Price;
use cluster::Snapshot;
use model::Timestamp;
use requirements::Vocabulary;
use scheduling::{Batch, Options, Placement, solve};
use serde_json::Value;
use testkit::build::{daemon_set, instance_type, node, pod, pool};
use testkit::referee::{self, Violation};
use testkit::world;

const NOW: Timestamp = Timestamp::EPOCH;

fn snapshot(items: &[Value]) -> Snapshot {
    let types: Arc<[_]> = [
        instance_type("small", "cpu=2 memory=4Gi pods=10", &["a", "b"], 0.1),
        instance_type("large", "cpu=8 memory=16Gi pods=10", &["a"], 0.4),
    ]
    .map(Arc::new)
    .into();
    world::cluster_of(items, Vocabulary::core(), &types).snapshot()
}

/// The solver's answer, and what the referee says to it.
fn solved(snapshot: &Snapshot) -> Placement {
    let placement = solve(snapshot, &Batch::default(), &Options::default(), NOW, 1);
    assert_eq!(check(snapshot, &placement), []);
    placement
}

fn check(snapshot: &Snapshot, placement: &Placement) -> Vec<Violation> {
    referee::check(snapshot, &Batch::default(), NOW, placement)
}

/// A placement of one pod on one new node, by the solver.
fn one_claim() -> (Snapshot, Placement) {
    let snapshot = snapshot(&[
        pool("default").json(),
        pod("p").cpu("1").memory("1Gi").json(),
    ]);
    let placement = solved(&snapshot);
    assert_eq!(placement.new_claims.len(), 1);
    (snapshot, placement)
}

fn assert_finds(snapshot: &Snapshot, placement: &Placement, expected: impl Fn(&Violation) -> bool) {
    let found = check(snapshot, placement);
    assert!(found.iter().any(expected), "{found:#?}");
}

#[test]
fn a_pod_must_have_exactly_one_answer() {
    let (snapshot, placement) = one_claim();
    let mut twice = placement.clone();
    let pod = twice.new_claims[0].pods[0].clone();
    twice.new_claims[0].pods.push(pod);
    assert_finds(&snapshot, &twice, |v| {
        matches!(v, Violation::Repeated { times: 2, .. })
    });
    let mut none = placement;
    none.new_claims.clear();
    assert_finds(&snapshot, &none, |v| {
        matches!(v, Violation::Forgotten { .. })
    });
}

#[test]
fn every_listed_type_must_have_room_for_pods_and_daemons() {
    let items = [
        pool("default").json(),
        pod("p").cpu("1500m").json(),
        daemon_set("log").request("cpu", "1").json(),
    ];
    let snapshot = snapshot(&items);
    let mut placement = solved(&snapshot);
    let small = snapshot.pools[0].instance_type("small").unwrap().clone();
    let claim = &mut placement.new_claims[0];
    claim.instance_types = [small]
        .into_iter()
        .chain(claim.instance_types.iter().cloned())
        .collect();
    assert_finds(&snapshot, &placement, |v| {
        matches!(v, Violation::Resources { instance_type, resource, .. }
            if instance_type == "small" && resource == "cpu")
    });
}

#[test]
fn selectors_are_checked_for_every_offering_that_may_be_launched() {
    let items = [
        pool("default").json(),
        pod("p")
            .cpu("1")
            .selector("topology.kubernetes.io/zone", "b")
            .json(),
    ];
    let snapshot = snapshot(&items);
    let mut placement = solved(&snapshot);
    Arc::make_mut(&mut placement.new_claims[0].requirements).remove("topology.kubernetes.io/zone");
    assert_finds(&snapshot, &placement, |v| {
        matches!(v, Violation::Selection { .. })
    });
}

#[test]
fn taints_of_the_pool_must_be_tolerated_and_kept() {
    let items = [
        pool("default").taint("dedicated", "x", "NoSchedule").json(),
        pod("p").cpu("1").tolerate("dedicated").json(),
    ];
    let tolerant = snapshot(&items);
    let placement = solved(&tolerant);
    let intolerant = snapshot(&[items[0].clone(), pod("p").cpu("1").json()]);
    let mut wrong = placement.clone();
    wrong.new_claims[0].pods = intolerant
        .pending
        .iter()
        .flat_map(|group| group.pods.iter().cloned())
        .collect();
    assert_finds(&intolerant, &wrong, |v| {
        matches!(v, Violation::Taint { .. })
    });
    let mut bare = placement;
    bare.new_claims[0].taints = Vec::new().into();
    assert_finds(&tolerant, &bare, |v| {
        matches!(v, Violation::Template { what: "taints", .. })
    });
}

#[test]
fn one_port_goes_to_one_pod_of_a_node() {
    let items = [
        pool("default").json(),
        pod("p").cpu("100m").host_port(80).json(),
        pod("q").cpu("100m").host_port(80).json(),
    ];
    let snapshot = snapshot(&items);
    let mut placement = solved(&snapshot);
    assert_eq!(placement.new_claims.len(), 2);
    let second = placement.new_claims.pop().unwrap();
    placement.new_claims[0].pods.extend(second.pods);
    assert_finds(&snapshot, &placement, |v| {
        matches!(v, Violation::Port { port: 80, .. })
    });
}

#[test]
fn a_limit_holds_whatever_is_launched() {
    let items = [
        pool("default").limit("cpu", "4").json(),
        pod("p").cpu("1").memory("1Gi").json(),
    ];
    let snapshot = snapshot(&items);
    let mut placement = solved(&snapshot);
    let large = snapshot.pools[0].instance_type("large").unwrap().clone();
    let claim = &mut placement.new_claims[0];
    claim.instance_types = claim
        .instance_types
        .iter()
        .cloned()
        .chain([large])
        .collect();
    assert_finds(
        &snapshot,
        &placement,
        |v| matches!(v, Violation::Limit { resource, .. } if resource == "cpu"),
    );
}

#[test]
fn the_launch_is_the_cheapest_that_the_claim_allows_at_the_price_of_the_catalog() {
    let (snapshot, placement) = one_claim();
    let mut dear = placement.clone();
    dear.new_claims[0].launch.price = Price::from_dollars(0.3);
    assert_finds(&snapshot, &dear, |v| matches!(v, Violation::Launch { .. }));
    let mut elsewhere = placement;
    elsewhere.new_claims[0].launch.zone = "nowhere".into();
    assert_finds(&snapshot, &elsewhere, |v| {
        matches!(v, Violation::Launch { .. })
    });
}

#[test]
fn a_node_that_is_there_gets_no_more_than_it_holds() {
    let items = [
        node("n1").amount("cpu", "2").json(),
        pod("runs").cpu("1").on("n1").json(),
        pod("p").cpu("600m").json(),
        pod("q").cpu("600m").json(),
    ];
    let snapshot = snapshot(&items);
    let mut placement = solved(&snapshot);
    assert_eq!((placement.existing.len(), placement.unplaced.len()), (1, 1));
    let left = placement.unplaced.pop().unwrap();
    placement.existing[0].pods.push(left.pod);
    assert_finds(
        &snapshot,
        &placement,
        |v| matches!(v, Violation::Resources { node, .. } if node == "n1"),
    );
}

#[test]
fn a_pod_whose_resource_claim_does_not_exist_has_no_place() {
    let device = serde_json::json!({"spec": {"resourceClaims": [{"name": "gpu",
        "resourceClaimName": "gpu"}]}});
    let items = [node("n1").json(), pod("p").cpu("1").with(&device).json()];
    let snapshot = snapshot(&items);
    let mut placement = solved(&snapshot);
    let left = placement.unplaced.pop().expect("the solver leaves it");
    placement.existing.push(scheduling::ExistingPlacement {
        node: "n1".into(),
        pods: vec![left.pod],
    });
    assert_finds(&snapshot, &placement, |v| {
        matches!(v, Violation::ClaimMissing { .. })
    });
}

#[test]
fn a_running_pod_keeps_others_away() {
    let apart = serde_json::json!({"spec": {"affinity": {"podAntiAffinity":
        {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": {"app": "web"}}}]}}}});
    let items = [
        node("n1").json(),
        pod("runs").on("n1").with(&apart).json(),
        pod("p").label("app", "web").cpu("1").json(),
    ];
    let snapshot = snapshot(&items);
    let mut placement = solved(&snapshot);
    let left = placement.unplaced.pop().expect("the solver leaves it");
    placement.existing.push(scheduling::ExistingPlacement {
        node: "n1".into(),
        pods: vec![left.pod],
    });
    assert_finds(&snapshot, &placement, |v| {
        matches!(v, Violation::AntiAffinity { .. })
    });
}
