//! What it means that a trial was refused.

use api::Ec2NodeClass;

use super::Verdict;
use crate::Failure;

/// What is tried, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trial {
    /// A launch template is made, and really is.
    CreateLaunchTemplate,
    /// A fleet, as a dry run.
    CreateFleet,
    /// An instance, as a dry run.
    RunInstances,
}

/// What follows from a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Try again soon; nothing is known.
    Again,
    /// The class is not valid; tried again only when the class changes or after the usual time.
    Remember(Verdict),
    /// The class is not valid at present; tried again after the usual time.
    Say(Verdict),
    /// Something is wrong that has no condition of its own.
    Fail,
}

/// What follows from a refusal of `trial` for a class.
pub fn reaction(trial: Trial, failure: &Failure, class: &Ec2NodeClass) -> Reaction {
    if failure.is_transient() {
        return Reaction::Again;
    }
    let (reason, call) = match trial {
        Trial::CreateLaunchTemplate => (
            "CreateLaunchTemplateAuthCheckFailed",
            "ec2:CreateLaunchTemplate",
        ),
        Trial::CreateFleet => ("CreateFleetAuthCheckFailed", "ec2:CreateFleet"),
        Trial::RunInstances => ("RunInstancesAuthCheckFailed", "ec2:RunInstances"),
    };
    let told = failure.explain().message;
    if failure.is_unauthorized() {
        let message = format!("Controller isn't authorized to call {call}: {told}");
        return Reaction::Remember(Verdict::invalid(reason, message));
    }
    match trial {
        Trial::CreateLaunchTemplate if failure.is_user_data_too_large() => {
            let base = "ec2:CreateLaunchTemplate rejected the rendered user data as too large";
            let message = format!("{base}: {told}");
            Reaction::Remember(Verdict::invalid("UserDataSizeLimitExceeded", message))
        }
        Trial::RunInstances if failure.is_instance_profile_missing() => {
            match &class.spec.instance_profile {
                Some(profile) => {
                    let message = format!("Instance profile \"{profile}\" not found");
                    Reaction::Say(Verdict::invalid("InstanceProfileNotFound", message))
                }
                // One that we have just made is not known everywhere yet.
                None => Reaction::Again,
            }
        }
        _ => Reaction::Fail,
    }
}
