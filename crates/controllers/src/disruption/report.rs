//! What looks and commands are told as: events of nodes, claims and pools, and metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ::disruption::{Candidate, Kept, Plan, Reason, Rejected, Why};
use api::{ConsolidationPolicy, DisruptionReason, NodeClaim};
use model::Timestamp;
use model::k8s::Resource;
use runtime::Notice;
use runtime::metrics::names;
use runtime::recorder::{DEDUPE_WINDOW, ObjectRef};

use super::flight::{Flight, Progress};
use crate::shared::Shared;
use crate::tell;

/// How long a repetition of a pool's notice is dropped.
const POOL_WINDOW: Duration = Duration::from_mins(1);
/// How long a repetition of `Unconsolidatable` is dropped.
const UNCONSOLIDATABLE_WINDOW: Duration = Duration::from_mins(15);
/// A change that saves something and disturbs nobody scores without bound, which a sum can't hold.
const HIGHEST_SCORE: f64 = 100.0;
/// What a look is for, as metrics have it: reason and kind of consolidation. One look answers all
/// of them, so its time counts for each.
const KINDS: [(&str, &str); 5] = [
    ("empty", "empty"),
    ("drifted", ""),
    ("expired", ""),
    ("underutilized", "multi"),
    ("underutilized", "single"),
];

/// Tells and measures a look.
pub(super) fn looked(shared: &Shared, plan: &Plan, took: Duration) {
    let metrics = &shared.world.metrics;
    for (reason, kind) in KINDS {
        metrics.observe(
            &names::EVALUATION_SECONDS,
            &[reason, kind],
            took.as_secs_f64(),
        );
    }
    let eligible = |reason: Reason| plan.eligible.get(&reason).copied().unwrap_or(0);
    for reason in Reason::ALL {
        let labels = [reason.label()];
        let nodes = eligible(reason) as f64;
        metrics.set(&names::DISRUPTION_ELIGIBLE_NODES, &labels, nodes);
    }
    budgets(shared, plan);
    for budget in &plan.budgets {
        for reason in DisruptionReason::ALL {
            let concerned = Reason::ALL.iter().filter(|one| one.budget() == reason);
            let nodes: usize = concerned.map(|one| eligible(*one)).sum();
            if nodes > 0 && budget.nodes > 0 && budget.of(reason).allowed == 0 {
                blocked_pool(shared, &budget.pool, reason);
            }
        }
        for broken in &budget.broken {
            tracing::warn!(nodepool = &*budget.pool, %broken, "a budget can't be read");
        }
    }
    candidates(shared, plan);
    verdicts(shared, plan);
}

/// What the budgets of each pool allow, and what uses them.
fn budgets(shared: &Shared, plan: &Plan) {
    let of_pool = |budget: &::disruption::budget::PoolBudget, reason: DisruptionReason| {
        let labels = vec![budget.pool.to_string(), reason.as_str().to_owned()];
        (labels, budget.of(reason))
    };
    let each = || {
        let pools = plan.budgets.iter();
        pools.flat_map(|budget| DisruptionReason::ALL.map(|reason| of_pool(budget, reason)))
    };
    let metrics = &shared.world.metrics;
    metrics.replace(
        &names::NODEPOOLS_ALLOWED_DISRUPTIONS,
        each().map(|(labels, allowance)| (labels, allowance.allowed.into())),
    );
    metrics.replace(
        &names::NODEPOOLS_NODES_CONSUMING_BUDGETS,
        each().map(|(labels, allowance)| (labels, allowance.disrupting.into())),
    );
}

fn blocked_pool(shared: &Shared, name: &str, reason: DisruptionReason) {
    let Some(pool) = shared.pool(name) else {
        return;
    };
    let message =
        format!("No allowed disruptions for disruption reason {reason} due to blocking budget");
    let notice = Notice::normal(ObjectRef::of(&*pool), "DisruptionBlocked", message)
        .dedupe_by([pool.metadata.uid.clone(), reason.as_str().to_owned()])
        .window(POOL_WINDOW);
    shared.world.recorder.publish(notice);
}

/// Nodes for which a cheaper replacement was found.
fn candidates(shared: &Shared, plan: &Plan) {
    let commands = plan.commands.iter();
    let found = commands.filter(|command| {
        command.reason == Reason::Underutilized && !command.replacements.is_empty()
    });
    for command in found {
        let message = format!(
            "Could {command}, for {} instead of {} an hour",
            command.price_after, command.price_before
        );
        for candidate in &command.candidates {
            publish(shared, &candidate.node, "ConsolidationCandidate", &message);
        }
    }
}

/// What the policies of pools have said to changes, made or not.
fn verdicts(shared: &Shared, plan: &Plan) {
    let metrics = &shared.world.metrics;
    let made = plan.commands.iter().map(|command| &command.verdict);
    for verdict in made.chain(&plan.rejected) {
        for pool in &verdict.pools {
            let labels = [pool.decision(), &*pool.pool, pool.policy_label()];
            metrics.add(&names::CONSOLIDATION_MOVES, &labels, 1.0);
            if let Some(score) = pool.score {
                let value = score.value.min(HIGHEST_SCORE);
                metrics.observe(&names::CONSOLIDATION_SCORE, &labels, value);
            }
        }
    }
    for command in &plan.commands {
        for (pool, score) in command.verdict.scores() {
            let message = format!("Consolidation is worth it: {score}");
            if let [candidate] = &command.candidates[..] {
                publish(shared, &candidate.node, "ConsolidationApproved", &message);
            } else if let Some(pool) = shared.pool(&pool.pool) {
                let about = ObjectRef::of(&*pool);
                let notice = Notice::normal(about, "ConsolidationApproved", message);
                shared.world.recorder.publish(notice);
            }
        }
    }
}

/// What nodes were told: most stay for the same reason for days, and saying so again and again
/// would be all that is written in a cluster to which nothing happens.
#[derive(Default)]
pub(super) struct Told {
    /// By the event's reason and the node.
    nodes: BTreeMap<(&'static str, Arc<str>), Last>,
}

/// What a node was told last.
struct Last {
    why: Why,
    /// Until when nothing else is told by the same event.
    until: Timestamp,
}

impl Told {
    /// Tells nodes and claims why they stay, where users may want to change that: all that a look
    /// has to say. What it does not say any more is told anew when it comes back.
    pub(super) fn looked(&mut self, shared: &Shared, kept: &[Kept]) {
        self.kept(shared, kept);
        let now = shared.now();
        let said = kept.iter().filter_map(|one| {
            let (event, _) = event(&one.reason)?;
            Some((event, &*one.node))
        });
        let said: BTreeSet<(&str, &str)> = said.collect();
        self.nodes
            .retain(|(event, node), last| now < last.until || said.contains(&(*event, &**node)));
    }

    /// Tells some nodes and claims why they stay.
    pub(super) fn kept(&mut self, shared: &Shared, kept: &[Kept]) {
        let now = shared.now();
        for one in kept {
            let Some((event, window)) = event(&one.reason) else {
                continue;
            };
            let key = (event, one.node.clone());
            let last = self.nodes.get(&key);
            if last.is_some_and(|last| now < last.until || last.why == one.reason) {
                continue;
            }
            let (why, until) = (one.reason.clone(), now + window);
            self.nodes.insert(key, Last { why, until });
            stays(shared, one);
        }
    }
}

/// Which event says why a node stays, if any, and for how long it is not repeated.
fn event(reason: &Why) -> Option<(&'static str, Duration)> {
    if reason.blocks() {
        Some(("DisruptionBlocked", DEDUPE_WINDOW))
    } else if reason.is_unconsolidatable() {
        Some(("Unconsolidatable", UNCONSOLIDATABLE_WINDOW))
    } else {
        None
    }
}

/// Tells a node and its claim why it stays.
pub(super) fn stays(shared: &Shared, kept: &Kept) {
    let Some((event, window)) = event(&kept.reason) else {
        return;
    };
    for about in objects(shared, &kept.node) {
        let notice = Notice::normal(about, event, kept.reason.to_string()).window(window);
        shared.world.recorder.publish(notice);
    }
}

/// A command is not performed after all, as far as it is not.
pub(super) fn rejected(shared: &Shared, rejected: &Rejected) {
    let command = &rejected.command;
    let (kind, nodes) = (command.consolidation_type(), command.candidates.len());
    tracing::info!(%command, because = rejected.because.as_str(), "nodes stay after all");
    let metrics = &shared.world.metrics;
    metrics.add(&names::DISRUPTION_FAILED_VALIDATIONS, &[kind], nodes as f64);
    if command.reason == Reason::Underutilized {
        let because = rejected.because.as_str();
        let message = format!("Consolidation was found and is not possible any more: {because}");
        for candidate in &command.candidates {
            publish(shared, &candidate.node, "ConsolidationRejected", &message);
        }
    }
}

/// A command has begun: its nodes are marked and its replacements created.
pub(super) fn decided(shared: &Shared, flight: &Flight) {
    let (metrics, command) = (&shared.world.metrics, &flight.command);
    let reason = command.reason.label();
    let (decision, kind) = (command.decision().as_str(), command.consolidation_type());
    metrics.add(&names::DISRUPTION_DECISIONS, &[decision, reason, kind], 1.0);
    let pools: BTreeSet<&str> = flight.going.iter().map(|one| &*one.pool).collect();
    for pool in pools {
        let labels = [pool, decision, reason, kind];
        metrics.add(&names::DISRUPTION_DECISIONS_BY_NODEPOOL, &labels, 1.0);
    }
    for one in &flight.replacements {
        if let Some(claim) = shared.claim(one.name()) {
            let message = format!("Launching NodeClaim: {}", command.reason);
            let notice = Notice::normal(ObjectRef::of(&*claim), "DisruptionLaunching", message);
            shared.world.recorder.publish(notice);
        }
    }
}

/// A replacement is not complete yet.
pub(super) fn waiting(shared: &Shared, claim: &NodeClaim) {
    let about = ObjectRef::of(claim);
    let message = "Waiting on readiness to continue disruption";
    let notice = Notice::normal(about, "DisruptionWaitingReadiness", message);
    shared.world.recorder.publish(notice);
}

/// A node goes: tells its objects, and counts it.
pub(super) fn terminating(
    shared: &Shared,
    flight: &Flight,
    candidate: &Candidate,
    claim: &NodeClaim,
) {
    let reason = flight.command.reason;
    shared.flights.succeeded(&candidate.node);
    for about in objects(shared, &candidate.node) {
        let message = format!("Disrupting {}: {reason}", about.kind);
        let uid = about.uid.clone();
        let notice = Notice::normal(about, "DisruptionTerminating", message)
            .dedupe_by([uid, reason.as_str().to_owned()]);
        shared.world.recorder.publish(notice);
    }
    let pool = shared.pool(&candidate.pool);
    let policy = pool.map_or("", |pool| match reason {
        Reason::Empty | Reason::Underutilized => policy(pool.consolidation_policy()),
        Reason::Drifted | Reason::Expired => "",
    });
    tell::disrupted(shared, claim, reason.label(), policy);
}

fn policy(policy: ConsolidationPolicy) -> &'static str {
    match policy {
        ConsolidationPolicy::WhenEmpty => "when_empty",
        ConsolidationPolicy::WhenEmptyOrUnderutilized | ConsolidationPolicy::WhenUnderutilized => {
            "when_empty_or_underutilized"
        }
        ConsolidationPolicy::Balanced => "balanced",
    }
}

/// A command has ended as it should.
pub(super) fn succeeded(shared: &Shared, flight: &Flight) {
    ended(shared, flight, "success");
}

/// A command was taken back. What never became complete counts, and at least one failure.
pub(super) fn failed(shared: &Shared, flight: &Flight) {
    let replacements = flight.replacements.iter();
    let missing = replacements.filter(|one| one.progress != Progress::Initialized);
    let missing = missing.count().max(1);
    let command = &flight.command;
    let labels = [
        command.decision().as_str(),
        command.reason.label(),
        command.consolidation_type(),
    ];
    let metrics = &shared.world.metrics;
    metrics.add(&names::DISRUPTION_QUEUE_FAILURES, &labels, missing as f64);
    ended(shared, flight, "failure");
}

fn ended(shared: &Shared, flight: &Flight, result: &str) {
    let labels = [flight.command.decision().as_str(), result];
    let metrics = &shared.world.metrics;
    metrics.add(&names::LEGACY_DEPROVISIONING_ACTIONS, &labels, 1.0);
}

fn publish(shared: &Shared, node: &str, event: &'static str, message: &str) {
    for about in objects(shared, node) {
        shared
            .world
            .recorder
            .publish(Notice::normal(about, event, message));
    }
}

/// The Node and the NodeClaim of a name, as far as they exist.
fn objects(shared: &Shared, name: &str) -> Vec<ObjectRef> {
    fn reference<T: Resource>(object: Option<&T>) -> Option<ObjectRef> {
        object.map(ObjectRef::of)
    }
    shared.with(|cluster| {
        let Some(state) = cluster.node(name) else {
            return reference(cluster.claim(name).map(|claim| &**claim))
                .into_iter()
                .collect();
        };
        let node = reference(state.node.as_deref());
        node.into_iter()
            .chain(reference(state.claim.as_deref()))
            .collect()
    })
}
