//! A conjunction of requirements, one per key.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use api::NodeRequirement;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::incompatible::typo_hint;
use crate::{Conflict, Incompatible, Key, Requirement, Vocabulary};

/// Which labels may be asked for although the other side does not mention them.
#[derive(Debug, Clone, Copy)]
pub enum AllowUndefined<'a> {
    /// None: the other side is a real node, which has all the labels it will ever have.
    Nothing,
    /// Well-known ones: the other side is a plan, and a provider will set them.
    WellKnown(&'a Vocabulary),
}

impl AllowUndefined<'_> {
    fn allows(self, key: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::WellKnown(vocabulary) => vocabulary.is_well_known(key),
        }
    }
}

/// Requirements by key. Adding a second one for a key leaves the intersection of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirements {
    /// Sorted by key.
    list: Vec<Requirement>,
}

impl Requirements {
    /// No requirement: everything goes.
    pub const fn new() -> Self {
        Self { list: Vec::new() }
    }

    /// One `In` requirement per label, as a node's labels are seen.
    pub fn from_labels(labels: &BTreeMap<String, String>) -> Self {
        labels
            .iter()
            .map(|(key, value)| Requirement::single(key.as_str(), value.as_str()))
            .collect()
    }

    /// The entries of an API object.
    pub fn from_items<'a>(items: impl IntoIterator<Item = &'a NodeRequirement>) -> Self {
        items.into_iter().map(Requirement::from).collect()
    }

    /// Entries for an API object, by key. Nothing is lost.
    pub fn to_items(&self) -> Vec<NodeRequirement> {
        self.list.iter().flat_map(Requirement::to_items).collect()
    }

    /// Adds a requirement, intersecting it with one that is there for the same key.
    pub fn add(&mut self, requirement: Requirement) {
        match self.find(requirement.key()) {
            Ok(index) => self.list[index] = self.list[index].intersect(&requirement),
            Err(index) => self.list.insert(index, requirement),
        }
    }

    /// Replaces what is there for the key.
    pub fn set(&mut self, requirement: Requirement) {
        match self.find(requirement.key()) {
            Ok(index) => self.list[index] = requirement,
            Err(index) => self.list.insert(index, requirement),
        }
    }

    /// Takes the requirement for a key out.
    pub fn remove(&mut self, key: &str) -> Option<Requirement> {
        self.find(key).ok().map(|index| self.list.remove(index))
    }

    /// The requirements, by key.
    pub fn as_slice(&self) -> &[Requirement] {
        &self.list
    }

    /// The same requirements with other copies of their texts: `copy` gives one that is equal.
    #[must_use]
    pub fn with_texts(&self, mut copy: impl FnMut(&str) -> Arc<str>) -> Self {
        let list = self.list.iter();
        Self {
            list: list.map(|one| one.with_texts(&mut copy)).collect(),
        }
    }

    /// The position of the requirement for a key.
    pub fn position(&self, key: &str) -> Option<usize> {
        self.find(key).ok()
    }

    /// The requirement for a key.
    pub fn get(&self, key: &str) -> Option<&Requirement> {
        self.find(key).ok().map(|index| &self.list[index])
    }

    /// The same for one set after the other that may have the key at the same place: `hint` is
    /// where it was found last.
    pub fn get_near(&self, key: &str, hint: &mut usize) -> Option<&Requirement> {
        match self.list.get(*hint) {
            Some(requirement) if **requirement.key() == *key => Some(requirement),
            _ => {
                *hint = self.position(key)?;
                Some(&self.list[*hint])
            }
        }
    }

    /// Whether there is a requirement for the key.
    pub fn contains(&self, key: &str) -> bool {
        self.find(key).is_ok()
    }

    /// The requirements, by key.
    pub fn iter(&self) -> std::slice::Iter<'_, Requirement> {
        self.list.iter()
    }

    /// The keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.list.iter().map(Requirement::key)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no requirement.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The first requirement that nothing can satisfy.
    pub fn impossible(&self) -> Option<&Requirement> {
        self.list
            .iter()
            .find(|requirement| requirement.is_impossible())
    }

    /// Whether any requirement has `minValues`.
    pub fn has_min_values(&self) -> bool {
        self.list
            .iter()
            .any(|requirement| requirement.min_values().is_some())
    }

    /// Everything that both demand.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for requirement in &other.list {
            both.add(requirement.clone());
        }
        both
    }

    /// Whether both can be met at once: no requirement is impossible, and those on a common key
    /// have values in common. Keys that only one side names are no obstacle.
    pub fn intersects(&self, incoming: &Self) -> Result<(), Incompatible> {
        if let Some(requirement) = self.impossible().or_else(|| incoming.impossible()) {
            return Err(Incompatible::Impossible(requirement.clone()));
        }
        let conflicts: Vec<Conflict> = self
            .shared(incoming)
            .filter(|(existing, incoming)| !existing.intersects(incoming))
            .map(|(existing, incoming)| Conflict {
                incoming: incoming.clone(),
                existing: existing.clone(),
            })
            .collect();
        if conflicts.is_empty() {
            Ok(())
        } else {
            Err(Incompatible::Conflicts(conflicts))
        }
    }

    /// [`Requirements::intersects`] without the reason.
    pub fn overlaps(&self, incoming: &Self) -> bool {
        self.impossible().is_none()
            && incoming.impossible().is_none()
            && self
                .shared(incoming)
                .all(|(existing, incoming)| existing.intersects(incoming))
    }

    /// Whether what `incoming` asks for can be had here. As [`Requirements::intersects`], and a
    /// label that `incoming` wants but `self` does not mention must be one that is allowed to be
    /// undefined.
    pub fn compatible(
        &self,
        incoming: &Self,
        allow_undefined: &AllowUndefined<'_>,
    ) -> Result<(), Incompatible> {
        match self.undefined(incoming, *allow_undefined) {
            Some(requirement) => Err(Incompatible::Undefined {
                key: requirement.key().clone(),
                meant: self.hint(requirement.key(), *allow_undefined),
            }),
            None => self.intersects(incoming),
        }
    }

    /// [`Requirements::compatible`] without the reason.
    pub fn is_compatible(&self, incoming: &Self, allow_undefined: &AllowUndefined<'_>) -> bool {
        self.undefined(incoming, *allow_undefined).is_none() && self.overlaps(incoming)
    }

    /// Whether a node with these labels, and no others, meets all requirements.
    pub fn admit_labels(&self, labels: &BTreeMap<String, String>) -> bool {
        self.list.iter().all(|requirement| {
            requirement.admits(labels.get(&**requirement.key()).map(String::as_str))
        })
    }

    /// The labels that follow from the requirements alone: those with one possible value.
    pub fn single_values(&self) -> BTreeMap<String, String> {
        self.list
            .iter()
            .filter_map(|r| Some((r.key().to_string(), r.single_value()?.to_string())))
            .collect()
    }

    /// Labels for a node claim: a value for every custom key that must be there or that the pool
    /// speaks of, made up by `seed` where the requirement leaves it open. Well-known labels are the
    /// provider's to set.
    pub fn labels(
        &self,
        pool: &Self,
        vocabulary: &Vocabulary,
        seed: u64,
    ) -> BTreeMap<String, String> {
        self.list
            .iter()
            .filter(|r| !r.admits_absence() || pool.contains(r.key()))
            .filter(|r| vocabulary.is_custom(r.key()))
            .filter_map(|r| Some((r.key().to_string(), r.pick(seed)?.to_string())))
            .collect()
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.list
            .binary_search_by(|requirement| (**requirement.key()).cmp(key))
    }

    fn undefined<'a>(
        &self,
        incoming: &'a Self,
        allow_undefined: AllowUndefined<'_>,
    ) -> Option<&'a Requirement> {
        incoming.list.iter().find(|requirement| {
            !requirement.admits_absence()
                && !self.contains(requirement.key())
                && !allow_undefined.allows(requirement.key())
        })
    }

    fn hint(&self, key: &str, allow_undefined: AllowUndefined<'_>) -> Option<Key> {
        let well_known = match allow_undefined {
            AllowUndefined::Nothing => None,
            AllowUndefined::WellKnown(vocabulary) => typo_hint(key, vocabulary.well_known_labels()),
        };
        well_known.or_else(|| typo_hint(key, self.keys()))
    }

    /// Pairs of requirements on common keys. Looks the smaller set up in the larger.
    fn shared<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (&'a Requirement, &'a Requirement)> {
        let swap = other.len() > self.len();
        let (small, large) = if swap { (self, other) } else { (other, self) };
        small.list.iter().filter_map(move |one| {
            let two = large.get(one.key())?;
            Some(if swap { (one, two) } else { (two, one) })
        })
    }
}

impl FromIterator<Requirement> for Requirements {
    /// Sorts once, which is cheaper than adding one by one.
    fn from_iter<I: IntoIterator<Item = Requirement>>(iter: I) -> Self {
        let mut list: Vec<Requirement> = iter.into_iter().collect();
        list.sort_by(|a, b| a.key().cmp(b.key()));
        list.dedup_by(|later, kept| {
            let same = later.key() == kept.key();
            if same {
                *kept = kept.intersect(later);
            }
            same
        });
        Self { list }
    }
}

impl Extend<Requirement> for Requirements {
    fn extend<I: IntoIterator<Item = Requirement>>(&mut self, iter: I) {
        for requirement in iter {
            self.add(requirement);
        }
    }
}

impl<'a> IntoIterator for &'a Requirements {
    type Item = &'a Requirement;
    type IntoIter = std::slice::Iter<'a, Requirement>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Requirements {
    /// As the list of entries of an API object.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_items().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Requirements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_items(&Vec::<NodeRequirement>::deserialize(
            deserializer,
        )?))
    }
}

impl fmt::Display for Requirements {
    /// The requirements' texts, sorted, except that on the host name, which is internal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut texts: Vec<String> = self
            .list
            .iter()
            .filter(|requirement| !crate::vocabulary::is_internal(requirement.key()))
            .map(ToString::to_string)
            .collect();
        texts.sort_unstable();
        f.write_str(&texts.join(", "))
    }
}

#[cfg(test)]
mod tests;
