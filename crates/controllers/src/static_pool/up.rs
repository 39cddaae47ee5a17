//! `static.provisioning`: creates the nodes that a pool of fixed size lacks.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cluster::{Intent, PoolState, Snapshot};
use futures::future::join_all;
use lifecycle::pool::replicas::{Standing, lacking};
use runtime::Next;
use runtime::client::ApiError;
use runtime::metrics::names as metrics;
use scheduling::{TaintLabels, template_claim};

use super::{INTERVAL, machines};
use crate::provisioner::{create, names};
use crate::shared::{Shared, lock};

/// How long to wait when the pool's limit is reached.
const LIMITED: Duration = Duration::from_secs(30);
/// How long to wait for the pool's instance types.
const UNKNOWN: Duration = Duration::from_secs(1);
/// Keeps names apart from those of claims for pods.
const SALT: u64 = 0x5a17_c0de_57a7_1c00;

/// Creates what one pool lacks.
pub(super) async fn reconcile(shared: &Shared, name: String) -> Next {
    let snapshot = shared.snapshot();
    let Some(state) = snapshot.pool(&name) else {
        return Next::AwaitChange;
    };
    if !shared.owns(&state.pool.spec.template.spec.node_class_ref) {
        return Next::AwaitChange;
    }
    let standing = Standing::of(machines(&snapshot, &name));
    // Nodes that are replaced are gone from the count before their replacements are in it.
    let coming = lock(&shared.gated.statics.reservations).of(&name);
    let wanted = match lacking(&state.pool, standing) {
        Err(_idle) => return Next::AwaitChange,
        Ok(lacking) => lacking.saturating_sub(coming),
    };
    if wanted == 0 {
        return Next::After(INTERVAL);
    }
    if state.types.is_empty() {
        return Next::After(UNKNOWN);
    }
    let reservations = &shared.gated.statics.reservations;
    let granted = lock(reservations).reserve(&state.pool, standing, wanted);
    if granted == 0 {
        tracing::info!(nodepool = name, "nodepool node limit reached");
        return Next::After(LIMITED);
    }
    tracing::info!(
        nodepool = name,
        replicas = state.pool.spec.replicas,
        count = granted,
        "provisioning nodeclaims to satisfy replica count"
    );
    let creations = (0..granted).map(|_| one(shared, &snapshot, state));
    let results = join_all(creations).await;
    lock(reservations).release(&name, granted);
    let mut failed = false;
    for error in results.into_iter().filter_map(Result::err) {
        failed = true;
        tracing::warn!(nodepool = name, %error, "creating a nodeclaim failed");
    }
    if failed {
        Next::Failed
    } else {
        Next::After(INTERVAL)
    }
}

/// Creates one claim from the template and counts on it at once.
async fn one(shared: &Shared, snapshot: &Snapshot, state: &PoolState) -> Result<(), ApiError> {
    let pool = state.name();
    let number = shared.gated.statics.created.fetch_add(1, Ordering::Relaxed);
    let seed = shared.world.seed ^ shared.now().nanos().unsigned_abs() ^ SALT;
    let taint_labels = if shared.world.options.label_nodes_from_taints {
        TaintLabels::FromTaints
    } else {
        TaintLabels::Off
    };
    let mut claim = template_claim(state, &snapshot.vocabulary, taint_labels, seed ^ number);
    claim.metadata.name = names::claim_name(pool, seed, number);
    create::complete(shared, &mut claim);
    let created = create::create(shared, &claim).await?;
    tracing::info!(
        nodepool = pool,
        nodeclaim = created.metadata.name,
        "created nodeclaim"
    );
    let labels = ["provisioned", pool, "false"];
    shared
        .world
        .metrics
        .add(&metrics::NODECLAIMS_CREATED, &labels, 1.0);
    shared.commit(Intent::ClaimCreated {
        claim: Box::new(created),
        pods: Vec::new(),
    });
    Ok(())
}
