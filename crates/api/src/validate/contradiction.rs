//! Requirements that no node can meet, because of what they say of one label.

use std::collections::{BTreeMap, BTreeSet};

use crate::nodepool::NodePool;
use crate::{NodeRequirement, labels};

/// What all requirements on one key leave.
#[derive(Default)]
struct Left {
    allowed: Option<BTreeSet<String>>,
    excluded: BTreeSet<String>,
    least: Option<i64>,
    most: Option<i64>,
    present: bool,
    absent: bool,
    /// Indices of the requirements.
    said: Vec<usize>,
}

/// A key of which the requirements leave nothing.
pub(super) struct Contradiction {
    /// The key, in today's spelling.
    pub(super) key: String,
    /// Index of the requirement that takes away what the others leave; none if it is the labels.
    pub(super) last: Option<usize>,
}

/// Keys of which a pool's requirements and labels leave nothing.
pub(super) fn find(pool: &NodePool) -> Vec<Contradiction> {
    let template = &pool.spec.template;
    let mut left: BTreeMap<String, Left> = BTreeMap::new();
    for (index, item) in template.spec.requirements.iter().enumerate() {
        let entry = left
            .entry(labels::normalize(&item.key).to_owned())
            .or_default();
        entry.said.push(index);
        entry.restrict(&item.operator, &item.values);
    }
    for (key, value) in &template.metadata.labels {
        let entry = left.entry(labels::normalize(key).to_owned()).or_default();
        entry.restrict("In", std::slice::from_ref(value));
    }
    let empty = left.into_iter().filter(|(_, left)| left.is_nothing());
    empty
        .map(|(key, left)| Contradiction {
            key,
            last: left.said.last().copied(),
        })
        .collect()
}

impl Left {
    fn restrict(&mut self, operator: &str, values: &[String]) {
        let number = || values.first().and_then(|value| value.parse::<i64>().ok());
        match operator {
            "In" => {
                let set: BTreeSet<String> = values.iter().cloned().collect();
                self.allowed = Some(match self.allowed.take() {
                    Some(held) => held.intersection(&set).cloned().collect(),
                    None => set,
                });
                self.present = true;
            }
            "NotIn" => self.excluded.extend(values.iter().cloned()),
            "Exists" => self.present = true,
            "DoesNotExist" => self.absent = true,
            "Gt" => self.at_least(number().map(|number| number.saturating_add(1))),
            "Gte" => self.at_least(number()),
            "Lt" => self.at_most(number().map(|number| number.saturating_sub(1))),
            "Lte" => self.at_most(number()),
            _ => {}
        }
    }

    fn at_least(&mut self, bound: Option<i64>) {
        self.present = true;
        self.least = self.least.max(bound);
    }

    fn at_most(&mut self, bound: Option<i64>) {
        self.present = true;
        self.most = match (self.most, bound) {
            (Some(held), Some(bound)) => Some(held.min(bound)),
            (held, bound) => held.or(bound),
        };
    }

    fn is_nothing(&self) -> bool {
        if self.absent && self.present {
            return true;
        }
        let (least, most) = (
            self.least.unwrap_or(i64::MIN),
            self.most.unwrap_or(i64::MAX),
        );
        let bounded = self.least.is_some() || self.most.is_some();
        let within = |value: &String| {
            !bounded
                || value
                    .parse::<i64>()
                    .is_ok_and(|number| number >= least && number <= most)
        };
        match &self.allowed {
            Some(allowed) => !allowed
                .iter()
                .any(|value| !self.excluded.contains(value) && within(value)),
            None => least > most,
        }
    }
}

/// A requirement in words.
pub(super) fn text(item: &NodeRequirement) -> String {
    if item.values.is_empty() {
        return format!("{} {}", item.key, item.operator);
    }
    format!(
        "{} {} [{}]",
        item.key,
        item.operator,
        item.values.join(", ")
    )
}
