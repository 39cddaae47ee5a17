use cluster::Snapshot;
use requirements::Vocabulary;
use serde_json::{Value, json};

use super::*;

fn snapshot(items: &[Value]) -> Snapshot {
    testkit::world::cluster_of(items, Vocabulary::core(), &Arc::from([])).snapshot()
}

/// A pod `p` with labels and, if it has one, an owner.
fn pod(labels: &Value, owner: Option<(&str, &str, &str)>) -> Value {
    let owners: Vec<Value> = owner
        .into_iter()
        .map(|(api, kind, name)| {
            json!({"apiVersion": api, "kind": kind, "name": name, "uid": "u", "controller": true})
        })
        .collect();
    json!({"kind": "Pod",
        "metadata": {"name": "p", "namespace": "n", "uid": "p", "labels": labels,
            "ownerReferences": owners},
        "spec": {"containers": [{"name": "c"}]}})
}

fn service(name: &str, namespace: &str, selector: &Value) -> Value {
    json!({"kind": "Service", "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": selector}})
}

fn workload(kind: &str, name: &str, selector: &Value) -> Value {
    json!({"kind": kind, "metadata": {"name": name, "namespace": "n"},
        "spec": {"selector": selector}})
}

fn default(key: &str, when: &str) -> TopologySpreadConstraint {
    TopologySpreadConstraint {
        max_skew: 1,
        topology_key: key.to_owned(),
        when_unsatisfiable: when.to_owned(),
        min_domains: Some(3),
        node_taints_policy: Some("Honor".to_owned()),
        ..TopologySpreadConstraint::default()
    }
}

fn all(items: &[Value]) -> Vec<TopologySpreadConstraint> {
    let snapshot = snapshot(items);
    let pod = snapshot.find_pod("n", "p").unwrap();
    let defaults = [
        default("zone", "DoNotSchedule"),
        default("host", "ScheduleAnyway"),
    ];
    constraints(&pod, &snapshot.selectors, &defaults)
}

/// The selector that is deduced; none if the pod is left as it is.
fn selector(items: &[Value]) -> Option<Value> {
    let constraints = all(items);
    let selector = constraints.first()?.label_selector.as_ref().unwrap();
    Some(serde_json::to_value(selector).unwrap())
}

fn is_in(key: &str, value: &str) -> Value {
    json!({"key": key, "operator": "In", "values": [value]})
}

const REPLICA_SET: Option<(&str, &str, &str)> = Some(("apps/v1", "ReplicaSet", "web-1"));

/// SCH-262, SCH-263, SCH-264: where the selector comes from.
#[test]
fn selectors_come_from_services_and_the_controller() {
    let web = json!({"app": "web", "pod-template-hash": "1", "tier": "front"});
    let of_set = |selector: &Value| {
        vec![
            pod(&web, REPLICA_SET),
            workload("ReplicaSet", "web-1", selector),
        ]
    };
    let with = |mut items: Vec<Value>, more: Value| {
        items.push(more);
        items
    };
    let hash = json!({"matchLabels": {"pod-template-hash": "1"}});
    let by_hash = json!({"matchExpressions": [is_in("pod-template-hash", "1")]});
    let cases: Vec<(&str, Vec<Value>, Option<Value>)> = vec![
        ("no owner and no service", vec![pod(&web, None)], None),
        (
            "a replica set's selector, not the pod's labels",
            of_set(&hash),
            Some(by_hash.clone()),
        ),
        (
            "expressions as they are",
            of_set(&json!({"matchLabels": {"app": "web"},
                "matchExpressions": [{"key": "tier", "operator": "Exists"}]})),
            Some(json!({"matchExpressions":
                [is_in("app", "web"), {"key": "tier", "operator": "Exists"}]})),
        ),
        (
            "a stateful set",
            vec![
                pod(&web, Some(("apps/v1", "StatefulSet", "db"))),
                workload("StatefulSet", "db", &json!({"matchLabels": {"app": "web"}})),
            ],
            Some(json!({"matchExpressions": [is_in("app", "web")]})),
        ),
        (
            "services alone, all that match",
            vec![
                pod(&web, None),
                service("a", "n", &json!({"app": "web"})),
                service("b", "n", &json!({"tier": "front"})),
                service("c", "n", &json!({"tier": "back"})),
                service("d", "other", &json!({"pod-template-hash": "1"})),
            ],
            Some(json!({"matchLabels": {"app": "web", "tier": "front"}})),
        ),
        (
            "services without a selector say nothing",
            vec![
                pod(&web, None),
                service("a", "n", &json!(null)),
                service("b", "n", &json!({})),
            ],
            None,
        ),
        (
            "service and replica set",
            with(of_set(&hash), service("a", "n", &json!({"app": "web"}))),
            Some(json!({"matchLabels": {"app": "web"},
                "matchExpressions": by_hash["matchExpressions"]})),
        ),
        (
            "a replication controller's labels go over a service's",
            vec![
                pod(&web, Some(("v1", "ReplicationController", "old"))),
                service("a", "n", &json!({"app": "web"})),
                workload("ReplicationController", "old", &json!({"app": "other"})),
            ],
            Some(json!({"matchLabels": {"app": "other"}})),
        ),
        ("an owner that is gone", vec![pod(&web, REPLICA_SET)], None),
        (
            "owners of other kinds and groups",
            vec![
                pod(&web, Some(("batch/v1", "Job", "web-1"))),
                workload("ReplicaSet", "web-1", &hash),
            ],
            None,
        ),
        (
            "a kind of another group",
            vec![
                pod(&web, Some(("example.com/v1", "ReplicaSet", "web-1"))),
                workload("ReplicaSet", "web-1", &hash),
            ],
            None,
        ),
    ];
    for (what, items, expected) in cases {
        assert_eq!(selector(&items), expected, "{what}");
    }
}

/// SCH-264: who merely refers to a workload does not belong to it.
#[test]
fn only_the_controlling_owner_counts() {
    let mut pod = pod(&json!({"app": "web"}), REPLICA_SET);
    let set = workload(
        "ReplicaSet",
        "web-1",
        &json!({"matchLabels": {"app": "web"}}),
    );
    assert!(selector(&[pod.clone(), set.clone()]).is_some());
    pod["metadata"]["ownerReferences"][0]["controller"] = json!(false);
    assert_eq!(selector(&[pod, set]), None);
}

/// SCH-260: all or nothing.
#[test]
fn a_pod_with_a_constraint_of_its_own_gets_no_default() {
    let mut pod = pod(&json!({"app": "web"}), None);
    let service = service("a", "n", &json!({"app": "web"}));
    assert_eq!(all(&[pod.clone(), service.clone()]).len(), 2);
    pod["spec"]["topologySpreadConstraints"] = json!([{"maxSkew": 5, "topologyKey": "rack",
        "whenUnsatisfiable": "ScheduleAnyway"}]);
    assert_eq!(all(&[pod, service]), []);
}

/// SCH-261, SCH-264: each default is copied whole, with the selector.
#[test]
fn defaults_keep_their_other_fields() {
    let items = [
        pod(&json!({"app": "web"}), None),
        service("a", "n", &json!({"app": "web"})),
    ];
    let mut constraints = all(&items);
    for constraint in &mut constraints {
        assert!(constraint.label_selector.take().is_some());
    }
    let defaults = [
        default("zone", "DoNotSchedule"),
        default("host", "ScheduleAnyway"),
    ];
    assert_eq!(constraints, defaults);
}

/// SCH-262: without configuration nothing is deduced.
#[test]
fn without_defaults_there_is_no_constraint() {
    let items = [
        pod(&json!({"app": "web"}), None),
        service("a", "n", &json!({"app": "web"})),
    ];
    let snapshot = snapshot(&items);
    let pod = snapshot.find_pod("n", "p").unwrap();
    assert_eq!(constraints(&pod, &snapshot.selectors, &[]), []);
}

/// SCH-264: pods with different labels or in different namespaces never share a selector. Labels
/// that number pods count as well: a service may select one pod of a stateful set.
#[test]
fn labels_that_are_the_pods_own_count() {
    let key = "statefulset.kubernetes.io/pod-name";
    let labels = json!({"app": "web", key: "p"});
    let items = [
        pod(&labels, None),
        service("one", "n", &json!({key: "p"})),
        service("two", "n", &json!({key: "q"})),
    ];
    assert_eq!(selector(&items), Some(json!({"matchLabels": {key: "p"}})));
}
