//! Where a volume can be reached from, and where several can.

use api::labels::{HOSTNAME, REGION, ZONE};
use model::k8s::{PersistentVolume, StorageClass};
use requirements::{Operator, Requirements, Vocabulary, pod};

use super::claim::Source;

/// Labels by which old volumes say where they are, and the labels of nodes that they mean.
const VOLUME_LABELS: [(&str, &str); 4] = [
    ("failure-domain.beta.kubernetes.io/region", REGION),
    ("failure-domain.beta.kubernetes.io/zone", ZONE),
    (REGION, REGION),
    (ZONE, ZONE),
];

/// Stands between the zones of a volume that is in several.
const BETWEEN_ZONES: &str = "__";

/// The alternatives of one volume; none if it can be reached from everywhere.
pub(super) fn of(source: &Source<'_>, vocabulary: &Vocabulary) -> Vec<Requirements> {
    match source {
        Source::Volume(volume) => of_volume(volume, vocabulary),
        Source::Class(class) => of_class(class, vocabulary),
    }
}

fn of_volume(volume: &PersistentVolume, vocabulary: &Vocabulary) -> Vec<Requirements> {
    let spec = &volume.spec;
    let is_of_one_node = spec.local.is_some() || spec.host_path.is_some();
    let affinity = spec.node_affinity.as_ref();
    let terms = affinity
        .and_then(|affinity| affinity.required.as_ref())
        .into_iter()
        .flat_map(|required| &required.node_selector_terms)
        .filter(|term| !term.match_expressions.is_empty());
    let mut alternatives: Vec<Requirements> = terms
        .map(|term| {
            let mut term = pod::term(term, vocabulary);
            if is_of_one_node {
                // The data may have to be left behind with the node, or the pod would be too.
                term.remove(HOSTNAME);
            }
            term
        })
        .collect();
    let labelled = of_labels(volume, vocabulary);
    if !labelled.is_empty() {
        if alternatives.is_empty() {
            alternatives.push(Requirements::new());
        }
        for alternative in &mut alternatives {
            *alternative = alternative.intersect(&labelled);
        }
    }
    alternatives
}

/// What the labels of a volume say about its zone, which the Kubernetes scheduler heeds.
fn of_labels(volume: &PersistentVolume, vocabulary: &Vocabulary) -> Requirements {
    let labels = &volume.metadata.labels;
    VOLUME_LABELS
        .iter()
        .filter_map(|(label, key)| {
            let value = labels.get(*label)?;
            let values = value.split(BETWEEN_ZONES);
            Some(vocabulary.requirement(key, Operator::In, values, None))
        })
        .collect()
}

fn of_class(class: &StorageClass, vocabulary: &Vocabulary) -> Vec<Requirements> {
    let terms = class.allowed_topologies.iter();
    terms
        .map(|term| &term.match_label_expressions)
        .filter(|expressions| !expressions.is_empty())
        .map(|expressions| {
            expressions
                .iter()
                .map(|expression| {
                    let values = expression.values.iter().map(String::as_str);
                    vocabulary.requirement(&expression.key, Operator::In, values, None)
                })
                .collect()
        })
        .collect()
}

/// The alternatives of all volumes together: one of each volume's, in order of the volumes, as far
/// as they agree. Where nothing agrees one contradiction is left, so that the pod fails with it. No
/// alternatives if one of them asks for nothing.
pub(super) fn combine(places: Vec<Vec<Requirements>>) -> Vec<Requirements> {
    let mut all: Vec<Requirements> = Vec::new();
    for place in places {
        all = match (all.is_empty(), place.is_empty()) {
            (_, true) => all,
            (true, false) => distinct(place),
            (false, false) => product(&all, &place),
        };
    }
    if all.iter().any(Requirements::is_empty) {
        all.clear();
    }
    all
}

fn product(left: &[Requirements], right: &[Requirements]) -> Vec<Requirements> {
    let agreeing = left.iter().flat_map(|left| {
        let right = right.iter().filter(|right| left.overlaps(right));
        right.map(|right| left.intersect(right))
    });
    let agreeing = distinct(agreeing);
    if agreeing.is_empty() {
        vec![left[0].intersect(&right[0])]
    } else {
        agreeing
    }
}

/// The same in the same order, each once: three zones stay three however many volumes name them.
fn distinct(alternatives: impl IntoIterator<Item = Requirements>) -> Vec<Requirements> {
    let mut kept: Vec<Requirements> = Vec::new();
    for alternative in alternatives {
        if !kept.contains(&alternative) {
            kept.push(alternative);
        }
    }
    kept
}
