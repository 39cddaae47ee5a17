//! Which instance type and offering a NodeClaim gets: the cheapest that it allows.
//!
//! What is *not* here: which types hold a claim's pods; the scheduler has written that into its
//! requirements. A claim of a pool of fixed size is for no pods, and any type that fits the pool is
//! good enough.

use catalog::{Catalog, InstanceType, Offering, choose::compatible_offerings};
use model::ResourceList;
use requirements::{Requirements, Vocabulary};

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
    /// Nothing that it allows can be had.
    #[error("none of the {allowed} allowed instance types has an available, compatible offering")]
    NoOffering {
        /// How many types the claim allows.
        allowed: usize,
    },
}

/// The cheapest offering of the types that the requirements allow, with room for the requests. Of
/// equally cheap types the first by name; of its equally cheap offerings one by `seed`, so that
/// claims spread over zones.
pub(crate) fn choose<'a>(
    catalog: &'a Catalog,
    vocabulary: &Vocabulary,
    (requirements, requests): (&Requirements, &ResourceList),
    seed: u64,
) -> Result<Choice<'a>, NoChoice> {
    let offerings = |of: &'a InstanceType| {
        compatible_offerings(of, requirements, vocabulary)
            .filter(move |offering| of.serves(offering, requests))
    };
    let named = requirements
        .get(INSTANCE_TYPE)
        .filter(|requirement| !requirement.is_complement());
    let allowed: Vec<&InstanceType> = if let Some(named) = named {
        let known = named.values().iter().filter_map(|name| catalog.get(name));
        known.map(|instance_type| &**instance_type).collect()
    } else {
        let all = catalog.types.iter().map(|instance_type| &**instance_type);
        all.filter(|instance_type| instance_type.requirements.overlaps(requirements))
            .collect()
    };
    let cheapest = allowed
        .iter()
        .filter_map(|instance_type| {
            let price = offerings(instance_type)
                .map(|offering| offering.price)
                .min()?;
            Some((price, *instance_type))
        })
        .min_by_key(|(price, instance_type)| (*price, instance_type.name.clone()));
    let none = NoChoice::NoOffering {
        allowed: named.map_or(allowed.len(), |named| named.values().len()),
    };
    let (price, instance_type) = cheapest.ok_or(none.clone())?;
    let equal: Vec<&Offering> = offerings(instance_type)
        .filter(|offering| offering.price == price)
        .collect();
    let at = usize::try_from(seed % equal.len().max(1) as u64).unwrap_or(0);
    let offering = equal.get(at).copied().ok_or(none)?;
    Ok(Choice {
        instance_type,
        offering,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use requirements::Requirement;

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
        let asked = (requirements, &ResourceList::new());
        let choice = choose(&catalog, &catalog.vocabulary(), asked, seed)?;
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
    fn a_claim_that_names_no_types_gets_the_cheapest_that_fits_it() {
        let any = chosen(&asking([]), 0).expect("a choice").0;
        let exists = asking([Requirement::exists(INSTANCE_TYPE)]);
        assert_eq!(chosen(&exists, 0).expect("a choice").0, any);
        let arm = asking([Requirement::single("kubernetes.io/arch", "arm64")]);
        let (name, _, _) = chosen(&arm, 0).expect("a choice");
        assert!(name.starts_with("c-1x-arm64-"), "{name}");
        let other = Requirement::new(INSTANCE_TYPE, requirements::Operator::NotIn, [&*name], None);
        let next = asking([Requirement::single("kubernetes.io/arch", "arm64"), other]);
        let next = chosen(&next, 0).expect("a choice").0;
        assert!(next != name && next.contains("arm64"), "{next}");
        let moon = asking([Requirement::single("kubernetes.io/arch", "moon")]);
        let none = NoChoice::NoOffering { allowed: 0 };
        assert_eq!(chosen(&moon, 0), Err(none));
    }

    #[test]
    fn an_offering_with_other_capacity_is_taken_for_claims_that_need_it() {
        let offering = |price: f64, device: &str| {
            let zone = if device.is_empty() { "a" } else { "b" };
            serde_json::json!({"Price": price, "CapacityOverride": device_list(device),
            "Requirements": [
                {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]},
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]},
            ]})
        };
        let file = serde_json::json!([{"name": "m", "architecture": "amd64",
            "operatingSystems": ["linux"], "resources": {"cpu": "4"},
            "offerings": [offering(1.0, ""), offering(2.0, "1")]}]);
        let catalog = catalog::file::parse(file.to_string().as_bytes()).expect("a catalog");
        let zone = |requests: &ResourceList| {
            let asked = (&asking([types(&["m"])]), requests);
            let choice = choose(&catalog, &catalog.vocabulary(), asked, 0);
            choice.map(|choice| choice.offering.zone.to_string())
        };
        let requests = |devices: &str| {
            let list = serde_json::from_value(device_list(devices));
            list.expect("a list of resources")
        };
        assert_eq!(zone(&requests("")), Ok("a".to_owned()));
        assert_eq!(zone(&requests("1")), Ok("b".to_owned()));
        let none = NoChoice::NoOffering { allowed: 1 };
        assert_eq!(zone(&requests("2")), Err(none));
    }

    fn device_list(devices: &str) -> serde_json::Value {
        if devices.is_empty() {
            serde_json::json!({})
        } else {
            serde_json::json!({"x.com/device": devices})
        }
    }

    #[test]
    fn a_claim_with_impossible_types_gets_a_reason() {
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
