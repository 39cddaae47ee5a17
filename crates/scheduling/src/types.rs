//! A pool's instance types in numbers.
//!
//! What types have of the keys in play is kept by key: the different masks, each with the set of
//! types that have it. So what requirements admit is found with a few operations on sets, not by
//! looking at one type after the other. What is *not* here: how types become numbers
//! (`index::types`), and which of them hold so much (`shelf`).

use std::cmp::Reverse;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use catalog::{CapacityType, InstanceType};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::Pricing;
use crate::intern::Interner;
use crate::mask::{KeyId, Mask};
use crate::problem::{Daemon, Masks, bits_have};
use crate::shelf::{Slot, SlotSet, positions};

/// So many orders by price are kept.
const MOST_ORDERS: usize = 256;

/// An instance type as one pool sees it.
#[derive(Debug)]
pub(crate) struct Type {
    /// The type.
    pub(crate) instance: Arc<InstanceType>,
    /// Allocatable by dimension, without any daemon.
    pub(crate) allocatable: Vec<i64>,
    /// What a node of this type takes from each limit of its pool.
    pub(crate) charge: Vec<i64>,
    /// Offerings that can be had, cheapest first.
    pub(crate) offerings: Vec<Offer>,
}

/// An offering that can be had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    /// Number of its own requirements.
    pub(crate) asks: AsksId,
    /// Billionths of a dollar an hour.
    pub(crate) price: u64,
    /// How it is paid for.
    pub(crate) capacity_type: CapacityType,
    /// Position in the type's list of offerings.
    pub(crate) index: usize,
}

/// A set of capacity types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct CapacityTypes(u8);

impl CapacityTypes {
    /// Whether it is in the set.
    pub(crate) fn has(self, capacity_type: CapacityType) -> bool {
        self.0 & (1 << capacity_type as u8) != 0
    }

    fn add(&mut self, capacity_type: CapacityType) {
        self.0 |= 1 << capacity_type as u8;
    }
}

/// Number of what an offering requires, among the types of a pool.
pub(crate) type AsksId = usize;

/// Number of a mask that types have of a key.
pub(crate) type MaskId = usize;

/// The instance types of a pool, in catalogue order.
#[derive(Debug, Default)]
pub(crate) struct Types {
    list: Vec<Type>,
    /// By key.
    columns: Vec<Column>,
    /// Masks that are in play of what offerings require.
    asks: Interner<Masks>,
    /// The capacity types in which any of them can be had.
    had_as: CapacityTypes,
    /// By key what was taken for granted where some type does not speak of it: that the pool
    /// requires something of it, or that it does not.
    required: Vec<Option<bool>>,
    /// By which offerings are admitted: types in the order of their prices.
    by_price: Mutex<FxHashMap<Offered, Arc<[Slot]>>>,
    /// What a type is taken to cost.
    pricing: Pricing,
}

/// By number of what offerings require: whether it can be met.
type Offered = SmallVec<[bool; 24]>;

/// What types have of a key.
#[derive(Debug, Default)]
struct Column {
    masks: Interner<Mask>,
    /// By mask the types that have it.
    having: Vec<SlotSet>,
}

impl Deref for Types {
    type Target = [Type];

    fn deref(&self) -> &[Type] {
        &self.list
    }
}

impl Types {
    /// None yet, with so many keys in play.
    pub(crate) fn new(keys: usize) -> Self {
        let mut types = Self::default();
        types.columns.resize_with(keys, Column::default);
        types.required.resize(keys, None);
        types
    }

    /// The same, taken to cost something else.
    pub(crate) fn priced(self, pricing: Pricing) -> Self {
        Self { pricing, ..self }
    }

    /// The number of a mask that types have of a key.
    pub(crate) fn mask(&mut self, key: KeyId, mask: Mask) -> MaskId {
        let column = &mut self.columns[key];
        let id = column.masks.intern(mask);
        column.having.resize(column.masks.len(), SlotSet::new());
        id
    }

    /// The number of what offerings require.
    pub(crate) fn asks(&mut self, asks: Masks) -> AsksId {
        self.asks.intern(asks)
    }

    /// Masks of what offerings require.
    pub(crate) fn asked(&self, asks: AsksId) -> &Masks {
        self.asks.get(asks)
    }

    /// Notes that some type does not speak of a key of which the pool requires something or not.
    pub(crate) fn assume(&mut self, key: KeyId, required: bool) {
        self.required[key] = Some(required);
    }

    /// Whether they are the same for a pool that requires something of these keys.
    pub(crate) fn hold_for(&self, is_required: impl Fn(KeyId) -> bool) -> bool {
        let mut assumed = self.required.iter().enumerate();
        assumed.all(|(key, assumed)| assumed.is_none_or(|assumed| assumed == is_required(key)))
    }

    /// Adds a type with the masks that it has, by key.
    pub(crate) fn push(&mut self, ty: Type, masks: &[MaskId]) {
        let kind = self.list.len();
        for offer in &ty.offerings {
            self.had_as.add(offer.capacity_type);
        }
        self.list.push(ty);
        for (column, mask) in self.columns.iter_mut().zip(masks) {
            let having = &mut column.having[*mask];
            having.resize(kind / 64 + 1, 0);
            having[kind / 64] |= 1 << (kind % 64);
        }
    }

    /// The types, to be changed.
    #[cfg(test)]
    pub(crate) fn list_mut(&mut self) -> &mut [Type] {
        &mut self.list
    }

    /// The types that have something of a key that the mask admits.
    pub(crate) fn meeting(&self, key: KeyId, mask: &Mask) -> SlotSet {
        let mut all = SlotSet::from_elem(0, self.list.len().div_ceil(64));
        self.columns[key].add_meeting(mask, &mut all);
        all
    }

    /// What of the types can be had by somebody who requires this, a mask for every key in play.
    pub(crate) fn under(&self, masks: &[Mask]) -> Under<'_> {
        let mut admitted = self.all();
        let mut some = admitted.clone();
        for (column, mask) in self.columns.iter().zip(masks) {
            if column.masks.all().iter().all(|own| own.meets(mask)) {
                continue;
            }
            some.fill(0);
            column.add_meeting(mask, &mut some);
            keep(&mut admitted, &some);
        }
        let asks = self.asks.all().iter();
        let asks = asks.map(|asks| asks.iter().all(|(key, own)| own.meets(&masks[*key])));
        Under {
            types: self,
            admitted,
            offered: asks.collect(),
        }
    }

    /// The types that a daemon's requirements let it run on, where these are the masks of the node.
    pub(crate) fn running(&self, daemon: &Daemon, masks: &[Mask]) -> SlotSet {
        let mut running = SlotSet::from_elem(0, self.list.len().div_ceil(64));
        for alternative in &daemon.alternatives {
            let mut these = self.all();
            for (key, mask) in alternative {
                keep(&mut these, &self.meeting(*key, &mask.and(&masks[*key])));
            }
            for (running, these) in running.iter_mut().zip(&these) {
                *running |= these;
            }
        }
        running
    }

    /// Types that have such an offering, each with what it is taken to cost, in order of price and
    /// of the catalogue.
    fn by_price(&self, offered: &Offered) -> Arc<[Slot]> {
        let mut known = self.by_price.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slots) = known.get(offered) {
            return slots.clone();
        }
        if known.len() >= MOST_ORDERS {
            known.clear();
        }
        let slot = |(kind, ty): (usize, &Type)| {
            let mut offers = ty.offerings.iter().filter(|offer| offered[offer.asks]);
            let price = match self.pricing {
                Pricing::Cheapest => offers.next()?.price,
                Pricing::Surely => surely(offers)?,
            };
            Some(Slot {
                kind: kind as u32,
                price,
            })
        };
        let all = self.list.iter().enumerate();
        let mut slots: Vec<Slot> = all.filter_map(slot).collect();
        slots.sort_unstable_by_key(|slot| (slot.price, slot.kind));
        let slots: Arc<[Slot]> = slots.into();
        known.insert(offered.clone(), slots.clone());
        slots
    }

    fn all(&self) -> SlotSet {
        let words = self.list.len().div_ceil(64);
        let mut all = SlotSet::from_elem(u64::MAX, words);
        let rest = self.list.len() % 64;
        if let Some(last) = all.last_mut().filter(|_| rest > 0) {
            *last = (1 << rest) - 1;
        }
        all
    }
}

/// The most that offerings cost of the capacity type that is tried first.
fn surely<'o>(offers: impl Iterator<Item = &'o Offer>) -> Option<u64> {
    let dearest = offers.min_by_key(|offer| (offer.capacity_type, Reverse(offer.price)));
    dearest.map(|offer| offer.price)
}

impl Column {
    fn add_meeting(&self, mask: &Mask, to: &mut SlotSet) {
        for (own, having) in self.masks.all().iter().zip(&self.having) {
            if own.meets(mask) {
                for (to, having) in to.iter_mut().zip(having) {
                    *to |= having;
                }
            }
        }
    }
}

/// What of a pool's types can be had under some requirements.
#[derive(Clone, Debug)]
pub(crate) struct Under<'t> {
    types: &'t Types,
    admitted: SlotSet,
    offered: Offered,
}

impl<'t> Under<'t> {
    /// The types that have, for every key, a value that is admitted.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = usize> + '_ {
        positions(&self.admitted)
    }

    /// Those of which an offering is admitted, each with the price of the cheapest, in order of
    /// price and of the catalogue.
    pub(crate) fn by_price(&self) -> Vec<Slot> {
        let all = self.types.by_price(&self.offered);
        let admitted = all.iter().filter(|slot| self.admits(slot.kind as usize));
        admitted.copied().collect()
    }

    /// Whether there are such types.
    pub(crate) fn any(&self) -> bool {
        self.admitted.iter().any(|word| *word != 0)
    }

    /// Whether a type has, for every key, a value that is admitted.
    pub(crate) fn admits(&self, kind: usize) -> bool {
        bits_have(&self.admitted, kind)
    }

    /// The offerings of a type that are admitted, cheapest first, whether the type is or not.
    pub(crate) fn offers(&self, kind: usize) -> impl Iterator<Item = &'t Offer> + '_ {
        let offers = self.types.list[kind].offerings.iter();
        offers.filter(|offer| self.offered[offer.asks])
    }

    /// The capacity types in which some of these types can be had.
    pub(crate) fn capacity_types(&self, kinds: impl Iterator<Item = u32>) -> CapacityTypes {
        let mut found = CapacityTypes::default();
        for kind in kinds {
            for offer in self.offers(kind as usize) {
                found.add(offer.capacity_type);
            }
            if found == self.types.had_as {
                break;
            }
        }
        found
    }

    /// The cheapest offering of a type, if both are admitted; the first of equally cheap ones.
    pub(crate) fn cheapest(&self, kind: usize) -> Option<&'t Offer> {
        self.offers(kind).next().filter(|_| self.admits(kind))
    }
}

fn keep(set: &mut SlotSet, of: &[u64]) {
    for (set, of) in set.iter_mut().zip(of) {
        *set &= of;
    }
}

#[cfg(test)]
mod tests {
    use requirements::Requirement;

    use super::*;
    use crate::testing::{instance, keys};

    fn of(size: i64) -> Type {
        Type {
            instance: instance("any"),
            allocatable: vec![size],
            charge: Vec::new(),
            offerings: Vec::new(),
        }
    }

    /// Beyond a word.
    #[test]
    fn types_are_found_by_what_they_have() {
        let names: Vec<String> = (0..100).map(|at| format!("{:02}", at % 40)).collect();
        let all = Requirement::any_of("shape", names.iter().map(String::as_str));
        let keys = keys(std::slice::from_ref(&all));
        let mut types = Types::new(keys.len());
        for (at, name) in names.iter().enumerate() {
            let mask = types.mask(0, keys.label(0, Some(name)));
            types.push(of(at as i64), &[mask]);
        }
        for wanted in [vec!["00"], vec!["07", "39"], vec!["nowhere"]] {
            let mask = keys.mask(0, &Requirement::any_of("shape", wanted.iter().copied()));
            let expected: Vec<usize> = (0..100)
                .filter(|at| wanted.contains(&names[*at].as_str()))
                .collect();
            let under = types.under(std::slice::from_ref(&mask));
            assert_eq!(under.kinds().collect::<Vec<_>>(), expected, "{wanted:?}");
            assert_eq!(under.any(), !expected.is_empty(), "{wanted:?}");
            let meeting = types.meeting(0, &mask);
            assert_eq!(positions(&meeting).collect::<Vec<_>>(), expected);
            assert!((0..100).all(|at| under.admits(at) == expected.contains(&at)));
        }
        assert_eq!(types.under(&[keys.anything(0)]).kinds().count(), 100);
    }

    #[test]
    fn of_equally_cheap_offerings_the_first_counts_that_is_admitted() {
        let keys = keys(&[Requirement::any_of("zone", ["a", "b"])]);
        let mut types = Types::new(keys.len());
        let mut ask = |zone| types.asks(vec![(0, keys.label(0, Some(zone)))]);
        let (a, b) = (ask("a"), ask("b"));
        assert_eq!(ask("a"), a, "what is required is kept once");
        let offer = |asks, price, index| Offer {
            asks,
            price,
            capacity_type: CapacityType::Spot,
            index,
        };
        let offerings = vec![offer(b, 1, 5), offer(a, 2, 6), offer(a, 2, 7)];
        let any = types.mask(0, keys.anything(0));
        types.push(Type { offerings, ..of(1) }, &[any]);
        let cheapest = |mask: Mask| types.under(&[mask]).cheapest(0).map(|offer| offer.index);
        assert_eq!(cheapest(keys.anything(0)), Some(5));
        assert_eq!(cheapest(keys.label(0, Some("a"))), Some(6));
        assert_eq!(cheapest(keys.absent(0)), None);
    }

    /// What was taken for granted of one pool must be so for another that shares its types.
    #[test]
    fn types_are_the_same_for_pools_that_require_the_same_of_what_they_do_not_speak_of() {
        let keys = keys(&[Requirement::exists("shape"), Requirement::exists("team")]);
        let mut types = Types::new(keys.len());
        types.assume(1, true);
        assert!(types.hold_for(|key| key == 1), "the same");
        assert!(types.hold_for(|_| true), "all types speak of the first");
        assert!(!types.hold_for(|_| false), "nothing of the second");
    }
}
