//! Which nodes may go.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{ConsolidationPolicy, NodeClaim, labels};
use cluster::{NodeState, PoolState, Snapshot};
use disruption::Candidate;
use model::Timestamp;

use super::facts::{self, Asked, comes_back, is_blocked, is_protected, moving_cost, says};
use super::{Bar, Fault, Look, Reason};

/// Checks every node that goes, and that every other one says why it stays.
pub(super) fn check(look: &Look<'_>, faults: &mut Vec<Fault>) {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for (command, why) in look.commands() {
        for candidate in &command.candidates {
            *times.entry(&candidate.node).or_default() += 1;
            if let Err(bar) = may_go(look, &candidate.node, why) {
                faults.push(Fault::MustStay {
                    node: candidate.node.to_string(),
                    reason: why.as_str(),
                    bar,
                });
            }
            named(look, candidate, faults);
        }
    }
    for (node, times) in times.iter().filter(|(_, times)| **times > 1) {
        faults.push(Fault::Repeated {
            node: (*node).to_owned(),
            times: *times,
        });
    }
    for node in look.snapshot.nodes.iter() {
        let kept = look
            .plan
            .kept
            .iter()
            .filter(|kept| kept.node == *node.name());
        let kept = kept.count();
        if kept != usize::from(!times.contains_key(&**node.name())) {
            faults.push(Fault::Kept {
                node: node.name().to_string(),
                times: kept,
            });
        }
    }
}

/// What a command says of its node is so.
fn named(look: &Look<'_>, candidate: &Candidate, faults: &mut Vec<Fault>) {
    let Some(node) = look.node(&candidate.node) else {
        return;
    };
    let claim = node
        .claim
        .as_ref()
        .map(|claim| claim.metadata.name.as_str());
    let pods = node.pods.iter().filter(|pod| comes_back(pod)).count();
    let facts = [
        ("claim", claim == Some(&*candidate.claim)),
        ("provider id", node.provider_id() == &*candidate.provider_id),
        ("pool", node.pool() == Some(&*candidate.pool)),
        (
            "price",
            facts::price(look.snapshot, node) == candidate.price,
        ),
        ("number of pods", candidate.pods == pods),
    ];
    for (what, _) in facts.into_iter().filter(|(_, holds)| !holds) {
        faults.push(Fault::Misnamed {
            node: candidate.node.to_string(),
            what,
        });
    }
}

/// The claim and the pool of a node, if it may go at all, whatever its pods.
fn managed<'a>(
    look: &Look<'a>,
    node: &'a NodeState,
) -> Result<(&'a Arc<NodeClaim>, &'a PoolState), Bar> {
    let claim = node.claim.as_ref().ok_or(Bar::NotManaged)?;
    refuse(node.node.is_none(), Bar::NoNode)?;
    refuse(!node.is_initialized(), Bar::NotInitialized)?;
    refuse(node.is_marked(), Bar::Going)?;
    let nominated = node.nominated_until.is_some_and(|until| until > look.now);
    refuse(nominated, Bar::Nominated)?;
    let kept = node.annotations().get(labels::DO_NOT_DISRUPT);
    refuse(kept.is_some_and(|value| value == "true"), Bar::DoNotDisrupt)?;
    let pool = facts::pool(look.snapshot, node);
    let pool = pool.filter(|pool| !pool.types.is_empty());
    Ok((claim, pool.ok_or(Bar::NoPool)?))
}

fn may_go(look: &Look<'_>, name: &str, why: Reason) -> Result<(), Bar> {
    let node = look.node(name).ok_or(Bar::Unknown)?;
    let (claim, pool) = managed(look, node)?;
    let fixed = pool.pool.spec.replicas.is_some();
    match why {
        Reason::Empty => {
            refuse(fixed, Bar::Static)?;
            consolidatable(pool, claim, look.now)?;
            refuse(moving_cost(node) > 1.0, Bar::NotEmpty)?;
            refuse(look.snapshot.buffer_pods.on(node) != Some(0), Bar::Buffer)?;
            evictable(look.snapshot, node, look.now)
        }
        Reason::Underutilized => {
            refuse(fixed, Bar::Static)?;
            known(pool, node)?;
            consolidatable(pool, claim, look.now)?;
            refuse(moving_cost(node) <= 1.0, Bar::Empty)?;
            let policy = pool.pool.spec.disruption.consolidation_policy;
            refuse(policy == ConsolidationPolicy::WhenEmpty, Bar::WhenEmpty)?;
            evictable(look.snapshot, node, look.now)
        }
        Reason::Drifted | Reason::Expired => {
            let drifted = says(claim, "Drifted");
            refuse(why == Reason::Drifted && !drifted, Bar::NotDrifted)?;
            let expires = claim.spec.expire_after.as_ref();
            let expires = expires.is_some_and(|after| after.get().is_some());
            refuse(why == Reason::Expired && !expires, Bar::NoExpiry)?;
            match claim.spec.termination_grace_period {
                Some(_) => Ok(()),
                None => evictable(look.snapshot, node, look.now),
            }
        }
    }
}

/// The node is of a kind that can be compared by price.
fn known(pool: &PoolState, node: &NodeState) -> Result<(), Bar> {
    let known = facts::instance_type(pool, node).is_some();
    refuse(!known, Bar::NoLabel("instance type"))?;
    let keys = [
        (labels::CAPACITY_TYPE, "capacity type"),
        (labels::ZONE, "zone"),
    ];
    for (key, what) in keys {
        refuse(
            node.label(key).is_none_or(str::is_empty),
            Bar::NoLabel(what),
        )?;
    }
    Ok(())
}

/// The pool lets nodes be consolidated, and this one has been left alone for long enough.
fn consolidatable(pool: &PoolState, claim: &Arc<NodeClaim>, now: Timestamp) -> Result<(), Bar> {
    let never = pool.pool.spec.disruption.consolidate_after.get().is_none();
    refuse(never, Bar::Never)?;
    refuse(!says(claim, "Consolidatable"), Bar::NotConsolidatable)?;
    refuse(facts::is_restless(&pool.pool, claim, now), Bar::NotQuiet)
}

/// Every pod may be evicted now, each for itself.
fn evictable(snapshot: &Snapshot, node: &NodeState, now: Timestamp) -> Result<(), Bar> {
    for pod in &node.pods {
        let name = || pod.key().to_string();
        refuse(is_protected(pod, now), Bar::ProtectedPod(name()))?;
        let blocked = is_blocked(snapshot, pod, Asked::Now, now);
        refuse(blocked, Bar::BlockedPod(name()))?;
    }
    Ok(())
}

fn refuse(is_so: bool, bar: Bar) -> Result<(), Bar> {
    if is_so { Err(bar) } else { Ok(()) }
}
