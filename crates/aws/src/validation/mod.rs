//! Whether a node class can be used: what is known without asking AWS, which launch is tried, and
//! what it means that a trial was refused.
//!
//! What is *not* here: the trials themselves and how long their results are remembered
//! (`provider-aws`), kubelet settings ([`crate::kubelet`]), and what the API server checks (`api`).

mod refusal;
mod trial;

use crate::class::{AMIS_READY, INSTANCE_PROFILE_READY, SECURITY_GROUPS_READY, SUBNETS_READY};
use api::Ec2NodeClass;
use api::condition;

pub use refusal::{Reaction, Trial, reaction};
pub use trial::{Candidates, trial_type};

/// What the condition `ValidationSucceeded` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// `True`.
    Valid,
    /// `False`.
    Invalid {
        /// Its reason.
        reason: &'static str,
        /// Its message.
        message: String,
    },
    /// `Unknown`.
    Unknown {
        /// Its reason.
        reason: &'static str,
        /// Its message.
        message: String,
    },
}

impl Verdict {
    /// `False`, for this reason.
    pub fn invalid(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid {
            reason,
            message: message.into(),
        }
    }
}

/// Reason while something that is selected was not found yet.
const DEPENDENCIES: &str = "DependenciesNotReady";
/// What is waited for then.
const AWAITING: &str = "Awaiting AMI, Instance Profile, Security Group, and Subnet resolution";

/// What is waited for before a launch can be tried; none if everything is there.
pub fn awaiting(class: &Ec2NodeClass) -> Option<Verdict> {
    let needed = [
        AMIS_READY,
        INSTANCE_PROFILE_READY,
        SECURITY_GROUPS_READY,
        SUBNETS_READY,
    ];
    let conditions = &class.status.conditions;
    let found = needed.map(|r#type| condition::find(conditions, r#type));
    if found.iter().flatten().any(|one| one.is_false()) {
        return Some(Verdict::invalid(DEPENDENCIES, AWAITING));
    }
    let all_there = found
        .into_iter()
        .all(|one| one.is_some_and(api::Condition::is_true));
    (!all_there).then(|| Verdict::Unknown {
        reason: DEPENDENCIES,
        message: AWAITING.to_owned(),
    })
}

#[cfg(test)]
mod tests;
