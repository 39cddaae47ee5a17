use super::*;
use scheduling::{Candidate, Rejection};

fn refusals(count: usize, types: usize) -> Vec<Refusal> {
    let refusal = |number| Refusal {
        candidate: Candidate::NodePool(format!("pool-{number}").into()),
        rejection: Rejection::NoTypeMeetsAll { types },
    };
    (0..count).map(refusal).collect()
}

#[test]
fn reasons_are_told_with_who_has_them_and_in_bounds() {
    let two = why(&refusals(2, 7));
    assert_eq!(
        two,
        "nodepool/pool-0: none of 7 instance types met all requirements together; \
         nodepool/pool-1: none of 7 instance types met all requirements together"
    );
    for count in [10, 11, 500] {
        let text = why(&refusals(count, 7));
        assert!(text.len() <= LONGEST + 20, "{}", text.len());
        assert_eq!(text.contains(" more"), count > MOST_REFUSALS, "{text}");
    }
    let long = Refusal {
        candidate: Candidate::NodePool("ü".repeat(300).into()),
        rejection: Rejection::NoNodePools,
    };
    let text = why(&[long]);
    assert!(
        text.len() <= LONGEST_REFUSAL && text.ends_with("..."),
        "{text}"
    );
    assert_eq!(why(&[]), "");
}

#[test]
fn long_lists_are_cut() {
    let names = ["a", "b", "c"];
    for (most, text) in [
        (1, "a and 2 other(s)"),
        (2, "a, b and 1 other(s)"),
        (3, "a, b, c"),
    ] {
        assert_eq!(some_of(&names, most), text);
    }
}

/// SCH-233: the depth is tied to the pass, follows what is left, and ends with the pass.
#[test]
fn a_running_computation_is_shown_as_long_as_it_runs() {
    let metrics = Metrics::new();
    let shows = |metric, id: &str| metrics.value(metric, &["provisioner", id]);
    let running = Running::begin(&metrics, "one".to_owned(), 30);
    let other = Running::begin(&metrics, "two".to_owned(), 5);
    assert_eq!(shows(&names::SCHEDULER_QUEUE_DEPTH, "one"), Some(30.0));
    running.show(2, 0.5);
    assert_eq!(shows(&names::SCHEDULER_QUEUE_DEPTH, "one"), Some(2.0));
    assert_eq!(
        shows(&names::SCHEDULER_UNFINISHED_SECONDS, "one"),
        Some(0.5)
    );
    drop(running);
    assert_eq!(shows(&names::SCHEDULER_QUEUE_DEPTH, "one"), None);
    assert_eq!(shows(&names::SCHEDULER_UNFINISHED_SECONDS, "one"), None);
    assert_eq!(shows(&names::SCHEDULER_QUEUE_DEPTH, "two"), Some(5.0));
    drop(other);
}
