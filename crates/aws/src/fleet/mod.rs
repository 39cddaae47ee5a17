//! A launch: from what a claim asks for to the request of a fleet, and from its answer to what it
//! means.
//!
//! In order: [`filter`] leaves the types that are worth asking for, [`capacity_type`], [`tenancy`]
//! and [`partition`] say how, [`configs`] lists what may be launched from which template,
//! [`request`] asks, [`effects`] and [`outcome`] read the answer. What is *not* here: which subnets
//! ([`crate::subnets`]) and templates ([`crate::template`]), and anything that waits.

mod choose;
mod filter;
mod outcome;
mod ready;
mod request;

use std::fmt;

use api::{NodeClaim, labels};
use catalog::{CapacityType, Offering};
use model::ResourceList;
use requirements::{Requirements, Vocabulary};

use crate::Failure;
use crate::failure::Explained;
use crate::reservations::DEFAULT;
use crate::template::Reservation;

pub use choose::{TemplateUse, capacity_type, configs, partition, tenancy};
pub use filter::{Filtered, MAX_TYPES, MinValues, Rejected, Rule, filter};
pub use outcome::{Asked, Effects, FailedOffering, Launched, effects, outcome};
pub use ready::ready;
pub use request::{FLEXIBILITY, Terms, request, token};

/// What a claim asks for, as far as a launch goes by it.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// What the instance must be.
    pub requirements: Requirements,
    /// What the pods that it is for request.
    pub requests: ResourceList,
    /// Whether prices of node overlays are among those of the types.
    pub has_overlay_prices: bool,
    /// Whether `minValues` were given up for it.
    pub is_relaxed: bool,
}

impl Wanted {
    /// What a claim says.
    pub fn by(claim: &NodeClaim, vocabulary: &Vocabulary) -> Self {
        let annotations = &claim.metadata.annotations;
        let relaxed = annotations.get(labels::MIN_VALUES_RELAXED);
        Self {
            requirements: vocabulary.item_requirements(&claim.spec.requirements),
            requests: claim.spec.resources.requests.clone(),
            has_overlay_prices: annotations.contains_key(labels::PRICE_OVERLAY_APPLIED),
            is_relaxed: relaxed.is_some_and(|value| value == "true"),
        }
    }

    /// Whether instances of this capacity type will do.
    pub fn allows(&self, capacity_type: CapacityType) -> bool {
        let wanted = self.requirements.get(labels::CAPACITY_TYPE);
        wanted.is_none_or(|wanted| wanted.has(capacity_type.as_str()))
    }
}

/// Why nothing was launched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// Nothing that the claim allows can be had now.
    #[error("{0}")]
    InsufficientCapacity(String),
    /// The node class can't be used.
    #[error("{0}")]
    NodeClassNotReady(String),
    /// Something else, which the claim's condition shows.
    #[error("{message}")]
    Create {
        /// Reason of the condition.
        reason: String,
        /// Its message.
        message: String,
    },
}

impl LaunchError {
    /// What people are told of a failure, after what was being done.
    pub fn explained(doing: &str, explained: Explained) -> Self {
        Self::Create {
            reason: explained.reason.to_owned(),
            message: match doing {
                "" => explained.message.to_owned(),
                doing => format!("{doing}: {}", explained.message),
            },
        }
    }

    /// A fleet was not even tried.
    pub fn fleet(failure: &Failure) -> Self {
        Self::explained("Error creating fleet request", failure.explain())
    }

    /// There is no launch template: a call failed.
    pub fn template(failure: &Failure) -> Self {
        Self::explained(TEMPLATES, failure.explain())
    }

    /// There is no launch template: none can be made.
    pub fn no_template(why: &impl fmt::Display) -> Self {
        Self::Create {
            reason: "LaunchFailed".to_owned(),
            message: format!("{TEMPLATES}: {why}"),
        }
    }

    /// There is no subnet.
    pub fn no_subnets() -> Self {
        Self::Create {
            reason: "SubnetResolutionFailed".to_owned(),
            message: "Error getting subnets".to_owned(),
        }
    }
}

const TEMPLATES: &str = "Error getting launch template configs";

/// The reservation of an offering; none if it has none.
pub fn reservation_of(offering: &Offering) -> Option<Reservation> {
    let label = |key| offering.requirements.get(key)?.single_value();
    let id = offering.reservation_id()?.to_string();
    let kind = label(labels::CAPACITY_RESERVATION_TYPE);
    let interruptible = label(labels::CAPACITY_RESERVATION_INTERRUPTIBLE);
    Some(Reservation {
        id,
        kind: kind.map_or_else(|| DEFAULT.to_owned(), ToString::to_string),
        interruptible: interruptible.is_some_and(|value| &**value == "true"),
    })
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
