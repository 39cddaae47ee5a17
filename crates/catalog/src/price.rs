//! Prices as exact numbers.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use serde::{Serialize, Serializer};

/// Dollars per hour in billionths: exact sums, a total order, no rounding surprises.
///
/// (In China regions the currency is the yuan.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Price(u64);

impl Price {
    /// Free.
    pub const ZERO: Self = Self(0);
    /// Dearer than anything.
    pub const MAX: Self = Self(u64::MAX);

    /// Billionths of a dollar per hour.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Dollars per hour, rounded to billionths; what is negative or no number is zero.
    pub fn from_dollars(dollars: f64) -> Self {
        Self((dollars * 1e9).round() as u64)
    }

    /// Billionths of a dollar per hour.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Dollars per hour, for output and scores.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The price taken `numerator / denominator` times, rounded to the nearest billionth. A
    /// denominator of zero counts as one.
    #[must_use]
    pub fn scaled(self, numerator: u64, denominator: u64) -> Self {
        let denominator = u128::from(denominator.max(1));
        let product = u128::from(self.0) * u128::from(numerator) + denominator / 2;
        Self(u64::try_from(product / denominator).unwrap_or(u64::MAX))
    }

    /// The difference, zero if `other` is more.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Price {
    /// Dollars with four digits, or with the digits asked for: `{:.2}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(4);
        let text = format!("{:.digits$}", self.dollars());
        f.pad_integral(true, "", &text)
    }
}

impl Serialize for Price {
    /// A number of dollars.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.dollars())
    }
}

impl Add for Price {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Price {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Price {
    type Output = i64;

    /// The signed difference in billionths of a dollar, saturating.
    fn sub(self, other: Self) -> i64 {
        let difference = i128::from(self.0) - i128::from(other.0);
        difference.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}

impl Sum for Price {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests;
