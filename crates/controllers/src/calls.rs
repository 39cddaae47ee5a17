//! Calls to the cloud, timed and counted.

use api::{NodeClaim, NodePool, condition};
use lifecycle::finalize::Instance as State;
use runtime::metrics::names;
use std::sync::Arc;
use tokio::time::Instant;

use crate::cloud::{CloudError, DriftReason, Instance, Launched};
use crate::nodeoverlay;
use crate::shared::Shared;

/// Starts an instance, or finds the one that was started for the claim before.
pub(crate) async fn create(shared: &Shared, claim: &NodeClaim) -> Result<Launched, CloudError> {
    let call = shared.world.cloud.create(claim);
    let mut launched = measured(shared, "nodeclaim.lifecycle", "Create", call).await?;
    nodeoverlay::promise(shared, claim, &mut launched);
    Ok(launched)
}

/// Asks for the end of a claim's instance; none if the cloud could not be asked.
pub(crate) async fn end(shared: &Shared, claim: &NodeClaim) -> Option<State> {
    let call = shared.world.cloud.delete(claim);
    match measured(shared, "nodeclaim.lifecycle", "Delete", call).await {
        Ok(()) => Some(State::Going),
        Err(CloudError::NotFound(_)) => Some(State::Gone),
        Err(error) => {
            tracing::warn!(nodeclaim = claim.metadata.name, %error, "ending an instance failed");
            None
        }
    }
}

/// Whether an instance exists; none if the cloud could not be asked.
pub(crate) async fn state(shared: &Shared, provider_id: &str) -> Option<State> {
    let call = shared.world.cloud.get(provider_id);
    match measured(shared, "node.termination", "Get", call).await {
        Ok(_) => Some(State::Going),
        Err(CloudError::NotFound(_)) => Some(State::Gone),
        Err(error) => {
            tracing::warn!(provider_id, %error, "asking for an instance failed");
            None
        }
    }
}

/// All instances; none if the cloud could not be asked.
pub(crate) async fn list(shared: &Shared) -> Option<Vec<Instance>> {
    let call = shared.world.cloud.list();
    match measured(shared, "nodeclaim.garbagecollection", "List", call).await {
        Ok(instances) => Some(instances),
        Err(error) => {
            tracing::warn!(%error, "listing instances failed");
            None
        }
    }
}

/// What a pool can launch; none if the cloud could not be asked.
pub(crate) async fn instance_types(
    shared: &Shared,
    pool: &NodePool,
) -> Option<Arc<[Arc<catalog::InstanceType>]>> {
    let call = shared.world.cloud.instance_types(pool);
    match measured(shared, "provisioner", "GetInstanceTypes", call).await {
        Ok(types) => Some(types),
        // A class that is not ready yet says itself what it lacks.
        Err(error) if !condition::is_true(&pool.status.conditions, condition::READY) => {
            tracing::debug!(nodepool = pool.metadata.name, %error, "listing instance types failed");
            None
        }
        Err(error) => {
            tracing::warn!(nodepool = pool.metadata.name, %error, "listing instance types failed");
            None
        }
    }
}

/// The same, for looking whether a machine is still sold.
pub(crate) async fn types_for_drift(
    shared: &Shared,
    pool: &NodePool,
) -> Option<Arc<[Arc<catalog::InstanceType>]>> {
    let call = shared.world.cloud.instance_types(pool);
    match measured(shared, "nodeclaim.disruption", "GetInstanceTypes", call).await {
        Ok(types) => Some(types),
        Err(error) => {
            tracing::warn!(nodepool = pool.metadata.name, %error, "listing instance types failed");
            None
        }
    }
}

/// Whether a claim's instance is no longer what its node class asks for.
pub(crate) async fn is_drifted(
    shared: &Shared,
    claim: &NodeClaim,
) -> Result<Option<DriftReason>, CloudError> {
    let call = shared.world.cloud.is_drifted(claim);
    measured(shared, "nodeclaim.disruption", "IsDrifted", call).await
}

async fn measured<T>(
    shared: &Shared,
    controller: &'static str,
    method: &'static str,
    call: impl Future<Output = Result<T, CloudError>>,
) -> Result<T, CloudError> {
    let (metrics, provider) = (&shared.world.metrics, shared.world.cloud.name());
    let began = Instant::now();
    let result = call.await;
    let labels = [controller, method, provider];
    metrics.observe(
        &names::CLOUD_SECONDS,
        &labels,
        began.elapsed().as_secs_f64(),
    );
    if let Err(error) = &result {
        let labels = [controller, method, provider, error.metric_label()];
        metrics.add(&names::CLOUD_ERRORS, &labels, 1.0);
    }
    result
}
