//! What pods ask for that is not decided here yet.

use model::k8s::PodSpec;

use crate::reason::Feature;

/// The first thing that a pod must have and that is not decided here yet. What it merely prefers
/// does not count.
pub(crate) fn unbuilt(spec: &PodSpec) -> Option<Feature> {
    let found = [(!spec.resource_claims.is_empty(), Feature::ResourceClaims)];
    found
        .into_iter()
        .find_map(|(asked, feature)| asked.then_some(feature))
}
