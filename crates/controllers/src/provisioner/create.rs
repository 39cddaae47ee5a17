//! Creating claims, each exactly once.

use api::NodeClaim;
use cluster::{Intent, Snapshot};
use futures::future::join_all;
use model::k8s::PodKey;
use runtime::client::{ApiError, ObjectKey};
use runtime::metrics::names as metrics;
use scheduling::{MinValuesOutcome, Placement, PlannedClaim};

use super::{Provisioner, names};
use crate::shared::Shared;
use crate::tell;

/// How often a creation is tried whose answer does not come.
const TRIES: u32 = 4;

/// Creates all claims of a placement; gives how many failed.
pub(super) async fn all(
    shared: &Shared,
    provisioner: &mut Provisioner,
    snapshot: &Snapshot,
    placement: &Placement,
) -> usize {
    let seed = shared.world.seed ^ shared.now().nanos().unsigned_abs();
    let mut wanted: Vec<(NodeClaim, &PlannedClaim)> = Vec::new();
    for planned in &placement.new_claims {
        let Some(state) = snapshot.pool(&planned.pool) else {
            continue;
        };
        let mut claim = planned.to_node_claim(&state.pool);
        provisioner.created += 1;
        claim.metadata.name = names::claim_name(&planned.pool, seed, provisioner.created);
        wanted.push((claim, planned));
    }
    let creations = wanted
        .iter()
        .map(|(claim, planned)| one(shared, claim, planned));
    let results = join_all(creations).await;
    let mut failed = 0;
    for name in results {
        match name {
            Some(name) => {
                provisioner.own.insert(name);
            }
            None => failed += 1,
        }
    }
    failed
}

/// Creates one claim and counts on it at once; gives its name.
async fn one(shared: &Shared, claim: &NodeClaim, planned: &PlannedClaim) -> Option<String> {
    let created = match create(shared, claim).await {
        Ok(created) => created,
        Err(error) => {
            tracing::warn!(nodepool = &*planned.pool, %error, "creating a nodeclaim failed");
            return None;
        }
    };
    let name = created.metadata.name.clone();
    let launch = &planned.launch;
    tracing::info!(
        nodepool = &*planned.pool,
        nodeclaim = name,
        pods = planned.pods.len(),
        instance_type = &*launch.instance_type,
        zone = &*launch.zone,
        capacity_type = launch.capacity_type.as_str(),
        "created nodeclaim"
    );
    let relaxed = match planned.min_values {
        MinValuesOutcome::Kept => "false",
        MinValuesOutcome::Relaxed => "true",
    };
    let labels = ["provisioned", &planned.pool, relaxed];
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
    for pod in &planned.pods {
        tell::nominated(shared, pod, &on);
    }
    Some(name)
}

/// Creates a claim under its name. If an answer is lost the creation is repeated: the name tells
/// whether the first one had worked.
async fn create(shared: &Shared, claim: &NodeClaim) -> Result<NodeClaim, ApiError> {
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
