//! Sums over the problems of a group.

use std::collections::BTreeMap;

use crate::Judged;

/// Groups with a row and a bar of their own, in the order in which they are shown.
pub(crate) const NAMED: [&str; 3] = ["large", "mix", "bench"];
/// The row of all groups that are not [`NAMED`].
pub(crate) const OTHERS: &str = "all others";
/// The row of all problems.
pub(crate) const ALL: &str = "all";

/// What came of the problems of one group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) problems: usize,
    pub(crate) invalid: usize,
    /// Problems with more pods without a place.
    pub(crate) more_unplaced: usize,
    pub(crate) dearer: usize,
    /// Problems whose reference answer is itself invalid.
    pub(crate) no_bar: usize,
    /// Problems whose price and nodes are in the sums.
    pub(crate) compared: usize,
    price: f64,
    reference_price: f64,
    nodes: f64,
    reference_nodes: f64,
    ms: f64,
    reference_ms: f64,
    over_bound: Vec<f64>,
}

impl Sums {
    fn add(&mut self, judged: &Judged) {
        let (bar, outcome) = (&judged.problem.reference, &judged.outcome);
        self.problems += 1;
        self.invalid += usize::from(!outcome.violations.is_empty());
        self.more_unplaced += usize::from(outcome.more_unplaced(bar) > 0);
        self.dearer += usize::from(outcome.is_dearer(bar));
        self.no_bar += usize::from(!bar.breaks.is_empty() || bar.note.is_some());
        if outcome.is_comparable(bar) {
            self.compared += 1;
            self.price += outcome.price.dollars();
            self.reference_price += bar.price_per_hour;
            self.nodes += outcome.nodes as f64;
            self.reference_nodes += bar.nodes as f64;
        }
        self.ms += judged.took.as_secs_f64() * 1e3;
        self.reference_ms += bar.solve_ms;
        self.over_bound.extend(over_bound(judged));
    }

    /// Price to the reference's; none where nothing is to be paid.
    pub(crate) fn price_ratio(&self) -> Option<f64> {
        ratio(self.price, self.reference_price)
    }

    /// Nodes to the reference's.
    pub(crate) fn node_ratio(&self) -> Option<f64> {
        ratio(self.nodes, self.reference_nodes)
    }

    /// Time to the reference's.
    pub(crate) fn time_ratio(&self) -> Option<f64> {
        ratio(self.ms, self.reference_ms)
    }

    /// The median of price over lower bound.
    pub(crate) fn over_bound(&self) -> Option<f64> {
        let mut values = self.over_bound.clone();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let upper = *values.get(middle)?;
        let lower = values[(values.len() - 1) / 2];
        Some(f64::midpoint(lower, upper))
    }
}

/// Price over lower bound; none where there is no bound or it is zero.
pub(crate) fn over_bound(judged: &Judged) -> Option<f64> {
    let bound = judged.outcome.lower_bound?.dollars();
    ratio(judged.outcome.price.dollars(), bound)
}

/// The groups as they are shown: the named ones, the others by name, and the two sums.
pub(crate) fn by_group(judged: &[Judged]) -> Vec<(String, Sums)> {
    let mut groups: BTreeMap<String, Sums> = BTreeMap::new();
    for one in judged {
        let group = one.problem.group();
        let sum = if NAMED.contains(&group.as_str()) {
            None
        } else {
            Some(OTHERS)
        };
        let rows = [Some(group.as_str()), sum, Some(ALL)];
        for row in rows.into_iter().flatten() {
            groups.entry(row.to_owned()).or_default().add(one);
        }
    }
    let named = NAMED.map(str::to_owned);
    let sums = [OTHERS, ALL].map(str::to_owned);
    let mut rows = Vec::new();
    for name in named {
        rows.extend(groups.remove_entry(&name));
    }
    let last: Vec<_> = sums
        .iter()
        .filter_map(|name| groups.remove_entry(name))
        .collect();
    rows.extend(groups);
    rows.extend(last);
    rows
}

fn ratio(ours: f64, theirs: f64) -> Option<f64> {
    (theirs > 0.0).then(|| ours / theirs)
}
