//! `nodeclaim.expiration`: claims that have lived long enough.

use ::lifecycle::Removal;
use ::lifecycle::expire::{Expiry, decide};
use runtime::Next;

use crate::shared::Shared;
use crate::tell;

/// Deletes a claim whose time has come.
pub(crate) async fn reconcile(shared: &Shared, name: String) -> Next {
    let Some(claim) = shared.claim(&name) else {
        return Next::AwaitChange;
    };
    if !shared.owns(&claim.spec.node_class_ref) {
        return Next::AwaitChange;
    }
    match decide(&claim, shared.now()) {
        Expiry::Never => Next::AwaitChange,
        Expiry::After(wait) => Next::After(wait),
        Expiry::Expired => match super::delete_unchanged(shared, &claim).await {
            Ok(deleted) => {
                if deleted {
                    tracing::info!(nodeclaim = name, "expired");
                    tell::disrupted(shared, &claim, Removal::Expired.as_str(), "");
                }
                Next::AwaitChange
            }
            Err(error) => super::after(&error, "nodeclaim", &name),
        },
    }
}
