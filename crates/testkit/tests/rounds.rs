//! Rounds of disruption that are carried out, one after the other.

mod common;

use catalog::Price;
use common::rounds::{NOW, Scene, go};
use disruption::Reason::{Drifted, Empty, Underutilized};
use serde_json::{Value, json};
use testkit::corpus::{self, End, follow};
use testkit::perform::perform;
use testkit::world;

/// A cluster after the scene's round.
fn after(scene: &Scene) -> cluster::Snapshot {
    let before = scene.snapshot();
    let plan = scene.plan(&before);
    let items: Vec<Value> = scene.items.values().cloned().collect();
    let items = perform(items, &before, &plan, 1, NOW);
    let vocabulary = requirements::Vocabulary::core();
    world::cluster_of(&items, vocabulary, &common::rounds::types()).snapshot()
}

fn names(snapshot: &cluster::Snapshot) -> Vec<(String, Vec<String>)> {
    let nodes = snapshot.nodes.iter();
    nodes
        .map(|node| {
            let pods = node.pods.iter().map(|pod| pod.name.to_string());
            (node.name().to_string(), pods.collect())
        })
        .collect()
}

fn rows(expected: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let text = |text: &&str| (*text).to_owned();
    let rows = expected.iter();
    rows.map(|(node, pods)| (text(node), pods.iter().map(text).collect()))
        .collect()
}

#[test]
fn nodes_go_pods_move_and_new_nodes_are_complete() {
    let scene = Scene::new()
        .command(go(Empty, &["e"], &[]))
        .command(go(Underutilized, &["c"], &[("z", "b")]))
        .command(go(Underutilized, &["a"], &[]).by(&["small"], &["spot"], &["x", "w"]));
    let snapshot = after(&scene);
    let expected = [("b", &["y", "z"][..]), ("p-1-of-1", &["w", "x"])];
    assert_eq!(names(&snapshot), rows(&expected));
    assert_eq!(snapshot.pending_count(), 0);
    let node = snapshot.node("p-1-of-1").expect("the new node");
    assert!(node.is_managed() && node.is_initialized());
    let labels = [
        node.instance_type(),
        node.zone(),
        node.capacity_type(),
        node.pool(),
    ];
    assert_eq!(labels, [Some("small"), Some("a"), Some("spot"), Some("p")]);
    let pool = snapshot.pool("p").expect("the pool");
    assert_eq!(
        disruption::cost::price(node, pool),
        Some(Price::from_dollars(0.03))
    );
    let claim = node.claim.as_ref().expect("a claim");
    assert!(claim.is("Consolidatable"));
}

#[test]
fn what_has_no_place_is_pending_and_what_belongs_to_the_node_is_gone() {
    let deadline = json!({"spec": {"terminationGracePeriod": "1h"},
        "status": {"conditions": [{"type": "Drifted", "status": "True"}]}});
    let protect = json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}});
    let mut scene = Scene::new()
        .with("NodeClaim/a", &deadline)
        .with("Pod/x", &protect)
        .command(go(Drifted, &["a"], &[]));
    let daemon = testkit::build::pod("d")
        .owner("apps/v1", "DaemonSet", "d")
        .on("a")
        .json();
    scene.items.insert("Pod/d".to_owned(), daemon);
    let snapshot = after(&scene);
    let expected = [("b", &["y"][..]), ("c", &["z"]), ("e", &[])];
    assert_eq!(names(&snapshot), rows(&expected));
    let pending: Vec<String> = snapshot
        .pending
        .iter()
        .flat_map(|group| group.pods.iter().map(|pod| pod.name.to_string()))
        .collect();
    assert_eq!(pending.len(), 2, "{pending:?}");
    assert!(snapshot.find_pod("default", "d").is_none());
}

/// The large problems are left to `cargo xtask corpus`.
#[test]
fn recorded_clusters_settle_after_valid_rounds() {
    let names = corpus::disruption_names();
    assert!(names.len() > 80, "{}", names.len());
    let mut wrong = Vec::new();
    let small = |name: &&String| !name.starts_with("d-cluster") && !name.starts_with("d-mix");
    for name in names.iter().filter(small) {
        let course = follow(&corpus::problem(name));
        if let Some(fault) = course.fault() {
            wrong.push(format!("{name}: {fault}"));
        } else if course.end != End::Settled {
            wrong.push(format!("{name}: {:?}", course.end));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
