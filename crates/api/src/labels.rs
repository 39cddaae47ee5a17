//! Every label, annotation, taint and finalizer key, each named once; and which keys are known,
//! restricted or spelled in several ways, as data.
//!
//! What is *not* here: the rules about them, which `requirements` has.

use model::k8s::{Taint, TaintEffect};

/// API group of NodePool, NodeClaim and NodeOverlay, and the domain of Karpenter's own labels.
pub const GROUP: &str = "karpenter.sh";
/// API group of EC2NodeClass, and the domain of the EC2 provider's labels.
pub const AWS_GROUP: &str = "karpenter.k8s.aws";
/// API group of KWOKNodeClass, and the domain of the KWOK provider's labels.
pub const KWOK_GROUP: &str = "karpenter.kwok.sh";

/// The NodePool that a claim or node belongs to.
pub const NODEPOOL: &str = "karpenter.sh/nodepool";
/// The capacity reservation that an instance of EC2 belongs to.
pub const CAPACITY_RESERVATION_ID: &str = "karpenter.k8s.aws/capacity-reservation-id";
/// `true` if EC2 may take the capacity of that reservation away, else `false`.
pub const CAPACITY_RESERVATION_INTERRUPTIBLE: &str =
    "karpenter.k8s.aws/capacity-reservation-interruptible";
/// `default` or `capacity-block`.
pub const CAPACITY_RESERVATION_TYPE: &str = "karpenter.k8s.aws/capacity-reservation-type";
/// Labels that only nodes from a capacity reservation of EC2 have.
pub const RESERVATION_LABELS: &[&str] = &[
    CAPACITY_RESERVATION_ID,
    CAPACITY_RESERVATION_INTERRUPTIBLE,
    CAPACITY_RESERVATION_TYPE,
];
/// The placement group of EC2 that an instance is in.
pub const PLACEMENT_GROUP_ID: &str = "karpenter.k8s.aws/placement-group-id";
/// The partition of its placement group that an instance is in.
pub const PLACEMENT_GROUP_PARTITION: &str = "karpenter.k8s.aws/placement-group-partition";
/// What stands after the dot of an instance type of EC2.
pub const AWS_INSTANCE_SIZE: &str = "karpenter.k8s.aws/instance-size";
/// Graphics processors of an instance type of EC2, where they are of one kind.
pub const AWS_INSTANCE_GPU_COUNT: &str = "karpenter.k8s.aws/instance-gpu-count";
/// Accelerators of an instance type of EC2, where they are of one kind.
pub const AWS_INSTANCE_ACCELERATOR_COUNT: &str = "karpenter.k8s.aws/instance-accelerator-count";
/// `spot`, `on-demand` or `reserved`.
pub const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
/// `true` once a node has joined and been made to match its claim.
pub const REGISTERED: &str = "karpenter.sh/registered";
/// `true` once a node is complete.
pub const INITIALIZED: &str = "karpenter.sh/initialized";
/// `true` where a node keeps the taints that it joined with.
pub const DO_NOT_SYNC_TAINTS: &str = "karpenter.sh/do-not-sync-taints";
/// Zone.
pub const ZONE: &str = "topology.kubernetes.io/zone";
/// Region.
pub const REGION: &str = "topology.kubernetes.io/region";
/// Instance type.
pub const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";
/// CPU architecture: `amd64` or `arm64`.
pub const ARCH: &str = "kubernetes.io/arch";
/// Operating system: `linux` or `windows`.
pub const OS: &str = "kubernetes.io/os";
/// Host name. Not for users to ask for.
pub const HOSTNAME: &str = "kubernetes.io/hostname";
/// Build of Windows.
pub const WINDOWS_BUILD: &str = "node.kubernetes.io/windows-build";
/// The zone's id, which is the same in every AWS account.
pub const AWS_ZONE_ID: &str = "topology.k8s.aws/zone-id";

/// A value of [`CAPACITY_TYPE`]: paid for by the hour, not taken away.
pub const ON_DEMAND: &str = "on-demand";
/// A value of [`CAPACITY_TYPE`]: cheaper, may be taken away.
pub const SPOT: &str = "spot";
/// A value of [`CAPACITY_TYPE`]: paid for already.
pub const RESERVED: &str = "reserved";
/// The values of [`CAPACITY_TYPE`], sorted.
pub const CAPACITY_TYPES: &[&str] = &[ON_DEMAND, RESERVED, SPOT];
/// Key of the label that tells tenancy on EC2.
pub const AWS_INSTANCE_TENANCY: &str = "karpenter.k8s.aws/instance-tenancy";
/// The values of [`AWS_INSTANCE_TENANCY`], sorted.
pub const AWS_TENANCIES: &[&str] = &["dedicated", "default"];

/// Annotation: `true` (or, on a pod, a duration) keeps a pod or node from voluntary disruption.
pub const DO_NOT_DISRUPT: &str = "karpenter.sh/do-not-disrupt";
/// Annotation: the hash of the pool's template that a claim was made from.
pub const NODEPOOL_HASH: &str = "karpenter.sh/nodepool-hash";
/// Annotation: the algorithm of [`NODEPOOL_HASH`].
pub const NODEPOOL_HASH_VERSION: &str = "karpenter.sh/nodepool-hash-version";
/// Annotation: when a deleted claim's node is ended by force, in RFC 3339.
pub const TERMINATION_TIMESTAMP: &str = "karpenter.sh/nodeclaim-termination-timestamp";
/// How long a node of this claim may be registered without being initialized; `Never` for no limit.
pub const INITIALIZATION_TIMEOUT: &str = "karpenter.sh/initialization-timeout";
/// Annotation: why a claim's node is to be replaced although it is what is asked for, such as that
/// its cloud is about to take it away. Budgets hold, and the new node comes first.
pub const REPLACE: &str = "karpenter.sh/replace";
/// Annotation: whether `minValues` was relaxed for a claim.
pub const MIN_VALUES_RELAXED: &str = "karpenter.sh/nodeclaim-min-values-relaxed";
/// Annotation: drivers whose resources a claim's node must publish, sorted and joined by commas.
pub const REQUESTED_DRA_DRIVERS: &str = "karpenter.sh/requested-dra-drivers";
/// Annotation: `true` where an overlay changed the price of a claim's types.
pub const PRICE_OVERLAY_APPLIED: &str = "karpenter.sh/price-overlay-applied";
/// Annotation: `true` where an overlay changed the capacity of a claim's types.
pub const CAPACITY_OVERLAY_APPLIED: &str = "karpenter.sh/capacity-overlay-applied";
/// Annotation of pods that exist in memory only: `true`.
pub const BUFFER_FAKE_POD: &str = "karpenter.sh/capacity-buffer-fake-pod";
/// Annotation of such pods: name of their buffer.
pub const BUFFER_NAME: &str = "karpenter.sh/capacity-buffer-name";
/// Annotation of such pods: namespace of their buffer.
pub const BUFFER_NAMESPACE: &str = "karpenter.sh/capacity-buffer-namespace";
/// Annotation: reserved, not used.
pub const COMPATIBILITY_PROVIDER: &str = "compatibility.karpenter.sh/provider";
/// Annotation: the hash of the EC2NodeClass that a claim was made from.
pub const EC2NODECLASS_HASH: &str = "karpenter.k8s.aws/ec2nodeclass-hash";
/// Annotation: the algorithm of [`EC2NODECLASS_HASH`].
pub const EC2NODECLASS_HASH_VERSION: &str = "karpenter.k8s.aws/ec2nodeclass-hash-version";
/// Annotation: `true` once an instance has the tags that follow from its node.
pub const AWS_TAGGED: &str = "karpenter.k8s.aws/tagged";
/// Annotation: `true` once an instance has the tag with the cluster's name.
pub const AWS_CLUSTER_NAME_TAGGED: &str = "compatibility.karpenter.k8s.aws/cluster-name-tagged";
/// Annotation: the instance profile of a claim's instance.
pub const AWS_INSTANCE_PROFILE_NAME: &str = "karpenter.k8s.aws/instance-profile-name";
/// Annotation in which kubectl keeps what was last applied.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Finalizer of claims and nodes: the instance must go first.
pub const TERMINATION_FINALIZER: &str = "karpenter.sh/termination";
/// Finalizer of EC2NodeClasses: claims, profiles and launch templates must go first.
pub const AWS_TERMINATION_FINALIZER: &str = "karpenter.k8s.aws/termination";

/// Key of the taint of nodes that have joined and are not registered yet.
pub const UNREGISTERED_TAINT: &str = "karpenter.sh/unregistered";
/// Key of the taint of nodes that are about to go.
pub const DISRUPTED_TAINT: &str = "karpenter.sh/disrupted";

/// The taint that a node joins with.
pub fn unregistered_taint() -> Taint {
    Taint::new(UNREGISTERED_TAINT, "", TaintEffect::NoExecute)
}

/// The taint of a node that is about to go.
pub fn disrupted_taint() -> Taint {
    Taint::new(DISRUPTED_TAINT, "", TaintEffect::NoSchedule)
}

/// Well known to every provider: may be asked for although no pool defines them.
pub const WELL_KNOWN: &[&str] = &[
    NODEPOOL,
    ZONE,
    REGION,
    INSTANCE_TYPE,
    ARCH,
    OS,
    CAPACITY_TYPE,
    WINDOWS_BUILD,
];

/// Well known to the EC2 provider, beside [`WELL_KNOWN`].
pub const AWS_WELL_KNOWN: &[&str] = &[
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
    AWS_ZONE_ID,
];

/// Well known to the KWOK provider, beside [`WELL_KNOWN`] and the keys that its instance types use.
pub const KWOK_WELL_KNOWN: &[&str] = &[
    "karpenter.kwok.sh/instance-cpu",
    "karpenter.kwok.sh/instance-family",
    "karpenter.kwok.sh/instance-memory",
    "karpenter.kwok.sh/instance-size",
];

/// Name of an EC2NodeClass, on claims and nodes.
pub const EC2NODECLASS: &str = "karpenter.k8s.aws/ec2nodeclass";
/// Name of a KWOKNodeClass, on claims and nodes.
pub const KWOKNODECLASS: &str = "karpenter.kwok.sh/kwoknodeclass";

/// Domains whose labels are not for users, for every provider.
pub const RESTRICTED_DOMAINS: &[&str] = &[GROUP];
/// Further ones of the EC2 provider.
pub const AWS_RESTRICTED_DOMAINS: &[&str] = &[AWS_GROUP];
/// Further ones of the KWOK provider.
pub const KWOK_RESTRICTED_DOMAINS: &[&str] = &[KWOK_GROUP];
/// Keys that are not for users, whatever their domain.
pub const RESTRICTED: &[&str] = &[HOSTNAME];

/// Deprecated spellings of keys, and today's.
pub const NORMALIZED: &[(&str, &str)] = &[
    ("failure-domain.beta.kubernetes.io/zone", ZONE),
    ("failure-domain.beta.kubernetes.io/region", REGION),
    ("beta.kubernetes.io/arch", ARCH),
    ("beta.kubernetes.io/os", OS),
    ("beta.kubernetes.io/instance-type", INSTANCE_TYPE),
];

/// Further spellings that the EC2 provider knows.
pub const AWS_NORMALIZED: &[(&str, &str)] = &[("topology.ebs.csi.aws.com/zone", ZONE)];

/// Resources that the core knows by name, which overlays can't set.
pub const KNOWN_RESOURCES: &[&str] = &["cpu", "memory", "ephemeral-storage", "pods"];
/// Further ones of the EC2 provider.
pub const AWS_KNOWN_RESOURCES: &[&str] = &[
    "vpc.amazonaws.com/pod-eni",
    "aws.amazon.com/neuron",
    "aws.amazon.com/neuroncore",
    "habana.ai/gaudi",
    "vpc.amazonaws.com/efa",
];

/// Extended resources that instance types offer, which a requirement may name in place of a label.
pub const DEVICES: &[&str] = &[
    "nvidia.com/gpu",
    "amd.com/gpu",
    "aws.amazon.com/neuron",
    "aws.amazon.com/neuroncore",
    "habana.ai/gaudi",
    "vpc.amazonaws.com/efa",
];

/// Today's spelling of a key, for every provider and for EC2.
pub fn normalize(key: &str) -> &str {
    NORMALIZED
        .iter()
        .chain(AWS_NORMALIZED)
        .find(|(alias, _)| *alias == key)
        .map_or(key, |(_, key)| key)
}
