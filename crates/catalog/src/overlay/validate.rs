//! What the schema of an overlay can't check.

use api::{NodeOverlay, labels};
use requirements::{InvalidRequirement, Operator, Vocabulary};

/// Why an overlay can't be in force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOverlay {
    /// A requirement is not one.
    #[error("invalid value: {0} in requirements, restricted")]
    Requirement(InvalidRequirement),
    /// `NotIn` without values.
    #[error("key {0} with operator NotIn must have a value defined")]
    NoValues(String),
    /// A resource that every type has, or that the provider knows.
    #[error("invalid capacity: {0} in resource, restricted")]
    Resource(String),
    /// A price that is no number.
    #[error("invalid price: {0:?}")]
    Price(String),
}

/// Checks an overlay; the first thing that is wrong.
pub(super) fn check(overlay: &NodeOverlay, vocabulary: &Vocabulary) -> Result<(), InvalidOverlay> {
    for item in &overlay.spec.requirements {
        // This case first: it has a text of its own.
        if item.operator.parse() == Ok(Operator::NotIn) && item.values.is_empty() {
            return Err(InvalidOverlay::NoValues(item.key.clone()));
        }
        // An overlay may select by the labels of pools and claims, which pods may not ask for.
        if item.key == labels::NODEPOOL {
            continue;
        }
        let wrong = vocabulary.validate(&item.key, &item.operator, &item.values, None);
        if let Some(wrong) = wrong.into_iter().next() {
            return Err(InvalidOverlay::Requirement(wrong));
        }
    }
    let mut resources = overlay.spec.capacity.keys();
    match resources.find(|name| is_known(name, vocabulary)) {
        Some(name) => Err(InvalidOverlay::Resource(name.clone())),
        None => Ok(()),
    }
}

/// Whether the provider knows best how much of a resource a type has.
fn is_known(resource: &str, vocabulary: &Vocabulary) -> bool {
    let aws = vocabulary.is_well_known(labels::AWS_ZONE_ID);
    labels::KNOWN_RESOURCES.contains(&resource)
        || (aws && labels::AWS_KNOWN_RESOURCES.contains(&resource))
}
