//! The cloud as the loops see it: a trait that each provider implements.
//!
//! What is *not* here: any cloud. `provider-aws`, `provider-kwok` and the simulation each have one.

use std::{collections::BTreeMap, sync::Arc};

use api::{NillableDuration, NodeClaim, NodePool};
use async_trait::async_trait;
use catalog::InstanceType;
use model::{ResourceList, Timestamp};
use requirements::Vocabulary;

pub use lifecycle::claim::{HookOutcome, HookState};
pub use lifecycle::measure::termination_mode;
pub use lifecycle::repair::RepairPolicy;
pub use runtime::client::Kind as NodeClassKind;

/// What machines come from.
///
/// All methods may be called again after a crash with an unknown outcome, so `create` is idempotent
/// by the claim's uid: an instance that was made for a claim carries its name and uid, and a second
/// call for the same claim returns that instance.
#[async_trait]
pub trait CloudProvider: Send + Sync {
    /// Short name for metrics, such as `kwok`.
    fn name(&self) -> &'static str;

    /// What label keys mean.
    fn vocabulary(&self) -> Vocabulary;

    /// The node class kinds that this provider serves; the first is the default. They decide which
    /// pools, claims and nodes are ours.
    fn node_class_kinds(&self) -> &[NodeClassKind];

    /// How long drains of nodes may take whose pool does not say; none if as long as they need.
    fn termination_grace_period(&self) -> Option<NillableDuration> {
        None
    }

    /// Starts an instance for a claim, or returns the one that was started for it before.
    async fn create(&self, claim: &NodeClaim) -> Result<Launched, CloudError>;

    /// Asks for the end of a claim's instance. [`CloudError::NotFound`] once it is gone: callers
    /// ask again until then.
    async fn delete(&self, claim: &NodeClaim) -> Result<(), CloudError>;

    /// One instance by its provider id; [`CloudError::NotFound`] when it is gone.
    async fn get(&self, provider_id: &str) -> Result<Instance, CloudError>;

    /// Every instance that was started for a claim of this cluster and still exists.
    async fn list(&self) -> Result<Vec<Instance>, CloudError>;

    /// All types that a pool may launch, those without an available offering included.
    async fn instance_types(&self, pool: &NodePool)
    -> Result<Arc<[Arc<InstanceType>]>, CloudError>;

    /// Whether a claim's instance is no longer what its node class asks for.
    async fn is_drifted(&self, claim: &NodeClaim) -> Result<Option<DriftReason>, CloudError>;

    /// Which node conditions mean that a node is broken.
    fn repair_policies(&self) -> Vec<RepairPolicy>;

    /// What has to be done before a node of this cloud may be registered.
    fn registration_hooks(&self) -> Vec<Arc<dyn RegistrationHook>> {
        Vec::new()
    }
}

/// Something that has to be done, or to happen, before a node may be registered: until then it
/// keeps the taint `karpenter.sh/unregistered`, and no pod comes to it.
#[async_trait]
pub trait RegistrationHook: Send + Sync {
    /// Short name for the claim's condition.
    fn name(&self) -> &str;

    /// Does it, or looks whether it has happened. Asked again until it is done, and also later if a
    /// write failed. `Err` says what went wrong; the registration time-out goes on.
    async fn register(&self, claim: &NodeClaim) -> Result<HookOutcome, String>;
}

/// An instance that was started for a claim.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Launched {
    /// The instance's id, as its Node's `spec.providerID` will say it.
    pub provider_id: String,
    /// The image that it runs.
    pub image_id: String,
    /// Labels that the instance decides: type, zone, capacity type and the like.
    pub labels: BTreeMap<String, String>,
    /// Annotations for the claim.
    pub annotations: BTreeMap<String, String>,
    /// What the machine has.
    pub capacity: ResourceList,
    /// What pods may ask for.
    pub allocatable: ResourceList,
}

/// An instance as the cloud lists it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instance {
    /// The instance's id.
    pub provider_id: String,
    /// Name of the claim that it was started for; empty where that is not known.
    pub claim_name: String,
    /// Uid of that claim; empty where that is not known.
    pub claim_uid: String,
    /// Name of the Node that it becomes; empty where that is not known.
    pub node_name: String,
    /// When it was started.
    pub created: Option<Timestamp>,
    /// Whether it is on its way out.
    pub state: InstanceState,
    /// Labels that the instance decides.
    pub labels: BTreeMap<String, String>,
    /// The image that it runs.
    pub image_id: String,
    /// What the machine has.
    pub capacity: ResourceList,
    /// What pods may ask for.
    pub allocatable: ResourceList,
}

/// Whether an instance is there to stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InstanceState {
    /// Starting or running.
    #[default]
    Running,
    /// Its end has been asked for.
    Terminating,
}

/// Why an instance is not what its node class asks for; becomes the reason of the condition
/// `Drifted`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftReason(pub String);

/// Why a call to the cloud failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// Nothing that the claim allows can be had now. The claim is given up; its pods are placed
    /// anew.
    #[error("insufficient capacity, {0}")]
    InsufficientCapacity(String),
    /// The node class can't be used. The claim is given up.
    #[error("NodeClassRef not ready, {0}")]
    NodeClassNotReady(String),
    /// The instance does not exist (any more).
    #[error("nodeclaim not found, {0}")]
    NotFound(String),
    /// The launch failed for a reason that the claim's condition shall show.
    #[error("creating nodeclaim, {message}")]
    Create {
        /// Reason of the condition `Launched`.
        reason: String,
        /// Its message.
        message: String,
    },
    /// The cloud asks to call less often.
    #[error("throttled, {0}")]
    Throttled(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// When a failed call to the cloud is worth repeating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudRetry {
    /// Later, with growing waits.
    Backoff,
    /// Not as it is.
    Never,
}

impl CloudError {
    /// When the call is worth repeating.
    pub fn retry(&self) -> CloudRetry {
        match self {
            Self::Create { .. } | Self::Throttled(_) | Self::Other(_) => CloudRetry::Backoff,
            Self::InsufficientCapacity(_) | Self::NodeClassNotReady(_) | Self::NotFound(_) => {
                CloudRetry::Never
            }
        }
    }

    /// Whether the instance does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// The value of the label `error` in metrics.
    pub fn metric_label(&self) -> &'static str {
        match self {
            Self::InsufficientCapacity(_) => "InsufficientCapacityError",
            Self::NodeClassNotReady(_) => "NodeClassNotReadyError",
            Self::NotFound(_) => "NodeClaimNotFoundError",
            Self::Create { .. } | Self::Throttled(_) | Self::Other(_) => "",
        }
    }
}
