//! What pods ask for that is not decided here yet.

use model::k8s::PodSpec;
use model::k8s::affinity::{Affinity, TopologySpreadConstraint};

use crate::reason::Feature;

/// The first thing that a pod must have and that is not decided here yet. What it merely prefers
/// does not count.
pub(crate) fn unbuilt(spec: &PodSpec) -> Option<Feature> {
    let affinity = spec.affinity.as_ref();
    let requires = |of: fn(&Affinity) -> bool| affinity.is_some_and(of);
    let spreads =
        |constraint: &TopologySpreadConstraint| constraint.when_unsatisfiable != "ScheduleAnyway";
    let found = [
        (
            spec.topology_spread_constraints.iter().any(spreads),
            Feature::TopologySpread,
        ),
        (
            requires(|a| {
                a.pod_affinity
                    .as_ref()
                    .is_some_and(|p| !p.required.is_empty())
            }),
            Feature::PodAffinity,
        ),
        (
            requires(|a| {
                a.pod_anti_affinity
                    .as_ref()
                    .is_some_and(|p| !p.required.is_empty())
            }),
            Feature::PodAntiAffinity,
        ),
        (
            spec.volumes.iter().any(|volume| {
                volume.persistent_volume_claim.is_some() || volume.ephemeral.is_some()
            }),
            Feature::Volumes,
        ),
        (!spec.resource_claims.is_empty(), Feature::ResourceClaims),
    ];
    found
        .into_iter()
        .find_map(|(asked, feature)| asked.then_some(feature))
}
