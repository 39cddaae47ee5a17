//! What loops have found out about claims and need not find out again soon.
//!
//! There is at most one entry for each claim that exists: loops that keep something here are woken
//! when a claim is gone, and then let its entry go.

use std::collections::BTreeMap;
use std::sync::Mutex;

use api::NodeClaim;

use crate::shared::lock;

/// Values by claim.
pub(crate) struct Found<V>(Mutex<BTreeMap<String, Entry<V>>>);

struct Entry<V> {
    /// The claim's uid: another claim of its name is another claim.
    uid: String,
    value: V,
}

impl<V> Default for Found<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V: Clone> Found<V> {
    /// What was kept about a claim.
    pub(crate) fn get(&self, claim: &NodeClaim) -> Option<V> {
        let held = lock(&self.0);
        let entry = held.get(&claim.metadata.name)?;
        (entry.uid == claim.metadata.uid).then(|| entry.value.clone())
    }

    /// Keeps something about a claim, in place of what was kept before.
    pub(crate) fn put(&self, claim: &NodeClaim, value: V) {
        let uid = claim.metadata.uid.clone();
        let entry = Entry { uid, value };
        lock(&self.0).insert(claim.metadata.name.clone(), entry);
    }

    /// Lets go of what was kept about the claim of this name.
    pub(crate) fn forget(&self, name: &str) {
        lock(&self.0).remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(name: &str, uid: &str) -> NodeClaim {
        let mut claim = NodeClaim::default();
        name.clone_into(&mut claim.metadata.name);
        uid.clone_into(&mut claim.metadata.uid);
        claim
    }

    #[test]
    fn what_is_kept_belongs_to_one_claim_and_goes_with_it() {
        let found = Found::default();
        found.put(&claim("a", "1"), 7);
        assert_eq!(found.get(&claim("a", "1")), Some(7));
        assert_eq!(
            found.get(&claim("a", "2")),
            None,
            "a later claim of its name"
        );
        found.put(&claim("a", "2"), 8);
        assert_eq!(found.get(&claim("a", "1")), None);
        found.forget("a");
        assert_eq!(found.get(&claim("a", "2")), None);
    }
}
