//! Creating claims, each exactly once: for pods without a place, and for nodes that are replaced.
//!
//! A claim has its name before it is created, so that a creation whose answer was lost can be
//! repeated, and is announced to the cluster's state, so that nobody makes another one for the same
//! pods in the meantime.

use api::NodeClaim;
use cluster::{Announced, Intent, PoolState, Snapshot};
use futures::future::join_all;
use model::k8s::PodKey;
use model::{Quantity, ResourceList, resources};
use runtime::client::{ApiError, ObjectKey};
use runtime::metrics::names as metrics;
use scheduling::{MinValuesOutcome, Placement, PlannedClaim};

use super::{names, report};
use crate::shared::{Shared, lock};
use crate::tell;

/// How often a creation is tried whose answer does not come.
const TRIES: u32 = 4;

/// Instance types of a new claim that are named in the log.
const NAMED_TYPES: usize = 5;
/// Failures that are named in the log.
const NAMED_FAILURES: usize = 5;

/// Why a claim was not created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Its pool is gone.
    #[error("creating node claim, nodepool {0} does not exist any more")]
    NoPool(String),
    /// Its pool uses more than it may.
    #[error(
        "creating node claim, resource usage exceeds limit (limit={limit}, resource-name={resource}, usage={usage})"
    )]
    Limit {
        /// Of what.
        resource: String,
        /// The pool's limit.
        limit: Quantity,
        /// What it uses.
        usage: Quantity,
    },
    /// The API server refused.
    #[error("creating node claim, {0}")]
    Api(#[from] ApiError),
}

/// Creates all claims of a placement; gives how many failed. What was created stands, whatever
/// happens to the others.
pub(super) async fn all(shared: &Shared, snapshot: &Snapshot, placement: &Placement) -> usize {
    let mut wanted: Vec<(NodeClaim, &PlannedClaim)> = Vec::new();
    let mut claims = Vec::new();
    for planned in &placement.new_claims {
        // As the pool was when the plan was made, its hash included.
        if let Some(state) = snapshot.pool(&planned.pool) {
            let claim = prepare(shared, planned.to_node_claim(&state.pool));
            claims.push(announced(state, &claim, planned));
            wanted.push((claim, planned));
        }
    }
    shared.commit(Intent::Announce {
        claims,
        leaving: Vec::new(),
    });
    let now = shared.snapshot();
    let creations = wanted
        .iter()
        .map(|(claim, planned)| perform(shared, &now, claim, planned, "provisioned"));
    let results = join_all(creations).await;
    let failures: Vec<String> = results
        .into_iter()
        .filter_map(|result| Some(result.err()?.to_string()))
        .collect();
    if !failures.is_empty() {
        let why = report::some_of(&failures, NAMED_FAILURES);
        tracing::error!(failed = failures.len(), why, "creating nodeclaims failed");
    }
    failures.len()
}

/// Gives a claim its name and what the provider decides. It is to be announced to the cluster's
/// state, and then performed or withdrawn.
pub(crate) fn prepare(shared: &Shared, mut claim: NodeClaim) -> NodeClaim {
    let seed = shared.world.seed ^ shared.now().nanos().unsigned_abs();
    let number = lock(&shared.claims).next();
    claim.metadata.name = names::claim_name(claim.pool().unwrap_or_default(), seed, number);
    lock(&shared.claims).announce(&claim.metadata.name);
    complete(shared, &mut claim);
    claim
}

/// What the cluster's state is told of a claim that was prepared.
pub(crate) fn announced(state: &PoolState, claim: &NodeClaim, planned: &PlannedClaim) -> Announced {
    Announced {
        name: claim.metadata.name.clone(),
        pool: planned.pool.to_string(),
        most: state.most_taken(&planned.instance_types),
        pods: planned.pods.iter().map(|pod| pod.key()).collect(),
    }
}

/// Takes claims back that were announced.
pub(crate) fn withdraw(shared: &Shared, claims: Vec<String>) {
    for name in &claims {
        lock(&shared.claims).withdraw(name);
    }
    shared.commit(Intent::Withdraw { claims });
}

/// Creates a claim that was announced, if its pool still may have it, and counts on it at once;
/// gives its name. One that is not created is withdrawn.
pub(crate) async fn perform(
    shared: &Shared,
    now: &Snapshot,
    claim: &NodeClaim,
    planned: &PlannedClaim,
    reason: &str,
) -> Result<String, Failure> {
    let name = &claim.metadata.name;
    match one(shared, now, claim, planned).await {
        Ok(created) => {
            lock(&shared.claims).created(name);
            counted(shared, created, planned, reason);
            Ok(name.clone())
        }
        Err(failure) => {
            withdraw(shared, vec![name.clone()]);
            Err(failure)
        }
    }
}

async fn one(
    shared: &Shared,
    now: &Snapshot,
    claim: &NodeClaim,
    planned: &PlannedClaim,
) -> Result<NodeClaim, Failure> {
    let state = now
        .pool(&planned.pool)
        .filter(|state| !state.pool.metadata.is_deleting())
        .ok_or_else(|| Failure::NoPool(planned.pool.to_string()))?;
    within(state)?;
    Ok(create(shared, claim).await?)
}

/// A claim was created: it counts, and everybody is told.
fn counted(shared: &Shared, created: NodeClaim, planned: &PlannedClaim, reason: &str) {
    let name = created.metadata.name.clone();
    say(&name, planned);
    let relaxed = match planned.min_values {
        MinValuesOutcome::Kept => "false",
        MinValuesOutcome::Relaxed => "true",
    };
    let labels = [reason, &planned.pool, relaxed];
    shared
        .world
        .metrics
        .add(&metrics::NODECLAIMS_CREATED, &labels, 1.0);
    let pods: Vec<PodKey> = planned.pods.iter().map(|pod| pod.key()).collect();
    shared.commit(Intent::ClaimCreated {
        claim: Box::new(created),
        pods,
    });
    let on = format!("nodeclaim/{name}");
    let claim = name.as_str().into();
    for pod in planned.pods.iter().filter(|pod| !pod.is_virtual()) {
        lock(&shared.latency).claimed(pod, &claim);
        tell::nominated(shared, pod, &on);
    }
}

/// Refuses a pool that would use more than its limits, with all claims that are on their way and
/// those that were announced, this one among them: what has fitted when it was planned may not fit
/// any more, or not beside the others.
fn within(state: &PoolState) -> Result<(), Failure> {
    let over = state.over_limit(&ResourceList::new());
    over.map_or(Ok(()), |(resource, usage)| {
        Err(Failure::Limit {
            resource: resource.to_owned(),
            limit: resources::get(&state.pool.spec.limits, resource),
            usage,
        })
    })
}

fn say(nodeclaim: &str, planned: &PlannedClaim) {
    let launch = &planned.launch;
    let types: Vec<&str> = planned.instance_types.iter().map(|ty| &*ty.name).collect();
    let requests = planned.requests.iter();
    let requests: Vec<String> = requests
        .map(|(resource, amount)| format!("{resource}={amount}"))
        .collect();
    tracing::info!(
        nodepool = &*planned.pool,
        nodeclaim,
        pods = planned.pods.len(),
        requests = requests.join(", "),
        instance_types = report::some_of(&types, NAMED_TYPES),
        cheapest = &*launch.instance_type,
        zone = &*launch.zone,
        capacity_type = launch.capacity_type.as_str(),
        "created nodeclaim"
    );
}

/// Fills in what the provider decides where the pool does not say.
pub(crate) fn complete(shared: &Shared, claim: &mut NodeClaim) {
    let period = &mut claim.spec.termination_grace_period;
    if period.is_none() {
        *period = shared.world.cloud.termination_grace_period();
    }
}

/// Creates a claim under its name. If an answer is lost the creation is repeated: the name tells
/// whether the first one had worked.
pub(crate) async fn create(shared: &Shared, claim: &NodeClaim) -> Result<NodeClaim, ApiError> {
    let client = &shared.world.client;
    let mut lost = 0;
    loop {
        match client.create(claim).await {
            Err(error) if error.is_already_exists() && lost > 0 => {
                return client
                    .get(&ObjectKey::cluster(claim.metadata.name.clone()))
                    .await;
            }
            Err(error) if is_lost(&error) && lost < TRIES => {
                lost += 1;
                tracing::debug!(%error, "an answer was lost, asking again");
                shared
                    .world
                    .clock
                    .sleep(std::time::Duration::from_millis(250))
                    .await;
            }
            other => return other,
        }
    }
}

/// Whether it is unknown what the API server did.
fn is_lost(error: &ApiError) -> bool {
    matches!(
        error,
        ApiError::Timeout(_) | ApiError::Transport(_) | ApiError::Server(_)
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn amounts(list: &[(&str, &str)]) -> ResourceList {
        let amount =
            |&(name, amount): &(&str, &str)| (name.to_owned(), amount.parse().expect("an amount"));
        list.iter().map(amount).collect()
    }

    #[test]
    fn a_limit_is_broken_by_more_than_it_and_not_by_all_of_it() {
        let text = "creating node claim, resource usage exceeds limit \
                    (limit=20, resource-name=cpu, usage=21)";
        let mut pool = api::NodePool::default();
        pool.spec.limits = amounts(&[("cpu", "20"), ("nodes", "10")]);
        let pool = Arc::new(pool);
        for (used, in_flight, failure) in [
            (&[][..], &[][..], None),
            (&[("cpu", "12")], &[("cpu", "8")], None),
            (&[("memory", "100Gi")], &[("memory", "9Gi")], None),
            (&[("cpu", "21"), ("nodes", "9")], &[], Some(text)),
            (
                &[("cpu", "13"), ("nodes", "9")],
                &[("cpu", "8")],
                Some(text),
            ),
        ] {
            let result = within(&PoolState {
                pool: pool.clone(),
                types: [].into(),
                problem: None,
                used: amounts(used),
                in_flight: amounts(in_flight),
            });
            let said = result.err().map(|failure| failure.to_string());
            assert_eq!(said.as_deref(), failure, "{used:?}");
        }
    }
}
