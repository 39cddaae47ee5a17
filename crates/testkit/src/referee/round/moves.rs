//! Where pods go: each that has to move has a place, and the picture at the end is legal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cluster::{PodRecord, PoolProblem, PoolState, Snapshot};
use scheduling::{Batch, ExistingPlacement, Placement, Unplaced};

use super::super::Violation;
use super::facts::{is_restless, must_move};
use super::{Bar, Fault, Look, Reason};
use crate::referee;

/// Checks all moves of a round at once.
pub(super) fn check(look: &Look<'_>, faults: &mut Vec<Fault>) {
    for (at, (command, why)) in look.commands().enumerate() {
        if why == Reason::Empty && !command.replacements.is_empty() {
            faults.push(Fault::Needless { command: at });
        }
        let placed: BTreeSet<String> = (command.moves.iter().map(|moved| &moved.pod))
            .chain(command.replacements.iter().flat_map(|claim| &claim.pods))
            .map(|pod| pod.key().to_string())
            .collect();
        for node in command.candidates.iter().filter_map(|c| look.node(&c.node)) {
            let needed = why != Reason::Empty && !look.is_fixed(node);
            for pod in node
                .pods
                .iter()
                .filter(|pod| must_move(look.snapshot, pod, look.now))
            {
                let name = pod.key().to_string();
                if needed && !placed.contains(&name) {
                    faults.push(Fault::Homeless {
                        pod: name,
                        node: node.name().to_string(),
                    });
                }
            }
        }
        for moved in &command.moves {
            destination(look, why, &moved.pod, &moved.to, faults);
        }
    }
    let snapshot = with_pools_of_fixed_size(look.snapshot);
    let batch = Batch {
        without: look.going.iter().map(|name| (*name).to_owned()).collect(),
        ..Batch::default()
    };
    let placement = placement(look);
    let violations = referee::check(&snapshot, &batch, look.now, &placement);
    faults.extend(
        violations
            .into_iter()
            .map(Fault::Placement)
            .filter(|fault| {
                // Told of in other words.
                !matches!(fault, Fault::Placement(Violation::SameName { .. }))
            }),
    );
}

/// A pod of a node that goes moves to one that takes such pods.
fn destination(look: &Look<'_>, why: Reason, pod: &PodRecord, to: &str, faults: &mut Vec<Fault>) {
    let from_going = pod
        .node
        .as_deref()
        .is_some_and(|node| look.going.contains(node));
    let Some(node) = look.node(to).filter(|_| from_going) else {
        return;
    };
    let pool = super::facts::pool(look.snapshot, node);
    let restless = pool.zip(node.claim.as_ref()).is_some_and(|(pool, claim)| {
        why == Reason::Underutilized
            && pod.phase != cluster::pod::Phase::Pending
            && is_restless(&pool.pool, claim, look.now)
    });
    let bars = [
        (!node.is_initialized(), Bar::NotInitialized),
        (restless, Bar::NotQuiet),
    ];
    for (_, bar) in bars.into_iter().filter(|(is_so, _)| *is_so) {
        faults.push(Fault::Destination {
            pod: pod.key().to_string(),
            node: to.to_owned(),
            bar,
        });
    }
}

/// The round as a placement of all pods that it gives a place. Whoever else could be placed is said
/// to have none: those that have to have one are looked at elsewhere.
fn placement(look: &Look<'_>) -> Placement {
    let mut existing: BTreeMap<Arc<str>, Vec<Arc<PodRecord>>> = BTreeMap::new();
    let mut placement = Placement::default();
    for (command, _) in look.commands() {
        for moved in &command.moves {
            existing
                .entry(moved.to.clone())
                .or_default()
                .push(moved.pod.clone());
        }
        let claims = command.replacements.iter().cloned();
        // Nodes of pools of fixed size come without pods.
        let fixed = |pool: &str| look.is_fixed_pool(pool);
        placement
            .new_claims
            .extend(claims.filter(|claim| !claim.pods.is_empty() || !fixed(&claim.pool)));
    }
    placement.existing = existing
        .into_iter()
        .map(|(node, pods)| ExistingPlacement { node, pods })
        .collect();
    let placed: BTreeSet<String> = (placement.new_claims.iter().flat_map(|claim| &claim.pods))
        .chain(
            placement
                .existing
                .iter()
                .flat_map(|existing| &existing.pods),
        )
        .map(|pod| pod.key().to_string())
        .collect();
    let pending = look
        .snapshot
        .pending
        .iter()
        .flat_map(|group| group.pods.iter());
    let nodes = look.snapshot.nodes.iter();
    let displaced = nodes
        .filter(|node| node.is_marked() || look.going.contains(&**node.name()))
        .flat_map(|node| &node.pods)
        .filter(|pod| must_move(look.snapshot, pod, look.now) && !look.snapshot.is_planned(pod));
    let left = pending.chain(displaced);
    placement.unplaced = left
        .filter(|pod| !placed.contains(&pod.key().to_string()))
        .map(|pod| Unplaced {
            pod: pod.clone(),
            refusals: Arc::default(),
        })
        .collect();
    placement
}

/// Pools of fixed size may get nodes in this round, unlike for pending pods. Which ones is looked
/// at elsewhere.
fn with_pools_of_fixed_size(snapshot: &Snapshot) -> Snapshot {
    let usable = |pool: &Arc<PoolState>| {
        let mut pool = PoolState::clone(pool);
        if pool.problem == Some(PoolProblem::Static) {
            pool.problem = None;
        }
        Arc::new(pool)
    };
    let mut with = snapshot.clone();
    with.pools = snapshot.pools.iter().map(usable).collect();
    with
}
