//! Charges against limits: whole devices, shares of capacity, counters.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Something that can run out. Devices and pools are named by their number in `Fixed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// A device as a whole. There is one.
    Whole(usize),
    /// A capacity of a device, by position.
    Capacity(usize, usize),
    /// A counter of a pool, by position.
    Counter(usize, usize),
}

/// How much of what, in billionths of its unit.
pub(crate) type Charges = BTreeMap<Key, i128>;

/// Adds charges to others.
pub(crate) fn add(to: &mut Charges, charges: &Charges) {
    for (key, amount) in charges {
        *to.entry(*key).or_default() += amount;
    }
}

/// How much of a key.
pub(crate) fn of(charges: &Charges, key: Key) -> i128 {
    charges.get(&key).copied().unwrap_or(0)
}

/// What candidates hold, by instance type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    candidates: BTreeMap<Arc<str>, Held>,
    /// What all candidates hold, of each the most over its types. Of devices in the cluster only.
    total: Charges,
}

#[derive(Clone, Debug, Default)]
struct Held {
    by_type: BTreeMap<Arc<str>, Charges>,
    most: Charges,
}

impl Ledger {
    /// What of a key is taken, as seen by a candidate that becomes a type: what it holds as that
    /// type itself, and what the others hold.
    pub(crate) fn taken(&self, candidate: &str, instance_type: &str, key: Key) -> i128 {
        let total = of(&self.total, key);
        let Some(held) = self.candidates.get(candidate) else {
            return total;
        };
        let own = held.by_type.get(instance_type);
        total - of(&held.most, key) + own.map_or(0, |own| of(own, key))
    }

    /// What of a key a candidate holds as a type. Templates are nobody else's.
    pub(crate) fn own(&self, candidate: &str, instance_type: &str, key: Key) -> i128 {
        let held = self.candidates.get(candidate);
        let own = held.and_then(|held| held.by_type.get(instance_type));
        own.map_or(0, |own| of(own, key))
    }

    /// Charges a candidate.
    pub(crate) fn charge(
        &mut self,
        candidate: &Arc<str>,
        by_type: impl IntoIterator<Item = (Arc<str>, Charges)>,
        is_shared: impl Fn(Key) -> bool,
    ) {
        let held = self.candidates.entry(candidate.clone()).or_default();
        for (instance_type, charges) in by_type {
            add(held.by_type.entry(instance_type).or_default(), &charges);
        }
        self.recount(candidate, is_shared);
    }

    /// Forgets what a candidate holds as types that it will not be.
    pub(crate) fn keep(
        &mut self,
        candidate: &Arc<str>,
        keep: impl Fn(&str) -> bool,
        is_shared: impl Fn(Key) -> bool,
    ) {
        if let Some(held) = self.candidates.get_mut(candidate) {
            held.by_type.retain(|name, _| keep(name));
            self.recount(candidate, is_shared);
        }
    }

    fn recount(&mut self, candidate: &Arc<str>, is_shared: impl Fn(Key) -> bool) {
        let Some(held) = self.candidates.get_mut(candidate) else {
            return;
        };
        for (key, amount) in &held.most {
            *self.total.entry(*key).or_default() -= amount;
        }
        let mut most = Charges::new();
        for charges in held.by_type.values() {
            for (key, amount) in charges.iter().filter(|(key, _)| is_shared(**key)) {
                let most = most.entry(*key).or_default();
                *most = (*most).max(*amount);
            }
        }
        add(&mut self.total, &most);
        self.total.retain(|_, amount| *amount != 0);
        held.most = most;
    }
}
