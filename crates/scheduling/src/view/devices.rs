//! Views of nodes whose pods hold devices: more narrow than what pods say about themselves.

use super::{Host, ViewId, ViewKey, Views};
use crate::mask::Mask;
use crate::problem::Masks;

impl Views<'_> {
    /// The view of a node of which more is known, if it can be.
    pub(crate) fn narrowed(&mut self, view: ViewId, masks: &Masks) -> Option<ViewId> {
        let mut next = self.keys[view as usize].clone();
        for (id, mask) in masks {
            next.masks[*id] = next.masks[*id].and(mask);
            if next.masks[*id].is_empty() {
                return None;
            }
        }
        self.intern(next)
    }

    /// Host ports that the pods of a node with this view keep from daemons.
    pub(crate) fn ports(&self, view: ViewId) -> &[u64] {
        &self.keys[view as usize].ports
    }

    /// The view of a planned node of a pool, if some type is left.
    pub(crate) fn of_planned(
        &mut self,
        pool: usize,
        masks: &[Mask],
        ports: &[u64],
    ) -> Option<ViewId> {
        self.intern(ViewKey {
            host: Host::Pool(pool),
            taints: self.problem.pools[pool].taints,
            masks: masks.to_vec(),
            ports: ports.to_vec(),
        })
    }
}
