//! Problems with known answers: every plan valid, no more pods without a place and no dearer than
//! the reference's best run. Prints a table: `cargo test -p scheduling --test corpus --
//! --nocapture`.

use std::collections::BTreeMap;

use catalog::Price;
use scheduling::{Batch, solve};
use testkit::{corpus, referee};

/// Sums over the problems of a group.
#[derive(Default)]
struct Sums {
    problems: usize,
    price: f64,
    reference: f64,
    nodes: usize,
    reference_nodes: usize,
}

#[test]
fn no_plan_places_fewer_pods_or_costs_more_than_the_reference() {
    let mut groups: BTreeMap<String, Sums> = BTreeMap::new();
    let mut wrong = Vec::new();
    for name in corpus::names() {
        let problem = corpus::problem(&name);
        let snapshot = problem.snapshot();
        let batch = Batch::default();
        let placement = solve(&snapshot, &batch, &problem.options, problem.now, 1);
        for violation in referee::check(&snapshot, &batch, problem.now, &placement) {
            wrong.push(format!("{name}: {violation}"));
        }
        let bar = &problem.reference;
        let (price, unplaced) = (placement.price().dollars(), placement.unplaced.len());
        let nodes = placement.new_claims.len();
        println!(
            "{name:28} unplaced {unplaced:3} of at most {:3}   price {price:9.4} of {:9.4}   nodes {nodes:3} of {:3}   bound {}",
            bar.unplaced,
            bar.price_per_hour,
            bar.nodes,
            placement.lower_bound.unwrap_or(Price::ZERO),
        );
        // A price is only comparable where the same number of pods is placed.
        let dearer = unplaced == bar.unplaced && price > bar.price_per_hour + 1e-9;
        if bar.breaks.is_empty() && (unplaced > bar.unplaced || dearer) {
            wrong.push(format!("{name}: worse than the reference"));
        }
        let group = name
            .rsplit_once('-')
            .map_or(name.as_str(), |(group, _)| group);
        let sums = groups.entry(group.to_owned()).or_default();
        sums.problems += 1;
        sums.price += price;
        sums.reference += bar.price_per_hour;
        sums.nodes += nodes;
        sums.reference_nodes += usize::try_from(bar.nodes).unwrap_or_default();
    }
    print_groups(&groups);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn print_groups(groups: &BTreeMap<String, Sums>) {
    println!("\n{:24} problems   price ratio   nodes", "group");
    let mut all = Sums::default();
    for (name, sums) in groups {
        print_sums(name, sums);
        all.problems += sums.problems;
        all.price += sums.price;
        all.reference += sums.reference;
        all.nodes += sums.nodes;
        all.reference_nodes += sums.reference_nodes;
    }
    print_sums("all", &all);
}

fn print_sums(name: &str, sums: &Sums) {
    let ratio = if sums.reference > 0.0 {
        sums.price / sums.reference
    } else {
        1.0
    };
    println!(
        "{name:24} {:8} {ratio:13.3}   {} of {}",
        sums.problems, sums.nodes, sums.reference_nodes
    );
}
