use serde_json::json;

use super::{columns::lookup, *};

#[test]
fn newer_and_stabler_versions_come_first() {
    let mut versions = [
        "v1alpha1", "v1", "v2beta1", "v10", "v1beta2", "v1beta1", "odd",
    ];
    versions.sort_by_key(|v| std::cmp::Reverse(version_rank(v)));
    assert_eq!(
        versions,
        [
            "v10", "v1", "v2beta1", "v1beta2", "v1beta1", "v1alpha1", "odd"
        ]
    );
}

#[test]
fn printer_paths_find_filters_and_quoted_names() {
    let object = json!({
        "metadata": {"labels": {"a.b/c": "x"}},
        "status": {"conditions": [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}]},
        "list": [1, 2],
    });
    let found = |path: &str| lookup(&object, path).cloned().unwrap_or_default();
    assert_eq!(
        found(".status.conditions[?(@.type==\"Ready\")].status"),
        "True"
    );
    assert_eq!(found(".metadata.labels.a\\.b/c"), "x");
    assert_eq!(found(".metadata.labels['a.b/c']"), "x");
    assert_eq!(found(".list[1]"), 2);
    assert!(lookup(&object, ".nope.deeper").is_none());
}

#[test]
fn built_in_resources_share_a_shelf_over_versions_and_groups() {
    let mut store = Store::new(1);
    let registry = Registry::builtin(&mut store);
    let shelf = |group, version, plural| {
        registry
            .find(Resource::new(group, version, plural))
            .unwrap()
            .shelf
    };
    assert_eq!(
        shelf("", "v1", "events"),
        shelf("events.k8s.io", "v1", "events")
    );
    assert_eq!(
        shelf("autoscaling", "v1", "horizontalpodautoscalers"),
        shelf("autoscaling", "v2", "horizontalpodautoscalers")
    );
    assert_ne!(shelf("", "v1", "pods"), shelf("", "v1", "nodes"));
    assert!(
        registry
            .find(Resource::new("apps", "v2", "deployments"))
            .is_err()
    );
}

#[test]
fn definitions_need_a_name_a_schema_and_one_stored_version() {
    let errors = CrdParts::parse(&json!({
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": false}],
        },
    }))
    .unwrap_err();
    let fields: Vec<&str> = errors.iter().map(|e| e.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "metadata.name",
            "spec.versions",
            "spec.versions[0].schema.openAPIV3Schema"
        ]
    );
}
