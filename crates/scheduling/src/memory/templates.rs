//! What the nodes of each pool have in common, made anew only for pools that have changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::NodePool;
use catalog::InstanceType;
use cluster::PoolState;
use model::k8s::Taint;
use requirements::{Key, Requirements, Value, Vocabulary};
use rustc_hash::FxHashMap;

use crate::index::pools;
use crate::options::TaintLabels;

/// What every new node of a pool has in common. See `index::pools`.
#[derive(Debug)]
pub(crate) struct Common {
    /// What the pool requires, labels included, and what is only there while planning.
    pub(crate) requirements: Requirements,
    /// Labels of its claims, before the pods' requirements add to them.
    pub(crate) labels: BTreeMap<String, String>,
    /// The pool's name.
    pub(crate) name: Arc<str>,
    /// The template's taints.
    pub(crate) shared_taints: Arc<[Taint]>,
    /// Taints until a node is initialized.
    pub(crate) startup_taints: Arc<[Taint]>,
    /// Types that have the devices that the pool requires by resource name, each once for every
    /// capacity that it can be had with.
    pub(crate) types: Arc<[Arc<InstanceType>]>,
    /// What offerings of the types require, each once.
    pub(crate) asks: Box<[Arc<Requirements>]>,
    /// Values that the types have of the keys that were asked for so far.
    pub(crate) values: TypeValues,
}

/// Values that instance types have, by key.
#[derive(Debug, Default)]
pub(crate) struct TypeValues(Mutex<FxHashMap<Key, Arc<[Value]>>>);

impl TypeValues {
    /// The values of a key; `make` says them the first time.
    pub(crate) fn of(&self, key: &Key, make: impl FnOnce() -> Arc<[Value]>) -> Arc<[Value]> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(key.clone()).or_insert_with(make).clone()
    }
}

/// What the nodes of each pool have in common.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    pool: Arc<NodePool>,
    types: Arc<[Arc<InstanceType>]>,
    vocabulary: Arc<Vocabulary>,
    taint_labels: TaintLabels,
    common: Arc<Common>,
}

impl Known {
    fn is(&self, state: &PoolState, vocabulary: &Arc<Vocabulary>, labels: TaintLabels) -> bool {
        let same_pool = Arc::ptr_eq(&self.pool, &state.pool)
            || (self.pool.metadata.name == state.pool.metadata.name
                && self.pool.spec == state.pool.spec);
        same_pool
            && Arc::ptr_eq(&self.types, &state.types)
            && Arc::ptr_eq(&self.vocabulary, vocabulary)
            && self.taint_labels == labels
    }
}

impl Templates {
    /// What the nodes of a pool have in common.
    pub(crate) fn of(
        &mut self,
        state: &PoolState,
        vocabulary: &Arc<Vocabulary>,
        taint_labels: TaintLabels,
    ) -> Arc<Common> {
        let mut known = self.known.iter();
        if let Some(known) = known.find(|known| known.is(state, vocabulary, taint_labels)) {
            return known.common.clone();
        }
        let common = Arc::new(pools::common(state, vocabulary, taint_labels));
        // What the pool was before is not asked for again.
        self.known
            .retain(|known| known.pool.metadata.name != state.pool.metadata.name);
        self.known.push(Known {
            pool: state.pool.clone(),
            types: state.types.clone(),
            vocabulary: vocabulary.clone(),
            taint_labels,
            common: common.clone(),
        });
        common
    }

    /// Whether this is what the nodes of a pool have in common now.
    pub(crate) fn is_current(&self, common: &Arc<Common>) -> bool {
        let mut known = self.known.iter();
        known.any(|known| Arc::ptr_eq(&known.common, common))
    }

    /// Forgets pools that are gone.
    pub(crate) fn keep_only(&mut self, pools: &[Arc<PoolState>]) {
        if self.known.len() > pools.len() {
            self.known.retain(|known| {
                let name = &known.pool.metadata.name;
                pools.iter().any(|state| state.name() == name)
            });
        }
    }
}
