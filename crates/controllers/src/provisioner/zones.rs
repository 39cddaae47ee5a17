//! The zones that pending pods can go to, for the metric that counts them.
//!
//! What is *not* here: rules about other pods. Whoever knows which zones they leave gives them to
//! [`effective`].

use std::collections::{BTreeMap, BTreeSet};

use api::labels::ZONE;
use cluster::{PodRecord, Snapshot};
use requirements::{Operator, Requirement, Requirements, pod};
use scheduling::volumes;

/// The zones that rules about other pods leave a pod; none where it has no such rule.
pub(super) type OtherPods<'a> = Option<&'a BTreeSet<String>>;

/// Where a pod can go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effective {
    /// To this zone and to no other.
    Zone(String),
    /// To several.
    Flexible,
    /// To none.
    None,
}

impl Effective {
    /// As the label says it.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Zone(zone) => zone,
            Self::Flexible => "flexible",
            Self::None => "none",
        }
    }
}

/// How many pending pods can go where.
pub(super) fn count(
    snapshot: &Snapshot,
    rules: impl Fn(&PodRecord) -> Option<BTreeSet<String>>,
) -> BTreeMap<Effective, usize> {
    let mut counts = BTreeMap::new();
    for group in snapshot.pending.iter() {
        let strict = pod::required(&group.shape.spec, &snapshot.vocabulary);
        let strict = strict.first().and_then(|first| first.get(ZONE));
        for pod in group.pods.iter() {
            let needs = volumes::needs(
                pod,
                &snapshot.volumes,
                &snapshot.vocabulary,
                &volumes::Unsupported::default(),
            );
            let zone = match needs {
                Ok(needs) => effective(strict, &needs.alternatives, rules(pod).as_ref()),
                Err(_) => Effective::None,
            };
            *counts.entry(zone).or_default() += 1;
        }
    }
    counts
}

/// Where a pod can go: of the zones that the first of its own requirements, its volumes and the
/// rules about other pods names, those that all three allow.
pub(super) fn effective(
    strict: Option<&Requirement>,
    volumes: &[Requirements],
    rules: OtherPods<'_>,
) -> Effective {
    if rules.is_some_and(BTreeSet::is_empty) {
        return Effective::None;
    }
    let named = |requirement: &Requirement| {
        let values = (requirement.operator() == Operator::In).then(|| requirement.values());
        values.map(|values| {
            values
                .iter()
                .map(ToString::to_string)
                .collect::<BTreeSet<_>>()
        })
    };
    let of_volumes = || {
        let mut zones = BTreeSet::new();
        for place in volumes {
            zones.extend(place.get(ZONE).and_then(named)?);
        }
        (!volumes.is_empty()).then_some(zones)
    };
    let candidates = strict
        .and_then(named)
        .or_else(of_volumes)
        .or_else(|| rules.cloned());
    let Some(mut zones) = candidates else {
        return Effective::Flexible;
    };
    let reached =
        |place: &Requirements, zone: &str| place.get(ZONE).is_none_or(|wanted| wanted.has(zone));
    zones.retain(|zone| {
        strict.is_none_or(|wanted| wanted.has(zone))
            && (volumes.is_empty() || volumes.iter().any(|place| reached(place, zone)))
            && rules.is_none_or(|rules| rules.contains(zone))
    });
    match zones.len() {
        0 => Effective::None,
        1 => Effective::Zone(zones.pop_first().unwrap_or_default()),
        _ => Effective::Flexible,
    }
}

#[cfg(test)]
mod tests;
