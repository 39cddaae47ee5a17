//! Problems with the best answer that the reference implementation gave to each.
//!
//! The project's own copy is in `data/`, in the compact form of [`stored`]; [`layout`] reads a
//! corpus as it was recorded, one folder per problem. [`judge`] solves a problem and has the answer
//! checked, [`follow`] does so for disruption, round after round.
//!
//! What is *not* here: tables and bars by group; the program `corpus` prints them.

mod course;
mod judge;
pub mod layout;
pub mod stored;
mod strip;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use catalog::Catalog;
use cluster::Snapshot;
use model::Timestamp;
use scheduling::{MinValuesPolicy, Options, PreferencePolicy};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use course::{Course, End, Round, follow};
pub use judge::{Outcome, judge, judge_placement};

/// A problem.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Its name, such as `taints-3`.
    pub name: String,
    /// What is asked.
    pub purpose: Purpose,
    /// What it is about.
    pub features: Vec<String>,
    /// The clock.
    pub now: Timestamp,
    /// The scheduling options.
    pub options: Options,
    /// Feature gates that are not as by default.
    pub feature_gates: BTreeMap<String, bool>,
    /// The instance types.
    pub catalog: Arc<Catalog>,
    /// The objects. Their order means nothing.
    pub items: Vec<Value>,
    /// The bar.
    pub reference: Summary,
}

/// What a problem asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// A place for each pending pod.
    #[default]
    Provisioning,
    /// One round of disruption.
    Disruption,
}

/// The best of each over several runs of the reference implementation.
///
/// For disruption the price is that of after less that of before, and nodes are replacements less
/// candidates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Fewest pods without a place.
    #[serde(rename = "unscheduled_min")]
    pub unplaced: usize,
    /// Smallest sum of launch prices, in dollars an hour.
    #[serde(rename = "pricePerHour_min")]
    pub price_per_hour: f64,
    /// Fewest new nodes.
    #[serde(rename = "nodes_min")]
    pub nodes: i64,
    /// Shortest time, in milliseconds. Not taken on a quiet machine: an order of magnitude.
    #[serde(rename = "solveMs_min")]
    pub solve_ms: f64,
    /// Rules that the reference's own answers break: its price and nodes are then no bar.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub breaks: Vec<String>,
    /// Why the reference could not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The options of a problem, as they are written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct WrittenOptions {
    /// A catalog's name or file.
    pub(crate) catalog: String,
    now: Timestamp,
    #[serde(default, rename = "for")]
    purpose: Purpose,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    feature_gates: BTreeMap<String, bool>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    preference_policy: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    min_values_policy: String,
}

/// Why a corpus can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// A file or folder can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {source}")]
    Json {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A catalog is not valid.
    #[error("{path}: {source}")]
    Catalog {
        /// Which.
        path: PathBuf,
        /// Why.
        source: catalog::file::FileError,
    },
    /// A policy has a name that does not exist.
    #[error("{problem}: there is no policy {policy:?}")]
    Policy {
        /// The problem.
        problem: String,
        /// The name.
        policy: String,
    },
}

/// Names of the provisioning problems of the project's own copy, sorted.
///
/// # Panics
/// If the files are not there.
pub fn names() -> Vec<String> {
    let names = stored::names().expect("the corpus is there");
    names
        .into_iter()
        .filter(|name| !is_disruption(name))
        .collect()
}

/// Names of the disruption problems of the project's own copy, sorted.
///
/// # Panics
/// If the files are not there.
pub fn disruption_names() -> Vec<String> {
    let names = stored::names().expect("the corpus is there");
    names
        .into_iter()
        .filter(|name| is_disruption(name))
        .collect()
}

/// The problem of this name.
///
/// # Panics
/// If there is none.
pub fn problem(name: &str) -> Problem {
    stored::Reader::default()
        .problem(name)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Names of disruption problems begin so.
pub(crate) fn is_disruption(name: &str) -> bool {
    name.starts_with("d-")
}

impl Problem {
    /// The cluster of the problem.
    pub fn snapshot(&self) -> Snapshot {
        crate::world::snapshot(&self.items, &self.catalog)
    }

    /// The group that it is counted in: its name without its number, and `large`, `mix` and
    /// `bench`, each with `d-` before it where it is about disruption.
    pub fn group(&self) -> String {
        let (before, name) = match self.name.strip_prefix("d-") {
            Some(name) => ("d-", name),
            None => ("", &*self.name),
        };
        let end = name
            .char_indices()
            .find(|(at, c)| *c == '-' && name[at + 1..].starts_with(|c: char| c.is_ascii_digit()))
            .map_or(name.len(), |(at, _)| at);
        let group = if name.starts_with("large-") || name.starts_with("cluster-") {
            "large"
        } else {
            &name[..end]
        };
        format!("{before}{group}")
    }

    pub(crate) fn new(
        name: &str,
        written: WrittenOptions,
        catalog: Arc<Catalog>,
        items: Vec<Value>,
        reference: Summary,
    ) -> Result<Self, CorpusError> {
        Ok(Self {
            name: name.to_owned(),
            purpose: written.purpose,
            now: written.now,
            options: written.options(name)?,
            features: written.features,
            feature_gates: written.feature_gates,
            catalog,
            items,
            reference,
        })
    }
}

impl WrittenOptions {
    fn options(&self, problem: &str) -> Result<Options, CorpusError> {
        let unknown = |policy: &str| CorpusError::Policy {
            problem: problem.to_owned(),
            policy: policy.to_owned(),
        };
        Ok(Options {
            preference_policy: match self.preference_policy.as_str() {
                "" | "Respect" => PreferencePolicy::Respect,
                "Ignore" => PreferencePolicy::Ignore,
                other => return Err(unknown(other)),
            },
            min_values_policy: match self.min_values_policy.as_str() {
                "" | "Strict" => MinValuesPolicy::Strict,
                "BestEffort" => MinValuesPolicy::BestEffort,
                other => return Err(unknown(other)),
            },
            ..Options::default()
        })
    }
}
