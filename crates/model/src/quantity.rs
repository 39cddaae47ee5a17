//! Exact Kubernetes quantities: `100m`, `1.5Gi`, `12E`, `1e3`.
//!
//! A [`Quantity`] is a count of nano-units in an `i128` and the notation it was written in. All
//! arithmetic is exact; nothing here goes through a float.
//!
//! Limits, which differ a little from Kubernetes': magnitudes above [`Quantity::MAX`] (10^29 units)
//! saturate, in parsing and in arithmetic. Kubernetes caps some notations (not others) at 2^63-1,
//! so nothing valid there is lost here. Digits below one nano-unit round away from zero, as there:
//! whoever asks for a little gets a little.
//!
//! What is *not* here: resource maps (`resources`) and the integer vectors of the solver.

mod format;
mod parse;
mod serde_impl;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

pub use parse::ParseQuantityError;

/// Nano-units in one unit.
const NANOS_PER_UNIT: i128 = 1_000_000_000;
/// Nano-units in one milli-unit.
const NANOS_PER_MILLI: i128 = 1_000_000;

/// The notation a quantity is written in. It has no influence on its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// Powers of 1000 by suffix: `n u m k M G T P E`.
    #[default]
    Decimal,
    /// Powers of 1024 by suffix: `Ki Mi Gi Ti Pi Ei`.
    Binary,
    /// Powers of ten by exponent: `12e6`.
    Exponent,
}

/// An exact amount of a resource: CPU cores, bytes, pods, devices.
///
/// Equality, order and hash go by value: `1` and `1000m` are equal. `Display` and serialisation
/// give the canonical form: no fraction, the largest suffix that loses nothing (`1.5Gi` is
/// `1536Mi`).
///
/// ```
/// use model::Quantity;
/// let memory: Quantity = "1.5Gi".parse().unwrap();
/// assert_eq!(memory.units_ceil(), 1_610_612_736);
/// assert_eq!(memory.to_string(), "1536Mi");
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Quantity {
    nanos: i128,
    family: Family,
}

impl Quantity {
    /// Nothing, written in decimal notation.
    pub const ZERO: Self = Self {
        nanos: 0,
        family: Family::Decimal,
    };

    /// The largest amount: 10^29 units. Larger ones saturate to it.
    pub const MAX: Self = Self {
        nanos: 10_i128.pow(38),
        family: Family::Decimal,
    };

    /// A count of nano-units (10^-9), clamped to [`Quantity::MAX`], in decimal notation.
    pub const fn from_nanos(nanos: i128) -> Self {
        Self::clamped(nanos, Family::Decimal)
    }

    /// A count of milli-units (10^-3), such as millicores, in decimal notation.
    pub const fn from_millis(millis: i64) -> Self {
        Self {
            nanos: millis as i128 * NANOS_PER_MILLI,
            family: Family::Decimal,
        }
    }

    /// A count of whole units, in decimal notation.
    pub const fn from_units(units: i64) -> Self {
        Self {
            nanos: units as i128 * NANOS_PER_UNIT,
            family: Family::Decimal,
        }
    }

    /// A count of bytes, in binary notation.
    pub const fn from_bytes(bytes: i64) -> Self {
        Self {
            nanos: bytes as i128 * NANOS_PER_UNIT,
            family: Family::Binary,
        }
    }

    /// A count of mebibytes (2^20 bytes), in binary notation.
    pub const fn from_mebibytes(mebibytes: i64) -> Self {
        Self {
            nanos: mebibytes as i128 * NANOS_PER_UNIT * (1 << 20),
            family: Family::Binary,
        }
    }

    /// The same amount, written in another notation.
    #[must_use]
    pub const fn in_family(self, family: Family) -> Self {
        Self {
            nanos: self.nanos,
            family,
        }
    }

    /// The notation in which it will be written.
    pub const fn family(self) -> Family {
        self.family
    }

    /// The amount in nano-units. Exact.
    pub const fn nanos(self) -> i128 {
        self.nanos
    }

    /// The amount in milli-units, rounded up, saturating at the ends of `i64`.
    pub const fn millis_ceil(self) -> i64 {
        saturate(div_ceil(self.nanos, NANOS_PER_MILLI))
    }

    /// The amount in milli-units, rounded down, saturating at the ends of `i64`.
    pub const fn millis_floor(self) -> i64 {
        saturate(self.nanos.div_euclid(NANOS_PER_MILLI))
    }

    /// The amount in whole units, rounded up, saturating at the ends of `i64`.
    pub const fn units_ceil(self) -> i64 {
        saturate(div_ceil(self.nanos, NANOS_PER_UNIT))
    }

    /// The amount in whole units, rounded down, saturating at the ends of `i64`.
    pub const fn units_floor(self) -> i64 {
        saturate(self.nanos.div_euclid(NANOS_PER_UNIT))
    }

    /// The amount as a float, for display and scores only.
    pub fn to_f64(self) -> f64 {
        self.nanos as f64 / NANOS_PER_UNIT as f64
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// Whether it is below zero.
    pub const fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// The amount taken `times` times.
    #[must_use]
    pub const fn times(self, times: i64) -> Self {
        Self::clamped(self.nanos.saturating_mul(times as i128), self.family)
    }

    /// `numerator / denominator` of the amount, rounded away from zero to a nano-unit.
    /// A denominator of zero gives [`Quantity::MAX`] with the sign of the amount.
    #[must_use]
    pub const fn fraction(self, numerator: i64, denominator: i64) -> Self {
        let product = self.nanos.saturating_mul(numerator as i128);
        if denominator == 0 {
            return Self::clamped(product.saturating_mul(i128::MAX), self.family);
        }
        let denominator = denominator as i128;
        let quotient = product / denominator;
        let remainder = product % denominator;
        let away = if remainder == 0 {
            0
        } else if (product < 0) == (denominator < 0) {
            1
        } else {
            -1
        };
        Self::clamped(quotient + away, self.family)
    }

    /// The larger of the two; the left one if they are equal.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    /// The smaller of the two; the left one if they are equal.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        if other < self { other } else { self }
    }

    const fn clamped(nanos: i128, family: Family) -> Self {
        let limit = Self::MAX.nanos;
        let nanos = if nanos > limit {
            limit
        } else if nanos < -limit {
            -limit
        } else {
            nanos
        };
        Self { nanos, family }
    }
}

const fn div_ceil(value: i128, by: i128) -> i128 {
    let floor = value.div_euclid(by);
    if value.rem_euclid(by) == 0 {
        floor
    } else {
        floor + 1
    }
}

const fn saturate(value: i128) -> i64 {
    if value > i64::MAX as i128 {
        i64::MAX
    } else if value < i64::MIN as i128 {
        i64::MIN
    } else {
        value as i64
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl Hash for Quantity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nanos.hash(state);
    }
}

impl Add for Quantity {
    type Output = Self;

    /// The sum, saturating. Keeps the left notation unless the left side is zero.
    fn add(self, other: Self) -> Self {
        let family = if self.is_zero() {
            other.family
        } else {
            self.family
        };
        Self::clamped(self.nanos.saturating_add(other.nanos), family)
    }
}

impl Sub for Quantity {
    type Output = Self;

    /// The difference, saturating. Keeps the left notation unless the left side is zero.
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Neg for Quantity {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            nanos: -self.nanos,
            family: self.family,
        }
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Quantity {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests;
