//! What the cluster knows after events, scenario by scenario. The state is checked after each
//! event.

mod common;

use cluster::{Change, Cluster, Event, Gone, Intent, NodeKey, ResourceId, Withheld};
use model::Timestamp;
use serde_json::json;

use common::*;

fn delete_pod(name: &str) -> Event {
    Event::Pod(Change::Deleted(Gone::named("n", name)))
}

/// SCH-242: unbound pods are not counted, bound ones are, ended ones no more.
#[test]
fn a_node_counts_the_pods_that_are_bound_to_it_and_have_not_ended() {
    let mut cluster = cluster();
    cluster
        .pod_is(&bound("early", "n1"))
        .node_is(node("n1", &json!({})));
    assert_eq!(requested(&mut cluster, "n1"), 1000);
    cluster
        .pod_is(&pod("unbound", &json!({})))
        .pod_is(&bound("second", "n1"));
    assert_eq!(requested(&mut cluster, "n1"), 2000);
    let ended = pod(
        "second",
        &json!({"spec": {"nodeName": "n1"}, "status": {"phase": "Succeeded"}}),
    );
    cluster.pod_is(&ended);
    assert_eq!(requested(&mut cluster, "n1"), 1000);
    cluster.feed(delete_pod("early"));
    assert_eq!(requested(&mut cluster, "n1"), 0);
}

/// SCH-242: a pod of the same name on another node.
#[test]
fn a_pod_that_is_bound_anew_leaves_its_old_node() {
    let mut cluster = cluster();
    cluster
        .node_is(node("n1", &json!({})))
        .node_is(node("n2", &json!({})));
    cluster.pod_is(&bound("p", "n1")).pod_is(&bound("p", "n2"));
    assert_eq!(requested(&mut cluster, "n1"), 0);
    assert_eq!(requested(&mut cluster, "n2"), 1000);
}

/// SCH-244.
#[test]
fn what_daemon_sets_request_is_counted_apart() {
    let mut cluster = cluster();
    cluster.node_is(node("n1", &json!({})));
    cluster
        .pod_is(&bound("p", "n1"))
        .pod_is(&daemon_pod("d", "log", "n1"));
    let snapshot = cluster.snapshot();
    let node = snapshot.node("n1").unwrap();
    assert_eq!(node.requested.get(ResourceId::CPU), 2000);
    assert_eq!(node.daemon_requested.get(ResourceId::CPU), 1000);
    assert_eq!(node.requested.get(ResourceId::PODS), 2);
}

/// SCH-241, SCH-246.
#[test]
fn a_node_and_its_claim_are_one_machine_whatever_their_names_and_order() {
    let mut cluster = cluster();
    cluster
        .claim_is(claim("same", "id-1"))
        .node_is(our_node("same", "id-1"));
    cluster
        .node_is(our_node("other", "id-2"))
        .claim_is(claim("default-x", "id-2"));
    let snapshot = cluster.snapshot();
    assert_eq!(snapshot.nodes.len(), 2);
    assert!(
        snapshot
            .nodes
            .iter()
            .all(|node| node.node.is_some() && node.claim.is_some())
    );
    assert_eq!(
        snapshot.node("other").unwrap().key(),
        NodeKey::Node("other".into())
    );
}

#[test]
fn a_claim_whose_provider_id_changes_follows_its_new_machine() {
    let mut cluster = cluster();
    cluster
        .node_is(our_node("n1", "id-1"))
        .claim_is(claim("c", "id-1"));
    cluster.claim_is(claim("c", "id-2"));
    assert!(!cluster.snapshot().node("n1").unwrap().is_managed());
    cluster.node_is(our_node("n2", "id-2"));
    assert!(cluster.snapshot().node("n2").unwrap().is_managed());
    assert_eq!(cluster.snapshot().nodes.len(), 2);
}

#[test]
fn until_it_is_registered_the_claim_speaks_for_a_machine() {
    let mut cluster = cluster();
    let claim = claim_with(
        "c",
        "id-1",
        &json!({"spec": {
        "taints": [{"key": "team", "value": "a", "effect": "NoSchedule"}]}}),
    );
    let mut young = our_node("n1", "id-1");
    young.metadata.labels.remove("karpenter.sh/registered");
    young.metadata.labels.remove("karpenter.sh/initialized");
    cluster.claim_is(claim).node_is(young);
    let snapshot = cluster.snapshot();
    let node = snapshot
        .node("c")
        .expect("it goes by the name of its claim");
    assert!(!node.is_registered() && !node.is_initialized());
    assert_eq!(node.taints().len(), 1);
    cluster.node_is(our_node("n1", "id-1"));
    let snapshot = cluster.snapshot();
    assert!(snapshot.node("n1").unwrap().is_initialized());
    assert!(snapshot.node("c").is_none());
}

/// SCH-252.
#[test]
fn startup_and_passing_taints_do_not_count_before_initialization() {
    let taints = json!([
        {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"},
        {"key": "readiness.k8s.io/network", "effect": "NoExecute"},
        {"key": "warming-up", "effect": "NoSchedule"},
        {"key": "team", "value": "a", "effect": "NoSchedule"}
    ]);
    let claim = claim_with(
        "c",
        "id-1",
        &json!({"spec": {
        "startupTaints": [{"key": "warming-up", "effect": "NoSchedule"}]}}),
    );
    let mut node = our_node("n1", "id-1");
    node.spec.taints = serde_json::from_value(taints).unwrap();
    let mut young = node.clone();
    young.metadata.labels.remove("karpenter.sh/initialized");
    let keys = |cluster: &mut Cluster| -> Vec<String> {
        let snapshot = cluster.snapshot();
        snapshot
            .node("n1")
            .unwrap()
            .taints()
            .iter()
            .map(|taint| taint.key.clone())
            .collect()
    };
    let mut cluster = cluster();
    cluster.claim_is(claim).node_is(young.clone());
    assert_eq!(keys(&mut cluster), ["team"]);
    cluster.node_is(node);
    assert_eq!(keys(&mut cluster).len(), 4);
    cluster
        .feed(Event::NodeClaim(Change::Deleted(Gone::named("", "c"))))
        .node_is(young);
    assert_eq!(keys(&mut cluster).len(), 4);
}

/// SCH-109: until it is initialized.
#[test]
fn a_young_node_has_what_its_claim_promises() {
    let mut cluster = cluster();
    let mut young = our_node("n1", "id-1");
    young.metadata.labels.remove("karpenter.sh/initialized");
    young
        .status
        .allocatable
        .insert("example.com/gpu".to_owned(), "0".parse().unwrap());
    cluster.claim_is(claim("c", "id-1")).node_is(young.clone());
    let gpus = |cluster: &mut Cluster| {
        let snapshot = cluster.snapshot();
        let gpu = snapshot.dimensions.get("example.com/gpu").unwrap();
        snapshot.node("n1").unwrap().available().get(gpu)
    };
    assert_eq!(gpus(&mut cluster), 2);
    young
        .metadata
        .labels
        .insert("karpenter.sh/initialized".to_owned(), "true".to_owned());
    cluster.node_is(young);
    assert_eq!(gpus(&mut cluster), 0);
}

/// SCH-245: what is being deleted is marked.
#[test]
fn machines_that_are_being_deleted_are_marked() {
    let mut cluster = cluster();
    let deleting = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    cluster.node_is(node("theirs", &deleting));
    cluster
        .node_is(our_node("ours", "id-1"))
        .claim_is(claim_with("c", "id-1", &deleting));
    cluster
        .node_is(our_node("ending", "id-2"))
        .claim_is(claim_with(
            "d",
            "id-2",
            &json!(
        {"status": {"conditions": [{"type": "InstanceTerminating", "status": "True",
            "reason": "InstanceTerminating", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}),
        ));
    let snapshot = cluster.snapshot();
    assert!(snapshot.nodes.iter().all(|node| node.is_marked()));
}

/// SCH-253: a pool's usage follows marks, deletions and changes of pool.
#[test]
fn a_pools_usage_is_the_capacity_of_its_machines_that_stay() {
    let mut cluster = cluster();
    cluster
        .pool_is(pool("default", &json!({})))
        .pool_is(pool("other", &json!({})));
    cluster
        .claim_is(claim("c", "id-1"))
        .node_is(our_node("n1", "id-1"));
    let used = |cluster: &mut Cluster, pool: &str, resource: &str| {
        let snapshot = cluster.snapshot();
        model::resources::get(&snapshot.pool(pool).unwrap().used, resource).to_string()
    };
    assert_eq!(used(&mut cluster, "default", "cpu"), "4");
    assert_eq!(used(&mut cluster, "default", "nodes"), "1");
    cluster.commit(Intent::MarkForDeletion {
        nodes: vec!["n1".to_owned()],
    });
    cluster.sanity_check().unwrap();
    assert_eq!(used(&mut cluster, "default", "nodes"), "0");
    cluster.commit(Intent::Unmark {
        nodes: vec!["n1".to_owned()],
    });
    cluster.sanity_check().unwrap();
    assert_eq!(used(&mut cluster, "default", "cpu"), "4");
    let mut moved = our_node("n1", "id-1");
    moved
        .metadata
        .labels
        .insert("karpenter.sh/nodepool".to_owned(), "other".to_owned());
    cluster.node_is(moved);
    assert_eq!(used(&mut cluster, "default", "nodes"), "0");
    assert_eq!(used(&mut cluster, "other", "nodes"), "1");
    cluster.feed(Event::Node(Change::Deleted(Gone::named("", "n1"))));
    assert_eq!(used(&mut cluster, "other", "nodes"), "0");
    assert_eq!(used(&mut cluster, "default", "nodes"), "1");
}

#[test]
fn pods_meant_for_a_claim_wait_until_its_capacity_is_known() {
    let mut cluster = cluster();
    cluster.pod_is(&pod("p", &json!({})));
    let record = cluster.pod("n", "p").unwrap().clone();
    assert_eq!(pending(&mut cluster), ["p"]);
    let touched = cluster.commit(Intent::ClaimCreated {
        claim: Box::new(claim("c", "")),
        pods: vec![record.key()],
    });
    cluster.sanity_check().unwrap();
    assert!(touched.claims.contains("c"));
    assert_eq!(pending(&mut cluster), [""; 0]);
    let snapshot = cluster.snapshot();
    assert_eq!(
        snapshot.why_waiting(&record),
        Some(Withheld::Planned { claim: "c".into() })
    );
    assert_eq!(snapshot.unlaunched.len(), 1);
    cluster.claim_is(claim("c", "id-1"));
    assert_eq!(pending(&mut cluster), ["p"]);
}

#[test]
fn pods_meant_for_a_claim_are_pending_again_when_it_fails() {
    let mut cluster = cluster();
    cluster.pod_is(&pod("p", &json!({})));
    let pods = vec![cluster.pod("n", "p").unwrap().key()];
    cluster.commit(Intent::ClaimCreated {
        claim: Box::new(claim("c", "")),
        pods: pods.clone(),
    });
    assert_eq!(cluster.unconfirmed_claims().count(), 1);
    let gone = Intent::ClaimGone {
        name: "c".to_owned(),
        uid: "claim-c".to_owned(),
    };
    let touched = cluster.commit(gone);
    cluster.sanity_check().unwrap();
    assert_eq!(touched.provisionable.len(), 1);
    assert_eq!(pending(&mut cluster), ["p"]);
    // The answer to the creation comes after all that: it is known to be gone.
    cluster.commit(Intent::ClaimCreated {
        claim: Box::new(claim("c", "")),
        pods,
    });
    cluster.sanity_check().unwrap();
    assert_eq!(pending(&mut cluster), ["p"]);
}

/// A pod of a ReplicaSet, with something further.
fn member(name: &str, patch: &serde_json::Value) -> model::k8s::Pod {
    let owner = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "set",
                        "controller": true}]);
    let mut whole = json!({"metadata": {"ownerReferences": owner}});
    merge(&mut whole, patch);
    pod(name, &whole)
}

/// It has a label of its node's place, as bound pods do.
fn bound_member() -> serde_json::Value {
    json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "z"}},
           "spec": {"nodeName": "a"}, "status": {"phase": "Running", "conditions": []}})
}

fn going_member() -> serde_json::Value {
    let mut going = bound_member();
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:30Z");
    going
}

/// The node of a pod is drained while the claim for the pod is being launched.
#[test]
fn a_pod_that_comes_in_the_place_of_another_waits_for_the_claim_of_that() {
    let mut cluster = cluster();
    cluster.node_is(node("a", &json!({"spec": {"providerID": "id-a"}})));
    cluster.pod_is(&member("old", &bound_member()));
    cluster.commit(Intent::ClaimCreated {
        claim: Box::new(claim("c", "")),
        pods: vec![cluster.pod("n", "old").unwrap().key()],
    });
    cluster.pod_is(&member("before", &json!({})));
    assert_eq!(pending(&mut cluster), ["before"], "the old one is there");

    cluster.pod_is(&member("old", &going_member()));
    cluster.pod_is(&pod("stranger", &json!({})));
    cluster.pod_is(&member("new", &json!({})));
    assert_eq!(pending(&mut cluster), ["before", "stranger"]);
    let new = cluster.pod("n", "new").unwrap().clone();
    let waits = Some(Withheld::Planned { claim: "c".into() });
    assert_eq!(cluster.snapshot().why_waiting(&new), waits);

    cluster.pod_is(&member("other", &json!({})));
    let three = ["before", "other", "stranger"];
    assert_eq!(pending(&mut cluster), three, "there was one place");
    cluster.feed(delete_pod("new"));
    cluster.pod_is(&member("third", &json!({})));
    assert_eq!(
        pending(&mut cluster),
        three,
        "it takes the place of the second"
    );

    cluster.claim_is(claim("c", "id-1"));
    assert_eq!(
        pending(&mut cluster),
        ["before", "other", "stranger", "third"]
    );
}

/// The same if it was deleted while the claim was being thought about.
#[test]
fn a_claim_for_a_pod_that_goes_already_is_for_the_one_in_its_place() {
    let mut cluster = cluster();
    cluster.node_is(node("a", &json!({"spec": {"providerID": "id-a"}})));
    cluster.pod_is(&member("old", &going_member()));
    cluster.commit(Intent::ClaimCreated {
        claim: Box::new(claim("c", "")),
        pods: vec![cluster.pod("n", "old").unwrap().key()],
    });
    cluster.pod_is(&member("new", &json!({})));
    assert_eq!(pending(&mut cluster), [""; 0]);
}

#[test]
fn a_pool_that_becomes_ready_says_so_once() {
    let mut cluster = cluster();
    let with = |status: &str| {
        let ready = json!([{"type": "Ready", "status": status}]);
        pool("p", &json!({"status": {"conditions": ready}}))
    };
    let mut feed = |pool| cluster.apply(Event::NodePool(Change::Applied(pool)));
    assert!(feed(with("False")).ready_pools.is_empty());
    assert_eq!(feed(with("True")).ready_pools.len(), 1);
    let mut other = with("True");
    other.spec.weight = Some(7);
    assert!(feed(other).ready_pools.is_empty());
    assert!(feed(with("False")).ready_pools.is_empty());
}

#[test]
fn a_node_rests_until_it_is_gone() {
    let mut cluster = cluster();
    cluster.node_is(node("a", &json!({"spec": {"providerID": "id-a"}})));
    cluster.claim_is(claim("old", "id-a"));
    let until = Timestamp::from_seconds(100);
    cluster.commit(Intent::LetRest {
        nodes: vec!["a".to_owned()],
        until,
    });
    cluster.sanity_check().unwrap();
    assert_eq!(cluster.node("a").unwrap().resting_until, Some(until));
    let gone = Gone::of(&claim("old", "id-a").metadata);
    cluster.apply(Event::NodeClaim(Change::Deleted(gone)));
    let gone = Gone::of(&node("a", &json!({})).metadata);
    cluster.apply(Event::Node(Change::Deleted(gone)));
    cluster.node_is(node("a", &json!({"metadata": {"uid": "another"}})));
    assert_eq!(cluster.node("a").unwrap().resting_until, None);
}

/// IN-03, IN-05: a node that goes and the claim that comes in its place count in one step, so there
/// is no moment at which another claim would be made for its pods.
#[test]
fn pods_of_a_node_that_goes_are_spoken_for_as_soon_as_it_goes() {
    let mut cluster = cluster();
    cluster.node_is(node("a", &json!({"spec": {"providerID": "id-a"}})));
    cluster.claim_is(claim("old", "id-a"));
    cluster.pod_is(&bound("p", "a")).pod_is(&bound("q", "a"));
    let pods = vec![cluster.pod("n", "p").unwrap().key()];
    let displaced = |cluster: &mut Cluster| -> Vec<String> {
        let pods = cluster.snapshot().displaced(Timestamp::EPOCH);
        pods.iter().map(|pod| pod.name.to_string()).collect()
    };
    let announce = Intent::Announce {
        claims: vec![cluster::Announced {
            name: "new".to_owned(),
            pool: "default".to_owned(),
            most: model::ResourceList::new(),
            pods: pods.clone(),
        }],
        leaving: vec!["a".to_owned()],
    };
    cluster.commit(announce.clone());
    cluster.sanity_check().unwrap();
    assert_eq!(displaced(&mut cluster), ["q"]);
    assert!(cluster.node("a").unwrap().is_marked());
    // The creation failed: the pod needs a place, and whoever looks for one is told.
    let touched = cluster.commit(Intent::Withdraw {
        claims: vec!["new".to_owned()],
    });
    cluster.sanity_check().unwrap();
    assert!(touched.nodes.contains("a"));
    assert_eq!(displaced(&mut cluster), ["p", "q"]);
    cluster.commit(announce);
    cluster.commit(Intent::ClaimCreated {
        claim: Box::new(claim("new", "")),
        pods,
    });
    cluster.sanity_check().unwrap();
    assert_eq!(displaced(&mut cluster), ["q"]);
    cluster.claim_is(claim("new", "id-b"));
    cluster.sanity_check().unwrap();
    assert_eq!(displaced(&mut cluster), ["p", "q"]);
}

/// The watch may show an announced claim, and that it is launched or gone, before the answer to
/// its creation.
#[test]
fn an_announced_claim_may_be_seen_before_its_creation_is_answered() {
    for gone in [false, true] {
        let mut cluster = cluster();
        cluster.pod_is(&pod("p", &json!({})));
        let pods = vec![cluster.pod("n", "p").unwrap().key()];
        cluster.commit(Intent::Announce {
            claims: vec![cluster::Announced {
                name: "c".to_owned(),
                pool: "default".to_owned(),
                most: model::ResourceList::new(),
                pods: pods.clone(),
            }],
            leaving: Vec::new(),
        });
        assert_eq!(pending(&mut cluster), [""; 0]);
        cluster.claim_is(claim("c", ""));
        cluster.sanity_check().unwrap();
        assert_eq!(pending(&mut cluster), [""; 0]);
        if gone {
            cluster.apply(Event::NodeClaim(Change::Deleted(Gone::of(
                &claim("c", "").metadata,
            ))));
        } else {
            cluster.claim_is(claim("c", "id-1"));
        }
        cluster.sanity_check().unwrap();
        assert_eq!(pending(&mut cluster), ["p"]);
        cluster.commit(Intent::ClaimCreated {
            claim: Box::new(claim("c", "")),
            pods,
        });
        cluster.sanity_check().unwrap();
        assert_eq!(pending(&mut cluster), ["p"]);
    }
}

#[test]
fn marks_and_nominations_stay_with_a_machine_as_it_grows_up() {
    let mut cluster = cluster();
    let until = Timestamp::from_seconds(100);
    cluster.commit(Intent::ClaimCreated {
        claim: Box::new(claim("c", "")),
        pods: Vec::new(),
    });
    cluster.commit(Intent::Nominate {
        node: "c".to_owned(),
        until,
    });
    cluster.commit(Intent::MarkForDeletion {
        nodes: vec!["c".to_owned()],
    });
    cluster
        .claim_is(claim("c", "id-1"))
        .node_is(our_node("n1", "id-1"));
    let snapshot = cluster.snapshot();
    let node = snapshot.node("n1").unwrap();
    assert!(node.marked);
    assert!(node.is_nominated(Timestamp::from_seconds(99)));
    assert!(!node.is_nominated(until));
    cluster.commit(Intent::Unmark {
        nodes: vec!["n1".to_owned()],
    });
    cluster.sanity_check().unwrap();
    assert!(!cluster.snapshot().node("n1").unwrap().is_marked());
}

#[test]
fn a_snapshot_does_not_change_with_the_cluster() {
    let mut cluster = cluster();
    cluster
        .node_is(node("n1", &json!({})))
        .pod_is(&pod("p", &json!({})));
    let before = cluster.snapshot();
    cluster.pod_is(&bound("p", "n1")).pod_is(&bound("q", "n1"));
    assert_eq!(before.pending_count(), 1);
    assert!(before.node("n1").unwrap().pods.is_empty());
    assert_eq!(cluster.snapshot().node("n1").unwrap().pods.len(), 2);
}

#[test]
fn nodes_of_a_pool_are_not_looked_at_before_they_say_what_they_are() {
    let mut cluster = cluster();
    let mut node = our_node("n1", "");
    cluster.node_is(node.clone());
    assert!(cluster.snapshot().nodes.is_empty());
    node.spec.provider_id = "id-1".to_owned();
    node.metadata
        .labels
        .remove("node.kubernetes.io/instance-type");
    node.metadata.labels.remove("karpenter.sh/initialized");
    cluster.node_is(node);
    assert!(cluster.snapshot().nodes.is_empty());
    cluster.node_is(our_node("n1", "id-1"));
    assert_eq!(cluster.snapshot().nodes.len(), 1);
}

/// SCH-250.
#[test]
fn a_daemon_set_is_its_newest_pod_or_else_its_template() {
    let mut cluster = cluster();
    cluster.feed(Event::DaemonSet(Change::Applied(daemon_set(
        "log",
        &json!({}),
    ))));
    let cpu = |cluster: &mut Cluster| {
        cluster.snapshot().daemons[0]
            .shape
            .requests
            .get(ResourceId::CPU)
    };
    assert_eq!(cpu(&mut cluster), 100);
    cluster.pod_is(&daemon_pod("old", "log", "n1"));
    assert_eq!(cpu(&mut cluster), 1000);
    let mut newer = daemon_pod("new", "log", "n2");
    newer.metadata.creation_timestamp = Some(Timestamp::from_seconds(10));
    newer.spec.containers[0]
        .resources
        .requests
        .insert("cpu".to_owned(), "2".parse().unwrap());
    cluster.pod_is(&newer);
    assert_eq!(cpu(&mut cluster), 2000);
    cluster.feed(delete_pod("new")).feed(delete_pod("old"));
    assert_eq!(cpu(&mut cluster), 100);
    cluster.feed(Event::DaemonSet(Change::Deleted(Gone::named("n", "log"))));
    assert!(cluster.snapshot().daemons.is_empty());
}

#[test]
fn pools_stand_by_weight_and_then_by_name_backwards() {
    let mut cluster = cluster();
    for (name, weight) in [("a", 1), ("b", 10), ("c", 1)] {
        cluster.pool_is(pool(name, &json!({"spec": {"weight": weight}})));
    }
    let snapshot = cluster.snapshot();
    let names: Vec<&str> = snapshot.pools.iter().map(|pool| pool.name()).collect();
    assert_eq!(names, ["b", "c", "a"]);
}

#[test]
fn a_pool_says_why_it_cannot_be_used() {
    use cluster::PoolProblem;
    let mut cluster = cluster();
    cluster.pool_is(pool("default", &json!({})));
    let problem = |cluster: &mut Cluster| cluster.snapshot().pools[0].problem.clone();
    assert_eq!(problem(&mut cluster), Some(PoolProblem::NoTypes));
    let types = catalog::kwok::standard().types.into();
    cluster.feed(Event::PoolTypes {
        pool: "default".to_owned(),
        types,
    });
    assert_eq!(problem(&mut cluster), None);
    cluster.pool_is(pool(
        "default",
        &json!({"status": {"conditions": [{"type": "Ready",
        "status": "False", "reason": "NodeClassNotReady", "message": "m",
        "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}),
    ));
    assert!(matches!(
        problem(&mut cluster),
        Some(PoolProblem::NotReady { .. })
    ));
    cluster.pool_is(pool("default", &json!({"spec": {"replicas": 3}})));
    assert_eq!(problem(&mut cluster), Some(PoolProblem::Static));
}

/// Whatever is decided while a claim is being created knows what it will take.
#[test]
fn a_claim_that_is_announced_counts_against_limits_until_it_is_seen() {
    let mut cluster = cluster();
    let types: std::sync::Arc<[_]> = catalog::kwok::standard().types.into();
    let limits = json!({"spec": {"limits": {"cpu": "100", "nodes": "3"}}});
    cluster.pool_is(pool("default", &limits));
    cluster.feed(Event::PoolTypes {
        pool: "default".to_owned(),
        types: types.clone(),
    });
    let announce = |cluster: &mut Cluster, name: &str| {
        let state = cluster.snapshot().pools[0].clone();
        cluster.commit(Intent::Announce {
            claims: vec![cluster::Announced {
                name: name.to_owned(),
                pool: "default".to_owned(),
                most: state.most_taken(&types[..2]),
                pods: Vec::new(),
            }],
            leaving: Vec::new(),
        });
        cluster.sanity_check().unwrap();
    };
    let expected = |cluster: &mut Cluster| {
        let state = cluster.snapshot().pools[0].clone();
        let of = |list, resource| model::resources::get(list, resource).to_string();
        let nodes = of(&state.used, "nodes");
        let [cpu, coming] = ["cpu", "nodes"].map(|resource| of(&state.in_flight, resource));
        [cpu, nodes, coming]
    };
    let largest = model::resources::max_each(&types[0].capacity, &types[1].capacity);
    let cpu = largest["cpu"].to_string();
    announce(&mut cluster, "a");
    assert_eq!(expected(&mut cluster), [&cpu, "0", "1"]);
    announce(&mut cluster, "b");
    assert_eq!(expected(&mut cluster)[1..], ["0", "2"]);
    cluster.commit(Intent::Withdraw {
        claims: vec!["b".to_owned()],
    });
    assert_eq!(expected(&mut cluster), [&cpu, "0", "1"]);
    let two: Vec<&str> = vec![&types[0].name, &types[1].name];
    let claim = claim_with(
        "a",
        "",
        &json!({"spec": {"requirements": [
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": two}]}}),
    );
    cluster.claim_is(claim.clone());
    assert_eq!(expected(&mut cluster), [&cpu, "1", "0"], "it is seen");
    cluster.commit(Intent::ClaimCreated {
        claim: Box::new(claim),
        pods: Vec::new(),
    });
    cluster.sanity_check().unwrap();
    assert_eq!(expected(&mut cluster), [&cpu, "1", "0"], "it is answered");
}

#[test]
fn a_claim_that_is_on_its_way_counts_with_the_largest_it_may_become() {
    let mut cluster = cluster();
    let types: std::sync::Arc<[_]> = catalog::kwok::standard().types.into();
    cluster.pool_is(pool("default", &json!({})));
    cluster.feed(Event::PoolTypes {
        pool: "default".to_owned(),
        types: types.clone(),
    });
    let two: Vec<&str> = vec![&types[0].name, &types[5].name];
    let claim = claim_with(
        "c",
        "",
        &json!({"spec": {"requirements": [
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": two}]}}),
    );
    cluster.commit(Intent::ClaimCreated {
        claim: Box::new(claim),
        pods: Vec::new(),
    });
    cluster.sanity_check().unwrap();
    let snapshot = cluster.snapshot();
    let in_flight = &snapshot.pools[0].in_flight;
    let expected = model::resources::max_each(&types[0].capacity, &types[5].capacity);
    assert_eq!(*in_flight, expected);
    assert_eq!(
        model::resources::get(&snapshot.pools[0].used, "nodes").to_string(),
        "1"
    );
}

/// SCH-230, SCH-231.
#[test]
fn pods_of_marked_nodes_need_a_place_if_they_come_back() {
    let mut cluster = cluster();
    cluster
        .node_is(node("n1", &json!({})))
        .node_is(node("n2", &json!({})));
    cluster
        .pod_is(&bound("moves", "n1"))
        .pod_is(&bound("elsewhere", "n2"));
    cluster.pod_is(&daemon_pod("daemon", "log", "n1"));
    cluster.pod_is(&pod(
        "protected",
        &json!({
        "metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}},
        "spec": {"nodeName": "n1"}, "status": {"phase": "Running"}}),
    ));
    cluster.commit(Intent::MarkForDeletion {
        nodes: vec!["n1".to_owned()],
    });
    let displaced = cluster.snapshot().displaced(Timestamp::EPOCH);
    let names: Vec<&str> = displaced.iter().map(|pod| &*pod.name).collect();
    assert_eq!(names, ["moves"]);
}

#[test]
fn claims_of_another_provider_are_left_out() {
    let settings = cluster::Settings {
        node_classes: vec![("ours.example.com".to_owned(), "Class".to_owned())],
        ..cluster::Settings::default()
    };
    let mut cluster = Cluster::new(requirements::Vocabulary::core(), settings);
    cluster.claim_is(claim("theirs", "id-1"));
    cluster.claim_is(claim_with(
        "ours",
        "id-2",
        &json!(
        {"spec": {"nodeClassRef": {"group": "ours.example.com"}}}),
    ));
    assert_eq!(cluster.snapshot().nodes.len(), 1);
}
