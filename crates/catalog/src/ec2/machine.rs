//! Facts about an instance type, as DescribeInstanceTypes and a few static tables tell them.

use crate::CapacityType;

/// What EC2 says of an instance type, as far as it decides anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// `m5.large`.
    pub name: String,
    /// Under Kubernetes' name: `amd64` or `arm64`.
    pub architecture: String,
    /// Virtual CPUs by default.
    pub vcpus: u64,
    /// Memory in MiB, as EC2 reports it.
    pub memory_mib: u64,
    /// How it can be bought.
    pub usage: UsageClasses,
    /// `nitro`, `xen`, or empty on bare metal.
    pub hypervisor: String,
    /// Of the processor: `Intel`, `AMD`, `AWS`.
    pub manufacturer: String,
    /// Sustained clock speed of the processor in MHz.
    pub clock_mhz: Option<u64>,
    /// Whether there is no hypervisor.
    pub bare_metal: bool,
    /// Whether traffic between such machines is encrypted.
    pub encryption_in_transit: bool,
    /// Whether it has Nitro Enclaves.
    pub enclaves: bool,
    /// Whether virtual machines can run inside of it.
    pub nested_virtualization: bool,
    /// Whether it has an Elastic Network Adapter.
    pub ena: bool,
    /// Greatest bandwidth to EBS in Mbit/s, if optimised for EBS by default.
    pub ebs_mbps: Option<u64>,
    /// Local disks in GB (10^9 bytes), all together.
    pub local_storage_gb: Option<u64>,
    /// Whether the local disks are NVMe.
    pub local_nvme: bool,
    /// Network interfaces of the default network card.
    pub interfaces: u64,
    /// Its network cards; empty where only the default one is known.
    pub network_cards: Vec<NetworkCard>,
    /// IPv4 addresses of each interface.
    pub ipv4_per_interface: u64,
    /// EFA interfaces.
    pub efa_interfaces: u64,
    /// `cluster`, `partition`, `spread`.
    pub placement_strategies: Vec<String>,
    /// Graphics processors, one entry per kind.
    pub gpus: Vec<Gpu>,
    /// Inference accelerators, one entry per kind.
    pub inference: Vec<Accelerator>,
    /// Neuron devices, one entry per kind.
    pub neuron: Vec<NeuronDevice>,
    /// Baseline network bandwidth in Mbit/s.
    pub network_mbps: Option<u64>,
    /// Branch interfaces for pods with their own security groups, if the type can have them.
    pub branch_interfaces: u64,
    /// Whether the limits of its network interfaces are known to what manages them in clusters.
    pub in_vpc_limits: bool,
}

/// A network card of a machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetworkCard {
    /// Its index.
    pub index: u32,
    /// Network interfaces that it takes.
    pub interfaces: u32,
}

/// How a machine can be bought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageClasses {
    /// At list price.
    pub on_demand: bool,
    /// As spare capacity.
    pub spot: bool,
    /// For a time that is booked ahead.
    pub capacity_block: bool,
}

/// Graphics processors of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    /// `T4`.
    pub name: String,
    /// `NVIDIA`, `AMD`, `Habana`.
    pub manufacturer: String,
    /// How many.
    pub count: u64,
    /// Memory of one, in MiB.
    pub memory_mib: u64,
}

/// Inference accelerators of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accelerator {
    /// `Inferentia2`.
    pub name: String,
    /// `AWS`.
    pub manufacturer: String,
    /// How many.
    pub count: u64,
}

/// Neuron devices of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeuronDevice {
    /// `Trainium`.
    pub name: String,
    /// How many.
    pub count: u64,
    /// Cores of one.
    pub cores: u64,
}

impl UsageClasses {
    /// Whether it can be bought so, reservations aside.
    pub fn has(self, capacity_type: CapacityType) -> bool {
        match capacity_type {
            CapacityType::OnDemand => self.on_demand,
            CapacityType::Spot => self.spot,
            CapacityType::Reserved => false,
        }
    }
}

impl Machine {
    /// What stands before the dot of the name; all of it without exactly one dot.
    pub fn family(&self) -> &str {
        self.parts().map_or(&self.name, |(family, _)| family)
    }

    /// What stands after the dot of the name, if there is exactly one.
    pub fn size(&self) -> Option<&str> {
        self.parts().map(|(_, size)| size)
    }

    fn parts(&self) -> Option<(&str, &str)> {
        self.name
            .split_once('.')
            .filter(|(_, size)| !size.contains('.'))
    }

    /// Category and generation: the letters and the number that the family begins with, less a part
    /// like `-6tb` between them. `m5.large`: `m`, `5`; `u-6tb1.metal`: `u`, `1`.
    pub fn category_and_generation(&self) -> Option<(&str, &str)> {
        let before_dot = &self.name[..self.name.rfind('.')?];
        let letters = before_dot
            .bytes()
            .take_while(u8::is_ascii_lowercase)
            .count();
        let (category, rest) = before_dot.split_at(letters);
        let rest = after_terabytes(rest).unwrap_or(rest);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        (letters > 0 && digits > 0).then(|| (category, &rest[..digits]))
    }
}

/// What follows a part like `-6tb`.
fn after_terabytes(text: &str) -> Option<&str> {
    let number = text.strip_prefix('-')?;
    let rest = number.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.strip_prefix("tb")
        .filter(|_| rest.len() < number.len())
}
