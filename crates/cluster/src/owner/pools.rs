//! Pools: may they be used, what can they launch, what do they have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::labels::INSTANCE_TYPE;
use api::{NodeClaim, NodePool};
use catalog::InstanceType;
use model::{ResourceList, resources};

use super::{Cluster, UnknownReadiness};
use crate::event::{Change, Touched};
use crate::pool::{PoolProblem, PoolState};
use crate::store::ObjectKey;
use crate::{NodeKey, NodeState};

type Types = Arc<[Arc<InstanceType>]>;

/// What unlaunched claims may become, by name.
pub(super) type InFlight = BTreeMap<Arc<str>, MayBecome>;

/// What a claim may become, and what that was found from.
#[derive(Debug, Default)]
pub(super) struct MayBecome {
    claim: Option<Arc<NodeClaim>>,
    types: Types,
    most: ResourceList,
}

impl Cluster {
    pub(super) fn apply_pools(&mut self, change: Change<NodePool>, touched: &mut Touched) {
        for diff in self.pools.apply(change) {
            let generation =
                |pool: &Option<Arc<NodePool>>| pool.as_ref().map(|pool| pool.metadata.generation);
            touched.consolidation |= generation(&diff.old) != generation(&diff.new);
            if diff.new.is_none() {
                self.types.remove(&diff.key.name);
                self.awaiting.remove(&diff.key.name);
            }
            let is_ready = |pool: &Option<Arc<NodePool>>| {
                let pool = pool.as_ref();
                pool.is_some_and(|pool| self.unreadiness(pool).is_none())
            };
            if is_ready(&diff.new) && !is_ready(&diff.old) {
                touched.ready_pools.insert(diff.key.name.clone());
            }
            touched.pools.insert(diff.key.name);
        }
    }

    /// All pools, heaviest first, then by name, last first.
    pub(super) fn pool_states(&mut self) -> Vec<Arc<PoolState>> {
        let mut held = std::mem::take(&mut self.cache.pool_states);
        let mut in_flight = std::mem::take(&mut self.cache.in_flight);
        let mut states: Vec<Arc<PoolState>> = Vec::new();
        for (key, pool) in self.pools.objects().iter() {
            let state = held
                .remove(&key.name)
                .unwrap_or_else(|| Arc::new(self.pool_state(key, pool, &mut in_flight)));
            self.cache
                .pool_states
                .insert(key.name.clone(), state.clone());
            states.push(state);
        }
        in_flight.retain(|claim, _| self.machines.unlaunched.contains(claim));
        self.cache.in_flight = in_flight;
        states.sort_by(|a, b| (b.weight(), b.name()).cmp(&(a.weight(), a.name())));
        states
    }

    fn pool_state(
        &self,
        key: &ObjectKey,
        pool: &Arc<NodePool>,
        in_flight: &mut InFlight,
    ) -> PoolState {
        let mut state = PoolState {
            pool: pool.clone(),
            types: self.types.get(&key.name).cloned().unwrap_or_default(),
            problem: None,
            used: self
                .machines
                .usage
                .get(&key.name)
                .cloned()
                .unwrap_or_default(),
            in_flight: ResourceList::new(),
        };
        state.problem = self.pool_problem(&state);
        for name in &self.machines.unlaunched {
            if let Some(machine) = self.machines.get(&NodeKey::Claim(name.clone()))
                && machine.pool() == Some(&key.name)
                && !machine.is_marked()
            {
                let most = may_become(machine, name, &state.types, in_flight);
                resources::add_to(&mut state.in_flight, most);
            }
        }
        for (name, expected) in &self.pending.announced {
            // One that is seen counts by itself.
            if expected.pool == key.name && self.claim(name).is_none() {
                resources::add_to(&mut state.in_flight, &expected.most);
            }
        }
        state
    }

    fn pool_problem(&self, state: &PoolState) -> Option<PoolProblem> {
        let pool = &state.pool;
        let class = &pool.spec.template.spec.node_class_ref;
        if pool.metadata.is_deleting() {
            return Some(PoolProblem::Deleting);
        }
        if pool.spec.replicas.is_some() {
            return Some(PoolProblem::Static);
        }
        if !self.settings.owns(&class.group, &class.kind) {
            let (group, kind) = (class.group.clone(), class.kind.clone());
            return Some(PoolProblem::OtherProvider { group, kind });
        }
        let unready = self.unreadiness(pool);
        if unready.is_some() {
            return unready;
        }
        if self.awaiting.contains(state.name()) {
            return Some(PoolProblem::AwaitingOverlays);
        }
        state.types.is_empty().then_some(PoolProblem::NoTypes)
    }

    fn unreadiness(&self, pool: &NodePool) -> Option<PoolProblem> {
        let ready = pool
            .status
            .conditions
            .iter()
            .find(|condition| condition.r#type == "Ready");
        match ready {
            Some(condition) if condition.status == "True" => None,
            Some(condition)
                if condition.status == "Unknown"
                    && self.settings.unknown_readiness == UnknownReadiness::Ready =>
            {
                None
            }
            Some(condition) => Some(PoolProblem::NotReady {
                reason: condition.reason.clone(),
                message: condition.message.clone(),
            }),
            None => match self.settings.unknown_readiness {
                UnknownReadiness::Ready => None,
                UnknownReadiness::NotReady => Some(PoolProblem::NotReady {
                    reason: String::new(),
                    message: String::new(),
                }),
            },
        }
    }
}

/// The largest amounts among the types that an unlaunched claim may become.
fn may_become<'f>(
    machine: &NodeState,
    name: &Arc<str>,
    types: &Types,
    in_flight: &'f mut InFlight,
) -> &'f ResourceList {
    let held = in_flight.entry(name.clone()).or_default();
    let is_current = |held: &Option<Arc<NodeClaim>>| match (held, &machine.claim) {
        (Some(held), Some(claim)) => Arc::ptr_eq(held, claim),
        _ => false,
    };
    if !is_current(&held.claim) || !Arc::ptr_eq(&held.types, types) {
        held.claim.clone_from(&machine.claim);
        held.types = types.clone();
        held.most = machine
            .claim
            .as_ref()
            .map(|claim| largest(claim, types))
            .unwrap_or_default();
    }
    &held.most
}

fn largest(claim: &NodeClaim, types: &Types) -> ResourceList {
    let wanted = claim
        .spec
        .requirements
        .iter()
        .find(|item| item.key == INSTANCE_TYPE && item.operator == "In");
    let wanted: Option<BTreeSet<&str>> =
        wanted.map(|item| item.values.iter().map(|name| &**name).collect());
    let candidates = types.iter();
    candidates
        .filter(|candidate| {
            let wanted = wanted.as_ref();
            wanted.is_none_or(|wanted| wanted.contains(&*candidate.name))
        })
        .fold(ResourceList::new(), |largest, candidate| {
            let special = candidate.offerings.iter().filter(|o| o.overrides.is_some());
            let special = special.map(|offering| candidate.capacity_of(offering).into_owned());
            let largest = resources::max_each(&largest, &candidate.capacity);
            special.fold(largest, |all, one| resources::max_each(&all, &one))
        })
}
