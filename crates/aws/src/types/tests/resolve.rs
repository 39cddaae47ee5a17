//! Settings of the kubelet that are expressions, or that have no meaning.

use serde_json::json;

use super::*;

fn scene(expressions: Expressions, kubelet: Value) -> Scene {
    let mut scene = Scene::with(json!({"kubelet": kubelet}));
    scene.options.expressions = expressions;
    scene
}

/// IT-27: with the gate open expressions are evaluated for each type; without it those are not
/// given.
#[test]
fn expressions_are_evaluated_for_each_type() {
    use Expressions::{Disabled, Enabled};
    let kubelet = json!({
        "maxPods": "min(110, vcpus * 8)", "kubeReserved": {"memory": "max_pods * 11"}});
    let on = scene(Enabled, kubelet);
    let large = on.get("m5.large");
    assert_eq!(amount(&large, "pods"), "16");
    assert_eq!(large.overhead.kube_reserved["memory"].to_string(), "176Mi");
    assert_eq!(amount(&on.get("m6idn.32xlarge"), "pods"), "110");
    let off = scene(Disabled, json!({"maxPods": "7"}));
    assert_eq!(amount(&off.get("t3.large"), "pods"), "35");
}

/// IT-28: a number of pods that is none fails the list.
#[test]
fn a_number_of_pods_that_is_none_fails_the_list() {
    for wrong in ["0 - 1", "2147483647 + 1", "1 / (vcpus - vcpus)"] {
        let scene = scene(Expressions::Enabled, json!({"maxPods": wrong}));
        let error = scene
            .try_types()
            .map(drop)
            .expect_err("no list")
            .to_string();
        assert!(error.contains("resolving maxPods"), "{wrong}: {error}");
    }
}

/// IT-38: settings that validation refuses are not passed over.
#[test]
fn settings_that_are_refused_fail_the_list() {
    for wrong in [
        json!({"maxPods": -1}),
        json!({"evictionHard": {"memory.available": "a lot"}}),
        json!({"kubeReserved": "all"}),
    ] {
        let mut scene = scene(Expressions::Disabled, wrong.clone());
        let error = scene.try_types().map(drop).expect_err("no list");
        assert!(
            matches!(error, ListError::InvalidKubelet(_)),
            "{wrong}: {error}"
        );
        scene.set(json!({"kubelet": {"maxPods": 7}}));
        assert_eq!(amount(&scene.get("t3.large"), "pods"), "7", "corrected");
    }
}
