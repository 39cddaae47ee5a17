//! Times and memory of one case.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use catalog::Catalog;
use cluster::{Cluster, Event, PodDecoder, PodUpdate, Settings, Snapshot, UnknownReadiness};
use model::Timestamp;
use scheduling::{
    Batch, Effort, LowerBound, Memory, Options, Placement, classes, solve, solve_with,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use testkit::world;

use crate::cases::Case;

/// 2026-01-01T12:00:00Z, the time of the recorded problems.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_767_268_800);

/// What came of a case. Times in milliseconds, memory in MiB.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) pods: usize,
    pub(crate) shapes: usize,
    pub(crate) types: usize,
    pub(crate) nodes: usize,
    /// From JSON to a snapshot, on one thread.
    pub(crate) decode_ms: f64,
    /// From a snapshot to numbers.
    pub(crate) index_ms: f64,
    /// What the process holds with the snapshot.
    pub(crate) held_mib: f64,
    /// The most that it held while it solved.
    pub(crate) peak_mib: f64,
    pub(crate) single: Solved,
    pub(crate) live: Solved,
    /// One packing once more, with what a pass before has left in memory.
    pub(crate) single_again_ms: f64,
    /// The same for the live way.
    pub(crate) live_again_ms: f64,
}

/// What came of a way to solve it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Solved {
    /// With the index.
    pub(crate) ms: f64,
    pub(crate) claims: usize,
    pub(crate) price: f64,
    pub(crate) unplaced: usize,
}

/// Measures a case, whose objects are in the file, one on each line.
pub(crate) fn measure(case: &Case, file: &Path, runs: u32) -> Result<Measured> {
    let catalog = case.content.catalog()?;
    let (snapshot, decode) = read(file, &catalog)?;
    let held_mib = memory("VmRSS")?;
    let solve_by = |effort| {
        let options = options(effort);
        best(runs, || {
            solve(&snapshot, &Batch::default(), &options, NOW, 1)
        })
    };
    let (shapes, index) = best(runs, || {
        classes(&snapshot, &Batch::default(), &Options::default(), NOW)
    });
    let single = solved(&solve_by(Effort::Single));
    let live = solved(&solve_by(Effort::Portfolio));
    let again_by = |effort| {
        let (batch, options) = (Batch::default(), options(effort));
        let mut memory = Memory::default();
        let mut again = || solve_with(&mut memory, &snapshot, &batch, &options, NOW, 1);
        again();
        milliseconds(best(runs, again).1)
    };
    let bound = snapshot.nodes.iter().map(|node| node.pods.len());
    Ok(Measured {
        pods: snapshot.pending_count() + bound.sum::<usize>(),
        shapes,
        types: catalog.types.len(),
        nodes: snapshot.nodes.len(),
        decode_ms: milliseconds(decode),
        index_ms: milliseconds(index),
        held_mib,
        peak_mib: memory("VmHWM")?,
        single,
        live,
        single_again_ms: again_by(Effort::Single),
        live_again_ms: again_by(Effort::Portfolio),
    })
}

/// The options of a pass: without a lower bound, which only plans ask for.
fn options(effort: Effort) -> Options {
    Options {
        effort,
        lower_bound: LowerBound::None,
        ..Options::default()
    }
}

fn solved((placement, took): &(Placement, Duration)) -> Solved {
    Solved {
        ms: milliseconds(*took),
        claims: placement.new_claims.len(),
        price: placement.price().dollars(),
        unplaced: placement.unplaced.len(),
    }
}

/// A snapshot of the objects, and how long it took to make without reading the file.
pub(crate) fn read(file: &Path, catalog: &Catalog) -> Result<(Snapshot, Duration)> {
    let settings = Settings {
        unknown_readiness: UnknownReadiness::Ready,
        ..Settings::default()
    };
    let mut cluster = Cluster::new(catalog.vocabulary(), settings);
    let types: Arc<[_]> = catalog.types.clone().into();
    let mut decoder = PodDecoder::new();
    let mut pods: Vec<PodUpdate> = Vec::new();
    let mut took = Duration::ZERO;
    for line in BufReader::new(File::open(file)?).lines() {
        let line = line?;
        let (kind, passed) = timed(|| -> Result<Option<Value>> {
            if line.contains("\"kind\":\"Pod\"") {
                pods.push(decoder.decode(line.as_bytes())?);
                return Ok(None);
            }
            let item: Value = serde_json::from_str(&line)?;
            if let Some(event) = world::event(&item, &mut decoder) {
                cluster.apply(event);
            }
            Ok(Some(item))
        });
        took += passed;
        if let Some(item) = kind?.filter(|item| item["kind"] == "NodePool") {
            let pool = item["metadata"]["name"].as_str().unwrap_or_default();
            cluster.apply(Event::PoolTypes {
                pool: pool.to_owned(),
                types: types.clone(),
            });
        }
    }
    let (snapshot, passed) = timed(|| {
        cluster.fill(pods);
        cluster.snapshot()
    });
    // The state of a controller is held beside its snapshots.
    std::mem::forget(cluster);
    Ok((snapshot, took + passed))
}

/// The last result and the shortest time of several runs. No result is kept while the next one is
/// made.
pub(crate) fn best<T>(runs: u32, mut run: impl FnMut() -> T) -> (T, Duration) {
    let mut shortest = Duration::MAX;
    for _ in 1..runs {
        shortest = shortest.min(timed(&mut run).1);
    }
    let (last, took) = timed(&mut run);
    (last, took.min(shortest))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program that measures, and the only thing that it does with the time"
)]
fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    let result = run();
    (result, start.elapsed())
}

pub(crate) fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// A figure of the kernel's about this process, in MiB.
pub(crate) fn memory(key: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status").context("Linux tells about processes")?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kib = line.and_then(|line| {
        line.trim_matches([':', ' ', '\t', 'k', 'B'])
            .parse::<f64>()
            .ok()
    });
    Ok(kib.context("memory is said in kB")? / 1024.0)
}
