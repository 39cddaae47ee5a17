//! Whether a claim's instance is still what its node class asks for.
//!
//! Three questions, in the order in which they are asked: whether the class was changed (no call
//! needed), whether the class has another image for the instance's type, and whether the instance
//! is where and how the class says. What is *not* here: fetching instances, and what becomes of
//! what has drifted (`disruption`).

use std::collections::BTreeSet;

use api::labels::{EC2NODECLASS_HASH, EC2NODECLASS_HASH_VERSION, PLACEMENT_GROUP_ID};
use api::{Ec2NodeClass, NodeClaim};

use crate::ec2::Instance;
use crate::instance::reserved;
use crate::placement::Resolved;

/// In what an instance differs from its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    /// The class was changed.
    NodeClass,
    /// The class has another image for the type.
    Ami,
    /// The instance is in other security groups.
    SecurityGroup,
    /// The instance is in another subnet.
    Subnet,
    /// The instance runs in a reservation that is not of the class.
    CapacityReservation,
    /// The instance is in another placement group, or in none.
    PlacementGroup,
}

impl Drift {
    /// Reason of the claim's condition.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NodeClass => "NodeClassDrift",
            Self::Ami => "AMIDrift",
            Self::SecurityGroup => "SecurityGroupDrift",
            Self::Subnet => "SubnetDrift",
            Self::CapacityReservation => "CapacityReservationDrift",
            Self::PlacementGroup => "PlacementGroupDrift",
        }
    }
}

/// Why it can't be said whether an instance has drifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// The class has found no images (yet).
    #[error("no amis exist given constraints")]
    NoImages,
    /// The claim does not say which image it runs.
    #[error("the claim's image is not known")]
    NoImage,
    /// The class has found no security groups (yet).
    #[error("no security groups are present in the status")]
    NoSecurityGroups,
    /// The class has found no subnets (yet).
    #[error("no subnets are present in the status")]
    NoSubnets,
}

/// Whether the class was changed since the claim was made. Where one of the two has no hash, or
/// they were made by different algorithms, nothing can be compared and nothing has drifted.
pub fn of_class(class: &Ec2NodeClass, claim: &NodeClaim) -> Option<Drift> {
    let of = |annotations: &std::collections::BTreeMap<String, String>| {
        let hash = annotations.get(EC2NODECLASS_HASH)?.clone();
        let version = annotations.get(EC2NODECLASS_HASH_VERSION)?.clone();
        Some((hash, version))
    };
    let (class_hash, class_version) = of(&class.metadata.annotations)?;
    let (claim_hash, claim_version) = of(&claim.metadata.annotations)?;
    (class_version == claim_version && class_hash != claim_hash).then_some(Drift::NodeClass)
}

/// Whether the class has another image. `image` is the one that it has for the instance's type;
/// none if it has none for it.
pub fn of_image(
    class: &Ec2NodeClass,
    claim: &NodeClaim,
    image: Option<&str>,
) -> Result<Option<Drift>, Undecided> {
    if class.status.amis.is_empty() {
        return Err(Undecided::NoImages);
    }
    let runs = claim.status.image_id.as_str();
    if runs.is_empty() {
        return Err(Undecided::NoImage);
    }
    Ok((image != Some(runs)).then_some(Drift::Ami))
}

/// Whether the instance is where and how the class says. `group` is what is known of the class'
/// placement group.
pub fn of_instance(
    class: &Ec2NodeClass,
    claim: &NodeClaim,
    instance: &Instance,
    group: &Resolved,
) -> Result<Option<Drift>, Undecided> {
    let status = &class.status;
    let wanted: BTreeSet<&str> = ids(&status.security_groups, |group| &group.id);
    if wanted.is_empty() {
        return Err(Undecided::NoSecurityGroups);
    }
    let subnets: BTreeSet<&str> = ids(&status.subnets, |subnet| &subnet.id);
    if subnets.is_empty() {
        return Err(Undecided::NoSubnets);
    }
    let has: BTreeSet<&str> = ids(&instance.security_groups, |group| group);
    if has != wanted {
        return Ok(Some(Drift::SecurityGroup));
    }
    if !subnets.contains(instance.subnet_id.as_str()) {
        return Ok(Some(Drift::Subnet));
    }
    if is_reserved_elsewhere(class, instance) {
        return Ok(Some(Drift::CapacityReservation));
    }
    let label = claim.metadata.labels.get(PLACEMENT_GROUP_ID);
    let is_elsewhere = group.is_drifted(label.map(String::as_str));
    Ok(is_elsewhere.then_some(Drift::PlacementGroup))
}

/// Whether EC2 has to be asked anew before [`of_instance`] can tell: what is known comes from the
/// answer to its launch, which names no security groups, or the instance runs in a reservation that
/// is not of the class, and may have fallen back to on-demand since it was seen.
pub fn needs_a_second_look(class: &Ec2NodeClass, instance: &Instance) -> bool {
    instance.security_groups.is_empty() || is_reserved_elsewhere(class, instance)
}

fn is_reserved_elsewhere(class: &Ec2NodeClass, instance: &Instance) -> bool {
    let own = &class.status.capacity_reservations;
    reserved(instance).is_some_and(|it| own.iter().all(|reservation| reservation.id != it.id))
}

fn ids<T>(list: &[T], id: impl Fn(&T) -> &String) -> BTreeSet<&str> {
    list.iter().map(|item| id(item).as_str()).collect()
}

#[cfg(test)]
mod tests;
