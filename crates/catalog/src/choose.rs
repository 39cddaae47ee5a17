//! Questions put to a list of instance types.
//!
//! Ties are always broken by names, so that the same question has the same answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use requirements::{AllowUndefined, Key, Requirement, Requirements, Value, Vocabulary};

use crate::{CapacityType, InstanceType, Offering, Price};

/// The cheapest available offering that can meet the requirements: by price, then zone, then
/// capacity type.
pub fn cheapest_offering<'a>(
    instance_type: &'a InstanceType,
    requirements: &Requirements,
    vocabulary: &Vocabulary,
) -> Option<&'a Offering> {
    compatible_offerings(instance_type, requirements, vocabulary)
        .min_by_key(|offering| (offering.price, &offering.zone, offering.capacity_type))
}

/// The available offerings that can meet the requirements.
pub fn compatible_offerings<'a, 'r>(
    instance_type: &'a InstanceType,
    requirements: &'r Requirements,
    vocabulary: &'r Vocabulary,
) -> impl Iterator<Item = &'a Offering> + use<'a, 'r> {
    let allowed = AllowUndefined::WellKnown(vocabulary);
    instance_type
        .available_offerings()
        .filter(move |offering| requirements.is_compatible(&offering.requirements, &allowed))
}

/// Orders types by the price of their cheapest offering under the requirements, then by name. Types
/// without such an offering come last.
pub fn order_by_price(
    types: &mut [Arc<InstanceType>],
    requirements: &Requirements,
    vocabulary: &Vocabulary,
) {
    types.sort_by_cached_key(|instance_type| {
        let cheapest = cheapest_offering(instance_type, requirements, vocabulary);
        (
            cheapest.map_or(Price::MAX, |offering| offering.price),
            instance_type.name.clone(),
        )
    });
}

/// What a launch under these requirements costs at most: the dearest offering of the first capacity
/// type that has any, in the order reserved, spot, on-demand.
pub fn worst_launch_price(
    instance_type: &InstanceType,
    requirements: &Requirements,
    vocabulary: &Vocabulary,
) -> Option<Price> {
    CapacityType::ALL.into_iter().find_map(|capacity_type| {
        compatible_offerings(instance_type, requirements, vocabulary)
            .filter(|offering| offering.capacity_type == capacity_type)
            .map(|offering| offering.price)
            .max()
    })
}

/// Too few different values for some labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinValuesUnmet {
    /// Labels that fall short, with how many values there are.
    pub achieved: BTreeMap<Key, u32>,
}

impl fmt::Display for MinValuesUnmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<&str> = self.achieved.keys().map(|key| &**key).collect();
        let labels = labels.join(" ");
        write!(
            f,
            "minValues requirement is not met for label(s) (label(s)=[{labels}])"
        )
    }
}

impl std::error::Error for MinValuesUnmet {}

/// How many types, from the front of the list, are needed until every requirement with `minValues`
/// has that many different values. Values are those that the types themselves offer for the label.
///
/// An empty list falls short of every `minValues`.
pub fn types_for_min_values<'a>(
    types: impl IntoIterator<Item = &'a InstanceType>,
    requirements: &Requirements,
) -> Result<usize, MinValuesUnmet> {
    let mut wanted: Vec<(&Key, u32, BTreeSet<&Value>)> = requirements
        .iter()
        .filter_map(|r| Some((r.key(), r.min_values()?, BTreeSet::new())))
        .collect();
    let mut needed = 0;
    let met = |wanted: &[(&Key, u32, BTreeSet<&Value>)]| {
        wanted
            .iter()
            .all(|(_, min_values, seen)| seen.len() >= *min_values as usize)
    };
    if met(&wanted) {
        return Ok(needed);
    }
    for instance_type in types {
        needed += 1;
        for (key, _, seen) in &mut wanted {
            let offered = instance_type.requirements.get(key);
            let values = offered.filter(|offered| !offered.is_complement());
            seen.extend(values.into_iter().flat_map(Requirement::values));
        }
        if met(&wanted) {
            return Ok(needed);
        }
    }
    let achieved = wanted
        .into_iter()
        .filter(|(_, min_values, seen)| seen.len() < *min_values as usize)
        .map(|(key, _, seen)| (key.clone(), seen.len() as u32))
        .collect();
    Err(MinValuesUnmet { achieved })
}

#[cfg(test)]
mod tests;
