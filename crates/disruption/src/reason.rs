//! Why nodes go, and what follows from it.

use std::fmt;

use api::DisruptionReason;

/// Why nodes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Nobody would miss a pod on them.
    Empty,
    /// They are not what their pool or node class asks for any more.
    Drifted,
    /// They are about to reach the end of their life (`expireAfter`).
    Expired,
    /// Their pods have room elsewhere, or on cheaper nodes.
    Underutilized,
}

/// How gently nodes are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Protected pods and disruption budgets keep a node.
    Graceful,
    /// They don't keep a node whose claim has a `terminationGracePeriod`.
    Eventual,
}

impl Reason {
    /// All, in the order in which nodes are looked at for them.
    pub const ALL: [Self; 4] = [
        Self::Empty,
        Self::Drifted,
        Self::Expired,
        Self::Underutilized,
    ];

    /// As conditions, events and plans have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Drifted => "Drifted",
            Self::Expired => "Expired",
            Self::Underutilized => "Underutilized",
        }
    }

    /// As metrics have it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Drifted => "drifted",
            Self::Expired => "expired",
            Self::Underutilized => "underutilized",
        }
    }

    /// The reason that budgets know it by. Those of `Drifted` also bound how many nodes are
    /// replaced before they expire: both renew nodes.
    pub fn budget(self) -> DisruptionReason {
        match self {
            Self::Empty => DisruptionReason::Empty,
            Self::Drifted | Self::Expired => DisruptionReason::Drifted,
            Self::Underutilized => DisruptionReason::Underutilized,
        }
    }

    /// How gently nodes are treated that go for it.
    pub fn class(self) -> Class {
        match self {
            Self::Drifted | Self::Expired => Class::Eventual,
            Self::Empty | Self::Underutilized => Class::Graceful,
        }
    }

    /// Whether a command waits a while and is looked at again before it is performed. What must go
    /// anyway need not.
    pub fn is_looked_at_again(self) -> bool {
        self.class() == Class::Graceful
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
