//! Instance types put in numbers.
//!
//! Types of a catalogue resemble each other: most speak of the same labels as the one before, often
//! with the same values, and their offerings require the same few things. What was found for one is
//! tried for the next before anything is looked up. What is *not* here: what the numbers are asked
//! (`types`).

use std::sync::Arc;

use catalog::{InstanceType, Offering};
use cluster::Snapshot;
use requirements::{Requirement, Requirements};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::amounts::Amounts;
use super::pools::{Limited, Reservation, Template};
use crate::mask::{KeyId, Keys};
use crate::types::{AsksId, MaskId, Offer, Type, Types};

/// How many ways to speak of labels are kept in mind.
const MOST_LAYOUTS: usize = 16;

/// A pool's types in numbers; with a reservation those of which it has instances. `limited` are the
/// resources that the pool limits.
pub(super) fn types(
    template: &Template<'_>,
    reservation: Option<&Reservation>,
    snapshot: &Snapshot,
    (keys, amounts): (&Keys, &Amounts),
    limited: &[Limited],
) -> Types {
    let mut writer = Writer {
        reservation,
        snapshot,
        keys,
        amounts,
        limited,
        types: Types::new(keys.len()),
        asks: FxHashMap::default(),
        required: (0..keys.len())
            .map(|id| template.requirements.contains(keys.key(id)))
            .collect(),
        unspoken: vec![[None; 2]; keys.len()],
        layouts: Vec::new(),
        last: vec![None; keys.len()],
    };
    for ty in template.types.iter() {
        writer.add(ty);
    }
    writer.types
}

struct Writer<'a> {
    reservation: Option<&'a Reservation>,
    snapshot: &'a Snapshot,
    keys: &'a Keys,
    amounts: &'a Amounts,
    limited: &'a [Limited],
    types: Types,
    /// What offerings require, by address.
    asks: FxHashMap<*const Requirements, AsksId>,
    /// By key: whether the pool requires something of it.
    required: Vec<bool>,
    /// By key the masks of types that do not speak of it: absence, and anything.
    unspoken: Vec<[Option<MaskId>; 2]>,
    /// Of earlier types, the last one first.
    layouts: Vec<Layout<'a>>,
    /// By key what the last type says of it.
    last: Vec<Option<(&'a Requirement, MaskId)>>,
}

/// Which labels a type speaks of.
struct Layout<'a> {
    of: &'a Requirements,
    /// By key the position in the type's list of requirements.
    at: Vec<Option<usize>>,
}

impl<'a> Layout<'a> {
    fn new(of: &'a Requirements, keys: &Keys) -> Self {
        let at = (0..keys.len()).map(|id| of.position(keys.key(id)));
        Self {
            of,
            at: at.collect(),
        }
    }

    /// Whether another type speaks of the same labels, as far as that can be seen without reading.
    fn is(&self, other: &Requirements) -> bool {
        self.of.len() == other.len()
            && self
                .of
                .keys()
                .zip(other.keys())
                .all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

impl<'a> Writer<'a> {
    fn add(&mut self, instance: &'a Arc<InstanceType>) {
        let asks: SmallVec<[AsksId; 24]> = instance
            .offerings
            .iter()
            .map(|offering| self.asks(offering))
            .collect();
        let offerings = self.offers(instance, &asks);
        if self.reservation.is_some() && offerings.is_empty() {
            return;
        }
        let masks = self.masks(instance, &asks);
        let charge = self
            .limited
            .iter()
            .map(|limit| limit.charge(&instance.capacity));
        let ty = Type {
            instance: instance.clone(),
            allocatable: self.amounts.offered(&self.snapshot.dimensions, instance),
            charge: charge.collect(),
            offerings,
        };
        self.types.push(ty, &masks);
    }

    fn asks(&mut self, offering: &Offering) -> AsksId {
        let (types, keys) = (&mut self.types, self.keys);
        *self
            .asks
            .entry(Arc::as_ptr(&offering.requirements))
            .or_insert_with(|| types.asks(keys.masks(&offering.requirements)))
    }

    /// Offerings that can be had, cheapest first, then by zone: those of the reservation, or those
    /// of none.
    fn offers(&self, ty: &InstanceType, asks: &[AsksId]) -> Vec<Offer> {
        let all = ty.offerings.iter().zip(asks).enumerate();
        let mut offers: Vec<Offer> = all
            .filter(|(_, (offering, _))| {
                offering.available && Reservation::of(ty, offering).as_ref() == self.reservation
            })
            .map(|(index, (offering, asks))| Offer {
                asks: *asks,
                price: offering.price.nanos(),
                capacity_type: offering.capacity_type,
                index,
            })
            .collect();
        let zone = |offer: &Offer| &ty.offerings[offer.index].zone;
        offers.sort_by(|a, b| a.price.cmp(&b.price).then_with(|| zone(a).cmp(zone(b))));
        offers
    }

    /// The masks that a type has, by key.
    fn masks(&mut self, ty: &'a InstanceType, asks: &[AsksId]) -> Vec<MaskId> {
        self.lay_out(&ty.requirements);
        let ids = 0..self.keys.len();
        ids.map(|id| self.mask(id, &ty.requirements, asks))
            .collect()
    }

    fn mask(&mut self, id: KeyId, of: &'a Requirements, asks: &[AsksId]) -> MaskId {
        let Some(at) = self.layouts[0].at[id] else {
            self.types.assume(id, self.required[id]);
            let mentioned = |asks: &AsksId| self.types.asked(*asks).iter().any(|(of, _)| *of == id);
            let anything = self.required[id] || asks.iter().any(mentioned);
            let unspoken = &mut self.unspoken[id][usize::from(anything)];
            return *unspoken.get_or_insert_with(|| {
                let mask = if anything {
                    self.keys.anything(id)
                } else {
                    self.keys.absent(id)
                };
                self.types.mask(id, mask)
            });
        };
        let requirement = &of.as_slice()[at];
        match self.last[id] {
            Some((last, mask)) if last == requirement => mask,
            _ => {
                let mask = self.types.mask(id, self.keys.mask(id, requirement));
                self.last[id] = Some((requirement, mask));
                mask
            }
        }
    }

    /// Makes the first layout the one of a type.
    fn lay_out(&mut self, of: &'a Requirements) {
        if let Some(at) = self.layouts.iter().position(|layout| layout.is(of)) {
            self.layouts[..=at].rotate_right(1);
        } else {
            self.layouts.insert(0, Layout::new(of, self.keys));
            self.layouts.truncate(MOST_LAYOUTS);
        }
    }
}
