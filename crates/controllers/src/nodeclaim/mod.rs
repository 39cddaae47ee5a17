//! The loops of NodeClaims.

pub(crate) mod consistency;
pub(crate) mod disruptable;
pub(crate) mod expiration;
pub(crate) mod finalize;
pub(crate) mod found;
pub(crate) mod garbage;
pub(crate) mod hooks;
pub(crate) mod lifecycle;
pub(crate) mod pod_events;

use api::NodeClaim;
use runtime::Next;
use runtime::client::{ApiError, ObjectKey, Preconditions};

use crate::shared::Shared;

/// What to do after a write that failed: a conflict is retried at once by whoever changed the
/// object, a refusal will not get better by haste.
pub(crate) fn after(error: &ApiError, what: &'static str, name: &str) -> Next {
    if error.is_conflict() {
        tracing::debug!(name, what, "the object has changed, deciding anew");
    } else {
        tracing::warn!(name, what, %error, "a write failed and will be repeated");
    }
    Next::Failed
}

/// Asks for a claim's deletion. Whether there was anything to delete is the answer.
pub(crate) async fn delete(shared: &Shared, claim: &NodeClaim) -> Result<bool, ApiError> {
    delete_if(shared, claim, Preconditions::same_object(claim)).await
}

/// The same, but only if the claim is still as it was read: a second try that comes before the
/// watch has told of the first is a conflict, and is not counted as another deletion.
pub(crate) async fn delete_unchanged(shared: &Shared, claim: &NodeClaim) -> Result<bool, ApiError> {
    delete_if(shared, claim, Preconditions::unchanged(claim)).await
}

async fn delete_if(
    shared: &Shared,
    claim: &NodeClaim,
    only_if: Preconditions,
) -> Result<bool, ApiError> {
    let key = ObjectKey::of(claim);
    match shared
        .world
        .client
        .delete::<NodeClaim>(&key, &only_if)
        .await
    {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}
