//! Problems with known answers: every plan valid, no more pods without a place and no dearer than
//! the reference's best run. The largest problems and the table by group are for
//! `cargo xtask corpus`, which is built with optimisation.

use scheduling::{Batch, solve};
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
