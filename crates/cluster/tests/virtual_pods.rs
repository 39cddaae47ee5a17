//! Pods of capacity buffers beside those that are objects.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::{BufferPods, Change, Cluster, Event, Intent, ObjectKey, PodUpdate};
use model::k8s::PodKey;
use serde_json::json;

use common::*;

fn virtual_pods(cluster: &mut Cluster, count: usize) {
    let marks = json!({"metadata": {"annotations": {
        "karpenter.sh/capacity-buffer-fake-pod": "true", "karpenter.sh/capacity-buffer-name": "b"}}});
    let pods = (1..=count).map(|number| pod(&format!("capacity-buffer-b-{number}"), &marks));
    let pods = pods.map(|pod| PodUpdate::virtual_of(&pod)).collect();
    let buffer = ObjectKey::new("n", "b");
    cluster.feed(Event::VirtualPods { buffer, pods });
}

fn pending(cluster: &mut Cluster) -> Vec<(String, bool)> {
    let snapshot = cluster.snapshot();
    let pods = snapshot.pending.iter().flat_map(|group| group.pods.iter());
    let mut pods: Vec<_> = pods
        .map(|pod| (pod.name.to_string(), pod.is_virtual()))
        .collect();
    pods.sort();
    pods
}

fn kept(cluster: &mut Cluster, node: &str) -> Option<usize> {
    let snapshot = cluster.snapshot();
    snapshot
        .buffer_pods
        .on(snapshot.node(node).expect("the node"))
}

fn on_nodes(counts: &[(&str, usize)]) -> Intent {
    let counts: BTreeMap<Arc<str>, usize> = counts
        .iter()
        .map(|(node, n)| ((*node).into(), *n))
        .collect();
    Intent::BufferPods(BufferPods::Known(Arc::new(counts)))
}

/// SCH-283, SCH-284: they are pending beside real pods, survive a relist of those, and go with
/// their buffer.
#[test]
fn virtual_pods_are_pending_until_their_buffer_keeps_nothing() {
    let mut cluster = cluster();
    cluster.pod_is(&pod("real", &json!({})));
    virtual_pods(&mut cluster, 2);
    let both = [
        ("capacity-buffer-b-1".to_owned(), true),
        ("capacity-buffer-b-2".to_owned(), true),
        ("real".to_owned(), false),
    ];
    assert_eq!(pending(&mut cluster), both);
    cluster.feed(Event::Pod(Change::Reset(Vec::new())));
    assert_eq!(pending(&mut cluster), both[..2]);
    virtual_pods(&mut cluster, 1);
    assert_eq!(pending(&mut cluster), both[..1]);
    virtual_pods(&mut cluster, 0);
    assert_eq!(pending(&mut cluster), []);
}

/// Nothing is triggered by what is known already.
#[test]
fn the_same_pods_again_are_nothing_new() {
    let mut cluster = cluster();
    virtual_pods(&mut cluster, 2);
    let version = cluster.snapshot().version;
    virtual_pods(&mut cluster, 2);
    assert_eq!(cluster.snapshot().version, version);
}

/// SCH-286: a node keeps what it has room for, from the creation of its claim on.
#[test]
fn nodes_are_known_to_keep_room() {
    let mut cluster = cluster();
    cluster.node_is(node("n1", &json!({})));
    assert_eq!(kept(&mut cluster, "n1"), Some(0));
    cluster.commit(Intent::BufferPods(BufferPods::Unknown));
    assert_eq!(kept(&mut cluster, "n1"), None);
    virtual_pods(&mut cluster, 3);
    let touched = cluster.commit(on_nodes(&[("n1", 1)]));
    assert!(touched.consolidation);
    assert_eq!(kept(&mut cluster, "n1"), Some(1));
    assert!(cluster.commit(on_nodes(&[("n1", 1)])).is_empty());
    let key = |number: usize| PodKey {
        namespace: "n".to_owned(),
        name: format!("capacity-buffer-b-{number}"),
    };
    cluster.commit(Intent::ClaimCreated {
        claim: Box::new(claim("c", "")),
        pods: vec![key(2), key(3)],
    });
    assert_eq!(
        pending(&mut cluster).len(),
        1,
        "a claim is on its way for two"
    );
    assert_eq!(kept(&mut cluster, "c"), Some(2));
    // A pass meanwhile does not see them.
    cluster.commit(on_nodes(&[("n1", 1)]));
    assert_eq!(kept(&mut cluster, "c"), Some(2));
    // The instance is there: they are placed again, and the node keeps them meanwhile.
    cluster.feed(Event::NodeClaim(Change::Applied(claim("c", "i-c"))));
    assert_eq!(pending(&mut cluster).len(), 3);
    assert_eq!(kept(&mut cluster, "c"), Some(2));
    cluster.feed(Event::Node(Change::Applied(our_node("n2", "i-c"))));
    assert_eq!(
        kept(&mut cluster, "n2"),
        Some(2),
        "by the name of its claim"
    );
    cluster.commit(on_nodes(&[("n2", 3)]));
    assert_eq!(kept(&mut cluster, "n1"), Some(0));
    assert_eq!(kept(&mut cluster, "n2"), Some(3));
}

/// SCH-280: a pool whose types are not known with their overlays is not used.
#[test]
fn a_pool_waits_for_its_overlays() {
    let mut cluster = cluster();
    let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    cluster.feed(Event::NodePool(Change::Applied(pool("p", &ready))));
    cluster.feed(Event::PoolAwaitsOverlays {
        pool: "p".to_owned(),
    });
    let problem = |cluster: &mut Cluster| {
        let snapshot = cluster.snapshot();
        let problem = snapshot.pool("p").expect("the pool").problem.clone();
        problem.map(|problem| problem.to_string())
    };
    let why = problem(&mut cluster).expect("a problem");
    assert!(why.contains("awaiting the evaluation"), "{why}");
    cluster.feed(Event::PoolTypes {
        pool: "p".to_owned(),
        types: catalog::kwok::standard().types.into(),
    });
    assert_eq!(problem(&mut cluster), None);
}
