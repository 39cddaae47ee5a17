//! The offerings of a class' types: plain ones in every zone of the region, those of reservations,
//! and each of them once for each partition of the placement group.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::ec2nodeclass::CapacityReservation;
use api::labels;
use catalog::ec2::{Machine, Plain, Zone, plain_offerings};
use catalog::{CapacityType, Interner, Offering, Price};
use requirements::{Requirement, Requirements};

use super::{Market, Region, Setup, ZoneSet};
use crate::placement::partitions;
use crate::reservations::EXPIRING;
use crate::unavailable::Wanted;

/// A reserved price is the list price divided by this: cheaper than all others, and in their order.
const RESERVED: u64 = 10_000_000;

/// Everything that offerings are made of and machines share.
#[derive(Clone, Debug)]
pub(super) struct Stock {
    zones: Vec<StockZone>,
    plain: Vec<(Plain, Option<u32>)>,
    reserved: Vec<Reserved>,
    group: Option<String>,
}

/// A zone of the region as a class sees it.
#[derive(Clone, Debug)]
struct StockZone {
    name: String,
    id: Option<String>,
    subnets: Vec<String>,
}

/// A reservation, in one of the partitions.
#[derive(Clone, Debug)]
struct Reserved {
    /// Position of the reservation among those of the setup.
    position: usize,
    id: String,
    zone: Arc<str>,
    /// Position of its zone; none if the region has no such zone.
    zone_position: Option<usize>,
    zone_id: Option<String>,
    expiring: bool,
    requirements: Arc<Requirements>,
}

/// What of a type its offerings depend on.
#[derive(Clone, Debug)]
pub(super) struct Seller<'a> {
    pub(super) machine: &'a Machine,
    /// Zones that offer it and have a subnet.
    pub(super) zones: ZoneSet,
    /// Whether the class can use it at all.
    pub(super) usable: bool,
    /// Positions of the reservations that are for it.
    pub(super) reservations: &'a [usize],
}

impl Stock {
    pub(super) fn new(region: &Region, setup: &Setup, interner: &mut Interner) -> Self {
        let zone = |name: &String| {
            let own = setup.zones.get(name);
            StockZone {
                name: name.clone(),
                id: own.and_then(|zone| zone.id.clone()),
                subnets: own.map(|zone| zone.subnets.clone()).unwrap_or_default(),
            }
        };
        let zones: Vec<StockZone> = region.zones().iter().map(zone).collect();
        let places: Vec<Zone> = zones.iter().map(StockZone::place).collect();
        let mut stock = Self {
            plain: Vec::new(),
            reserved: Vec::new(),
            group: setup.group.as_ref().map(|group| group.id.clone()),
            zones,
        };
        let numbers: Vec<u32> = setup.group.iter().flat_map(partitions).collect();
        for plain in plain_offerings(&places, interner) {
            for partition in copies(&numbers) {
                let requirements = within(&plain.requirements, partition, interner);
                let plain = Plain {
                    requirements,
                    ..plain.clone()
                };
                stock.plain.push((plain, partition));
            }
        }
        for (position, reservation) in setup.reservations.iter().enumerate() {
            let one = stock.reserved(position, reservation, interner);
            for partition in copies(&numbers) {
                let requirements = within(&one.requirements, partition, interner);
                stock.reserved.push(Reserved {
                    requirements,
                    ..one.clone()
                });
            }
        }
        stock
    }

    /// The zones, with the ids that the class knows.
    pub(super) fn places(&self) -> Vec<Zone> {
        self.zones.iter().map(StockZone::place).collect()
    }

    /// The zones with subnets.
    pub(super) fn with_subnets(&self) -> ZoneSet {
        let zones = self.zones.iter().enumerate();
        zones
            .filter(|(_, zone)| !zone.subnets.is_empty())
            .map(|(position, _)| position)
            .collect()
    }

    fn reserved(
        &self,
        position: usize,
        reservation: &CapacityReservation,
        interner: &mut Interner,
    ) -> Reserved {
        let zone = &reservation.availability_zone;
        let zone_position = self.zones.iter().position(|known| known.name == *zone);
        let zone_id = zone_position.and_then(|at| self.zones[at].id.clone());
        let interruptible = reservation.interruptible.to_string();
        let mut set: Requirements = [
            (labels::CAPACITY_TYPE, labels::RESERVED),
            (labels::ZONE, zone),
            (labels::CAPACITY_RESERVATION_ID, &reservation.id),
            (
                labels::CAPACITY_RESERVATION_TYPE,
                &reservation.reservation_type,
            ),
            (labels::CAPACITY_RESERVATION_INTERRUPTIBLE, &interruptible),
        ]
        .into_iter()
        .map(|(key, value)| Requirement::single(key, value))
        .collect();
        let id = zone_id.as_deref();
        set.extend(id.map(|id| Requirement::single(labels::AWS_ZONE_ID, id)));
        Reserved {
            position,
            id: reservation.id.clone(),
            zone: interner.get(zone),
            zone_position,
            zone_id,
            expiring: reservation.state == EXPIRING,
            requirements: Arc::new(interner.share(&set)),
        }
    }

    /// The offerings of a machine.
    pub(super) fn offerings(&self, seller: &Seller<'_>, market: &Market<'_>) -> Vec<Offering> {
        let mut offerings = self.plain_of(seller, market);
        if !seller.reservations.is_empty() {
            offerings.extend(self.reserved_of(seller, market));
        }
        for further in market.further {
            offerings = further.offerings(seller.machine, offerings);
        }
        offerings
    }

    fn plain_of(&self, seller: &Seller<'_>, market: &Market<'_>) -> Vec<Offering> {
        let machine = seller.machine;
        let on_demand = market.prices.on_demand(&machine.name);
        let spot = market.prices.spot_of(&machine.name);
        let instead = market.overlay_prices.get(&machine.name).copied();
        let marks = market.marks.of_type(&machine.name);
        let sold = self.plain.iter();
        let sold = sold.filter(|(plain, _)| machine.usage.has(plain.capacity_type));
        sold.map(|(plain, partition)| {
            let zone = &self.zones[plain.position];
            let price = match plain.capacity_type {
                CapacityType::Spot => spot.in_zone(&zone.name),
                CapacityType::OnDemand | CapacityType::Reserved => on_demand,
            };
            let price = price.or(instead);
            let wanted = Wanted {
                capacity_type: plain.capacity_type,
                zone: &zone.name,
                subnets: &zone.subnets,
                group: self.group.as_deref().map(|group| (group, *partition)),
            };
            let available = seller.usable
                && price.is_some()
                && seller.zones.has(plain.position)
                && !is_shifted(zone.id.as_ref(), market.shifted)
                && !marks.is_unavailable(&wanted, market.now);
            let price = price.unwrap_or_default();
            offering(
                &plain.requirements,
                &plain.zone,
                plain.capacity_type,
                price,
                available,
            )
        })
        .collect()
    }

    fn reserved_of<'a>(
        &'a self,
        seller: &'a Seller<'a>,
        market: &'a Market<'a>,
    ) -> impl Iterator<Item = Offering> + 'a {
        let own = self.reserved.iter();
        let own = own.filter(|one| seller.reservations.contains(&one.position));
        let list = market.prices.on_demand(&seller.machine.name);
        let price = list.unwrap_or_default().scaled(1, RESERVED);
        own.map(move |one| {
            let left = (market.available)(&one.id);
            let available = seller.usable
                && left > 0
                && one.zone_position.is_some_and(|zone| seller.zones.has(zone))
                && !one.expiring
                && !is_shifted(one.zone_id.as_ref(), market.shifted);
            Offering {
                reservation_capacity: Some(left),
                ..offering(
                    &one.requirements,
                    &one.zone,
                    CapacityType::Reserved,
                    price,
                    available,
                )
            }
        })
    }
}

impl StockZone {
    fn place(&self) -> Zone {
        Zone {
            name: self.name.clone(),
            id: self.id.clone(),
        }
    }
}

fn is_shifted(zone_id: Option<&String>, shifted: &BTreeSet<String>) -> bool {
    zone_id.is_some_and(|id| shifted.contains(id))
}

fn offering(
    requirements: &Arc<Requirements>,
    zone: &Arc<str>,
    capacity_type: CapacityType,
    price: Price,
    available: bool,
) -> Offering {
    Offering {
        requirements: requirements.clone(),
        zone: zone.clone(),
        capacity_type,
        price,
        available,
        reservation_capacity: None,
        price_overlaid: false,
        overrides: None,
    }
}

/// One for each partition, or one for none.
fn copies(partitions: &[u32]) -> Vec<Option<u32>> {
    match partitions {
        [] => vec![None],
        partitions => partitions.iter().copied().map(Some).collect(),
    }
}

fn within(
    requirements: &Arc<Requirements>,
    partition: Option<u32>,
    interner: &mut Interner,
) -> Arc<Requirements> {
    let Some(partition) = partition else {
        return requirements.clone();
    };
    let mut set = Requirements::clone(requirements);
    let (key, value) = (labels::PLACEMENT_GROUP_PARTITION, partition.to_string());
    set.set(Requirement::single(interner.get(key), interner.get(&value)));
    Arc::new(set)
}
