//! Snapshots, of which unchanged parts are kept from one to the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::k8s::DaemonSet;

use super::Cluster;
use super::pools::InFlight;
use crate::budget::Budgets;
use crate::daemon::{self, DaemonState};
use crate::event::Touched;
use crate::pod::PodRecord;
use crate::pool::PoolState;
use crate::snapshot::{PendingGroup, Snapshot, Volumes};
use crate::store::ObjectKey;

/// Parts of the last snapshot, without what is out of date. Machines have a list of their own.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pools: Option<Arc<[Arc<PoolState>]>>,
    /// Pools one by one.
    pub(super) pool_states: BTreeMap<Arc<str>, Arc<PoolState>>,
    /// What unlaunched claims may become.
    pub(super) in_flight: InFlight,
    daemons: Option<Arc<[Arc<DaemonState>]>>,
    /// DaemonSets one by one, by namespace and name in one text.
    daemon_states: BTreeMap<String, Arc<DaemonState>>,
    groups: Option<Groups>,
    waiting: Option<Arc<[Arc<PodRecord>]>>,
    budgets: Option<Arc<Budgets>>,
}

/// Provisionable pods.
#[derive(Clone, Debug)]
struct Groups {
    pending: Arc<[Arc<PendingGroup>]>,
    ignored: Arc<[Arc<PendingGroup>]>,
}

impl Cache {
    /// Drops what a change has made out of date.
    pub(super) fn invalidate(&mut self, touched: &Touched) {
        if !touched.pools.is_empty() {
            self.pools = None;
            for pool in &touched.pools {
                self.pool_states.remove(pool);
            }
        }
        if !touched.daemon_sets.is_empty() {
            self.daemons = None;
            for daemon_set in &touched.daemon_sets {
                self.daemon_states.remove(daemon_set);
            }
        }
    }

    /// Drops a pool, of whose nodes more or fewer are expected.
    pub(super) fn forget_pool(&mut self, pool: &str) {
        self.pools = None;
        self.pool_states.remove(pool);
    }

    /// Drops the budgets, of which some has changed.
    pub(super) fn forget_budgets(&mut self) {
        self.budgets = None;
    }
}

impl Cluster {
    pub(super) fn build_snapshot(&mut self) -> Snapshot {
        // First, for it may make resources known.
        let daemons = self.daemons();
        let pools = self.pools_by_weight();
        let groups = self.groups();
        let waiting = self.waiting();
        let budgets = self
            .cache
            .budgets
            .get_or_insert_with(|| Arc::new(Budgets::new(self.budgets.objects())));
        let budgets = budgets.clone();
        Snapshot {
            version: self.version,
            vocabulary: self.vocabulary.clone(),
            dimensions: self.dimensions.clone(),
            nodes: self.machines.listed(),
            pools,
            daemons,
            pending: groups.pending,
            ignored: groups.ignored,
            waiting,
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
            devices: self.devices.view(),
            unlaunched: self.machines.unlaunched.iter().cloned().collect(),
        }
    }

    fn pools_by_weight(&mut self) -> Arc<[Arc<PoolState>]> {
        if self.cache.pools.is_none() {
            self.cache.pools = Some(self.pool_states().into());
        }
        self.cache.pools.clone().unwrap_or_default()
    }

    fn groups(&mut self) -> Groups {
        let held = self.cache.groups.take();
        let groups = match held.filter(|_| !self.pending.groups_changed) {
            Some(groups) => groups,
            None => self.new_groups(),
        };
        self.pending.groups_changed = false;
        self.cache.groups = Some(groups.clone());
        groups
    }

    fn new_groups(&mut self) -> Groups {
        let of_buffers = self.virtuals.groups(&self.pending.planned);
        let groups = self.pending.groups.values_mut();
        let mut groups: Vec<_> = groups.map(super::pending::Group::view).collect();
        if !of_buffers.is_empty() {
            groups.extend(of_buffers);
            groups.sort_by_key(|group| group.shape.id);
        }
        let (ignored, pending): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|group| !group.shape.problems.is_empty());
        Groups {
            pending: pending.into(),
            ignored: ignored.into(),
        }
    }

    fn waiting(&mut self) -> Arc<[Arc<PodRecord>]> {
        if self.cache.waiting.is_none() || self.pending.waiting_changed {
            let waiting = self.pending.waiting.values().cloned().collect();
            self.cache.waiting = Some(waiting);
            self.pending.waiting_changed = false;
        }
        self.cache.waiting.clone().unwrap_or_default()
    }

    fn daemons(&mut self) -> Arc<[Arc<DaemonState>]> {
        if self.cache.daemons.is_none() {
            self.cache.daemons = Some(self.daemon_states().into());
        }
        self.cache.daemons.clone().unwrap_or_default()
    }

    fn daemon_states(&mut self) -> Vec<Arc<DaemonState>> {
        let daemon_sets = self.daemon_sets.objects().clone();
        let mut held = std::mem::take(&mut self.cache.daemon_states);
        for (key, daemon_set) in daemon_sets.iter() {
            let text = key.to_string();
            let state = match held.remove(&text) {
                Some(state) => state,
                None => self.daemon_state(key, daemon_set),
            };
            self.cache.daemon_states.insert(text, state);
        }
        let states = daemon_sets.keys();
        states
            .filter_map(|key| self.cache.daemon_states.get(&key.to_string()).cloned())
            .collect()
    }

    fn daemon_state(&mut self, key: &ObjectKey, daemon_set: &Arc<DaemonSet>) -> Arc<DaemonState> {
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
    }
}
