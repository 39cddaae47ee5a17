//! Tables and JSON.

use serde_json::{Value, json};

use crate::sums::{Sums, over_bound};
use crate::{Judged, bars};

/// At most so many violations are shown of a problem.
pub(crate) const SHOWN: usize = 5;

/// A line for each problem, and what is wrong with its answer.
pub(crate) fn problems(judged: &[Judged]) {
    println!(
        "{:26} {:>9} {:>9} {:>11} {:>11} {:>6} {:>6} {:>6} {:>9} {:>9} {:>6}  remarks",
        "problem",
        "unplaced",
        "reference",
        "price",
        "reference",
        "ratio",
        "nodes",
        "ref",
        "ms",
        "ref ms",
        "bound"
    );
    for one in judged {
        let (bar, outcome) = (&one.problem.reference, &one.outcome);
        let price = outcome.price.dollars();
        let ratio = (bar.price_per_hour > 0.0).then(|| price / bar.price_per_hour);
        println!(
            "{:26} {:9} {:9} {price:11.5} {:11.5} {:>6} {:6} {:6} {:9.2} {:9.0} {:>6}  {}",
            one.problem.name,
            outcome.unplaced,
            bar.unplaced,
            bar.price_per_hour,
            figure(ratio),
            outcome.nodes,
            bar.nodes,
            one.took.as_secs_f64() * 1e3,
            bar.solve_ms,
            figure(over_bound(one)),
            remarks(one).join(", ")
        );
        for violation in outcome.violations.iter().take(SHOWN) {
            println!("    {violation}");
        }
        if outcome.violations.len() > SHOWN {
            println!("    and {} more", outcome.violations.len() - SHOWN);
        }
    }
    println!();
}

fn remarks(one: &Judged) -> Vec<String> {
    let (bar, outcome) = (&one.problem.reference, &one.outcome);
    let mut remarks = Vec::new();
    if !outcome.violations.is_empty() {
        remarks.push("INVALID".to_owned());
    }
    if outcome.more_unplaced(bar) > 0 {
        remarks.push("MORE UNPLACED".to_owned());
    }
    if outcome.is_dearer(bar) {
        remarks.push("DEARER".to_owned());
    }
    if !bar.breaks.is_empty() {
        remarks.push(format!("reference breaks {}", bar.breaks.join(" and ")));
    }
    remarks
}

/// The table of groups, and what is missed.
pub(crate) fn table(groups: &[(String, Sums)], missed: &[String]) {
    println!(
        "{:24} {:>8} {:>7} {:>8} {:>6} {:>6} {:>8} {:>6} {:>6} {:>6} {:>8} {:>10}",
        "group",
        "problems",
        "invalid",
        "unplaced",
        "dearer",
        "no bar",
        "compared",
        "price",
        "bar",
        "nodes",
        "time",
        "over bound"
    );
    for (name, sums) in groups {
        println!(
            "{name:24} {:8} {:7} {:8} {:6} {:6} {:8} {:>6} {:>6} {:>6} {:>8} {:>10}",
            sums.problems,
            sums.invalid,
            sums.more_unplaced,
            sums.dearer,
            sums.no_bar,
            sums.compared,
            figure(sums.price_ratio()),
            bars::price(name).map_or_else(String::new, |bar| format!("{bar:.2}")),
            figure(sums.node_ratio()),
            sums.time_ratio()
                .map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.5}")),
            figure(sums.over_bound()),
        );
    }
    println!(
        "\nunplaced: problems that leave more pods than the reference's best run. price, nodes, time: \
         ours in sum to the reference's.\nno bar: the reference's own answer breaks a rule; its unplaced pods are no bar, and its price \
         and nodes are left out. compared: problems in the ratios of\nprice and nodes, where as many \
         pods are placed. over bound: median of price over lower bound."
    );
    bars(missed);
}

/// What is missed, if anything.
pub(crate) fn bars(missed: &[String]) {
    if missed.is_empty() {
        println!("\nevery bar is met");
    } else {
        println!("\nmissed:");
        for line in missed {
            println!("  {line}");
        }
    }
}

/// Everything, for scripts.
pub(crate) fn json(judged: &[Judged], groups: &[(String, Sums)], missed: &[String]) -> Value {
    let problems: Vec<Value> = judged.iter().map(problem).collect();
    let groups: Vec<Value> = groups.iter().map(group).collect();
    json!({"problems": problems, "groups": groups, "missed": missed})
}

fn problem(one: &Judged) -> Value {
    let (bar, outcome) = (&one.problem.reference, &one.outcome);
    let violations: Vec<String> = outcome.violations.iter().map(ToString::to_string).collect();
    json!({
        "name": one.problem.name,
        "group": one.problem.group(),
        "violations": violations,
        "unplaced": outcome.unplaced,
        "pricePerHour": outcome.price.dollars(),
        "nodes": outcome.nodes,
        "lowerBoundPerHour": outcome.lower_bound.map(catalog::Price::dollars),
        "solveMs": one.took.as_secs_f64() * 1e3,
        "reference": bar,
        "comparable": outcome.is_comparable(bar),
        "dearer": outcome.is_dearer(bar),
    })
}

fn group((name, sums): &(String, Sums)) -> Value {
    json!({
        "name": name,
        "problems": sums.problems,
        "invalid": sums.invalid,
        "moreUnplaced": sums.more_unplaced,
        "dearer": sums.dearer,
        "noBar": sums.no_bar,
        "compared": sums.compared,
        "priceRatio": sums.price_ratio(),
        "priceBar": bars::price(name),
        "nodeRatio": sums.node_ratio(),
        "timeRatio": sums.time_ratio(),
        "overBound": sums.over_bound(),
    })
}

pub(crate) fn figure(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"))
}
