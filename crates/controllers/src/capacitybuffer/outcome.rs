//! What a pass of the provisioner has made of virtual pods: which nodes keep room for them, and the
//! condition `Provisioning` of their buffers.

use std::sync::Arc;

use cluster::{Intent, ObjectKey, PodRecord, Snapshot};
use lifecycle::buffer::{kept, observe, provisioned, virtual_name};
use runtime::Next;
use scheduling::Placement;

use super::AGAIN;
use crate::gated::gates;
use crate::shared::{Shared, lock};
use crate::{nodeclaim, write};

/// Takes in what a pass has found.
pub(crate) fn after_pass(shared: &Shared, snapshot: &Snapshot, placement: &Placement) {
    if !gates(shared).capacity_buffer {
        return;
    }
    let buffers = &shared.gated.buffers;
    if buffers.all_known() {
        let nodes = placement.existing.iter();
        let kept = kept(nodes.map(|node| (&node.node, &*node.pods)));
        shared.commit(Intent::BufferPods(kept));
    }
    let existing = placement.existing.iter().flat_map(|node| &node.pods);
    let new = placement.new_claims.iter().flat_map(|claim| &claim.pods);
    let failed = placement.unplaced.iter().map(|unplaced| &unplaced.pod);
    let mut observed = observe(all(existing), all(new), all(failed));
    let mut changed = Vec::new();
    for (key, held) in lock(&buffers.held).iter_mut() {
        // A claim that is on its way for a pod is new capacity, though this pass has not seen it.
        let count = held.buffer.status.replicas.unwrap_or(0);
        let on_their_way = (1..=count).filter(|number| {
            let name = virtual_name(&key.name, *number);
            snapshot
                .planned
                .contains_key(&ObjectKey::new(&key.namespace, &name))
        });
        let on_their_way = on_their_way.count();
        if let Some(mut seen) = observed.remove(key) {
            seen.new += on_their_way;
            held.observed = Some(seen);
        }
        if provisioned(&held.buffer, held.observed, shared.now()) != *held.buffer {
            changed.push(key.clone());
        }
    }
    for key in changed {
        buffers.outcomes.add(key);
    }
}

fn all<'a>(pods: impl Iterator<Item = &'a Arc<PodRecord>>) -> impl Iterator<Item = &'a PodRecord> {
    pods.map(|pod| &**pod)
}

/// Looks whether a buffer's condition is to be written, after its state has changed.
pub(super) fn review(shared: &Shared, key: &ObjectKey) {
    shared.gated.buffers.outcomes.add(key.clone());
}

/// Writes the condition of one buffer.
pub(super) async fn reconcile(shared: &Shared, key: ObjectKey) -> Next {
    let buffers = &shared.gated.buffers;
    let Some((buffer, observed)) = buffers.get(&key) else {
        return Next::AwaitChange;
    };
    let wanted = provisioned(&buffer, observed, shared.now());
    match write::status(shared, &*buffer, &wanted).await {
        Ok(Some(written)) => {
            buffers.put(written);
            Next::AwaitChange
        }
        Ok(None) => Next::AwaitChange,
        Err(error) if error.is_conflict() => Next::After(AGAIN),
        Err(error) => nodeclaim::after(&error, "capacitybuffer", &key.to_string()),
    }
}
