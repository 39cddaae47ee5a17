//! Names that Karpenter puts on objects: labels, annotations, taints, finalizers. Each is defined
//! here and nowhere else.

/// Label and requirement key: the NodePool that a node belongs to.
pub const NODEPOOL: &str = "karpenter.sh/nodepool";
/// Label and requirement key: `on-demand`, `spot` or `reserved`.
pub const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
/// Node label: the node has joined and been synchronised with its NodeClaim.
pub const REGISTERED: &str = "karpenter.sh/registered";
/// Node label: the node is ready for pods for the first time.
pub const INITIALIZED: &str = "karpenter.sh/initialized";
/// Node label: taints are left alone at registration.
pub const DO_NOT_SYNC_TAINTS: &str = "karpenter.sh/do-not-sync-taints";

/// Annotation on pods, nodes and claims that keeps them from voluntary disruption.
pub const DO_NOT_DISRUPT: &str = "karpenter.sh/do-not-disrupt";
/// Annotation: hash of the static part of the NodePool's template.
pub const NODEPOOL_HASH: &str = "karpenter.sh/nodepool-hash";
/// Annotation: version of the algorithm of [`NODEPOOL_HASH`].
pub const NODEPOOL_HASH_VERSION: &str = "karpenter.sh/nodepool-hash-version";
/// Annotation on claims: when the node must be gone, whatever still runs on it.
pub const TERMINATION_TIMESTAMP: &str = "karpenter.sh/nodeclaim-termination-timestamp";
/// Annotation on claims: whether `minValues` had to be relaxed.
pub const MIN_VALUES_RELAXED: &str = "karpenter.sh/nodeclaim-min-values-relaxed";

/// Taint of a node that has not been synchronised with its claim yet (`NoExecute`).
pub const UNREGISTERED_TAINT: &str = "karpenter.sh/unregistered";
/// Taint of a node that is going away (`NoSchedule`).
pub const DISRUPTED_TAINT: &str = "karpenter.sh/disrupted";

/// Finalizer on NodeClaims and Nodes: the machine must be drained and ended first.
pub const TERMINATION_FINALIZER: &str = "karpenter.sh/termination";

/// Kubernetes: the node's name as topology domain.
pub const HOSTNAME: &str = "kubernetes.io/hostname";
/// Kubernetes: the zone.
pub const ZONE: &str = "topology.kubernetes.io/zone";
/// Kubernetes: the region.
pub const REGION: &str = "topology.kubernetes.io/region";
/// Kubernetes: the instance type.
pub const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";
/// Kubernetes: the processor architecture.
pub const ARCH: &str = "kubernetes.io/arch";
/// Kubernetes: the operating system.
pub const OS: &str = "kubernetes.io/os";

/// `karpenter.sh/capacity-type`: paid by the hour.
pub const ON_DEMAND: &str = "on-demand";
/// `karpenter.sh/capacity-type`: spare capacity that may be reclaimed.
pub const SPOT: &str = "spot";
/// `karpenter.sh/capacity-type`: paid for beforehand.
pub const RESERVED: &str = "reserved";
