use serde_json::json;

use super::*;

fn labels(text: &str) -> LabelSelector {
    LabelSelector::parse(text).unwrap()
}

#[test]
fn label_selectors_match_by_every_operator() {
    let pod = json!({"metadata": {"labels": {"app": "web", "size": "3"}}});
    for text in [
        "",
        "app=web",
        "app==web",
        "app in (db, web)",
        "app notin (db)",
        "tier!=a",
    ] {
        assert!(labels(text).matches(&pod), "{text}");
    }
    for text in ["app", "!tier", "size>2", "size<4", "app=web,size=3"] {
        assert!(labels(text).matches(&pod), "{text}");
    }
    for text in [
        "app=db",
        "!app",
        "tier",
        "app in (db)",
        "app notin (web)",
        "size>3",
        "tier=a",
    ] {
        assert!(!labels(text).matches(&pod), "{text}");
    }
}

#[test]
fn a_label_selector_that_makes_no_sense_is_a_bad_request() {
    for text in ["a=b=c", "a in b", "in (a)", "=x", "a ~ b"] {
        assert!(LabelSelector::parse(text).is_err(), "{text}");
    }
}

#[test]
fn structured_selectors_say_the_same_as_text() {
    let selector = json!({
        "matchLabels": {"app": "web"},
        "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}],
    });
    assert_eq!(
        LabelSelector::from_object(&selector).unwrap(),
        labels("app=web,tier notin (a)")
    );
}

#[test]
fn field_selectors_take_a_missing_field_for_empty() {
    let pod = json!({"spec": {}, "status": {"phase": "Pending"}});
    for text in [
        "spec.nodeName=",
        "status.phase!=Running",
        "spec.unschedulable=false",
    ] {
        assert!(FieldSelector::parse(text).unwrap().matches(&pod), "{text}");
    }
    assert!(
        !FieldSelector::parse("spec.nodeName=n1")
            .unwrap()
            .matches(&pod)
    );
    assert!(FieldSelector::parse("status.phase").is_err());
}
