//! Keys of labels, annotations and taints that this crate uses beside those of `api::labels`.

pub use api::labels::{
    CAPACITY_TYPE, DO_NOT_SYNC_TAINTS, INITIALIZATION_TIMEOUT, INITIALIZED, INSTANCE_TYPE,
    NODEPOOL, NODEPOOL_HASH, NODEPOOL_HASH_VERSION, REGISTERED,
    TERMINATION_FINALIZER as TERMINATION, TERMINATION_TIMESTAMP, ZONE, disrupted_taint,
    unregistered_taint,
};

/// Label: load balancers shall no longer send traffic.
pub const EXCLUDE_BALANCERS: &str = "node.kubernetes.io/exclude-from-external-load-balancers";
