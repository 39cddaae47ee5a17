//! Performing a command: mark, taint, look once more, delete; and taking it back where that fails.

use std::time::Duration;

use ::disruption::cost::reschedule_cost;
use ::disruption::{Candidate, Command};
use lifecycle::conditions::{Conditions, Status};
use lifecycle::keys::disrupted_taint;
use runtime::client::ApiError;
use runtime::metrics::names;

use super::{leftovers, report};
use crate::shared::Shared;
use crate::{nodeclaim, tell, write};

/// How often a write is tried that others get in the way of.
const TRIES: u32 = 4;
/// Wait before the second try; grows fivefold with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(10);

/// Why a candidate stays after all.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("the node is no longer there")]
    Gone,
    #[error("pods came to the node")]
    NotEmpty,
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Performs a command; whether any node goes.
pub(super) async fn execute(shared: &Shared, command: &Command) -> bool {
    tracing::info!(
        command = %command,
        price_before = %command.price_before,
        price_after = %command.price_after,
        "disrupting nodes"
    );
    let nodes = command
        .candidates
        .iter()
        .map(|candidate| candidate.node.to_string())
        .collect();
    // From here on nothing new is placed on them, before anything is written.
    shared.commit(cluster::Intent::MarkForDeletion { nodes });
    let mut gone = 0;
    for candidate in &command.candidates {
        match remove(shared, command, candidate).await {
            Ok(()) => gone += 1,
            Err(error) => {
                tracing::info!(node = &*candidate.node, %error, "the node stays after all");
                take_back(shared, candidate).await;
                count_action(shared, command, "failure");
                let labels = [
                    command.decision().as_str(),
                    command.reason.label(),
                    command.consolidation_type(),
                ];
                shared
                    .world
                    .metrics
                    .add(&names::DISRUPTION_QUEUE_FAILURES, &labels, 1.0);
            }
        }
    }
    if gone > 0 {
        count_decision(shared, command);
    }
    gone > 0
}

/// Taints the node, says why on its claim, looks whether pods came meanwhile, and deletes the
/// claim.
async fn remove(shared: &Shared, command: &Command, candidate: &Candidate) -> Result<(), Failed> {
    let taint = disrupted_taint();
    patiently(|| async {
        let node = shared.with(|cluster| cluster.node_object(&candidate.node).cloned());
        let node = node.ok_or(Failed::Gone)?;
        let mut wanted = (*node).clone();
        wanted
            .spec
            .taints
            .retain(|held| !held.same_identity(&taint));
        wanted.spec.taints.push(taint.clone());
        write::node(shared, &node, &wanted)
            .await?
            .ok_or(Failed::Gone)
    })
    .await?;
    patiently(|| async {
        let claim = shared.claim(&candidate.claim).ok_or(Failed::Gone)?;
        let mut wanted = (*claim).clone();
        let reason = command.reason.as_str();
        let mut conditions = Conditions::of_claim(&mut wanted, shared.now());
        conditions.set("DisruptionReason", Status::True, reason, reason);
        write::claim(shared, &claim, &wanted)
            .await?
            .ok_or(Failed::Gone)
    })
    .await?;
    let still_empty = shared.with(|cluster| {
        cluster
            .node(&candidate.node)
            .is_some_and(|node| reschedule_cost(node) <= 1.0)
    });
    if !still_empty {
        return Err(Failed::NotEmpty);
    }
    let claim = shared.claim(&candidate.claim).ok_or(Failed::Gone)?;
    patiently(|| async { Ok(nodeclaim::delete(shared, &claim).await?) }).await?;
    report::terminating(shared, command, candidate);
    let policy = shared
        .pool(&candidate.pool)
        .map(|pool| pool.consolidation_policy());
    let policy = policy.map_or("", policy_label);
    tell::disrupted(shared, &claim, command.reason.label(), policy);
    count_action(shared, command, "success");
    Ok(())
}

/// Tries a write anew, from the object as it is then, while others get in the way of it.
async fn patiently<T, F, Fut>(write: F) -> Result<T, Failed>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, Failed>>,
{
    let mut wait = FIRST_WAIT;
    for _ in 1..TRIES {
        match write().await {
            Err(Failed::Api(error)) if !error.is_not_found() => {
                tracing::debug!(%error, "trying again");
            }
            other => return other,
        }
        tokio::time::sleep(wait).await;
        wait *= 5;
    }
    write().await
}

/// Lets a node live on. What can't be written now is cleaned up by the next look.
async fn take_back(shared: &Shared, candidate: &Candidate) {
    let node = candidate.node.to_string();
    leftovers::untaint(shared, &node).await;
    shared.commit(cluster::Intent::Unmark { nodes: vec![node] });
}

fn policy_label(policy: api::ConsolidationPolicy) -> &'static str {
    match policy {
        api::ConsolidationPolicy::WhenEmpty => "when_empty",
        api::ConsolidationPolicy::WhenEmptyOrUnderutilized
        | api::ConsolidationPolicy::WhenUnderutilized => "when_empty_or_underutilized",
        api::ConsolidationPolicy::Balanced => "balanced",
    }
}

fn count_action(shared: &Shared, command: &Command, result: &str) {
    let labels = [command.decision().as_str(), result];
    shared
        .world
        .metrics
        .add(&names::LEGACY_DEPROVISIONING_ACTIONS, &labels, 1.0);
}

fn count_decision(shared: &Shared, command: &Command) {
    let metrics = &shared.world.metrics;
    let reason = command.reason.label();
    let (decision, kind) = (command.decision().as_str(), command.consolidation_type());
    metrics.add(&names::DISRUPTION_DECISIONS, &[decision, reason, kind], 1.0);
    let pools: std::collections::BTreeSet<&str> = command
        .candidates
        .iter()
        .map(|candidate| &*candidate.pool)
        .collect();
    for pool in pools {
        let labels = [pool, decision, reason, kind];
        metrics.add(&names::DISRUPTION_DECISIONS_BY_NODEPOOL, &labels, 1.0);
    }
}
