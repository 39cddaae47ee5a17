//! Problems with the best answer that the reference implementation gave to each.
//!
//! `data/corpus` holds one compressed file per problem, with the options it was asked under, the
//! objects, and a summary of the reference's answers; `data/catalogs` the instance types. Problems
//! whose pods demand what is not built yet (spread, pod affinity, volumes) are left out.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use catalog::Catalog;
use cluster::Snapshot;
use flate2::read::GzDecoder;
use model::Timestamp;
use scheduling::{MinValuesPolicy, Options, PreferencePolicy};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A problem.
#[derive(Debug)]
pub struct Problem {
    /// Its name, such as `taints-3`.
    pub name: String,
    /// What it is about.
    pub features: Vec<String>,
    /// The clock.
    pub now: Timestamp,
    /// The scheduling options.
    pub options: Options,
    /// The instance types.
    pub catalog: Catalog,
    /// The objects, in random order.
    pub items: Vec<Value>,
    /// The bar.
    pub reference: Summary,
}

/// The best of each over several runs of the reference implementation.
#[derive(Clone, Debug, Default, Deserialize)]
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
    pub nodes: usize,
    /// Rules that the reference's own answers break: it is then no bar.
    pub breaks: Vec<String>,
}

#[derive(Deserialize)]
struct Stored {
    options: StoredOptions,
    summary: Summary,
    snapshot: List,
}

#[derive(Deserialize)]
struct List {
    items: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct StoredOptions {
    catalog: String,
    now: Timestamp,
    features: Vec<String>,
    #[serde(default)]
    preference_policy: String,
    #[serde(default)]
    min_values_policy: String,
}

/// Names of all problems, sorted.
///
/// # Panics
/// If the files are not there.
pub fn names() -> Vec<String> {
    let files = fs::read_dir(data("corpus")).expect("the corpus is there");
    let mut names: Vec<String> = files
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".json.gz").map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// The problem of this name.
///
/// # Panics
/// If there is none.
pub fn problem(name: &str) -> Problem {
    let stored: Stored = read(&data("corpus").join(format!("{name}.json.gz")));
    let path = data("catalogs").join(format!("{}.json.gz", stored.options.catalog));
    let catalog: Value = read(&path);
    Problem {
        name: name.to_owned(),
        catalog: catalog::file::parse(catalog.to_string().as_bytes()).expect("a catalog"),
        now: stored.options.now,
        options: options(&stored.options),
        features: stored.options.features,
        items: stored.snapshot.items,
        reference: stored.summary,
    }
}

impl Problem {
    /// The cluster of the problem.
    pub fn snapshot(&self) -> Snapshot {
        crate::world::snapshot(&self.items, &self.catalog)
    }
}

fn options(stored: &StoredOptions) -> Options {
    Options {
        preference_policy: match stored.preference_policy.as_str() {
            "Ignore" => PreferencePolicy::Ignore,
            _ => PreferencePolicy::Respect,
        },
        min_values_policy: match stored.min_values_policy.as_str() {
            "BestEffort" => MinValuesPolicy::BestEffort,
            _ => MinValuesPolicy::Strict,
        },
        ..Options::default()
    }
}

fn data(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(folder)
}

fn read<T: DeserializeOwned>(path: &Path) -> T {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = BufReader::new(GzDecoder::new(file));
    serde_json::from_reader(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
