//! Random problems: the solver's placement is valid, and the same in whatever order objects come.

use std::sync::Arc;

use proptest::prelude::*;
use scheduling::{Batch, Placement, solve};
use testkit::random::{self, RandomProblem};
use testkit::referee;

fn answer(problem: &RandomProblem) -> Placement {
    let batch = Batch::default();
    solve(
        &problem.snapshot(),
        &batch,
        &problem.options,
        problem.now,
        1,
    )
}

/// The answer in words, without what may depend on the order of arrival.
fn describe(placement: &Placement) -> Vec<String> {
    let names = |pods: &[Arc<cluster::PodRecord>]| -> Vec<String> {
        pods.iter().map(|pod| pod.key().to_string()).collect()
    };
    let claims = placement.new_claims.iter().map(|claim| {
        let types: Vec<&str> = claim.instance_types.iter().map(|t| &*t.name).collect();
        format!(
            "{} {:?} {:?} {types:?}",
            claim.name,
            names(&claim.pods),
            claim.launch
        )
    });
    let existing = placement
        .existing
        .iter()
        .map(|e| format!("{} {:?}", e.node, names(&e.pods)));
    let unplaced = placement
        .unplaced
        .iter()
        .map(|u| format!("{} {:?}", u.pod.key(), u.refusals));
    claims.chain(existing).chain(unplaced).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_in_which_objects_come_does_not_matter(
        seed in any::<u64>(),
        size in 1_usize..30,
        order in any::<u64>(),
    ) {
        let problem = random::problem(seed, size);
        let shuffled = problem.shuffled(order);
        prop_assert_eq!(describe(&answer(&problem)), describe(&answer(&shuffled)));
    }
}

/// How many of the problems below may have an invalid answer, until the solver handles them: skews
/// between domains of capacity types and custom labels where other rules tie pods together.
const KNOWN: usize = 4;

#[test]
fn placements_are_valid_but_for_a_known_few() {
    let mut invalid = Vec::new();
    for seed in 0..150 {
        let problem = random::problem(seed, 5 + (seed % 50) as usize);
        let placement = answer(&problem);
        let batch = Batch::default();
        let violations = referee::check(&problem.snapshot(), &batch, problem.now, &placement);
        if let Some(first) = violations.first() {
            invalid.push(format!("seed {seed}: {first}"));
        }
    }
    assert!(invalid.len() <= KNOWN, "{invalid:#?}");
    let other = |line: &String| !line.contains("a difference of");
    assert!(!invalid.iter().any(other), "{invalid:#?}");
}

#[test]
fn a_random_problem_is_a_function_of_its_seed() {
    let items = |seed| random::problem(seed, 40).items;
    assert_eq!(items(3), items(3));
    assert_ne!(items(3), items(4));
}

#[test]
fn random_problems_have_all_that_can_be_demanded() {
    let all: String = (0..40)
        .flat_map(|seed| random::problem(seed, 40).items)
        .map(|item| item.to_string())
        .collect();
    let wanted = [
        "DoNotSchedule",
        "ScheduleAnyway",
        "minDomains",
        "podAffinity",
        "podAntiAffinity",
        "namespaceSelector",
        "matchLabelKeys",
        "hostPort",
        "persistentVolumeClaim",
        "allowedTopologies",
        "CSINode",
        "deletionTimestamp",
        "minValues",
        "limits",
        "startupTaints",
        "nodeName",
    ];
    for word in wanted {
        assert!(all.contains(word), "{word}");
    }
}
