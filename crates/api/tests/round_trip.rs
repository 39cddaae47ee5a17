//! Types and schemas have the same fields: an object with every field that a schema knows survives
//! decoding and encoding, byte for byte.

use api::{CapacityBuffer, Ec2NodeClass, KwokNodeClass, NodeClaim, NodeOverlay, NodePool};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// A value with every field of a schema.
fn sample(schema: &Value) -> Value {
    if schema["x-kubernetes-int-or-string"] == true {
        return json!("2");
    }
    match schema["type"].as_str() {
        Some("object") => {
            let mut fields = Map::new();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                fields.insert(name.clone(), sample(property));
            }
            if schema["additionalProperties"].is_object() {
                fields.insert(
                    "example.com/key".to_owned(),
                    sample(&schema["additionalProperties"]),
                );
            }
            if schema["x-kubernetes-preserve-unknown-fields"] == true {
                fields.insert("maxPods".to_owned(), json!(110));
            }
            Value::Object(fields)
        }
        Some("array") => json!([sample(&schema["items"])]),
        Some("integer") => json!(schema["minimum"].as_i64().unwrap_or(0) + 1),
        Some("boolean") => json!(true),
        _ => text(schema),
    }
}

fn text(schema: &Value) -> Value {
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    let is_duration = pattern.contains("(s|m|h)");
    match schema["enum"].as_array() {
        // The last one is never the default, which an encoder might leave out.
        Some(choices) => choices.last().expect("a choice").clone(),
        None if schema["format"] == "date-time" => json!("2026-01-01T12:00:00Z"),
        // Not as Go would write it.
        None if is_duration => json!("1h60m"),
        None if pattern.contains("59000") => json!("2Gi"),
        None => json!("x"),
    }
}

fn check<T: DeserializeOwned + Serialize>(group: &str, kind: &str) {
    let schema = api::crd::schema(group, kind).expect("a kind of ours");
    let mut object = sample(&schema);
    let fields = object.as_object_mut().expect("an object");
    fields.remove("apiVersion");
    fields.remove("kind");
    fields.insert("metadata".to_owned(), json!({"name": "x"}));
    if kind == "NodePool" {
        // Said by `group` after decoding.
        let class = object
            .pointer_mut("/spec/template/spec/nodeClassRef")
            .expect("a class");
        class
            .as_object_mut()
            .expect("an object")
            .remove("apiVersion");
    }
    let decoded: T = serde_json::from_value(object.clone()).expect("decodes");
    let encoded = serde_json::to_value(&decoded).expect("encodes");
    assert_eq!(encoded, object, "{kind}");
}

#[test]
fn every_field_of_every_kind_survives_decoding_and_encoding() {
    check::<NodePool>("karpenter.sh", "NodePool");
    check::<NodeClaim>("karpenter.sh", "NodeClaim");
    check::<NodeOverlay>("karpenter.sh", "NodeOverlay");
    check::<CapacityBuffer>("autoscaling.x-k8s.io", "CapacityBuffer");
    check::<KwokNodeClass>("karpenter.kwok.sh", "KWOKNodeClass");
    check::<Ec2NodeClass>("karpenter.k8s.aws", "EC2NodeClass");
}

#[test]
fn the_number_of_nodes_is_always_written() {
    let pool = serde_json::to_value(NodePool::default()).expect("encodes");
    assert_eq!(pool["status"]["nodes"], 0);
}
