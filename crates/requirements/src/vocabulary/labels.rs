//! The label keys that vocabularies are made of.

/// Zone.
pub(super) const ZONE: &str = "topology.kubernetes.io/zone";
const REGION: &str = "topology.kubernetes.io/region";
const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";
const ARCH: &str = "kubernetes.io/arch";
const OS: &str = "kubernetes.io/os";
/// Host name: internal to the scheduler.
pub(super) const HOSTNAME: &str = "kubernetes.io/hostname";

/// The domain of Karpenter's own labels.
pub(super) const CORE_DOMAIN: &str = "karpenter.sh";
/// The domain of the EC2 provider's labels.
pub(super) const AWS_DOMAIN: &str = "karpenter.k8s.aws";
/// The domain of the KWOK provider's labels.
pub(super) const KWOK_DOMAIN: &str = "karpenter.kwok.sh";
/// The EBS driver's name for the zone.
pub(super) const EBS_ZONE: &str = "topology.ebs.csi.aws.com/zone";

/// Well known to every provider.
pub(super) const CORE: &[&str] = &[
    "karpenter.sh/nodepool",
    ZONE,
    REGION,
    INSTANCE_TYPE,
    ARCH,
    OS,
    "karpenter.sh/capacity-type",
    "node.kubernetes.io/windows-build",
];

/// Labels by which a node's progress is tracked; requirements on them exist in simulations only.
pub(super) const PROGRESS: &[&str] = &["karpenter.sh/registered", "karpenter.sh/initialized"];

/// Spellings that Kubernetes has deprecated.
pub(super) const ALIASES: &[(&str, &str)] = &[
    ("failure-domain.beta.kubernetes.io/zone", ZONE),
    ("failure-domain.beta.kubernetes.io/region", REGION),
    ("beta.kubernetes.io/arch", ARCH),
    ("beta.kubernetes.io/os", OS),
    ("beta.kubernetes.io/instance-type", INSTANCE_TYPE),
];

/// Further ones of EC2.
pub(super) const AWS: &[&str] = &[
    "karpenter.k8s.aws/capacity-reservation-id",
    "karpenter.k8s.aws/capacity-reservation-interruptible",
    "karpenter.k8s.aws/capacity-reservation-type",
    "karpenter.k8s.aws/instance-accelerator-count",
    "karpenter.k8s.aws/instance-accelerator-manufacturer",
    "karpenter.k8s.aws/instance-accelerator-name",
    "karpenter.k8s.aws/instance-capability-flex",
    "karpenter.k8s.aws/instance-category",
    "karpenter.k8s.aws/instance-cpu",
    "karpenter.k8s.aws/instance-cpu-manufacturer",
    "karpenter.k8s.aws/instance-cpu-sustained-clock-speed-mhz",
    "karpenter.k8s.aws/instance-ebs-bandwidth",
    "karpenter.k8s.aws/instance-encryption-in-transit-supported",
    "karpenter.k8s.aws/instance-family",
    "karpenter.k8s.aws/instance-generation",
    "karpenter.k8s.aws/instance-gpu-count",
    "karpenter.k8s.aws/instance-gpu-manufacturer",
    "karpenter.k8s.aws/instance-gpu-memory",
    "karpenter.k8s.aws/instance-gpu-name",
    "karpenter.k8s.aws/instance-hypervisor",
    "karpenter.k8s.aws/instance-local-nvme",
    "karpenter.k8s.aws/instance-memory",
    "karpenter.k8s.aws/instance-network-bandwidth",
    "karpenter.k8s.aws/instance-size",
    "karpenter.k8s.aws/instance-tenancy",
    "karpenter.k8s.aws/nitro-sandbox",
    "karpenter.k8s.aws/placement-group-id",
    "karpenter.k8s.aws/placement-group-partition",
    "topology.k8s.aws/zone-id",
];

/// Further ones of the KWOK provider.
pub(super) const KWOK: &[&str] = &[
    "karpenter.kwok.sh/instance-cpu",
    "karpenter.kwok.sh/instance-family",
    "karpenter.kwok.sh/instance-memory",
    "karpenter.kwok.sh/instance-size",
];
