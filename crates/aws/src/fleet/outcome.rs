//! What the answer of a fleet means: for the claim that it was asked for, and for launches to come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use catalog::{CapacityType, InstanceType};
use model::Timestamp;

use super::choose::TemplateUse;
use super::{LaunchError, reservation_of};
use crate::Tags;
use crate::ec2::{
    FleetError, FleetInstance, FleetOutput, Instance, InstanceState, Market, Placement,
    PlacementGroup, ReservationPreference,
};
use crate::failure::{INSUFFICIENT_ADDRESSES, SPOT_ROLE_MISSING, UNFULFILLABLE, explain};
use crate::instance::SPOT;
use crate::subnets::Choices;
use crate::template::{Reservation, efa_interfaces};
use crate::unavailable::{Group, Mark};

/// What EC2 says of a placement group in which every host or rack has its instance.
const SPREAD_IS_FULL: &str = "limit of instances in this spread placement group";

/// What was asked for, as far as the answer is read by it.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// How it was to be paid for.
    pub capacity_type: CapacityType,
    /// The templates that could be used.
    pub templates: &'a [TemplateUse],
    /// The subnets.
    pub choices: &'a Choices,
    /// Where it was to be put.
    pub placement: &'a Placement,
    /// The placement group that the class has, as EC2 tells it.
    pub group: Option<&'a PlacementGroup>,
    /// Tags.
    pub tags: &'a Tags,
    /// Whether instances have the EFA interfaces of their type.
    pub has_efa: bool,
}

/// What the errors of a fleet change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// What is not to be tried for a while.
    pub marks: BTreeSet<Mark>,
    /// Reservations in which there is no room.
    pub emptied: BTreeSet<String>,
    /// What could not be launched, once for each error.
    pub failures: Vec<FailedOffering>,
    /// Whether the account lacks the role for spot, which the claim's events are to say.
    pub is_spot_role_missing: bool,
}

impl Effects {
    /// Subnets that are full.
    pub fn full_subnets(&self) -> impl Iterator<Item = &str> {
        self.marks.iter().filter_map(|mark| match mark {
            Mark::Subnet(id) => Some(id.as_str()),
            Mark::Offering { .. } | Mark::CapacityType(_) => None,
        })
    }
}

/// Something that could not be launched, as metrics count it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedOffering {
    /// Name of the zone.
    pub zone: String,
    /// Its id; empty if not known.
    pub zone_id: String,
    /// How it was to be paid for.
    pub capacity_type: CapacityType,
    /// Why.
    pub reason: &'static str,
}

/// An instance that was launched.
#[derive(Clone, Debug, PartialEq)]
pub struct Launched {
    /// The instance, as EC2 will tell of it; [`crate::instance`] says what that means.
    pub instance: Instance,
    /// Whether it is in a placement group that has partitions.
    pub has_partitions: bool,
}

/// What the errors of a fleet change. To be performed once for each answer of EC2, however many
/// claims it was for.
pub fn effects(errors: &[FleetError], asked: &Asked<'_>) -> Effects {
    let mut effects = Effects::default();
    for error in errors {
        effects.add(error, asked);
    }
    effects
}

impl Effects {
    fn add(&mut self, error: &FleetError, asked: &Asked<'_>) {
        let zone = error.failed.zone.as_deref().unwrap_or_default();
        let zone_id = asked.choices.get(zone).map(|choice| choice.zone_id.clone());
        self.failures.push(FailedOffering {
            zone: zone.to_owned(),
            zone_id: zone_id.unwrap_or_default(),
            capacity_type: asked.capacity_type,
            reason: explain(&text(error)).reason,
        });
        if error.code == INSUFFICIENT_ADDRESSES
            && let Some(id) = &error.failed.subnet_id
        {
            self.marks.insert(Mark::Subnet(id.clone()));
        }
        let is_reserved = asked.capacity_type == CapacityType::Reserved;
        if error.code == SPOT_ROLE_MISSING && !is_reserved {
            self.marks.insert(Mark::CapacityType(CapacityType::Spot));
            self.is_spot_role_missing = true;
        }
        if !is_unfulfillable(error) {
            return;
        }
        let spread_is_full = asked.group.is_some() && error.message.contains(SPREAD_IS_FULL);
        match (is_reserved, spread_is_full) {
            (true, true) => {}
            (true, false) => self.empty_reservation(error, zone, asked),
            (false, true) => self.mark_spread(zone, asked),
            (false, false) => {
                let group = group(asked, asked.placement.partition);
                self.mark(&error.failed.instance_type, zone, asked, group);
            }
        }
    }

    fn empty_reservation(&mut self, error: &FleetError, zone: &str, asked: &Asked<'_>) {
        let failed = error.failed.instance_type.as_str();
        self.emptied
            .extend(reservations(asked, failed, zone).map(|one| one.id));
    }

    /// A type more or less does not help: all of them are full.
    fn mark_spread(&mut self, zone: &str, asked: &Asked<'_>) {
        let types: BTreeSet<&Arc<str>> = types(asked).map(|one| &one.name).collect();
        for instance_type in types {
            self.mark(instance_type, zone, asked, group(asked, None));
        }
    }

    fn mark(&mut self, instance_type: &str, zone: &str, asked: &Asked<'_>, group: Option<Group>) {
        let mark = Mark::Offering {
            capacity_type: asked.capacity_type,
            instance_type: instance_type.to_owned(),
            zone: zone.to_owned(),
            group,
        };
        self.marks.insert(mark);
    }
}

fn types<'a>(asked: &Asked<'a>) -> impl Iterator<Item = &'a Arc<InstanceType>> {
    asked.templates.iter().flat_map(|template| &template.types)
}

fn group(asked: &Asked<'_>, partition: Option<i32>) -> Option<Group> {
    asked.group.map(|group| Group {
        id: group.id.clone(),
        partition: partition.and_then(|partition| u32::try_from(partition).ok()),
    })
}

/// Reservations that a type in a zone was to come from.
fn reservations<'a>(
    asked: &Asked<'a>,
    instance_type: &str,
    zone: &str,
) -> impl Iterator<Item = Reservation> + use<'a> {
    let (name, zone) = (instance_type.to_owned(), zone.to_owned());
    asked.templates.iter().filter_map(move |template| {
        let reservation = template.reservation.clone()?;
        let mut types = template.types.iter().filter(|one| *one.name == *name);
        let is_from = types.any(|one| {
            let mut here = one.offerings.iter().filter(|one| *one.zone == *zone);
            here.any(|offering| reservation_of(offering).as_ref() == Some(&reservation))
        });
        is_from.then_some(reservation)
    })
}

fn text(error: &FleetError) -> String {
    format!("{}: {}", error.code, error.message)
}

fn is_unfulfillable(error: &FleetError) -> bool {
    UNFULFILLABLE.contains(&error.code.as_str())
}

/// The instance that a claim gets, or why it gets none.
pub fn outcome(
    output: &FleetOutput,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<Launched, LaunchError> {
    let first = output.instances.iter().find_map(|instances| {
        let id = instances.ids.first()?;
        Some((id, instances))
    });
    match first {
        Some((id, instances)) => Ok(launched(id, instances, asked, now)),
        None => Err(refusal(&output.errors)),
    }
}

fn refusal(errors: &[FleetError]) -> LaunchError {
    let mut texts: BTreeMap<String, usize> = BTreeMap::new();
    for (at, error) in errors.iter().enumerate() {
        texts.entry(text(error)).or_insert(at);
    }
    let mut distinct: Vec<(usize, String)> =
        texts.into_iter().map(|(text, at)| (at, text)).collect();
    distinct.sort_unstable();
    let distinct: Vec<String> = distinct.into_iter().map(|(_, text)| text).collect();
    let combined = distinct.join("; ");
    let elsewhere = |error: &FleetError| is_unfulfillable(error) || error.code == SPOT_ROLE_MISSING;
    if errors.iter().all(elsewhere) {
        return LaunchError::InsufficientCapacity(format!("with fleet error(s), {combined}"));
    }
    LaunchError::explained("", explain(&combined))
}

fn launched(id: &str, from: &FleetInstance, asked: &Asked<'_>, now: Timestamp) -> Launched {
    let zone = from.chosen.zone.clone().unwrap_or_default();
    let reservation = match asked.capacity_type {
        CapacityType::Reserved => reservations(asked, &from.instance_type, &zone).next(),
        CapacityType::Spot | CapacityType::OnDemand => None,
    };
    let instance_type = types(asked).find(|one| *one.name == *from.instance_type);
    let efa = instance_type.filter(|_| asked.has_efa);
    let efa = efa.map_or(0, |one| usize::try_from(efa_interfaces(one)).unwrap_or(0));
    let subnet = from.chosen.subnet_id.clone();
    let chosen = asked.choices.get(&zone);
    let placement = asked.placement;
    let partition = placement.partition;
    Launched {
        instance: Instance {
            id: id.to_owned(),
            instance_type: from.instance_type.clone(),
            image_id: from.chosen.image_id.clone().unwrap_or_default(),
            state: InstanceState::Pending,
            launched: Some(now),
            zone_id: chosen.map(|one| one.zone_id.clone()).unwrap_or_default(),
            zone,
            subnet_id: subnet.unwrap_or_default(),
            lifecycle: lifecycle(asked.capacity_type, reservation.as_ref()).to_owned(),
            reservation_preference: reservation
                .as_ref()
                .map(|_| ReservationPreference::Only.as_str().to_owned()),
            reservation_id: reservation.map(|one| one.id),
            tenancy: placement.tenancy.clone(),
            placement_group_id: placement.group_id.clone(),
            partition: partition.and_then(|number| u32::try_from(number).ok()),
            interfaces: vec!["efa".to_owned(); efa],
            tags: asked.tags.clone(),
            ..Instance::default()
        },
        has_partitions: asked.group.is_some_and(|one| one.strategy == "partition"),
    }
}

/// The lifecycle that EC2 gives an instance.
fn lifecycle(capacity_type: CapacityType, reservation: Option<&Reservation>) -> &'static str {
    match capacity_type {
        CapacityType::Spot => SPOT,
        CapacityType::OnDemand | CapacityType::Reserved => reservation
            .and_then(Reservation::market)
            .map_or("", Market::as_str),
    }
}
