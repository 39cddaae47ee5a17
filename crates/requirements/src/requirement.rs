//! One requirement: the set of values of one label that are acceptable.

mod items;
mod text;

use std::sync::Arc;

use smallvec::SmallVec;

use crate::{Operator, vocabulary};

/// A label key. Shared, so that a clone costs nothing.
pub type Key = Arc<str>;
/// A label value. Shared, so that a clone costs nothing.
pub type Value = Arc<str>;

/// Which values of one label are acceptable, and whether its absence is.
///
/// The admitted set is either a list of values, or everything but a list of values and, if there
/// are bounds, only the integers within them. Deprecated spellings of the key
/// (`beta.kubernetes.io/arch`) are replaced when it is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirement {
    key: Key,
    /// Whether `values` are those excluded rather than those admitted.
    complement: bool,
    /// Sorted, without repetition.
    values: SmallVec<[Value; 1]>,
    /// Inclusive bounds; only with `complement`.
    gte: Option<i64>,
    lte: Option<i64>,
    /// Whether a node without the label is acceptable.
    absent: bool,
    min_values: Option<u32>,
}

impl Requirement {
    /// A requirement from its operator and operands.
    ///
    /// It cannot fail: a numeric operator whose operand is missing or no integer, `In` without
    /// operands, `Gt` the largest and `Lt` the smallest integer all admit nothing. Say so to the
    /// user beforehand with [`crate::Vocabulary::validate`].
    pub fn new<V: Into<Value>>(
        key: impl Into<Key>,
        operator: Operator,
        values: impl IntoIterator<Item = V>,
        min_values: Option<u32>,
    ) -> Self {
        let key = vocabulary::normalized(key.into());
        let values: SmallVec<[Value; 1]> = values.into_iter().map(Into::into).collect();
        let operand = || values.first().and_then(|value| integer(value));
        let mut requirement = match operator {
            Operator::In => Self {
                values,
                ..Self::nothing(key)
            },
            Operator::NotIn => Self {
                complement: true,
                values,
                absent: true,
                ..Self::nothing(key)
            },
            Operator::Exists => Self::within(key, None, None),
            Operator::DoesNotExist => Self {
                absent: true,
                ..Self::nothing(key)
            },
            Operator::Gt => Self::at_least(key, operand().and_then(|n| n.checked_add(1))),
            Operator::Gte => Self::at_least(key, operand()),
            Operator::Lt => Self::at_most(key, operand().and_then(|n| n.checked_sub(1))),
            Operator::Lte => Self::at_most(key, operand()),
        };
        requirement.values.sort_unstable();
        requirement.values.dedup();
        requirement.min_values = min_values;
        requirement
    }

    /// `key In [value]`: what a node's label says.
    pub fn single(key: impl Into<Key>, value: impl Into<Value>) -> Self {
        Self::new(key, Operator::In, [value], None)
    }

    /// `key In [values...]`.
    pub fn any_of<V: Into<Value>>(
        key: impl Into<Key>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self::new(key, Operator::In, values, None)
    }

    /// `key Exists`.
    pub fn exists(key: impl Into<Key>) -> Self {
        Self::new(key, Operator::Exists, NO_VALUES, None)
    }

    /// `key DoesNotExist`.
    pub fn does_not_exist(key: impl Into<Key>) -> Self {
        Self::new(key, Operator::DoesNotExist, NO_VALUES, None)
    }

    fn nothing(key: Key) -> Self {
        Self {
            key,
            complement: false,
            values: SmallVec::new(),
            gte: None,
            lte: None,
            absent: false,
            min_values: None,
        }
    }

    fn within(key: Key, gte: Option<i64>, lte: Option<i64>) -> Self {
        Self {
            complement: true,
            gte,
            lte,
            ..Self::nothing(key)
        }
    }

    fn at_least(key: Key, bound: Option<i64>) -> Self {
        if bound.is_some() {
            Self::within(key, bound, None)
        } else {
            Self::nothing(key)
        }
    }

    fn at_most(key: Key, bound: Option<i64>) -> Self {
        if bound.is_some() {
            Self::within(key, None, bound)
        } else {
            Self::nothing(key)
        }
    }

    /// The same requirement with other copies of its texts.
    pub(crate) fn with_texts(&self, copy: &mut impl FnMut(&str) -> Arc<str>) -> Self {
        Self {
            key: copy(&self.key),
            values: self.values.iter().map(|value| copy(value)).collect(),
            ..*self
        }
    }

    /// The label key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The operator that describes the admitted set best: `In` or `DoesNotExist` for a list of
    /// values, `NotIn` or `Exists` for the rest. Bounds have no influence. `In` without values:
    /// nothing.
    pub fn operator(&self) -> Operator {
        match (self.complement, self.values.is_empty()) {
            (false, true) if self.absent => Operator::DoesNotExist,
            (false, _) => Operator::In,
            (true, true) if !self.absent => Operator::Exists,
            (true, _) => Operator::NotIn,
        }
    }

    /// The values admitted (`In`) or excluded (`NotIn`), sorted.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Whether [`Requirement::values`] are those excluded.
    pub fn is_complement(&self) -> bool {
        self.complement
    }

    /// The smallest integer admitted, if bounded.
    pub fn gte(&self) -> Option<i64> {
        self.gte
    }

    /// The largest integer admitted, if bounded.
    pub fn lte(&self) -> Option<i64> {
        self.lte
    }

    /// How many different values the chosen instance types must offer.
    pub fn min_values(&self) -> Option<u32> {
        self.min_values
    }

    /// Sets how many different values the chosen instance types must offer.
    pub fn set_min_values(&mut self, min_values: Option<u32>) {
        self.min_values = min_values;
    }

    /// Whether a node without the label is acceptable: `NotIn`, `DoesNotExist`.
    pub fn admits_absence(&self) -> bool {
        self.absent
    }

    /// Whether some value is acceptable.
    pub fn admits_some_value(&self) -> bool {
        self.complement || !self.values.is_empty()
    }

    /// Whether neither any value nor absence is acceptable.
    pub fn is_impossible(&self) -> bool {
        !self.absent && !self.admits_some_value()
    }

    /// Whether the label may have this value.
    pub fn has(&self, value: &str) -> bool {
        let listed = self
            .values
            .binary_search_by(|probe| (**probe).cmp(value))
            .is_ok();
        listed != self.complement && self.within_bounds(value)
    }

    /// Whether a node with this label value (`None`: without the label) is acceptable.
    pub fn admits(&self, value: Option<&str>) -> bool {
        value.map_or(self.absent, |value| self.has(value))
    }

    /// The value, if exactly one is acceptable and absence is not.
    pub fn single_value(&self) -> Option<&Value> {
        match self.values.as_slice() {
            [value] if !self.complement && !self.absent => Some(value),
            _ => None,
        }
    }

    /// Some acceptable value for a label that is to be made up: the first of a list, or else an
    /// integer within the bounds that is not excluded, chosen by `seed`.
    pub fn pick(&self, seed: u64) -> Option<Value> {
        if !self.complement {
            return self.values.first().cloned();
        }
        let low = self.gte.unwrap_or(0);
        let high = self.lte.unwrap_or(i64::MAX);
        let span = (i128::from(high) - i128::from(low) + 1).max(1);
        let start = i128::from(seed) % span;
        // One more try than there are exclusions always finds an integer, if there is one.
        (0..=self.values.len() as i128)
            .map(|step| (i128::from(low) + (start + step) % span).to_string())
            .find(|candidate| self.has(candidate))
            .map(Into::into)
    }

    /// The requirement that admits what both admit. The larger `minValues` stays.
    ///
    /// Both are about the same key; the key of `self` is kept.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let mut both = Self {
            complement: self.complement && other.complement,
            absent: self.absent && other.absent,
            min_values: self.min_values.max(other.min_values),
            ..Self::nothing(self.key.clone())
        };
        let bounds = Bounds::of(self).and(Bounds::of(other));
        if bounds.cross() {
            both.complement = false;
            return both;
        }
        both.values = match (self.complement, other.complement) {
            (true, true) => union(&self.values, &other.values),
            (false, _) => self
                .values
                .iter()
                .filter(|value| other.has(value))
                .cloned()
                .collect(),
            (true, false) => other
                .values
                .iter()
                .filter(|value| self.has(value))
                .cloned()
                .collect(),
        };
        if both.complement {
            // Exclusions outside of the bounds say nothing new.
            both.values.retain(|value| bounds.contain(value));
            both.gte = bounds.gte;
            both.lte = bounds.lte;
        }
        both
    }

    /// Whether the intersection admits anything; the same answer without building it.
    pub fn intersects(&self, other: &Self) -> bool {
        if self.absent && other.absent {
            return true;
        }
        match (self.complement, other.complement) {
            (true, true) => !Bounds::of(self).and(Bounds::of(other)).cross(),
            (false, _) => self.values.iter().any(|value| other.has(value)),
            (true, false) => other.values.iter().any(|value| self.has(value)),
        }
    }

    fn within_bounds(&self, value: &str) -> bool {
        Bounds::of(self).contain(value)
    }
}

/// The empty list of operands, with a type.
const NO_VALUES: [Value; 0] = [];

/// The integer that a label value spells, for bounds.
fn integer(value: &str) -> Option<i64> {
    value.parse().ok()
}

fn union(left: &[Value], right: &[Value]) -> SmallVec<[Value; 1]> {
    let mut all: SmallVec<[Value; 1]> = left.iter().chain(right).cloned().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Inclusive bounds, each optional.
#[derive(Clone, Copy)]
struct Bounds {
    gte: Option<i64>,
    lte: Option<i64>,
}

impl Bounds {
    fn of(requirement: &Requirement) -> Self {
        Self {
            gte: requirement.gte,
            lte: requirement.lte,
        }
    }

    fn and(self, other: Self) -> Self {
        let lte = match (self.lte, other.lte) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self {
            gte: self.gte.max(other.gte),
            lte,
        }
    }

    fn cross(self) -> bool {
        matches!((self.gte, self.lte), (Some(gte), Some(lte)) if gte > lte)
    }

    /// Without bounds everything is within; else only integers are.
    fn contain(self, value: &str) -> bool {
        if self.gte.is_none() && self.lte.is_none() {
            return true;
        }
        integer(value).is_some_and(|n| {
            self.gte.is_none_or(|gte| gte <= n) && self.lte.is_none_or(|lte| n <= lte)
        })
    }
}

#[cfg(test)]
mod tests;
