//! Nodes and NodeClaims paired to machines.
//!
//! The pairing is a function of the objects: of all Nodes with a provider id the first by name is
//! paired with the first NodeClaim by name of the same id. Others (there should be none) stand
//! alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::NodeClaim;
use api::labels::{INITIALIZED, INSTANCE_TYPE, NODEPOOL};
use model::k8s::{Node, Resource};
use model::{ResourceList, Timestamp, resources};

use super::Cluster;
use super::listing::Listing;
use crate::event::Touched;
use crate::node::node_provider_id;
use crate::pod::PodRecord;
use crate::store::{Diff, ObjectKey, Store};
use crate::{NodeKey, NodeState};

/// Names of objects by provider id.
type Index = BTreeMap<Arc<str>, BTreeSet<Arc<str>>>;

/// All machines and what leads to them.
#[derive(Debug, Default)]
pub(super) struct Machines {
    pub(super) by_key: BTreeMap<NodeKey, Arc<NodeState>>,
    /// Names of Nodes by provider id.
    pub(super) nodes_by_id: Index,
    /// Names of NodeClaims by provider id; not those without one.
    pub(super) claims_by_id: Index,
    /// Names of NodeClaims without a provider id.
    pub(super) unlaunched: BTreeSet<Arc<str>>,
    /// Pods bound to Nodes that are not known, by name of the Node.
    pub(super) orphans: BTreeMap<Arc<str>, Vec<Arc<PodRecord>>>,
    /// Capacity of machines that are not marked, by pool.
    pub(super) usage: BTreeMap<Arc<str>, ResourceList>,
    /// Machines that we have decided to take down, under the names of both objects.
    pub(super) marks: BTreeSet<NodeKey>,
    /// Until when machines are expected to receive pods, under the names of both objects.
    pub(super) nominations: BTreeMap<NodeKey, Timestamp>,
    /// Until when machines are left alone, under the names of both objects.
    pub(super) rests: BTreeMap<NodeKey, Timestamp>,
    pub(super) listing: Listing,
}

impl Machines {
    pub(super) fn get(&self, key: &NodeKey) -> Option<&Arc<NodeState>> {
        self.by_key.get(key)
    }

    pub(super) fn unlaunched(&self) -> impl Iterator<Item = &Arc<str>> {
        self.unlaunched.iter()
    }

    /// Adds a bound pod to its machine, or keeps it until that is known.
    pub(super) fn add_pod(&mut self, node: &Arc<str>, pod: Arc<PodRecord>) {
        let key = NodeKey::Node(node.clone());
        self.will_change(&key);
        match self.by_key.get_mut(&key) {
            Some(machine) => Arc::make_mut(machine).add_pod(pod),
            None => self.orphans.entry(node.clone()).or_default().push(pod),
        }
    }

    /// Takes a pod off the machine that it was bound to.
    pub(super) fn remove_pod(&mut self, node: &Arc<str>, pod: &PodRecord) {
        let key = NodeKey::Node(node.clone());
        self.will_change(&key);
        if let Some(machine) = self.by_key.get_mut(&key) {
            Arc::make_mut(machine).remove_pod(pod);
        } else if let Some(orphans) = self.orphans.get_mut(node) {
            orphans
                .retain(|orphan| orphan.name != pod.name || orphan.namespace() != pod.namespace());
            if orphans.is_empty() {
                self.orphans.remove(node);
            }
        }
    }

    /// Counts a machine towards its pool, or takes it off again.
    fn count(&mut self, machine: &NodeState, direction: fn(&mut ResourceList, &ResourceList)) {
        let Some(pool) = machine.pool().filter(|_| !machine.is_marked()) else {
            return;
        };
        if let Some(usage) = self.usage.get_mut(pool) {
            direction(usage, &machine.pool_usage());
            if usage.values().all(|amount| amount.is_zero()) {
                self.usage.remove(pool);
            }
        } else {
            let mut usage = ResourceList::new();
            direction(&mut usage, &machine.pool_usage());
            self.usage.insert(pool.into(), usage);
        }
    }

    /// Sets what we mean to do with a machine from what is noted under the names of its objects.
    fn apply_plans(&self, machine: &mut NodeState) {
        let keys = plan_keys(machine);
        machine.marked = keys.iter().any(|key| self.marks.contains(key));
        let latest = |of: &BTreeMap<NodeKey, Timestamp>| {
            let times = keys.iter().filter_map(|key| of.get(key));
            times.max().copied()
        };
        machine.nominated_until = latest(&self.nominations);
        machine.resting_until = latest(&self.rests);
    }
}

/// The names under which plans for a machine are noted.
pub(super) fn plan_keys(machine: &NodeState) -> Vec<NodeKey> {
    let node = machine
        .node
        .as_ref()
        .map(|node| NodeKey::Node(node.metadata.name.as_str().into()));
    let claim = machine.claim.as_ref();
    let claim = claim.map(|claim| NodeKey::Claim(claim.metadata.name.as_str().into()));
    node.into_iter().chain(claim).collect()
}

/// Whether a Node is to be kept track of: one of a pool must say which machine it is and, until it
/// is complete, of which type.
pub(super) fn is_trackable(node: &Node) -> bool {
    let labels = &node.metadata.labels;
    if !labels.contains_key(NODEPOOL) {
        return true;
    }
    !node.spec.provider_id.is_empty()
        && (labels.contains_key(INSTANCE_TYPE) || labels.contains_key(INITIALIZED))
}

fn link(index: &mut Index, id: &Arc<str>, name: &Arc<str>) {
    index.entry(id.clone()).or_default().insert(name.clone());
}

fn unlink(index: &mut Index, id: &Arc<str>, name: &Arc<str>) {
    if let Some(names) = index.get_mut(id) {
        names.remove(name);
        if names.is_empty() {
            index.remove(id);
        }
    }
}

impl Cluster {
    /// Follows a change of a Node object.
    pub(super) fn node_changed(&mut self, diff: &Diff<Node>, touched: &mut Touched) {
        let name = &diff.key.name;
        let id = |node: &Option<Arc<Node>>| -> Option<Arc<str>> {
            let node = node.as_ref().filter(|node| is_trackable(node))?;
            Some(node_provider_id(node).into())
        };
        let (old, new) = (id(&diff.old), id(&diff.new));
        if old != new {
            if let Some(old) = &old {
                unlink(&mut self.machines.nodes_by_id, old, name);
            }
            if let Some(new) = &new {
                link(&mut self.machines.nodes_by_id, new, name);
            }
        }
        if new.is_none() {
            self.remove_machine(&NodeKey::Node(name.clone()), touched);
        }
        if diff.new.is_none() {
            self.forget_plans(&NodeKey::Node(name.clone()));
        }
        touched.nodes.insert(name.clone());
        self.pair_both(old, new, touched);
    }

    /// Follows a change of a NodeClaim object.
    pub(super) fn claim_changed(&mut self, diff: &Diff<NodeClaim>, touched: &mut Touched) {
        let name = &diff.key.name;
        let id = |claim: &Option<Arc<NodeClaim>>| -> Option<Arc<str>> {
            let id = claim.as_ref()?.status.provider_id.as_str();
            (!id.is_empty()).then(|| id.into())
        };
        let (old, new) = (id(&diff.old), id(&diff.new));
        if old != new {
            if let Some(old) = &old {
                unlink(&mut self.machines.claims_by_id, old, name);
            }
            if let Some(new) = &new {
                link(&mut self.machines.claims_by_id, new, name);
            }
        }
        touched.claims.insert(name.clone());
        if diff.new.is_none() {
            self.remove_machine(&NodeKey::Claim(name.clone()), touched);
            self.forget_plans(&NodeKey::Claim(name.clone()));
        }
        match &diff.new {
            Some(claim) if new.is_none() => {
                self.machines.unlaunched.insert(name.clone());
                let key = NodeKey::Claim(name.clone());
                self.set_machine(key, None, Some(claim.clone()), touched);
            }
            _ => {
                self.machines.unlaunched.remove(name);
            }
        }
        self.pair_both(old, new, touched);
        if !self.machines.unlaunched.contains(name) {
            self.release_plan(name, touched);
        }
    }

    /// Reconsiders a machine after its mark or nomination changed.
    pub(super) fn replan_machine(&mut self, key: &NodeKey, touched: &mut Touched) {
        self.machines.will_change(key);
        let Some(before) = self.machines.by_key.remove(key) else {
            return;
        };
        let mut after = before.clone();
        self.machines.count(&before, resources::subtract_from);
        let machine = Arc::make_mut(&mut after);
        self.machines.apply_plans(machine);
        self.machines.count(&after, resources::add_to);
        touch(&after, touched);
        touched.consolidation |= before.is_marked() != after.is_marked();
        self.machines.by_key.insert(key.clone(), after);
    }

    fn forget_plans(&mut self, key: &NodeKey) {
        self.machines.marks.remove(key);
        self.machines.nominations.remove(key);
        self.machines.rests.remove(key);
    }

    fn pair_both(&mut self, old: Option<Arc<str>>, new: Option<Arc<str>>, touched: &mut Touched) {
        if let Some(old) = old.as_ref().filter(|old| Some(*old) != new.as_ref()) {
            self.pair(old, touched);
        }
        if let Some(new) = &new {
            self.pair(new, touched);
        }
    }

    /// Brings the machines of one provider id in line with the objects. Objects of which a relist
    /// has changes in store that are not followed yet are passed over; their turn comes.
    fn pair(&mut self, id: &Arc<str>, touched: &mut Touched) {
        let nodes: Vec<(Arc<str>, Arc<Node>)> =
            objects_of(id, &self.machines.nodes_by_id, &self.nodes)
                .filter(|(_, node)| is_trackable(node) && node_provider_id(node) == &**id)
                .collect();
        let claims: Vec<(Arc<str>, Arc<NodeClaim>)> =
            objects_of(id, &self.machines.claims_by_id, &self.claims)
                .filter(|(_, claim)| claim.status.provider_id == **id)
                .collect();
        let paired = if nodes.is_empty() {
            0
        } else {
            claims.len().min(1)
        };
        for (name, _) in &claims[..paired] {
            self.remove_machine(&NodeKey::Claim(name.clone()), touched);
        }
        for (at, (name, node)) in nodes.into_iter().enumerate() {
            let claim = claims
                .get(at)
                .filter(|_| at < paired)
                .map(|(_, claim)| claim.clone());
            self.set_machine(NodeKey::Node(name), Some(node), claim, touched);
        }
        for (name, claim) in &claims[paired..] {
            self.set_machine(
                NodeKey::Claim(name.clone()),
                None,
                Some(claim.clone()),
                touched,
            );
        }
    }

    /// Makes a machine, or gives it other objects.
    fn set_machine(
        &mut self,
        key: NodeKey,
        node: Option<Arc<Node>>,
        claim: Option<Arc<NodeClaim>>,
        touched: &mut Touched,
    ) {
        self.machines.will_change(&key);
        let before = self.machines.by_key.remove(&key);
        let dimensions = Arc::make_mut(&mut self.dimensions);
        let mut after = if let Some(machine) = &before {
            self.machines.count(machine, resources::subtract_from);
            touch(machine, touched);
            let mut machine = NodeState::clone(machine);
            machine.set_objects(node, claim, dimensions);
            machine
        } else {
            let mut machine = NodeState::new(node, claim, dimensions);
            if let NodeKey::Node(name) = &key {
                for pod in self.machines.orphans.remove(name).into_iter().flatten() {
                    machine.add_pod(pod);
                }
            }
            machine
        };
        self.machines.apply_plans(&mut after);
        self.machines.count(&after, resources::add_to);
        touch(&after, touched);
        touched.consolidation |= before.is_none_or(|before| {
            before.is_initialized() != after.is_initialized()
                || before.is_marked() != after.is_marked()
        });
        self.machines.by_key.insert(key, Arc::new(after));
    }

    /// Forgets a machine. Its pods wait for a Node of that name to come back.
    fn remove_machine(&mut self, key: &NodeKey, touched: &mut Touched) {
        self.machines.will_change(key);
        let Some(machine) = self.machines.by_key.remove(key) else {
            return;
        };
        self.machines.count(&machine, resources::subtract_from);
        touch(&machine, touched);
        touched.consolidation = true;
        if let NodeKey::Node(name) = key
            && !machine.pods.is_empty()
        {
            self.machines
                .orphans
                .insert(name.clone(), machine.pods.clone());
        }
    }
}

/// Notes a machine and what hangs on it.
fn touch(machine: &NodeState, touched: &mut Touched) {
    if let Some(node) = &machine.node {
        touched.nodes.insert(node.metadata.name.as_str().into());
    }
    if let Some(claim) = &machine.claim {
        touched.claims.insert(claim.metadata.name.as_str().into());
    }
    if let Some(pool) = machine.pool() {
        touched.pools.insert(pool.into());
    }
}

fn key(name: &Arc<str>) -> ObjectKey {
    ObjectKey {
        namespace: "".into(),
        name: name.clone(),
    }
}

/// The objects that an index has under a provider id, by name.
fn objects_of<'a, T: Resource>(
    id: &Arc<str>,
    index: &'a Index,
    store: &'a Store<T>,
) -> impl Iterator<Item = (Arc<str>, Arc<T>)> + use<'a, T> {
    let names = index.get(id).into_iter().flatten();
    names.filter_map(|name| Some((name.clone(), store.get(&key(name))?.clone())))
}
