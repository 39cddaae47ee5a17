use serde_json::{Value, json};

use super::*;

fn pool(budgets: &Value) -> NodePool {
    serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": {
        "disruption": {"budgets": budgets}, "template": {"spec": {"requirements": []}}}}))
    .expect("a pool")
}

fn left(budgets: &Value, nodes: u32, disrupting: u32, now: &str) -> [u32; 3] {
    let budget = pool_budget(
        &pool(budgets),
        nodes,
        disrupting,
        now.parse().expect("a time"),
    );
    DisruptionReason::ALL.map(|reason| budget.left(reason))
}

const NOON: &str = "2026-03-02T12:00:00Z";

/// BU-01, BU-02, BU-03, BU-07, BU-08, BU-13.
#[test]
fn numbers_count_and_percentages_are_rounded_up() {
    let all = |budgets: &Value, nodes, disrupting| {
        let left = left(budgets, nodes, disrupting, NOON);
        assert!(left.iter().all(|of_reason| *of_reason == left[0]));
        left[0]
    };
    for (nodes, text, disrupting, expected) in [
        (10, "30%", 0, 3),
        (10, "100%", 0, 10),
        (10, "0%", 0, 0),
        (10, "5%", 0, 1),
        (10, "100%", 2, 8),
        (3, "50%", 0, 2),
        (0, "50%", 0, 0),
        (10, "0", 3, 0),
        (10, "3", 1, 2),
    ] {
        let budgets = json!([{"nodes": text}]);
        assert_eq!(
            all(&budgets, nodes, disrupting),
            expected,
            "{text} of {nodes}"
        );
    }
    assert_eq!(
        all(&json!([{"nodes": "5"}, {"nodes": "20%"}]), 10, 0),
        2,
        "all must allow it"
    );
    assert_eq!(
        all(&json!([]), 10, 0),
        i32::MAX as u32,
        "no budget, no bound"
    );
}

/// BU-10.
#[test]
fn budgets_may_be_about_some_reasons() {
    let budgets = json!([{"nodes": "10"}, {"nodes": "0", "reasons": ["Drifted"]}]);
    assert_eq!(left(&budgets, 10, 0, NOON), [10, 10, 0]);
}

/// BU-11: from the hit on, and not at its end any more.
#[test]
fn budgets_with_a_schedule_bind_for_their_duration() {
    let budgets = json!([{"nodes": "0", "schedule": "0 12 * * mon", "duration": "1h"}]);
    for (now, expected) in [
        ("2026-03-02T11:59:59Z", i32::MAX as u32),
        ("2026-03-02T12:00:00Z", 0),
        ("2026-03-02T12:59:59Z", 0),
        ("2026-03-02T13:00:00Z", i32::MAX as u32),
        ("2026-03-03T12:30:00Z", i32::MAX as u32),
    ] {
        assert_eq!(left(&budgets, 10, 0, now), [expected; 3], "{now}");
    }
}

/// BU-12: whoever can't be read forbids everything.
#[test]
fn a_broken_budget_forbids_everything_and_is_named() {
    for (budget, message) in [
        (
            json!({"nodes": "many"}),
            "nodes \"many\" is neither a number nor a percentage",
        ),
        (
            json!({"nodes": "101%"}),
            "nodes \"101%\" is neither a number nor a percentage",
        ),
        (
            json!({"nodes": "5", "schedule": "x", "duration": "1h", "reasons": ["Empty"]}),
            "schedule \"x\": expected 5 fields or a macro such as @daily, found 1",
        ),
        (
            json!({"nodes": "5", "schedule": "@daily"}),
            "schedule and duration must be set together",
        ),
    ] {
        let budgets = json!([{"nodes": "7"}, budget]);
        assert_eq!(left(&budgets, 10, 0, NOON), [0; 3], "{budgets}");
        let now = NOON.parse().expect("a time");
        let broken = pool_budget(&pool(&budgets), 10, 0, now).broken;
        assert_eq!(broken[0].to_string(), message);
    }
}
