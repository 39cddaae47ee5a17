//! All series of one metric.

use std::collections::{BTreeMap, VecDeque};

use super::{Definition, Kind};

/// Observations that a summary's quantiles are taken from: the latest.
const SUMMARY_WINDOW: usize = 1_000;

/// One metric with its series, ordered by label values.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) definition: &'static Definition,
    pub(super) label_names: Vec<String>,
    pub(super) series: BTreeMap<Box<[Box<str>]>, Value>,
}

/// What one series holds.
#[derive(Debug)]
pub(super) enum Value {
    Number(f64),
    Histogram {
        counts: Vec<u64>,
        sum: f64,
        count: u64,
    },
    Summary {
        latest: VecDeque<f64>,
        sum: f64,
        count: u64,
    },
}

impl Family {
    pub(super) fn new(definition: &'static Definition) -> Self {
        let label_names = definition
            .labels
            .names()
            .iter()
            .map(|&name| name.to_owned())
            .collect();
        Self {
            definition,
            label_names,
            series: BTreeMap::new(),
        }
    }

    pub(super) fn extend_labels(&mut self, names: &[String]) {
        for name in names {
            if !self.label_names.contains(name) {
                self.label_names.push(name.clone());
            }
        }
    }

    /// Makes the series visible with its zero.
    pub(super) fn touch(&mut self, labels: &[&str]) {
        self.entry(labels);
    }

    pub(super) fn add(&mut self, labels: &[&str], by: f64) {
        if let Some(Value::Number(number)) = self.entry(labels) {
            *number += by;
        }
    }

    pub(super) fn set(&mut self, labels: &[&str], to: f64) {
        if let Some(Value::Number(number)) = self.entry(labels) {
            *number = to;
        }
    }

    pub(super) fn observe(&mut self, labels: &[&str], value: f64) {
        let kind = self.definition.kind;
        match self.entry(labels) {
            Some(Value::Histogram { counts, sum, count }) => {
                if let Kind::Histogram(bounds) = kind
                    && let Some(at) = bounds.iter().position(|&bound| value <= bound)
                {
                    counts[at] += 1;
                }
                *sum += value;
                *count += 1;
            }
            Some(Value::Summary { latest, sum, count }) => {
                if latest.len() == SUMMARY_WINDOW {
                    latest.pop_front();
                }
                latest.push_back(value);
                *sum += value;
                *count += 1;
            }
            Some(Value::Number(_)) | None => {}
        }
    }

    pub(super) fn clear(&mut self) {
        self.series.clear();
    }

    pub(super) fn remove(&mut self, matching: &[(&str, &str)]) {
        let names = &self.label_names;
        self.series.retain(|values, _| {
            let has = |&(name, value): &(&str, &str)| {
                names
                    .iter()
                    .zip(values)
                    .any(|(have, is)| have == name && **is == *value)
            };
            !matching.iter().all(has)
        });
    }

    /// Removes the series whose first label values are these, without looking at any other.
    pub(super) fn remove_first(&mut self, first: &[&str]) {
        let from = key(first);
        let begins = |values: &[Box<str>]| values.iter().zip(&from).all(|(have, is)| have == is);
        let gone: Vec<Box<[Box<str>]>> = self
            .series
            .range(from.clone()..)
            .map(|(values, _)| values)
            .take_while(|values| begins(values))
            .cloned()
            .collect();
        for values in gone {
            self.series.remove(&values);
        }
    }

    pub(super) fn value(&self, labels: &[&str]) -> Option<f64> {
        match self.series.get(&key(labels))? {
            Value::Number(number) => Some(*number),
            Value::Histogram { count, .. } | Value::Summary { count, .. } => Some(*count as f64),
        }
    }

    pub(super) fn refresh(&mut self, value: impl Fn(&[Box<str>]) -> Option<f64>) {
        for (labels, held) in &mut self.series {
            if let (Value::Number(held), Some(value)) = (held, value(labels)) {
                *held = value;
            }
        }
    }

    pub(super) fn sums(&self, label: &str) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        let Some(at) = self.label_names.iter().position(|name| name == label) else {
            return sums;
        };
        for (values, value) in &self.series {
            if let Value::Number(number) = value {
                *sums.entry(values[at].to_string()).or_default() += number;
            }
        }
        sums
    }

    /// The series of these label values. A wrong number of values is a programming error: tests
    /// stop there, a release drops the measurement and says so.
    fn entry(&mut self, labels: &[&str]) -> Option<&mut Value> {
        if labels.len() != self.label_names.len() {
            debug_assert!(
                false,
                "{}: {labels:?} for {:?}",
                self.definition.name, self.label_names
            );
            tracing::error!(
                metric = self.definition.name,
                "dropped a value with wrong labels"
            );
            return None;
        }
        let kind = self.definition.kind;
        Some(self.series.entry(key(labels)).or_insert_with(|| zero(kind)))
    }
}

fn key(labels: &[&str]) -> Box<[Box<str>]> {
    labels.iter().map(|&value| value.into()).collect()
}

fn zero(kind: Kind) -> Value {
    match kind {
        Kind::Counter | Kind::Gauge => Value::Number(0.0),
        Kind::Histogram(bounds) => Value::Histogram {
            counts: vec![0; bounds.len()],
            sum: 0.0,
            count: 0,
        },
        Kind::Summary => Value::Summary {
            latest: VecDeque::new(),
            sum: 0.0,
            count: 0,
        },
    }
}
