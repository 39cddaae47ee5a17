//! Which of a pod's preferences its place meets.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::labels::{CAPACITY_TYPE, HOSTNAME, ZONE};
use cluster::PodRecord;
use model::k8s::LabelSelector;
use scheduling::PlannedClaim;
use serde::Serialize;

use super::Case;
use super::probe::same;

/// A preference and what became of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Preference {
    /// What the pod prefers.
    pub(crate) wish: String,
    /// Whether its place meets it.
    pub(crate) met: bool,
}

/// A machine, there or planned, with the pods that will be on it.
struct Place<'a> {
    labels: BTreeMap<String, String>,
    pods: Vec<&'a PodRecord>,
}

/// All preferences of a pod that has a place in the plan.
pub(super) fn preferences(case: &Case<'_>, pod: &PodRecord) -> Vec<Preference> {
    let places = places(case);
    let here = |place: &&Place<'_>| place.pods.iter().any(|other| same(other, pod));
    let Some(place) = places.iter().find(here) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let spec = &pod.shape.spec;
    for (weight, wish) in requirements::pod::preferred(spec, &case.snapshot.vocabulary) {
        let shown: Vec<String> = wish.iter().map(ToString::to_string).collect();
        all.push(Preference {
            wish: format!("a node with {} (weight {weight})", shown.join(" and ")),
            met: wish.admit_labels(&place.labels),
        });
    }
    let counts = |key: &str, selector: Option<&LabelSelector>, anywhere: bool| {
        domains(&places, key, selector, pod, anywhere)
    };
    let affinity = spec.affinity.as_ref();
    let near = affinity.and_then(|affinity| affinity.pod_affinity.as_ref());
    let away = affinity.and_then(|affinity| affinity.pod_anti_affinity.as_ref());
    for (rules, wants) in [(near, true), (away, false)] {
        for weighted in rules.into_iter().flat_map(|rules| &rules.preferred) {
            let term = &weighted.pod_affinity_term;
            let other_namespaces = !term.namespaces.is_empty() || term.namespace_selector.is_some();
            let key = &term.topology_key;
            let count = counts(key, term.label_selector.as_ref(), other_namespaces);
            let beside = place.labels.get(key).and_then(|domain| count.get(domain));
            let is_beside = beside.copied().unwrap_or(0) > 0;
            let relation = if wants { "the same" } else { "another" };
            all.push(Preference {
                wish: format!(
                    "{relation} {key} {} its kind (weight {})",
                    if wants { "as pods of" } else { "than pods of" },
                    weighted.weight
                ),
                met: is_beside == wants,
            });
        }
    }
    let soft = |when: &str| when == "ScheduleAnyway";
    let spread = spec.topology_spread_constraints.iter();
    for rule in spread.filter(|rule| soft(&rule.when_unsatisfiable)) {
        let count = counts(&rule.topology_key, rule.label_selector.as_ref(), false);
        let here = place
            .labels
            .get(&rule.topology_key)
            .and_then(|at| count.get(at));
        let least = count.values().min().copied().unwrap_or(0);
        // The pod itself is not among those counted.
        let skew = here.copied().unwrap_or(0) + 1 - least.min(here.copied().unwrap_or(0));
        all.push(Preference {
            wish: format!(
                "spread over {}, {} at most",
                rule.topology_key, rule.max_skew
            ),
            met: i64::try_from(skew).unwrap_or(i64::MAX) <= i64::from(rule.max_skew),
        });
    }
    all
}

/// Other pods that a selector matches, by domain; domains without any count 0.
fn domains(
    places: &[Place<'_>],
    key: &str,
    selector: Option<&LabelSelector>,
    pod: &PodRecord,
    anywhere: bool,
) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for place in places {
        let Some(domain) = place.labels.get(key) else {
            continue;
        };
        let matching = place.pods.iter().filter(|other| {
            !same(other, pod)
                && (anywhere || other.namespace() == pod.namespace())
                && selector.is_some_and(|selector| other.matches(selector))
        });
        *counts.entry(domain.clone()).or_insert(0) += matching.count();
    }
    counts
}

fn places<'a>(case: &Case<'a>) -> Vec<Place<'a>> {
    let mut all = Vec::new();
    for node in case.snapshot.nodes.iter() {
        let mut labels = node.labels().clone();
        labels.insert(HOSTNAME.to_owned(), node.hostname().to_owned());
        let new = case.placement.existing.iter();
        let new = new.filter(|existing| existing.node == *node.name());
        let new = new.flat_map(|existing| existing.pods.iter().map(Arc::as_ref));
        all.push(Place {
            labels,
            pods: node.pods.iter().map(Arc::as_ref).chain(new).collect(),
        });
    }
    for claim in &case.placement.new_claims {
        all.push(Place {
            labels: launched_labels(claim),
            pods: claim.pods.iter().map(Arc::as_ref).collect(),
        });
    }
    all
}

/// The labels that a planned node gets if it is launched now.
pub(super) fn launched_labels(claim: &PlannedClaim) -> BTreeMap<String, String> {
    let launch = &claim.launch;
    let mut types = claim.instance_types.iter();
    let ty = types.find(|ty| ty.name == launch.instance_type);
    let mut labels = ty
        .map(|ty| ty.requirements.single_values())
        .unwrap_or_default();
    labels.extend(BTreeMap::clone(&claim.labels));
    labels.insert(ZONE.to_owned(), launch.zone.to_string());
    labels.insert(CAPACITY_TYPE.to_owned(), launch.capacity_type.to_string());
    labels.insert(HOSTNAME.to_owned(), claim.name.clone());
    labels
}
