//! Which types are worth asking for, and with which of their offerings.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::labels;
use catalog::choose::{compatible_offerings, order_by_price, types_for_min_values};
use catalog::{CapacityType, InstanceType, Offering, Price};
use model::{ResourceList, resources};
use requirements::{AllowUndefined, Vocabulary};

use super::{LaunchError, Wanted, reservation_of};
use crate::reservations::{CAPACITY_BLOCK, DEFAULT};
use crate::resources::EXOTIC;
use crate::template::Reservation;

/// Most types that a fleet is asked for.
pub const MAX_TYPES: usize = 60;

/// What happens where `minValues` can't be met by the types that are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinValues {
    /// The launch fails.
    #[default]
    Strict,
    /// Whoever made the claim has seen to it.
    BestEffort,
}

/// What a launch asks for.
#[derive(Clone, Debug, Default)]
pub struct Filtered {
    /// Types, the cheapest first, with the offerings that may be used.
    pub types: Vec<Arc<InstanceType>>,
    /// Types that were left out, for the log. Those that just do not fit are not in it.
    pub rejected: Vec<Rejected>,
}

/// Types that a rule has left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The rule.
    pub rule: Rule,
    /// Names of the types.
    pub types: Vec<Arc<str>>,
}

/// A rule that leaves types out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Does what is asked for, and can be had.
    CompatibleAvailable,
    /// One kind of reservations.
    CapacityReservationType,
    /// One capacity block.
    CapacityBlock,
    /// Reservations before anything else.
    ReservedOffering,
    /// Devices that were not asked for.
    Exotic,
    /// Spot that is dearer than on-demand.
    Spot,
}

impl Rule {
    /// Its name in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CompatibleAvailable => "compatible-available-filter",
            Self::CapacityReservationType => "capacity-reservation-type-filter",
            Self::CapacityBlock => "capacity-block-filter",
            Self::ReservedOffering => "reserved-offering-filter",
            Self::Exotic => "exotic-instance-type-filter",
            Self::Spot => "spot-instance-filter",
        }
    }
}

/// Kinds of reservations, and whether EC2 may take their capacity away, by preference.
const KINDS: [(&str, bool); 3] = [(DEFAULT, false), (CAPACITY_BLOCK, false), (DEFAULT, true)];

type Types = Vec<Arc<InstanceType>>;

/// Leaves the types that a launch is to ask for: at most [`MAX_TYPES`], the cheapest first.
pub fn filter(
    types: &[Arc<InstanceType>],
    wanted: &Wanted,
    vocabulary: &Vocabulary,
    min_values: MinValues,
) -> Result<Filtered, LaunchError> {
    let rules = Rules { wanted, vocabulary };
    let mut filtered = Filtered {
        types: rules.compatible_available(types),
        rejected: Vec::new(),
    };
    let steps = [
        Rule::CapacityReservationType,
        Rule::CapacityBlock,
        Rule::ReservedOffering,
        Rule::Exotic,
        Rule::Spot,
    ];
    for rule in steps {
        if let Some(kept) = rules.apply(rule, &filtered.types) {
            filtered.keep(rule, kept);
        }
    }
    if filtered.types.is_empty() {
        let text = "all requested instance types were unavailable during launch";
        return Err(LaunchError::InsufficientCapacity(text.to_owned()));
    }
    rules.truncate(&mut filtered.types, min_values)?;
    Ok(filtered)
}

impl Filtered {
    fn keep(&mut self, rule: Rule, kept: Types) {
        let before = std::mem::replace(&mut self.types, kept);
        let kept: BTreeSet<&str> = self.types.iter().map(|one| &*one.name).collect();
        let gone = before.iter().filter(|one| !kept.contains(&*one.name));
        let types: Vec<Arc<str>> = gone.map(|one| one.name.clone()).collect();
        if !types.is_empty() {
            self.rejected.push(Rejected { rule, types });
        }
    }
}

/// The rules, for one claim. Each returns what it leaves, or none if it does not apply.
struct Rules<'a> {
    wanted: &'a Wanted,
    vocabulary: &'a Vocabulary,
}

impl Rules<'_> {
    fn apply(&self, rule: Rule, types: &[Arc<InstanceType>]) -> Option<Types> {
        match rule {
            Rule::CompatibleAvailable => Some(self.compatible_available(types)),
            Rule::CapacityReservationType => self.reservation_type(types),
            Rule::CapacityBlock => self.capacity_block(types),
            Rule::ReservedOffering => self.reserved_offering(types),
            Rule::Exotic => self.exotic(types),
            Rule::Spot => self.spot(types),
        }
    }

    /// Available offerings that will do.
    fn usable<'t>(&self, instance_type: &'t InstanceType) -> impl Iterator<Item = &'t Offering> {
        compatible_offerings(instance_type, &self.wanted.requirements, self.vocabulary)
    }

    fn has_usable(&self, instance_type: &InstanceType, capacity_type: CapacityType) -> bool {
        let mut usable = self.usable(instance_type);
        usable.any(|offering| offering.capacity_type == capacity_type)
    }

    /// Reservations that will do, with their offering.
    fn reserved<'t>(
        &self,
        instance_type: &'t InstanceType,
    ) -> impl Iterator<Item = (&'t Offering, Reservation)> {
        self.usable(instance_type)
            .filter(|offering| offering.capacity_type == CapacityType::Reserved)
            .filter_map(|offering| Some((offering, reservation_of(offering)?)))
    }

    fn compatible_available(&self, types: &[Arc<InstanceType>]) -> Types {
        let allowed = AllowUndefined::WellKnown(self.vocabulary);
        let wanted = self.wanted;
        let fits_in = |allocatable: &ResourceList| resources::fits(&wanted.requests, allocatable);
        let fits = |instance_type: &&Arc<InstanceType>| {
            if !wanted
                .requirements
                .is_compatible(&instance_type.requirements, &allowed)
            {
                return false;
            }
            let plain = fits_in(&instance_type.allocatable());
            self.usable(instance_type)
                .any(|offering| match offering.overrides {
                    Some(_) => fits_in(&instance_type.allocatable_of(offering)),
                    None => plain,
                })
        };
        types.iter().filter(fits).cloned().collect()
    }

    /// One fleet can use one kind of reservations: the kind with the cheapest offering.
    fn reservation_type(&self, types: &[Arc<InstanceType>]) -> Option<Types> {
        if !self.wanted.allows(CapacityType::Reserved) {
            return None;
        }
        let price_of = |(kind, interruptible): (&str, bool)| -> Option<Price> {
            let all = types.iter().flat_map(|one| self.reserved(one));
            let matching = all.filter(|(_, r)| r.kind == kind && r.interruptible == interruptible);
            matching.map(|(offering, _)| offering.price).min()
        };
        let priced = KINDS
            .into_iter()
            .filter_map(|kind| Some((price_of(kind)?, kind)));
        let (_, (kind, interruptible)) = priced.min_by_key(|(price, _)| *price)?;
        Some(keep_offerings(types, |instance_type| {
            self.reserved(instance_type)
                .filter(|(_, r)| r.kind == kind && r.interruptible == interruptible)
                .map(|(offering, _)| offering.clone())
                .collect()
        }))
    }

    /// A fleet can use one capacity block: the cheapest.
    fn capacity_block(&self, types: &[Arc<InstanceType>]) -> Option<Types> {
        if !self.wanted.allows(CapacityType::Reserved) {
            return None;
        }
        let mut offerings = types.iter().flat_map(|one| &one.offerings);
        let first = offerings.find_map(reservation_of);
        if !first.is_some_and(|reservation| reservation.is_block()) {
            return None;
        }
        let all = types
            .iter()
            .flat_map(|one| self.reserved(one).map(move |reserved| (one, reserved)));
        let blocks = all.filter(|(_, (_, reservation))| reservation.is_block());
        let (cheapest, (offering, _)) = blocks.min_by_key(|(one, (offering, reservation))| {
            let price = offering.price;
            (price, one.name.clone(), reservation.id.clone())
        })?;
        let only = InstanceType {
            offerings: vec![offering.clone()],
            ..InstanceType::clone(cheapest)
        };
        Some(vec![Arc::new(only)])
    }

    /// Where there is room in a reservation, only that is used; in each zone the one with the most.
    fn reserved_offering(&self, types: &[Arc<InstanceType>]) -> Option<Types> {
        if !self.wanted.allows(CapacityType::Reserved) {
            return None;
        }
        let kept = keep_offerings(types, |instance_type| {
            let mut by_zone: BTreeMap<&str, (&Offering, Reservation)> = BTreeMap::new();
            for (offering, reservation) in self.reserved(instance_type) {
                let room = |of: &Offering| of.reservation_capacity.unwrap_or(0);
                let better = by_zone.get(&*offering.zone).is_none_or(|(best, id)| {
                    (room(offering), &id.id) > (room(best), &reservation.id)
                });
                if better {
                    by_zone.insert(&offering.zone, (offering, reservation));
                }
            }
            by_zone.into_values().map(|(one, _)| one.clone()).collect()
        });
        (!kept.is_empty()).then_some(kept)
    }

    /// Metal and devices are for those that ask for them, or whom nothing else is left.
    fn exotic(&self, types: &[Arc<InstanceType>]) -> Option<Types> {
        if self.wanted.requirements.has_min_values() {
            return None;
        }
        let plain = types.iter().filter(|one| !is_exotic(one));
        let plain: Types = plain.cloned().collect();
        (!plain.is_empty()).then_some(plain)
    }

    /// Spot is not worth more than what stays.
    fn spot(&self, types: &[Arc<InstanceType>]) -> Option<Types> {
        let wanted = self.wanted;
        let both = wanted.allows(CapacityType::Spot) && wanted.allows(CapacityType::OnDemand);
        if !both || wanted.requirements.has_min_values() {
            return None;
        }
        if !types
            .iter()
            .any(|one| self.has_usable(one, CapacityType::Spot))
        {
            return None;
        }
        let all = types.iter().flat_map(|one| self.usable(one));
        let on_demand = all.filter(|one| one.capacity_type == CapacityType::OnDemand);
        let limit = on_demand.map(|one| one.price).min()?;
        let kept = keep_offerings(types, |instance_type| {
            let offerings = instance_type.offerings.iter();
            let cheap =
                |one: &&Offering| one.capacity_type != CapacityType::Spot || one.price <= limit;
            offerings.filter(cheap).cloned().collect()
        });
        let usable = kept
            .into_iter()
            .filter(|one| self.usable(one).next().is_some());
        Some(usable.collect())
    }

    fn truncate(&self, types: &mut Types, min_values: MinValues) -> Result<(), LaunchError> {
        let requirements = &self.wanted.requirements;
        order_by_price(types, requirements, self.vocabulary);
        types.truncate(MAX_TYPES);
        if min_values == MinValues::BestEffort {
            return Ok(());
        }
        let listed = types.iter().map(|one| &**one);
        types_for_min_values(listed, requirements).map_err(|unmet| {
            LaunchError::InsufficientCapacity(format!(
                "truncating instance types based on the passed-in requirements, {unmet}"
            ))
        })?;
        Ok(())
    }
}

/// Types with those of their offerings that are chosen; without those of which none is.
fn keep_offerings(
    types: &[Arc<InstanceType>],
    choose: impl Fn(&InstanceType) -> Vec<Offering>,
) -> Types {
    let kept = types.iter().filter_map(|instance_type| {
        let offerings = choose(instance_type);
        if offerings.is_empty() {
            return None;
        }
        if offerings.len() == instance_type.offerings.len() {
            return Some(instance_type.clone());
        }
        Some(Arc::new(InstanceType {
            offerings,
            ..InstanceType::clone(instance_type)
        }))
    });
    kept.collect()
}

fn is_exotic(instance_type: &InstanceType) -> bool {
    let size = instance_type.requirements.get(labels::AWS_INSTANCE_SIZE);
    let metal = size.is_some_and(|size| size.values().iter().any(|value| value.contains("metal")));
    let amount = |resource: &&str| resources::get(&instance_type.capacity, resource);
    metal || EXOTIC.iter().any(|resource| !amount(resource).is_zero())
}
