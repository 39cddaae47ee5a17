//! The problems of the corpus whose features are built: every plan valid, no more pods without a place
//! and no dearer than the reference's best run.

mod common;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use scheduling::{Batch, MinValuesPolicy, Options, PreferencePolicy, solve};
use serde_json::Value;

/// Features of problems that are decided here.
const BUILT: &[&str] = &[
    "arch-os",
    "capacity-types",
    "custom-labels",
    "daemonsets",
    "deleting-nodes",
    "existing-nodes",
    "extended-resources",
    "host-ports",
    "ignore-preferences",
    "init-containers",
    "min-values",
    "no-pools",
    "node-affinity",
    "node-affinity-preferred",
    "node-selector",
    "pod-states",
    "pool-states",
    "priority",
    "resources",
    "startup-taints",
    "taints",
    "unschedulable",
    "weights-limits",
];

fn corpus() -> PathBuf {
    std::env::var_os("CORPUS_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/data/corpus"),
        PathBuf::from,
    )
}

fn json(path: &Path) -> Option<Value> {
    let zipped = PathBuf::from(format!("{}.gz", path.display()));
    let bytes = if let Ok(bytes) = fs::read(path) {
        bytes
    } else {
        let mut bytes = Vec::new();
        let file = fs::File::open(zipped).ok()?;
        flate2::read::GzDecoder::new(file)
            .read_to_end(&mut bytes)
            .ok()?;
        bytes
    };
    Some(serde_json::from_slice(&bytes).expect("the corpus is JSON"))
}

fn options(of: &Value) -> Options {
    Options {
        preference_policy: match of["preference-policy"].as_str() {
            Some("Ignore") => PreferencePolicy::Ignore,
            _ => PreferencePolicy::Respect,
        },
        min_values_policy: match of["min-values-policy"].as_str() {
            Some("BestEffort") => MinValuesPolicy::BestEffort,
            _ => MinValuesPolicy::Strict,
        },
        ..Options::default()
    }
}

#[test]
fn no_plan_places_fewer_pods_or_costs_more_than_the_reference() {
    let mut names: Vec<PathBuf> = fs::read_dir(corpus())
        .expect("the corpus is there")
        .map(|entry| entry.expect("the corpus can be read").path())
        .collect();
    names.sort();
    let mut worse = Vec::new();
    let mut invalid: Vec<String> = Vec::new();
    let mut sums = (0.0, 0.0, 0.0, 0, 0);
    for dir in names {
        let name = dir
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let Some(of) = json(&dir.join("options.json")) else {
            continue;
        };
        let features = of["features"].as_array().cloned().unwrap_or_default();
        let built = |feature: &Value| BUILT.contains(&feature.as_str().unwrap_or_default());
        if of["for"] != "provisioning" || !features.iter().all(built) {
            continue;
        }
        let catalog_path = dir.join(of["catalog"].as_str().expect("a catalog"));
        let catalog = fs::read(catalog_path).expect("a catalog");
        let catalog = catalog::file::parse(&catalog).expect("a catalog");
        let list = json(&dir.join("snapshot.json")).expect("a snapshot");
        let reference = json(&dir.join("reference.json")).expect("a reference");
        let summary = &reference["summary"];
        let now = of["now"].as_str().expect("a time");
        let now = model::Timestamp::parse(now).expect("a time");
        let snapshot = common::snapshot(&list, &catalog);
        let placement = solve(&snapshot, &Batch::default(), &options(&of), now, 1);
        for fault in common::referee::faults(&snapshot, &placement) {
            println!("  {fault}");
            invalid.push(name.clone());
        }
        let price = placement.price().dollars();
        let unplaced = placement.unplaced.len() as u64;
        let best = summary["pricePerHour_min"].as_f64().unwrap_or_default();
        let fewest = summary["unscheduled_min"].as_u64().unwrap_or_default();
        let bound = placement.lower_bound.map_or(0.0, catalog::Price::dollars);
        let nodes = placement.new_claims.len();
        println!(
            "{name:26} unplaced {unplaced:3} / {fewest:3}  price {price:9.4} / {best:9.4} = {:5.3}  nodes {nodes:3} / {:3} bound {bound:9.4}",
            if best > 0.0 { price / best } else { 1.0 },
            summary["nodes_min"],
        );
        sums.0 += price;
        sums.1 += best;
        sums.2 += bound;
        sums.3 += nodes;
        sums.4 += summary["nodes_min"].as_u64().unwrap_or_default();
        if std::env::var_os("VERBOSE")
            .is_some_and(|only| name.starts_with(&*only.to_string_lossy()))
        {
            for pod in &placement.unplaced {
                println!("  {}", pod.pod.key());
                for refusal in &*pod.refusals {
                    println!("    {}: {}", refusal.candidate, refusal.rejection);
                }
            }
        }
        if unplaced > fewest || (unplaced == fewest && price > best + 1e-6) {
            worse.push(name);
        }
    }
    println!("{sums:?} {:.3}", sums.0 / sums.1);
    assert!(invalid.is_empty(), "not valid: {invalid:?}");
    assert!(worse.is_empty(), "worse than the reference: {worse:?}");
}
