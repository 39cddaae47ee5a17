//! `nodepool.readiness`, `nodepool.validation`, `nodepool.registrationhealth` and `nodepool.hash` in one
//! pass: all of them look at one pool and its class, and what they find is written in one step.

use api::NodePool;
use lifecycle::pool::{health, readiness, validation};
use runtime::Next;

use crate::shared::{Shared, lock};
use crate::{nodeclaim, write};

/// Brings the conditions of one pool up to date.
pub(crate) async fn reconcile(shared: &Shared, name: String) -> Next {
    shared.gate.wait().await;
    let Some(pool) = shared.pool(&name) else {
        return Next::AwaitChange;
    };
    if !shared.owns(&pool.spec.template.spec.node_class_ref) {
        return Next::AwaitChange;
    }
    let changed = judged(shared, &pool);
    match write::pool(shared, &pool, &changed).await {
        Ok(_) => Next::AwaitChange,
        Err(error) => nodeclaim::after(&error, "nodepool", &name),
    }
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
