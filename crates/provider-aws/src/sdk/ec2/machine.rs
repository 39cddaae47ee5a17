//! Instance types.

use aws::ec2::Filter;
use aws_sdk_ec2::types::{
    ArchitectureType, EbsInfo, EbsOptimizedSupport, EnaSupport, EphemeralNvmeSupport, GpuInfo,
    InferenceAcceleratorInfo, InstanceTypeInfo, NetworkInfo, NeuronInfo, NitroEnclavesSupport,
    ProcessorInfo, SupportedAdditionalProcessorFeature, UsageClassType,
};
use catalog::ec2::{Accelerator, Gpu, Machine, NetworkCard, NeuronDevice, UsageClasses};

use crate::sdk::values::{count, text};

/// Which types are asked for: those with hardware virtualization that nodes can run on.
pub(super) fn filters() -> [Filter; 2] {
    [
        Filter::new("supported-virtualization-type", ["hvm"]),
        Filter::new("processor-info.supported-architecture", ["x86_64", "arm64"]),
    ]
}

/// A type, but for what EC2 does not tell.
pub(super) fn machine(info: InstanceTypeInfo) -> Machine {
    let processor = info
        .processor_info
        .unwrap_or_else(|| ProcessorInfo::builder().build());
    let network = info
        .network_info
        .unwrap_or_else(|| NetworkInfo::builder().build());
    let storage = info.instance_storage_info;
    let vcpus = info.v_cpu_info.and_then(|vcpus| vcpus.default_v_cpus);
    let memory = info.memory_info.and_then(|memory| memory.size_in_mib);
    let placement = info
        .placement_group_info
        .and_then(|group| group.supported_strategies);
    let supported = NitroEnclavesSupport::Supported;
    let nested = SupportedAdditionalProcessorFeature::NestedVirtualization;
    let nvme = storage.as_ref().and_then(|s| s.nvme_support.as_ref());
    Machine {
        name: text(info.instance_type),
        architecture: architecture(&processor),
        vcpus: count(vcpus),
        memory_mib: count(memory),
        usage: usage(info.supported_usage_classes.unwrap_or_default()),
        hypervisor: text(info.hypervisor),
        clock_mhz: processor
            .sustained_clock_speed_in_ghz
            .map(|ghz| (ghz * 1000.0).round() as u64),
        bare_metal: info.bare_metal.unwrap_or_default(),
        encryption_in_transit: network.encryption_in_transit_supported.unwrap_or_default(),
        enclaves: info.nitro_enclaves_support == Some(supported),
        nested_virtualization: processor.supported_features().contains(&nested),
        ena: network
            .ena_support
            .as_ref()
            .is_some_and(|ena| *ena != EnaSupport::Unsupported),
        ebs_mbps: info.ebs_info.as_ref().and_then(ebs_bandwidth),
        local_nvme: nvme.is_some_and(|nvme| *nvme != EphemeralNvmeSupport::Unsupported),
        local_storage_gb: storage
            .and_then(|storage| storage.total_size_in_gb)
            .map(|gb| count(Some(gb))),
        interfaces: interfaces(&network),
        network_cards: cards(&network),
        ipv4_per_interface: count(network.ipv4_addresses_per_interface),
        efa_interfaces: count(network.efa_info.and_then(|efa| efa.maximum_efa_interfaces)),
        placement_strategies: placement
            .into_iter()
            .flatten()
            .map(|s| text(Some(s)))
            .collect(),
        gpus: info.gpu_info.map(gpus).unwrap_or_default(),
        inference: info
            .inference_accelerator_info
            .map(inference)
            .unwrap_or_default(),
        neuron: info.neuron_info.map(neuron).unwrap_or_default(),
        manufacturer: text(processor.manufacturer),
        network_mbps: None,
        branch_interfaces: 0,
        in_vpc_limits: false,
    }
}

/// The first that Kubernetes has a name for; empty if there is none.
fn architecture(processor: &ProcessorInfo) -> String {
    let known = |architecture: &ArchitectureType| match architecture {
        ArchitectureType::X8664 => Some("amd64"),
        ArchitectureType::Arm64 => Some("arm64"),
        _ => None,
    };
    let mut all = processor.supported_architectures().iter();
    text(all.find_map(known))
}

fn usage(classes: Vec<UsageClassType>) -> UsageClasses {
    UsageClasses {
        on_demand: classes.contains(&UsageClassType::OnDemand),
        spot: classes.contains(&UsageClassType::Spot),
        capacity_block: classes.contains(&UsageClassType::CapacityBlock),
    }
}

/// Only where a machine has it without being asked.
fn ebs_bandwidth(ebs: &EbsInfo) -> Option<u64> {
    let always = ebs.ebs_optimized_support == Some(EbsOptimizedSupport::Default);
    let most = ebs.ebs_optimized_info.as_ref()?.maximum_bandwidth_in_mbps?;
    always.then(|| count(Some(most)))
}

/// Interfaces of the default card, which alone count for pods.
fn interfaces(network: &NetworkInfo) -> u64 {
    let default = network.default_network_card_index.unwrap_or_default();
    let card = network
        .network_cards()
        .iter()
        .find(|card| card.network_card_index == Some(default));
    let of_card = card.and_then(|card| card.maximum_network_interfaces);
    count(of_card.or(network.maximum_network_interfaces))
}

fn cards(network: &NetworkInfo) -> Vec<NetworkCard> {
    let narrow = |value| u32::try_from(count(value)).unwrap_or_default();
    let cards = network.network_cards().iter();
    cards
        .map(|card| NetworkCard {
            index: narrow(card.network_card_index),
            interfaces: narrow(card.maximum_network_interfaces),
        })
        .collect()
}

fn gpus(info: GpuInfo) -> Vec<Gpu> {
    let gpus = info.gpus.into_iter().flatten();
    gpus.map(|gpu| Gpu {
        name: text(gpu.name),
        manufacturer: text(gpu.manufacturer),
        count: count(gpu.count),
        memory_mib: count(gpu.memory_info.and_then(|memory| memory.size_in_mib)),
    })
    .collect()
}

fn inference(info: InferenceAcceleratorInfo) -> Vec<Accelerator> {
    let accelerators = info.accelerators.into_iter().flatten();
    accelerators
        .map(|accelerator| Accelerator {
            name: text(accelerator.name),
            manufacturer: text(accelerator.manufacturer),
            count: count(accelerator.count),
        })
        .collect()
}

fn neuron(info: NeuronInfo) -> Vec<NeuronDevice> {
    let devices = info.neuron_devices.into_iter().flatten();
    devices
        .map(|device| NeuronDevice {
            name: text(device.name),
            count: count(device.count),
            cores: count(device.core_info.and_then(|cores| cores.count)),
        })
        .collect()
}
