//! What is written in a pod, in canonical form.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::labels::DO_NOT_DISRUPT;
use model::k8s::pod::{ContainerStatus, Pod, PodSpec, Volume};
use model::{OwnerReference, ResourceList, resources};

use super::{OWN_LABELS, OwnParts, POD_DELETION_COST};
use crate::requests;

/// Everything in a pod that decides something and that its like have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodContent {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Labels, without [`OWN_LABELS`].
    pub labels: BTreeMap<String, String>,
    /// The annotations [`DO_NOT_DISRUPT`] and [`POD_DELETION_COST`], where set.
    pub annotations: BTreeMap<String, String>,
    /// What made the pod.
    pub owner: Owner,
    /// The spec: without node name; of volumes only those with a claim, names of claims left out.
    pub spec: PodSpec,
    /// What containers hold beyond their spec, after a resize in place; mostly empty.
    pub held: ResourceList,
}

/// What made a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Which kind of thing.
    pub kind: OwnerKind,
    /// Its name, for workloads that keep it: DaemonSet, ReplicaSet, ReplicationController and
    /// StatefulSet.
    pub name: Box<str>,
    /// Whether it manages the pod.
    pub controls: bool,
}

/// The kinds of owners that are treated differently. Any owner reference counts, not only the
/// controller's; of several kinds the first of this list does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerKind {
    /// `apps/v1` DaemonSet.
    DaemonSet,
    /// `v1` Node: a static pod's mirror.
    Node,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `apps/v1` ReplicaSet.
    ReplicaSet,
    /// `v1` ReplicationController.
    ReplicationController,
    /// `batch/v1` Job.
    Job,
    /// Anything else.
    Other,
    /// Nothing: the pod stands alone.
    #[default]
    None,
}

impl Owner {
    /// The owner that counts, out of the references as they stand in the pod.
    pub fn of(references: &[OwnerReference]) -> Self {
        references
            .iter()
            .map(|reference| {
                let kind = OwnerKind::of(&reference.api_version, &reference.kind);
                let name = if kind.is_named() {
                    reference.name.as_str().into()
                } else {
                    Box::default()
                };
                Self {
                    kind,
                    name,
                    controls: reference.controller == Some(true),
                }
            })
            .min_by_key(|owner| (owner.kind, !owner.controls))
            .unwrap_or_default()
    }
}

impl OwnerKind {
    /// The kind of an owner reference.
    pub fn of(api_version: &str, kind: &str) -> Self {
        match (api_version, kind) {
            ("apps/v1", "DaemonSet") => Self::DaemonSet,
            ("v1", "Node") => Self::Node,
            ("apps/v1", "StatefulSet") => Self::StatefulSet,
            ("apps/v1", "ReplicaSet") => Self::ReplicaSet,
            ("v1", "ReplicationController") => Self::ReplicationController,
            ("batch/v1", "Job") => Self::Job,
            _ => Self::Other,
        }
    }

    /// Whether the name of such an owner is kept.
    pub(crate) fn is_named(self) -> bool {
        self <= Self::ReplicationController && self != Self::Node
    }
}

impl PodContent {
    /// Takes a pod apart into what it shares and what is its own.
    pub fn split(pod: &Pod) -> (Self, Option<Box<OwnParts>>) {
        let mut own = OwnParts::default();
        let mut labels = BTreeMap::new();
        for (key, value) in &pod.metadata.labels {
            let target = if is_own_label(key) {
                &mut own.labels
            } else {
                &mut labels
            };
            target.insert(key.clone(), value.clone());
        }
        let owner = Owner::of(&pod.metadata.owner_references);
        let mut spec = pod.spec.clone();
        spec.node_name.clear();
        own.claims = take_claims(&mut spec.volumes);
        let made = pod.status.resource_claim_statuses.iter();
        own.generated = made
            .map(|made| (made.name.clone(), made.resource_claim_name.clone()))
            .collect();
        if owner.kind == OwnerKind::DaemonSet {
            unpin(&mut spec);
        }
        let content = Self {
            namespace: pod.metadata.namespace().into(),
            labels,
            annotations: pod
                .metadata
                .annotations
                .iter()
                .filter(|(key, _)| decisive_annotation(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            owner,
            held: held(&pod.spec, &pod.status.container_statuses),
            spec,
        };
        (content, own.into_box())
    }

    /// The exact requests of a pod with this content, with one `pods`.
    pub fn requests(&self) -> ResourceList {
        resources::max_each(&requests::effective(&self.spec), &self.held)
    }
}

/// Whether a label is one of [`OWN_LABELS`].
pub(crate) fn is_own_label(key: &str) -> bool {
    OWN_LABELS.contains(&key)
}

/// Whether an annotation decides anything about pods.
pub(crate) fn decisive_annotation(key: &str) -> bool {
    key == DO_NOT_DISRUPT || key == POD_DELETION_COST
}

/// Leaves the volumes with claims, and takes the names of the claims out.
fn take_claims(volumes: &mut Vec<Volume>) -> Vec<String> {
    volumes.retain(|v| v.persistent_volume_claim.is_some() || v.ephemeral.is_some());
    let mut names = Vec::new();
    for volume in volumes {
        volume.empty_dir = None;
        volume.host_path = None;
        if let Some(claim) = &mut volume.persistent_volume_claim {
            names.push(std::mem::take(&mut claim.claim_name));
            volume.name.clear();
        }
    }
    names
}

/// Takes out the node that the DaemonSet controller pins each of its pods to. It adds a field
/// condition to every required term, or makes a term of it, so without it the template's own
/// affinity is left.
pub(crate) fn unpin(spec: &mut PodSpec) {
    let Some(affinity) = &mut spec.affinity else {
        return;
    };
    let Some(node_affinity) = &mut affinity.node_affinity else {
        return;
    };
    if let Some(required) = &mut node_affinity.required {
        for term in &mut required.node_selector_terms {
            term.match_fields.clear();
        }
        required
            .node_selector_terms
            .retain(|term| !term.match_expressions.is_empty());
        if required.node_selector_terms.is_empty() {
            node_affinity.required = None;
        }
    }
    if node_affinity.required.is_none() && node_affinity.preferred.is_empty() {
        affinity.node_affinity = None;
    }
    if affinity.node_affinity.is_none()
        && affinity.pod_affinity.is_none()
        && affinity.pod_anti_affinity.is_none()
    {
        spec.affinity = None;
    }
}

/// What the pod holds when some container was given more than its spec now asks for; empty if none
/// was. A container counts with the larger of what it asks for and what it has.
fn held(spec: &PodSpec, statuses: &[ContainerStatus]) -> ResourceList {
    if statuses.iter().all(ContainerStatus::is_silent) {
        return ResourceList::new();
    }
    let mut grown = spec.clone();
    let mut differs = false;
    for container in grown
        .containers
        .iter_mut()
        .chain(&mut grown.init_containers)
    {
        let Some(status) = statuses.iter().find(|s| s.name == container.name) else {
            continue;
        };
        let asked = &container.resources.requests;
        let has = resources::max_each(&status.allocated_resources, &status.resources.requests);
        let larger = resources::max_each(asked, &has);
        differs |= larger != *asked;
        container.resources.requests = larger;
    }
    if differs {
        requests::effective(&grown)
    } else {
        ResourceList::new()
    }
}
