//! The metrics of one process (or of one simulated world), and their text form for Prometheus.
//!
//! Every metric is defined once, as a constant in [`names`]; code that measures names the constant
//! and the label values. The registry is a value, so several worlds can live in one process.
//!
//! Why our own: the names must be exactly what dashboards already use (one counter has no
//! `_total`), some are summaries, series must be removable by part of their labels, and the text
//! must not depend on hash order.
//!
//! What is *not* here: serving them (`health`), and when to measure.

mod family;
pub mod names;
pub mod process;
mod text;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use family::Family;

/// What a metric is called, means, and is labelled with.
#[derive(Debug)]
pub struct Definition {
    /// Name, exactly as exposed.
    pub name: &'static str,
    /// One line for people.
    pub help: &'static str,
    /// How values combine.
    pub kind: Kind,
    /// Label names, in the order in which values are given.
    pub labels: Labels,
}

/// How the values of a metric combine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Is what it is.
    Gauge,
    /// Observations counted by upper bound, ascending.
    Histogram(&'static [f64]),
    /// Quantiles of the latest observations.
    Summary,
}

/// The label names of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels {
    /// Always these.
    Fixed(&'static [&'static str]),
    /// These, and more that the world adds when it starts ([`Metrics::extend_labels`]).
    Extended(&'static [&'static str]),
}

impl Labels {
    /// The names that are known without the world.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Fixed(names) | Self::Extended(names) => names,
        }
    }
}

/// One measurement as a value: what pure code returns and the shell [applies](Metrics::apply).
#[derive(Clone, Debug)]
pub struct Measure {
    /// The metric.
    pub metric: &'static Definition,
    /// Label values, in the definition's order.
    pub labels: Vec<String>,
    /// What to do with it.
    pub change: Change,
}

/// What a [`Measure`] does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Adds to a counter or gauge.
    Add(f64),
    /// Sets a gauge.
    Set(f64),
    /// Adds an observation to a histogram or summary.
    Observe(f64),
}

/// A registry; cheap to clone, clones share it.
#[derive(Clone, Debug)]
pub struct Metrics {
    families: Arc<Mutex<BTreeMap<&'static str, Family>>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A registry in which every metric without labels shows zero, as client libraries do it.
    pub fn new() -> Self {
        let mut families = BTreeMap::new();
        for definition in names::all() {
            let family = families
                .entry(definition.name)
                .or_insert_with(|| Family::new(definition));
            if definition.labels == Labels::Fixed(&[]) {
                family.touch(&[]);
            }
        }
        Self {
            families: Arc::new(Mutex::new(families)),
        }
    }

    /// Appends label names that only the world knows (one per well-known label of its provider).
    pub fn extend_labels(&self, metric: &'static Definition, names: &[String]) {
        debug_assert!(
            matches!(metric.labels, Labels::Extended(_)),
            "{} is fixed",
            metric.name
        );
        self.with(metric, |family| family.extend_labels(names));
    }

    /// Adds `by` to a counter or gauge.
    pub fn add(&self, metric: &'static Definition, labels: &[&str], by: f64) {
        self.with(metric, |family| family.add(labels, by));
    }

    /// Sets a gauge.
    pub fn set(&self, metric: &'static Definition, labels: &[&str], to: f64) {
        self.with(metric, |family| family.set(labels, to));
    }

    /// Adds an observation to a histogram or summary.
    pub fn observe(&self, metric: &'static Definition, labels: &[&str], value: f64) {
        self.with(metric, |family| family.observe(labels, value));
    }

    /// Performs a measurement.
    pub fn apply(&self, measure: &Measure) {
        let labels: Vec<&str> = measure.labels.iter().map(String::as_str).collect();
        match measure.change {
            Change::Add(by) => self.add(measure.metric, &labels, by),
            Change::Set(to) => self.set(measure.metric, &labels, to),
            Change::Observe(value) => self.observe(measure.metric, &labels, value),
        }
    }

    /// Replaces all series of a gauge, so that what is gone vanishes.
    pub fn replace(
        &self,
        metric: &'static Definition,
        series: impl IntoIterator<Item = (Vec<String>, f64)>,
    ) {
        self.with(metric, |family| {
            family.clear();
            for (labels, value) in series {
                let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
                family.set(&labels, value);
            }
        });
    }

    /// Sets the series of a gauge that are there to what their label values, in the definition's
    /// order, have now; those that have nothing stay as they are. Costs much less than replacing
    /// them.
    pub fn refresh(&self, metric: &'static Definition, value: impl Fn(&[Box<str>]) -> Option<f64>) {
        self.with(metric, |family| family.refresh(value));
    }

    /// Removes the series whose labels have all of these values.
    pub fn remove(&self, metric: &'static Definition, matching: &[(&str, &str)]) {
        self.with(metric, |family| family.remove(matching));
    }

    /// Removes the series whose first label values, in the definition's order, are these. Takes no
    /// longer for many other series.
    pub fn remove_first(&self, metric: &'static Definition, first: &[&str]) {
        self.with(metric, |family| family.remove_first(first));
    }

    /// The value of a counter or gauge, or the number of observations; `None` without such a
    /// series.
    pub fn value(&self, metric: &'static Definition, labels: &[&str]) -> Option<f64> {
        self.with(metric, |family| family.value(labels))
    }

    /// What the series of a counter or gauge add up to, by their value of a label.
    pub fn sums(&self, metric: &'static Definition, label: &str) -> BTreeMap<String, f64> {
        self.with(metric, |family| family.sums(label))
    }

    /// Everything in Prometheus' text format, version 0.0.4, ordered by name and labels.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for family in self.lock().values() {
            text::write(&mut text, family);
        }
        text
    }

    fn with<A>(&self, metric: &'static Definition, act: impl FnOnce(&mut Family) -> A) -> A {
        act(self
            .lock()
            .entry(metric.name)
            .or_insert_with(|| Family::new(metric)))
    }

    /// A panic while the lock was held can at worst have lost one measurement.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Family>> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
