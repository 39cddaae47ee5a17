//! What of a node class decides how much of a machine pods can have.

use std::collections::BTreeMap;
use std::str::FromStr;

use model::{Quantity, ResourceList};

/// The operating system image's family, each with its own rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum AmiFamily {
    /// Amazon Linux 2.
    Al2,
    /// Amazon Linux 2023.
    #[default]
    Al2023,
    /// Bottlerocket.
    Bottlerocket,
    /// Ubuntu for EKS, by Canonical.
    Ubuntu,
    /// Windows Server 2019.
    Windows2019,
    /// Windows Server 2022.
    Windows2022,
    /// Windows Server 2025.
    Windows2025,
    /// Whatever the user brings.
    Custom,
}

impl AmiFamily {
    /// The family of a name as `amiFamily` has it; a name that is not known is taken for AL2, as
    /// what boots by the same script.
    pub fn from_name(name: &str) -> Self {
        match name {
            "AL2023" => Self::Al2023,
            "Bottlerocket" => Self::Bottlerocket,
            "Ubuntu" => Self::Ubuntu,
            "Windows2019" => Self::Windows2019,
            "Windows2022" => Self::Windows2022,
            "Windows2025" => Self::Windows2025,
            "Custom" => Self::Custom,
            _ => Self::Al2,
        }
    }

    /// The name, as `amiFamily` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Al2 => "AL2",
            Self::Al2023 => "AL2023",
            Self::Bottlerocket => "Bottlerocket",
            Self::Ubuntu => "Ubuntu",
            Self::Windows2019 => "Windows2019",
            Self::Windows2022 => "Windows2022",
            Self::Windows2025 => "Windows2025",
            Self::Custom => "Custom",
        }
    }

    /// The value of `node.kubernetes.io/windows-build`, for Windows.
    pub fn windows_build(self) -> Option<&'static str> {
        match self {
            Self::Windows2019 => Some("10.0.17763"),
            Self::Windows2022 => Some("10.0.20348"),
            Self::Windows2025 => Some("10.0.26100"),
            Self::Al2 | Self::Al2023 | Self::Bottlerocket | Self::Ubuntu | Self::Custom => None,
        }
    }

    /// Whether it is a Windows.
    pub fn is_windows(self) -> bool {
        self.windows_build().is_some()
    }

    /// Whether memory for the kubelet goes by the pods that the network interfaces allow, rather
    /// than by those that the kubelet allows.
    pub(super) fn reserves_for_eni_pods(self) -> bool {
        matches!(self, Self::Al2 | Self::Al2023 | Self::Ubuntu | Self::Custom)
    }

    /// Whether the network interfaces limit the number of pods.
    pub(super) fn is_eni_limited(self) -> bool {
        !self.is_windows()
    }

    /// Whether `podsPerCore` is honoured.
    pub fn honours_pods_per_core(self) -> bool {
        self != Self::Bottlerocket
    }

    /// The device of the volume that pods' files are on; not known for images that users bring.
    pub(super) fn pods_device(self) -> Option<&'static str> {
        match self {
            Self::Al2 | Self::Al2023 => Some("/dev/xvda"),
            Self::Bottlerocket => Some("/dev/xvdb"),
            Self::Ubuntu | Self::Windows2019 | Self::Windows2022 | Self::Windows2025 => {
                Some("/dev/sda1")
            }
            Self::Custom => None,
        }
    }

    /// The size of the volume that pods' files are on, where the node class says nothing.
    pub(super) fn default_volume(self) -> Quantity {
        Quantity::from_mebibytes(1024 * if self.is_windows() { 50 } else { 20 })
    }
}

/// How nodes are set up.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeSettings {
    /// The image's family.
    pub family: AmiFamily,
    /// The kubelet's configuration.
    pub kubelet: Kubelet,
    /// The size of the volume that pods' files are on; none: the family's default.
    pub volume: Option<Quantity>,
    /// What local disks are for.
    pub instance_store: InstanceStore,
    /// Network interfaces that are kept from pods (`RESERVED_ENIS`).
    pub reserved_enis: u64,
    /// The part of the reported memory that is assumed to be unusable
    /// (`VM_MEMORY_OVERHEAD_PERCENT`).
    pub memory_overhead: Quantity,
    /// EFA-only interfaces, if the node class lists its network interfaces.
    pub efa_only: Option<EfaOnly>,
}

impl Default for NodeSettings {
    /// Amazon Linux 2023 as it comes, 7.5 % of the memory unusable.
    fn default() -> Self {
        Self {
            family: AmiFamily::default(),
            kubelet: Kubelet::default(),
            volume: None,
            instance_store: InstanceStore::default(),
            reserved_enis: 0,
            memory_overhead: Quantity::from_millis(75),
            efa_only: None,
        }
    }
}

/// What local disks are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum InstanceStore {
    /// Whatever the user does with them.
    #[default]
    Unused,
    /// Pods' files, as one array.
    Raid0,
}

/// Interfaces of a node class's list that are of type `efa-only`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EfaOnly {
    /// On all cards.
    pub total: u64,
    /// On the default card.
    pub on_default_card: u64,
}

/// The part of the kubelet's configuration that matters for capacity. Values are resolved: no
/// expressions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kubelet {
    /// Most pods on a node.
    pub max_pods: Option<u64>,
    /// Most pods per virtual CPU; zero: no limit.
    pub pods_per_core: Option<u64>,
    /// Replaces single entries of what is computed.
    pub kube_reserved: ResourceList,
    /// For the operating system.
    pub system_reserved: ResourceList,
    /// By signal: `memory.available`, `nodefs.available`.
    pub eviction_hard: BTreeMap<String, Threshold>,
}

/// When the kubelet begins to evict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// Below this amount.
    Amount(Quantity),
    /// Below this part of the capacity, from 0 to 1.
    Part(Quantity),
}

/// A text is neither a percentage nor a quantity, or is out of range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} must be a percentage from 0% to 100% or a resource quantity that is not negative")]
pub struct InvalidThreshold(pub String);

impl FromStr for Threshold {
    type Err = InvalidThreshold;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidThreshold(text.to_owned());
        if let Some(percent) = text.strip_suffix('%') {
            let digits = percent.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            let percent: Quantity = percent.parse().map_err(|_| invalid())?;
            let in_range = digits && percent <= Quantity::from_units(100);
            return in_range
                .then(|| Self::Part(percent.fraction(1, 100)))
                .ok_or_else(invalid);
        }
        let amount: Quantity = text.parse().map_err(|_| invalid())?;
        (!amount.is_negative())
            .then_some(Self::Amount(amount))
            .ok_or_else(invalid)
    }
}

impl Threshold {
    /// The amount, for this capacity. All of it means: never.
    pub(super) fn of(self, capacity: Quantity) -> Quantity {
        match self {
            Self::Amount(amount) => amount,
            Self::Part(part) if part >= Quantity::from_units(1) => Quantity::ZERO,
            Self::Part(part) => {
                let micros = i64::try_from(part.nanos() / 1000).unwrap_or(0);
                let bytes = capacity.fraction(micros, 1_000_000).units_ceil();
                Quantity::from_bytes(bytes)
            }
        }
    }
}
