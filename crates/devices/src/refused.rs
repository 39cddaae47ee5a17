//! Why claims can't be met.

use std::sync::Arc;

use cluster::ObjectKey;

/// Why a pod's claims can't be met, on a candidate or anywhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A claim does not exist. The next pass looks again.
    #[error("resourceclaim {:?} not found", claim.to_string())]
    ClaimMissing {
        /// The claim.
        claim: ObjectKey,
    },
    /// A request names a device class that does not exist.
    #[error(
        "resourceclaim {claim}: request {request} names device class {class}, which does not exist"
    )]
    ClassMissing {
        /// The claim.
        claim: ObjectKey,
        /// The request.
        request: String,
        /// The class.
        class: String,
    },
    /// A selector is no CEL.
    #[error(
        "resourceclaim {claim}: request {request}: selector {expression:?} can't be compiled: {problem}"
    )]
    Selector {
        /// The claim.
        claim: ObjectKey,
        /// The request.
        request: String,
        /// The expression.
        expression: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A claim asks for something that is not decided here.
    #[error("resourceclaim {claim}: {what}")]
    Unsupported {
        /// The claim.
        claim: ObjectKey,
        /// What.
        what: Unsupported,
    },
    /// A claim's devices can't be used from the candidate.
    #[error(
        "resourceclaim {claim}: in-cluster allocation topology is incompatible with NodeClaim requirements"
    )]
    AllocatedElsewhere {
        /// The claim.
        claim: ObjectKey,
    },
    /// The devices that a claim got earlier in this pass can't be used from the candidate.
    #[error(
        "resourceclaim {claim}: in-memory allocation topology is incompatible with NodeClaim requirements"
    )]
    GrantedElsewhere {
        /// The claim.
        claim: ObjectKey,
    },
    /// A claim got devices of another planned node earlier in this pass.
    #[error("resourceclaim {claim}: claim is bound to a different in-flight NodeClaim")]
    BoundToAnother {
        /// The claim.
        claim: ObjectKey,
        /// The other candidate.
        candidate: Arc<str>,
    },
    /// All devices of a kind are wanted, but not all of a pool's slices are there.
    #[error(
        "resourceclaim {claim}: all devices are wanted, and pool {driver}/{pool} is incomplete"
    )]
    PoolIncomplete {
        /// The claim.
        claim: ObjectKey,
        /// The pool's driver.
        driver: Arc<str>,
        /// The pool.
        pool: Arc<str>,
    },
    /// All devices of a kind are wanted, but a pool contradicts itself.
    #[error("resourceclaim {claim}: all devices are wanted, and pool {driver}/{pool} is invalid")]
    PoolInvalid {
        /// The claim.
        claim: ObjectKey,
        /// The pool's driver.
        driver: Arc<str>,
        /// The pool.
        pool: Arc<str>,
    },
    /// A claim asks for more devices than a claim may have.
    #[error("resourceclaim {claim}: asks for {devices} devices, a claim may have {most}")]
    TooManyDevices {
        /// The claim.
        claim: ObjectKey,
        /// How many it asks for.
        devices: usize,
        /// How many it may have.
        most: usize,
    },
    /// An expression fails on a device, which keeps the Kubernetes scheduler from allocating too.
    #[error(
        "resourceclaim {claim}: selector of request {request} fails on device {device}: {problem}"
    )]
    SelectorFails {
        /// The claim.
        claim: ObjectKey,
        /// The request.
        request: String,
        /// The device.
        device: String,
        /// The error.
        problem: String,
    },
    /// No instance type of the candidate, or not the node itself, has free devices that fit.
    #[error("no instance type can satisfy the allocation, of {types}")]
    NoType {
        /// How many types were tried.
        types: usize,
    },
    /// The search was given up. Claims with fewer alternatives are found more easily.
    #[error("no allocation of devices was found in {steps} steps")]
    TooComplex {
        /// Steps that were taken.
        steps: u64,
    },
}

/// What is not decided here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// A constraint other than `matchAttribute`.
    #[error("constraint is not supported: only matchAttribute is")]
    Constraint,
    /// A selector that is not CEL.
    #[error("request {0}: only CEL selectors are supported")]
    Selector(String),
    /// A mode other than `ExactCount` and `All`.
    #[error("request {request}: allocation mode {mode:?} is not supported")]
    Mode {
        /// The request.
        request: String,
        /// The mode.
        mode: String,
    },
    /// Devices that somebody else holds.
    #[error("request {0}: admin access is not supported")]
    AdminAccess(String),
    /// A request that asks for nothing, or not for a positive number.
    #[error("request {0}: asks for no devices")]
    Empty(String),
}
