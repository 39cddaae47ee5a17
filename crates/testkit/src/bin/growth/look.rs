//! Times and memory of one look for disruption.

use std::path::Path;

use anyhow::Result;
use disruption::{Memory, Options, Plan, plan};
use serde::{Deserialize, Serialize};

use crate::cases::Case;
use crate::measure::{NOW, best, memory, milliseconds, read};

/// What came of a look. Times in milliseconds, memory in MiB.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Looked {
    pub(crate) pods: usize,
    pub(crate) types: usize,
    pub(crate) nodes: usize,
    /// From JSON to a snapshot, on one thread.
    pub(crate) decode_ms: f64,
    /// The first look.
    pub(crate) look_ms: f64,
    /// One more, with what a look before has left in memory.
    pub(crate) again_ms: f64,
    pub(crate) commands: usize,
    /// Nodes that go.
    pub(crate) gone: usize,
    /// Nodes that come.
    pub(crate) new: usize,
    /// Dollars an hour.
    pub(crate) saved: f64,
    /// What the process holds with the snapshot.
    pub(crate) held_mib: f64,
    /// The most that it held.
    pub(crate) peak_mib: f64,
}

/// Measures a case, whose objects are in the file, one on each line.
pub(crate) fn look(case: &Case, file: &Path, runs: u32) -> Result<Looked> {
    let catalog = case.content.catalog()?;
    let (snapshot, decode) = read(file, &catalog)?;
    let held_mib = memory("VmRSS")?;
    let options = Options {
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        ..Options::default()
    };
    let (found, took) = best(runs, || {
        plan(&mut Memory::default(), &snapshot, &options, NOW, 1)
    });
    let mut remembered = Memory::default();
    let mut again = || plan(&mut remembered, &snapshot, &options, NOW, 1);
    again();
    let again_ms = milliseconds(best(runs, again).1);
    let sum = |count: fn(&disruption::Command) -> usize| found.commands.iter().map(count).sum();
    Ok(Looked {
        pods: snapshot.pending_count()
            + snapshot
                .nodes
                .iter()
                .map(|node| node.pods.len())
                .sum::<usize>(),
        types: catalog.types.len(),
        nodes: snapshot.nodes.len(),
        decode_ms: milliseconds(decode),
        look_ms: milliseconds(took),
        again_ms,
        commands: found.commands.len(),
        gone: sum(|command| command.candidates.len()),
        new: sum(|command| command.replacements.len()),
        saved: saved(&found),
        held_mib,
        peak_mib: memory("VmHWM")?,
    })
}

fn saved(plan: &Plan) -> f64 {
    let commands = plan.commands.iter();
    // Nothing is 0, not -0.
    commands.fold(0.0, |sum, command| {
        sum + command.price_before.dollars() - command.price_after.dollars()
    })
}
