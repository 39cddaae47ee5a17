//! Pools with a fixed number of nodes, against an API server, in virtual time.

mod common;

use std::time::Duration;

use apiserver::{NODES, PODS, WriteOptions};
use common::{CLAIMS, CLASSES, Fault, POOLS, Rig, set_status};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);
const GATE: [&str; 2] = ["--feature-gates", "StaticCapacity=true"];

/// Creates pool `fixed`.
fn create(rig: &Rig, replicas: i64) {
    let pool = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool",
        "metadata": {"name": "fixed"},
        "spec": {"replicas": replicas, "template": {
            "metadata": {"labels": {"team": "a"}, "annotations": {"note": "kept"}},
            "spec": {
                "taints": [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}],
                "requirements": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]},
                    {"key": "example.com/rack", "operator": "In", "values": ["r1"]}],
                "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}}}}});
    rig.server.create(POOLS, "", pool).expect("a pool");
}

fn change(rig: &Rig, pointer: &str, value: Value) {
    let options = WriteOptions::default();
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
    let written = rig.server.modify(POOLS, "", "fixed", &options, |pool| {
        pool.pointer_mut(parent).expect("the parent")[field] = value;
    });
    written.expect("a change");
}

/// Claims of pool `fixed` that stay.
fn claims(rig: &Rig) -> Vec<Value> {
    let mut all = rig.list(CLAIMS);
    all.retain(|claim| {
        claim["metadata"]["labels"]["karpenter.sh/nodepool"] == "fixed"
            && claim["metadata"]["deletionTimestamp"].is_null()
    });
    all
}

async fn until_count(rig: &Rig, count: usize) {
    rig.until(3 * MINUTE, &format!("{count} nodes of the pool"), |rig| {
        let nodes = rig.list(NODES);
        let ours = |node: &&Value| node["metadata"]["labels"]["karpenter.sh/nodepool"] == "fixed";
        claims(rig).len() == count && nodes.iter().filter(ours).count() == count
    })
    .await;
}

/// SCH-265, SCH-266, SCH-267, SCH-268, SCH-269, ST-01, ST-02, ST-05, SX-01, SX-02.
#[tokio::test(start_paused = true)]
async fn a_pool_has_as_many_nodes_as_it_says() {
    let mut rig = Rig::new();
    rig.start_with(&GATE);
    create(&rig, 3);
    until_count(&rig, 3).await;
    for claim in claims(&rig) {
        let (meta, spec) = (&claim["metadata"], &claim["spec"]);
        assert_eq!(meta["labels"]["team"], "a");
        assert_eq!(meta["labels"]["example.com/rack"], "r1");
        assert_eq!(meta["annotations"]["note"], "kept");
        assert!(meta["annotations"]["karpenter.sh/nodepool-hash"].is_string());
        assert_eq!(meta["ownerReferences"][0]["name"], "fixed");
        assert_eq!(spec["taints"][0]["key"], "dedicated");
        assert_eq!(spec["resources"]["requests"], Value::Null);
        let requirements = spec["requirements"].as_array().expect("requirements");
        let about = |key: &str| requirements.iter().find(|item| item["key"] == key);
        let arch = about("kubernetes.io/arch").expect("the template's requirement");
        assert_eq!(arch["values"], json!(["arm64"]));
        assert_eq!(about("node.kubernetes.io/instance-type"), None);
    }
    for node in rig.list(NODES) {
        assert_eq!(node["metadata"]["labels"]["kubernetes.io/arch"], "arm64");
    }
    // Empty nodes of such a pool stay.
    rig.clock.sleep(5 * MINUTE).await;
    until_count(&rig, 3).await;
    assert_eq!(rig.cloud.launched(), 3);
    change(&rig, "/spec/replicas", json!(5));
    until_count(&rig, 5).await;
    change(&rig, "/spec/replicas", json!(1));
    until_count(&rig, 1).await;
    change(&rig, "/spec/replicas", json!(0));
    until_count(&rig, 0).await;
    rig.until(MINUTE, "everything is gone", Rig::is_bare).await;
    assert_eq!(rig.cloud.launched(), 5, "nothing was launched in vain");
    let text = rig.metrics.to_text();
    let created = "karpenter_nodeclaims_created_total{reason=\"provisioned\",nodepool=\"fixed\",\
                   min_values_relaxed=\"false\"} 5";
    assert!(text.contains(created), "{text}");
}

/// SCH-266, ST-04: the limit of nodes caps what is created; what is reserved is given back.
#[tokio::test(start_paused = true)]
async fn a_limit_of_nodes_caps_the_replicas() {
    let mut rig = Rig::new();
    rig.start_with(&GATE);
    create(&rig, 2);
    until_count(&rig, 2).await;
    change(&rig, "/spec/limits", json!({"nodes": "4"}));
    change(&rig, "/spec/replicas", json!(9));
    until_count(&rig, 4).await;
    rig.clock.sleep(2 * MINUTE).await;
    until_count(&rig, 4).await;
    change(&rig, "/spec/limits", json!({"nodes": "9"}));
    until_count(&rig, 9).await;
}

/// SCH-138: such a pool gets no node for a pod; pods may run on the nodes that it has.
#[tokio::test(start_paused = true)]
async fn pods_get_no_further_nodes_of_a_fixed_pool() {
    for gate in ["StaticCapacity=true", "StaticCapacity=false"] {
        let mut rig = Rig::new();
        let options = apiserver::DeleteOptions::now();
        rig.server
            .delete(POOLS, "", "default", &options)
            .expect("a deletion");
        rig.start_with(&["--feature-gates", gate]);
        create(&rig, 0);
        rig.pod(
            "web",
            &json!({"spec": {"tolerations": [{"operator": "Exists"}]}}),
        );
        rig.clock.sleep(3 * MINUTE).await;
        assert_eq!(rig.list(CLAIMS), Vec::<Value>::new(), "{gate}");
        assert!(rig.list(PODS)[0]["spec"]["nodeName"].is_null());
        assert!(
            rig.event_reasons()
                .iter()
                .any(|reason| reason == "FailedScheduling")
        );
        change(&rig, "/spec/replicas", json!(2));
        if gate.ends_with("true") {
            until_count(&rig, 2).await;
        } else {
            rig.clock.sleep(3 * MINUTE).await;
            assert_eq!(
                rig.list(CLAIMS),
                Vec::<Value>::new(),
                "nothing without the gate"
            );
        }
    }
}

/// SCH-268, SCH-265, ST-06, ST-10: only a pool that is ready grows; one that is no longer ready
/// stays as it is.
#[tokio::test(start_paused = true)]
async fn a_pool_grows_when_it_becomes_ready() {
    let ready = |status: &str| {
        json!([{"type": "Ready", "status": status, "reason": "Test", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}])
    };
    let mut rig = Rig::new();
    set_status(
        &rig.server,
        CLASSES,
        "default",
        "conditions",
        ready("False"),
    );
    rig.start_with(&GATE);
    create(&rig, 2);
    rig.clock.sleep(2 * MINUTE).await;
    assert_eq!(claims(&rig).len(), 0);
    set_status(&rig.server, CLASSES, "default", "conditions", ready("True"));
    until_count(&rig, 2).await;
    set_status(
        &rig.server,
        CLASSES,
        "default",
        "conditions",
        ready("False"),
    );
    rig.clock.sleep(Duration::from_secs(10)).await;
    change(&rig, "/spec/replicas", json!(3));
    rig.clock.sleep(2 * MINUTE).await;
    until_count(&rig, 2).await;
    // It can still shrink.
    change(&rig, "/spec/replicas", json!(1));
    until_count(&rig, 1).await;
}

/// SCH-266, SCH-269, ST-09, SX-07: what fails is repeated, and nothing is done twice; also when the
/// process ends in the middle of it. Room that was set aside for what failed is given back: the
/// limit has none to spare.
#[tokio::test(start_paused = true)]
async fn failures_and_crashes_leave_neither_more_nor_fewer_nodes() {
    for (method, fault) in [
        ("POST", Fault::LostRequest),
        ("POST", Fault::LostAnswer),
        ("POST", Fault::Hang),
        ("DELETE", Fault::LostRequest),
        ("DELETE", Fault::LostAnswer),
        ("DELETE", Fault::Hang),
    ] {
        let mut rig = Rig::new();
        rig.wire.aim(method, "/nodeclaims", fault);
        rig.start_with(&GATE);
        create(&rig, 0);
        change(&rig, "/spec/limits", json!({"nodes": "3"}));
        change(&rig, "/spec/replicas", json!(3));
        let mut wanted = 3;
        if method == "DELETE" {
            until_count(&rig, 3).await;
            wanted = 1;
            change(&rig, "/spec/replicas", json!(wanted));
        }
        if fault == Fault::Hang {
            let hung = |rig: &Rig| rig.wire.take_hung();
            rig.until(MINUTE, "the write hangs", hung).await;
            rig.crash().await;
            rig.start_with(&GATE);
        }
        until_count(&rig, wanted).await;
        rig.clock.sleep(2 * MINUTE).await;
        until_count(&rig, wanted).await;
        assert_eq!(rig.cloud.launched(), 3, "{method} {fault:?}");
        rig.until(MINUTE, "no instance is left over", |rig| {
            rig.cloud.alive() == wanted
        })
        .await;
    }
}

/// ST-08: as long as it is not known which nodes there are, none is created; then each is created
/// once.
#[tokio::test(start_paused = true)]
async fn nothing_is_created_before_everything_has_been_listed() {
    const LOST: usize = 25;
    let mut rig = Rig::new();
    for _ in 0..LOST {
        rig.wire.aim("GET", "/api/v1/nodes", Fault::LostRequest);
    }
    create(&rig, 3);
    rig.start_with(&GATE);
    rig.until(10 * MINUTE, "the list arrives", |rig| {
        let listed = rig.wire.reads("/api/v1/nodes") > LOST;
        assert!(listed || claims(rig).is_empty(), "not before");
        listed
    })
    .await;
    until_count(&rig, 3).await;
    rig.clock.sleep(2 * MINUTE).await;
    assert_eq!(rig.cloud.launched(), 3);
}
