//! How a launch is to be paid for and where it may land.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::labels;
use catalog::choose::compatible_offerings;
use catalog::{CapacityType, InstanceType, Offering};
use requirements::{Requirement, Requirements, Vocabulary};

use super::{Wanted, reservation_of};
use crate::ec2::{FleetConfig, FleetOverride};
use crate::subnets::Choices;
use crate::template::Reservation;

/// A launch template that a fleet may use, and for what.
#[derive(Clone, Debug)]
pub struct TemplateUse {
    /// Its name.
    pub name: String,
    /// The image.
    pub image_id: String,
    /// The types.
    pub types: Vec<Arc<InstanceType>>,
    /// The reservation that its instances come from.
    pub reservation: Option<Reservation>,
    /// The one zone that it is for, whose subnet it then says itself.
    pub zone: Option<String>,
}

/// How the launch is paid for: from reservations if some can be used, else as spot if some can be
/// had, else on demand.
pub fn capacity_type(
    types: &[Arc<InstanceType>],
    wanted: &Wanted,
    vocabulary: &Vocabulary,
) -> CapacityType {
    let had = |capacity_type: &CapacityType| {
        wanted.allows(*capacity_type)
            && types.iter().any(|instance_type| {
                compatible_offerings(instance_type, &wanted.requirements, vocabulary)
                    .any(|offering| offering.capacity_type == *capacity_type)
            })
    };
    [CapacityType::Reserved, CapacityType::Spot]
        .into_iter()
        .find(had)
        .unwrap_or(CapacityType::OnDemand)
}

/// `default` unless the claim wants machines of its own.
pub fn tenancy(wanted: &Wanted) -> &'static str {
    let tenancy = wanted.requirements.get(labels::AWS_INSTANCE_TENANCY);
    if tenancy.is_none_or(|tenancy| tenancy.has("default")) {
        "default"
    } else {
        "dedicated"
    }
}

/// The partition of a placement group that the launch is for: of those that the claim names the
/// first in alphabetical order that something can be had in; if nothing can, the first. None where
/// the claim leaves it open.
pub fn partition(
    types: &[Arc<InstanceType>],
    wanted: &Wanted,
    vocabulary: &Vocabulary,
) -> Option<String> {
    let requirement = wanted.requirements.get(labels::PLACEMENT_GROUP_PARTITION)?;
    if requirement.is_complement() {
        return None;
    }
    let mut named: Vec<&str> = requirement.values().iter().map(|value| &**value).collect();
    named.sort_unstable();
    let had = |partition: &&&str| {
        let narrowed = narrowed(wanted, None, Some(partition));
        types.iter().any(|one| {
            let mut offerings = compatible_offerings(one, &narrowed, vocabulary);
            offerings.next().is_some()
        })
    };
    let found = named.iter().find(had).or(named.first());
    found.map(|partition| (*partition).to_owned())
}

fn narrowed(
    wanted: &Wanted,
    capacity_type: Option<CapacityType>,
    partition: Option<&str>,
) -> Requirements {
    let mut requirements = wanted.requirements.clone();
    if let Some(capacity_type) = capacity_type {
        let only = Requirement::single(labels::CAPACITY_TYPE, capacity_type.as_str());
        requirements.add(only);
    }
    if let Some(partition) = partition {
        requirements.add(Requirement::single(
            labels::PLACEMENT_GROUP_PARTITION,
            partition,
        ));
    }
    requirements
}

/// What a fleet may launch from each template: a type in each zone that has a subnet, at its
/// cheapest, ordered by price, type and zone. Templates from which nothing can be launched are left
/// out.
pub fn configs(
    templates: &[TemplateUse],
    choices: &Choices,
    wanted: &Wanted,
    capacity_type: CapacityType,
    partition: Option<&str>,
    vocabulary: &Vocabulary,
) -> Vec<FleetConfig> {
    let requirements = narrowed(wanted, Some(capacity_type), partition);
    let configs = templates.iter().map(|template| {
        let mut places: BTreeMap<(&str, &str), &Offering> = BTreeMap::new();
        for instance_type in &template.types {
            let offerings = compatible_offerings(instance_type, &requirements, vocabulary);
            for offering in offerings.filter(|offering| serves(template, offering)) {
                let place = (&*instance_type.name, &*offering.zone);
                let kept = places.entry(place).or_insert(offering);
                if offering.price < kept.price {
                    *kept = offering;
                }
            }
        }
        let overrides = places.into_iter().filter_map(|((name, zone), offering)| {
            let subnet = match template.zone {
                Some(_) => None,
                None => Some(choices.get(zone)?.id.clone()),
            };
            Some(FleetOverride {
                instance_type: name.to_owned(),
                subnet_id: subnet,
                image_id: Some(template.image_id.clone()),
                zone: Some(zone.to_owned()),
                priority: Some(offering.price),
            })
        });
        let mut overrides: Vec<FleetOverride> = overrides.collect();
        overrides.sort_by(|a, b| {
            let key = |one: &FleetOverride| (one.priority, one.instance_type.clone());
            (key(a), &a.zone).cmp(&(key(b), &b.zone))
        });
        FleetConfig {
            template: template.name.clone(),
            overrides,
        }
    });
    configs
        .filter(|config| !config.overrides.is_empty())
        .collect()
}

/// Whether the template is for this offering.
fn serves(template: &TemplateUse, offering: &Offering) -> bool {
    let zone = template.zone.as_deref();
    if zone.is_some_and(|zone| zone != &*offering.zone) {
        return false;
    }
    match &template.reservation {
        None => true,
        Some(reservation) => reservation_of(offering).as_ref() == Some(reservation),
    }
}
