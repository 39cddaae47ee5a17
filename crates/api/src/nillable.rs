//! Durations as users write them, kept byte for byte.

use std::fmt;
use std::time::Duration;

use model::duration::{format_go, parse_go};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A Go duration, or `Never`. The text is kept as it was written, so that tools that compare
/// manifests see no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NillableDuration {
    text: String,
    value: Option<Duration>,
}

impl NillableDuration {
    /// No duration: what it would bound never happens.
    pub fn never() -> Self {
        Self {
            text: "Never".to_owned(),
            value: None,
        }
    }

    /// A duration, written in Go notation (`720h0m0s`).
    pub fn of(duration: Duration) -> Self {
        Self {
            text: format_go(duration),
            value: Some(duration),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The duration; none for `Never`.
    pub fn get(&self) -> Option<Duration> {
        self.value
    }
}

impl fmt::Display for NillableDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::str::FromStr for NillableDuration {
    type Err = model::duration::ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = if text == "Never" {
            None
        } else {
            Some(parse_go(text)?)
        };
        Ok(Self {
            text: text.to_owned(),
            value,
        })
    }
}

impl Serialize for NillableDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for NillableDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
