//! Settings of a look at nodes, from the flags.

use disruption::{Options, SpotToSpot};
use runtime::options::FeatureGates;

/// The settings of a look at the nodes, on so many threads.
pub(crate) fn options(
    scheduling: &scheduling::Options,
    gates: FeatureGates,
    threads: usize,
) -> Options {
    Options {
        scheduling: *scheduling,
        spot_to_spot: if gates.spot_to_spot_consolidation {
            SpotToSpot::On
        } else {
            SpotToSpot::Off
        },
        threads,
        ..Options::default()
    }
}
