//! Asking what a provider has to do before a node may be registered.
//!
//! What is *not* here: what follows from the answers (`lifecycle::claim`).

use std::collections::BTreeMap;
use std::sync::Arc;

use ::lifecycle::claim::{HookAnswer, ask_again_in, must_ask_hooks};
use api::NodeClaim;
use futures::future::join_all;
use model::Timestamp;
use model::k8s::Node;

use crate::shared::{Shared, lock};

/// Answers that are still good, by name of the claim.
pub(crate) type Answers = BTreeMap<String, Answered>;

/// What the hooks have answered about a claim.
#[derive(Debug)]
pub(crate) struct Answered {
    uid: String,
    until: Timestamp,
    answers: Vec<HookAnswer>,
}

/// The answers of all hooks, in their order; they are asked at once. None are asked of a claim that
/// is not about to be registered, nor before they want to be asked again.
pub(super) async fn ask(
    shared: &Shared,
    claim: &NodeClaim,
    nodes: &[Arc<Node>],
) -> Vec<HookAnswer> {
    let name = &claim.metadata.name;
    if !must_ask_hooks(claim, nodes) {
        forget(shared, name);
        return Vec::new();
    }
    let (uid, now) = (claim.metadata.uid.clone(), shared.now());
    if let Some(known) = lock(&shared.hooks).get(name)
        && known.uid == uid
        && now < known.until
    {
        return known.answers.clone();
    }
    let hooks = shared.world.cloud.registration_hooks();
    let asked = hooks.iter().map(|hook| async move {
        HookAnswer {
            name: hook.name().to_owned(),
            result: hook.register(claim).await,
        }
    });
    let answers = join_all(asked).await;
    if let Some(wait) = ask_again_in(&answers) {
        let answered = Answered {
            uid,
            until: now + wait,
            answers: answers.clone(),
        };
        lock(&shared.hooks).insert(name.clone(), answered);
    }
    answers
}

/// Forgets the answers about a claim that is gone, or that nothing is asked about any more.
pub(super) fn forget(shared: &Shared, claim: &str) {
    lock(&shared.hooks).remove(claim);
}
