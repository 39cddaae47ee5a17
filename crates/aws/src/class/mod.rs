//! The status of a node class: what was found for it, and whether it can be used.
//!
//! [`Findings`] takes what each search found and writes it into the class with its condition; what
//! is *not* here: the searches, the validation, and who writes the class.

mod words;

use std::time::Duration;

use api::Ec2NodeClass;
use api::condition::{self, Subject};
use api::ec2nodeclass::{Ami, CapacityReservation};
use model::Timestamp;

use crate::ec2::{Reservation, SecurityGroup, Subnet};
use crate::images::{Selected, Unsearchable};
use crate::placement::{self, Resolved};
use crate::reservations::{self, Unreadable};
use crate::selectors;

/// Condition: there are images.
pub const AMIS_READY: &str = "AMIsReady";
/// Condition: there are subnets.
pub const SUBNETS_READY: &str = "SubnetsReady";
/// Condition: there are security groups.
pub const SECURITY_GROUPS_READY: &str = "SecurityGroupsReady";
/// Condition: capacity reservations have been looked for.
pub const CAPACITY_RESERVATIONS_READY: &str = "CapacityReservationsReady";
/// Condition: the placement group, if one is selected, is there.
pub const PLACEMENT_GROUP_READY: &str = "PlacementGroupReady";
/// Condition: there is an instance profile.
pub const INSTANCE_PROFILE_READY: &str = "InstanceProfileReady";
/// Condition: instances could be launched.
pub const VALIDATION_SUCCEEDED: &str = "ValidationSucceeded";

/// Conditions that `Ready` depends on. Those of reservations are last.
const DEPENDENTS: [&str; 7] = [
    AMIS_READY,
    SUBNETS_READY,
    SECURITY_GROUPS_READY,
    INSTANCE_PROFILE_READY,
    VALIDATION_SUCCEEDED,
    PLACEMENT_GROUP_READY,
    CAPACITY_RESERVATIONS_READY,
];

/// How soon something is looked for again that was found.
const FOUND: Duration = Duration::from_mins(5);
/// How soon something is looked for again that was not found, or that changes often.
const SOON: Duration = Duration::from_mins(1);

/// Whether reserved capacity is used (feature gate `ReservedCapacity`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reserved {
    /// It is.
    #[default]
    Used,
    /// It is not: reservations are not looked for.
    Ignored,
}

impl Reserved {
    /// The conditions that `Ready` depends on.
    pub fn dependents(self) -> &'static [&'static str] {
        match self {
            Self::Used => &DEPENDENTS,
            Self::Ignored => &DEPENDENTS[..DEPENDENTS.len() - 1],
        }
    }
}

/// A class whose status is being written. Each method takes what one search found, and says after
/// which time to search again; none if that is not this search's business.
pub struct Findings<'a> {
    class: &'a mut Ec2NodeClass,
    reserved: Reserved,
    now: Timestamp,
}

impl<'a> Findings<'a> {
    /// Of a class, at this time.
    pub fn new(class: &'a mut Ec2NodeClass, reserved: Reserved, now: Timestamp) -> Self {
        Self {
            class,
            reserved,
            now,
        }
    }

    /// Subnets that were found.
    pub fn subnets(&mut self, found: &[Subnet]) -> Duration {
        self.class.status.subnets = selectors::subnet_status(found);
        if found.is_empty() {
            let what = "SubnetSelector did not match any Subnets";
            let message = words::nothing(what, words::subnets(&self.class.spec));
            self.set_false(SUBNETS_READY, "SubnetsNotFound", &message);
        } else {
            self.set_true(SUBNETS_READY);
        }
        SOON
    }

    /// Security groups that were found.
    pub fn security_groups(&mut self, found: &[SecurityGroup]) -> Duration {
        self.class.status.security_groups = selectors::security_group_status(found);
        let selects = !self.class.spec.security_group_selector_terms.is_empty();
        if found.is_empty() && selects {
            let what = "SecurityGroupSelector did not match any SecurityGroups";
            let message = words::nothing(what, words::security_groups(&self.class.spec));
            self.set_false(SECURITY_GROUPS_READY, "SecurityGroupsNotFound", &message);
            return SOON;
        }
        self.set_true(SECURITY_GROUPS_READY);
        FOUND
    }

    /// Images that were found.
    pub fn images(&mut self, found: &[Selected]) -> Duration {
        let images: Vec<Ami> = found.iter().map(Selected::status).collect();
        let nothing = images.is_empty();
        self.class.status.amis = images;
        if nothing {
            let what = "AMISelector did not match any AMIs";
            let message = words::nothing(what, words::images(&self.class.spec));
            self.set_false(AMIS_READY, "AMINotFound", &message);
            return SOON;
        }
        self.set_true(AMIS_READY);
        FOUND
    }

    /// Images can't be looked for. Those that were found before stay.
    pub fn images_unsearchable(&mut self, why: &Unsearchable) -> Duration {
        let reason = match why {
            Unsearchable::Al2 | Unsearchable::Windows2025(_) | Unsearchable::Family(_) => {
                "UnsupportedAlias"
            }
            Unsearchable::NoTerms(_) => "AMINotFound",
        };
        self.set_false(AMIS_READY, reason, &why.to_string());
        FOUND
    }

    /// Reservations that were found. There need not be any. Those that can't be read are returned.
    pub fn reservations(&mut self, found: &[Reservation]) -> (Duration, Vec<Unreadable>) {
        let (entries, unreadable): (Vec<CapacityReservation>, _) =
            reservations::status(found, self.now);
        self.class.status.capacity_reservations = entries;
        self.set_true(CAPACITY_RESERVATIONS_READY);
        (reservations::look_again(found, self.now), unreadable)
    }

    /// What is known of the placement group.
    pub fn placement_group(&mut self, resolved: &Resolved) {
        let selector = self.class.spec.placement_group_selector.as_ref();
        let query = selector.and_then(placement::query);
        match resolved {
            Resolved::Unselected | Resolved::Group(_) => self.set_true(PLACEMENT_GROUP_READY),
            Resolved::Missing => {
                let wanted = query.as_ref().map_or("", placement::wanted);
                let message = format!("Placement group \"{wanted}\" not found");
                self.set_false(PLACEMENT_GROUP_READY, "PlacementGroupNotFound", &message);
            }
            Resolved::Unknown => self.set_false(
                PLACEMENT_GROUP_READY,
                "PlacementGroupResolutionFailed",
                "Failed to resolve placement group",
            ),
        }
    }

    /// The instance profile that instances get.
    pub fn instance_profile(&mut self, name: &str) {
        name.clone_into(&mut self.class.status.instance_profile);
        self.set_true(INSTANCE_PROFILE_READY);
    }

    /// The class names neither a role nor a profile, and there is no default.
    pub fn no_instance_profile(&mut self) {
        self.class.status.instance_profile.clear();
        self.set_false(
            INSTANCE_PROFILE_READY,
            "InstanceProfileNotSpecified",
            "neither spec.role nor spec.instanceProfile is set, and there is no default instance \
             profile (settings.defaultInstanceProfile)",
        );
    }

    fn set_true(&mut self, condition: &str) {
        let subject = subject(self.class, self.reserved, self.now);
        condition::set_true(&mut self.class.status.conditions, &subject, condition);
    }

    fn set_false(&mut self, condition: &str, reason: &str, message: &str) {
        let subject = subject(self.class, self.reserved, self.now);
        let status = (condition, condition::FALSE);
        let conditions = &mut self.class.status.conditions;
        condition::set(conditions, &subject, status, reason, message);
    }
}

/// What conditions of a class speak of.
pub fn subject(class: &Ec2NodeClass, reserved: Reserved, now: Timestamp) -> Subject<'static> {
    Subject {
        dependents: reserved.dependents(),
        generation: class.metadata.generation,
        created: class.metadata.creation_timestamp,
        deleting: class.metadata.deletion_timestamp.is_some(),
        now,
    }
}

#[cfg(test)]
mod tests;
