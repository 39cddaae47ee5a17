//! Scenarios of the cluster's state (33.13, 33.15 of the specification) that are about how things
//! change over time. The state is checked after each event.

mod common;

use std::collections::BTreeMap;

use cluster::{Change, Cluster, Event, Gone, Intent, Touched};
use model::Timestamp;
use model::k8s::Resource;
use serde_json::{Value, json};

use common::*;

fn delete<T: Resource>(object: &T, into: fn(Change<T>) -> Event) -> Event {
    into(Change::Deleted(Gone::of(object.meta())))
}

fn touched(cluster: &mut Cluster, event: Event) -> Touched {
    let touched = cluster.apply(event);
    cluster.sanity_check().expect("the state is consistent");
    touched
}

/// A pod that holds port 80 of its node and one volume.
fn with_port_and_volume(name: &str, node: &str) -> model::k8s::Pod {
    pod(
        name,
        &json!({"spec": {"nodeName": node,
            "containers": [{"name": "m", "ports": [{"containerPort": 80, "hostPort": 80}]}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]},
            "status": {"phase": "Running", "conditions": []}}),
    )
}

/// SCH-239: what bound pods hold is known once the node is, and stays when its claim changes.
/// SCH-240: a pod that is there already is not counted again.
#[test]
fn ports_and_volumes_of_bound_pods_are_held_by_their_node() {
    let mut cluster = cluster();
    let pod = with_port_and_volume("p", "n1");
    cluster.pod_is(&pod).node_is(our_node("n1", "id-1"));
    let held = |cluster: &mut Cluster| {
        let snapshot = cluster.snapshot();
        let node = snapshot.node("n1").expect("the node is known");
        let claims: Vec<String> = node
            .pods
            .iter()
            .filter_map(|pod| pod.own.as_ref().map(|own| own.claims.clone()))
            .flatten()
            .collect();
        (node.host_ports.len(), claims)
    };
    let expected = (1, vec!["data".to_owned()]);
    assert_eq!(held(&mut cluster), expected);
    cluster.claim_is(claim("c", "id-1"));
    assert_eq!(held(&mut cluster), expected);
    cluster.node_is(our_node("n1", "id-1")).pod_is(&pod);
    assert_eq!(held(&mut cluster), expected);
}

/// SCH-245: what is nominated stays so until the window is over; a later window counts.
#[test]
fn nominations_expire() {
    let at = Timestamp::from_seconds;
    let mut cluster = cluster();
    cluster.node_is(node("n1", &json!({})));
    for until in [20, 10] {
        cluster.commit(Intent::Nominate {
            node: "n1".to_owned(),
            until: at(until),
        });
    }
    let snapshot = cluster.snapshot();
    let node = snapshot.node("n1").unwrap();
    assert!(node.is_nominated(at(19)));
    assert!(!node.is_nominated(at(20)));
}

/// SCH-247: pods that keep others away are found on their node, whichever came first, until they
/// are deleted. Preferences keep nobody away.
#[test]
fn pods_that_keep_others_away_are_found_on_their_node() {
    let keeps_away = |name: &str, rule: &str| {
        let term = json!({"topologyKey": "zone", "labelSelector": {}});
        let term = if rule.starts_with("required") {
            term
        } else {
            json!({"weight": 1, "podAffinityTerm": term})
        };
        let anti = json!({"podAntiAffinity": {rule: [term]}});
        pod(
            name,
            &json!({"spec": {"nodeName": "n1", "affinity": anti},
                "status": {"phase": "Running", "conditions": []}}),
        )
    };
    let required = keeps_away("a", "requiredDuringSchedulingIgnoredDuringExecution");
    let preferred = keeps_away("b", "preferredDuringSchedulingIgnoredDuringExecution");
    let found = |cluster: &mut Cluster| -> Vec<String> {
        let snapshot = cluster.snapshot();
        let node = snapshot.node("n1").expect("the node is known");
        let keeps = |pod: &&std::sync::Arc<cluster::PodRecord>| {
            let affinity = pod.shape.spec.affinity.as_ref();
            let anti = affinity.and_then(|affinity| affinity.pod_anti_affinity.as_ref());
            anti.is_some_and(|anti| !anti.required.is_empty())
        };
        let pods = node.pods.iter().filter(keeps);
        pods.map(|pod| pod.name.to_string()).collect()
    };
    let mut pods_first = cluster();
    pods_first
        .pod_is(&required)
        .pod_is(&preferred)
        .node_is(node("n1", &json!({})));
    let mut node_first = cluster();
    node_first
        .node_is(node("n1", &json!({})))
        .pod_is(&preferred)
        .pod_is(&required);
    for cluster in [&mut pods_first, &mut node_first] {
        assert_eq!(found(cluster), ["a"]);
        cluster.feed(Event::Pod(Change::Deleted(Gone::named("n", "a"))));
        assert_eq!(found(cluster), [""; 0]);
    }
}

/// SCH-248: what the state waits for is claims without a machine, whether watched or put in by
/// hand. Nodes never keep it waiting, with or without a provider id.
#[test]
fn claims_without_a_machine_are_named() {
    let unlaunched = |cluster: &Cluster| -> Vec<String> {
        cluster.unlaunched().map(ToString::to_string).collect()
    };
    let mut cluster = cluster();
    cluster
        .node_is(node("bare", &json!({})))
        .node_is(our_node("ours", "id-1"))
        .claim_is(claim("launched", "id-1"));
    assert_eq!(unlaunched(&cluster), [""; 0]);
    let snapshot = cluster.snapshot();
    assert_eq!(snapshot.node("bare").unwrap().provider_id(), "bare");
    assert_eq!(snapshot.nodes.len(), 2);
    cluster.claim_is(claim("seen", ""));
    cluster.commit(Intent::ClaimCreated {
        claim: Box::new(claim("made", "")),
        pods: Vec::new(),
    });
    assert_eq!(unlaunched(&cluster), ["made", "seen"]);
    cluster.node_is(node("later", &json!({})));
    assert_eq!(unlaunched(&cluster), ["made", "seen"]);
    cluster.feed(delete(&claim("seen", ""), Event::NodeClaim));
    cluster.claim_is(claim("made", "id-2"));
    assert_eq!(unlaunched(&cluster), [""; 0]);
}

/// SCH-251: what may make consolidation possible, and what does not.
#[test]
fn changes_that_concern_consolidation_are_named() {
    let mut cluster = cluster();
    let generation = |generation: i64, patch: &Value| {
        let mut pool = pool("default", patch);
        pool.metadata.generation = generation;
        Event::NodePool(Change::Applied(pool))
    };
    let pod_is = |pod: &model::k8s::Pod| Event::Pod(Change::Applied(cluster::PodUpdate::from(pod)));
    let young = {
        let mut node = our_node("n1", "id-1");
        node.metadata.labels.remove("karpenter.sh/initialized");
        node
    };
    let status = json!({"status": {"conditions":
        [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
    let steps = [
        ("a pool", generation(1, &json!({})), true),
        ("its status", generation(1, &status), false),
        ("its spec", generation(2, &status), true),
        (
            "a claim",
            Event::NodeClaim(Change::Applied(claim("c", "id-1"))),
            true,
        ),
        (
            "its node",
            Event::Node(Change::Applied(young.clone())),
            true,
        ),
        ("the same again", Event::Node(Change::Applied(young)), false),
        (
            "it is complete",
            Event::Node(Change::Applied(our_node("n1", "id-1"))),
            true,
        ),
        ("a pending pod", pod_is(&pod("p", &json!({}))), false),
        ("it is bound", pod_is(&bound("p", "n1")), true),
        ("it is there", pod_is(&bound("p", "n1")), false),
        (
            "it is deleted",
            Event::Pod(Change::Deleted(Gone::named("n", "p"))),
            true,
        ),
    ];
    for (what, event, expected) in steps {
        assert_eq!(
            touched(&mut cluster, event).consolidation,
            expected,
            "{what}"
        );
    }
    let mark = Intent::MarkForDeletion {
        nodes: vec!["n1".to_owned()],
    };
    assert!(cluster.commit(mark.clone()).consolidation);
    assert!(!cluster.commit(mark).consolidation, "it is marked already");
}

/// Machines of each pool: those that stay, launched or not, and those that go.
fn of_pools(cluster: &mut Cluster) -> BTreeMap<String, (usize, usize)> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for node in cluster.snapshot().nodes.iter() {
        let Some(pool) = node.pool() else { continue };
        let (stay, go) = counts.entry(pool.to_owned()).or_default();
        if node.is_marked() {
            *go += 1;
        } else {
            *stay += 1;
        }
    }
    counts
}

/// SCH-254: claims of a pool are active or going, from their creation to their end.
#[test]
fn claims_of_a_pool_are_active_or_going() {
    let mut cluster = cluster();
    let in_pool = |name: &str, id: &str, pool: &str| {
        claim_with(
            name,
            id,
            &json!({"metadata": {"labels": {"karpenter.sh/nodepool": pool}}}),
        )
    };
    let expect = |cluster: &mut Cluster, one: (usize, usize), two: (usize, usize)| {
        let counts = of_pools(cluster);
        let of = |pool: &str| counts.get(pool).copied().unwrap_or_default();
        assert_eq!((of("one"), of("two")), (one, two));
    };
    cluster
        .claim_is(in_pool("a", "", "one"))
        .claim_is(in_pool("b", "id-b", "one"))
        .claim_is(in_pool("c", "id-c", "two"));
    let mut alone = claim("alone", "id-d");
    alone.metadata.labels.clear();
    cluster.claim_is(alone);
    expect(&mut cluster, (2, 0), (1, 0));
    let both = || vec!["b".to_owned(), "c".to_owned()];
    cluster.commit(Intent::MarkForDeletion { nodes: both() });
    expect(&mut cluster, (1, 1), (0, 1));
    cluster.commit(Intent::Unmark { nodes: both() });
    expect(&mut cluster, (2, 0), (1, 0));
    // What is being deleted goes, whatever we mean to do with it.
    let mut going = in_pool("b", "id-b", "one");
    going.metadata.deletion_timestamp = Some(Timestamp::EPOCH);
    cluster.claim_is(going.clone());
    cluster.commit(Intent::Unmark { nodes: both() });
    expect(&mut cluster, (1, 1), (1, 0));
    cluster.feed(delete(&going, Event::NodeClaim));
    expect(&mut cluster, (1, 0), (1, 0));
}

/// SCH-256: a claim that we have created and that is gone before any watch shows it is let go when
/// the API server says so. One that a watch has shown, or another of its name, is left to the
/// watch.
#[test]
fn claims_that_no_watch_has_shown_can_be_let_go() {
    let mut cluster = cluster();
    for name in ["gone", "shown", "again"] {
        cluster.commit(Intent::ClaimCreated {
            claim: Box::new(claim(name, "")),
            pods: Vec::new(),
        });
    }
    cluster.claim_is(claim("shown", "id-1"));
    let unconfirmed = |cluster: &Cluster| -> Vec<String> {
        let names = cluster.unconfirmed_claims();
        names.map(ToString::to_string).collect()
    };
    assert_eq!(unconfirmed(&cluster), ["again", "gone"]);
    cluster.commit(Intent::ClaimGone {
        name: "gone".to_owned(),
        uid: "claim-gone".to_owned(),
    });
    cluster.commit(Intent::ClaimGone {
        name: "again".to_owned(),
        uid: "an-earlier-one".to_owned(),
    });
    cluster.sanity_check().unwrap();
    let snapshot = cluster.snapshot();
    let names: Vec<&str> = snapshot.nodes.iter().map(|node| &**node.name()).collect();
    assert_eq!(names, ["again", "shown"]);
}

/// SCH-257: counts of virtual pods are replaced as a whole; what is not named has none.
#[test]
fn counts_of_virtual_pods_are_replaced_as_a_whole() {
    let mut cluster = cluster();
    cluster
        .node_is(node("n1", &json!({})))
        .node_is(node("n2", &json!({})));
    let kept = |cluster: &mut Cluster| {
        let snapshot = cluster.snapshot();
        let on = |name: &str| snapshot.buffer_pods.on(snapshot.node(name).unwrap());
        (on("n1"), on("n2"))
    };
    let counts: [&[(&str, usize)]; 3] = [&[("n1", 2)], &[("n2", 1), ("unknown", 5)], &[]];
    let expected = [(2, 0), (0, 1), (0, 0)];
    for (counts, (one, two)) in counts.iter().zip(expected) {
        let counts: BTreeMap<_, _> = counts.iter().map(|(n, c)| ((*n).into(), *c)).collect();
        cluster.commit(Intent::BufferPods(cluster::BufferPods::Known(
            counts.into(),
        )));
        assert_eq!(kept(&mut cluster), (Some(one), Some(two)));
    }
}

/// SCH-230, SCH-231: of the pods of a node that goes, those that come back need a place: not ended
/// ones, not those of DaemonSets, and of those being deleted only a StatefulSet's.
#[test]
fn pods_that_come_back_are_displaced() {
    let mut cluster = cluster();
    let owned = |name: &str, kind: &str, patch: &Value| {
        let mut pod = bound(name, "n1");
        let owner = json!([{"apiVersion": "apps/v1", "kind": kind, "name": "w", "uid": "w",
            "controller": true}]);
        let mut value = serde_json::to_value(&pod).unwrap();
        merge(&mut value, &json!({"metadata": {"ownerReferences": owner}}));
        merge(&mut value, patch);
        pod = serde_json::from_value(value).unwrap();
        pod
    };
    let terminating = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    let ended = json!({"status": {"phase": "Succeeded"}});
    cluster.node_is(node("n1", &json!({})));
    for (name, kind, patch) in [
        ("active", "ReplicaSet", json!({})),
        ("daemon", "DaemonSet", json!({})),
        ("ended", "ReplicaSet", ended),
        ("leaving", "ReplicaSet", terminating.clone()),
        ("moving", "StatefulSet", terminating),
    ] {
        cluster.pod_is(&owned(name, kind, &patch));
    }
    assert_eq!(cluster.snapshot().displaced(Timestamp::EPOCH).len(), 0);
    cluster.commit(Intent::MarkForDeletion {
        nodes: vec!["n1".to_owned()],
    });
    let displaced = cluster.snapshot().displaced(Timestamp::EPOCH);
    let names: Vec<&str> = displaced.iter().map(|pod| &*pod.name).collect();
    assert_eq!(names, ["active", "moving"]);
}
