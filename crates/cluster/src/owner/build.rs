//! Snapshots, of which unchanged parts are kept from one to the next.

use std::sync::Arc;

use super::Cluster;
use crate::budget::Budgets;
use crate::daemon::{self, DaemonState};
use crate::event::Touched;
use crate::node::NodeState;
use crate::pod::PodRecord;
use crate::pool::PoolState;
use crate::snapshot::{PendingGroup, Snapshot, Volumes};

/// Parts of the last snapshot; none where they are out of date.
#[derive(Debug, Default)]
pub(super) struct Cache {
    nodes: Option<Arc<[Arc<NodeState>]>>,
    pools: Option<Arc<[Arc<PoolState>]>>,
    daemons: Option<Arc<[Arc<DaemonState>]>>,
    pending: Option<PendingLists>,
    budgets: Option<Arc<Budgets>>,
}

/// Lists of unbound pods.
#[derive(Clone, Debug)]
struct PendingLists {
    pending: Arc<[Arc<PendingGroup>]>,
    ignored: Arc<[Arc<PendingGroup>]>,
    waiting: Arc<[Arc<PodRecord>]>,
}

impl Cache {
    /// Drops what a change may have made out of date.
    pub(super) fn invalidate(&mut self, touched: &Touched) {
        if !touched.nodes.is_empty() || !touched.claims.is_empty() {
            self.nodes = None;
        }
        if !touched.pools.is_empty() || !touched.claims.is_empty() {
            self.pools = None;
        }
        if !touched.daemon_sets.is_empty() {
            self.daemons = None;
        }
        if !touched.pods.is_empty() {
            self.pending = None;
        }
        if touched.other {
            self.budgets = None;
        }
    }
}

impl Cluster {
    pub(super) fn build_snapshot(&mut self) -> Snapshot {
        let daemons = match self.cache.daemons.take() {
            Some(daemons) => daemons,
            None => self.daemon_states().into(),
        };
        let nodes = self
            .cache
            .nodes
            .take()
            .unwrap_or_else(|| self.sorted_nodes().into());
        let pools = self
            .cache
            .pools
            .take()
            .unwrap_or_else(|| self.pool_states().into());
        let lists = match self.cache.pending.take() {
            Some(lists) => lists,
            None => self.pending_lists(),
        };
        let budgets = self.cache.budgets.take();
        let budgets = budgets.unwrap_or_else(|| Arc::new(Budgets::new(self.budgets.objects())));
        self.cache = Cache {
            nodes: Some(nodes.clone()),
            pools: Some(pools.clone()),
            daemons: Some(daemons.clone()),
            pending: Some(lists.clone()),
            budgets: Some(budgets.clone()),
        };
        Snapshot {
            version: self.version,
            vocabulary: self.vocabulary.clone(),
            dimensions: self.dimensions.clone(),
            nodes,
            pools,
            daemons,
            pending: lists.pending,
            ignored: lists.ignored,
            waiting: lists.waiting,
            planned: self.pending.planned.clone(),
            buffer_pods: self.virtuals.on_nodes.clone(),
            budgets,
            namespaces: self.namespaces.objects().clone(),
            volumes: Volumes {
                claims: self.volume_claims.objects().clone(),
                volumes: self.volumes.objects().clone(),
                classes: self.storage_classes.objects().clone(),
                csi_nodes: self.csi_nodes.objects().clone(),
                attachments: self.attachments.objects().clone(),
            },
            selectors: self.selectors.view(),
            unlaunched: self.machines.unlaunched.iter().cloned().collect(),
        }
    }

    fn sorted_nodes(&self) -> Vec<Arc<NodeState>> {
        let mut nodes: Vec<_> = self.machines.by_key.values().cloned().collect();
        nodes.sort_by(|a, b| a.name().cmp(b.name()));
        nodes
    }

    fn pending_lists(&mut self) -> PendingLists {
        let of_buffers = self.virtuals.groups(&self.pending.planned);
        let groups = self.pending.groups.values_mut();
        let mut groups: Vec<_> = groups.map(super::pending::Group::view).collect();
        groups.extend(of_buffers);
        groups.sort_by_key(|group| group.shape.id);
        let (ignored, pending): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| !group.shape.problems.is_empty());
        PendingLists {
            pending: pending.into(),
            ignored: ignored.into(),
            waiting: self.pending.waiting.values().cloned().collect(),
        }
    }

    fn daemon_states(&mut self) -> Vec<Arc<DaemonState>> {
        let daemon_sets = self.daemon_sets.objects().clone();
        daemon_sets
            .iter()
            .map(|(key, daemon_set)| {
                let newest = self.pods.newest_of(key).map(|pod| &*pod.shape.content);
                let content = Arc::new(daemon::content(daemon_set, newest));
                let shape = self
                    .shapes
                    .intern(&content, &mut self.dimensions, &self.vocabulary);
                Arc::new(DaemonState {
                    key: key.clone(),
                    daemon_set: daemon_set.clone(),
                    shape,
                })
            })
            .collect()
    }
}
