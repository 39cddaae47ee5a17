use std::time::Duration;

use serde_json::json;

use super::{Action, Scenario, ScenarioError, Share};

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
    let Action::Scale { workload, replicas } = &scenario.steps[0].action else {
        panic!("the first step scales");
    };
    assert_eq!(
        (
            workload.kind.as_str(),
            workload.namespace.as_str(),
            *replicas
        ),
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
    let steps = json!([{ "at": "1s", "outage": [] }, { "at": "1s", "scael": {} }]);
    let error = Scenario::parse(&document(steps)).unwrap_err().to_string();
    let named = error.starts_with("scenario: spec.steps[1]: ") && error.contains("scael");
    assert!(named, "{error}");
}

#[test]
fn what_is_wrong_with_a_step_is_named_with_the_step() {
    let name = "Deployment";
    for (step, expected) in [
        (
            json!({ "reclaim": { "fraction": 1.5 } }),
            "reclaim.fraction: a number above 0",
        ),
        (
            json!({ "reclaim": { "fraction": 0.5, "count": 3 } }),
            "exclude each other",
        ),
        (
            json!({ "reclaim": { "notice": "soon" } }),
            "reclaim.notice: ",
        ),
        (
            json!({ "reclaim": { "zones": "a" } }),
            "unknown field `zones`",
        ),
        (
            json!({ "fail": { "condition": { "type": "Ready", "status": "True" } } }),
            "has not failed",
        ),
        (
            json!({ "fail": { "condition": { "type": "Ready", "status": "No" } } }),
            "status: True",
        ),
        (
            json!({ "rollout": { "kind": "Job", "name": name } }),
            "only Deployments roll out",
        ),
        (
            json!({ "rollout": { "name": name, "set": { "disk": "1Gi" } } }),
            "unknown field `disk`",
        ),
        (
            json!({ "curve": { "name": name, "points": [] } }),
            "curve: at least one point",
        ),
        (
            json!({ "curve": { "name": name, "points": [{ "at": "25h", "replicas": 1 }] } }),
            "curve: points[0]: the time must be less than the period",
        ),
        (
            json!({ "image": { "id": "ami-2" } }),
            "missing field `class`",
        ),
        (json!({ "outage": [], "until": "2h" }), "until needs every"),
        (
            json!({ "outage": [], "every": "0s" }),
            "every must be longer than zero",
        ),
        (
            json!({ "outage": [], "every": "1m", "until": "1m" }),
            "until is before at",
        ),
    ] {
        let mut step = step;
        step["at"] = json!("1h");
        let steps = json!([{ "at": "0s", "outage": [] }, step]);
        let error = Scenario::parse(&document(steps)).unwrap_err().to_string();
        let named = error.starts_with("scenario: spec.steps[1]");
        assert!(
            named && error.contains(expected),
            "{error}\nis not\n{expected}"
        );
    }
}

#[test]
fn a_step_comes_again_until_its_time_is_over_and_a_curve_does_by_itself() {
    let scenario = Scenario::parse(&document(json!([
        { "at": "1h", "every": "30m", "until": "2h", "reclaim": { "count": 1 } },
        { "at": "2h", "curve": { "name": "web", "points": [{ "at": "0s", "replicas": 3 }] } },
        { "at": "3h", "outage": [] },
    ])))
    .unwrap();
    let [reclaim, curve, outage] = &scenario.steps[..] else {
        panic!("there are three steps");
    };
    let minutes = Duration::from_mins;
    assert_eq!(reclaim.next(minutes(60)), Some(minutes(90)));
    assert_eq!(reclaim.next(minutes(90)), Some(minutes(120)));
    assert_eq!(reclaim.next(minutes(120)), None);
    assert_eq!(curve.next(minutes(120)), Some(minutes(125)));
    assert_eq!(outage.next(minutes(180)), None);
}

#[test]
fn a_share_is_a_number_or_a_part_rounded_up() {
    assert_eq!(Share::Count(3).of(2), 2);
    assert_eq!(Share::Count(3).of(10), 3);
    assert_eq!(Share::Fraction(0.3).of(10), 3);
    assert_eq!(Share::Fraction(0.3).of(1), 1);
    assert_eq!(Share::Fraction(0.3).of(0), 0);
}
