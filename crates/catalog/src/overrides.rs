//! Offerings whose machines have something else than their type says: more of a resource, another
//! one, or less overhead.
//!
//! A type with such offerings is planned with as one type for each of the capacities that it can
//! be had with. What is *not* here: what node overlays change (`overlay`); that changes the type.

use std::borrow::Cow;
use std::sync::Arc;

use model::{ResourceList, resources};

use crate::{InstanceType, Offering, Overhead};

/// What the machines of an offering have in place of what their type says. What is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Capacity, by resource.
    pub capacity: ResourceList,
    /// The sum of all overhead, by resource.
    pub overhead: ResourceList,
}

impl Overrides {
    /// To be shared; none if nothing is changed.
    pub fn shared(self) -> Option<Arc<Self>> {
        (self != Self::default()).then(|| Arc::new(self))
    }
}

impl InstanceType {
    /// What a machine of this offering has.
    pub fn capacity_of(&self, offering: &Offering) -> Cow<'_, ResourceList> {
        let Some(overrides) = &offering.overrides else {
            return Cow::Borrowed(&self.capacity);
        };
        Cow::Owned(replaced(&self.capacity, &overrides.capacity))
    }

    /// What of a machine of this offering pods can have.
    pub fn allocatable_of(&self, offering: &Offering) -> ResourceList {
        match &offering.overrides {
            None => self.allocatable(),
            Some(overrides) => self.with(overrides, Vec::new()).allocatable(),
        }
    }

    /// Whether a machine of this offering may be launched for a claim that requests so much. Where
    /// no offering is special, whoever named the type has seen to that.
    pub fn serves(&self, offering: &Offering, requests: &ResourceList) -> bool {
        let is_special = self.offerings.iter().any(|o| o.overrides.is_some());
        !is_special || resources::fits(requests, &self.allocatable_of(offering))
    }

    /// The type with the amounts of some of its offerings, and only these offerings.
    fn with(&self, overrides: &Overrides, offerings: Vec<Offering>) -> Self {
        Self {
            capacity: replaced(&self.capacity, &overrides.capacity),
            overhead: Overhead {
                kube_reserved: replaced(&self.overhead.total(), &overrides.overhead),
                ..Overhead::default()
            },
            offerings,
            ..self.clone()
        }
    }
}

/// The types with each of the capacities that they can be had with: one that has offerings with
/// overrides stands once without these, then once for each set of overrides that can be had. Every
/// one of them has the offerings that belong to it.
pub fn by_capacity(types: &[Arc<InstanceType>]) -> impl Iterator<Item = Arc<InstanceType>> {
    types.iter().flat_map(|ty| {
        let rest = if special(ty).next().is_none() {
            ty.clone()
        } else {
            let mut rest = InstanceType::clone(ty);
            let is_special = |o: &Offering| o.available && o.overrides.is_some();
            rest.offerings.retain(|offering| !is_special(offering));
            Arc::new(rest)
        };
        std::iter::once(rest).chain(groups(ty))
    })
}

/// Offerings with overrides that can be had.
fn special(ty: &InstanceType) -> impl Iterator<Item = (&Offering, &Overrides)> {
    ty.available_offerings().filter_map(with_overrides)
}

fn with_overrides(offering: &Offering) -> Option<(&Offering, &Overrides)> {
    Some((offering, offering.overrides.as_deref()?))
}

fn groups(ty: &Arc<InstanceType>) -> Vec<Arc<InstanceType>> {
    let mut groups: Vec<(&Overrides, Vec<Offering>)> = Vec::new();
    for (offering, overrides) in special(ty) {
        match groups.iter_mut().find(|(known, _)| *known == overrides) {
            Some((_, offerings)) => offerings.push(offering.clone()),
            None => groups.push((overrides, vec![offering.clone()])),
        }
    }
    let with = |(overrides, offerings)| Arc::new(ty.with(overrides, offerings));
    groups.into_iter().map(with).collect()
}

fn replaced(amounts: &ResourceList, by: &ResourceList) -> ResourceList {
    let mut all = amounts.clone();
    all.extend(by.clone());
    all
}

#[cfg(test)]
mod tests;
