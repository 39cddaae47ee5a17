//! `node.health`: nodes that are broken for too long are replaced. Runs where the feature gate
//! `NodeRepair` is on and the cloud says what broken means.
//!
//! What is *not* here: which nodes those are, and when so many are broken that none is replaced
//! (`lifecycle::repair`).

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::lifecycle::Removal;
use ::lifecycle::repair::{
    BLOCKED_WAIT, Population, RepairFacts, RepairPolicy, RepairStep, Verdict, decide, is_broken,
    verdict,
};
use api::NodeClaim;
use api::labels::NODEPOOL;
use cluster::Touched;
use model::k8s::Node;
use runtime::queue::Backoff;
use runtime::{Next, Queue};

use crate::run::{Loop, serve};
use crate::shared::Shared;
use crate::{nodeclaim, tell, write};

/// Nodes to look at.
pub(crate) struct Health {
    queue: Queue<String>,
    policies: OnceLock<Vec<RepairPolicy>>,
}

impl Default for Health {
    fn default() -> Self {
        let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_mins(1));
        Self {
            queue: Queue::new(backoff.with_bucket(10.0, 100)),
            policies: OnceLock::new(),
        }
    }
}

impl Health {
    /// Hands out nothing more.
    pub(crate) fn shut_down(&self) {
        self.queue.shut_down();
    }
}

/// Looks at those of the nodes that changed which are broken.
pub(crate) fn wake(shared: &Shared, touched: &Touched) {
    let policies = policies(shared);
    let broken = |name: &&Arc<str>| {
        let node = shared.with(|cluster| cluster.node_object(name).cloned());
        node.is_some_and(|node| is_broken(&node, policies))
    };
    for node in touched.nodes.iter().filter(broken) {
        shared.gated.health.queue.add(node.to_string());
    }
}

/// The loop, where there is anything that it could find.
pub(crate) fn served(shared: &Shared) -> Option<Loop<'_>> {
    let workers = shared.world.options.workers(10, 1_000);
    let queue = &shared.gated.health.queue;
    (!policies(shared).is_empty()).then(|| {
        serve(shared, queue, ("node.health", workers), |name| {
            reconcile(shared, name)
        })
    })
}

fn policies(shared: &Shared) -> &[RepairPolicy] {
    let policies = &shared.gated.health.policies;
    policies.get_or_init(|| shared.world.cloud.repair_policies())
}

/// Replaces a node if that is due.
async fn reconcile(shared: &Shared, name: String) -> Next {
    let Some(node) = shared.with(|cluster| cluster.node_object(&name).cloned()) else {
        return Next::AwaitChange;
    };
    let Some(claim) = shared.claim_of(&node) else {
        return Next::AwaitChange;
    };
    if !super::is_ours(shared, &node) {
        return Next::AwaitChange;
    }
    let policies = policies(shared);
    let policy = match verdict(&node, policies, shared.now()) {
        Verdict::Sound => return Next::AwaitChange,
        Verdict::Tolerated(wait) => return Next::After(wait),
        Verdict::Due(policy) => policy,
    };
    let pool = claim.pool().and_then(|pool| shared.pool(pool));
    let facts = RepairFacts {
        node: &node,
        claim: &claim,
        pool: pool.as_deref(),
        policy,
        population: population(shared, &claim, policies),
    };
    match decide(&facts, shared.now()) {
        RepairStep::UnderWay => Next::AwaitChange,
        RepairStep::Blocked(notices) => {
            tell::publish(shared, &notices);
            Next::After(BLOCKED_WAIT)
        }
        RepairStep::Replace {
            claim: wanted,
            measure,
        } => {
            let condition = policy.condition.as_str();
            let (node, status) = (name.as_str(), policy.status.as_str());
            tracing::info!(node, condition, status, "replacing an unhealthy node");
            match replace(shared, &claim, &wanted, &measure).await {
                Ok(()) => Next::AwaitChange,
                Err(error) => nodeclaim::after(&error, "nodeclaim", &claim.metadata.name),
            }
        }
    }
}

/// The nodes of the claim's pool, or of the whole cluster if it has none.
fn population(shared: &Shared, claim: &NodeClaim, policies: &[RepairPolicy]) -> Population {
    let pool = claim.pool();
    let counts = |node: &&Node| {
        let of = node.metadata.labels.get(NODEPOOL).map(String::as_str);
        pool.is_none() || of == pool
    };
    shared.with(|cluster| {
        let nodes = cluster.node_objects().map(|node| &**node);
        Population::of(nodes.filter(counts), policies)
    })
}

async fn replace(
    shared: &Shared,
    claim: &NodeClaim,
    wanted: &NodeClaim,
    measure: &::lifecycle::Measure,
) -> Result<(), runtime::client::ApiError> {
    // The deadline first: a drain that began without it would wait for pods.
    let Some(written) = write::claim(shared, claim, wanted).await? else {
        return Ok(());
    };
    if !written.metadata.is_deleting() && nodeclaim::delete_unchanged(shared, &written).await? {
        tell::disrupted(shared, &written, Removal::Unhealthy.as_str(), "");
        tell::count(shared, std::slice::from_ref(measure));
    }
    Ok(())
}
