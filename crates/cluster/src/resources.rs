//! Resources as small integers: interned names and sorted vectors.
//!
//! Units are those in which the Kubernetes scheduler counts: CPU in millicores, everything else in
//! whole units (bytes, pods, devices). What is asked for is rounded up, what there is is rounded
//! down, so a sum of integers that fits also fits exactly.
//!
//! What is *not* here: exact quantities as manifests have them (`model::resources`).

use std::sync::Arc;

use model::resources::{CPU, EPHEMERAL_STORAGE, MEMORY, PODS};
use model::{Quantity, ResourceList};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// An interned resource name, valid for the [`Dimensions`] that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub u16);

impl ResourceId {
    /// `cpu`, counted in millicores.
    pub const CPU: Self = Self(0);
    /// `memory`, counted in bytes.
    pub const MEMORY: Self = Self(1);
    /// `pods`.
    pub const PODS: Self = Self(2);
    /// `ephemeral-storage`, counted in bytes.
    pub const EPHEMERAL_STORAGE: Self = Self(3);

    /// Position in a dense array of all dimensions.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The names of all resources seen so far. Ids are given in order of first sight and never change.
#[derive(Clone, Debug)]
pub struct Dimensions {
    names: Vec<Arc<str>>,
    ids: FxHashMap<Arc<str>, ResourceId>,
}

impl Default for Dimensions {
    /// The four that every node has, with the fixed ids of [`ResourceId`].
    fn default() -> Self {
        let mut dimensions = Self {
            names: Vec::new(),
            ids: FxHashMap::default(),
        };
        for name in [CPU, MEMORY, PODS, EPHEMERAL_STORAGE] {
            dimensions.intern(name);
        }
        dimensions
    }
}

impl Dimensions {
    /// The id of a name, if it has been seen.
    pub fn get(&self, name: &str) -> Option<ResourceId> {
        self.ids.get(name).copied()
    }

    /// The id of a name, given now if it is new.
    ///
    /// # Panics
    /// After 65,535 names: admission limits and common sense keep clusters far below.
    pub fn intern(&mut self, name: &str) -> ResourceId {
        if let Some(id) = self.get(name) {
            return id;
        }
        let id = ResourceId(u16::try_from(self.names.len()).expect("fewer than 65536 resources"));
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.ids.insert(name, id);
        id
    }

    /// The name of an id.
    pub fn name(&self, id: ResourceId) -> &str {
        &self.names[id.index()]
    }

    /// How many names there are; ids are below it.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Never: the four basic resources are always there.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether every name of the list has an id.
    pub fn know(&self, list: &ResourceList) -> bool {
        list.keys().all(|name| self.ids.contains_key(name.as_str()))
    }

    /// What is asked for, each amount rounded up. New names are interned.
    pub fn requests(&mut self, list: &ResourceList) -> ResourceVec {
        list.iter()
            .map(|(name, amount)| {
                let id = self.intern(name);
                (id, requested(id, *amount))
            })
            .collect()
    }

    /// What there is, each amount rounded down. New names are interned.
    pub fn capacity(&mut self, list: &ResourceList) -> ResourceVec {
        list.iter()
            .map(|(name, amount)| {
                let id = self.intern(name);
                (id, offered(id, *amount))
            })
            .collect()
    }

    /// The amount of an id in its unit as a quantity.
    pub fn quantity(&self, id: ResourceId, amount: i64) -> Quantity {
        match id {
            ResourceId::CPU => Quantity::from_millis(amount),
            ResourceId::MEMORY | ResourceId::EPHEMERAL_STORAGE => Quantity::from_bytes(amount),
            _ => Quantity::from_units(amount),
        }
    }

    /// The vector as a list for people and API objects.
    pub fn list(&self, amounts: &ResourceVec) -> ResourceList {
        amounts
            .iter()
            .map(|(id, amount)| (self.name(id).to_owned(), self.quantity(id, amount)))
            .collect()
    }
}

/// `amount` in the unit of `id`, rounded up.
pub fn requested(id: ResourceId, amount: Quantity) -> i64 {
    if id == ResourceId::CPU {
        amount.millis_ceil()
    } else {
        amount.units_ceil()
    }
}

/// `amount` in the unit of `id`, rounded down.
pub fn offered(id: ResourceId, amount: Quantity) -> i64 {
    if id == ResourceId::CPU {
        amount.millis_floor()
    } else {
        amount.units_floor()
    }
}

/// Amounts by resource, sorted by id. An id that is missing counts as zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResourceVec(SmallVec<[(ResourceId, i64); 4]>);

impl ResourceVec {
    /// The amount of a resource.
    pub fn get(&self, id: ResourceId) -> i64 {
        self.0
            .binary_search_by_key(&id, |entry| entry.0)
            .map_or(0, |at| self.0[at].1)
    }

    /// Sets an amount.
    pub fn set(&mut self, id: ResourceId, amount: i64) {
        match self.0.binary_search_by_key(&id, |entry| entry.0) {
            Ok(at) => self.0[at].1 = amount,
            Err(at) => self.0.insert(at, (id, amount)),
        }
    }

    /// Amounts in order of id.
    pub fn iter(&self) -> impl Iterator<Item = (ResourceId, i64)> + '_ {
        self.0.iter().copied()
    }

    /// Whether no resource is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every amount is zero.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|entry| entry.1 == 0)
    }

    /// Adds `other`, naming new resources where needed. Saturates.
    pub fn add(&mut self, other: &Self) {
        self.add_times(other, 1);
    }

    /// Adds `count` times `other`. Saturates.
    pub fn add_times(&mut self, other: &Self, count: i64) {
        for (id, amount) in other.iter() {
            let by = amount.saturating_mul(count);
            match self.0.binary_search_by_key(&id, |entry| entry.0) {
                Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(by),
                Err(at) => self.0.insert(at, (id, by)),
            }
        }
    }

    /// Takes `other` out, naming new (negative) resources where needed. Saturates.
    pub fn subtract(&mut self, other: &Self) {
        self.add_times(other, -1);
    }

    /// The larger of the two, resource by resource.
    pub fn max_each(&mut self, other: &Self) {
        for (id, amount) in other.iter() {
            match self.0.binary_search_by_key(&id, |entry| entry.0) {
                Ok(at) => self.0[at].1 = self.0[at].1.max(amount),
                Err(at) => self.0.insert(at, (id, amount)),
            }
        }
    }

    /// Replaces negative amounts by zero.
    pub fn floor_at_zero(&mut self) {
        for entry in &mut self.0 {
            entry.1 = entry.1.max(0);
        }
    }

    /// Whether `self` fits into `available`: nothing there is negative, and nothing is exceeded.
    pub fn fits(&self, available: &Self) -> bool {
        available.0.iter().all(|entry| entry.1 >= 0)
            && self
                .0
                .iter()
                .all(|(id, amount)| *amount <= available.get(*id))
    }
}

impl FromIterator<(ResourceId, i64)> for ResourceVec {
    fn from_iter<I: IntoIterator<Item = (ResourceId, i64)>>(amounts: I) -> Self {
        let mut list: SmallVec<[(ResourceId, i64); 4]> = amounts.into_iter().collect();
        list.sort_unstable_by_key(|entry| entry.0);
        debug_assert!(
            list.windows(2).all(|pair| pair[0].0 != pair[1].0),
            "one amount per id"
        );
        Self(list)
    }
}

#[cfg(test)]
mod tests;
