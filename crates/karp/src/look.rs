//! Settings of a look at nodes, from the flags.

use disruption::{Options, SpotToSpot};
use runtime::options::FeatureGates;

/// The settings of a look at the nodes.
pub(crate) fn options(scheduling: &scheduling::Options, gates: FeatureGates) -> Options {
    Options {
        scheduling: *scheduling,
        spot_to_spot: if gates.spot_to_spot_consolidation {
            SpotToSpot::On
        } else {
            SpotToSpot::Off
        },
        ..Options::default()
    }
}
