use serde_json::json;

use super::*;

fn schema(value: &Value) -> Schema {
    Schema::parse(value).unwrap()
}

fn fields(errors: &[FieldError]) -> Vec<&str> {
    errors.iter().map(|e| e.field.as_str()).collect()
}

#[test]
fn pruning_keeps_what_the_schema_lets_be() {
    let schema = schema(&json!({
        "type": "object",
        "properties": {
            "known": {"type": "string"},
            "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                     "properties": {"inner": {"type": "object", "properties": {"a": {"type": "string"}}}}},
            "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"a": {"type": "string"}}}},
            "embedded": {"type": "object", "x-kubernetes-embedded-resource": true, "properties": {}},
        },
    }));
    let mut object = json!({
        "kind": "K", "metadata": {"name": "n"}, "known": "x", "other": 1,
        "open": {"any": 1, "inner": {"a": "1", "b": "2"}},
        "map": {"k": {"a": "1", "b": "2"}},
        "embedded": {"kind": "Pod", "spec": {}},
    });
    let unknown = schema.prune(&mut object);
    assert_eq!(
        unknown,
        ["embedded.spec", "map.k.b", "open.inner.b", "other"]
    );
    assert_eq!(object["open"], json!({"any": 1, "inner": {"a": "1"}}));
    assert_eq!(object["embedded"], json!({"kind": "Pod"}));
}

#[test]
fn defaults_reach_into_defaults_lists_and_maps() {
    let schema = schema(&json!({
        "type": "object",
        "properties": {
            "outer": {"type": "object", "default": {}, "properties": {
                "size": {"type": "integer", "default": 3},
            }},
            "list": {"type": "array", "items": {"type": "object", "properties": {
                "on": {"type": "boolean", "default": true},
            }}},
            "may": {"type": "string", "nullable": true, "default": "x"},
            "not": {"type": "string"},
        },
    }));
    let mut object = json!({"list": [{}, {"on": false}], "may": null, "not": null});
    schema.default(&mut object);
    assert_eq!(
        object,
        json!({"outer": {"size": 3}, "list": [{"on": true}, {"on": false}], "may": null})
    );
}

#[test]
fn rules_see_escaped_names_functions_and_optional_fields() {
    let schema = schema(&json!({
        "type": "object",
        "properties": {
            "max-size": {"type": "integer"}, "namespace": {"type": "string"},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "memory": {"type": "string"},
        },
        "x-kubernetes-validations": [
            {"rule": "!has(self.max__dash__size) || self.max__dash__size < 5", "message": "size"},
            {"rule": "!has(self.__namespace__) || self.__namespace__ != 'x'", "message": "namespace"},
            {"rule": "!has(self.labels) || self.labels.all(k, k.startsWith('a-'))", "message": "labels"},
            {"rule": "!has(self.memory) || isQuantity(self.memory)", "message": "memory"},
        ],
    }));
    assert_eq!(
        schema.validate(&json!({"max-size": 1, "labels": {"a-b": ""}}), None),
        []
    );
    let bad = json!({"max-size": 9, "namespace": "x", "labels": {"b": ""}, "memory": "many"});
    let errors = schema.validate(&bad, None);
    let details: Vec<&str> = errors.iter().map(|e| e.detail.as_str()).collect();
    assert_eq!(details, ["size", "namespace", "labels", "memory"]);
}

#[test]
fn transition_rules_match_items_by_key_and_do_not_run_without_a_past() {
    let schema = schema(&json!({
        "type": "object",
        "properties": {"parts": {
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key"],
            "items": {
                "type": "object",
                "properties": {"key": {"type": "string"}, "value": {
                    "type": "integer",
                    "x-kubernetes-validations": [{"rule": "self >= oldSelf", "message": "down"}],
                }},
            },
        }},
    }));
    let old = json!({"parts": [{"key": "a", "value": 5}, {"key": "b", "value": 1}]});
    let swapped = json!({"parts": [{"key": "b", "value": 2}, {"key": "a", "value": 6}]});
    assert_eq!(schema.validate(&swapped, Some(&old)), []);
    let lower = json!({"parts": [{"key": "b", "value": 2}, {"key": "a", "value": 4}]});
    assert_eq!(
        fields(&schema.validate(&lower, Some(&old))),
        ["parts[1].value"]
    );
    assert_eq!(schema.validate(&lower, None), []);
}

#[test]
fn what_did_not_change_is_not_held_against_an_update() {
    let schema = schema(&json!({
        "type": "object",
        "properties": {"a": {"type": "string", "maxLength": 2}, "b": {"type": "string"}},
    }));
    let old = json!({"a": "long", "b": "x"});
    assert_eq!(
        schema.validate(&json!({"a": "long", "b": "y"}), Some(&old)),
        []
    );
    let changed = schema.validate(&json!({"a": "longer", "b": "x"}), Some(&old));
    assert_eq!(changed[0].field, "a");
}

#[test]
fn items_of_a_list_that_did_not_change_are_not_held_against_an_update_either() {
    let schema = schema(&json!({
        "type": "object",
        "properties": {
            "a": {"type": "array", "items": {"type": "string",
                "x-kubernetes-validations": [{"rule": "self.find('^[a-z]+') == self"}]}},
            "b": {"type": "string"},
        },
    }));
    let old = json!({"a": ["good", "Bad"], "b": "x"});
    let other = json!({"a": ["good", "Bad"], "b": "y"});
    assert_eq!(schema.validate(&other, Some(&old)), []);
    let longer = json!({"a": ["good", "Bad", "good"], "b": "x"});
    assert_eq!(fields(&schema.validate(&longer, Some(&old))), ["a[1]"]);
    assert_eq!(fields(&schema.validate(&old, None)), ["a[1]"]);
}

#[test]
fn a_rule_path_and_reason_move_the_error() {
    let schema = schema(&json!({
        "type": "object",
        "properties": {"spec": {
            "type": "object", "properties": {"a": {"type": "integer"}},
            "x-kubernetes-validations": [{
                "rule": "self.a > 0", "message": "too small", "fieldPath": ".a",
                "reason": "FieldValueForbidden",
            }],
        }},
    }));
    let errors = schema.validate(&json!({"spec": {"a": 0}}), None);
    assert_eq!(errors[0].field, "spec.a");
    assert_eq!(errors[0].kind, FieldErrorKind::Forbidden);
    // A field that is not there is an error of the rule's evaluation, not a pass.
    assert_eq!(schema.validate(&json!({"spec": {}}), None).len(), 1);
}

#[test]
fn branches_are_counted() {
    let schema = schema(&json!({
        "type": "object",
        "properties": {"v": {
            "oneOf": [{"type": "integer"}, {"type": "string"}],
            "not": {"enum": ["no"]},
        }},
    }));
    assert_eq!(schema.validate(&json!({"v": 1}), None), []);
    assert_eq!(fields(&schema.validate(&json!({"v": "no"}), None)), ["v"]);
    assert_eq!(fields(&schema.validate(&json!({"v": true}), None)), ["v"]);
}

#[test]
fn schemas_that_do_not_compile_name_the_place() {
    let errors = Schema::parse(&json!({
        "type": "object",
        "properties": {"a": {"type": "string", "pattern": "("}},
        "x-kubernetes-validations": [{"rule": "self.a =="}],
    }));
    let errors = errors.unwrap_err();
    assert_eq!(
        fields(&errors),
        [
            "openAPIV3Schema.properties[a].pattern",
            "openAPIV3Schema.x-kubernetes-validations[0].rule",
        ]
    );
}
