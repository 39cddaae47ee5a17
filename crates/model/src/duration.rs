//! Durations in Go's notation, which Kubernetes APIs use: `1h30m`, `720h0m0s`, `300ms`.
//!
//! What is *not* here: negative durations, which no setting accepts, and the word `Never` (`api`).

use std::time::Duration;

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    /// The text is empty.
    #[error("a duration must not be empty")]
    Empty,
    /// The text is negative.
    #[error("{text:?} is negative")]
    Negative {
        /// The whole text.
        text: String,
    },
    /// A number is missing: `h`, `.`, `1hm`.
    #[error("{text:?} is not a duration such as 1h30m: number missing")]
    NoNumber {
        /// The whole text.
        text: String,
    },
    /// A unit is missing or unknown: `10`, `3d`.
    #[error(
        "{text:?} is not a duration such as 1h30m: unit {unit:?} is not one of ns, us, ms, s, m, h"
    )]
    UnknownUnit {
        /// The whole text.
        text: String,
        /// What stands where the unit should be.
        unit: String,
    },
    /// More than about 292 years, the longest that Go can hold.
    #[error("{text:?} is longer than 292 years")]
    TooLong {
        /// The whole text.
        text: String,
    },
}

/// Reads Go's notation: numbers with optional fraction, each followed by `ns`, `us`, `µs`, `ms`,
/// `s`, `m` or `h`; or a lone `0`.
pub fn parse_go(text: &str) -> Result<Duration, ParseDurationError> {
    if text.is_empty() {
        return Err(ParseDurationError::Empty);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.starts_with('-') {
        return Err(ParseDurationError::Negative {
            text: text.to_owned(),
        });
    }
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut nanos: u128 = 0;
    loop {
        let (term, after) = parse_term(text, rest)?;
        nanos = nanos.saturating_add(term);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    match i64::try_from(nanos) {
        Ok(nanos) => Ok(Duration::from_nanos(nanos.unsigned_abs())),
        Err(_) => Err(ParseDurationError::TooLong {
            text: text.to_owned(),
        }),
    }
}

/// One number with its unit, in nanoseconds, and what follows it.
fn parse_term<'a>(text: &str, rest: &'a str) -> Result<(u128, &'a str), ParseDurationError> {
    let number_len = rest
        .bytes()
        .take_while(|b| b.is_ascii_digit() || *b == b'.')
        .count();
    let (number, rest) = rest.split_at(number_len);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(ParseDurationError::NoNumber {
            text: text.to_owned(),
        });
    }
    let unit_len = rest
        .find(|c: char| c.is_ascii_digit() || c == '.')
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_len);
    let unit_nanos: u128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => {
            let unit = unit.to_owned();
            return Err(ParseDurationError::UnknownUnit {
                text: text.to_owned(),
                unit,
            });
        }
    };
    let nanos = decimal(whole).saturating_mul(unit_nanos);
    // Digits beyond the 18th are worth less than a nanosecond, which Go drops too.
    let fraction = &fraction[..fraction.len().min(18)];
    let part = decimal(fraction) * unit_nanos / 10_u128.pow(fraction.len() as u32);
    Ok((nanos.saturating_add(part), rest))
}

/// The value of a string of ASCII digits, saturating.
fn decimal(digits: &str) -> u128 {
    digits.bytes().fold(0, |sum: u128, b| {
        sum.saturating_mul(10).saturating_add(u128::from(b - b'0'))
    })
}

/// Writes Go's notation: `720h0m0s`, `1m30s`, `1.5s`, `250ms`, `0s`.
pub fn format_go(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    if nanos < 1_000 {
        return format!("{nanos}ns");
    }
    if nanos < 1_000_000 {
        return format!("{}µs", with_fraction(nanos, 1_000));
    }
    if nanos < 1_000_000_000 {
        return format!("{}ms", with_fraction(nanos, 1_000_000));
    }
    let minutes = nanos / 60_000_000_000;
    let seconds = with_fraction(nanos % 60_000_000_000, 1_000_000_000);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

fn with_fraction(nanos: u128, unit: u128) -> String {
    let (whole, part) = (nanos / unit, nanos % unit);
    if part == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{part:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests;
