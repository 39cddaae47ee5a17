use serde_json::Value;

use super::*;

/// Calls `visit` with every schema within and its path.
fn walk(path: &str, schema: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(&format!("{path}.{name}"), property, visit);
    }
    for (key, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
        if schema[key].is_object() {
            walk(&format!("{path}{mark}"), &schema[key], visit);
        }
    }
}

fn schemas() -> Vec<(String, Value)> {
    let of = |definition: &Value| {
        let name = definition["metadata"]["name"]
            .as_str()
            .expect("a name")
            .to_owned();
        (
            name,
            definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone(),
        )
    };
    all().iter().map(of).collect()
}

#[test]
fn schemas_are_structural() {
    const ALLOWED: &[&str] = &[
        "type",
        "description",
        "properties",
        "items",
        "additionalProperties",
        "required",
        "enum",
        "format",
        "pattern",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "maxProperties",
        "default",
        "anyOf",
        "x-kubernetes-validations",
        "x-kubernetes-list-type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-map-type",
        "x-kubernetes-int-or-string",
        "x-kubernetes-preserve-unknown-fields",
    ];
    for (name, schema) in schemas() {
        walk(&name, &schema, &mut |path, schema| {
            let fields = schema.as_object().expect("a schema is an object");
            for key in fields.keys() {
                assert!(ALLOWED.contains(&key.as_str()), "{path} has {key}");
            }
            let typed = schema["type"].is_string()
                || schema["x-kubernetes-int-or-string"] == Value::Bool(true);
            assert!(typed, "{path} has no type: {schema}");
            let formats = ["int32", "int64", "date-time"];
            if let Some(format) = schema["format"].as_str() {
                assert!(formats.contains(&format), "{path} has format {format}");
            }
            for name in schema["required"].as_array().into_iter().flatten() {
                let name = name.as_str().expect("a name");
                assert!(
                    schema["properties"][name].is_object(),
                    "{path} requires {name}"
                );
            }
        });
    }
}

#[test]
fn every_field_is_described() {
    for (name, schema) in schemas() {
        walk(&name, &schema, &mut |path, schema| {
            let own = path.ends_with("metadata") || path.ends_with("[]") || path.ends_with("{}");
            assert!(
                own || schema["description"].is_string(),
                "{path} has no description"
            );
        });
    }
}

#[test]
fn files_are_named_by_group_and_plural() {
    let names: Vec<String> = all().iter().map(file_name).collect();
    let expected = [
        "autoscaling.x-k8s.io_capacitybuffers.yaml",
        "karpenter.k8s.aws_ec2nodeclasses.yaml",
        "karpenter.kwok.sh_kwoknodeclasses.yaml",
        "karpenter.sh_nodeclaims.yaml",
        "karpenter.sh_nodeoverlays.yaml",
        "karpenter.sh_nodepools.yaml",
    ];
    assert_eq!(names, expected);
}

#[test]
fn what_is_required_is_required_where_v1_requires_it() {
    let (_, pool) = schemas().pop().expect("NodePool is last");
    assert_eq!(pool["required"], serde_json::json!(["spec"]));
    let spec = &pool["properties"]["spec"];
    assert_eq!(spec["required"], serde_json::json!(["template"]));
    assert_eq!(
        spec["properties"]["template"]["properties"]["spec"]["required"],
        serde_json::json!(["requirements"])
    );
    assert_eq!(
        spec["properties"]["disruption"]["default"],
        serde_json::json!({"consolidateAfter": "0s"})
    );
}
