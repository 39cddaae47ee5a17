//! Which claims this run creates, and whether there are others of which it is not known what they
//! are for.
//!
//! What is *not* here: creating them (`create`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cluster::Snapshot;
use lifecycle::conditions::find;
use model::Timestamp;

use crate::shared::{Shared, lock};

/// How long a claim of an earlier run is waited for: a launch that hangs must not hold up
/// everybody.
const PATIENCE: Duration = Duration::from_mins(1);

/// The claims that this run creates.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// How many names have been given.
    named: u64,
    /// Claims that are announced and not created yet.
    announced: BTreeSet<String>,
    /// Claims that were created and that have no machine yet, as far as is known.
    unlaunched: BTreeSet<String>,
    /// Claims of which it is not known what they are for, and since when they are waited for.
    awaited: BTreeMap<String, Timestamp>,
}

impl Claims {
    /// The number of the next name.
    pub(super) fn next(&mut self) -> u64 {
        self.named += 1;
        self.named
    }

    /// A claim is about to be created.
    pub(super) fn announce(&mut self, name: &str) {
        self.announced.insert(name.to_owned());
    }

    /// A claim is not created after all.
    pub(super) fn withdraw(&mut self, name: &str) {
        self.announced.remove(name);
    }

    /// A claim was created.
    pub(super) fn created(&mut self, name: &str) {
        self.announced.remove(name);
        self.unlaunched.insert(name.to_owned());
    }

    /// Forgets those that have a machine or are gone.
    pub(super) fn keep(&mut self, unlaunched: &[Arc<str>]) {
        self.unlaunched
            .retain(|name| unlaunched.iter().any(|claim| **claim == **name));
    }

    fn has(&self, name: &str) -> bool {
        self.announced.contains(name) || self.unlaunched.contains(name)
    }
}

/// A claim that an earlier run has created and that is still to be launched: which pods it is for
/// is not known, so another one might be made for them. One whose launch has failed is not waited
/// for, and none for ever.
pub(crate) fn unknown(shared: &Shared, snapshot: &Snapshot) -> Option<String> {
    let mut claims = lock(&shared.claims);
    let unknown = snapshot
        .unlaunched
        .iter()
        .filter(|claim| !claims.has(claim));
    let fresh = unknown.filter(|name| {
        shared.claim(name).is_some_and(|claim| {
            let launched = find(&claim.status.conditions, "Launched");
            let untried = launched.is_none_or(|held| held.reason == "AwaitingReconciliation");
            // Those of pools of fixed size are for no pods in particular.
            let fixed = claim.pool().and_then(|pool| shared.pool(pool));
            let fixed = fixed.is_some_and(|pool| pool.spec.replicas.is_some());
            untried && !fixed && !claim.metadata.is_deleting()
        })
    });
    let now = shared.now();
    let since = |name: &Arc<str>| claims.awaited.get(&**name).copied().unwrap_or(now);
    let awaited = fresh.map(|name| (name.to_string(), since(name))).collect();
    claims.awaited = awaited;
    let mut waiting = claims.awaited.iter();
    let found = waiting.find(|(_, since)| now.since(**since) < PATIENCE);
    found.map(|(name, _)| name.clone())
}
