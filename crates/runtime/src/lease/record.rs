//! The Lease object, and what to do about one, without I/O.

use std::time::Duration;

use model::{ObjectMeta, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::Config;

/// `coordination.k8s.io/v1` Lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lease {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Who holds it, and since when.
    pub spec: LeaseSpec,
}

model::resource!(Lease, "coordination.k8s.io", "v1", "Lease", "leases", true);

/// Spec of a [`Lease`]. Times stay as text: they are shown, never compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LeaseSpec {
    /// Who holds it; empty for nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder_identity: Option<String>,
    /// How long it is good after a renewal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_duration_seconds: Option<i64>,
    /// When the holder took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquire_time: Option<String>,
    /// When the holder last renewed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew_time: Option<String>,
    /// How often it changed hands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_transitions: Option<i64>,
}

impl LeaseSpec {
    /// Who holds it; empty for nobody.
    pub fn holder(&self) -> &str {
        self.holder_identity.as_deref().unwrap_or_default()
    }
}

/// A lease, and when this process first saw it in this state.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub(super) lease: Lease,
    changed: Instant,
}

impl Observed {
    /// Takes note of `lease`: the time starts again when its spec differs from what was seen
    /// before.
    pub(super) fn see(before: Option<Self>, lease: Lease, now: Instant) -> Self {
        let changed = match before {
            Some(before) if before.lease.spec == lease.spec => before.changed,
            _ => now,
        };
        Self { lease, changed }
    }

    /// How long the holder may still be alive.
    pub(super) fn left(&self, now: Instant) -> Duration {
        let seconds = self.lease.spec.lease_duration_seconds.unwrap_or(0);
        let good = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        (self.changed + good).saturating_duration_since(now)
    }
}

/// What to do about a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Somebody else holds it.
    Wait,
    /// Nobody holds it, or its holder is gone.
    Take,
    /// It is ours.
    Renew,
}

pub(super) fn decide(observed: &Observed, config: &Config, now: Instant) -> Step {
    let holder = observed.lease.spec.holder();
    if holder == config.identity {
        Step::Renew
    } else if holder.is_empty() || observed.left(now).is_zero() {
        Step::Take
    } else {
        Step::Wait
    }
}

/// The lease when there was none.
pub(super) fn fresh(config: &Config, now: Timestamp) -> Lease {
    let metadata = ObjectMeta {
        name: config.name.clone(),
        namespace: Some(config.namespace.clone()),
        ..ObjectMeta::default()
    };
    Lease {
        metadata,
        spec: held(config, now, 0),
    }
}

/// The lease taken from somebody else.
pub(super) fn taken(lease: &Lease, config: &Config, now: Timestamp) -> Lease {
    let transitions = lease.spec.lease_transitions.unwrap_or(0) + 1;
    Lease {
        metadata: lease.metadata.clone(),
        spec: held(config, now, transitions),
    }
}

/// The lease with a new time of renewal.
pub(super) fn renewed(lease: &Lease, config: &Config, now: Timestamp) -> Lease {
    let spec = LeaseSpec {
        acquire_time: lease.spec.acquire_time.clone(),
        ..held(config, now, lease.spec.lease_transitions.unwrap_or(0))
    };
    Lease {
        metadata: lease.metadata.clone(),
        spec,
    }
}

/// The lease given back: without a holder, and good for a second only, for candidates that judge by
/// time.
pub(super) fn released(lease: &Lease, now: Timestamp) -> Lease {
    let spec = LeaseSpec {
        holder_identity: Some(String::new()),
        lease_duration_seconds: Some(1),
        renew_time: Some(now.to_rfc3339_micros()),
        ..lease.spec.clone()
    };
    Lease {
        metadata: lease.metadata.clone(),
        spec,
    }
}

fn held(config: &Config, now: Timestamp, transitions: i64) -> LeaseSpec {
    let now = now.to_rfc3339_micros();
    LeaseSpec {
        holder_identity: Some(config.identity.clone()),
        lease_duration_seconds: Some(config.duration.as_secs().cast_signed()),
        acquire_time: Some(now.clone()),
        renew_time: Some(now),
        lease_transitions: Some(transitions),
    }
}
