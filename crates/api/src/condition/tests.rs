use model::Timestamp;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn subject(now: i64) -> Subject<'static> {
    Subject {
        dependents: &["Launched", "Registered"],
        generation: 3,
        created: Some(at(1)),
        deleting: false,
        now: at(now),
    }
}

#[test]
fn a_fresh_object_awaits_reconciliation() {
    let mut conditions = Vec::new();
    initialize(&mut conditions, &subject(5));
    let shown: Vec<_> = conditions
        .iter()
        .map(|c| (c.r#type.as_str(), c.status.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("Launched", "Unknown"),
            ("Registered", "Unknown"),
            ("Ready", "Unknown")
        ]
    );
    assert!(
        conditions
            .iter()
            .all(|c| c.reason == "AwaitingReconciliation")
    );
}

#[test]
fn the_root_names_what_it_waits_for_and_turns_true_with_the_last() {
    let mut conditions = Vec::new();
    assert!(set_true(&mut conditions, &subject(10), "Launched"));
    let root = find(&conditions, READY).unwrap();
    assert_eq!(
        (root.status.as_str(), root.reason.as_str()),
        ("Unknown", "ReconcilingDependents")
    );
    assert_eq!(root.message, "Registered=Unknown");
    assert!(set_true(&mut conditions, &subject(20), "Registered"));
    let root = find(&conditions, READY).unwrap();
    assert!(root.is_true());
    assert_eq!(root.last_transition_time, Some(at(20)));
    assert!(
        !set_true(&mut conditions, &subject(30), "Registered"),
        "nothing differs"
    );
}

#[test]
fn a_false_dependent_makes_the_root_false() {
    let mut conditions = Vec::new();
    set(
        &mut conditions,
        &subject(9),
        ("Launched", FALSE),
        "Broken",
        "it broke",
    );
    let root = find(&conditions, READY).unwrap();
    assert_eq!(root.reason, "UnhealthyDependents");
    assert_eq!(root.message, "Launched=False, Registered=Unknown");
}

#[test]
fn a_dependent_of_an_older_generation_does_not_count_as_healthy() {
    let mut conditions = Vec::new();
    set_true(&mut conditions, &subject(10), "Launched");
    set_true(&mut conditions, &subject(10), "Registered");
    let newer = Subject {
        generation: 4,
        ..subject(11)
    };
    set_true(&mut conditions, &newer, "Launched");
    assert_eq!(find(&conditions, READY).unwrap().message, "Registered=True");
    assert!(find(&conditions, READY).unwrap().is_unknown());
}

#[test]
fn independent_conditions_come_and_go_without_touching_the_root() {
    let mut conditions = Vec::new();
    set_true(&mut conditions, &subject(10), "Drifted");
    assert_eq!(
        find(&conditions, "Drifted").unwrap().last_transition_time,
        Some(at(10))
    );
    assert!(clear(&mut conditions, &subject(11), "Drifted"));
    assert!(!clear(&mut conditions, &subject(11), "Drifted"));
}

#[test]
fn another_order_alone_is_no_change() {
    let mut conditions = Vec::new();
    set_true(&mut conditions, &subject(12), "Launched");
    set_true(&mut conditions, &subject(10), "Registered");
    set_true(&mut conditions, &subject(11), "Drifted");
    clear(&mut conditions, &subject(13), "Drifted");
    let cleared = conditions.clone();
    assert!(!set_true(&mut conditions, &subject(14), "Launched"));
    assert_eq!(conditions, cleared);
    let newer = Subject {
        generation: 4,
        ..subject(15)
    };
    assert!(set_true(&mut conditions, &newer, "Launched"));
}

/// The API server would refuse the whole status, again and again.
#[test]
fn a_message_is_no_longer_than_the_schema_lets_it_be() {
    let mut conditions = Vec::new();
    let long = "ü".repeat(MAX_MESSAGE + 1);
    let status = ("Launched", FALSE);
    assert!(set(&mut conditions, &subject(10), status, "Failed", &long));
    let message = &find(&conditions, "Launched").expect("it is set").message;
    assert_eq!(message.chars().count(), MAX_MESSAGE);
    assert!(!set(&mut conditions, &subject(11), status, "Failed", &long));
}
