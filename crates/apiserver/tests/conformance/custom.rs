//! Custom resources: pruning, defaults, validation, CEL rules, subresources.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::World;

const GROUP: &str = "conformance.example.com";

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{GROUP}")},
        "spec": {
            "group": GROUP, "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"},
                },
                "schema": {"openAPIV3Schema": {
                    "type": "object", "required": ["spec"],
                    "properties": {"spec": spec_schema(), "status": {
                        "type": "object", "properties": {"size": {"type": "integer"}},
                    }},
                }},
            }],
        },
    })
}

fn spec_schema() -> Value {
    json!({
        "type": "object", "required": ["mode"],
        "properties": {
            "mode": {"type": "string", "enum": ["Fast", "Slow"]},
            "size": {"type": "integer", "minimum": 0, "maximum": 9, "default": 1},
            "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5, "minLength": 2},
            "class": {
                "type": "string",
                "x-kubernetes-validations": [
                    {"rule": "self == oldSelf", "message": "class is immutable"},
                ],
            },
            "port": {"x-kubernetes-int-or-string": true},
            "tags": {
                "type": "array", "maxItems": 3, "x-kubernetes-list-type": "set",
                "items": {"type": "string"},
            },
            "parts": {
                "type": "array", "maxItems": 10, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key"],
                "items": {
                    "type": "object", "required": ["key"],
                    "properties": {
                        "key": {"type": "string", "maxLength": 10}, "low": {"type": "integer"},
                        "high": {"type": "integer", "default": 10},
                    },
                    "x-kubernetes-validations": [{
                        "rule": "!has(self.low) || self.low <= self.high",
                        "messageExpression": "'part ' + self.key + ' is upside down'",
                    }],
                },
            },
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "limits": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
        "x-kubernetes-validations": [
            {"rule": "self.mode != 'Slow' || self.size < 5", "message": "slow widgets are small"},
        ],
    })
}

/// Installs the definition and returns the path of its objects.
async fn install(w: &World) -> String {
    let made = w
        .post(
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            &definition(),
        )
        .await;
    assert!(made.code == 201 || made.code == 409, "{:#}", made.body);
    let path = w.group(&format!("{GROUP}/v1"), "widgets");
    for _ in 0..1000 {
        let probe = widget("probe", &json!({"mode": "Fast"}));
        if w.post(&format!("{path}?dryRun=All"), &probe).await.code == 201 {
            return path;
        }
        tokio::time::sleep(Duration::from_millis(10)).await; // poll
    }
    panic!("the definition was not served");
}

fn widget(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": "Widget", "metadata": {"name": name},
        "spec": spec,
    })
}

pub(crate) async fn prunes_and_defaults(w: &World) {
    let path = install(w).await;
    let mut object = widget(
        "a",
        &json!({
            "mode": "Fast", "unknown": 1, "size": null, "parts": [{"key": "k", "other": true}],
            "free": {"any": {"thing": 1}}, "limits": {"x": 1},
        }),
    );
    object["status"] = json!({"size": 3});
    object["extra"] = json!(1);
    let answer = w.post(&path, &object).await;
    let warnings = answer.warnings.join("\n");
    let made = answer.expect(201);
    assert_eq!(
        made["spec"],
        json!({
            "mode": "Fast", "size": 1, "parts": [{"key": "k", "high": 10}],
            "free": {"any": {"thing": 1}}, "limits": {"x": 1},
        })
    );
    assert!(made.get("status").is_none() && made.get("extra").is_none());
    assert_eq!(made["metadata"]["generation"], 1);
    for field in ["extra", "spec.unknown", "spec.parts[0].other"] {
        assert!(
            warnings.contains(&format!("unknown field \\\"{field}\\\"")),
            "{warnings}"
        );
    }
}

pub(crate) async fn reports_every_structural_error(w: &World) {
    let path = install(w).await;
    let object = widget(
        "a",
        &json!({
            "size": 10, "name": "Toolong1", "tags": ["a", "b", "c", "d"],
        }),
    );
    let mut causes = w.post(&path, &object).await.causes();
    causes.sort();
    assert_eq!(
        causes,
        [
            "<nil>: Invalid value: null: some validation rules were not checked because the object \
             was invalid; correct the existing errors to complete validation",
            "spec.mode: Required value",
            "spec.name: Too long: may not be more than 5 bytes",
            "spec.size: Invalid value: 10: spec.size in body should be less than or equal to 9",
            "spec.tags: Too many: 4: must have at most 3 items",
        ]
    );
    let object = widget(
        "a",
        &json!({"mode": "Fast", "name": "UP", "tags": ["a", 1]}),
    );
    let mut causes = w.post(&path, &object).await.causes();
    causes.sort();
    assert_eq!(
        causes[1..],
        [
            "spec.name: Invalid value: \"UP\": spec.name in body should match '^[a-z]+$'",
            "spec.tags[1]: Invalid value: \"integer\": spec.tags[1] in body must be of type string: \
             \"integer\"",
        ]
    );
    let object = widget("a", &json!({"mode": "Medium", "name": "a", "size": -1}));
    let mut causes = w.post(&path, &object).await.causes();
    causes.sort();
    assert_eq!(
        causes,
        [
            ".spec.size: Invalid value: -1: should be a non-negative integer",
            "<nil>: Invalid value: null: some validation rules were not checked because the object \
             was invalid; correct the existing errors to complete validation",
            "spec.mode: Unsupported value: \"Medium\": supported values: \"Fast\", \"Slow\"",
            "spec.name: Invalid value: \"a\": spec.name in body should be at least 2 chars long",
            "spec.size: Invalid value: -1: spec.size in body should be greater than or equal to 0",
        ]
    );
}

pub(crate) async fn reports_type_errors(w: &World) {
    let path = install(w).await;
    let object = widget("a", &json!({"mode": "Fast", "size": "3"}));
    let message = w.post(&path, &object).await.refused(422, "Invalid");
    let told = "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \
                \"string\"";
    assert!(message.contains(told), "{message}");
    for (port, code) in [(json!(80), 201), (json!("http"), 201), (json!(true), 422)] {
        let object = widget("b", &json!({"mode": "Fast", "port": port}));
        w.post(&format!("{path}?dryRun=All"), &object)
            .await
            .expect(code);
    }
}

pub(crate) async fn checks_rules(w: &World) {
    let path = install(w).await;
    let object = widget(
        "a",
        &json!({
            "mode": "Slow", "size": 7, "parts": [{"key": "k", "low": 5}, {"key": "l", "low": 11}],
        }),
    );
    let answer = w.post(&path, &object).await;
    let message = answer.body["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let mut causes = answer.causes();
    causes.sort();
    assert_eq!(
        causes,
        [
            "spec.parts[1]: Invalid value: part l is upside down",
            "spec: Invalid value: slow widgets are small",
        ]
    );
    assert!(
        message.starts_with(&format!("Widget.{GROUP} \"a\" is invalid: [")),
        "{message}"
    );
}

pub(crate) async fn checks_transition_rules(w: &World) {
    let path = install(w).await;
    w.post(&path, &widget("a", &json!({"mode": "Fast", "class": "x"})))
        .await
        .expect(201);
    let one = format!("{path}/a");
    w.merge(&one, &json!({"spec": {"size": 2}}))
        .await
        .expect(200);
    let causes = w
        .merge(&one, &json!({"spec": {"class": "y"}}))
        .await
        .causes();
    assert_eq!(
        causes,
        ["spec.class: Invalid value: \"y\": class is immutable"]
    );
    let mut object = w.get(&one).await.expect(200);
    object["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("resourceVersion");
    let causes = w.put(&one, &object).await.causes();
    assert_eq!(
        causes,
        ["metadata.resourceVersion: Invalid value: 0: must be specified for an update"]
    );
}

pub(crate) async fn strict_validation_names_unknown_fields(w: &World) {
    let path = format!("{}?fieldValidation=Strict", install(w).await);
    let object = widget("a", &json!({"mode": "Fast", "unknown": 1}));
    let message = w.post(&path, &object).await.refused(400, "BadRequest");
    assert_eq!(
        message,
        "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: unknown \
         field \"spec.unknown\""
    );
}

pub(crate) async fn does_not_hold_old_errors_against_an_update(w: &World) {
    let path = install(w).await;
    w.post(&path, &widget("a", &json!({"mode": "Slow", "name": "ok"})))
        .await
        .expect(201);
    // A change elsewhere is checked; a change of the status alone does not look at the spec.
    w.merge(&format!("{path}/a"), &json!({"spec": {"size": 8}}))
        .await
        .expect(422);
    w.merge(&format!("{path}/a/status"), &json!({"status": {"size": 1}}))
        .await
        .expect(200);
}

pub(crate) async fn separates_status(w: &World) {
    let path = install(w).await;
    w.post(&path, &widget("a", &json!({"mode": "Fast"})))
        .await
        .expect(201);
    let change = json!({
        "metadata": {"labels": {"x": "y"}}, "spec": {"size": 3}, "status": {"size": 4},
    });
    let after = w
        .merge(&format!("{path}/a/status"), &change)
        .await
        .expect(200);
    assert_eq!(after["spec"]["size"], 1);
    assert_eq!(after["status"]["size"], 4);
    assert!(after["metadata"]["labels"].is_null());
    assert_eq!(after["metadata"]["generation"], 1);
    let after = w.merge(&format!("{path}/a"), &change).await.expect(200);
    assert_eq!(after["spec"]["size"], 3);
    assert_eq!(after["metadata"]["labels"]["x"], "y");
    assert_eq!(after["metadata"]["generation"], 2);
}

pub(crate) async fn scales_by_declared_paths(w: &World) {
    let path = install(w).await;
    w.post(&path, &widget("a", &json!({"mode": "Fast"})))
        .await
        .expect(201);
    let scale = w.get(&format!("{path}/a/scale")).await.expect(200);
    assert_eq!(scale["spec"]["replicas"], 1);
    let after = w
        .merge(
            &format!("{path}/a/scale"),
            &json!({"spec": {"replicas": 4}}),
        )
        .await;
    assert_eq!(after.expect(200)["spec"]["replicas"], 4);
    assert_eq!(
        w.get(&format!("{path}/a")).await.expect(200)["spec"]["size"],
        4
    );
}

pub(crate) async fn refuses_duplicate_keys(w: &World) {
    let path = install(w).await;
    let object = widget(
        "a",
        &json!({
            "mode": "Fast", "tags": ["x", "x"], "parts": [{"key": "k"}, {"key": "k"}],
        }),
    );
    let mut causes = w.post(&path, &object).await.causes();
    causes.sort();
    assert_eq!(
        causes,
        [
            "spec.parts[1]: Duplicate value: {\"key\":\"k\"}",
            "spec.tags[1]: Duplicate value: \"x\"",
        ]
    );
}

pub(crate) async fn refuses_definitions_that_make_no_sense(w: &World) {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All";
    let mut bad = definition();
    bad["metadata"]["name"] = format!("gadgets.{GROUP}").into();
    let causes = w.post(path, &bad).await.causes();
    assert!(
        causes
            .iter()
            .any(|c| c.starts_with("metadata.name: Invalid value")),
        "{causes:#?}"
    );
    let mut bad = definition();
    bad["metadata"]["name"] = format!("gadgets.{GROUP}").into();
    bad["spec"]["names"] = json!({"plural": "gadgets", "kind": "Gadget"});
    let rules = json!([{"rule": "self.mode =="}]);
    bad["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["x-kubernetes-validations"] =
        rules;
    let causes = w.post(path, &bad).await.causes();
    assert!(
        causes
            .iter()
            .any(|c| c.contains("x-kubernetes-validations[0].rule")),
        "{causes:#?}"
    );
}
