//! The Kubernetes version of a cluster: which are supported, and how it compares.
//!
//! What is *not* here: how it is asked for (`provider-aws`).

use std::fmt;

/// The oldest minor version of Kubernetes 1 that is supported.
pub const OLDEST: u32 = 23;
/// The newest minor version of Kubernetes 1 that is supported.
pub const NEWEST: u32 = 36;

/// A version such as `1.33`, as EKS or the API server tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KubernetesVersion(String);

/// A version is older or newer than what is supported. Nothing stops because of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Kubernetes {0} is not compatible: supported are 1.{OLDEST} to 1.{NEWEST}")]
pub struct Incompatible(pub KubernetesVersion);

impl KubernetesVersion {
    /// As EKS tells it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As an API server tells it; some put a `+` behind the minor version.
    pub fn of_server(major: &str, minor: &str) -> Self {
        Self(format!("{major}.{}", minor.trim_end_matches('+')))
    }

    /// Major and minor version; none if the text has no such numbers.
    pub fn numbers(&self) -> Option<(u32, u32)> {
        let mut parts = self.0.split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        Some((major, minor))
    }

    /// Whether it is `1.minor` or newer; none if the text has no numbers.
    pub fn is_at_least(&self, minor: u32) -> Option<bool> {
        Some(self.numbers()? >= (1, minor))
    }

    /// Whether it is supported. A text without numbers is not.
    pub fn check(&self) -> Result<(), Incompatible> {
        match self.numbers() {
            Some((1, OLDEST..=NEWEST)) => Ok(()),
            _ => Err(Incompatible(self.clone())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// VER-2: of an API server's version the `+` is dropped.
    #[test]
    fn what_an_api_server_adds_is_taken_away() {
        assert_eq!(KubernetesVersion::of_server("1", "30+").as_str(), "1.30");
        assert_eq!(KubernetesVersion::of_server("1", "30").as_str(), "1.30");
    }

    #[test]
    fn versions_compare_by_number() {
        let version = KubernetesVersion::new("1.9");
        assert_eq!(version.is_at_least(9), Some(true));
        assert_eq!(version.is_at_least(33), Some(false));
        assert_eq!(KubernetesVersion::new("2.0").is_at_least(33), Some(true));
        for odd in ["", "1", "1.x", "latest"] {
            assert_eq!(KubernetesVersion::new(odd).is_at_least(1), None, "{odd}");
        }
    }

    #[test]
    fn old_and_unknown_versions_are_told() {
        for good in ["1.23", "1.30", "1.36"] {
            assert_eq!(KubernetesVersion::new(good).check(), Ok(()), "{good}");
        }
        for bad in ["1.22", "1.37", "2.30", "new"] {
            let error = KubernetesVersion::new(bad).check().expect_err(bad);
            let text = error.to_string();
            assert!(
                text.contains(bad) && text.contains("not compatible"),
                "{text}"
            );
        }
    }
}
