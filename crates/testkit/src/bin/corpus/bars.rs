//! What the answers must reach.

use crate::Judged;
use crate::sums::{ALL, OTHERS, Sums};

/// Price to the reference's, at most, by row of the table.
const PRICE: [(&str, f64); 4] = [
    ("large", 0.65),
    ("mix", 0.62),
    ("bench", 0.67),
    (OTHERS, 0.86),
];
/// Nodes to the reference's over all problems, at most.
const NODES: f64 = 1.10;

/// Every bar that is missed, in words. Ratios of groups are only asked of the whole corpus.
pub(crate) fn missed(judged: &[Judged], groups: &[(String, Sums)], whole: bool) -> Vec<String> {
    let mut missed: Vec<String> = judged.iter().flat_map(of_problem).collect();
    let row = |name: &str| groups.iter().find(|(row, _)| row == name);
    for (name, bar) in PRICE {
        if let Some(ratio) = row(name).and_then(|(_, sums)| sums.price_ratio())
            && ratio > bar
            && (whole || name != OTHERS)
        {
            missed.push(format!(
                "{name}: price ratio {ratio:.3}, at most {bar} wanted"
            ));
        }
    }
    if let Some(ratio) = row(ALL).and_then(|(_, sums)| sums.node_ratio())
        && whole
        && ratio > NODES
    {
        missed.push(format!(
            "{ALL}: node ratio {ratio:.3}, at most {NODES} wanted"
        ));
    }
    missed
}

/// The bar of a row's price ratio.
pub(crate) fn price(row: &str) -> Option<f64> {
    PRICE
        .iter()
        .find(|(name, _)| *name == row)
        .map(|(_, bar)| *bar)
}

fn of_problem(judged: &Judged) -> Vec<String> {
    let (bar, outcome) = (&judged.problem.reference, &judged.outcome);
    let name = &judged.problem.name;
    let mut missed = Vec::new();
    if let Some(first) = outcome.violations.first() {
        let count = outcome.violations.len();
        missed.push(format!("{name}: {count} violations, the first: {first}"));
    }
    // Where the reference breaks a rule, a valid answer may not be able to place as many.
    if outcome.more_unplaced(bar) > 0 && bar.breaks.is_empty() {
        missed.push(format!(
            "{name}: {} pods without a place, the reference has {}",
            outcome.unplaced, bar.unplaced
        ));
    }
    if outcome.is_dearer(bar) {
        missed.push(format!(
            "{name}: costs {:.5}, the reference {:.5}",
            outcome.price.dollars(),
            bar.price_per_hour
        ));
    }
    missed
}
