//! Whether a claim's node is still what its pool and its node class ask for: the condition
//! `Drifted`.
//!
//! [`by_objects`] says what the objects say. Where that leaves it open the cloud is asked: what it
//! sells ([`is_type_gone`], for claims that [`must_look_at_types`] names), then whether the
//! instance is what its class asks for. [`note`] writes the condition.
//!
//! What is *not* here: the calls, how long their answers are kept, and what is done with a node
//! that has drifted (`disruption`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::nodeclaim::conditions::{DRIFTED, LAUNCHED};
use api::{NodeClaim, NodePool, labels};
use catalog::InstanceType;
use model::Timestamp;
use requirements::{AllowUndefined, Requirement, Requirements, Vocabulary};

use crate::conditions::{Conditions, Status, find, is_true};
use crate::keys;
use crate::pool::hash::must_migrate;

/// How often the cloud is asked about a claim when nothing happens.
pub const AGAIN: Duration = Duration::from_mins(5);
/// Claims that are younger were launched from what the cloud sells.
pub const TYPES_AFTER: Duration = Duration::from_hours(1);
/// How long it counts that a claim's type was found among what the cloud sells.
pub const TYPES_FOR: Duration = Duration::from_mins(30);

/// Why a node is not what is asked for any more. The first that applies counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drift {
    /// Its cloud, or somebody else, wants it replaced ([`labels::REPLACE`]).
    Requested,
    /// The pool's template has changed.
    NodePool,
    /// The pool's requirements have changed, and the node does not meet them.
    Requirements,
    /// The cloud does not sell such a machine any more.
    InstanceType,
    /// The provider's reason: the instance is not what its node class asks for.
    Provider(String),
}

impl Drift {
    /// Reason and message of the condition.
    pub fn reason(&self) -> &str {
        match self {
            Self::Requested => "ReplacementRequested",
            Self::NodePool => "NodePoolDrifted",
            Self::Requirements => "RequirementsDrifted",
            Self::InstanceType => "InstanceTypeNotFound",
            Self::Provider(reason) => reason,
        }
    }
}

/// What can be said without asking the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// There is no instance that could have drifted.
    NotLaunched,
    /// It has drifted.
    Drifted(Drift),
    /// Nothing: the cloud must be asked.
    Open,
}

/// What the claim and its pool say.
pub fn by_objects(claim: &NodeClaim, pool: &NodePool, vocabulary: &Vocabulary) -> Known {
    if !is_true(&claim.status.conditions, LAUNCHED) {
        return Known::NotLaunched;
    }
    if claim.metadata.annotations.contains_key(labels::REPLACE) {
        return Known::Drifted(Drift::Requested);
    }
    if has_other_template(claim, pool) || is_taken_along(claim, pool) {
        return Known::Drifted(Drift::NodePool);
    }
    if !meets_requirements(claim, pool, vocabulary) {
        return Known::Drifted(Drift::Requirements);
    }
    Known::Open
}

/// Whether the claim was made from another template than the pool's. A claim that was made from a
/// template so new that the pool does not carry its hash yet has not drifted.
fn has_other_template(claim: &NodeClaim, pool: &NodePool) -> bool {
    let of = |annotations: &BTreeMap<String, String>| {
        let hash = annotations.get(keys::NODEPOOL_HASH)?.clone();
        Some((hash, annotations.get(keys::NODEPOOL_HASH_VERSION)?.clone()))
    };
    let (held, wanted) = (
        of(&claim.metadata.annotations),
        of(&pool.metadata.annotations),
    );
    let (Some((held, version)), Some((wanted, wanted_version))) = (held, wanted) else {
        return false;
    };
    version == wanted_version && held != wanted && held != pool.hash()
}

/// Whether the claim had drifted and is just being taken along to another algorithm of the hash:
/// its pool, with which it is compared, comes last.
fn is_taken_along(claim: &NodeClaim, pool: &NodePool) -> bool {
    let algorithm =
        |of: &model::ObjectMeta| of.annotations.get(keys::NODEPOOL_HASH_VERSION).cloned();
    let marked = find(&claim.status.conditions, DRIFTED)
        .is_some_and(|held| held.is_true() && held.reason == Drift::NodePool.reason());
    marked && must_migrate(pool) && algorithm(&claim.metadata) != algorithm(&pool.metadata)
}

/// Whether the claim's labels, and the devices of its machine, are what the pool requires today.
fn meets_requirements(claim: &NodeClaim, pool: &NodePool, vocabulary: &Vocabulary) -> bool {
    let capacity = &claim.status.capacity;
    let is_device = |key: &str| {
        !vocabulary.is_well_known(key)
            && (labels::DEVICES.contains(&key) || capacity.contains_key(key))
    };
    let wanted = vocabulary.item_requirements(&pool.spec.template.spec.requirements);
    let (devices, wanted): (Vec<&Requirement>, Vec<&Requirement>) =
        wanted.iter().partition(|wanted| is_device(wanted.key()));
    let has = |device: &Requirement| {
        let amount = capacity.get(&**device.key());
        let amount = amount.filter(|amount| !amount.is_zero());
        let amount = amount.map(|amount| amount.units_floor().to_string());
        device.admits(amount.as_deref())
    };
    let wanted: Requirements = wanted.into_iter().cloned().collect();
    let own = vocabulary.label_requirements(&claim.metadata.labels);
    devices.into_iter().all(has) && own.is_compatible(&wanted, &AllowUndefined::Nothing)
}

/// Whether it is time to look for the claim's type among what the cloud sells. `found` is when it
/// was last found there.
pub fn must_look_at_types(claim: &NodeClaim, found: Option<Timestamp>, now: Timestamp) -> bool {
    let created = claim.metadata.creation_timestamp.unwrap_or(now);
    now.since(created) >= TYPES_AFTER && found.is_none_or(|found| now.since(found) >= TYPES_FOR)
}

/// Whether the cloud does not sell the claim's machine any more: `types` is all that the pool may
/// launch, whether it can be had at present or not. A reservation may end: what it had is still
/// sold if it is sold on demand.
pub fn is_type_gone(
    claim: &NodeClaim,
    types: &[Arc<InstanceType>],
    vocabulary: &Vocabulary,
) -> bool {
    let own = &claim.metadata.labels;
    let name = own.get(keys::INSTANCE_TYPE);
    let Some(ty) = name.and_then(|name| types.iter().find(|ty| *ty.name == **name)) else {
        return true;
    };
    let mut wanted = vocabulary.label_requirements(own);
    if own.get(keys::CAPACITY_TYPE).map(String::as_str) == Some(labels::RESERVED) {
        let either = [labels::RESERVED, labels::ON_DEMAND];
        wanted.set(Requirement::any_of(keys::CAPACITY_TYPE, either));
        for key in labels::RESERVATION_LABELS {
            wanted.remove(key);
        }
    }
    let undefined = AllowUndefined::WellKnown(vocabulary);
    let sold =
        |offering: &catalog::Offering| wanted.is_compatible(&offering.requirements, &undefined);
    !ty.offerings.iter().any(sold)
}

/// Sets or clears the condition. When a node drifted first stays, whatever the reason is later.
pub fn note(conditions: &mut Conditions<'_>, drift: Option<&Drift>) {
    match drift.map(Drift::reason) {
        None => conditions.clear(DRIFTED),
        Some(reason) if conditions.reason(DRIFTED) == Some(reason) => {}
        Some(reason) => conditions.set(DRIFTED, Status::True, reason, reason),
    }
}

#[cfg(test)]
mod tests;
