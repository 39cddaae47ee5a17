//! Volumes that must be detached before the instance may end, so that they can be attached
//! elsewhere.

use std::collections::BTreeSet;

use cluster::disposition::is_drainable;
use cluster::{ObjectKey, PodRecord, Volumes};
use model::Timestamp;
use model::k8s::Node;

use super::NodeFacts;
use crate::conditions::Status;

/// Where the detachment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Detachment {
    /// Nothing is attached that could be detached.
    Done,
    /// These attachments are waited for.
    Waiting(Vec<String>),
    /// The time is over.
    GivenUp,
}

impl Detachment {
    /// Status and reason of the condition `VolumesDetached`.
    pub(super) fn condition(&self) -> (Status, &'static str) {
        match self {
            Self::Done => (Status::True, "VolumesDetached"),
            Self::Waiting(_) => (Status::Unknown, "AwaitingVolumeDetachment"),
            Self::GivenUp => (Status::False, "TerminationGracePeriodElapsed"),
        }
    }

    /// Its message.
    pub(super) fn message(&self) -> &'static str {
        match self {
            Self::Done => "",
            _ => self.condition().1,
        }
    }
}

/// Where the detachment of a node's volumes stands.
pub(super) fn detachment(
    node: &Node,
    facts: &NodeFacts<'_>,
    deadline: Option<Timestamp>,
    now: Timestamp,
) -> Detachment {
    let staying = volumes_of_staying_pods(facts, now);
    let pending: Vec<String> = facts
        .volumes
        .attachments
        .values()
        .filter(|attachment| attachment.spec.node_name == node.metadata.name)
        .filter(|attachment| {
            let volume = attachment.spec.source.persistent_volume_name.as_deref();
            volume.is_some_and(|volume| !staying.contains(volume))
        })
        .map(|attachment| attachment.metadata.name.clone())
        .collect();
    if pending.is_empty() {
        Detachment::Done
    } else if deadline.is_some_and(|deadline| now > deadline) {
        Detachment::GivenUp
    } else {
        Detachment::Waiting(pending)
    }
}

/// Volumes of pods that no drain moves, which would never be detached.
fn volumes_of_staying_pods<'a>(facts: &NodeFacts<'a>, now: Timestamp) -> BTreeSet<&'a str> {
    let staying = facts.pods.iter().filter(|pod| !is_drainable(pod, now));
    staying
        .flat_map(|pod| volumes_of(pod, facts.volumes))
        .collect()
}

fn volumes_of<'a>(pod: &PodRecord, volumes: &'a Volumes) -> Vec<&'a str> {
    let own = pod.own.iter().flat_map(|own| &own.claims);
    own.filter_map(|claim| {
        let claim = volumes
            .claims
            .get(&ObjectKey::new(pod.namespace(), claim))?;
        let name = claim.spec.volume_name.as_str();
        (!name.is_empty()).then_some(name)
    })
    .collect()
}
