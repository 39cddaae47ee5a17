//! Loops that run only where their feature gate is on: pools of fixed size, node overlays,
//! capacity buffers, node repair.

use cluster::{BufferPods, Intent, Touched};
use runtime::options::FeatureGates;

use crate::capacitybuffer::{self, Buffers};
use crate::node::health::{self, Health};
use crate::nodeoverlay::{self, NodeOverlays};
use crate::run::Loop;
use crate::shared::Shared;
use crate::static_pool::{self, Statics};

/// What these loops know and have to do.
#[derive(Default)]
pub(crate) struct Gated {
    /// Pools of fixed size.
    pub(crate) statics: Statics,
    /// Node overlays.
    pub(crate) overlays: NodeOverlays,
    /// Capacity buffers.
    pub(crate) buffers: Buffers,
    /// Node repair.
    pub(crate) health: Health,
}

impl Gated {
    /// Hands out nothing more.
    pub(crate) fn shut_down(&self) {
        self.statics.shut_down();
        self.overlays.shut_down();
        self.buffers.shut_down();
        self.health.shut_down();
    }
}

/// Which gates are on.
pub(crate) fn gates(shared: &Shared) -> FeatureGates {
    shared.world.options.feature_gates
}

/// Wakes those concerned by a change of the cluster's state.
pub(crate) fn wake(shared: &Shared, touched: &Touched) {
    let gates = gates(shared);
    if gates.static_capacity && !(touched.pools.is_empty() && touched.claims.is_empty()) {
        static_pool::wake(shared);
    }
    if gates.node_overlay && !touched.pools.is_empty() {
        nodeoverlay::wake(shared);
    }
    if gates.node_repair && !touched.nodes.is_empty() {
        health::wake(shared, touched);
    }
}

/// The loops that follow kinds of their own.
pub(crate) fn followers(shared: &Shared) -> Vec<Loop<'_>> {
    let gates = gates(shared);
    let mut loops: Vec<Loop<'_>> = Vec::new();
    if gates.node_overlay {
        loops.push(Box::pin(nodeoverlay::follow(shared)));
    }
    if gates.capacity_buffer {
        // An earlier run may have found nodes that keep room; which ones is not known yet.
        shared.commit(Intent::BufferPods(BufferPods::Unknown));
        loops.push(Box::pin(capacitybuffer::follow(shared)));
        loops.push(Box::pin(capacitybuffer::follow_templates(shared)));
    }
    loops
}

/// The loops that serve queues.
pub(crate) fn served(shared: &Shared) -> Vec<Loop<'_>> {
    let gates = gates(shared);
    let mut loops = Vec::new();
    if gates.static_capacity {
        loops.extend(static_pool::served(shared));
    }
    if gates.node_overlay {
        loops.extend(nodeoverlay::served(shared));
    }
    if gates.capacity_buffer {
        loops.extend(capacitybuffer::served(shared));
    }
    if gates.node_repair {
        loops.extend(health::served(shared));
    }
    loops
}
