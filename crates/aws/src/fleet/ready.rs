//! Whether a node class can be launched from.

use api::{Ec2NodeClass, condition};

use super::LaunchError;

/// It can if it says so of itself as it is now, and has an instance profile.
pub fn ready(class: &Ec2NodeClass) -> Result<(), LaunchError> {
    match condition::find(&class.status.conditions, condition::READY) {
        Some(ready) if ready.is_true() => {
            let generation = class.metadata.generation;
            if ready.observed_generation != generation {
                let text = "nodeclass status has not been reconciled against the latest spec";
                return Err(LaunchError::NodeClassNotReady(text.to_owned()));
            }
        }
        Some(ready) if ready.is_false() => {
            return Err(LaunchError::NodeClassNotReady(ready.message.clone()));
        }
        _ => {
            return Err(LaunchError::Create {
                reason: "NodeClassReadinessUnknown".to_owned(),
                message: "NodeClass is in Ready=Unknown".to_owned(),
            });
        }
    }
    if class.status.instance_profile.is_empty() {
        let text = "no instance profile is present in the status";
        return Err(LaunchError::NodeClassNotReady(text.to_owned()));
    }
    Ok(())
}
