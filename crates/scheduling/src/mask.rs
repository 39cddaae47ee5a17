//! Label keys in play and the bit masks that stand for requirements on them.
//!
//! Only keys that some pod, pool or daemon mentions exist here, and only the values that somebody
//! mentions. A set of values is a bit mask, intersection is AND, and a contradiction is an empty
//! mask. What is *not* here: what a mask means for instance types (`view`).

use std::collections::{BTreeMap, BTreeSet};

use requirements::{Key, Requirement, Requirements, Value};
use smallvec::SmallVec;

/// Index of a key in [`Keys`].
pub(crate) type KeyId = usize;

/// A set of values of one key, as bits: bit 0 is "the label is absent", bit 1 is "any other value",
/// then the listed values, then intervals of integers that nobody listed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mask(SmallVec<[u64; 2]>);

const ABSENT: usize = 0;
const OTHER: usize = 1;
const FIRST_VALUE: usize = 2;

impl Mask {
    fn empty(width: usize) -> Self {
        Self(SmallVec::from_elem(0, width.div_ceil(64)))
    }

    fn full(width: usize) -> Self {
        let mut mask = Self::empty(width);
        for bit in 0..width {
            mask.set(bit);
        }
        mask
    }

    fn set(&mut self, bit: usize) {
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    /// What both sets hold.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    /// What any of the sets holds.
    pub(crate) fn or(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a | b).collect())
    }

    /// Whether the sets have something in common.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// Whether the other set holds all that this one does.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }

    /// The only bit that is set, if there is only one.
    fn single(&self) -> Option<usize> {
        let mut found = None;
        for (word, bits) in self.0.iter().enumerate() {
            if *bits == 0 {
                continue;
            }
            if found.is_some() || bits.count_ones() > 1 {
                return None;
            }
            found = Some(word * 64 + bits.trailing_zeros() as usize);
        }
        found
    }

    /// Whether nothing is in the set.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
}

/// A key in play.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyBits {
    key: Key,
    /// Listed values, sorted; value `i` has bit `FIRST_VALUE + i`.
    values: Vec<Value>,
    /// One integer of each interval that nobody listed; their bits follow the values'.
    intervals: Vec<i64>,
}

impl KeyBits {
    fn width(&self) -> usize {
        FIRST_VALUE + self.values.len() + self.intervals.len()
    }
}

/// The keys in play. Made by [`KeysBuilder`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    keys: Vec<KeyBits>,
}

impl Keys {
    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key of an id.
    pub(crate) fn key(&self, id: KeyId) -> &Key {
        &self.keys[id].key
    }

    /// The id of a key, if anybody mentions it.
    pub(crate) fn find(&self, key: &str) -> Option<KeyId> {
        self.keys.binary_search_by(|k| (*k.key).cmp(key)).ok()
    }

    /// The set of everything, absence included.
    pub(crate) fn anything(&self, id: KeyId) -> Mask {
        Mask::full(self.keys[id].width())
    }

    /// The set that holds nothing.
    pub(crate) fn nothing(&self, id: KeyId) -> Mask {
        Mask::empty(self.keys[id].width())
    }

    /// The set that holds only absence.
    pub(crate) fn absent(&self, id: KeyId) -> Mask {
        let mut mask = self.nothing(id);
        mask.set(ABSENT);
        mask
    }

    /// How many values are listed. Each is a domain of a topology over this key.
    pub(crate) fn domains(&self, id: KeyId) -> usize {
        self.keys[id].values.len()
    }

    /// The domain of a value, if it is listed.
    pub(crate) fn domain(&self, id: KeyId, value: &str) -> Option<usize> {
        self.keys[id]
            .values
            .binary_search_by(|v| (**v).cmp(value))
            .ok()
    }

    /// The value of a domain.
    pub(crate) fn domain_value(&self, id: KeyId, domain: usize) -> &Value {
        &self.keys[id].values[domain]
    }

    /// The set that holds one domain. One beyond the last stands for absence of the label.
    pub(crate) fn domain_mask(&self, id: KeyId, domain: usize) -> Mask {
        let mut mask = self.nothing(id);
        mask.set(self.domain_bit(id, domain));
        mask
    }

    /// Whether a set holds a domain. One beyond the last stands for absence of the label.
    pub(crate) fn has_domain(&self, id: KeyId, mask: &Mask, domain: usize) -> bool {
        let bit = self.domain_bit(id, domain);
        mask.0[bit / 64] & (1 << (bit % 64)) != 0
    }

    fn domain_bit(&self, id: KeyId, domain: usize) -> usize {
        if domain < self.domains(id) {
            FIRST_VALUE + domain
        } else {
            ABSENT
        }
    }

    /// The domain that a set leaves, if it is one.
    pub(crate) fn only_domain(&self, id: KeyId, mask: &Mask) -> Option<usize> {
        let bit = mask.single()?.checked_sub(FIRST_VALUE)?;
        (bit < self.keys[id].values.len()).then_some(bit)
    }

    /// The set that holds one label value, or absence.
    pub(crate) fn label(&self, id: KeyId, value: Option<&str>) -> Mask {
        let Some(value) = value else {
            return self.absent(id);
        };
        self.mask(id, &Requirement::single(self.key(id).clone(), value))
    }

    /// The set that a requirement admits.
    pub(crate) fn mask(&self, id: KeyId, requirement: &Requirement) -> Mask {
        let bits = &self.keys[id];
        let mut mask = Mask::empty(bits.width());
        if requirement.admits_absence() {
            mask.set(ABSENT);
        }
        let bounded = requirement.gte().is_some() || requirement.lte().is_some();
        if requirement.is_complement() && !bounded {
            mask.set(OTHER);
        }
        for (index, value) in bits.values.iter().enumerate() {
            if requirement.has(value) {
                mask.set(FIRST_VALUE + index);
            }
        }
        for (index, integer) in bits.intervals.iter().enumerate() {
            if requirement.is_complement() && within(requirement, *integer) {
                mask.set(FIRST_VALUE + bits.values.len() + index);
            }
        }
        if !requirement.is_complement() {
            self.add_unlisted(id, requirement, &mut mask);
        }
        mask
    }

    /// Values that nobody else lists are "other", or the integers of an interval.
    fn add_unlisted(&self, id: KeyId, requirement: &Requirement, mask: &mut Mask) {
        let bits = &self.keys[id];
        for value in requirement.values() {
            if bits.values.binary_search(value).is_ok() {
                continue;
            }
            // Keys with intervals list every value that types and labels have, so what is left
            // here is a value of an existing node that no requirement names.
            mask.set(OTHER);
        }
    }

    /// The masks of a set of requirements, by key id. Keys that are not in play are left out.
    pub(crate) fn masks(&self, set: &Requirements) -> Vec<(KeyId, Mask)> {
        set.iter()
            .filter_map(|r| self.find(r.key()).map(|id| (id, self.mask(id, r))))
            .collect()
    }
}

fn within(requirement: &Requirement, integer: i64) -> bool {
    requirement.gte().is_none_or(|gte| gte <= integer)
        && requirement.lte().is_none_or(|lte| integer <= lte)
}

/// Collects what is mentioned.
#[derive(Debug, Default)]
pub(crate) struct KeysBuilder {
    keys: BTreeMap<Key, Mentioned>,
}

#[derive(Debug, Default)]
struct Mentioned {
    values: BTreeSet<Value>,
    /// First integers of intervals.
    cuts: BTreeSet<i64>,
}

impl KeysBuilder {
    /// Notes the keys, values and bounds of a set of requirements.
    pub(crate) fn mention(&mut self, set: &Requirements) {
        for requirement in set {
            self.mention_one(requirement);
        }
    }

    /// Notes the key, values and bounds of a requirement.
    pub(crate) fn mention_one(&mut self, requirement: &Requirement) {
        let mentioned = self.keys.entry(requirement.key().clone()).or_default();
        mentioned
            .values
            .extend(requirement.values().iter().cloned());
        mentioned.cuts.extend(requirement.gte());
        mentioned
            .cuts
            .extend(requirement.lte().and_then(|lte| lte.checked_add(1)));
    }

    /// Whether some requirement bounds the key, so that its values must all be listed.
    pub(crate) fn is_bounded(&self, key: &str) -> bool {
        self.keys.get(key).is_some_and(|k| !k.cuts.is_empty())
    }

    /// Lists a value of a key that is in play.
    pub(crate) fn list(&mut self, key: &str, value: &Value) {
        if let Some(mentioned) = self.keys.get_mut(key) {
            mentioned.values.insert(value.clone());
        }
    }

    /// The keys that are mentioned, sorted.
    pub(crate) fn mentioned(&self) -> impl Iterator<Item = &Key> {
        self.keys.keys()
    }

    /// Gives each value its bit.
    pub(crate) fn build(self) -> Keys {
        let keys = self
            .keys
            .into_iter()
            .map(|(key, mentioned)| KeyBits {
                key,
                intervals: unlisted_integers(&mentioned),
                values: mentioned.values.into_iter().collect(),
            })
            .collect();
        Keys { keys }
    }
}

/// One integer that nobody listed from each interval between cuts, where there is one.
fn unlisted_integers(mentioned: &Mentioned) -> Vec<i64> {
    if mentioned.cuts.is_empty() {
        return Vec::new();
    }
    let listed: BTreeSet<i64> = mentioned
        .values
        .iter()
        .filter_map(|value| value.parse().ok())
        .collect();
    let mut starts: Vec<i64> = vec![i64::MIN];
    starts.extend(mentioned.cuts.iter().filter(|cut| **cut > i64::MIN));
    let ends = starts[1..].iter().map(|next| next - 1);
    starts
        .iter()
        .zip(ends.chain([i64::MAX]))
        .filter_map(|(start, end)| first_unlisted(*start, end, &listed))
        .collect()
}

fn first_unlisted(start: i64, end: i64, listed: &BTreeSet<i64>) -> Option<i64> {
    let mut candidate = start;
    for taken in listed.range(start..=end) {
        if *taken != candidate {
            break;
        }
        candidate = candidate.checked_add(1)?;
    }
    (candidate <= end).then_some(candidate)
}

#[cfg(test)]
mod tests;
