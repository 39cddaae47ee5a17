//! Lists of requirements, which differ a little from kind to kind.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::patterns::{LABEL_VALUE, QUALIFIED};
use super::rules;

/// Requirements of a NodePool.
pub(crate) fn pool_requirements(_: &mut SchemaGenerator) -> Schema {
    list(
        with_min_values(item(rules::pool_requirement_keys())),
        rules::requirement_list(),
    )
}

/// Requirements of a NodeClaim.
pub(crate) fn claim_requirements(_: &mut SchemaGenerator) -> Schema {
    list(
        with_min_values(item(rules::claim_requirement_keys())),
        rules::requirement_list(),
    )
}

/// Requirements of a NodeOverlay.
pub(crate) fn overlay_requirements(_: &mut SchemaGenerator) -> Schema {
    list(
        item(rules::overlay_requirement_keys()),
        rules::overlay_requirement_list(),
    )
}

/// Requirements in a status: Kubernetes' own, without bounds.
pub(crate) fn status_requirements(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["key", "operator"],
            "properties": {
                "key": {"type": "string", "description": "Label key."},
                "operator": {"type": "string", "description": "How the values are to be read."},
                "values": {
                    "type": "array", "items": {"type": "string"},
                    "x-kubernetes-list-type": "atomic",
                    "description": "Operands.",
                },
            },
        },
    })
}

fn list(item: Value, rules: Value) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 100,
        "x-kubernetes-list-type": "atomic",
        "items": item,
        "x-kubernetes-validations": rules,
    })
}

fn item(key_rules: Value) -> Value {
    json!({
        "type": "object",
        "description": "A demand on one label.",
        "required": ["key", "operator"],
        "properties": {
            "key": {
                "type": "string", "maxLength": 316, "pattern": QUALIFIED,
                "description": "Label key, or the name of an extended resource such as \
                    nvidia.com/gpu.",
                "x-kubernetes-validations": key_rules,
            },
            "operator": {
                "type": "string",
                "enum": ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"],
                "description": "How the values are to be read.",
            },
            // The bounds are on the list and so check nothing; existing clusters have them there.
            "values": {
                "type": "array", "items": {"type": "string"},
                "maxLength": 63, "pattern": LABEL_VALUE,
                "x-kubernetes-list-type": "atomic",
                "description": "Operands: at least one for In and NotIn, none for Exists and \
                    DoesNotExist, one integer that is not negative for the others.",
            },
        },
    })
}

fn with_min_values(mut item: Value) -> Value {
    item["properties"]["minValues"] = json!({
        "type": "integer", "minimum": 1, "maximum": 50,
        "description": "How many different values of the key the chosen instance types must offer, \
            at least.",
    });
    item
}
