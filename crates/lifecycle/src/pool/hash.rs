//! What a pool's claims are made from, as a hash on pool and claims: claims with another one have
//! drifted.
//!
//! What is *not* here: the hash itself (`api`), and the condition `Drifted`.

use api::nodepool::NODEPOOL_HASH_VERSION as VERSION;
use api::{NodeClaim, NodePool};

use crate::conditions::find;
use crate::keys;

/// Whether claims of the pool may carry a hash of an older algorithm.
pub fn must_migrate(pool: &NodePool) -> bool {
    let held = pool.metadata.annotations.get(keys::NODEPOOL_HASH_VERSION);
    held.is_none_or(|version| version != VERSION)
}

/// The pool with its hash. Migrate its claims first.
#[must_use]
pub fn hashed(pool: &NodePool) -> NodePool {
    let mut changed = pool.clone();
    let annotations = &mut changed.metadata.annotations;
    annotations.insert(keys::NODEPOOL_HASH.to_owned(), pool.hash());
    annotations.insert(keys::NODEPOOL_HASH_VERSION.to_owned(), VERSION.to_owned());
    changed
}

/// A claim of the pool with the hash of today's algorithm, if it has one of another. One that has
/// drifted keeps its hash, so that it stays drifted.
pub fn migrated(claim: &NodeClaim, pool: &NodePool) -> Option<NodeClaim> {
    let held = claim.metadata.annotations.get(keys::NODEPOOL_HASH_VERSION);
    if held.is_some_and(|version| version == VERSION) {
        return None;
    }
    let mut changed = claim.clone();
    let annotations = &mut changed.metadata.annotations;
    annotations.insert(keys::NODEPOOL_HASH_VERSION.to_owned(), VERSION.to_owned());
    if find(&claim.status.conditions, "Drifted").is_none() {
        annotations.insert(keys::NODEPOOL_HASH.to_owned(), pool.hash());
    }
    Some(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conditions::Conditions;
    use crate::testing::{at, claim, pool};

    /// NP-04.
    #[test]
    fn the_template_decides_and_nothing_else() {
        let hash = |pool: &NodePool| hashed(pool).metadata.annotations[keys::NODEPOOL_HASH].clone();
        let plain = pool("p");
        let mut labelled = pool("p");
        labelled
            .spec
            .template
            .metadata
            .labels
            .insert("a".to_owned(), "b".to_owned());
        assert_ne!(hash(&plain), hash(&labelled));
        let mut budgets = pool("p");
        budgets.spec.disruption.budgets.clear();
        budgets.spec.weight = Some(7);
        assert_eq!(hash(&plain), hash(&budgets));
        assert_eq!(
            hashed(&hashed(&plain)),
            hashed(&plain),
            "nothing is written twice"
        );
        assert!(must_migrate(&plain) && !must_migrate(&hashed(&plain)));
    }

    /// NP-05.
    #[test]
    fn claims_of_an_older_algorithm_are_taken_along_unless_they_have_drifted() {
        let with = |version: &str| {
            let mut claim = claim("a");
            let annotations = &mut claim.metadata.annotations;
            annotations.insert(keys::NODEPOOL_HASH.to_owned(), "1".to_owned());
            annotations.insert(keys::NODEPOOL_HASH_VERSION.to_owned(), version.to_owned());
            claim
        };
        assert_eq!(migrated(&with(VERSION), &pool("p")), None);
        let moved = migrated(&with("v1"), &pool("p")).expect("a change");
        assert_eq!(
            moved.metadata.annotations[keys::NODEPOOL_HASH],
            pool("p").hash()
        );
        let mut drifted = with("v1");
        Conditions::of_claim(&mut drifted, at(1)).set_true("Drifted");
        let moved = migrated(&drifted, &pool("p")).expect("a change");
        assert_eq!(moved.metadata.annotations[keys::NODEPOOL_HASH], "1");
        assert_eq!(
            moved.metadata.annotations[keys::NODEPOOL_HASH_VERSION],
            VERSION
        );
    }
}
