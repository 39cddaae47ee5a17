//! What the nodes of each pool cost: counts of what runs, by offering, and prices.
//!
//! A claim counts once it says which instance type, zone and capacity type it has become. Its
//! offering is priced when it is first seen and again whenever the provider's prices change, which
//! is asked every minute; one that the provider no longer names keeps its price.
//!
//! What is *not* here: what a change would save (`disruption`).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::NodeClaim;
use api::labels::{CAPACITY_TYPE, INSTANCE_TYPE, NODEPOOL, ZONE};
use catalog::{InstanceType, Price};
use runtime::metrics::names;

use crate::shared::{Shared, lock};

/// What runs, and what it costs an hour.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    /// What each claim counts as.
    claims: BTreeMap<String, (Arc<str>, Offer)>,
    pools: BTreeMap<Arc<str>, BTreeMap<Offer, Held>>,
}

/// Names an offering.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Offer {
    zone: Box<str>,
    capacity_type: Box<str>,
    instance_type: Box<str>,
}

#[derive(Debug, Default)]
struct Held {
    count: u32,
    /// Zero as long as it is not known.
    price: Price,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// It does not say yet what it is, or was counted before.
    Unchanged,
    /// It counts.
    Priced,
    /// It counts, and the provider names no price for it.
    Unpriced,
}

impl Costs {
    /// Whether a claim says what it is and has not been counted.
    pub(crate) fn is_news(&self, claim: &NodeClaim) -> bool {
        !self.claims.contains_key(&claim.metadata.name) && offer(claim).is_some()
    }

    /// Counts a claim, if it says what it is and has not been counted.
    pub(crate) fn add(&mut self, claim: &NodeClaim, types: &[Arc<InstanceType>]) -> Counted {
        let name = &claim.metadata.name;
        let Some((pool, offer)) = offer(claim).filter(|_| !self.claims.contains_key(name)) else {
            return Counted::Unchanged;
        };
        self.claims
            .insert(name.clone(), (pool.clone(), offer.clone()));
        let offers = self.pools.entry(pool).or_default();
        if let Some(held) = offers.get_mut(&offer) {
            held.count += 1;
            return Counted::Priced;
        }
        let price = price(types, &offer);
        let held = Held {
            count: 1,
            price: price.unwrap_or_default(),
        };
        offers.insert(offer, held);
        // Before the provider has said anything there is nothing amiss.
        if price.is_some() || types.is_empty() {
            Counted::Priced
        } else {
            Counted::Unpriced
        }
    }

    /// A claim is gone; whether it counted.
    pub(crate) fn remove(&mut self, claim: &str) -> bool {
        let Some((pool, offer)) = self.claims.remove(claim) else {
            return false;
        };
        let Some(offers) = self.pools.get_mut(&pool) else {
            return true;
        };
        if let Some(held) = offers.get_mut(&offer) {
            held.count -= 1;
            if held.count == 0 {
                offers.remove(&offer);
            }
        }
        if offers.is_empty() {
            self.pools.remove(&pool);
        }
        true
    }

    /// Takes in the prices that a pool's types have now.
    pub(crate) fn reprice(&mut self, pool: &str, types: &[Arc<InstanceType>]) {
        for (offer, held) in self.pools.get_mut(pool).into_iter().flatten() {
            held.price = price(types, offer).unwrap_or(held.price);
        }
    }

    /// What the nodes of each pool that has any cost an hour.
    pub(crate) fn totals(&self) -> impl Iterator<Item = (&str, Price)> {
        self.pools.iter().map(|(pool, offers)| {
            let each = |held: &Held| held.price.scaled(u64::from(held.count), 1);
            (&**pool, offers.values().map(each).sum())
        })
    }
}

fn offer(claim: &NodeClaim) -> Option<(Arc<str>, Offer)> {
    let label = |key: &str| {
        let value = claim.metadata.labels.get(key);
        value.filter(|value| !value.is_empty()).map(String::as_str)
    };
    let offer = Offer {
        zone: label(ZONE)?.into(),
        capacity_type: label(CAPACITY_TYPE)?.into(),
        instance_type: label(INSTANCE_TYPE)?.into(),
    };
    Some((label(NODEPOOL)?.into(), offer))
}

fn price(types: &[Arc<InstanceType>], offer: &Offer) -> Option<Price> {
    let mut types = types.iter();
    let instance_type = types.find(|ty| *ty.name == *offer.instance_type)?;
    let mut offerings = instance_type.offerings.iter();
    let found = offerings.find(|offering| {
        *offering.zone == *offer.zone && offering.capacity_type.as_str() == &*offer.capacity_type
    });
    found.map(|offering| offering.price)
}

/// A claim is new, has changed, or is gone.
pub(crate) fn note(shared: &Shared, name: &str) {
    let mut costs = lock(&shared.costs);
    let changed = match shared.claim(name) {
        None => costs.remove(name),
        Some(claim) if !costs.is_news(&claim) => false,
        Some(claim) => {
            let pool = claim.pool().unwrap_or_default();
            let types = shared.types(pool);
            let counted = costs.add(&claim, &types);
            if counted == Counted::Unpriced {
                tracing::error!(
                    nodeclaim = name,
                    nodepool = pool,
                    "the provider names no price for what runs, counting it as free"
                );
                shared
                    .world
                    .metrics
                    .add(&names::NODEPOOLS_COST_ERRORS, &[pool], 1.0);
            }
            counted != Counted::Unchanged
        }
    };
    if changed {
        show(shared, &costs);
    }
}

/// The types of a pool have changed, and with them perhaps their prices.
pub(crate) fn reprice(shared: &Shared, pool: &str, types: &[Arc<InstanceType>]) {
    let mut costs = lock(&shared.costs);
    costs.reprice(pool, types);
    show(shared, &costs);
}

fn show(shared: &Shared, costs: &Costs) {
    let totals = costs.totals();
    let series = totals.map(|(pool, price)| (vec![pool.to_owned()], price.dollars()));
    shared.world.metrics.replace(&names::NODEPOOLS_COST, series);
}

#[cfg(test)]
mod tests;
