use std::time::Duration;

use serde_json::json;

use super::{Action, Scenario, ScenarioError};

fn document(steps: serde_json::Value) -> serde_json::Value {
    json!({ "apiVersion": super::API_VERSION, "kind": super::KIND,
            "metadata": { "name": "test" }, "spec": { "steps": steps } })
}

#[test]
fn steps_are_ordered_by_time_and_defaults_are_a_deployment_in_default() {
    let scenario = Scenario::parse(&document(json!([
        { "at": "10m", "scale": { "name": "inflate", "replicas": 0 } },
        { "at": "10s", "scale": { "name": "inflate", "replicas": 10 } },
    ])))
    .unwrap();
    assert_eq!(scenario.feature_gates, "");
    let times: Vec<Duration> = scenario.steps.iter().map(|step| step.at).collect();
    assert_eq!(times, [Duration::from_secs(10), Duration::from_mins(10)]);
    let Action::Scale {
        kind,
        namespace,
        replicas,
        ..
    } = &scenario.steps[0].action
    else {
        panic!("the first step scales");
    };
    assert_eq!(
        (kind.as_str(), namespace.as_str(), *replicas),
        ("Deployment", "default", 10)
    );
}

#[test]
fn a_step_that_does_nothing_or_two_things_is_refused() {
    let scale = json!({ "name": "a", "replicas": 1 });
    for step in [
        json!({ "at": "1s" }),
        json!({ "at": "1s", "scale": scale, "delete": { "kind": "Pod", "name": "x" } }),
    ] {
        let error = Scenario::parse(&document(json!([step]))).unwrap_err();
        assert!(
            matches!(error, ScenarioError::Action { step: 0 }),
            "{error}"
        );
    }
}

#[test]
fn unknown_fields_and_bad_times_are_named() {
    let error = Scenario::parse(&document(json!([{ "at": "soon", "outage": [] }]))).unwrap_err();
    assert!(
        error.to_string().starts_with("scenario: spec.steps[0].at:"),
        "{error}"
    );
    let error = Scenario::parse(&document(json!([{ "at": "1s", "scael": {} }]))).unwrap_err();
    assert!(error.to_string().contains("scael"), "{error}");
}
