//! One line per instance type, from what DescribeInstanceTypes answers.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use serde::Deserialize;

use super::figures::Figures;
use super::read_json;

const HEADER: &str = "\
# EC2 instance types. Made by `cargo xtask ec2-table`; do not edit. Provenance: sources/README.md.
# '-' is unknown or absent. usage: o on-demand, s spot, b capacity block. flags: b bare metal, e encryption
# in transit, n enclaves, v nested virtualization, N local disks are NVMe, a ENA. gpus, inference, neuron:
# name:manufacturer:count:MiB-of-one, name:manufacturer:count, name:count:cores-of-one. Prices per hour.
type\tarch\tvcpus\tmemory_mib\tusage\thypervisor\tmanufacturer\tclock_mhz\tflags\tebs_mbps\tlocal_gb\t\
interfaces\tipv4_per_interface\tefa\tplacement\tgpus\tinference\tneuron\t\
network_mbps\tbranch_interfaces\ttrunking\tusd_us_east_1\tusd_us_gov_east_1\tusd_us_gov_west_1\tcny_cn_north_1
";

/// The part of an answer that decides anything.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Machine {
    #[serde(default)]
    bare_metal: bool,
    ebs_info: EbsInfo,
    gpu_info: Option<GpuInfo>,
    #[serde(default)]
    hypervisor: String,
    inference_accelerator_info: Option<InferenceInfo>,
    instance_storage_info: Option<StorageInfo>,
    memory_info: MemoryInfo,
    network_info: NetworkInfo,
    neuron_info: Option<NeuronInfo>,
    nitro_enclaves_support: String,
    placement_group_info: PlacementInfo,
    processor_info: ProcessorInfo,
    supported_usage_classes: Vec<String>,
    supported_virtualization_types: Vec<String>,
    #[serde(rename = "VCpuInfo")]
    vcpu_info: VcpuInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EbsInfo {
    ebs_optimized_info: Option<EbsOptimized>,
    ebs_optimized_support: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EbsOptimized {
    maximum_bandwidth_in_mbps: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GpuInfo {
    gpus: Vec<Gpu>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Gpu {
    count: u64,
    manufacturer: String,
    memory_info: MemoryInfo,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InferenceInfo {
    accelerators: Vec<Accelerator>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Accelerator {
    count: u64,
    manufacturer: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NeuronInfo {
    neuron_devices: Vec<NeuronDevice>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NeuronDevice {
    core_info: NeuronCores,
    count: u64,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NeuronCores {
    count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StorageInfo {
    #[serde(default)]
    nvme_support: String,
    #[serde(rename = "TotalSizeInGB")]
    total_size_in_gb: u64,
}

#[derive(Deserialize)]
struct MemoryInfo {
    #[serde(rename = "SizeInMiB")]
    size_in_mib: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkInfo {
    default_network_card_index: usize,
    efa_info: Option<EfaInfo>,
    ena_support: String,
    #[serde(default)]
    encryption_in_transit_supported: bool,
    ipv4_addresses_per_interface: u64,
    network_cards: Vec<NetworkCard>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EfaInfo {
    maximum_efa_interfaces: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkCard {
    maximum_network_interfaces: u64,
    network_card_index: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PlacementInfo {
    supported_strategies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessorInfo {
    manufacturer: String,
    supported_architectures: Vec<String>,
    #[serde(default)]
    supported_features: Vec<String>,
    sustained_clock_speed_in_ghz: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VcpuInfo {
    #[serde(rename = "DefaultVCpus")]
    default_vcpus: u64,
}

impl Machine {
    /// The architecture under the name of Kubernetes, for the first that it has a name for.
    fn architecture(&self) -> Option<&'static str> {
        self.processor_info
            .supported_architectures
            .iter()
            .find_map(|name| match name.as_str() {
                "x86_64" => Some("amd64"),
                "arm64" => Some("arm64"),
                _ => None,
            })
    }

    /// Whether it is among those that are asked for: hardware virtualization, 64-bit.
    fn is_wanted(&self) -> bool {
        self.architecture().is_some()
            && self
                .supported_virtualization_types
                .iter()
                .any(|kind| kind == "hvm")
    }

    /// Network interfaces of the default card, which alone count for pods.
    fn interfaces(&self) -> u64 {
        let network = &self.network_info;
        let default = network.default_network_card_index;
        let card = network
            .network_cards
            .iter()
            .find(|card| card.network_card_index == default);
        card.map_or(0, |card| card.maximum_network_interfaces)
    }

    fn usage(&self) -> String {
        let letters = [("on-demand", 'o'), ("spot", 's'), ("capacity-block", 'b')];
        let has = |class: &str| self.supported_usage_classes.iter().any(|own| own == class);
        letters
            .iter()
            .filter(|(class, _)| has(class))
            .map(|(_, letter)| *letter)
            .collect()
    }

    fn flags(&self) -> String {
        let features = &self.processor_info.supported_features;
        let storage = self.instance_storage_info.as_ref();
        let flags = [
            (self.bare_metal, 'b'),
            (self.network_info.encryption_in_transit_supported, 'e'),
            (self.nitro_enclaves_support == "supported", 'n'),
            (
                features
                    .iter()
                    .any(|feature| feature == "nested-virtualization"),
                'v',
            ),
            (
                storage.is_some_and(|storage| storage.nvme_support != "unsupported"),
                'N',
            ),
            (self.network_info.ena_support != "unsupported", 'a'),
        ];
        flags
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, letter)| *letter)
            .collect()
    }

    fn ebs_mbps(&self) -> Option<u64> {
        let info = self.ebs_info.ebs_optimized_info.as_ref();
        info.filter(|_| self.ebs_info.ebs_optimized_support == "default")
            .map(|info| info.maximum_bandwidth_in_mbps)
    }

    fn gpus(&self) -> String {
        let gpus = self.gpu_info.iter().flat_map(|info| &info.gpus);
        joined(gpus.map(|gpu| {
            let memory = gpu.memory_info.size_in_mib;
            format!("{}:{}:{}:{memory}", gpu.name, gpu.manufacturer, gpu.count)
        }))
    }

    fn inference(&self) -> String {
        let accelerators = self
            .inference_accelerator_info
            .iter()
            .flat_map(|info| &info.accelerators);
        joined(accelerators.map(|one| format!("{}:{}:{}", one.name, one.manufacturer, one.count)))
    }

    fn neuron(&self) -> String {
        let devices = self
            .neuron_info
            .iter()
            .flat_map(|info| &info.neuron_devices);
        joined(devices.map(|one| format!("{}:{}:{}", one.name, one.count, one.core_info.count)))
    }

    fn cells(&self) -> Vec<String> {
        let clock = self.processor_info.sustained_clock_speed_in_ghz;
        let storage = self.instance_storage_info.as_ref();
        let efa = self.network_info.efa_info.as_ref();
        vec![
            self.architecture().unwrap_or_default().to_owned(),
            self.vcpu_info.default_vcpus.to_string(),
            self.memory_info.size_in_mib.to_string(),
            or_dash(self.usage()),
            or_dash(self.hypervisor.clone()),
            or_dash(self.processor_info.manufacturer.clone()),
            number(clock.map(|ghz| (ghz * 1000.0).round() as u64)),
            or_dash(self.flags()),
            number(self.ebs_mbps()),
            number(storage.map(|storage| storage.total_size_in_gb)),
            self.interfaces().to_string(),
            self.network_info.ipv4_addresses_per_interface.to_string(),
            number(efa.map(|efa| efa.maximum_efa_interfaces)),
            joined(
                self.placement_group_info
                    .supported_strategies
                    .iter()
                    .cloned(),
            ),
            self.gpus(),
            self.inference(),
            self.neuron(),
        ]
    }
}

/// The types that are asked for, by name.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Machine>> {
    let mut machines: BTreeMap<String, Machine> = read_json(path)?;
    machines.retain(|_, machine| machine.is_wanted());
    Ok(machines)
}

/// The table: comments, column names, a line per type.
pub(super) fn table(machines: &BTreeMap<String, Machine>, figures: &Figures) -> String {
    let mut text = HEADER.to_owned();
    for (name, machine) in machines {
        let mut cells = machine.cells();
        cells.extend(figures.cells(name));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}\t{}", cells.join("\t"));
    }
    text
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    or_dash(parts.collect::<Vec<_>>().join("+"))
}

fn or_dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}

fn number(value: Option<u64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
