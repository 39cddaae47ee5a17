//! Scenarios of selection: by labels of pools, by the name of a pool.

mod common;

use common::world::{Place, World, affinity, new_node, place};
use serde_json::{Value, json};

fn labelled(labels: Value) -> Value {
    json!({"spec": {"template": {"metadata": {"labels": labels}}}})
}

fn selects(key: &str, value: &str) -> Value {
    json!({"nodeSelector": {key: value}})
}

/// SCH-5, SCH-8, SCH-9: labels that a pool gives to its nodes can be selected by, with the value
/// that it gives. Those of Karpenter's own domain can't, whoever says that they are there.
#[test]
fn pods_select_by_labels_of_a_pool() {
    let table = [
        ("disk", "ssd", true),
        ("disk", "hdd", false),
        ("kubernetes.io/disk", "ssd", true),
        ("sub.kubernetes.io/disk", "ssd", true),
        ("k8s.io/disk", "ssd", true),
        ("sub.k8s.io/disk", "ssd", true),
        ("karpenter.sh/disk", "ssd", false),
        ("sub.karpenter.sh/disk", "ssd", false),
    ];
    for (key, value, expected) in table {
        for spec in [selects(key, value), affinity(key, "In", &[value])] {
            let placement = World::empty()
                .pool("default", labelled(json!({key: "ssd"})))
                .pod("p", "1", spec)
                .solve();
            let found = matches!(place(&placement, "p"), Place::New(_));
            assert_eq!(found, expected, "{key}={value}");
        }
    }
}

/// SCH-6: a pool by its name.
#[test]
fn pods_select_a_pool_by_its_name() {
    let solve = |name: &str| {
        World::empty()
            .pool("one", json!({"spec": {"weight": 10}}))
            .pool("two", json!({}))
            .pod("p", "1", selects("karpenter.sh/nodepool", name))
            .solve()
    };
    for name in ["one", "two"] {
        assert_eq!(&*new_node(&solve(name), "p").pool, name);
    }
    assert!(matches!(place(&solve("three"), "p"), Place::Nowhere(_)));
}
