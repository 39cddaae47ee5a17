//! Instance types, claims and answers for tests of launches.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Ec2NodeClass, NodeRequirement, labels};
use catalog::{CapacityType, InstanceType, Offering, Overhead, Price};
use model::{Quantity, ResourceList};
use requirements::{Requirement, Requirements, Vocabulary};

use super::{TemplateUse, Wanted};
use crate::ec2::{FleetError, FleetOverride};
use crate::subnets::{Addresses, Choices};

pub(crate) const ZONES: [&str; 3] = ["zone-a", "zone-b", "zone-c"];

pub(crate) fn now() -> model::Timestamp {
    "2026-01-01T00:00:00Z".parse().expect("a time")
}

pub(crate) fn amounts(list: &[(&str, &str)]) -> ResourceList {
    let amount = |(name, amount): &(&str, &str)| {
        let amount: Quantity = amount.parse().expect("a quantity");
        ((*name).to_owned(), amount)
    };
    list.iter().map(amount).collect()
}

pub(crate) fn offering(zone: &str, capacity_type: CapacityType, dollars: f64) -> Offering {
    let requirements: Requirements = [
        Requirement::single(labels::CAPACITY_TYPE, capacity_type.as_str()),
        Requirement::single(labels::ZONE, zone),
        Requirement::does_not_exist(labels::CAPACITY_RESERVATION_ID),
        Requirement::does_not_exist(labels::CAPACITY_RESERVATION_TYPE),
        Requirement::does_not_exist(labels::CAPACITY_RESERVATION_INTERRUPTIBLE),
    ]
    .into_iter()
    .collect();
    Offering {
        requirements: Arc::new(requirements),
        zone: zone.into(),
        capacity_type,
        price: Price::from_dollars(dollars),
        available: true,
        reservation_capacity: None,
        price_overlaid: false,
        overrides: None,
    }
}

/// A reservation's offering: `default`, `capacity-block`, or `interruptible`.
pub(crate) fn reserved(zone: &str, id: &str, kind: &str, room: u32, dollars: f64) -> Offering {
    let (kind, interruptible) = match kind {
        "interruptible" => ("default", "true"),
        kind => (kind, "false"),
    };
    let requirements: Requirements = [
        Requirement::single(labels::CAPACITY_TYPE, "reserved"),
        Requirement::single(labels::ZONE, zone),
        Requirement::single(labels::CAPACITY_RESERVATION_ID, id),
        Requirement::single(labels::CAPACITY_RESERVATION_TYPE, kind),
        Requirement::single(labels::CAPACITY_RESERVATION_INTERRUPTIBLE, interruptible),
    ]
    .into_iter()
    .collect();
    Offering {
        requirements: Arc::new(requirements),
        reservation_capacity: Some(room),
        ..offering(zone, CapacityType::Reserved, dollars)
    }
}

/// Offerings on demand and as spot in all zones.
pub(crate) fn everywhere(on_demand: f64, spot: f64) -> Vec<Offering> {
    let both = |zone: &&str| {
        [
            offering(zone, CapacityType::OnDemand, on_demand),
            offering(zone, CapacityType::Spot, spot),
        ]
    };
    ZONES.iter().flat_map(both).collect()
}

/// A type with 2 CPUs, 8Gi and 29 pods.
pub(crate) fn machine(name: &str, offerings: Vec<Offering>) -> InstanceType {
    let (family, size) = name.split_once('.').expect("a name with a dot");
    let zones: Vec<&str> = ZONES.to_vec();
    let mut requirements: Requirements = [
        Requirement::single(labels::INSTANCE_TYPE, name),
        Requirement::single("karpenter.k8s.aws/instance-family", family),
        Requirement::single(labels::AWS_INSTANCE_SIZE, size),
        Requirement::single(labels::ARCH, "amd64"),
        Requirement::single(labels::OS, "linux"),
        Requirement::any_of(labels::ZONE, zones),
        Requirement::any_of(labels::CAPACITY_TYPE, ["on-demand", "spot", "reserved"]),
        Requirement::any_of(labels::AWS_INSTANCE_TENANCY, ["default", "dedicated"]),
    ]
    .into_iter()
    .collect();
    let reservations = offerings.iter().filter_map(|one| one.reservation_id());
    let reservations: Vec<Arc<str>> = reservations.cloned().collect();
    if !reservations.is_empty() {
        let id = labels::CAPACITY_RESERVATION_ID;
        requirements.add(Requirement::any_of(id, reservations));
    }
    InstanceType {
        name: name.into(),
        requirements,
        offerings,
        capacity: amounts(&[("cpu", "2"), ("memory", "8Gi"), ("pods", "29")]),
        overhead: Overhead::default(),
        capacity_overlaid: false,
        dynamic_resources: None,
    }
}

pub(crate) fn with(mut machine: InstanceType, more: &[(&str, &str)]) -> Arc<InstanceType> {
    machine.capacity.extend(amounts(more));
    Arc::new(machine)
}

pub(crate) fn shared(name: &str, offerings: Vec<Offering>) -> Arc<InstanceType> {
    Arc::new(machine(name, offerings))
}

pub(crate) fn item(
    key: &str,
    operator: &str,
    values: &[&str],
    min: Option<u32>,
) -> NodeRequirement {
    NodeRequirement {
        key: key.to_owned(),
        operator: operator.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        min_values: min,
    }
}

/// What a claim asks for that allows these capacity types, and more.
pub(crate) fn wanted(capacity_types: &[&str], more: &[NodeRequirement]) -> Wanted {
    let how = item(labels::CAPACITY_TYPE, "In", capacity_types, None);
    let items: Vec<NodeRequirement> = std::iter::once(how).chain(more.iter().cloned()).collect();
    Wanted {
        requirements: Vocabulary::aws().item_requirements(&items),
        ..Wanted::default()
    }
}

pub(crate) fn class() -> Ec2NodeClass {
    let mut class = Ec2NodeClass::default();
    "default".clone_into(&mut class.metadata.name);
    "profile".clone_into(&mut class.status.instance_profile);
    class.spec.ami_family = Some("AL2023".to_owned());
    class.status.subnets = ZONES
        .iter()
        .map(|zone| api::ec2nodeclass::Subnet {
            id: format!("subnet-{zone}"),
            zone: (*zone).to_owned(),
            zone_id: format!("id-of-{zone}"),
        })
        .collect();
    class.status.security_groups = vec![api::ec2nodeclass::SecurityGroup {
        id: "sg-1".to_owned(),
        name: "nodes".to_owned(),
    }];
    class.status.amis = vec![api::ec2nodeclass::Ami {
        id: "ami-1".to_owned(),
        ..api::ec2nodeclass::Ami::default()
    }];
    class
}

/// The class' subnets, all of them with room.
pub(crate) fn choices(types: &[Arc<InstanceType>], capacity_type: CapacityType) -> Choices {
    let subnets = class().status.subnets;
    Addresses::default().choose(&subnets, types, capacity_type, now())
}

pub(crate) fn template(name: &str, types: &[Arc<InstanceType>]) -> TemplateUse {
    TemplateUse {
        name: name.to_owned(),
        image_id: "ami-1".to_owned(),
        types: types.to_vec(),
        reservation: None,
        zone: None,
    }
}

pub(crate) fn chosen(instance_type: &str, zone: &str) -> FleetOverride {
    FleetOverride {
        instance_type: instance_type.to_owned(),
        subnet_id: Some(format!("subnet-{zone}")),
        image_id: Some("ami-1".to_owned()),
        zone: Some(zone.to_owned()),
        priority: None,
    }
}

pub(crate) fn failed(code: &str, message: &str, instance_type: &str, zone: &str) -> FleetError {
    FleetError {
        code: code.to_owned(),
        message: message.to_owned(),
        lifecycle: String::new(),
        failed: chosen(instance_type, zone),
    }
}

pub(crate) fn tags(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    list.iter().map(own).collect()
}
