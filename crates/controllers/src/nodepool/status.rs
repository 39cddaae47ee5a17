//! `nodepool.readiness`, `nodepool.validation`, `nodepool.registrationhealth` and `nodepool.hash`
//! in one pass: all of them look at one pool and its class, and what they find is written in one
//! step.

use api::NodePool;
use lifecycle::pool::{hash, health, readiness, validation};
use runtime::Next;
use runtime::client::ApiError;

use crate::shared::{Shared, lock};
use crate::{nodeclaim, write};

/// Brings the conditions of one pool up to date.
pub(crate) async fn reconcile(shared: &Shared, name: String) -> Next {
    let Some(pool) = shared.pool(&name) else {
        return Next::AwaitChange;
    };
    if !shared.owns(&pool.spec.template.spec.node_class_ref) {
        return Next::AwaitChange;
    }
    let result = async {
        if hash::must_migrate(&pool) {
            migrate_claims(shared, &pool).await?;
        }
        write::pool(shared, &pool, &judged(shared, &hash::hashed(&pool))).await
    };
    match result.await {
        Ok(_) => Next::AwaitChange,
        Err(error) => nodeclaim::after(&error, "nodepool", &name),
    }
}

/// Takes the claims of a pool along to today's algorithm of the hash, before the pool says that it
/// is used.
async fn migrate_claims(shared: &Shared, pool: &NodePool) -> Result<(), ApiError> {
    let name = pool.metadata.name.as_str();
    let claims: Vec<_> = shared.with(|cluster| {
        let of_pool = cluster.claims().filter(|claim| claim.pool() == Some(name));
        of_pool.cloned().collect()
    });
    for claim in claims {
        if let Some(changed) = hash::migrated(&claim, pool) {
            write::claim(shared, &claim, &changed).await?;
        }
    }
    Ok(())
}

fn judged(shared: &Shared, pool: &NodePool) -> NodePool {
    let now = shared.now();
    let class = shared.class(&pool.spec.template.spec.node_class_ref);
    let vocabulary = shared.snapshot().vocabulary;
    let changed = validation::validated(pool, &vocabulary, now);
    let changed = readiness::judged(&changed, class.as_ref(), now);
    let Some(class) = class else { return changed };
    let mut records = lock(&shared.health);
    let record = records.entry(pool.metadata.uid.clone()).or_default();
    health::reviewed(record, &changed, class.metadata.generation, now)
}
