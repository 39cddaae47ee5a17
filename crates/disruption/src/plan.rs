//! A look at all nodes, step by step. Each step sees the cluster as it will be once the steps
//! before are done, so that the commands of a plan hold together.

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::{PodRecord, Snapshot};
use model::Timestamp;
use scheduling::{Batch, solve_with};

use crate::command::{Kept, Plan};
use crate::consolidate::{Stays, consolidate};
use crate::stage::{Stage, settings};
use crate::{Memory, Options, Reason, Why, budget, drift, emptiness, expiry, next, renew};

/// What to do with the nodes of a snapshot now. `seed` decides only what nothing else does.
pub fn plan(
    memory: &mut Memory,
    snapshot: &Snapshot,
    options: &Options,
    now: Timestamp,
    seed: u64,
) -> Plan {
    let budgets: BTreeMap<_, _> = budget::budgets(snapshot, now);
    let mut stage = Stage::new(snapshot, &budgets, (now, seed));
    let expected = settle(&mut stage, memory, options);
    empty(&mut stage, &expected);
    let fixed = drift::static_drifted(snapshot, now);
    renew::fixed(&mut stage, options, fixed, Reason::Drifted);
    let fixed = expiry::static_expiring(snapshot, now);
    renew::fixed(&mut stage, options, fixed, Reason::Expired);
    let drifted = drift::drifted(snapshot, now);
    renew::dynamic(&mut stage, memory, options, drifted, Reason::Drifted);
    let expiring = expiry::expiring(snapshot, now);
    renew::dynamic(&mut stage, memory, options, expiring, Reason::Expired);
    consolidate(&mut stage, memory, options);
    let kept = stage.kept.into_iter();
    let kept: Vec<Kept> = kept.map(|(node, reason)| Kept { node, reason }).collect();
    let next = next::change(snapshot, &kept, options, now);
    Plan {
        commands: stage.commands,
        kept,
        rejected: stage.rejected,
        eligible: stage.eligible,
        budgets: budgets.into_values().collect(),
        next,
    }
}

/// Pods that are expected on nodes that are there.
pub(crate) type Expected = BTreeMap<Arc<str>, Arc<PodRecord>>;

/// Lets pods that wait for a place have it: those of them that get one on nodes that are there take
/// room, and the others get nodes of their own. Gives one such pod for each node.
pub(crate) fn settle(stage: &mut Stage<'_>, memory: &mut Memory, options: &Options) -> Expected {
    let waiting =
        !stage.snapshot.pending.is_empty() || !stage.snapshot.displaced(stage.now).is_empty();
    if !waiting {
        return Expected::new();
    }
    let (settings, batch) = (settings(options), Batch::default());
    let (now, seed) = (stage.now, stage.seed);
    let memory = &mut memory.scheduling;
    let placement = solve_with(memory, &stage.snapshot, &batch, &settings, now, seed);
    let placed = || placement.existing.iter();
    let pods = placed().map(|existing| (&existing.node, existing.pods.as_slice()));
    let nodes = stage.snapshot.nodes.iter();
    let going = nodes
        .filter(|node| node.is_marked())
        .map(|node| node.name());
    stage.snapshot = stage.snapshot.assuming(pods, going, now);
    for claim in &placement.new_claims {
        let snapshot = &mut stage.snapshot;
        snapshot.expect(&claim.pool, &claim.instance_types);
    }
    let real = |pods: &[Arc<PodRecord>]| pods.iter().find(|pod| !pod.is_virtual()).cloned();
    placed()
        .filter_map(|existing| Some((existing.node.clone(), real(&existing.pods)?)))
        .collect()
}

/// Takes the empty nodes that no pod is expected on.
fn empty(stage: &mut Stage<'_>, expected: &Expected) {
    let (empty, kept) = emptiness::look(&stage.now_there, stage.now);
    for Kept { node, reason } in kept {
        stage.keep(&node, reason);
    }
    let (needed, empty): (Vec<_>, Vec<_>) = empty
        .into_iter()
        .partition(|candidate| expected.contains_key(&candidate.node));
    for candidate in needed {
        let pod = expected[&candidate.node].key();
        stage.keep(&candidate.node, Why::Stays(Stays::Needed { pod }));
    }
    stage.eligible.insert(Reason::Empty, empty.len());
    let (taken, over) = emptiness::within(empty, &mut stage.quota);
    for Kept { node, reason } in over {
        stage.keep(&node, reason);
    }
    stage.add(emptiness::command(taken).into_iter().collect());
}
