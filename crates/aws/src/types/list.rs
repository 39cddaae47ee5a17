//! The list of a class' types, kept and brought up to date.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use api::labels;
use catalog::ec2::{self, Kubelet, Machine, NodeSettings, Place};
use catalog::{InstanceType, Interner, Offering};
use model::resources::MEMORY;
use model::{Quantity, Timestamp};
use requirements::{Requirement, Requirements};

use super::offerings::{Seller, Stock};
use super::{Discovered, ListError, OverlayPrices, Region, Setup, ZoneSet, compatible};
use crate::placement;
use crate::pricing::Prices;
use crate::unavailable::Unavailable;

/// What settings of the kubelet come to on a type, or what is wrong with them.
pub type KubeletOf<'a> = dyn Fn(&Machine, &NodeSettings) -> Result<Kubelet, String> + 'a;

/// Something that changes offerings in a way of its own, after all others.
pub trait Further: Send + Sync + fmt::Debug {
    /// Grows whenever its answers change.
    fn changes(&self) -> u64;
    /// The offerings of a machine, from what they would be without it.
    fn offerings(&self, machine: &Machine, offerings: Vec<Offering>) -> Vec<Offering>;
}

/// What offerings depend on and changes from minute to minute.
#[derive(Clone, Copy)]
pub struct Market<'a> {
    /// Prices.
    pub prices: &'a Prices,
    /// What could not be had lately; what is over has been swept.
    pub marks: &'a Unavailable,
    /// Ids of zones that are shifted away from.
    pub shifted: &'a BTreeSet<String>,
    /// Prices for what has none.
    pub overlay_prices: &'a OverlayPrices,
    /// Instances that are left in a reservation, by its id.
    pub available: &'a dyn Fn(&str) -> u32,
    /// Memory that nodes were seen to have.
    pub memory: &'a Discovered,
    /// What changes offerings in ways of its own.
    pub further: &'a [Arc<dyn Further>],
    /// The time.
    pub now: Timestamp,
}

/// The list of a class' types, with what is needed to bring it up to date.
#[derive(Clone, Debug)]
pub struct ClassTypes {
    setup: Setup,
    region: Arc<Region>,
    stock: Stock,
    types: Vec<Type>,
    list: Arc<[Arc<InstanceType>]>,
    seen: Option<Seen>,
}

/// What is known of a type, in the order of the region's machines.
#[derive(Clone, Debug)]
struct Type {
    zones: ZoneSet,
    usable: bool,
    reservations: Vec<usize>,
    estimated: Quantity,
    memory: Option<Quantity>,
    sequence: u64,
}

/// What the list was made from.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    prices: u64,
    overlay_prices: OverlayPrices,
    shifted: BTreeSet<String>,
    further: Vec<u64>,
    marks: u64,
    memory: u64,
    left: Vec<u32>,
}

impl ClassTypes {
    /// Everything about the types that stays as long as the class does. `kubelet` says what its
    /// settings come to on each; if they have no meaning on one, there is no list.
    pub fn new(
        region: &Arc<Region>,
        setup: Setup,
        kubelet: &KubeletOf<'_>,
        interner: &mut Interner,
    ) -> Result<Self, ListError> {
        if region.machines().is_empty() {
            return Err(ListError::NoTypes);
        }
        if region.zones().is_empty() {
            return Err(ListError::NoOfferings);
        }
        if setup.zones.is_empty() {
            return Err(ListError::NoSubnets);
        }
        let stock = Stock::new(region, &setup, interner);
        let maker = Maker {
            region,
            setup: &setup,
            places: &stock.places(),
            subnets: stock.with_subnets(),
        };
        let mut types = Vec::with_capacity(region.machines().len());
        let mut list = Vec::with_capacity(types.capacity());
        for position in 0..region.machines().len() {
            let (ty, instance_type) = maker.make(position, kubelet, interner)?;
            types.push(ty);
            list.push(Arc::new(instance_type));
        }
        Ok(Self {
            region: region.clone(),
            stock,
            types,
            list: list.into(),
            seen: None,
            setup,
        })
    }

    /// What of a class it was made from.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The list as it is now: the same as before if nothing has changed, and otherwise with every
    /// type that has not changed.
    pub fn list(&mut self, market: &Market<'_>) -> Arc<[Arc<InstanceType>]> {
        let seen = self.look(market);
        if self.seen.as_ref() == Some(&seen) {
            return self.list.clone();
        }
        let changed: Vec<bool> = (0..self.types.len())
            .map(|position| self.has_changed(position, &seen, market))
            .collect();
        if changed.contains(&true) {
            let old = self.list.clone();
            let renew = |(position, changed)| {
                if changed {
                    Arc::new(self.renewed(position, market))
                } else {
                    old[position].clone()
                }
            };
            self.list = changed.into_iter().enumerate().map(renew).collect();
        }
        self.seen = Some(seen);
        self.list.clone()
    }

    fn look(&self, market: &Market<'_>) -> Seen {
        let reservations = self.setup.reservations.iter();
        Seen {
            prices: market.prices.changes(),
            overlay_prices: market.overlay_prices.clone(),
            shifted: market.shifted.clone(),
            further: market.further.iter().map(|one| one.changes()).collect(),
            marks: market.marks.changes(),
            memory: market.memory.changes(),
            left: reservations
                .map(|one| (market.available)(&one.id))
                .collect(),
        }
    }

    /// Whether a type is no longer what the list says; notes what it then is.
    fn has_changed(&mut self, position: usize, now: &Seen, market: &Market<'_>) -> bool {
        let name = &self.region.machines()[position].name;
        let sequence = market.marks.sequence(name);
        let memory = self.memory(position, market);
        let ty = &mut self.types[position];
        let own = (ty.sequence, ty.memory) != (sequence, memory);
        (ty.sequence, ty.memory) = (sequence, memory);
        let Some(seen) = &self.seen else { return true };
        let left = |reservation: &usize| seen.left[*reservation] != now.left[*reservation];
        own || ty.reservations.iter().any(left)
            || seen.prices != now.prices
            || seen.overlay_prices != now.overlay_prices
            || seen.shifted != now.shifted
            || seen.further != now.further
    }

    /// The memory that nodes of a type were seen to have with the image that they run now.
    fn memory(&self, position: usize, market: &Market<'_>) -> Option<Quantity> {
        let name = &self.region.machines()[position].name;
        if !market.memory.knows(name) {
            return None;
        }
        let image = self
            .setup
            .images
            .image_for(&self.list[position].requirements)?;
        market.memory.of(name, image, market.now)
    }

    fn renewed(&self, position: usize, market: &Market<'_>) -> InstanceType {
        let ty = &self.types[position];
        let seller = Seller {
            machine: &self.region.machines()[position],
            zones: ty.zones,
            usable: ty.usable,
            reservations: &ty.reservations,
        };
        let mut instance_type = InstanceType::clone(&self.list[position]);
        instance_type.offerings = self.stock.offerings(&seller, market);
        let memory = ty.memory.unwrap_or(ty.estimated);
        instance_type.capacity.insert(MEMORY.to_owned(), memory);
        instance_type
    }
}

/// Makes types without offerings.
struct Maker<'a> {
    region: &'a Region,
    setup: &'a Setup,
    places: &'a [ec2::Zone],
    subnets: ZoneSet,
}

impl Maker<'_> {
    fn make(
        &self,
        position: usize,
        kubelet: &KubeletOf<'_>,
        interner: &mut Interner,
    ) -> Result<(Type, InstanceType), ListError> {
        let machine = &self.region.machines()[position];
        let plain = &self.setup.settings;
        let kubelet = kubelet(machine, plain).map_err(|problem| ListError::Kubelet {
            instance_type: machine.name.clone(),
            problem,
        })?;
        let settings = NodeSettings {
            kubelet,
            ..plain.clone()
        };
        let zones = self.region.offering(position).and(self.subnets);
        let reservations = self.setup.reservations.iter().enumerate();
        let own = reservations.filter(|(_, one)| one.instance_type == machine.name);
        let ty = Type {
            zones,
            usable: compatible(machine, self.setup).is_ok(),
            reservations: own.map(|(reservation, _)| reservation).collect(),
            estimated: ec2::estimated_memory(machine, &settings),
            memory: None,
            sequence: 0,
        };
        let instance_type = InstanceType {
            name: interner.get(&machine.name),
            requirements: self.requirements(machine, &ty, &settings, interner),
            offerings: Vec::new(),
            capacity: ec2::capacity(machine, &settings),
            capacity_overlaid: false,
            dynamic_resources: None,
            overhead: ec2::overhead(machine, &settings),
        };
        Ok((ty, instance_type))
    }

    fn requirements(
        &self,
        machine: &Machine,
        ty: &Type,
        settings: &NodeSettings,
        interner: &mut Interner,
    ) -> Requirements {
        let zones = self.places.iter().enumerate();
        let here: BTreeSet<&str> = zones
            .filter(|(position, _)| ty.zones.has(*position))
            .map(|(_, zone)| zone.name.as_str())
            .collect();
        let place = Place {
            region: self.region.name(),
            zones: &here,
            all: self.places,
        };
        let mut set = ec2::requirements(machine, settings, &place, interner);
        if !ty.reservations.is_empty() {
            self.add_reservations(&mut set, &ty.reservations, interner);
        }
        if let Some(group) = &self.setup.group {
            for requirement in placement::requirements(group) {
                set.set(requirement);
            }
        }
        set
    }

    fn add_reservations(
        &self,
        set: &mut Requirements,
        reservations: &[usize],
        interner: &mut Interner,
    ) {
        let own = || reservations.iter().map(|at| &self.setup.reservations[*at]);
        let mut any_of = |set: &mut Requirements, key: &str, values: Vec<String>| {
            let values: Vec<_> = values.iter().map(|value| interner.get(value)).collect();
            set.set(Requirement::any_of(interner.get(key), values));
        };
        let sold = set.get(labels::CAPACITY_TYPE);
        let sold = sold.into_iter().flat_map(Requirement::values);
        let sold = sold.map(ToString::to_string);
        let reserved = std::iter::once(labels::RESERVED.to_owned());
        let capacity_types = sold.chain(reserved).collect();
        any_of(set, labels::CAPACITY_TYPE, capacity_types);
        let ids = own().map(|one| one.id.clone()).collect();
        any_of(set, labels::CAPACITY_RESERVATION_ID, ids);
        let kinds = own().map(|one| one.reservation_type.clone()).collect();
        any_of(set, labels::CAPACITY_RESERVATION_TYPE, kinds);
        let interruptible = own().map(|one| one.interruptible.to_string()).collect();
        any_of(
            set,
            labels::CAPACITY_RESERVATION_INTERRUPTIBLE,
            interruptible,
        );
    }
}
