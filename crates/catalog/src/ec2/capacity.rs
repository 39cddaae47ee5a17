//! Capacity and overhead of a machine, as a node of a node class.

use model::resources::{CPU, EPHEMERAL_STORAGE, MEMORY, PODS};
use model::{Quantity, ResourceList};

use super::{InstanceStore, Machine, NodeSettings, Threshold, count, mebibytes};
use crate::Overhead;

/// Pods of a node whose number of pods the network interfaces don't limit.
const DEFAULT_PODS: u64 = 110;
/// EC2 reports this much more memory on ARM than a node finds.
const ARM_FIRMWARE_MIB: u64 = 64;

/// Everything the node will report. Resources of which there are none are there with zero.
pub fn capacity(machine: &Machine, settings: &NodeSettings) -> ResourceList {
    let gpus = |manufacturer: &str| {
        let own = machine
            .gpus
            .iter()
            .filter(|gpu| gpu.manufacturer == manufacturer);
        count(own.map(|gpu| gpu.count).sum())
    };
    let neuron = machine.neuron.iter().map(|device| device.count).sum();
    let cores = machine
        .neuron
        .first()
        .map_or(0, |device| device.count * device.cores);
    let efa = settings
        .efa_only
        .map_or(machine.efa_interfaces, |efa| efa.total);
    let mut capacity: ResourceList = [
        (CPU, count(machine.vcpus)),
        (MEMORY, estimated_memory(machine, settings)),
        (EPHEMERAL_STORAGE, ephemeral_storage(machine, settings)),
        (PODS, count(pods(machine, settings))),
        (
            "vpc.amazonaws.com/pod-eni",
            count(machine.branch_interfaces),
        ),
        ("nvidia.com/gpu", gpus("NVIDIA")),
        ("amd.com/gpu", gpus("AMD")),
        ("habana.ai/gaudi", gpus("Habana")),
        ("aws.amazon.com/neuron", count(neuron)),
        ("aws.amazon.com/neuroncore", count(cores)),
        ("vpc.amazonaws.com/efa", count(efa)),
    ]
    .map(|(resource, amount)| (resource.to_owned(), amount))
    .into();
    if settings.family.is_windows() && machine.architecture == "amd64" {
        let known = if machine.in_vpc_limits {
            machine.ipv4_per_interface
        } else {
            0
        };
        let addresses = count(known.saturating_sub(1));
        capacity.insert("vpc.amazonaws.com/PrivateIPv4Address".to_owned(), addresses);
    }
    capacity
}

/// What the kubelet, the system and eviction keep from pods.
pub fn overhead(machine: &Machine, settings: &NodeSettings) -> Overhead {
    let kubelet = &settings.kubelet;
    let mut kube_reserved = ResourceList::from([
        (CPU.to_owned(), reserved_cpu(machine.vcpus)),
        (MEMORY.to_owned(), reserved_memory(machine, settings)),
        (EPHEMERAL_STORAGE.to_owned(), mebibytes(1024)),
    ]);
    kube_reserved.extend(kubelet.kube_reserved.clone());
    Overhead {
        kube_reserved,
        system_reserved: kubelet.system_reserved.clone(),
        eviction_threshold: eviction_threshold(machine, settings),
    }
}

/// How many pods a node takes.
pub fn pods(machine: &Machine, settings: &NodeSettings) -> u64 {
    let kubelet = &settings.kubelet;
    let family = settings.family;
    let pods = match kubelet.max_pods {
        Some(max_pods) => max_pods,
        None if family.is_eni_limited() => {
            eni_limited_pods(machine, settings, settings.reserved_enis)
        }
        None => DEFAULT_PODS,
    };
    match kubelet.pods_per_core {
        Some(per_core) if per_core > 0 && family.honours_pods_per_core() => {
            pods.min(per_core * machine.vcpus)
        }
        _ => pods,
    }
}

/// How many pods the network interfaces of the default card allow: each has one address of its own
/// and one for each pod; two pods use the node's address. None without interfaces.
pub fn eni_limited_pods(machine: &Machine, settings: &NodeSettings, reserved_enis: u64) -> u64 {
    let efa_only = settings.efa_only.map_or(0, |efa| efa.on_default_card);
    let interfaces = machine
        .interfaces
        .saturating_sub(reserved_enis)
        .saturating_sub(efa_only);
    match interfaces {
        0 => 0,
        _ => interfaces * machine.ipv4_per_interface.saturating_sub(1) + 2,
    }
}

/// What EC2 reports, less the firmware on ARM, less an assumed part, rounded up to MiB.
pub fn estimated_memory(machine: &Machine, settings: &NodeSettings) -> Quantity {
    let firmware = if machine.architecture == "arm64" {
        ARM_FIRMWARE_MIB
    } else {
        0
    };
    let mib = machine.memory_mib.saturating_sub(firmware);
    let part = settings.memory_overhead.nanos().max(0);
    let overhead = (i128::from(mib) * part + 999_999_999) / 1_000_000_000;
    mebibytes(mib.saturating_sub(u64::try_from(overhead).unwrap_or(u64::MAX)))
}

fn ephemeral_storage(machine: &Machine, settings: &NodeSettings) -> Quantity {
    let local = machine.local_storage_gb.filter(|gb| *gb > 0);
    match (settings.instance_store, local) {
        (InstanceStore::Raid0, Some(gb)) => count(gb * 1_000_000_000),
        _ => settings
            .volume
            .unwrap_or_else(|| settings.family.default_volume()),
    }
}

/// 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest; each
/// rounded down to millicores.
fn reserved_cpu(vcpus: u64) -> Quantity {
    let millis = vcpus * 1000;
    let steps = [
        (0, 1000, 600),
        (1000, 2000, 100),
        (2000, 4000, 50),
        (4000, u64::MAX, 25),
    ];
    let reserved: u64 = steps
        .iter()
        .map(|(from, to, per_myriad)| {
            millis.clamp(*from, *to).saturating_sub(*from) * per_myriad / 10_000
        })
        .sum();
    Quantity::from_millis(i64::try_from(reserved).unwrap_or(i64::MAX))
}

/// 11 MiB for each pod and 255 MiB.
fn reserved_memory(machine: &Machine, settings: &NodeSettings) -> Quantity {
    let pods = if settings.family.reserves_for_eni_pods() {
        eni_limited_pods(machine, settings, 0)
    } else {
        pods(machine, settings)
    };
    mebibytes(11 * pods + 255)
}

/// 100 MiB of memory and a tenth of the disk, unless `evictionHard` says otherwise.
fn eviction_threshold(machine: &Machine, settings: &NodeSettings) -> ResourceList {
    let hard = &settings.kubelet.eviction_hard;
    let amount = |signal: &str, default: Threshold, capacity: Quantity| {
        hard.get(signal).copied().unwrap_or(default).of(capacity)
    };
    let of_memory = Threshold::Amount(mebibytes(100));
    let of_disk = Threshold::Part(Quantity::from_millis(100));
    let memory = amount(
        "memory.available",
        of_memory,
        estimated_memory(machine, settings),
    );
    let disk = amount(
        "nodefs.available",
        of_disk,
        ephemeral_storage(machine, settings),
    );
    ResourceList::from([
        (MEMORY.to_owned(), memory),
        (EPHEMERAL_STORAGE.to_owned(), disk),
    ])
}
