//! Findings name file, document, object and field, and propose a fix.

mod common;

use std::io::Write as _;

use common::{json, karp, stdout};
use serde_json::Value;

fn findings(text: &str, code: i32) -> Vec<Value> {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let found = json(
        &[
            "validate",
            "-f",
            file.path().to_str().unwrap(),
            "-o",
            "json",
        ],
        code,
    );
    found.as_array().unwrap().clone()
}

fn pool(spec: &str) -> String {
    format!(
        "# first\n---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {{name: p}}\nspec:\n{spec}"
    )
}

#[test]
fn the_examples_have_nothing_wrong() {
    let output = karp(&["validate", "-f", "examples"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(
        stdout(&output).contains("0 errors, 0 warnings"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn an_unknown_field_is_named_with_the_field_that_was_meant() {
    let found = findings(
        &pool("  template:\n    spec:\n      requirments: []\n      requirements: []\n"),
        1,
    );
    let finding = found
        .iter()
        .find(|f| f["field"].as_str().unwrap().ends_with("requirments"));
    let finding = finding.unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(finding["object"], "NodePool p");
    assert!(
        finding["fix"].as_str().unwrap().contains("requirements"),
        "{finding}"
    );
}

#[test]
fn a_wrong_type_and_a_broken_rule_are_errors() {
    for (spec, field) in [
        (
            "  weight: heavy\n  template: {spec: {requirements: []}}\n",
            "spec.weight",
        ),
        (
            "  template: {spec: {requirements: [{key: a, operator: Like}]}}\n",
            "spec.template.spec.requirements[0].operator",
        ),
    ] {
        let found = findings(&pool(spec), 1);
        assert!(
            found
                .iter()
                .any(|f| f["field"] == field && f["severity"] == "error"),
            "{found:?}"
        );
    }
}

#[test]
fn a_pool_that_cannot_match_anything_is_found_with_its_reason() {
    let spec = "  template: {spec: {requirements: [{key: topology.kubernetes.io/zone, operator: In, values: [mars-1a]}]}}\n";
    let found = findings(&pool(spec), 0);
    let finding = found.iter().find(|f| {
        f["message"]
            .as_str()
            .unwrap()
            .contains("can ever be launched")
    });
    assert_eq!(
        finding.unwrap_or_else(|| panic!("{found:?}"))["object"],
        "NodePool p"
    );
}

#[test]
fn excerpts_of_workloads_are_told_what_kubernetes_would_miss() {
    let found = findings(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {}}}\n",
        0,
    );
    let fields: Vec<&str> = found.iter().map(|f| f["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["spec.template.spec.containers", "spec.selector"]);
}
