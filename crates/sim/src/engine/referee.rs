//! Counts what Karpenter does to nodes and pods, and holds it against the rules that must never
//! break: budgets, and pods that are protected.
//!
//! It looks from outside, at objects and at calls to the API server, and shares no code with what
//! decides, but for reading budgets. What is *not* here: how a breach is shown (`karp`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::nodeclaim::conditions::{DISRUPTION_REASON, INITIALIZED, INSTANCE_TERMINATING};
use api::{DisruptionReason, NodeClaim, NodePool};
use disruption::budget::pool_budget;
use model::Timestamp;
use model::duration::parse_go;
use model::k8s::Pod;

use super::Engine;
use crate::report::Breach;
use crate::wire::{Ask, How};

/// Why the node of a claim goes that the cloud has announced to take back.
pub(super) const INTERRUPTED: &str = "Interrupted";
/// The same for one that has reached the end of its life.
const EXPIRED: &str = "PastExpiry";
/// One that is not Ready.
const UNHEALTHY: &str = "Unhealthy";
/// One whose instance is gone.
const INSTANCE_GONE: &str = "InstanceGone";
/// One that was deleted for a reason that cannot be seen from outside.
const DELETED: &str = "Deleted";

/// What others do to nodes may be this late in Karpenter's eyes.
const LAG: Duration = Duration::from_secs(2);
/// No budget sets a bound.
const UNLIMITED: u32 = i32::MAX as u32;

/// What was counted and found.
#[derive(Debug, Default)]
pub(super) struct Referee {
    pub(super) evicted: BTreeMap<String, u64>,
    pub(super) forced: BTreeMap<String, u64>,
    pub(super) refused: u64,
    pub(super) lost: BTreeMap<String, u64>,
    pub(super) breaches: Vec<Breach>,
    pub(super) pools: BTreeMap<String, PoolCounts>,
    /// Why claims go, also those that are gone.
    causes: BTreeMap<String, String>,
    /// Claims by the name of their node, also those that are gone.
    claims: BTreeMap<String, String>,
    /// Claims that have an instance.
    alive: BTreeSet<String>,
    /// Since when nodes are not Ready.
    unready: BTreeMap<String, Timestamp>,
}

/// What was counted of a pool.
#[derive(Debug, Default)]
pub(super) struct PoolCounts {
    pub(super) nodes: usize,
    pub(super) most_nodes: usize,
    pub(super) removed: BTreeMap<String, u64>,
    pub(super) most_going: usize,
    pub(super) allowed_then: Option<u32>,
}

impl Referee {
    /// Says why a claim goes, unless that is known.
    pub(super) fn cause(&mut self, claim: &str, cause: &str) {
        let known = self.causes.entry(claim.to_owned());
        known.or_insert_with(|| cause.to_owned());
    }

    /// A pod is lost that nobody asked Karpenter to move.
    pub(super) fn lost(&mut self, fate: &str) {
        *self.lost.entry(fate.to_owned()).or_default() += 1;
    }

    /// A node is Ready or not.
    pub(super) fn node(&mut self, name: &str, ready: bool, now: Timestamp) {
        if ready {
            self.unready.remove(name);
        } else {
            self.unready.entry(name.to_owned()).or_insert(now);
        }
    }

    fn cause_of_node(&self, node: &str) -> &str {
        let cause = self
            .claims
            .get(node)
            .and_then(|claim| self.causes.get(claim));
        cause.map_or(DELETED, String::as_str)
    }
}

impl Engine {
    /// A claim has changed.
    pub(super) fn judge_claim(&mut self, before: Option<&NodeClaim>, claim: &NodeClaim) {
        let name = &claim.metadata.name;
        let node = &claim.status.node_name;
        if !node.is_empty() {
            self.referee.claims.insert(node.clone(), name.clone());
        }
        if !claim.status.provider_id.is_empty() && self.referee.alive.insert(name.clone()) {
            let pool = self.counts(claim);
            pool.nodes += 1;
            pool.most_nodes = pool.most_nodes.max(pool.nodes);
        }
        let reason = marked(claim);
        if let Some(reason) = reason
            && before.and_then(marked).is_none()
        {
            self.judge_mark(claim, reason);
        }
        if claim.metadata.is_deleting() {
            let cause = reason.unwrap_or_else(|| self.why_deleted(claim)).to_owned();
            self.referee.cause(name, &cause);
        }
    }

    /// A claim is gone.
    pub(super) fn claim_gone(&mut self, claim: &NodeClaim) {
        let name = &claim.metadata.name;
        if self.referee.alive.remove(name) {
            let cause = self.referee.causes.get(name);
            let cause = cause.map_or(DELETED, String::as_str).to_owned();
            let pool = self.counts(claim);
            pool.nodes -= 1;
            *pool.removed.entry(cause).or_default() += 1;
        }
    }

    fn counts(&mut self, claim: &NodeClaim) -> &mut PoolCounts {
        let pool = claim.pool().unwrap_or_default().to_owned();
        self.referee.pools.entry(pool).or_default()
    }

    fn why_deleted(&self, claim: &NodeClaim) -> &'static str {
        let deleted = claim.metadata.deletion_timestamp.unwrap_or_default();
        let created = claim.metadata.creation_timestamp.unwrap_or_default();
        let life = claim
            .spec
            .expire_after
            .as_ref()
            .and_then(api::NillableDuration::get);
        if life.is_some_and(|life| created + life <= deleted) {
            return EXPIRED;
        }
        let machine = self.cloud.machine(&claim.status.provider_id);
        let gone = machine.and_then(|machine| machine.gone);
        if gone.is_some_and(|gone| gone <= self.clock.now()) {
            return INSTANCE_GONE;
        }
        if self.referee.unready.contains_key(&claim.status.node_name) {
            return UNHEALTHY;
        }
        DELETED
    }

    /// Karpenter has marked a node that it wants to take away: the budget must allow it, and the
    /// node must not be protected.
    fn judge_mark(&mut self, claim: &NodeClaim, reason: &str) {
        let node = claim.status.node_name.clone();
        let held = self.state.nodes.get(&node);
        let kept = held.is_some_and(|node| {
            let annotation = node.metadata.annotations.get(api::labels::DO_NOT_DISRUPT);
            annotation.is_some_and(|value| value == "true")
        });
        if kept {
            self.breach(format!(
                "{node} goes because it is {reason}, although it is marked do-not-disrupt"
            ));
        }
        let graceful = matches!(reason, "Empty" | "Underutilized");
        if graceful || claim.spec.termination_grace_period.is_none() {
            let settled = self.clock.now().before(LAG);
            let now = self.clock.now();
            let protected = |pod: &&std::sync::Arc<Pod>| {
                let started = pod.status.start_time.unwrap_or(settled);
                started < settled && is_protected(pod, now)
            };
            let found = self.state.pods_on(&node).find(protected);
            if let Some(key) = found.map(|pod| pod.key()) {
                self.breach(format!(
                    "{node} goes because it is {reason}, although pod {key} on it is protected"
                ));
            }
        }
        self.judge_budget(claim, reason);
    }

    fn judge_budget(&mut self, claim: &NodeClaim, reason: &str) {
        let Some(pool) = claim.pool().and_then(|name| self.pools.get(name)).cloned() else {
            return;
        };
        let Going {
            nodes,
            all,
            voluntary,
        } = self.going(&pool, claim);
        // The budgets of `Drifted` are also those of nodes that are renewed before they expire.
        let by = match reason {
            "Empty" => DisruptionReason::Empty,
            "Drifted" | "Expired" => DisruptionReason::Drifted,
            _ => DisruptionReason::Underutilized,
        };
        let budget = pool_budget(&pool, nodes, 0, self.clock.now());
        let allowed = budget.of(by).allowed;
        let counts = self.counts(claim);
        if voluntary > counts.most_going {
            counts.most_going = voluntary;
            counts.allowed_then = (allowed != UNLIMITED).then_some(allowed);
        }
        if all > allowed as usize {
            self.breach(format!(
                "{} goes because it is {reason}: then {all} of {nodes} nodes of NodePool {} are \
                 going at once, and its budgets allow {allowed}",
                claim.status.node_name, pool.metadata.name
            ));
        }
    }

    /// The nodes of a pool that are going, with that of `marked`.
    fn going(&self, pool: &NodePool, marked_now: &NodeClaim) -> Going {
        let mut going = Going::default();
        let known = self.clock.now().before(LAG);
        let others = self.claims.values().map(AsRef::as_ref);
        let others = others.filter(|other| other.metadata.name != marked_now.metadata.name);
        for other in others.chain([marked_now]) {
            let counts = other.pool() == Some(&*pool.metadata.name)
                && other.is(INITIALIZED)
                && !other.is(INSTANCE_TERMINATING);
            let node = &other.status.node_name;
            if !counts || !self.state.nodes.contains_key(node) {
                continue;
            }
            going.nodes += 1;
            let voluntary = marked(other).is_some();
            let deleted = other.metadata.deletion_timestamp;
            let unready = self.referee.unready.get(node);
            let by_others =
                deleted.is_some_and(|at| at < known) || unready.is_some_and(|since| *since < known);
            going.voluntary += usize::from(voluntary);
            going.all += usize::from(voluntary || by_others);
        }
        going
    }

    /// Looks at the calls that ended pods since the last time.
    pub(super) fn judge_asks(&mut self) {
        for ask in self.wire.take_asks() {
            if ask.code == 429 {
                self.referee.refused += 1;
            }
            if !(200..300).contains(&ask.code) || ask.pod.metadata.is_deleting() {
                continue;
            }
            let node = &ask.pod.spec.node_name;
            let cause = self.referee.cause_of_marked(node, &self.claims);
            let counts = match ask.how {
                How::Evict => &mut self.referee.evicted,
                How::Delete => &mut self.referee.forced,
            };
            *counts.entry(cause.clone()).or_default() += 1;
            if let Some(what) = self.breach_of(&ask, &cause) {
                self.breach(what);
            }
        }
    }

    /// What is wrong with a call that ended a pod.
    fn breach_of(&self, ask: &Ask, cause: &str) -> Option<String> {
        let pod = &ask.pod;
        let (key, node) = (pod.key(), &pod.spec.node_name);
        let protected = is_protected(pod, ask.at);
        match ask.how {
            How::Evict if protected => Some(format!(
                "pod {key} on {node} was evicted although it is marked do-not-disrupt"
            )),
            How::Evict => {
                let runs = pod.status.phase == "Running"
                    && pod
                        .status
                        .condition("Ready")
                        .is_some_and(|ready| ready.status == "True");
                let none_left = ask.budget_left.is_some_and(|left| left <= 0);
                (runs && none_left).then(|| {
                    format!("pod {key} on {node} was evicted although its budget is used up")
                })
            }
            How::Delete => {
                let claim = self.referee.claims.get(node)?;
                let deadline = self.claims.get(claim).and_then(|claim| {
                    let text = claim
                        .metadata
                        .annotations
                        .get(api::labels::TERMINATION_TIMESTAMP)?;
                    Timestamp::parse(text).ok()
                });
                let grace = pod.spec.termination_grace_period_seconds.unwrap_or(30);
                let grace = Duration::from_secs(u64::try_from(grace).unwrap_or(0)) + LAG;
                let due = deadline.is_some_and(|deadline| deadline <= ask.at + grace);
                (!due).then(|| {
                    format!(
                        "pod {key} on {node} was deleted before the deadline of its node, which \
                         goes because it is {cause}"
                    )
                })
            }
        }
    }

    fn breach(&mut self, what: String) {
        let at_ms = self.offset().as_millis() as u64;
        self.referee.breaches.push(Breach { at_ms, what });
    }
}

impl Referee {
    /// Why the node goes that a pod is asked to leave.
    fn cause_of_marked(
        &self,
        node: &str,
        claims: &BTreeMap<String, std::sync::Arc<NodeClaim>>,
    ) -> String {
        let claim = self.claims.get(node).and_then(|name| claims.get(name));
        let reason = claim.and_then(|claim| marked(claim));
        reason
            .unwrap_or_else(|| self.cause_of_node(node))
            .to_owned()
    }
}

/// The nodes of a pool that are going.
#[derive(Clone, Copy, Debug, Default)]
struct Going {
    /// Nodes that count for budgets.
    nodes: u32,
    /// Of those, all that are going.
    all: usize,
    /// Of those, the ones that Karpenter wants to go.
    voluntary: usize,
}

/// Why Karpenter wants a claim's node to go.
fn marked(claim: &NodeClaim) -> Option<&str> {
    let held = claim.condition(DISRUPTION_REASON)?;
    held.is_true().then_some(&held.reason)
}

/// Whether a pod is marked do-not-disrupt now: for ever, or for a time from its start.
fn is_protected(pod: &Pod, now: Timestamp) -> bool {
    let Some(value) = pod.metadata.annotations.get(api::labels::DO_NOT_DISRUPT) else {
        return false;
    };
    if value == "true" {
        return true;
    }
    let time = parse_go(value).unwrap_or_default();
    let over = |started: Timestamp| started + time <= now;
    !time.is_zero() && !pod.status.start_time.is_some_and(over)
}

#[cfg(test)]
mod tests;
