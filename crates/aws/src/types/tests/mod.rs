//! Scenarios of instance types and offerings, over the types of `crate::testing`.

mod cache;
mod capacity;
mod compatibility;
mod launch;
mod offerings;
mod resolve;
mod scheduling;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::Ec2NodeClass;
use api::ec2nodeclass::CapacityReservation;
use catalog::{CapacityType, InstanceType, Interner, Offering};
use model::Timestamp;
use serde_json::Value;

use super::*;
use crate::ec2::{PlacementGroup, SpotPrice};
use crate::pricing::Prices;
use crate::testing::{REGION, ZONES, machine, machines, node_class, type_offerings};
use crate::unavailable::{Mark, Unavailable};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A region, a class, and what is known besides.
struct Scene {
    region: Arc<Region>,
    class: Ec2NodeClass,
    group: Option<PlacementGroup>,
    options: Options,
    prices: Prices,
    marks: Unavailable,
    shifted: BTreeSet<String>,
    overlay_prices: OverlayPrices,
    left: BTreeMap<String, u32>,
    memory: Discovered,
    further: Vec<Arc<dyn Further>>,
    now: Timestamp,
}

impl Scene {
    fn new() -> Self {
        Self {
            region: Arc::new(Region::new(REGION, machines(), &type_offerings())),
            class: node_class(),
            group: None,
            options: Options::default(),
            prices: Prices::initial(REGION),
            marks: Unavailable::new(),
            shifted: BTreeSet::new(),
            overlay_prices: OverlayPrices::new(),
            left: BTreeMap::new(),
            memory: Discovered::default(),
            further: Vec::new(),
            now: NOW,
        }
    }

    /// With other fields of the class' spec.
    fn with(spec: Value) -> Self {
        let mut scene = Self::new();
        scene.set(spec);
        scene
    }

    fn set(&mut self, spec: Value) {
        let mut whole = serde_json::to_value(&self.class).expect("a class");
        for (key, value) in spec.as_object().expect("a map") {
            whole["spec"][key] = value.clone();
        }
        self.class = serde_json::from_value(whole).expect("a class");
    }

    /// With a machine that the region has not, offered in the first zone.
    fn add(&mut self, name: &str) {
        let mut all = machines();
        all.push(machine(name));
        let mut offered = type_offerings();
        offered.push(crate::ec2::TypeOffering {
            instance_type: name.to_owned(),
            zone: ZONES[0].0.to_owned(),
        });
        self.region = Arc::new(Region::new(REGION, all, &offered));
    }

    fn setup(&self) -> Setup {
        Setup::new(&self.class, self.group.as_ref(), &self.options)
    }

    fn try_types(&self) -> Result<ClassTypes, ListError> {
        let compiled = compiled(&self.class.spec.kubelet, self.options.expressions)?;
        let mut interner = Interner::default();
        let kubelet = kubelet_of(&compiled);
        ClassTypes::new(&self.region, self.setup(), &kubelet, &mut interner)
    }

    fn types(&self) -> ClassTypes {
        self.try_types().expect("the class has types")
    }

    fn update(&self, types: &mut ClassTypes) -> Arc<[Arc<InstanceType>]> {
        types.list(&Market {
            prices: &self.prices,
            marks: &self.marks,
            shifted: &self.shifted,
            overlay_prices: &self.overlay_prices,
            available: &|id| self.left.get(id).copied().unwrap_or(0),
            memory: &self.memory,
            further: &self.further,
            now: self.now,
        })
    }

    fn list(&self) -> Arc<[Arc<InstanceType>]> {
        self.update(&mut self.types())
    }

    fn get(&self, name: &str) -> Arc<InstanceType> {
        find(&self.list(), name)
    }

    /// Names of the types that can be launched in any way.
    fn available(&self) -> Vec<String> {
        let list = self.list();
        let can = |ty: &&Arc<InstanceType>| ty.available_offerings().count() > 0;
        list.iter()
            .filter(can)
            .map(|ty| ty.name.to_string())
            .collect()
    }
}

use catalog::ec2::{Machine, NodeSettings};

fn find(list: &[Arc<InstanceType>], name: &str) -> Arc<InstanceType> {
    let found = list.iter().find(|ty| &*ty.name == name);
    found.expect("the type is there").clone()
}

/// The offerings of a type: zone, capacity type, whether it can be had.
fn offered(ty: &InstanceType) -> Vec<(&str, &str, bool)> {
    let offerings = ty.offerings.iter();
    offerings
        .map(|o| (&*o.zone, o.capacity_type.as_str(), o.available))
        .collect()
}

fn offering<'a>(ty: &'a InstanceType, how: CapacityType, zone: &str) -> &'a Offering {
    let mut own = ty.offerings.iter();
    own.find(|o| o.capacity_type == how && &*o.zone == zone)
        .expect("the offering is there")
}

fn amount(ty: &InstanceType, resource: &str) -> String {
    let amount = ty.capacity.get(resource);
    amount.map_or_else(|| "absent".to_owned(), ToString::to_string)
}

/// A label of a type: its values joined, or `absent`.
fn label(ty: &InstanceType, key: &str) -> String {
    let key = if key.contains('/') {
        key.to_owned()
    } else {
        format!("karpenter.k8s.aws/{key}")
    };
    let Some(requirement) = ty.requirements.get(&key) else {
        return "undefined".to_owned();
    };
    if requirement.admits_absence() {
        return "absent".to_owned();
    }
    let values: Vec<&str> = requirement.values().iter().map(|value| &**value).collect();
    values.join(",")
}

fn reservation(id: &str, instance_type: &str, zone: &str) -> CapacityReservation {
    CapacityReservation {
        availability_zone: zone.to_owned(),
        id: id.to_owned(),
        instance_match_criteria: "targeted".to_owned(),
        instance_type: instance_type.to_owned(),
        owner_id: "012345678901".to_owned(),
        ..CapacityReservation::default()
    }
}

fn placement_group(strategy: &str, partitions: u32) -> PlacementGroup {
    PlacementGroup {
        id: "pg-1".to_owned(),
        name: "group".to_owned(),
        strategy: strategy.to_owned(),
        partitions,
        spread_level: None,
    }
}

fn spot(instance_type: &str, zone: &str, dollars: f64) -> SpotPrice {
    SpotPrice {
        instance_type: instance_type.to_owned(),
        zone: zone.to_owned(),
        price: Some(catalog::Price::from_dollars(dollars)),
        since: Some(NOW),
    }
}

fn out(how: CapacityType, name: &str, zone: &str) -> Mark {
    Mark::offering(how, name, zone)
}
