//! How instances become nodes of the cluster: image, settings of the kubelet and user data, as
//! launches ask for them.
//!
//! What is *not* here: what user data says (`aws::userdata`), and where what is known of types and
//! of the cluster comes from.

use std::sync::Arc;

use api::Ec2NodeClass;
use aws::images::Choices;
use aws::kubelet::Resolved;
use aws::template::{Group, Limits};
use aws::userdata::{self, ClusterAccess, Input};
use aws::{family, userdata::version_of};
use catalog::ec2::{InstanceStore, NodeSettings};
use catalog::{CapacityType, InstanceType};

use crate::launch::{Blueprint, Launch, UserData};

/// The cluster as it is known now.
type Access = Box<dyn Fn() -> ClusterAccess + Send + Sync>;
/// Settings of the kubelet on a type, by its name; none if the class has no such type.
type Resolve = Box<dyn Fn(&Ec2NodeClass, &str) -> Option<Resolved> + Send + Sync>;

/// Nodes as classes and claims ask for them.
pub struct Nodes {
    access: Access,
    resolve: Resolve,
}

impl Nodes {
    /// `resolve` gives the same settings of a type that its capacity was computed with.
    pub fn new(
        access: impl Fn() -> ClusterAccess + Send + Sync + 'static,
        resolve: impl Fn(&Ec2NodeClass, &str) -> Option<Resolved> + Send + Sync + 'static,
    ) -> Self {
        Self {
            access: Box::new(access),
            resolve: Box::new(resolve),
        }
    }

    fn input(
        &self,
        launch: &Launch<'_>,
        group: &Group<Limits>,
        how: CapacityType,
    ) -> Option<Input> {
        let class = launch.class;
        let family = family::of(class);
        // All types of a group have the same.
        let first = group.types.first()?;
        let store: InstanceStore = NodeSettings::from_class(class).instance_store;
        Some(Input {
            family,
            cluster: (self.access)(),
            labels: userdata::labels(launch.claim, how.as_str(), family),
            taints: userdata::taints(launch.claim),
            kubelet: (self.resolve)(class, &first.name)?,
            custom: class.spec.user_data.clone(),
            instance_store: store,
            image_version: version_of(class),
        })
    }
}

impl Blueprint for Nodes {
    fn images(
        &self,
        class: &Ec2NodeClass,
        types: &[Arc<InstanceType>],
    ) -> Vec<(Arc<InstanceType>, String)> {
        Choices::new(&class.status.amis).images_for(types)
    }

    fn limits(&self, class: &Ec2NodeClass, instance_type: &InstanceType) -> Limits {
        let resolved = (self.resolve)(class, &instance_type.name);
        resolved.map_or_else(Limits::default, |resolved| Limits {
            max_pods: resolved.max_pods,
            kube_reserved: resolved.kube_reserved,
            system_reserved: resolved.system_reserved,
        })
    }

    fn user_data(
        &self,
        launch: &Launch<'_>,
        group: &Group<Limits>,
        capacity_type: CapacityType,
    ) -> Result<UserData, String> {
        let input = self.input(launch, group, capacity_type);
        let input = input.ok_or("settings of the kubelet are not known")?;
        let encoded = userdata::render(&input).map_err(|error| error.to_string())?;
        let padding = encoded.bytes().rev().take_while(|byte| *byte == b'=');
        let bytes = encoded.len() / 4 * 3 - padding.count();
        Ok(UserData { encoded, bytes })
    }
}

#[cfg(test)]
mod tests;
