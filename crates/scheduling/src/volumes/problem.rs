//! Why a claim can't be used as things are.

use std::fmt;

use cluster::ObjectKey;

/// Why a persistent volume claim of a pod can't be used, so that the pod can run nowhere for now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VolumeProblem {
    /// The claim.
    pub claim: ObjectKey,
    /// What is wrong with it.
    pub cause: VolumeCause,
}

/// What is wrong with a claim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VolumeCause {
    /// There is no such claim.
    Missing,
    /// The claim has the name of an ephemeral volume's but belongs to something else.
    OfAnother,
    /// It is being deleted.
    Deleting,
    /// Its volume is gone for good.
    Lost,
    /// The volume that it names does not exist.
    VolumeMissing {
        /// Name of the volume.
        volume: String,
    },
    /// The volume that it names is being deleted.
    VolumeDeleting {
        /// Name of the volume.
        volume: String,
    },
    /// It names a volume but nobody has bound the two.
    NotBound,
    /// It has no volume, and no storage class that could make one.
    NoClass,
    /// Its storage class does not exist.
    ClassMissing {
        /// Name of the class.
        class: String,
    },
    /// Its storage class makes volumes at once, and it has none yet.
    Immediate,
    /// Its storage class chooses places by a label that the provider can't offer.
    TopologyKey {
        /// The label.
        key: String,
    },
    /// The provider's nodes can't use volumes of this driver.
    Provisioner {
        /// The driver.
        driver: String,
    },
}

impl fmt::Display for VolumeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (PersistentVolumeClaim={})", self.cause, self.claim)
    }
}

impl fmt::Display for VolumeCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("persistentvolumeclaim not found"),
            Self::OfAnother => f.write_str(
                "persistentvolumeclaim was not created for the pod's ephemeral volume of this name",
            ),
            Self::Deleting => f.write_str("persistentvolumeclaim is being deleted"),
            Self::Lost => {
                f.write_str("persistentvolumeclaim bound to non-existent persistentvolume")
            }
            Self::VolumeMissing { volume } => write!(f, "persistentvolume {volume} not found"),
            Self::VolumeDeleting { volume } => {
                write!(f, "persistentvolume {volume} is being deleted")
            }
            Self::NotBound => write!(
                f,
                "pvc is considered unbound because it does not contain annotation {BIND_COMPLETED}"
            ),
            Self::NoClass => f.write_str("unbound pvc must define a storage class"),
            Self::ClassMissing { class } => write!(f, "storage class {class} not found"),
            Self::Immediate => f.write_str(
                "failed to validate pvc, pvc with immediate volume binding mode must be bound",
            ),
            Self::TopologyKey { key } => write!(
                f,
                "failed to validate pvc, storage class uses unsupported topology key {key}"
            ),
            Self::Provisioner { driver } => write!(
                f,
                "failed to validate pvc, provisioner is not supported: {driver}"
            ),
        }
    }
}

/// Annotation that says that a claim and its volume are bound to each other.
pub(super) const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
