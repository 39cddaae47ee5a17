//! The texts that decide a pod's content, one after the other, as the key of the memo.
//!
//! It must take in every field that [`PodContent::split`] reads, and none that it drops.

use model::k8s::affinity::Affinity;
use model::k8s::pod::PodSpec;

use super::DecodeError;
use super::raw::{Piece, RawContainer, RawPod};
use crate::pod::{OwnParts, OwnerKind, is_own_label, unpin};

/// Separates pieces. It occurs in no JSON text, where control characters are escaped.
const END: u8 = 0;
/// Stands for a piece that is not there, unlike any that is.
const ABSENT: u8 = 1;

/// The key, in a buffer that is used again and again.
#[derive(Debug, Default)]
pub(super) struct Key {
    bytes: Vec<u8>,
}

impl Key {
    /// The key's bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Builds the key of a pod, and gives back what is the pod's own.
    pub(super) fn fill(&mut self, raw: &RawPod<'_>) -> Result<Option<Box<OwnParts>>, DecodeError> {
        self.bytes.clear();
        let mut own = OwnParts::default();
        self.text(raw.metadata.namespace.as_deref().unwrap_or_default());
        for (key, value) in raw.metadata.labels.iter().flat_map(|labels| &labels.0) {
            if is_own_label(key) {
                own.labels.insert(key.to_string(), value.to_string());
            } else {
                self.text(key);
                self.text(value);
            }
        }
        self.mark();
        for (key, value) in raw.metadata.annotations.iter().flat_map(|all| &all.0) {
            self.text(key);
            self.text(value);
        }
        self.mark();
        let pinned = self.owners(raw);
        self.affinity(raw.spec.affinity, pinned)?;
        self.spec(raw, &mut own);
        for made in raw.status.resource_claim_statuses.iter().flatten() {
            let claim = made.resource_claim_name.clone();
            own.generated.insert(made.name.clone(), claim);
        }
        for status in raw.status.container_statuses.iter().flatten() {
            self.piece(status.name);
            self.piece(status.allocated_resources);
            self.piece(status.resources);
        }
        Ok(own.into_box())
    }

    /// Adds the owners; whether one is a DaemonSet.
    fn owners(&mut self, raw: &RawPod<'_>) -> bool {
        let mut pinned = false;
        for owner in raw.metadata.owner_references.iter().flatten() {
            let kind = OwnerKind::of(&owner.api_version, &owner.kind);
            pinned |= kind == OwnerKind::DaemonSet;
            let controls = u8::from(owner.controller == Some(true));
            self.bytes.push(2 * (kind as u8 + 1) + controls);
            // Jobs come and go; their names are not part of the content.
            if kind.is_named() {
                self.text(&owner.name);
            }
        }
        self.mark();
        pinned
    }

    fn affinity(&mut self, affinity: Piece<'_>, pinned: bool) -> Result<(), DecodeError> {
        match affinity {
            Some(text) if pinned => {
                let affinity: Affinity = serde_json::from_str(text.get())?;
                let mut spec = PodSpec {
                    affinity: Some(affinity),
                    ..PodSpec::default()
                };
                unpin(&mut spec);
                serde_json::to_writer(&mut self.bytes, &spec.affinity)?;
                self.mark();
            }
            text => self.piece(text),
        }
        Ok(())
    }

    fn spec(&mut self, raw: &RawPod<'_>, own: &mut OwnParts) {
        let spec = &raw.spec;
        for piece in [
            spec.scheduler_name,
            spec.node_selector,
            spec.tolerations,
            spec.topology_spread_constraints,
            spec.resources,
            spec.overhead,
            spec.resource_claims,
            spec.scheduling_gates,
            spec.host_network,
            spec.priority,
            spec.priority_class_name,
            spec.preemption_policy,
            spec.termination_grace_period_seconds,
            spec.restart_policy,
        ] {
            self.piece(piece);
        }
        self.containers(spec.containers.as_deref());
        self.containers(spec.init_containers.as_deref());
        for volume in spec.volumes.iter().flatten() {
            if let Some(claim) = &volume.persistent_volume_claim {
                own.claims.push(claim.claim_name.to_string());
                self.bytes.push(b'c');
            }
            if volume.ephemeral.is_some() {
                self.bytes.push(b'e');
                self.piece(volume.ephemeral);
                if volume.persistent_volume_claim.is_none() {
                    self.piece(volume.name);
                }
            }
        }
        self.mark();
    }

    fn containers(&mut self, containers: Option<&[RawContainer<'_>]>) {
        for container in containers.into_iter().flatten() {
            self.piece(container.name);
            self.piece(container.resources);
            self.piece(container.ports);
            self.piece(container.restart_policy);
        }
        self.mark();
    }

    fn piece(&mut self, piece: Piece<'_>) {
        match piece {
            Some(text) => self.bytes.extend_from_slice(text.get().as_bytes()),
            None => self.bytes.push(ABSENT),
        }
        self.bytes.push(END);
    }

    /// Adds decoded text, which may hold any character, so its length goes first.
    fn text(&mut self, text: &str) {
        self.bytes
            .extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Ends a list.
    fn mark(&mut self) {
        self.bytes.extend_from_slice(&u32::MAX.to_le_bytes());
    }
}
