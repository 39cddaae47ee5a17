//! The pieces that schemas of several kinds are made of, in the form that CRDs need.
//!
//! Types derive their schema with schemars, which takes descriptions from the docs; these functions
//! say what Rust types can't: patterns, bounds, list types, rules.
//!
//! What is *not* here: the CRDs around the schemas (`crd`), and the rules' texts (`rules`).

mod ec2;
pub(crate) mod patterns;
mod requirements;
pub(crate) mod rules;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

pub(crate) use ec2::*;
use patterns::{
    CONDITION_REASON, CONDITION_REASON_OR_EMPTY, CONDITION_TYPE, DURATION, DURATION_OR_NEVER,
    QUALIFIED, QUANTITY,
};
pub(crate) use requirements::*;
use rules::rule;

/// The key under which a default is put, because schemars has one of its own for each field that
/// may be absent. `crd` renames it.
pub(crate) const DEFAULT: &str = "x-crd-default";

/// Metadata: its schema is the API server's own.
pub(crate) fn metadata(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object"})
}

/// An amount of a resource.
pub(crate) fn quantity_value() -> Value {
    json!({
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "pattern": QUANTITY,
        "x-kubernetes-int-or-string": true,
    })
}

/// Amounts by resource.
pub(crate) fn quantities(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "additionalProperties": quantity_value()})
}

/// A duration.
pub(crate) fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": DURATION})
}

/// A duration, or `Never`.
pub(crate) fn duration_or_never(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": DURATION_OR_NEVER})
}

/// A point in time.
pub(crate) fn date_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time"})
}

/// A list of taints.
pub(crate) fn taints(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "x-kubernetes-list-type": "atomic",
        "items": {
            "type": "object",
            "description": "A taint. Key and effect together identify it.",
            "required": ["effect", "key"],
            "properties": {
                "key": {
                    "type": "string", "minLength": 1, "pattern": QUALIFIED,
                    "description": "Qualified name.",
                },
                "effect": {
                    "type": "string", "enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"],
                    "description": "What it does to pods that do not tolerate it.",
                },
                "value": {
                    "type": "string", "pattern": QUALIFIED,
                    "description": "Value. May be absent.",
                },
                "timeAdded": {
                    "type": "string", "format": "date-time",
                    "description": "When it was added.",
                },
            },
        },
    })
}

/// Conditions, one of each type.
pub(crate) fn conditions(_: &mut SchemaGenerator) -> Schema {
    let required = json!(["lastTransitionTime", "message", "reason", "status", "type"]);
    let reason = json!({"minLength": 1, "pattern": CONDITION_REASON});
    let mut schema = condition_list(&required, &reason);
    schema.insert("x-kubernetes-list-type".to_owned(), "map".into());
    schema.insert("x-kubernetes-list-map-keys".to_owned(), json!(["type"]));
    schema
}

/// Conditions of a NodeClaim: reason and message may be missing.
pub(crate) fn claim_conditions(_: &mut SchemaGenerator) -> Schema {
    let required = json!(["lastTransitionTime", "status", "type"]);
    let mut schema = condition_list(&required, &json!({"pattern": CONDITION_REASON_OR_EMPTY}));
    schema.insert("x-kubernetes-list-type".to_owned(), "map".into());
    schema.insert("x-kubernetes-list-map-keys".to_owned(), json!(["type"]));
    schema
}

/// Conditions of a node class: a plain list.
pub(crate) fn class_conditions(_: &mut SchemaGenerator) -> Schema {
    let required = json!(["lastTransitionTime", "message", "reason", "status", "type"]);
    condition_list(
        &required,
        &json!({"minLength": 1, "pattern": CONDITION_REASON}),
    )
}

fn condition_list(required: &Value, of_reason: &Value) -> Schema {
    let mut reason = json!({
        "type": "string", "maxLength": 1024,
        "description": "The cause of the last transition, in one CamelCase word.",
    });
    for (key, value) in of_reason.as_object().into_iter().flatten() {
        reason[key] = value.clone();
    }
    json_schema!({
        "type": "array",
        "items": {
            "type": "object",
            "description": "One aspect of the object's state.",
            "required": required,
            "properties": {
                "type": {
                    "type": "string", "maxLength": 316, "pattern": CONDITION_TYPE,
                    "description": "Which aspect.",
                },
                "status": {
                    "type": "string", "enum": ["True", "False", "Unknown"],
                    "description": "Whether it holds.",
                },
                "reason": reason,
                "message": {
                    "type": "string", "maxLength": crate::condition::MAX_MESSAGE,
                    "description": "Details for people. May be empty.",
                },
                "lastTransitionTime": {
                    "type": "string", "format": "date-time",
                    "description": "When the status last changed.",
                },
                "observedGeneration": {
                    "type": "integer", "format": "int64", "minimum": 0,
                    "description": "The generation for which the condition was set.",
                },
            },
        },
    })
}

/// Labels of a template.
pub(crate) fn template_labels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 100,
        "x-kubernetes-map-type": "atomic",
        "additionalProperties": {
            "type": "string", "maxLength": 63, "pattern": patterns::LABEL_VALUE,
        },
        "x-kubernetes-validations": rules::label_keys(),
    })
}

/// The reference to a node class. `transition` rules are added for objects that may change.
fn node_class_ref(transition: &[Value]) -> Schema {
    let not_empty = |field: &str| json!([rule("self != ''", &format!("{field} may not be empty"))]);
    let mut schema = json_schema!({
        "type": "object",
        "properties": {
            "group": {
                "type": "string", "pattern": "^[^/]*$",
                "description": "API group of the class. Absent: that of apiVersion, else the \
                    provider's own.",
                "x-kubernetes-validations": not_empty("group"),
            },
            "kind": {
                "type": "string",
                "description": "Kind of the class. Absent: the provider's own.",
                "x-kubernetes-validations": not_empty("kind"),
            },
            "name": {
                "type": "string",
                "description": "Name of the class. Absent: default.",
                "x-kubernetes-validations": not_empty("name"),
            },
        },
    });
    if !transition.is_empty() {
        schema.insert("x-kubernetes-validations".to_owned(), json!(transition));
    }
    schema
}

/// The reference of a NodeClaim, which is always whole.
pub(crate) fn claim_class_ref(_: &mut SchemaGenerator) -> Schema {
    let mut schema = node_class_ref(&[]);
    schema.insert("required".to_owned(), json!(["group", "kind", "name"]));
    for field in ["group", "kind", "name"] {
        let what = field.to_owned();
        if let Some(description) = schema.pointer_mut(&format!("/properties/{field}/description")) {
            *description = match what.as_str() {
                "group" => "API group of the class.".into(),
                "kind" => "Kind of the class.".into(),
                _ => "Name of the class.".into(),
            };
        }
    }
    schema
}

/// The reference of a NodePool. Every field may be left out, and the group may be said as part of
/// `apiVersion`.
pub(crate) fn pool_class_ref(_: &mut SchemaGenerator) -> Schema {
    let mut schema = node_class_ref(&rules::class_ref_transitions());
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert(
            "apiVersion".to_owned(),
            json!({
                "type": "string", "maxLength": 316,
                "description": "Group and version of the class: an older way to say the group.",
            }),
        );
    }
    schema
}

/// Policies of consolidation, an older spelling included.
pub(crate) fn consolidation_policy(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "enum": ["WhenEmpty", "WhenEmptyOrUnderutilized", "WhenUnderutilized", "Balanced"],
    })
}

/// A set of reasons.
pub(crate) fn disruption_reasons(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 50,
        "x-kubernetes-list-type": "set",
        "items": {"type": "string", "enum": ["Underutilized", "Empty", "Drifted"]},
    })
}

/// The status that a new KWOKNodeClass gets. It is the default of the whole status, because a
/// manifest has none, and defaults within something that is missing are not applied.
pub(crate) fn kwok_status() -> Value {
    json!({"conditions": [{
        "type": "Ready", "status": "True", "reason": "Ready", "message": "",
        "lastTransitionTime": "2024-01-01T01:01:01Z",
    }]})
}

/// The metadata options of a class that names none.
pub(crate) fn metadata_options() -> Value {
    json!({
        "httpEndpoint": "enabled",
        "httpProtocolIPv6": "disabled",
        "httpPutResponseHopLimit": 1,
        "httpTokens": "required",
    })
}
