//! Random clusters: every round of disruption is valid, and the same in whatever order objects
//! come.

use disruption::{Plan, Reason};
use testkit::random;

fn size(seed: u64) -> usize {
    5 + (seed % 50) as usize
}

/// A plan in words.
fn describe(plan: &Plan) -> Vec<String> {
    let commands = plan.commands.iter().map(|command| {
        let moves: Vec<String> = command
            .moves
            .iter()
            .map(|moved| format!("{} to {}", moved.pod.key(), moved.to))
            .collect();
        let new: Vec<String> = command
            .replacements
            .iter()
            .map(|claim| format!("{} {:?} {}", claim.name, claim.launch, claim.pods.len()))
            .collect();
        format!("{command}: {moves:?} {new:?}")
    });
    let kept = plan
        .kept
        .iter()
        .map(|kept| format!("{}: {:?}", kept.node, kept.reason));
    commands.chain(kept).collect()
}

#[test]
fn rounds_are_valid() {
    let mut invalid = Vec::new();
    for seed in 0..200 {
        if let Some(first) = random::cluster(seed, size(seed)).faults().first() {
            invalid.push(format!("seed {seed}: {first}"));
        }
    }
    assert!(invalid.is_empty(), "{invalid:#?}");
}

#[test]
fn the_order_in_which_objects_come_does_not_matter() {
    for seed in 0..40 {
        let cluster = random::cluster(seed, size(seed));
        let shuffled = cluster.shuffled(seed + 1);
        let plan = cluster.plan(&cluster.snapshot());
        let other = shuffled.plan(&shuffled.snapshot());
        assert_eq!(describe(&plan), describe(&other), "seed {seed}");
    }
}

#[test]
fn random_clusters_have_all_that_rules_are_about() {
    let mut reasons = std::collections::BTreeSet::new();
    let mut all = String::new();
    for seed in 0..80 {
        let cluster = random::cluster(seed, size(seed));
        let plan = cluster.plan(&cluster.snapshot());
        reasons.extend(plan.commands.iter().map(|command| command.reason));
        all.extend(cluster.items.iter().map(ToString::to_string));
    }
    for reason in [Reason::Empty, Reason::Drifted, Reason::Underutilized] {
        assert!(reasons.contains(&reason), "{reason}");
    }
    let wanted = [
        "Drifted",
        "Consolidatable",
        "WhenEmpty\"",
        "Balanced",
        "Never",
        "deletionTimestamp",
        "do-not-disrupt",
        "pod-deletion-cost",
        "PodDisruptionBudget",
        "terminationGracePeriod",
        "expireAfter",
        "schedule",
        "reasons",
        "replicas",
        "DaemonSet",
        "StatefulSet",
        "Unschedulable",
    ];
    for word in wanted {
        assert!(all.contains(word), "{word}");
    }
}
