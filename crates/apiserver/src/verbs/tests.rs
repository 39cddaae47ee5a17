use serde_json::{Value, json};

use crate::{
    Config, DeleteOptions, Propagation, Reason, Server, WriteOptions,
    resource::{JOBS, PDBS, PODS, REPLICA_SETS},
};

fn server() -> Server {
    Server::new(Config::frozen("2026-01-01T00:00:00Z".parse().unwrap(), 1))
}

fn pod(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {"nodeName": "n", "terminationGracePeriodSeconds": 0,
                 "containers": [{"name": "m", "image": "i"}]},
    })
}

fn run(server: &Server, name: &str, ready: &str) {
    server.create(PODS, "default", pod(name)).unwrap();
    server
        .modify(PODS, "default", name, &WriteOptions::status(), |p| {
            p["status"]["phase"] = "Running".into();
            p["status"]["conditions"] = json!([{"type": "Ready", "status": ready}]);
        })
        .unwrap();
}

fn budget(server: &Server, name: &str, policy: Option<&str>, healthy: i64) {
    let mut object = json!({
        "metadata": {"name": name},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    });
    if let Some(policy) = policy {
        object["spec"]["unhealthyPodEvictionPolicy"] = policy.into();
    }
    server.create(PDBS, "default", object).unwrap();
    server
        .modify(PDBS, "default", name, &WriteOptions::status(), |b| {
            b["status"] = json!({
                "observedGeneration": 1, "disruptionsAllowed": 0, "desiredHealthy": 1,
                "currentHealthy": healthy, "expectedPods": 1,
            });
        })
        .unwrap();
}

fn evict(server: &Server, name: &str) -> Result<(), Reason> {
    server
        .evict("default", name, &DeleteOptions::default())
        .map_err(|e| e.reason)
}

#[test]
fn two_budgets_over_one_pod_are_an_error_of_their_own() {
    let server = server();
    run(&server, "a", "True");
    budget(&server, "one", None, 1);
    budget(&server, "two", None, 1);
    assert_eq!(evict(&server, "a"), Err(Reason::InternalError));
}

#[test]
fn unhealthy_pods_go_by_the_policy_of_their_budget() {
    let cases = [
        (None, 0, Err(Reason::TooManyRequests)),
        (None, 1, Ok(())),
        (Some("IfHealthyBudget"), 0, Err(Reason::TooManyRequests)),
        (Some("AlwaysAllow"), 0, Ok(())),
    ];
    for (policy, healthy, wanted) in cases {
        let server = server();
        run(&server, "a", "False");
        budget(&server, "web", policy, healthy);
        assert_eq!(evict(&server, "a"), wanted, "{policy:?} {healthy}");
    }
}

#[test]
fn a_budget_nobody_has_looked_at_yet_refuses_with_a_time_to_wait() {
    let server = server();
    run(&server, "a", "True");
    let object = json!({
        "metadata": {"name": "web"}, "spec": {"minAvailable": 0, "selector": {}},
    });
    server.create(PDBS, "default", object).unwrap();
    let error = server
        .evict("default", "a", &DeleteOptions::default())
        .unwrap_err();
    assert_eq!(error.reason, Reason::TooManyRequests);
    assert_eq!(error.details.unwrap().retry_after_seconds, 10);
}

#[test]
fn finished_pods_are_beyond_any_budget() {
    let server = server();
    run(&server, "a", "False");
    budget(&server, "web", None, 0);
    let options = WriteOptions::status();
    server
        .modify(PODS, "default", "a", &options, |p| {
            p["status"]["phase"] = "Succeeded".into();
        })
        .unwrap();
    assert_eq!(evict(&server, "a"), Ok(()));
}

/// A replica set and one pod of it.
fn owned(server: &Server) {
    let set = json!({
        "metadata": {"name": "rs"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "m", "image": "i"}]},
        }},
    });
    let set = server.create(REPLICA_SETS, "default", set).unwrap();
    let mut object = pod("p");
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": set["metadata"]["uid"],
        "blockOwnerDeletion": true,
    }]);
    object["metadata"]["finalizers"] = json!(["example.com/hold"]);
    server.create(PODS, "default", object).unwrap();
}

fn delete(server: &Server, propagation: Propagation) {
    let options = DeleteOptions {
        propagation: Some(propagation),
        ..DeleteOptions::default()
    };
    server
        .delete(REPLICA_SETS, "default", "rs", &options)
        .unwrap();
    while server.collect_garbage() > 0 {}
}

#[test]
fn a_foreground_deletion_waits_for_its_dependents() {
    let server = server();
    owned(&server);
    delete(&server, Propagation::Foreground);
    let set = server.get(REPLICA_SETS, "default", "rs").unwrap();
    assert!(set["metadata"]["deletionTimestamp"].is_string());
    let release = |p: &mut Value| p["metadata"]["finalizers"] = json!([]);
    server
        .modify(PODS, "default", "p", &WriteOptions::default(), release)
        .unwrap();
    assert!(server.get(PODS, "default", "p").is_err());
    while server.collect_garbage() > 0 {}
    assert!(server.get(REPLICA_SETS, "default", "rs").is_err());
}

#[test]
fn an_orphaning_deletion_leaves_dependents_without_owner() {
    let server = server();
    owned(&server);
    delete(&server, Propagation::Orphan);
    assert!(server.get(REPLICA_SETS, "default", "rs").is_err());
    let pod = server.get(PODS, "default", "p").unwrap();
    assert!(pod["metadata"]["ownerReferences"].is_null());
    assert!(pod["metadata"]["deletionTimestamp"].is_null());
}

#[test]
fn jobs_orphan_their_pods_unless_told_otherwise() {
    let server = server();
    let job = json!({
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "m", "image": "i"}],
        }}},
    });
    server.create(JOBS, "default", job).unwrap();
    let marked = server
        .delete(JOBS, "default", "j", &DeleteOptions::default())
        .unwrap();
    assert_eq!(marked["metadata"]["finalizers"], json!(["orphan"]));
}

#[test]
fn an_object_whose_owner_never_was_is_collected() {
    let server = server();
    let mut object = pod("p");
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": "nobody",
    }]);
    server.create(PODS, "default", object).unwrap();
    assert_eq!(server.collect_garbage(), 1);
    assert!(server.get(PODS, "default", "p").is_err());
}
