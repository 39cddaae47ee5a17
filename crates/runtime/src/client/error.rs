//! What an API call can answer, as values: nobody matches on message text.

use std::{fmt, time::Duration};

use serde::Deserialize;

/// Why an API call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApiError {
    /// The object, or its kind, does not exist (404).
    #[error("not found: {0}")]
    NotFound(Status),
    /// An object of that name exists already (409 on create).
    #[error("already exists: {0}")]
    AlreadyExists(Status),
    /// The object has changed since it was read (409): read again and decide again.
    #[error("conflict: {0}")]
    Conflict(Status),
    /// The server refused the content (422, 400).
    #[error("invalid: {0}")]
    Invalid(Status),
    /// Credentials are missing or not enough (401, 403).
    #[error("forbidden: {0}")]
    Forbidden(Status),
    /// The asked-for version is no longer known (410): list again.
    #[error("gone: {0}")]
    Gone(Status),
    /// Too many requests, or an eviction that a disruption budget forbids (429).
    #[error("too many requests: {0}")]
    TooManyRequests(Status),
    /// The server failed (5xx).
    #[error("server error: {0}")]
    Server(Status),
    /// Any other refusal.
    #[error("refused: {0}")]
    Other(Status),
    /// The server did not answer within the client's time limit.
    #[error("no answer within {}s", .0.as_secs())]
    Timeout(Duration),
    /// The connection failed; whether the request was performed is unknown.
    #[error("connection: {0}")]
    Transport(String),
    /// The server answered something that is not what was asked for.
    #[error("unexpected answer from {path}: {cause}")]
    Decode {
        /// The request's path.
        path: String,
        /// What the decoder said.
        cause: String,
    },
    /// The request could not be built; a programming error, reported rather than thrown.
    #[error("request: {0}")]
    Request(String),
}

/// When a failed call is worth repeating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Not with the same input.
    Never,
    /// After reading the object again.
    AfterRead,
    /// The same call, after the caller's back-off.
    Backoff,
    /// The same call, not before this time has passed.
    After(Duration),
}

impl ApiError {
    /// The error that a status stands for.
    pub fn from_status(status: Status) -> Self {
        match (status.code, status.reason.as_str()) {
            (404, _) => Self::NotFound(status),
            (409, "AlreadyExists") => Self::AlreadyExists(status),
            (409, _) => Self::Conflict(status),
            (410, _) | (_, "Expired" | "Gone") => Self::Gone(status),
            (400 | 422, _) => Self::Invalid(status),
            (401 | 403, _) => Self::Forbidden(status),
            (429, _) => Self::TooManyRequests(status),
            (500..=599, _) => Self::Server(status),
            _ => Self::Other(status),
        }
    }

    /// What the server said, when it said something.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::NotFound(status)
            | Self::AlreadyExists(status)
            | Self::Conflict(status)
            | Self::Invalid(status)
            | Self::Forbidden(status)
            | Self::Gone(status)
            | Self::TooManyRequests(status)
            | Self::Server(status)
            | Self::Other(status) => Some(status),
            Self::Timeout(_) | Self::Transport(_) | Self::Decode { .. } | Self::Request(_) => None,
        }
    }

    /// The HTTP code; zero when there was no answer.
    pub fn code(&self) -> u16 {
        self.status().map_or(0, |status| status.code)
    }

    /// When the call is worth repeating.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Conflict(_) | Self::Gone(_) => Retry::AfterRead,
            Self::TooManyRequests(status) | Self::Server(status) => {
                status.retry_after().map_or(Retry::Backoff, Retry::After)
            }
            Self::Timeout(_) | Self::Transport(_) => Retry::Backoff,
            Self::NotFound(_)
            | Self::AlreadyExists(_)
            | Self::Invalid(_)
            | Self::Forbidden(_)
            | Self::Other(_)
            | Self::Decode { .. }
            | Self::Request(_) => Retry::Never,
        }
    }

    /// Whether the object does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// Whether an object of that name exists already.
    pub fn is_already_exists(&self) -> bool {
        matches!(self, Self::AlreadyExists(_))
    }

    /// Whether the object changed since it was read.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// Whether a disruption budget forbids the eviction (a 429 with that cause).
    pub fn is_blocked_by_budget(&self) -> bool {
        matches!(self, Self::TooManyRequests(status)
            if status.details.causes.iter().any(|cause| cause.reason == "DisruptionBudget"))
    }
}

/// The API server's `Status` object, as much of it as decides anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// HTTP code.
    pub code: u16,
    /// Machine-readable reason, such as `NotFound`.
    pub reason: String,
    /// Text for people.
    pub message: String,
    /// More about it.
    pub details: Details,
}

/// Details of a [`Status`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Details {
    /// What caused the failure, one entry per cause.
    pub causes: Vec<Cause>,
    /// Seconds to wait before trying again.
    pub retry_after_seconds: Option<u32>,
}

/// One cause of a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cause {
    /// Machine-readable reason, such as `DisruptionBudget` or `FieldValueInvalid`.
    pub reason: String,
    /// Text for people.
    pub message: String,
    /// The field at fault.
    pub field: String,
}

impl Status {
    /// Reads the body of a failed answer; one that is no `Status` becomes the message.
    pub(crate) fn parse(code: u16, body: &[u8], retry_after: Option<u32>) -> Self {
        let mut status = serde_json::from_slice::<Self>(body).unwrap_or_else(|_| Self {
            message: String::from_utf8_lossy(body)
                .trim()
                .chars()
                .take(300)
                .collect(),
            ..Self::default()
        });
        status.code = code;
        if retry_after.is_some() {
            status.details.retry_after_seconds = retry_after;
        }
        status
    }

    /// How long the server asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.details
            .retry_after_seconds
            .map(|seconds| Duration::from_secs(seconds.into()))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() {
            write!(formatter, "{} {}", self.code, self.reason)
        } else {
            formatter.write_str(&self.message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: u16, reason: &str) -> ApiError {
        ApiError::from_status(Status {
            code,
            reason: reason.into(),
            ..Status::default()
        })
    }

    #[test]
    fn each_status_becomes_its_error_and_says_when_to_retry() {
        assert!(error(404, "NotFound").is_not_found());
        assert!(error(409, "AlreadyExists").is_already_exists());
        assert!(error(409, "Conflict").is_conflict());
        assert_eq!(error(409, "Conflict").retry(), Retry::AfterRead);
        assert_eq!(error(410, "Expired").retry(), Retry::AfterRead);
        assert_eq!(error(422, "Invalid").retry(), Retry::Never);
        assert_eq!(error(403, "Forbidden").retry(), Retry::Never);
        assert_eq!(error(503, "").retry(), Retry::Backoff);
        assert_eq!(error(418, "").retry(), Retry::Never);
        assert_eq!(ApiError::Transport("reset".into()).retry(), Retry::Backoff);
        assert_eq!(ApiError::Transport("reset".into()).code(), 0);
    }

    #[test]
    fn a_budget_is_told_from_throttling_by_its_cause() {
        let body = br#"{"kind":"Status","code":429,"reason":"TooManyRequests","message":"no",
            "details":{"causes":[{"reason":"DisruptionBudget","message":"needs 2"}]}}"#;
        let blocked = ApiError::from_status(Status::parse(429, body, None));
        assert!(blocked.is_blocked_by_budget());
        assert_eq!(blocked.retry(), Retry::Backoff);
        let throttled = ApiError::from_status(Status::parse(429, b"slow down", Some(3)));
        assert!(!throttled.is_blocked_by_budget());
        assert_eq!(throttled.retry(), Retry::After(Duration::from_secs(3)));
        assert_eq!(throttled.to_string(), "too many requests: slow down");
    }
}
