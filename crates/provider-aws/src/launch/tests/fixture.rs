//! A cluster in a pretended AWS, with types, a node class and claims.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::ec2nodeclass::{Ami, SecurityGroup, Subnet};
use api::{Condition, Ec2NodeClass, NodeClaim, NodeRequirement, labels};
use aws::ec2::{FleetRequest, LaunchTemplate, PlacementGroup};
use aws::fleet::{Effects, Launched, MinValues};
use aws::reservations::Availability;
use aws::subnets::Addresses;
use aws::template::{AddressFamily, Group, Limits, Reservations};
use aws::{Cluster, Operation, Tags, instance};
use catalog::{CapacityType, InstanceType, Offering, Overhead, Price};
use model::Quantity;
use requirements::{Requirement, Requirements};
use runtime::Clock;
use runtime::metrics::Metrics;

use super::super::{Blueprint, Launch, LaunchError, Launcher, Lessons, Parts, Settings, UserData};
use crate::batch::Fleets;
use crate::calls::Ec2;
use crate::fake::{Fake, Request};
use crate::limits::Limited;
use crate::templates::Templates;

pub(super) const ZONES: [&str; 3] = ["test-zone-1a", "test-zone-1b", "test-zone-1c"];

/// A cluster.
pub(super) struct World {
    pub(super) fake: Fake,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) lessons: Arc<Notes>,
    pub(super) addresses: Arc<Mutex<Addresses>>,
    pub(super) class: Ec2NodeClass,
    pub(super) types: Vec<Arc<InstanceType>>,
    pub(super) group: Option<PlacementGroup>,
    pub(super) launcher: Launcher,
}

/// What launches have shown.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) learned: Mutex<Vec<Effects>>,
    pub(super) without_role: Mutex<Vec<String>>,
    pub(super) room: Mutex<Availability>,
    clock: Option<Clock>,
}

impl Lessons for Notes {
    fn learn(&self, effects: &Effects, fleet: &str) {
        assert!(!fleet.is_empty());
        let emptied = effects.emptied.iter().map(String::as_str);
        self.room.lock().expect("a lock").unavailable(emptied);
        self.learned.lock().expect("a lock").push(effects.clone());
    }

    fn spot_role_missing(&self, claim: &NodeClaim) {
        let name = claim.metadata.name.clone();
        self.without_role.lock().expect("a lock").push(name);
    }

    fn launched(&self, launched: &Launched) {
        let now = self.clock.as_ref().expect("a clock").now();
        if let Some(reservation) = instance::reserved(&launched.instance) {
            let mut room = self.room.lock().expect("a lock");
            room.launched(reservation.id, now);
        }
    }
}

/// Nodes whose user data says how many pods they take.
struct Simple;

impl Blueprint for Simple {
    fn images(
        &self,
        _: &Ec2NodeClass,
        types: &[Arc<InstanceType>],
    ) -> Vec<(Arc<InstanceType>, String)> {
        let image = |one: &Arc<InstanceType>| (one.clone(), "ami-test1".to_owned());
        types.iter().map(image).collect()
    }

    fn limits(&self, _: &Ec2NodeClass, instance_type: &InstanceType) -> Limits {
        let pods = model::resources::get(&instance_type.capacity, "pods");
        Limits {
            max_pods: u32::try_from(pods.units_floor()).expect("a number of pods"),
            ..Limits::default()
        }
    }

    fn user_data(
        &self,
        launch: &Launch<'_>,
        group: &Group<Limits>,
        capacity_type: CapacityType,
    ) -> Result<UserData, String> {
        let taints = &launch.claim.spec.taints;
        let pods = group.settings.max_pods;
        let encoded = format!("{pods} pods, {capacity_type}, {taints:?}");
        let bytes = encoded.len();
        Ok(UserData { encoded, bytes })
    }
}

pub(super) fn offering(zone: &str, capacity_type: CapacityType, dollars: f64) -> Offering {
    let set: Requirements = [
        Requirement::single(labels::CAPACITY_TYPE, capacity_type.as_str()),
        Requirement::single(labels::ZONE, zone),
    ]
    .into_iter()
    .collect();
    Offering {
        requirements: Arc::new(set),
        zone: zone.into(),
        capacity_type,
        price: Price::from_dollars(dollars),
        available: true,
        reservation_capacity: None,
        price_overlaid: false,
        overrides: None,
    }
}

/// An offering of a reservation.
pub(super) fn reserved(zone: &str, id: &str, room: u32) -> Offering {
    let mut set = (*offering(zone, CapacityType::Reserved, 0.0).requirements).clone();
    set.add(Requirement::single(labels::CAPACITY_RESERVATION_ID, id));
    let kind = labels::CAPACITY_RESERVATION_TYPE;
    set.add(Requirement::single(kind, "default"));
    let interruptible = labels::CAPACITY_RESERVATION_INTERRUPTIBLE;
    set.add(Requirement::single(interruptible, "false"));
    Offering {
        requirements: Arc::new(set),
        reservation_capacity: Some(room),
        ..offering(zone, CapacityType::Reserved, 0.0)
    }
}

/// A type with so many pods, on demand and as spot in all zones.
pub(super) fn machine(name: &str, pods: i64, dollars: f64) -> InstanceType {
    let requirements: Requirements = [
        Requirement::single(labels::INSTANCE_TYPE, name),
        Requirement::single(labels::ARCH, "amd64"),
        Requirement::single(labels::OS, "linux"),
        Requirement::any_of(labels::ZONE, ZONES),
    ]
    .into_iter()
    .collect();
    let offerings = ZONES.iter().flat_map(|zone| {
        [
            offering(zone, CapacityType::OnDemand, dollars),
            offering(zone, CapacityType::Spot, dollars / 3.0),
        ]
    });
    let capacity = [
        ("cpu", Quantity::from_units(2)),
        ("pods", Quantity::from_units(pods)),
    ];
    InstanceType {
        name: name.into(),
        requirements,
        offerings: offerings.collect(),
        capacity: capacity
            .map(|(name, amount)| (name.to_owned(), amount))
            .into(),
        overhead: Overhead::default(),
        capacity_overlaid: false,
        dynamic_resources: None,
    }
}

fn class() -> Ec2NodeClass {
    let mut class = Ec2NodeClass::default();
    "default".clone_into(&mut class.metadata.name);
    let status = &mut class.status;
    "profile".clone_into(&mut status.instance_profile);
    status.subnets = ZONES
        .iter()
        .enumerate()
        .map(|(at, zone)| Subnet {
            id: format!("subnet-test{}", at + 1),
            zone: (*zone).to_owned(),
            zone_id: format!("tstz1-{}", &zone[zone.len() - 2..]),
        })
        .collect();
    status.security_groups = vec![SecurityGroup {
        id: "sg-test1".to_owned(),
        name: String::new(),
    }];
    status.amis = vec![Ami {
        id: "ami-test1".to_owned(),
        ..Ami::default()
    }];
    status.conditions = vec![Condition {
        r#type: "Ready".to_owned(),
        status: "True".to_owned(),
        ..Condition::default()
    }];
    class
}

/// A claim that allows these capacity types.
pub(super) fn claim(number: usize, capacity_types: &[&str]) -> NodeClaim {
    let mut claim = NodeClaim::default();
    claim.metadata.name = format!("claim-{number}");
    claim.metadata.uid = format!("uid-{number}");
    claim.spec.requirements = vec![NodeRequirement {
        key: labels::CAPACITY_TYPE.to_owned(),
        operator: "In".to_owned(),
        values: capacity_types.iter().map(|&one| one.to_owned()).collect(),
        min_values: None,
    }];
    claim
}

impl World {
    pub(super) fn new() -> Self {
        let clock = Clock::simulated("2026-01-01T00:00:00Z".parse().expect("a time"));
        let fake = Fake::new(clock.clone());
        let metrics = Metrics::new();
        let lessons = Arc::new(Notes {
            clock: Some(clock.clone()),
            ..Notes::default()
        });
        let addresses = Arc::new(Mutex::new(Addresses::default()));
        let launcher = launcher(&fake, &clock, &metrics, &lessons, &addresses);
        let world = Self {
            fake,
            clock,
            metrics,
            lessons,
            addresses,
            class: class(),
            types: vec![
                Arc::new(machine("m5.large", 29, 0.096)),
                Arc::new(machine("m5.xlarge", 58, 0.192)),
            ],
            group: None,
            launcher,
        };
        world.read_addresses();
        world
    }

    /// EC2 tells how many addresses are free.
    pub(super) fn read_addresses(&self) {
        let subnets = self.fake.change(|state| {
            let all = state.subnets.iter().map(|one| one.subnet.clone());
            all.collect::<Vec<_>>()
        });
        let ttl = Addresses::ttl(Duration::from_mins(1));
        let mut addresses = self.addresses.lock().expect("a lock");
        addresses.read(&subnets, ttl, self.clock.now());
    }

    pub(super) fn left(&self, subnet: &str) -> i64 {
        let addresses = self.addresses.lock().expect("a lock");
        addresses.left(subnet, self.clock.now())
    }

    /// The same cluster after a crash of the controller.
    pub(super) fn restarted(mut self) -> Self {
        self.addresses = Arc::default();
        let (fake, clock, lessons) = (&self.fake, &self.clock, &self.lessons);
        self.launcher = launcher(fake, clock, &self.metrics, lessons, &self.addresses);
        self.read_addresses();
        self
    }

    pub(super) async fn launch(&self, claim: &NodeClaim) -> Result<Launched, LaunchError> {
        let cluster = Cluster {
            name: "test-cluster".to_owned(),
            region: "us-west-2".to_owned(),
        };
        let tags: Tags = cluster.tags(&self.class, "pool").expect("tags");
        let launch = Launch {
            class: &self.class,
            claim,
            types: &self.types,
            tags: &tags,
            group: self.group.as_ref(),
        };
        self.launcher.launch(&launch).await
    }

    pub(super) fn fleets(&self) -> Vec<FleetRequest> {
        let requests = self.fake.requests(Operation::CreateFleet).into_iter();
        let fleets = requests.filter_map(|request| match request {
            Request::Fleet(request) => Some(*request),
            _ => None,
        });
        fleets.collect()
    }

    /// Instances by id, with the template that they came from.
    pub(super) fn instances(&self) -> BTreeMap<String, LaunchTemplate> {
        self.fake.change(|state| state.launched_from.clone())
    }
}

fn launcher(
    fake: &Fake,
    clock: &Clock,
    metrics: &Metrics,
    lessons: &Arc<Notes>,
    addresses: &Arc<Mutex<Addresses>>,
) -> Launcher {
    let ec2: Arc<dyn Ec2> = Arc::new(Limited::new(fake.calls().ec2, clock.clone()));
    let (clock, metrics) = (clock.clone(), metrics.clone());
    let fleets = Fleets::new(ec2.clone(), clock.clone(), metrics.clone());
    let templates = Templates::new(ec2, "test-cluster", clock.clone(), metrics.clone());
    Launcher::new(Parts {
        settings: Settings {
            region: "us-west-2".to_owned(),
            addresses: AddressFamily::V4,
            reservations: Reservations::AsAsked,
            min_values: MinValues::Strict,
        },
        fleets,
        templates,
        blueprint: Arc::new(Simple),
        lessons: lessons.clone(),
        addresses: addresses.clone(),
        clock,
        metrics,
    })
}
