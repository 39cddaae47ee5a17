//! `nodeclaim.disruption`: the condition `Consolidatable`. The condition `Drifted` is not kept yet.

use ::lifecycle::conditions::Conditions;
use disruption::quiet::{Quiet, decide};
use runtime::Next;

use crate::shared::Shared;
use crate::write;

/// Sets or clears the condition of one claim.
pub(crate) async fn reconcile(shared: &Shared, name: String) -> Next {
    let Some(claim) = shared.claim(&name) else {
        return Next::AwaitChange;
    };
    if claim.metadata.is_deleting() || !shared.owns(&claim.spec.node_class_ref) {
        return Next::AwaitChange;
    }
    let Some(pool) = claim.pool().and_then(|pool| shared.pool(pool)) else {
        return Next::AwaitChange;
    };
    let now = shared.now();
    let quiet = decide(&claim, &pool, now);
    let mut changed = (*claim).clone();
    let mut conditions = Conditions::of_claim(&mut changed, now);
    let next = match quiet {
        Quiet::NotOurs => return Next::AwaitChange,
        Quiet::Yes if conditions.is_true("Consolidatable") => return Next::AwaitChange,
        Quiet::Yes => {
            conditions.set_true("Consolidatable");
            Next::AwaitChange
        }
        Quiet::NotBefore(at) => {
            conditions.clear("Consolidatable");
            Next::After(at.since(now))
        }
        Quiet::Never => {
            conditions.clear("Consolidatable");
            Next::AwaitChange
        }
    };
    match write::claim(shared, &claim, &changed).await {
        Ok(_) => {
            if quiet == Quiet::Yes {
                shared.disruption.notify_one();
            }
            next
        }
        Err(error) => super::after(&error, "nodeclaim", &name),
    }
}
