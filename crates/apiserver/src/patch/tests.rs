use serde_json::{Value, json};

use super::{
    fields::{Difference, Fields},
    shape::Shape,
};

const BUILTIN: Shape<'static> = Shape::Builtin {
    parent: "",
    field: "",
};

/// The examples of RFC 7386, appendix A.
#[test]
fn merge_patches_follow_the_rfc() {
    let cases = [
        (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
        (
            json!({"a": "b"}),
            json!({"b": "c"}),
            json!({"a": "b", "b": "c"}),
        ),
        (json!({"a": "b"}), json!({"a": null}), json!({})),
        (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
        (
            json!({"a": {"b": "c"}}),
            json!({"a": {"b": "d", "c": null}}),
            json!({"a": {"b": "d"}}),
        ),
        (
            json!({"a": [{"b": "c"}]}),
            json!({"a": [1]}),
            json!({"a": [1]}),
        ),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (
            json!({"e": null}),
            json!({"a": 1}),
            json!({"e": null, "a": 1}),
        ),
        (
            json!({}),
            json!({"a": {"bb": {"ccc": null}}}),
            json!({"a": {"bb": {}}}),
        ),
    ];
    for (mut target, patch, wanted) in cases {
        super::merge::apply(&mut target, &patch);
        assert_eq!(target, wanted, "{patch}");
    }
}

#[test]
fn json_patches_change_lists_by_index() {
    let mut target = json!({"a": [1, 2, 3]});
    let ops = json!([
        {"op": "add", "path": "/a/1", "value": 9},
        {"op": "remove", "path": "/a/0"},
        {"op": "add", "path": "/a/-", "value": 7},
        {"op": "move", "from": "/a/0", "path": "/b"},
    ]);
    super::json::apply(&mut target, &ops).unwrap();
    assert_eq!(target, json!({"a": [2, 3, 7], "b": 9}));
}

#[test]
fn a_json_patch_that_fails_halfway_changes_nothing() {
    let mut target = json!({"a": 1});
    let ops = json!([
        {"op": "replace", "path": "/a", "value": 2},
        {"op": "remove", "path": "/missing"},
    ]);
    assert!(super::json::apply(&mut target, &ops).is_err());
    assert_eq!(target, json!({"a": 1}));
}

fn strategic(mut target: Value, patch: &Value) -> Value {
    super::strategic::apply(&mut target, patch).unwrap();
    target
}

#[test]
fn strategic_patches_know_keys_sets_and_directives() {
    let pod = json!({
        "metadata": {"finalizers": ["a", "b"]},
        "spec": {"tolerations": [{"key": "x"}], "containers": [{"name": "m", "image": "1"}]},
        "status": {"conditions": [{"type": "Ready", "status": "False"}]},
    });
    let after = strategic(
        pod.clone(),
        &json!({
            "metadata": {"finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"]},
            "spec": {
                "tolerations": [{"key": "y"}],
                "containers": [{"name": "n", "image": "2"}],
                "$setElementOrder/containers": [{"name": "n"}, {"name": "m"}],
            },
            "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Other"}]},
        }),
    );
    let mut finalizers: Vec<&str> = after["metadata"]["finalizers"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    finalizers.sort_unstable();
    assert_eq!(finalizers, ["b", "c"]);
    assert_eq!(after["spec"]["tolerations"], json!([{"key": "y"}]));
    assert_eq!(after["spec"]["containers"][0]["name"], "n");
    assert_eq!(after["spec"]["containers"][1]["image"], "1");
    assert_eq!(
        after["status"]["conditions"],
        json!([{"type": "Ready", "status": "True"}, {"type": "Other"}])
    );
    let after = strategic(pod, &json!({"spec": {"$patch": "replace", "x": 1}}));
    assert_eq!(after["spec"], json!({"x": 1}));
    let keyless = json!({"spec": {"containers": [{"image": "3"}]}});
    assert!(super::strategic::apply(&mut json!({}), &keyless).is_err());
}

#[test]
fn field_sets_survive_their_json_form() {
    let object = json!({
        "metadata": {"labels": {"a": "b"}, "finalizers": ["x"]},
        "spec": {"containers": [{"name": "m", "ports": [{"containerPort": 80}]}], "empty": {}},
    });
    let set = Fields::of(BUILTIN, &object);
    let form = set.to_json();
    assert_eq!(Fields::from_json(&form), set);
    let container = &form["f:spec"]["f:containers"]["k:{\"name\":\"m\"}"];
    assert_eq!(container["."], json!({}));
    // A port without a protocol is a TCP port.
    assert!(container["f:ports"]["k:{\"containerPort\":80,\"protocol\":\"TCP\"}"].is_object());
    assert_eq!(form["f:metadata"]["f:finalizers"], json!({"v:\"x\"": {}}));
}

#[test]
fn differences_tell_written_from_removed() {
    let old = json!({"data": {"same": "1", "changed": "1", "gone": "1"}});
    let new = json!({"data": {"same": "1", "changed": "2", "new": "1"}});
    let change = Difference::between(BUILTIN, &old, &new);
    assert_eq!(
        change.written.to_json(),
        json!({"f:data": {"f:changed": {}, "f:new": {}}})
    );
    assert_eq!(change.removed.to_json(), json!({"f:data": {"f:gone": {}}}));
}
