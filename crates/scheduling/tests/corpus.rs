//! Problems with known answers: every plan valid, no more pods without a place and no dearer than
//! the reference's best run. The largest problems and the table by group are for
//! `cargo xtask corpus`, which is built with optimisation.

use scheduling::{Batch, Counters, Effort, LowerBound, Options, solve};
use testkit::{corpus, referee};

/// Problems with more objects are left to `cargo xtask corpus`.
const MOST_OBJECTS: usize = 2_500;

#[test]
fn no_plan_places_fewer_pods_or_costs_more_than_the_reference() {
    let mut wrong = Vec::new();
    for name in corpus::names() {
        let problem = corpus::problem(&name);
        if problem.items.len() > MOST_OBJECTS {
            continue;
        }
        let snapshot = problem.snapshot();
        let batch = Batch::default();
        let placement = solve(&snapshot, &batch, &problem.options, problem.now, 1);
        for violation in referee::check(&snapshot, &batch, problem.now, &placement) {
            wrong.push(format!("{name}: {violation}"));
        }
        let bar = &problem.reference;
        let (price, unplaced) = (placement.price().dollars(), placement.unplaced.len());
        // A price is only comparable where the same number of pods is placed.
        let dearer = unplaced == bar.unplaced && price > bar.price_per_hour + 1e-9;
        if bar.breaks.is_empty() && (unplaced > bar.unplaced || dearer) {
            wrong.push(format!(
                "{name}: {unplaced} pods left and {price}, the reference {} and {}",
                bar.unplaced, bar.price_per_hour
            ));
        }
        if let Some(bound) = placement.lower_bound
            && bound.dollars() > price + 1e-9
        {
            wrong.push(format!(
                "{name}: the bound {bound} is above the price {price}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What a packing does, in units that no machine changes. Whoever changes these numbers should know
/// why: time follows them.
#[test]
fn the_work_of_a_packing_is_what_it_was() {
    // Problem, passes over nodes in search of slack, questions for a type, nodes grown and opened.
    let table = [
        ("bench-05000", 2252, 4955, 1137, 1000),
        ("large-5000-200-ec2", 228, 2511, 513, 198),
        ("large-2000-150-kwok144", 157, 2228, 276, 1371),
    ];
    for (name, scans, type_queries, grown, opened) in table {
        let problem = corpus::problem(name);
        let options = Options {
            effort: Effort::Single,
            lower_bound: LowerBound::None,
            ..problem.options
        };
        let (snapshot, batch) = (problem.snapshot(), Batch::default());
        let placement = solve(&snapshot, &batch, &options, problem.now, 1);
        let expected = Counters {
            scans,
            type_queries,
            grown,
            opened,
            ..Counters::default()
        };
        assert_eq!(placement.counters, expected, "{name}");
    }
}

/// The live way does a bounded number of steps more.
#[test]
fn making_a_packing_cheaper_takes_a_bounded_number_of_steps() {
    for (name, most) in [
        ("large-5000-200-ec2", 800_000),
        ("large-2000-150-kwok144", 300_000),
    ] {
        let problem = corpus::problem(name);
        let (snapshot, batch) = (problem.snapshot(), Batch::default());
        let placement = solve(&snapshot, &batch, &problem.options, problem.now, 1);
        let counters = placement.counters;
        assert!(counters.fill_steps > 0, "{name}: {counters:?}");
        assert!(counters.fill_steps <= most, "{name}: {counters:?}");
    }
}
