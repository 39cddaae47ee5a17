//! What is asked of a look, and what looks remember.

use std::time::Duration;

use catalog::Price;

use crate::consolidate::prices::Prices;

/// Settings of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How pods are placed.
    pub scheduling: scheduling::Options,
    /// Whether spot nodes are replaced by cheaper spot nodes.
    pub spot_to_spot: SpotToSpot,
    /// When a change is worth it.
    pub payback: Payback,
    /// For how long a node is not consolidated after pods have come, even where its pool says less.
    pub settle: Duration,
    /// On how many threads nodes are looked at. The answer does not depend on it.
    pub threads: usize,
}

impl Default for Options {
    /// The reference's defaults; a minute to settle, and one thread.
    fn default() -> Self {
        Self {
            scheduling: scheduling::Options::default(),
            spot_to_spot: SpotToSpot::default(),
            payback: Payback::default(),
            settle: Duration::from_mins(1),
            threads: 1,
        }
    }
}

/// Whether spot nodes are replaced by cheaper spot nodes (feature gate `SpotToSpotConsolidation`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpotToSpot {
    /// They are only removed.
    #[default]
    Off,
    /// They are.
    On,
}

/// When a change is worth it: what it saves within `within` must be more than what it costs. New
/// machines cost their price for as long as they run beside the old ones, and each eviction has a
/// price of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payback {
    /// Within what time.
    pub within: Duration,
    /// How long new machines run beside those that they replace.
    pub overlap: Duration,
    /// What one eviction costs; pods that are dearer to evict cost more in proportion.
    pub eviction: Price,
}

impl Default for Payback {
    /// Four hours, five minutes, and a hundredth of a cent. A replacement must save about two per
    /// cent of its own price, and a pod is not moved for less than a fortieth of a cent an hour.
    fn default() -> Self {
        Self {
            within: Duration::from_hours(4),
            overlap: Duration::from_mins(5),
            eviction: Price::from_nanos(100_000),
        }
    }
}

/// What looks at one cluster have in common. The answer does not depend on it.
#[derive(Debug, Default)]
pub struct Memory {
    /// Of the placement of pods.
    pub(crate) scheduling: scheduling::Memory,
    /// Of this look: what types cost.
    pub(crate) prices: Prices,
}
