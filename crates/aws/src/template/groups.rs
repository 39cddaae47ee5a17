//! Which launch templates a launch needs: types that can't share one are apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::Ec2NodeClass;
use catalog::{CapacityType, InstanceType};
use model::ResourceList;

use super::{Reservation, requests};
use crate::fleet::reservation_of;
use crate::resources::EFA;

/// Types that one launch template serves.
#[derive(Clone, Debug)]
pub struct Group<S> {
    /// The image.
    pub image_id: String,
    /// EFA interfaces; zero where the claim does not ask for them.
    pub efa: u64,
    /// What else sets nodes of the types apart: settings of the kubelet.
    pub settings: S,
    /// The reservation, for a launch into reservations.
    pub reservation: Option<Reservation>,
    /// The types, as they came.
    pub types: Vec<Arc<InstanceType>>,
}

/// Settings of the kubelet by which nodes of one type differ from those of another.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Limits {
    /// Most pods on a node.
    pub max_pods: u32,
    /// What the class keeps for the kubelet and its like.
    pub kube_reserved: BTreeMap<String, String>,
    /// What the class keeps for the operating system.
    pub system_reserved: BTreeMap<String, String>,
}

/// Groups, in an order that does not depend on that of the types.
pub type Groups<S> = Vec<Group<S>>;

/// No template can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoGroups {
    /// The class has found no security groups.
    #[error("no security groups are present in the status")]
    NoSecurityGroups,
    /// The class has found no images.
    #[error("no amis exist given constraints")]
    NoImages,
    /// None of its images runs on any of the types.
    #[error("no instance types satisfy requirements of amis {}", .0.join(", "))]
    NoTypes(Vec<String>),
}

/// What a launch needs templates for.
pub struct Needs<'a> {
    /// The node class.
    pub class: &'a Ec2NodeClass,
    /// The types with the image that each of them runs; those that no image runs on are left out.
    pub images: Vec<(Arc<InstanceType>, String)>,
    /// What the claim requests.
    pub requests: &'a ResourceList,
    /// How instances are to be paid for.
    pub capacity_type: CapacityType,
}

/// Types by what their nodes can't share: image, EFA interfaces, settings, reservation.
pub fn groups<S: Ord + Clone>(
    needs: &Needs<'_>,
    settings: impl Fn(&InstanceType) -> S,
) -> Result<Groups<S>, NoGroups> {
    let status = &needs.class.status;
    if status.security_groups.is_empty() {
        return Err(NoGroups::NoSecurityGroups);
    }
    if status.amis.is_empty() {
        return Err(NoGroups::NoImages);
    }
    if needs.images.is_empty() {
        let ids = status.amis.iter().map(|image| image.id.clone());
        return Err(NoGroups::NoTypes(ids.collect()));
    }
    let wants_efa = requests(needs.requests, EFA);
    let mut groups: BTreeMap<_, Vec<Arc<InstanceType>>> = BTreeMap::new();
    for (instance_type, image) in &needs.images {
        let efa = if wants_efa {
            efa_interfaces(instance_type)
        } else {
            0
        };
        let settings = settings(instance_type);
        for reservation in reservations(instance_type, needs.capacity_type) {
            let key = (image.clone(), efa, settings.clone(), reservation);
            groups.entry(key).or_default().push(instance_type.clone());
        }
    }
    let groups = groups.into_iter().map(|(key, types)| {
        let (image_id, efa, settings, reservation) = key;
        Group {
            image_id,
            efa,
            settings,
            reservation,
            types,
        }
    });
    Ok(groups.collect())
}

/// EFA interfaces of a type.
pub(crate) fn efa_interfaces(instance_type: &InstanceType) -> u64 {
    let amount = model::resources::get(&instance_type.capacity, EFA);
    u64::try_from(amount.units_floor()).unwrap_or(0)
}

/// Each reservation of the type that can be used, for launches into reservations; else none at all,
/// once.
fn reservations(
    instance_type: &InstanceType,
    capacity_type: CapacityType,
) -> BTreeSet<Option<Reservation>> {
    match capacity_type {
        CapacityType::Reserved => instance_type
            .available_offerings()
            .filter_map(reservation_of)
            .map(Some)
            .collect(),
        CapacityType::Spot | CapacityType::OnDemand => BTreeSet::from([None]),
    }
}
