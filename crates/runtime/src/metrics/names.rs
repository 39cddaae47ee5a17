//! Every metric of the product: name, kind, labels and meaning, defined once.
//!
//! Names and labels are those that dashboards and alerts for Karpenter already use; three older
//! names from the first guide are kept beside them (`legacy`). What is *not* here: when to measure.

mod cloud;
mod conditions;
mod library;
mod pools;
mod work;

pub use cloud::*;
pub use conditions::{CONDITIONS, ConditionMetrics, STATUS_CONDITIONS};
pub use library::*;
pub use pools::*;
pub use work::*;

use super::Definition;

/// Upper bounds of durations in seconds, shared by most histograms.
pub const DURATIONS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9,
    1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0,
    25.0, 30.0, 40.0, 50.0, 60.0, 120.0, 150.0, 300.0, 450.0, 600.0,
];

/// Prometheus' default upper bounds in seconds.
pub const DEFAULT: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Defines metrics as statics with their meaning as documentation, and lists them in `$all`.
macro_rules! metrics {
    (
        $all:ident;
        $($ident:ident = $kind:expr, $name:literal, [$($label:literal),*], $help:literal;)*
    ) => {
        $(
            #[doc = $help]
            pub static $ident: $crate::metrics::Definition = $crate::metrics::Definition {
                name: $name,
                help: $help,
                kind: $kind,
                labels: $crate::metrics::Labels::Fixed(&[$($label),*]),
            };
        )*
        pub(super) static $all: &[&$crate::metrics::Definition] = &[$(&$ident),*];
    };
}
pub(crate) use metrics;

/// Every metric there is.
pub fn all() -> Vec<&'static Definition> {
    let mut all: Vec<_> = [
        cloud::ALL,
        library::ALL,
        pools::ALL,
        work::ALL,
        pools::NODE_GAUGES,
    ]
    .concat();
    all.extend(
        CONDITIONS
            .iter()
            .chain([&STATUS_CONDITIONS])
            .flat_map(ConditionMetrics::all),
    );
    all
}
