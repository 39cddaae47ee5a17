//! One DaemonSet as the pod that it will put on nodes.

use std::sync::Arc;

use model::k8s::DaemonSet;
use model::k8s::pod::Pod;

use crate::pod::{OwnerKind, PodContent, PodShape};
use crate::store::ObjectKey;

/// A DaemonSet and the shape of its pods.
#[derive(Clone, Debug)]
pub struct DaemonState {
    /// Namespace and name.
    pub key: ObjectKey,
    /// The object.
    pub daemon_set: Arc<DaemonSet>,
    /// Its pods: like the newest one there is, which admission may have changed, or else like the
    /// template. Required node affinity is always the template's.
    pub shape: Arc<PodShape>,
}

impl DaemonState {
    /// Whether pods of this shape are its.
    pub fn owns(&self, shape: &PodShape) -> bool {
        let owner = &shape.content.owner;
        owner.kind == OwnerKind::DaemonSet
            && *owner.name == *self.key.name
            && *shape.content.namespace == *self.key.namespace
    }
}

/// The content of a DaemonSet's pods. `newest` is that of its newest pod.
pub(crate) fn content(daemon_set: &DaemonSet, newest: Option<&PodContent>) -> PodContent {
    let template = &daemon_set.spec.template;
    let Some(newest) = newest else {
        let mut pod = Pod {
            metadata: template.metadata.clone(),
            spec: template.spec.clone(),
            ..Pod::default()
        };
        crate::requests::fill_in(&mut pod.spec);
        pod.metadata
            .namespace
            .clone_from(&daemon_set.metadata.namespace);
        pod.metadata.owner_references = vec![model::OwnerReference {
            api_version: "apps/v1".to_owned(),
            kind: "DaemonSet".to_owned(),
            name: daemon_set.metadata.name.clone(),
            uid: daemon_set.metadata.uid.clone(),
            controller: Some(true),
            block_owner_deletion: None,
        }];
        return PodContent::split(&pod).0;
    };
    let mut content = newest.clone();
    let required = template
        .spec
        .affinity
        .as_ref()
        .and_then(|affinity| affinity.node_affinity.as_ref()?.required.as_ref());
    if let Some(required) = required {
        let affinity = content.spec.affinity.get_or_insert_default();
        affinity.node_affinity.get_or_insert_default().required = Some(required.clone());
    }
    content
}
