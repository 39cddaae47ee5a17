//! The labels that nodes of an instance type can have.

use std::collections::BTreeSet;

use api::labels::{ARCH, CAPACITY_TYPE, INSTANCE_TYPE, OS, REGION, ZONE};
use requirements::{Requirement, Requirements};

use super::{Machine, NodeSettings, Zone};
use crate::Interner;

const PREFIX: &str = "karpenter.k8s.aws/";

/// Where a type is offered.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The region.
    pub region: &'a str,
    /// Zones that offer the type and that nodes may be in.
    pub zones: &'a BTreeSet<&'a str>,
    /// All zones of the region.
    pub all: &'a [Zone],
}

/// Every well-known label of EC2 is there; one that nodes of the type don't have is `DoesNotExist`.
pub fn requirements(
    machine: &Machine,
    settings: &NodeSettings,
    place: &Place<'_>,
    interner: &mut Interner,
) -> Requirements {
    let mut labels = Labels {
        list: Vec::with_capacity(40),
        key: String::new(),
        interner,
    };
    general(&mut labels, machine, settings, place);
    naming(&mut labels, machine);
    hardware(&mut labels, machine);
    accelerators(&mut labels, machine);
    for name in [
        "capacity-reservation-id",
        "capacity-reservation-interruptible",
        "capacity-reservation-type",
        "placement-group-id",
        "placement-group-partition",
    ] {
        labels.own(name, None);
    }
    labels.list.into_iter().collect()
}

/// Collects requirements on shared keys.
struct Labels<'a> {
    list: Vec<Requirement>,
    /// Room to put a key together.
    key: String,
    interner: &'a mut Interner,
}

impl Labels<'_> {
    fn any_of<'v>(&mut self, key: &str, values: impl IntoIterator<Item = &'v str>) {
        let values: Vec<_> = values
            .into_iter()
            .map(|value| self.interner.get(value))
            .collect();
        self.list
            .push(Requirement::any_of(self.interner.get(key), values));
    }

    fn one(&mut self, key: &str, value: Option<&str>) {
        let key = self.interner.get(key);
        self.list.push(match value {
            Some(value) => Requirement::single(key, self.interner.get(value)),
            None => Requirement::does_not_exist(key),
        });
    }

    /// A label of the provider's own domain.
    fn own(&mut self, name: &str, value: Option<&str>) {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        key.push_str(PREFIX);
        key.push_str(name);
        self.one(&key, value);
        self.key = key;
    }

    fn own_number(&mut self, name: &str, value: Option<u64>) {
        self.own(name, value.map(|value| value.to_string()).as_deref());
    }

    fn own_flag(&mut self, name: &str, value: bool) {
        self.own(name, Some(if value { "true" } else { "false" }));
    }
}

fn general(labels: &mut Labels<'_>, machine: &Machine, settings: &NodeSettings, place: &Place<'_>) {
    labels.one(INSTANCE_TYPE, Some(&machine.name));
    labels.one(ARCH, Some(&machine.architecture));
    let family = settings.family;
    match (family.is_windows(), machine.architecture.as_str()) {
        (false, _) => labels.one(OS, Some("linux")),
        (true, "amd64") => labels.one(OS, Some("windows")),
        // There is no Windows for it: no value at all.
        (true, _) => labels.any_of(OS, []),
    }
    labels.one("node.kubernetes.io/windows-build", family.windows_build());
    labels.one(REGION, Some(place.region));
    labels.any_of(ZONE, place.zones.iter().copied());
    let offered = place
        .all
        .iter()
        .filter(|zone| place.zones.contains(zone.name.as_str()));
    let ids: Vec<&str> = offered.filter_map(|zone| zone.id.as_deref()).collect();
    if !ids.is_empty() {
        labels.any_of("topology.k8s.aws/zone-id", ids);
    }
    let usage = machine.usage;
    let classes = [(usage.on_demand, "on-demand"), (usage.spot, "spot")];
    let classes = classes
        .into_iter()
        .filter(|(has, _)| *has)
        .map(|(_, class)| class);
    labels.any_of(CAPACITY_TYPE, classes);
    labels.any_of(
        &format!("{PREFIX}instance-tenancy"),
        ["default", "dedicated"],
    );
}

fn naming(labels: &mut Labels<'_>, machine: &Machine) {
    let parts = machine.category_and_generation();
    labels.own("instance-category", parts.map(|(category, _)| category));
    labels.own(
        "instance-generation",
        parts.map(|(_, generation)| generation),
    );
    let size = machine.size();
    let family = size.map(|_| machine.family());
    labels.own("instance-family", family);
    labels.own("instance-size", size);
    labels.own_flag(
        "instance-capability-flex",
        family.is_some_and(|f| f.contains("-flex")),
    );
}

fn hardware(labels: &mut Labels<'_>, machine: &Machine) {
    labels.own_number("instance-cpu", Some(machine.vcpus));
    labels.own(
        "instance-cpu-manufacturer",
        Some(&kebab(&machine.manufacturer)),
    );
    labels.own_number("instance-cpu-sustained-clock-speed-mhz", machine.clock_mhz);
    labels.own_number("instance-memory", Some(machine.memory_mib));
    labels.own_number("instance-ebs-bandwidth", machine.ebs_mbps);
    labels.own_number("instance-network-bandwidth", machine.network_mbps);
    let local_nvme = machine.local_storage_gb.filter(|_| machine.local_nvme);
    labels.own_number("instance-local-nvme", local_nvme);
    labels.own("instance-hypervisor", Some(&machine.hypervisor));
    labels.own_flag(
        "instance-encryption-in-transit-supported",
        machine.encryption_in_transit,
    );
    labels.own_flag("nitro-sandbox", machine.enclaves);
}

/// Only where there is exactly one kind: a label has one value.
fn accelerators(labels: &mut Labels<'_>, machine: &Machine) {
    let gpu = match machine.gpus.as_slice() {
        [gpu] => Some(gpu),
        _ => None,
    };
    labels.own(
        "instance-gpu-name",
        gpu.map(|gpu| kebab(&gpu.name)).as_deref(),
    );
    labels.own(
        "instance-gpu-manufacturer",
        gpu.map(|gpu| kebab(&gpu.manufacturer)).as_deref(),
    );
    labels.own_number("instance-gpu-count", gpu.map(|gpu| gpu.count));
    labels.own_number("instance-gpu-memory", gpu.map(|gpu| gpu.memory_mib));

    let accelerator = match (machine.inference.as_slice(), machine.neuron.as_slice()) {
        ([one], []) => Some((kebab(&one.name), kebab(&one.manufacturer), one.count)),
        (_, [one]) => Some((kebab(&one.name), "aws".to_owned(), one.count)),
        _ => None,
    };
    let (name, manufacturer, count) = match &accelerator {
        Some((name, maker, count)) => (Some(name.as_str()), Some(maker.as_str()), Some(*count)),
        None => (None, None, None),
    };
    labels.own("instance-accelerator-name", name);
    labels.own("instance-accelerator-manufacturer", manufacturer);
    labels.own_number("instance-accelerator-count", count);
}

/// As a label value: lower case, hyphens for spaces.
fn kebab(text: &str) -> String {
    text.to_lowercase().replace(' ', "-")
}
