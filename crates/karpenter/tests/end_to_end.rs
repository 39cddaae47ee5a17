//! The main job on a real control plane: pods without room get nodes, nodes without pods go, and
//! neither a crash in the middle nor an API server that is away leaves anything behind.

mod common;

use std::collections::BTreeMap;

use common::until;
use common::world::World;
use control_plane::Program;
use serde_json::{Value, json};

fn is_empty(world: &World) -> bool {
    ["pods", "nodeclaims", "nodes"]
        .iter()
        .all(|kind| world.items(kind).is_empty())
}

/// Nodes by the claim that they stand for.
fn nodes_by_claim(world: &World) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for node in world.items("nodes") {
        let claim = node["metadata"]["labels"]["kubernetes.io/hostname"].as_str();
        *counts
            .entry(claim.unwrap_or_default().to_owned())
            .or_default() += 1;
    }
    counts
}

fn pool() -> Value {
    json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "default"},
        "spec": {
            "template": {"spec": {
                "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass",
                                 "name": "default"},
                "requirements": [
                    {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
                    {"key": "karpenter.kwok.sh/instance-cpu", "operator": "Lt", "values": ["9"]},
                ],
            }},
            "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "0s",
                           "budgets": [{"nodes": "100%"}]},
        },
    })
}

fn inflate(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "inflate", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "inflate"}},
            "template": {
                "metadata": {"labels": {"app": "inflate"}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{"name": "inflate", "image": "pause",
                                    "resources": {"requests": {"cpu": "1"}}}],
                },
            },
        },
    })
}

#[test]
fn pods_get_nodes_and_empty_nodes_go_through_a_crash_and_an_outage() -> anyhow::Result<()> {
    let mut world = World::start("end-to-end")?;
    world.apply(&[pool(), inflate(0)]);
    let mut first = world.karpenter(&[]);
    first.says("became leader");

    world.apply(&[inflate(10)]);
    until("ten pods run", || world.running() == 10);
    let claims = world.items("nodeclaims");
    assert_eq!(nodes_by_claim(&world).len(), claims.len());
    until("every claim is ready", || {
        world.items("nodeclaims").iter().all(is_ready)
    });
    let reasons: Vec<Value> = world
        .items("events")
        .iter()
        .map(|event| event["reason"].clone())
        .collect();
    for reason in ["Nominated", "Registered", "Initialized", "Ready"] {
        assert!(
            reasons.iter().any(|have| have == reason),
            "no event {reason}: {reasons:?}"
        );
    }

    world.apply(&[inflate(0)]);
    until("everything is gone", || is_empty(&world));

    world.apply(&[inflate(10)]);
    until("claims are made", || !world.items("nodeclaims").is_empty());
    first.signal("-KILL");
    first.ends();
    let mut second = world.karpenter(&[]);
    until("ten pods run", || world.running() == 10);
    let nodes = nodes_by_claim(&world);
    assert!(
        nodes.values().all(|&count| count == 1),
        "doubled: {nodes:?}"
    );
    assert_eq!(nodes.len(), world.items("nodeclaims").len());

    // An outage that outlasts the lease costs time and nothing else.
    world.cluster.kill(Program::KubeApiserver)?;
    second.says("leader election lost, standing by");
    world.cluster.restart(Program::KubeApiserver)?;
    second.says("became leader");
    assert_eq!(world.running(), 10);

    world.apply(&[inflate(0)]);
    until("everything is gone", || is_empty(&world));
    second.signal("-TERM");
    assert_eq!(second.ends().code(), Some(0));
    Ok(())
}

fn is_ready(claim: &Value) -> bool {
    let conditions = claim["status"]["conditions"].as_array();
    conditions.is_some_and(|all| {
        all.iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    })
}
