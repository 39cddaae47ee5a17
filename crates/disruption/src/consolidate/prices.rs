//! What instance types cost under the requirements of claims, each looked up once: thousands of
//! claims have the same requirements, and hundreds of types each.
//!
//! What is *not* here: which types a claim keeps (`tighten`), and what nodes that are there cost
//! (`candidate`).

use std::sync::Arc;

use api::labels::CAPACITY_TYPE;
use catalog::{CapacityType, InstanceType, Offering, Price};
use requirements::{Requirement, Requirements};
use rustc_hash::FxHashMap;

/// What has been looked up. It holds what it knows by address, so that no address comes again.
#[derive(Debug, Default)]
pub(crate) struct Prices {
    /// Numbers of requirements, by address.
    at: FxHashMap<usize, usize>,
    /// By what they say.
    known: FxHashMap<Arc<Requirements>, usize>,
    /// All addresses in `at` are those of these.
    held: Vec<Arc<Requirements>>,
    /// By number.
    under: Vec<Under>,
}

/// What types cost under requirements.
#[derive(Debug)]
pub(crate) struct Under {
    requirements: Arc<Requirements>,
    /// By address of the type.
    types: FxHashMap<usize, Offered>,
    /// The same, but spot only.
    spot: Option<Arc<Requirements>>,
}

/// What a type is offered as.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    ty: Arc<InstanceType>,
    /// The dearest that it may be launched as.
    pub(crate) worst: Option<Price>,
    /// The cheapest offering, by position.
    cheapest: Option<usize>,
    /// Whether it may be had, by capacity type.
    has: [bool; CapacityType::ALL.len()],
}

impl Prices {
    /// What types cost under these requirements.
    pub(crate) fn under(&mut self, requirements: &Arc<Requirements>) -> &mut Under {
        let address = Arc::as_ptr(requirements).addr();
        let known = self.at.get(&address).copied();
        let at = known.unwrap_or_else(|| self.number(requirements, address));
        &mut self.under[at]
    }

    fn number(&mut self, requirements: &Arc<Requirements>, address: usize) -> usize {
        let new = || {
            self.under.push(Under {
                requirements: requirements.clone(),
                types: FxHashMap::default(),
                spot: None,
            });
            self.under.len() - 1
        };
        let at = *self.known.entry(requirements.clone()).or_insert_with(new);
        self.held.push(requirements.clone());
        self.at.insert(address, at);
        at
    }
}

impl Under {
    /// What a type is offered as.
    pub(crate) fn of(&mut self, ty: &Arc<InstanceType>) -> &Offered {
        let requirements = &self.requirements;
        let address = Arc::as_ptr(ty).addr();
        let offered = self.types.entry(address);
        offered.or_insert_with(|| Offered::new(ty.clone(), requirements))
    }

    /// The same requirements, but spot only.
    pub(crate) fn spot(&mut self) -> Arc<Requirements> {
        let make = || {
            let spot = Requirement::single(CAPACITY_TYPE, CapacityType::Spot.as_str());
            let mut all = Requirements::clone(&self.requirements);
            all.set(spot);
            Arc::new(all)
        };
        self.spot.get_or_insert_with(make).clone()
    }
}

impl Offered {
    fn new(ty: Arc<InstanceType>, requirements: &Requirements) -> Self {
        let all = ty.offerings.iter().enumerate();
        let open: Vec<(usize, &Offering)> = all
            .filter(|(_, offering)| is_open(offering, requirements))
            .collect();
        let cheapest = open.iter().min_by_key(|(_, offering)| {
            let zone = offering.zone.clone();
            (offering.price, offering.capacity_type, zone)
        });
        let has = CapacityType::ALL.map(|capacity_type| {
            let mut types = open.iter().map(|(_, offering)| offering.capacity_type);
            types.any(|one| one == capacity_type)
        });
        Self {
            worst: worst_of(open.iter().map(|(_, offering)| *offering)),
            cheapest: cheapest.map(|(at, _)| *at),
            has,
            ty,
        }
    }

    /// The cheapest that it may be launched as.
    pub(crate) fn cheapest(&self) -> Option<&Offering> {
        self.ty.offerings.get(self.cheapest?)
    }

    /// Whether it may be had with a capacity type.
    pub(crate) fn has(&self, capacity_type: CapacityType) -> bool {
        self.has[place(capacity_type)]
    }
}

fn place(capacity_type: CapacityType) -> usize {
    let mut all = CapacityType::ALL.iter();
    let found = all.position(|one| *one == capacity_type);
    found.unwrap_or_else(|| unreachable!("all of them are listed"))
}

fn is_open(offering: &Offering, requirements: &Requirements) -> bool {
    offering.available && requirements.overlaps(&offering.requirements)
}

/// The dearest that a type may be launched as.
pub(crate) fn worst_price(ty: &InstanceType, requirements: &Requirements) -> Option<Price> {
    let all = ty.offerings.iter();
    let open: Vec<&Offering> = all
        .filter(|offering| is_open(offering, requirements))
        .collect();
    worst_of(open.into_iter())
}

/// Of the best capacity type that can be had, the dearest offering.
fn worst_of<'o>(open: impl Iterator<Item = &'o Offering> + Clone) -> Option<Price> {
    CapacityType::ALL.into_iter().find_map(|wanted| {
        let of_it = open.clone().filter(|one| one.capacity_type == wanted);
        of_it.map(|offering| offering.price).max()
    })
}
