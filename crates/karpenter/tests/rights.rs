//! The rights that the chart gives the controller are enough for everything that it does, also for
//! what is behind feature gates. All other end-to-end tests run with these rights too; this one
//! reads what the API server has refused.

mod common;

use common::{audit::Calls, until, world::World};
use control_plane::Settings;
use install::rbac;
use serde_json::{Value, json};

/// Turns on everything that asks the API server for more.
const EVERYTHING: [&str; 6] = [
    "--feature-gates",
    "NodeRepair=true,NodeOverlay=true,StaticCapacity=true,CapacityBuffer=true,\
     SpotToSpotConsolidation=true",
    "--ignore-dra-requests=false",
    "--scheduler-config",
    r#"{"podTopologySpread":{"defaultConstraints":[{"maxSkew":5,
        "topologyKey":"topology.kubernetes.io/zone","whenUnsatisfiable":"ScheduleAnyway"}]}}"#,
    "--batch-idle-duration=200ms",
];

/// Rights that this test has no use for. The other tests, or clusters unlike this one, have.
const FOR_OTHERS: [(&str, &str); 3] = [
    ("delete", "nodeclaims"), // Disruption; claims of a pool that is deleted go without a call.
    ("delete", "pods"),       // Pods that a deadline catches.
    ("patch", "events"),      // What is said more than once.
];

fn pool(name: &str, spec: &Value) -> Value {
    let mut whole = json!({
        "template": {"spec": {
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass",
                             "name": "default"},
            "requirements": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}],
        }},
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "0s",
                       "budgets": [{"nodes": "100%"}]},
    });
    for (key, value) in spec.as_object().into_iter().flatten() {
        whole[key] = value.clone();
    }
    json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name},
           "spec": whole})
}

fn pod_template() -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [
            {"name": "web", "image": "pause", "resources": {"requests": {"cpu": "1"}}}]},
    })
}

fn web(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
                 "template": pod_template()},
    })
}

/// Objects of every kind that is watched or written only for a feature.
fn features() -> Vec<Value> {
    let buffer = |name: &str, source: Value| {
        let mut spec = json!({"replicas": 1});
        for (key, value) in source.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        json!({"apiVersion": "autoscaling.x-k8s.io/v1beta1", "kind": "CapacityBuffer",
               "metadata": {"name": name, "namespace": "default"}, "spec": spec})
    };
    vec![
        pool("default", &json!({})),
        pool("fixed", &json!({"replicas": 1})),
        web(0),
        json!({"apiVersion": "v1", "kind": "PodTemplate",
               "metadata": {"name": "room", "namespace": "default"}, "template": pod_template()}),
        buffer("template", json!({"podTemplateRef": {"name": "room"}})),
        buffer(
            "workload",
            json!({"scalableRef": {"apiGroup": "apps", "kind": "Deployment", "name": "web"}}),
        ),
        json!({"apiVersion": "karpenter.sh/v1alpha1", "kind": "NodeOverlay",
               "metadata": {"name": "cheap"}, "spec": {
                   "requirements": [{"key": "kubernetes.io/os", "operator": "In",
                                     "values": ["linux"]}],
                   "priceAdjustment": "-10%", "weight": 1}}),
    ]
}

#[test]
fn nothing_that_the_controller_asks_for_is_refused() -> anyhow::Result<()> {
    let world = World::start_with("rights", Settings { audit: true })?;
    world.apply(&features());
    let mut karpenter = world.karpenter(&EVERYTHING);
    karpenter.says("became leader");
    let has = |kind: &str, name: &str, condition: &str| {
        let items = world.items(kind);
        let named = items.iter().find(|item| item["metadata"]["name"] == name);
        let conditions = named.and_then(|item| item["status"]["conditions"].as_array());
        conditions.is_some_and(|all| {
            all.iter()
                .any(|held| held["type"] == condition && held["status"] == "True")
        })
    };
    for buffer in ["template", "workload"] {
        until("the buffer is read", || {
            has("capacitybuffers", buffer, "ReadyForProvisioning")
        });
    }
    until("the overlay is read", || {
        has("nodeoverlays", "cheap", "Ready")
    });
    until("the pool of fixed size has its node", || {
        world
            .items("nodes")
            .iter()
            .any(|node| node["metadata"]["labels"]["karpenter.sh/nodepool"] == "fixed")
    });
    world.apply(&[web(3)]);
    until("three pods run", || world.running() == 3);
    // Draining, and ends of claims and nodes.
    world.apply(&[web(1)]);
    world
        .kubectl(&["delete", "nodepools", "--all", "--wait=false"])
        .expect("deletes");
    until("every node is gone", || world.items("nodes").is_empty());
    karpenter.signal("-TERM");
    assert_eq!(karpenter.ends().code(), Some(0));

    let calls = Calls::of(&world);
    calls.assert_none_refused();
    // The log is about this account, what matters most is in it, and nothing is granted that is
    // not used.
    let rules = [rbac::LOOPS, rbac::KWOK, rbac::LEASE].concat();
    calls.assert_all_used(&rules, &FOR_OTHERS);
    for (verb, resource) in [
        ("create", "nodeclaims"),
        ("create", "nodes"),
        ("create", "pods/eviction"),
        ("create", "events"),
        ("update", "leases"),
        ("watch", "resourceclaims"),
        ("watch", "podtemplates"),
        ("get", "deployments"),
        ("watch", "services"),
        ("patch", "capacitybuffers/status"),
        ("patch", "nodeoverlays/status"),
        ("patch", "nodepools/status"),
        ("delete", "nodes"),
    ] {
        assert!(calls.has(verb, resource), "never: {verb} {resource}");
    }
    Ok(())
}
