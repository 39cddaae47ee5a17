use model::Timestamp;
use model::k8s::Pod;
use serde_json::{Value, json};

use super::{WorkloadKey, reconcile};
use crate::state::State;
use crate::write::Write;

fn workload(kind: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": if kind == "Job" { "batch/v1" } else { "apps/v1" },
        "kind": kind,
        "metadata": { "name": "w", "namespace": "n", "uid": "w-uid" },
        "spec": spec,
    })
}

fn key(kind: &str) -> WorkloadKey {
    WorkloadKey {
        kind: kind.to_owned(),
        namespace: "n".to_owned(),
        name: "w".to_owned(),
    }
}

fn template() -> Value {
    json!({ "metadata": { "labels": { "app": "w" } }, "spec": { "containers": [{ "name": "c" }] } })
}

fn pod(name: &str, phase: &str, node: &str) -> Pod {
    serde_json::from_value(json!({
        "metadata": { "name": name, "namespace": "n", "uid": name, "ownerReferences": [
            { "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "w", "uid": "w-uid", "controller": true },
        ] },
        "spec": { "nodeName": node },
        "status": { "phase": phase },
    }))
    .unwrap()
}

fn run(state: &State, kind: &str) -> Vec<Write> {
    reconcile(state, &key(kind), Timestamp::from_seconds(0))
}

fn created(writes: &[Write]) -> Vec<&Value> {
    writes
        .iter()
        .filter_map(|write| match write {
            Write::Create(object) => Some(object),
            _ => None,
        })
        .collect()
}

fn deleted(writes: &[Write]) -> Vec<&str> {
    writes
        .iter()
        .filter_map(|write| match write {
            Write::Delete { target, .. } => Some(target.name.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn a_replica_set_makes_what_is_missing_and_then_rests() {
    let mut state = State::default();
    let set = workload(
        "ReplicaSet",
        &json!({ "replicas": 2, "template": template() }),
    );
    state.put_workload(key("ReplicaSet"), set);
    let writes = run(&state, "ReplicaSet");
    let pods = created(&writes);
    assert_eq!(pods.len(), 2);
    assert_eq!(pods[0]["metadata"]["generateName"], "w-");
    assert_eq!(pods[0]["metadata"]["ownerReferences"][0]["uid"], "w-uid");
    state.put_pod(pod("w-1", "Running", "a"));
    state.put_pod(pod("w-2", "Pending", ""));
    assert!(run(&state, "ReplicaSet").is_empty());
}

#[test]
fn a_replica_set_gives_up_pending_pods_before_running_ones() {
    let mut state = State::default();
    let set = workload(
        "ReplicaSet",
        &json!({ "replicas": 1, "template": template() }),
    );
    state.put_workload(key("ReplicaSet"), set);
    for (name, phase, node) in [
        ("w-1", "Running", "a"),
        ("w-2", "Pending", ""),
        ("w-3", "Pending", "a"),
    ] {
        state.put_pod(pod(name, phase, node));
    }
    let writes = run(&state, "ReplicaSet");
    assert_eq!(deleted(&writes), ["w-2", "w-3"]);
}

#[test]
fn a_deployment_makes_one_replica_set_for_a_template() {
    let mut state = State::default();
    let spec = json!({ "replicas": 3, "selector": { "matchLabels": { "app": "w" } },
                       "template": template() });
    state.put_workload(key("Deployment"), workload("Deployment", &spec));
    let writes = run(&state, "Deployment");
    let sets = created(&writes);
    assert_eq!(sets.len(), 1);
    assert_eq!(sets[0]["spec"]["replicas"], 3);
    let hash = &sets[0]["spec"]["template"]["metadata"]["labels"]["pod-template-hash"];
    assert_eq!(
        &sets[0]["spec"]["selector"]["matchLabels"]["pod-template-hash"],
        hash
    );
    assert_eq!(
        sets[0]["metadata"]["name"],
        format!("w-{}", hash.as_str().unwrap())
    );
}

/// A Deployment of three whose template has changed, with the sets of both versions and the pods of
/// the old one.
fn rollout(strategy: &Value, old: u64, new: u64) -> State {
    let mut state = State::default();
    let mut spec = json!({ "replicas": 3, "selector": { "matchLabels": { "app": "w" } },
                           "template": template(), "strategy": strategy });
    let mut before = workload("Deployment", &spec);
    before["metadata"]["uid"] = json!("d-uid");
    state.put_workload(key("Deployment"), before.clone());
    let old_set = created(&run(&state, "Deployment"))[0].clone();
    spec["template"]["metadata"]["annotations"] = json!({ "version": "2" });
    before["spec"] = spec;
    state.put_workload(key("Deployment"), before);
    let new_set = created(&run(&state, "Deployment"))[0].clone();
    for (mut set, size, uid) in [(old_set, old, "w-uid"), (new_set, new, "new-uid")] {
        set["metadata"]["uid"] = json!(uid);
        set["spec"]["replicas"] = json!(size);
        let name = set["metadata"]["name"].as_str().unwrap().to_owned();
        let key = WorkloadKey {
            name,
            ..key("ReplicaSet")
        };
        state.put_workload(key, set);
    }
    state
}

/// The sizes that writes give to sets.
fn sizes(writes: &[Write]) -> Vec<u64> {
    let sizes = writes.iter().map(|write| match write {
        Write::Patch { patch, .. } => patch["spec"]["replicas"].as_u64().unwrap(),
        other => panic!("{other:?} gives no size"),
    });
    sizes.collect()
}

#[test]
fn a_rollout_brings_one_new_pod_and_lets_an_old_one_go_once_it_runs() {
    let rolling = json!({ "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } });
    let mut state = rollout(&rolling, 3, 0);
    for name in ["w-1", "w-2", "w-3"] {
        state.put_pod(pod(name, "Running", "a"));
    }
    assert_eq!(sizes(&run(&state, "Deployment")), [1], "the new set grows");
    let mut state = rollout(&rolling, 3, 1);
    for name in ["w-1", "w-2", "w-3"] {
        state.put_pod(pod(name, "Running", "a"));
    }
    assert!(
        sizes(&run(&state, "Deployment")).is_empty(),
        "the new pod does not run yet"
    );
    let mut new = pod("new-1", "Running", "a");
    new.metadata.owner_references[0].uid = "new-uid".to_owned();
    state.put_pod(new.clone());
    assert_eq!(
        sizes(&run(&state, "Deployment")),
        [2],
        "the old set shrinks"
    );
    let unready = json!([{ "type": "Ready", "status": "False" }]);
    new.status.conditions = serde_json::from_value(unready).unwrap();
    state.put_pod(new);
    assert!(
        sizes(&run(&state, "Deployment")).is_empty(),
        "the new pod is not ready"
    );
}

#[test]
fn with_the_strategy_recreate_all_old_pods_go_before_the_first_new_one_comes() {
    let recreate = json!({ "type": "Recreate" });
    let mut state = rollout(&recreate, 3, 0);
    state.put_pod(pod("w-1", "Running", "a"));
    assert_eq!(sizes(&run(&state, "Deployment")), [0]);
    let mut state = rollout(&recreate, 0, 0);
    state.put_pod(pod("w-1", "Running", "a"));
    assert!(sizes(&run(&state, "Deployment")).is_empty());
    state.remove_pod(&pod("w-1", "Running", "a").key());
    assert_eq!(sizes(&run(&state, "Deployment")), [3]);
}

#[test]
fn a_deployment_keeps_as_many_old_versions_as_its_limit_says() {
    let mut state = rollout(&json!({}), 0, 3);
    assert!(
        run(&state, "Deployment").is_empty(),
        "ten are kept by default"
    );
    let deployment = state.workloads[&key("Deployment")].clone();
    let mut deployment = Value::clone(&deployment);
    deployment["spec"]["revisionHistoryLimit"] = json!(0);
    state.put_workload(key("Deployment"), deployment);
    assert_eq!(deleted(&run(&state, "Deployment")).len(), 1);
}

#[test]
fn a_stateful_set_waits_for_each_pod_unless_it_is_parallel() {
    for (policy, expected) in [("OrderedReady", 1), ("Parallel", 3)] {
        let mut state = State::default();
        let spec = json!({ "replicas": 3, "podManagementPolicy": policy, "template": template() });
        state.put_workload(key("StatefulSet"), workload("StatefulSet", &spec));
        let writes = run(&state, "StatefulSet");
        assert_eq!(created(&writes).len(), expected, "{policy}");
        assert_eq!(created(&writes)[0]["metadata"]["name"], "w-0");
    }
}

#[test]
fn a_job_runs_so_many_pods_at_once_and_ends_with_the_last() {
    let mut state = State::default();
    let spec = json!({ "parallelism": 2, "completions": 3, "template": template() });
    state.put_workload(key("Job"), workload("Job", &spec));
    assert_eq!(created(&run(&state, "Job")).len(), 2);
    for name in ["w-1", "w-2"] {
        state.put_pod(pod(name, "Succeeded", "a"));
    }
    assert_eq!(created(&run(&state, "Job")).len(), 1, "one is left");
    state.put_pod(pod("w-3", "Succeeded", "a"));
    let writes = run(&state, "Job");
    assert!(
        matches!(&writes[..], [Write::Patch { patch, .. }] if patch["status"]["succeeded"] == 3)
    );
}

#[test]
fn a_daemon_set_has_one_pod_on_each_node_that_admits_it() {
    let mut state = State::default();
    let mut template = template();
    template["spec"]["nodeSelector"] = json!({ "os": "linux" });
    state.put_workload(
        key("DaemonSet"),
        workload("DaemonSet", &json!({ "template": template })),
    );
    for (name, os) in [("a", "linux"), ("b", "windows")] {
        let node = json!({ "metadata": { "name": name, "labels": { "os": os } },
            "spec": { "taints": [{ "key": "node.kubernetes.io/not-ready", "effect": "NoExecute" }] } });
        state.put_node(serde_json::from_value(node).unwrap());
    }
    let writes = run(&state, "DaemonSet");
    let pods = created(&writes);
    assert_eq!(pods.len(), 1);
    let terms = &pods[0]["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        ["nodeSelectorTerms"];
    assert_eq!(terms[0]["matchFields"][0]["values"], json!(["a"]));
}

#[test]
fn a_stateful_set_makes_claims_for_its_pods_and_keeps_them_unless_told_otherwise() {
    let spec = |replicas: usize, policy: &str| {
        json!({
            "replicas": replicas,
            "podManagementPolicy": "Parallel",
            "selector": { "matchLabels": { "app": "w" } },
            "template": template(),
            "persistentVolumeClaimRetentionPolicy": { "whenScaled": policy },
            "volumeClaimTemplates": [
                { "metadata": { "name": "data" }, "spec": { "accessModes": ["ReadWriteOnce"] } }],
        })
    };
    let mut state = State::default();
    state.put_workload(
        key("StatefulSet"),
        workload("StatefulSet", &spec(2, "Retain")),
    );
    let writes = run(&state, "StatefulSet");
    let made = created(&writes);
    let names: Vec<&str> = made
        .iter()
        .map(|object| object["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["data-w-0", "w-0", "data-w-1", "w-1"]);
    assert_eq!(
        made[1]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"],
        "data-w-0"
    );
    for name in ["data-w-0", "data-w-1", "other-w-1"] {
        let claim = json!({ "metadata": { "name": name, "namespace": "n" } });
        state
            .storage
            .put_claim(serde_json::from_value(claim).unwrap());
    }
    for (policy, gone) in [("Retain", vec![]), ("Delete", vec!["data-w-1"])] {
        state.put_workload(
            key("StatefulSet"),
            workload("StatefulSet", &spec(1, policy)),
        );
        let writes = run(&state, "StatefulSet");
        assert_eq!(deleted(&writes), gone, "{policy}");
    }
}
