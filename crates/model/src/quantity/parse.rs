//! Text to quantity.

use std::str::FromStr;

use super::{Family, NANOS_PER_UNIT, Quantity};

/// Why a text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseQuantityError {
    /// The text is empty.
    #[error("a quantity must not be empty")]
    Empty,
    /// No digit where the number should be: `Gi`, `.`, `-`.
    #[error("{text:?} is not a quantity: it has no number")]
    NoNumber {
        /// The whole text.
        text: String,
    },
    /// The number is followed by something that is no suffix: `1i`, `0.1mi`, `1 Gi`.
    #[error(
        "{text:?} is not a quantity: {suffix:?} is not one of n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei or an exponent"
    )]
    UnknownSuffix {
        /// The whole text.
        text: String,
        /// What follows the number.
        suffix: String,
    },
}

impl FromStr for Quantity {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text)
    }
}

fn parse(text: &str) -> Result<Quantity, ParseQuantityError> {
    if text.is_empty() {
        return Err(ParseQuantityError::Empty);
    }
    let (negative, unsigned) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let whole_len = digits(unsigned);
    let whole = &unsigned[..whole_len];
    let rest = &unsigned[whole_len..];
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(after) => after.split_at(digits(after)),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(ParseQuantityError::NoNumber {
            text: text.to_owned(),
        });
    }
    let scale = Scale::from_suffix(suffix).ok_or_else(|| ParseQuantityError::UnknownSuffix {
        text: text.to_owned(),
        suffix: suffix.to_owned(),
    })?;
    let magnitude = scale.nanos(whole, fraction);
    let nanos = if negative { -magnitude } else { magnitude };
    Ok(Quantity {
        nanos,
        family: scale.family(),
    })
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// What a suffix multiplies by.
#[derive(Clone, Copy)]
enum Scale {
    /// A power of ten, written as a suffix.
    Decimal(i32),
    /// A power of ten, written as an exponent.
    Exponent(i32),
    /// A power of two.
    Binary(u32),
}

impl Scale {
    fn from_suffix(suffix: &str) -> Option<Self> {
        Some(match suffix {
            "" => Self::Decimal(0),
            "n" => Self::Decimal(-9),
            "u" => Self::Decimal(-6),
            "m" => Self::Decimal(-3),
            "k" => Self::Decimal(3),
            "M" => Self::Decimal(6),
            "G" => Self::Decimal(9),
            "T" => Self::Decimal(12),
            "P" => Self::Decimal(15),
            "E" => Self::Decimal(18),
            "Ki" => Self::Binary(10),
            "Mi" => Self::Binary(20),
            "Gi" => Self::Binary(30),
            "Ti" => Self::Binary(40),
            "Pi" => Self::Binary(50),
            "Ei" => Self::Binary(60),
            _ => Self::Exponent(exponent(suffix.strip_prefix(['e', 'E'])?)?),
        })
    }

    fn family(self) -> Family {
        match self {
            Self::Decimal(_) => Family::Decimal,
            Self::Exponent(_) => Family::Exponent,
            Self::Binary(_) => Family::Binary,
        }
    }

    /// The magnitude in nano-units, rounded up, at most [`Quantity::MAX`].
    fn nanos(self, whole: &str, fraction: &str) -> i128 {
        match self {
            Self::Decimal(power) | Self::Exponent(power) => decimal_nanos(whole, fraction, power),
            Self::Binary(shift) => binary_nanos(whole, fraction, shift),
        }
    }
}

/// A signed whole number; one that is beyond any use saturates.
fn exponent(text: &str) -> Option<i32> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if unsigned.is_empty() || digits(unsigned) != unsigned.len() {
        return None;
    }
    // Far beyond every digit string that fits in memory, yet safe to add small numbers to.
    let magnitude = unsigned
        .parse::<i32>()
        .map_or(i32::MAX / 2, |n| n.min(i32::MAX / 2));
    Some(if negative { -magnitude } else { magnitude })
}

/// Shifts the decimal point: digit `i` of the number has the weight 10^(position - i) nano-units.
fn decimal_nanos(whole: &str, fraction: &str, power: i32) -> i128 {
    let mut position = i64::try_from(whole.len()).unwrap_or(i64::MAX) + i64::from(power) + 9;
    let mut nanos: i128 = 0;
    let mut lost = false;
    for digit in whole
        .bytes()
        .chain(fraction.bytes())
        .map(|b| i128::from(b - b'0'))
    {
        position -= 1;
        if position < 0 {
            lost |= digit != 0;
            continue;
        }
        nanos = nanos.saturating_mul(10).saturating_add(digit);
        if nanos > Quantity::MAX.nanos {
            return Quantity::MAX.nanos;
        }
    }
    while position > 0 && nanos != 0 {
        position -= 1;
        nanos = nanos.saturating_mul(10);
        if nanos > Quantity::MAX.nanos {
            return Quantity::MAX.nanos;
        }
    }
    (nanos + i128::from(lost)).min(Quantity::MAX.nanos)
}

/// The whole part is shifted, the fraction is multiplied out digit by digit from its end, so that
/// only what is below a nano-unit is rounded.
fn binary_nanos(whole: &str, fraction: &str, shift: u32) -> i128 {
    let limit = Quantity::MAX.nanos;
    let mut units: i128 = 0;
    for digit in whole.bytes().map(|b| i128::from(b - b'0')) {
        units = units.saturating_mul(10).saturating_add(digit);
        if units > limit {
            return limit;
        }
    }
    let unit_nanos = NANOS_PER_UNIT << shift;
    let whole_nanos = units.saturating_mul(unit_nanos);

    // `remainder / 10^k` of one unit: long division keeps every step in range and exact.
    let mut fraction_nanos: i128 = 0;
    let mut lost = false;
    for digit in fraction.bytes().rev().map(|b| i128::from(b - b'0')) {
        let sum = digit * unit_nanos + fraction_nanos;
        lost |= sum % 10 != 0;
        fraction_nanos = sum / 10;
    }
    whole_nanos
        .saturating_add(fraction_nanos + i128::from(lost))
        .min(limit)
}
