//! Scenarios of nodes that are on their way or have just come, as the cluster changes around them.

mod common;

use cluster::{Change, Cluster, Event, Gone, PodDecoder};
use common::world::{
    CAPACITY_TYPE, Place, World, ZONE, bound, daemon_set, instance_type, merge, node, now, place,
    pod,
};
use model::k8s::{Pod, Resource};
use scheduling::{Batch, Options, Placement, PlannedClaim, solve};
use serde_json::{Value, json};
use testkit::{referee, world};

/// A cluster that is told what happens.
struct Live {
    cluster: Cluster,
    decoder: PodDecoder,
}

impl Live {
    fn new(world: &World) -> Self {
        Self {
            cluster: world::cluster(&world.items, &world.catalog),
            decoder: PodDecoder::new(),
        }
    }

    /// Something is there or has changed.
    fn is(&mut self, object: &Value) {
        let event = world::event(object, &mut self.decoder).expect("a kind that decides");
        self.cluster.apply(event);
    }

    /// A pod is gone.
    fn gone(&mut self, pod: &Value) {
        let pod: Pod = serde_json::from_value(pod.clone()).expect("a pod");
        let gone = Change::Deleted(Gone::of(pod.meta()));
        self.cluster.apply(Event::Pod(gone));
    }

    fn solve(&mut self) -> Placement {
        let snapshot = self.cluster.snapshot();
        let batch = Batch::default();
        let placement = solve(&snapshot, &batch, &Options::default(), now(), 1);
        let violations = referee::check(&snapshot, &batch, now(), &placement);
        assert!(violations.is_empty(), "{violations:#?}");
        placement
    }

    /// Whether the pod `p` goes to the node `n1`, not to a new one.
    fn reuses(&mut self) -> bool {
        match place(&self.solve(), "p") {
            Place::New(_) => false,
            Place::Node(node) => node == "n1",
            Place::Nowhere(refusals) => panic!("no place: {refusals:#?}"),
        }
    }
}

/// A claim that is launched, with the capacity of its node.
fn claim(name: &str, cpu: &str) -> Value {
    let resources = json!({"cpu": cpu, "memory": "4Gi", "pods": "110"});
    json!({
        "kind": "NodeClaim",
        "metadata": {"name": name, "labels": {
            "karpenter.sh/nodepool": "default", ZONE: "test-zone-1", CAPACITY_TYPE: "spot",
            "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
        }},
        "spec": {"nodeClassRef":
            {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}},
        "status": {"providerID": format!("test://{name}"),
            "capacity": resources, "allocatable": resources},
    })
}

/// The node of such a claim: it has joined and is not complete.
fn young(name: &str, cpu: &str, taints: &[(&str, &str)]) -> Value {
    let taint = |(key, effect): &(&str, &str)| json!({"key": key, "effect": effect});
    let taints: Vec<Value> = taints.iter().map(taint).collect();
    node(
        name,
        cpu,
        json!({"metadata": {"labels": {
            "karpenter.sh/nodepool": "default", "karpenter.sh/registered": "true",
            "node.kubernetes.io/instance-type": "t", ZONE: "test-zone-1",
        }}, "spec": {"taints": taints}}),
    )
}

/// The same node, complete.
fn complete(mut node: Value) -> Value {
    node["metadata"]["labels"]["karpenter.sh/initialized"] = json!("true");
    node
}

/// SCH-89: a node that is on its way takes a second pod only if both fit.
#[test]
fn a_node_in_flight_takes_a_second_pod_only_if_both_fit() {
    for (cpu, reused) in [("1", false), ("900m", false), ("899m", true)] {
        let mut live = Live::new(
            &World::new()
                .object(claim("n1", "1900m"))
                .object(young("n1", "1900m", &[]))
                .object(bound("first", "1001m", "n1", json!({})))
                .pod("p", cpu, json!({})),
        );
        assert_eq!(live.reuses(), reused, "{cpu}");
    }
}

/// SCH-94: a node that is on its way and whose pod is gone is used by the next one.
#[test]
fn a_node_in_flight_whose_pod_is_gone_is_used_again() {
    let first = bound("first", "3500m", "n1", json!({}));
    let mut live = Live::new(
        &World::new()
            .object(claim("n1", "4"))
            .object(young("n1", "4", &[]))
            .object(first.clone())
            .pod("p", "1", json!({})),
    );
    assert!(!live.reuses());
    live.gone(&first);
    assert!(live.reuses());
}

/// SCH-98: taints that pass by themselves do not count until it is known that the node is complete,
/// whatever its label says by now. Once it is known they count.
#[test]
fn a_node_is_in_flight_until_it_is_known_to_be_complete() {
    for (key, effect) in [
        ("node.kubernetes.io/not-ready", "NoSchedule"),
        ("node.kubernetes.io/unreachable", "NoSchedule"),
        (
            "node.cloudprovider.kubernetes.io/uninitialized",
            "NoSchedule",
        ),
    ] {
        let seen = young("n1", "4", &[(key, effect)]);
        let mut live = Live::new(
            &World::new()
                .object(claim("n1", "4"))
                .object(seen.clone())
                .pod("p", "1", json!({})),
        );
        // The label is on the node, and no watch has said so yet.
        let is_now = complete(seen);
        assert!(live.reuses(), "{key}");
        live.is(&is_now);
        assert!(!live.reuses(), "{key}");
        let mut ready = is_now;
        ready["spec"]["taints"] = json!([]);
        live.is(&ready);
        assert!(live.reuses(), "{key}");
    }
    let of_others = young("n1", "4", &[("custom", "NoSchedule")]);
    let world = World::new().object(claim("n1", "4")).object(of_others);
    assert!(!Live::new(&world.pod("p", "1", json!({}))).reuses());
}

/// SCH-100: a daemon that nobody expected on a node takes room there and leaves that of others to
/// them. The reference takes what all daemons there request off what is expected; here each counts
/// for its own DaemonSet.
#[test]
fn a_daemon_that_nobody_expected_takes_no_other_daemons_room() {
    let selects = json!({"nodeSelector": {"my-label": "value"}});
    let mut there = bound("unexpected-x", "1", "n1", selects.clone());
    there["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1",
        "kind": "DaemonSet", "name": "unexpected", "uid": "uid-unexpected"}]);
    for label in [None, Some("value"), Some("changed again")] {
        for (cpu, reused) in [("14500m", false), ("14", true)] {
            let mut n1 = complete(young("n1", "16", &[]));
            if let Some(label) = label {
                merge(
                    &mut n1,
                    json!({"metadata": {"labels": {"my-label": label}}}),
                );
            }
            let mut live = Live::new(
                &World::new()
                    .object(claim("n1", "16"))
                    .object(n1)
                    .object(daemon_set("unexpected", "1", selects.clone()))
                    .object(daemon_set("expected", "1", json!({})))
                    .object(there.clone())
                    .pod("p", cpu, json!({})),
            );
            assert_eq!(live.reuses(), reused, "{label:?} {cpu}");
        }
    }
}

/// The objects that stand for a planned node once it is there, and its pods bound to it.
fn launched(live: &mut Live, number: usize, planned: &PlannedClaim) {
    let name = format!("n{number}");
    let pods = json!({"capacity": {"pods": "4"}, "allocatable": {"pods": "4"}});
    for mut object in [claim(&name, "8"), young(&name, "8", &[])] {
        merge(&mut object["status"], pods.clone());
        live.is(&object);
    }
    for pod in &planned.pods {
        live.is(&bound(&pod.name, "1", &name, json!({})));
    }
}

/// SCH-102: batches of pods that come one after the other leave at most one node with room.
#[test]
fn batches_one_after_the_other_leave_one_node_with_room() {
    for seed in 0..5_u64 {
        let ty = instance_type("four-pods", 8, 8, json!({"resources": {"pods": "4"}}));
        let mut live = Live::new(&World::new().with_types(&[ty]));
        let mut state = seed;
        let (mut nodes, mut pods) = (0_usize, 0_usize);
        for _ in 0..10 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let size = 1 + (state >> 33) as usize % 9;
            for _ in 0..size {
                pods += 1;
                live.is(&pod(&format!("p{pods}"), "1", json!({})));
            }
            let placement = live.solve();
            assert!(placement.unplaced.is_empty(), "seed {seed}");
            for existing in &placement.existing {
                for pod in &existing.pods {
                    live.is(&bound(&pod.name, "1", &existing.node, json!({})));
                }
            }
            for planned in &placement.new_claims {
                nodes += 1;
                launched(&mut live, nodes, planned);
            }
            let snapshot = live.cluster.snapshot();
            let with_room = snapshot.nodes.iter().filter(|node| node.pods.len() < 4);
            assert!(with_room.count() <= 1, "seed {seed}, after {pods} pods");
            assert_eq!(nodes, pods.div_ceil(4), "seed {seed}");
        }
    }
}
