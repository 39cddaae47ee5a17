use model::k8s::NodeCondition;

use super::*;
use crate::testing::{at, launched_claim, node as joined, pool};

const MINUTE: i64 = 60;

fn policy(condition: &str, status: &str, minutes: u64) -> RepairPolicy {
    RepairPolicy {
        condition: condition.to_owned(),
        status: status.to_owned(),
        toleration: Duration::from_mins(minutes),
    }
}

fn policies() -> Vec<RepairPolicy> {
    vec![policy("Bad", "False", 30), policy("Worse", "Unknown", 10)]
}

/// A node whose conditions have been as they are since a time.
fn node(name: &str, conditions: &[(&str, &str, i64)]) -> Node {
    let mut node = joined(name);
    for (r#type, status, since) in conditions {
        node.status.conditions.push(NodeCondition {
            r#type: (*r#type).to_owned(),
            status: (*status).to_owned(),
            last_transition_time: Some(at(*since)),
            ..NodeCondition::default()
        });
    }
    node
}

fn broken(name: &str) -> Node {
    node(name, &[("Bad", "False", 0)])
}

/// What is done at a time about a broken node among `nodes`, of which so many are broken.
fn decided(claim: &NodeClaim, (broken_nodes, nodes): (usize, usize), now: i64) -> RepairStep {
    let (policies, pool) = (policies(), pool("p"));
    let facts = RepairFacts {
        node: &broken("a"),
        claim,
        pool: Some(&pool),
        policy: &policies[0],
        population: Population {
            nodes,
            broken: broken_nodes,
        },
    };
    decide(&facts, at(now))
}

fn replaced(step: RepairStep) -> NodeClaim {
    match step {
        RepairStep::Replace { claim, .. } => *claim,
        other => panic!("{other:?}"),
    }
}

fn timestamp(claim: &NodeClaim) -> Option<Timestamp> {
    deadline(claim)
}

/// NH-01, NH-02, NH-03.
#[test]
fn a_condition_is_tolerated_for_as_long_as_its_policy_says() {
    let policies = policies();
    let sick = broken("a");
    assert_eq!(
        verdict(&sick, &policies, at(27 * MINUTE)),
        Verdict::Tolerated(Duration::from_mins(3))
    );
    let due = Verdict::Due(&policies[0]);
    assert_eq!(verdict(&sick, &policies, at(30 * MINUTE)), due);
    assert_eq!(verdict(&sick, &policies, at(31 * MINUTE)), due);
    for conditions in [
        &[("Bad", "Unknown", 0)][..],
        &[("Other", "False", 0)],
        &[("Worse", "False", 0)],
        &[],
    ] {
        let sound = node("a", conditions);
        let found = verdict(&sound, &policies, at(90 * MINUTE));
        assert_eq!(found, Verdict::Sound, "{conditions:?}");
    }
}

/// NH-04: the one that is over first, not the first in the list.
#[test]
fn of_several_policies_the_one_that_is_over_first_counts() {
    let policies = policies();
    let both =
        |bad: i64, worse: i64| node("a", &[("Bad", "False", bad), ("Worse", "Unknown", worse)]);
    assert_eq!(
        verdict(&both(0, 0), &policies, at(7 * MINUTE)),
        Verdict::Tolerated(Duration::from_mins(3))
    );
    let later = both(0, 25 * MINUTE);
    assert_eq!(
        verdict(&later, &policies, at(26 * MINUTE)),
        Verdict::Tolerated(Duration::from_mins(4))
    );
    assert_eq!(
        verdict(&later, &policies, at(36 * MINUTE)),
        Verdict::Due(&policies[0])
    );
}

#[test]
fn a_condition_without_a_time_is_as_old_as_its_node() {
    let policies = policies();
    let mut sick = broken("a");
    for condition in &mut sick.status.conditions {
        condition.last_transition_time = None;
    }
    // The node was created at 20 s.
    assert_eq!(
        verdict(&sick, &policies, at(30 * MINUTE)),
        Verdict::Tolerated(Duration::from_secs(20))
    );
}

/// NH-01, NH-05: the deadline is now, whatever grace the pool grants to a drain.
#[test]
fn a_repaired_node_goes_at_once() {
    let mut claim = launched_claim("a");
    claim.spec.termination_grace_period = Some("1h".parse().expect("a duration"));
    claim.status.image_id = "image-1".to_owned();
    let RepairStep::Replace {
        claim: wanted,
        measure,
    } = decided(&claim, (1, 3), 1860)
    else {
        panic!("it is repaired");
    };
    assert_eq!(timestamp(&wanted), Some(at(1860)));
    let mut otherwise = *wanted;
    otherwise.metadata.annotations.clear();
    assert_eq!(otherwise, claim, "nothing else changes");
    let expected = Measure::Repaired {
        of: Belongs {
            pool: "p".to_owned(),
            ..Belongs::default()
        },
        condition: "bad".to_owned(),
        image: "image-1".to_owned(),
    };
    assert_eq!(measure, expected);
}

/// NH-06.
#[test]
fn a_deadline_that_is_over_stays_and_one_to_come_becomes_now() {
    let with = |seconds: i64| {
        let mut claim = launched_claim("a");
        let (key, value) = (keys::TERMINATION_TIMESTAMP, at(seconds).to_string());
        claim.metadata.annotations.insert(key.to_owned(), value);
        claim
    };
    let past = replaced(decided(&with(100), (1, 3), 1860));
    assert_eq!(timestamp(&past), Some(at(100)));
    let mut future = with(9000);
    future.metadata.deletion_timestamp = Some(at(50));
    let wanted = replaced(decided(&future, (1, 3), 1860));
    assert_eq!(timestamp(&wanted), Some(at(1860)));
    let mut nonsense = launched_claim("a");
    let (key, value) = (keys::TERMINATION_TIMESTAMP, "soon");
    nonsense
        .metadata
        .annotations
        .insert(key.to_owned(), value.to_owned());
    let wanted = replaced(decided(&nonsense, (1, 3), 1860));
    assert_eq!(timestamp(&wanted), Some(at(1860)));
}

#[test]
fn a_repair_under_way_is_left_alone_even_where_others_are_held_back() {
    let mut going = replaced(decided(&launched_claim("a"), (1, 3), 1860));
    going.metadata.deletion_timestamp = Some(at(1861));
    for population in [(1, 3), (3, 3)] {
        assert_eq!(decided(&going, population, 1870), RepairStep::UnderWay);
    }
}

/// NH-08, NH-09: one of up to five, two of up to ten, three of eleven.
#[test]
fn repairs_are_held_back_where_more_than_a_fifth_is_broken() {
    for (nodes, allowed) in [(1, 1), (3, 1), (5, 1), (6, 2), (10, 2), (11, 3)] {
        let claim = launched_claim("a");
        replaced(decided(&claim, (allowed, nodes), 1860));
        let step = decided(&claim, (allowed + 1, nodes), 1860);
        assert!(matches!(step, RepairStep::Blocked(_)), "{nodes}: {step:?}");
    }
}

/// NH-08: every object that somebody may look at is told.
#[test]
fn a_repair_that_is_held_back_is_told_on_node_claim_and_pool() {
    let told = |step: RepairStep| -> Vec<(&str, String, String)> {
        let RepairStep::Blocked(notices) = step else {
            panic!("{step:?}");
        };
        let brief = |notice: &Notice| {
            assert_eq!(notice.news.reason(), "NodeRepairBlocked");
            let name = notice.about.name.clone();
            (notice.about.kind, name, notice.news.to_string())
        };
        notices.iter().map(brief).collect()
    };
    let message = "more than 20% nodes are unhealthy in the nodepool p: 3 of 10".to_owned();
    let expected = [("Node", "a"), ("NodeClaim", "a"), ("NodePool", "p")];
    let expected = expected.map(|(kind, name)| (kind, name.to_owned(), message.clone()));
    assert_eq!(told(decided(&launched_claim("a"), (3, 10), 1860)), expected);
    let mut alone = launched_claim("a");
    alone.metadata.labels.clear();
    let facts = RepairFacts {
        node: &broken("a"),
        claim: &alone,
        pool: None,
        policy: &policies()[0],
        population: Population {
            nodes: 10,
            broken: 3,
        },
    };
    let message = "more than 20% nodes are unhealthy in the cluster: 3 of 10".to_owned();
    let expected = [("Node", "a"), ("NodeClaim", "a")];
    let expected = expected.map(|(kind, name)| (kind, name.to_owned(), message.clone()));
    assert_eq!(told(decide(&facts, at(1860))), expected);
}

/// A node counts as broken as soon as a policy matches. Healthy nodes that are going do not stand
/// for the others; broken ones use up what is allowed.
#[test]
fn nodes_that_go_count_only_if_they_are_broken() {
    let policies = policies();
    let going = |mut node: Node| {
        node.metadata.deletion_timestamp = Some(at(5));
        node
    };
    let nodes = [
        joined("a"),
        broken("b"),
        node("c", &[("Worse", "Unknown", 100_000)]),
        going(joined("d")),
        going(broken("e")),
    ];
    let expected = Population {
        nodes: 4,
        broken: 3,
    };
    assert_eq!(Population::of(&nodes, &policies), expected);
}

#[test]
fn conditions_become_labels_in_snake_case() {
    for (name, expected) in [
        ("Ready", "ready"),
        ("AcceleratedHardwareReady", "accelerated_hardware_ready"),
        ("DCGMError", "dcgm_error"),
        ("Xid79", "xid_79"),
        ("example.com/BadDisk", "example_com_bad_disk"),
    ] {
        assert_eq!(snake_case(name), expected);
    }
}
