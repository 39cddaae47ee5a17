//! Days of a shop in virtual time: each scenario shows what it is about, and no rule breaks.

mod common;

use common::json;
use serde_json::Value;

const HOUR_MS: u64 = 3_600_000;

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

/// No pool had more nodes going at once than its budgets allowed, and some had one.
fn within_budgets(report: &Value) {
    let pools = report["tally"]["pools"].as_array().unwrap();
    for pool in pools {
        if let Some(allowed) = pool["allowedThen"].as_u64() {
            assert!(pool["mostGoing"].as_u64().unwrap() <= allowed, "{pool}");
        }
    }
    let most = pools.iter().filter_map(|pool| pool["mostGoing"].as_u64());
    assert!(most.max() > Some(0), "no budget was asked for anything");
}

/// The pods that are marked do-not-disrupt have run from the start, and stayed where they were.
fn protected_pods_stay(report: &Value) {
    let billing = workload(report, "Deployment shop/billing");
    assert_eq!(billing["started"], 2, "{billing}");
}

fn workload<'r>(report: &'r Value, name: &str) -> &'r Value {
    let rows = report["workloads"].as_array().unwrap();
    rows.iter().find(|row| row["workload"] == name).unwrap()
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

/// Every pod that was moved or lost runs elsewhere, and no other one was started.
fn every_pod_is_replaced(report: &Value) {
    const PODS: u64 = 30 + 24 + 12 + 9 + 6 + 2;
    let left = sum(report, "evicted") + sum(report, "forced") + sum(report, "lost");
    let started = &report["tally"]["waits"]["pods"];
    assert_eq!(started, PODS + left, "{:#}", report["tally"]);
}

/// No pod waited longer from its creation until it ran.
fn no_pod_waits_longer(report: &Value, seconds: u64) {
    let waits = &report["tally"]["waits"];
    assert!(waits["pods"].as_u64() > Some(50), "{waits}");
    assert!(waits["maxMs"].as_u64() <= Some(seconds * 1_000), "{waits}");
}

/// The mean of what all instances cost an hour, between two hours of the run.
fn dollars_per_hour(report: &Value, hours: std::ops::Range<u64>) -> f64 {
    let samples = report["tally"]["samples"].as_array().unwrap();
    let within = samples.iter().filter(|sample| {
        let at = sample["atMs"].as_u64().unwrap();
        (hours.start * HOUR_MS..hours.end * HOUR_MS).contains(&at)
    });
    let prices = within.map(|sample| sample["pricePerHour"].as_f64().unwrap());
    let prices: Vec<f64> = prices.collect();
    assert!(!prices.is_empty(), "nothing was written down in {hours:?}");
    prices.iter().sum::<f64>() / prices.len() as f64
}

/// Nodes that were launched before a time, in milliseconds.
fn launched_before(report: &Value, before: u64) -> Vec<&Value> {
    let nodes = report["nodes"].as_array().unwrap().iter();
    let nodes = nodes.filter(|node| node["launchedMs"].as_u64().unwrap() < before);
    let nodes: Vec<&Value> = nodes.collect();
    assert!(nodes.len() > 10, "{nodes:?}");
    nodes
}

/// How many instances the cloud has said to take back.
fn taken_back(report: &Value) -> u64 {
    let steps = report["timeline"].as_array().unwrap().iter();
    let texts = steps.filter_map(|step| step["text"].as_str());
    let counts = texts.filter_map(|text| {
        let rest = text.strip_prefix("the cloud takes back ")?;
        rest.split(' ').next()?.parse::<u64>().ok()
    });
    counts.sum()
}

#[test]
fn the_cost_of_a_day_follows_its_load() {
    let report = day("day");
    protected_pods_stay(&report);
    no_pod_waits_longer(&report, 120);
    assert_eq!(sum(&report, "lost") + sum(&report, "forced"), 0);
    let night = dollars_per_hour(&report, 3..5);
    let noon = dollars_per_hour(&report, 11..14);
    let evening = dollars_per_hour(&report, 19..21);
    assert!(night * 1.2 < noon, "{night} at night, {noon} at noon");
    assert!(
        noon * 1.1 < evening,
        "{noon} at noon, {evening} in the evening"
    );
    // What comes and goes with the load is moved on occasion, not all the time.
    let (evicted, started) = (sum(&report, "evicted"), &report["tally"]["waits"]["pods"]);
    assert!(evicted > 0 && evicted < started.as_u64().unwrap());
}

#[test]
fn rollouts_of_a_day_lose_no_pod() {
    let report = day("rollouts");
    protected_pods_stay(&report);
    no_pod_waits_longer(&report, 120);
    assert_eq!(sum(&report, "lost") + sum(&report, "forced"), 0);
    // Five new versions of 30 pods, beside the first.
    let web = workload(&report, "Deployment shop/web");
    assert!(web["started"].as_u64() >= Some(180), "{web}");
}

#[test]
fn failing_nodes_are_replaced() {
    let report = day("failures");
    // Three nodes, each with pods; their pods come again on others.
    assert!(report["tally"]["lost"]["Failed"].as_u64() >= Some(3));
    every_pod_is_replaced(&report);
    no_pod_waits_longer(&report, 120);
}

#[test]
fn a_new_image_renews_every_node_within_the_budget() {
    let report = day("image");
    protected_pods_stay(&report);
    every_pod_is_replaced(&report);
    no_pod_waits_longer(&report, 120);
    assert!(removed(&report, "Drifted") > 0, "{report:#}");
    // Two pods are marked do-not-disrupt, and keep the nodes that they are on.
    let old = launched_before(&report, HOUR_MS);
    let stay = old.iter().filter(|node| node["goneMs"].is_null()).count();
    assert!((1..=2).contains(&stay), "{stay} of {} stay", old.len());
}

#[test]
fn machines_that_the_cloud_takes_back_are_replaced_at_once() {
    let report = day("reclaim");
    protected_pods_stay(&report);
    let (interrupted, gone) = (
        removed(&report, "Interrupted"),
        removed(&report, "InstanceGone"),
    );
    assert!(interrupted > 0 && gone > 0, "{:#}", report["tally"]);
    assert_eq!(interrupted + gone, taken_back(&report));
    assert!(report["tally"]["lost"]["Reclaimed"].as_u64() > Some(0));
    every_pod_is_replaced(&report);
    // Also while a zone has no spot machines: there are dearer ones.
    no_pod_waits_longer(&report, 120);
}

#[test]
fn a_fleet_at_the_end_of_its_life_is_renewed_within_the_budget() {
    let report = day("expiry");
    every_pod_is_replaced(&report);
    no_pod_waits_longer(&report, 120);
    for node in launched_before(&report, HOUR_MS) {
        let gone = node["goneMs"].as_u64();
        assert!(gone.is_some_and(|gone| gone < 6 * HOUR_MS), "{node}");
    }
    // Before their end, so that none was ended by it. Only what is marked do-not-disrupt had to be
    // made to go, once its node's time was over.
    assert_eq!(removed(&report, "PastExpiry"), 0, "{:#}", report["tally"]);
    assert_eq!(report["tally"]["forced"], serde_json::json!({"Expired": 2}));
    let pools = report["tally"]["pools"].as_array().unwrap();
    for pool in pools {
        assert!(pool["removed"]["Expired"].as_u64() > Some(0), "{pool}");
    }
}
