//! Days of a shop in virtual time: each scenario shows what it is about, and no rule breaks.

mod common;

use common::json;
use serde_json::Value;

/// Simulates a scenario of the shop. Whatever breaks a rule ends with another exit code.
fn day(scenario: &str) -> Value {
    let file = format!("examples/scenarios/{scenario}.yaml");
    let report = json(
        &[
            "simulate",
            "-f",
            "examples/scenarios/shop",
            "--scenario",
            &file,
            "-o",
            "json",
        ],
        0,
    );
    assert_eq!(report["tally"]["breaches"], serde_json::json!([]));
    assert_eq!(report["waiting"], serde_json::json!([]));
    within_budgets(&report);
    report
}

/// No pool had more nodes going at once than its budgets allowed.
fn within_budgets(report: &Value) {
    for pool in report["tally"]["pools"].as_array().unwrap() {
        if let Some(allowed) = pool["allowedThen"].as_u64() {
            assert!(pool["mostGoing"].as_u64().unwrap() <= allowed, "{pool}");
        }
    }
}

/// The sum of what was counted under a heading of the tally.
fn sum(report: &Value, heading: &str) -> u64 {
    let counts = report["tally"][heading].as_object().unwrap();
    counts.values().map(|count| count.as_u64().unwrap()).sum()
}

/// How many nodes went for a reason, over all pools.
fn removed(report: &Value, reason: &str) -> u64 {
    let pools = report["tally"]["pools"].as_array().unwrap();
    pools
        .iter()
        .filter_map(|pool| pool["removed"][reason].as_u64())
        .sum()
}

#[test]
fn rollouts_of_a_day_lose_no_pod() {
    let report = day("rollouts");
    assert_eq!(sum(&report, "lost"), 0, "{report:#}");
}

#[test]
fn failing_nodes_are_replaced() {
    day("failures");
}

#[test]
fn a_new_image_renews_every_node_within_the_budget() {
    let report = day("image");
    assert!(removed(&report, "Drifted") > 0, "{report:#}");
}
