//! Which instance type and offering a NodeClaim gets: the cheapest that it allows.
//!
//! What is *not* here: which types a claim allows; the scheduler has written that into its
//! requirements.

use catalog::{Catalog, InstanceType, Offering, Price, choose::compatible_offerings};
use requirements::{Requirement, Requirements, Vocabulary};

/// Label of the instance type.
pub(crate) const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";

/// What a claim gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Choice<'a> {
    /// The type.
    pub(crate) instance_type: &'a InstanceType,
    /// The offering.
    pub(crate) offering: &'a Offering,
}

/// Why a claim gets nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoChoice {
    /// The claim does not say which types it allows.
    #[error("instance type requirement not found")]
    NoInstanceTypes,
    /// Nothing that it allows can be had.
    #[error("none of the {allowed} allowed instance types has an available, compatible offering")]
    NoOffering {
        /// How many types the claim allows.
        allowed: usize,
    },
}

/// The cheapest offering of the types that `requirements` name. Of equally cheap types the first by
/// name; of its equally cheap offerings one by `seed`, so that claims spread over zones.
pub(crate) fn choose<'a>(
    catalog: &'a Catalog,
    vocabulary: &Vocabulary,
    requirements: &Requirements,
    seed: u64,
) -> Result<Choice<'a>, NoChoice> {
    let allowed = requirements
        .get(INSTANCE_TYPE)
        .filter(|requirement| !requirement.is_complement())
        .map(Requirement::values)
        .filter(|values| !values.is_empty())
        .ok_or(NoChoice::NoInstanceTypes)?;
    let cheapest = allowed
        .iter()
        .filter_map(|name| catalog.get(name))
        .filter_map(|instance_type| {
            let price = compatible_offerings(instance_type, requirements, vocabulary)
                .map(|offering| offering.price)
                .min()?;
            Some((price, instance_type))
        })
        .min_by_key(|(price, instance_type)| (*price, instance_type.name.clone()));
    let none = NoChoice::NoOffering {
        allowed: allowed.len(),
    };
    let (price, instance_type) = cheapest.ok_or(none.clone())?;
    let equal = at_price(instance_type, requirements, vocabulary, price);
    let at = usize::try_from(seed % equal.len().max(1) as u64).unwrap_or(0);
    let offering = equal.get(at).copied().ok_or(none)?;
    Ok(Choice {
        instance_type,
        offering,
    })
}

fn at_price<'a>(
    instance_type: &'a InstanceType,
    requirements: &Requirements,
    vocabulary: &Vocabulary,
    price: Price,
) -> Vec<&'a Offering> {
    compatible_offerings(instance_type, requirements, vocabulary)
        .filter(|offering| offering.price == price)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn asking(requirements: impl IntoIterator<Item = Requirement>) -> Requirements {
        requirements.into_iter().collect()
    }

    fn types(names: &[&str]) -> Requirement {
        Requirement::any_of(INSTANCE_TYPE, names.iter().copied())
    }

    fn chosen(
        requirements: &Requirements,
        seed: u64,
    ) -> Result<(String, String, String), NoChoice> {
        let catalog = catalog::kwok::standard();
        let choice = choose(&catalog, &catalog.vocabulary(), requirements, seed)?;
        let Choice {
            instance_type,
            offering,
        } = choice;
        let capacity_type = offering.capacity_type.to_string();
        Ok((
            instance_type.name.to_string(),
            capacity_type,
            offering.zone.to_string(),
        ))
    }

    #[test]
    fn the_cheapest_allowed_type_is_taken_in_its_cheapest_capacity() {
        let claim = asking([types(&[
            "m-4x-amd64-linux",
            "c-2x-amd64-linux",
            "s-2x-amd64-linux",
        ])]);
        let (name, capacity_type, _) = chosen(&claim, 0).expect("a choice");
        assert_eq!((&*name, &*capacity_type), ("c-2x-amd64-linux", "spot"));
    }

    #[test]
    fn requirements_on_zone_and_capacity_are_kept() {
        let claim = asking([
            types(&["c-2x-amd64-linux"]),
            Requirement::single("karpenter.sh/capacity-type", "on-demand"),
            Requirement::single("topology.kubernetes.io/zone", "test-zone-c"),
        ]);
        for seed in 0..8 {
            let (_, capacity_type, zone) = chosen(&claim, seed).expect("a choice");
            assert_eq!((&*capacity_type, &*zone), ("on-demand", "test-zone-c"));
        }
    }

    #[test]
    fn equal_prices_are_spread_by_the_seed() {
        let claim = asking([types(&["c-2x-amd64-linux"])]);
        let zones: BTreeSet<String> = (0..4)
            .map(|seed| chosen(&claim, seed).expect("a choice").2)
            .collect();
        assert_eq!(zones.len(), 4);
        assert_eq!(chosen(&claim, 3), chosen(&claim, 3));
    }

    #[test]
    fn a_claim_without_types_or_with_impossible_ones_gets_a_reason() {
        assert_eq!(chosen(&asking([]), 0), Err(NoChoice::NoInstanceTypes));
        let exists = asking([Requirement::exists(INSTANCE_TYPE)]);
        assert_eq!(chosen(&exists, 0), Err(NoChoice::NoInstanceTypes));
        let nowhere = asking([
            types(&["c-2x-amd64-linux", "no-such-type"]),
            Requirement::single("topology.kubernetes.io/zone", "moon"),
        ]);
        assert_eq!(
            chosen(&nowhere, 0),
            Err(NoChoice::NoOffering { allowed: 2 })
        );
    }
}
