//! A point in time, as a value.
//!
//! What is *not* here: a clock. Whoever needs the present takes it as an input.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use jiff::fmt::temporal::Pieces;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Nanoseconds since the Unix epoch, in an `i64`: the years 1677 to 2262. Points beyond saturate.
///
/// `Display` and serialisation are RFC 3339 in UTC with whole seconds (rounded down), as Kubernetes
/// writes times: `2026-01-01T12:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A text is not an RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an RFC 3339 time such as 2026-01-01T12:00:00Z: {reason}")]
pub struct ParseTimestampError {
    /// The text.
    text: String,
    /// What is wrong with it.
    reason: String,
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The last representable point.
    pub const MAX: Self = Self(i64::MAX);

    /// Nanoseconds since the Unix epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Milliseconds since the Unix epoch, saturating.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Seconds since the Unix epoch, saturating.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// Reads an RFC 3339 time, with any offset and any number of fractional digits.
    pub fn parse(text: &str) -> Result<Self, ParseTimestampError> {
        text.parse()
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }

    /// The point `duration` before, saturating.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        self - duration
    }

    /// The time that has passed since `earlier`; zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        let nanos = i128::from(self.0) - i128::from(earlier.0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }

    /// Nanoseconds from `other` to this point: negative if `other` is later. Saturates.
    pub const fn signed_nanos_since(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// RFC 3339 in UTC with six fractional digits, as Kubernetes writes leases and events.
    pub fn to_rfc3339_micros(self) -> String {
        let micros = self.0.rem_euclid(NANOS_PER_SECOND) / 1000;
        let seconds = self.to_string();
        format!("{}.{micros:06}Z", seconds.trim_end_matches('Z'))
    }

    /// The same point without its fraction of a second, as it comes back from an API server.
    #[must_use]
    pub const fn truncated_to_seconds(self) -> Self {
        Self::from_seconds(self.seconds())
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason: String| ParseTimestampError {
            text: text.to_owned(),
            reason,
        };
        let pieces = Pieces::parse(text).map_err(|e| error(e.to_string()))?;
        let time = pieces
            .time()
            .ok_or_else(|| error("it has no time of day".to_owned()))?;
        let offset = pieces
            .to_numeric_offset()
            .ok_or_else(|| error("it has no offset".to_owned()))?;
        let ends = (i128::from(i64::MIN), i128::from(i64::MAX));
        let nanos = match offset.to_timestamp(pieces.date().to_datetime(time)) {
            Ok(timestamp) => timestamp.as_nanosecond().clamp(ends.0, ends.1),
            // Beyond the years that jiff counts in, and so far beyond ours.
            Err(_) if pieces.date().year() > 0 => ends.1,
            Err(_) => ends.0,
        };
        Ok(Self(nanos as i64))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every i64 of nanoseconds is within jiff's range of years, -9999 to 9999.
        let seconds = jiff::Timestamp::from_second(self.seconds()).unwrap_or_default();
        f.pad(&seconds.to_string())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 time such as 2026-01-01T12:00:00Z")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// The point `duration` later, saturating.
    fn add(self, duration: Duration) -> Self {
        let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    /// The point `duration` earlier, saturating.
    fn sub(self, duration: Duration) -> Self {
        let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(nanos))
    }
}

impl Sub for Timestamp {
    type Output = Duration;

    /// The time from the right point to the left one; zero if the right one is later.
    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

#[cfg(test)]
mod tests;
