use model::k8s::pod::Pod;
use requirements::Vocabulary;
use serde_json::{Value, json};

use super::*;
use crate::Dimensions;
use crate::pod::{PodUpdate, Shapes};

fn pod(ready: &str) -> PodRecord {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "p", "namespace": "n", "labels": {"app": "web"}},
        "status": {"conditions": [{"type": "Ready", "status": ready}]}
    }))
    .unwrap();
    let update = PodUpdate::from(&pod);
    let mut dimensions = Arc::new(Dimensions::default());
    let shape = Shapes::default().intern(&update.content, &mut dimensions, &Vocabulary::core());
    PodRecord {
        facts: update.facts,
        shape,
    }
}

fn budgets(specs: &[Value]) -> Budgets {
    let objects = specs.iter().enumerate().map(|(index, spec)| {
        let mut spec = spec.clone();
        let allowed = spec["allowed"].take().as_i64().unwrap_or(0);
        spec["selector"] = json!({"matchLabels": {"app": "web"}});
        let name = format!("b{index}");
        let budget: PodDisruptionBudget = serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "n"}, "spec": spec,
            "status": {"disruptionsAllowed": allowed}
        }))
        .unwrap();
        (ObjectKey::new("n", &name), Arc::new(budget))
    });
    Budgets::new(&objects.collect())
}

fn blocks(specs: &[Value], ready: &str, blocking: Blocking) -> usize {
    budgets(specs)
        .blocking(&pod(ready), blocking, Timestamp::EPOCH)
        .len()
}

/// SCH-232: budgets that never allow a disruption.
#[test]
fn budgets_that_can_never_allow_a_disruption_block_for_ever() {
    for spec in [
        json!({"maxUnavailable": 0}),
        json!({"maxUnavailable": "0%"}),
        json!({"minAvailable": "100%"}),
    ] {
        assert_eq!(blocks(&[spec], "True", Blocking::Ever), 1);
    }
    for spec in [json!({"minAvailable": 3}), json!({"maxUnavailable": "10%"})] {
        assert_eq!(blocks(&[spec], "True", Blocking::Ever), 0);
    }
}

#[test]
fn a_budget_without_allowance_blocks_now() {
    assert_eq!(
        blocks(&[json!({"minAvailable": 1})], "True", Blocking::Now),
        1
    );
    assert_eq!(
        blocks(
            &[json!({"minAvailable": 1, "allowed": 1})],
            "True",
            Blocking::Now
        ),
        0
    );
}

#[test]
fn two_budgets_over_one_pod_always_block() {
    let generous = json!({"maxUnavailable": "50%", "allowed": 5});
    assert_eq!(
        blocks(&[generous.clone(), generous], "True", Blocking::Now),
        2
    );
}

#[test]
fn an_unhealthy_pod_may_go_where_the_budget_says_so() {
    let spec = json!({"maxUnavailable": 0, "unhealthyPodEvictionPolicy": "AlwaysAllow"});
    assert_eq!(
        blocks(std::slice::from_ref(&spec), "False", Blocking::Now),
        0
    );
    assert_eq!(blocks(&[spec], "True", Blocking::Now), 1);
}
