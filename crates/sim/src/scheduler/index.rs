//! The scheduler's memory: nodes with what is on them, and what is known about pods that look
//! alike.
//!
//! Everything here is brought up to date by what has changed since it was used last, never computed
//! anew, so that the work follows the changes and not the size of the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::k8s::{Node, Pod, PodKey};
use model::{ResourceList, resources};

use super::domains::{Counted, View, ViewKey};
use super::fit::{HostPort, Misfit, Needs};
use super::look::{Bond, Look, LookKey, Spread, wishes};
use super::selection::Namespaces;
use super::volumes::claim_keys;
use crate::storage::ClaimKey;

/// Pods of one look on one node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    /// All of them.
    pub(super) all: usize,
    /// Those that are not being deleted.
    pub(super) staying: usize,
}

/// A node and what is on it.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Absent while pods are bound to a node that has not been seen, or is gone.
    pub(super) node: Option<Arc<Node>>,
    pub(super) used: ResourceList,
    pub(super) ports: BTreeMap<HostPort, usize>,
    pub(super) pods: BTreeMap<usize, Count>,
    /// Claims in use, with the number of pods that use them.
    pub(super) claims: BTreeMap<ClaimKey, usize>,
    changed: u64,
}

/// Where a pod is.
#[derive(Clone, Debug)]
struct Placed {
    slot: usize,
    look: usize,
    staying: bool,
    claims: Vec<ClaimKey>,
}

/// Which nodes take pods with certain needs, by what the nodes have.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) needs: Needs,
    pub(super) open: BTreeSet<usize>,
    pub(super) closed: BTreeMap<usize, Misfit>,
    seen: u64,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(super) nodes: Vec<Entry>,
    slots: BTreeMap<String, usize>,
    version: u64,
    /// Nodes by their last change.
    changed: BTreeMap<u64, usize>,
    pub(super) looks: Vec<Look>,
    look_ids: BTreeMap<LookKey, usize>,
    placed: BTreeMap<PodKey, Placed>,
    pub(super) rooms: Vec<Room>,
    room_ids: BTreeMap<Needs, usize>,
    pub(super) views: Vec<View>,
    view_ids: BTreeMap<ViewKey, usize>,
    bonds: Vec<Bond>,
    bond_ids: BTreeMap<Bond, usize>,
    pub(super) namespaces: Namespaces,
    /// Claims in use, with the number of pods that use them.
    pub(super) claim_users: BTreeMap<ClaimKey, usize>,
}

impl Index {
    /// Takes in a node, new or changed.
    pub(crate) fn put_node(&mut self, node: Arc<Node>) {
        let slot = self.slot(&node.metadata.name);
        self.nodes[slot].node = Some(node);
        self.touch(slot);
    }

    /// Forgets a node; its pods are still counted until they are gone too.
    pub(crate) fn remove_node(&mut self, name: &str) {
        let slot = self.slot(name);
        self.nodes[slot].node = None;
        self.touch(slot);
    }

    /// Takes in the labels of a namespace; none when it is gone.
    pub(crate) fn put_namespace(&mut self, name: &str, labels: Option<BTreeMap<String, String>>) {
        let labels = labels.unwrap_or_default();
        let before = self.namespaces.insert(name.to_owned(), labels.clone());
        if before.unwrap_or_default() != labels {
            self.views.iter_mut().for_each(View::reset);
            for look in &mut self.looks {
                look.met.clear();
                look.met_of = 0;
            }
        }
    }

    /// Takes in a pod, new or changed.
    pub(crate) fn put_pod(&mut self, pod: &Pod) {
        let key = pod.key();
        if !pod.is_bound() || pod.is_terminal() {
            self.remove_pod(&key);
            return;
        }
        let slot = self.slot(&pod.spec.node_name);
        let staying = !pod.metadata.is_deleting();
        let same = |placed: &Placed| {
            placed.slot == slot
                && placed.staying == staying
                && self.looks[placed.look].labels == pod.metadata.labels
        };
        // The scheduler has put it there already, or only its status has changed.
        if !self.placed.get(&key).is_some_and(same) {
            let look = self.look(pod);
            self.place(key, pod, look, slot);
        }
    }

    /// Puts a pod on a node.
    pub(super) fn place(&mut self, key: PodKey, pod: &Pod, look: usize, slot: usize) {
        self.remove_pod(&key);
        let placed = Placed {
            slot,
            look,
            staying: !pod.metadata.is_deleting(),
            claims: claim_keys(pod).collect(),
        };
        let needs = &self.rooms[self.looks[look].room].needs;
        let entry = &mut self.nodes[slot];
        resources::add_to(&mut entry.used, &needs.requests);
        for port in &needs.ports {
            *entry.ports.entry(port.clone()).or_default() += 1;
        }
        let count = entry.pods.entry(look).or_default();
        count.all += 1;
        count.staying += usize::from(placed.staying);
        for claim in &placed.claims {
            *entry.claims.entry(claim.clone()).or_default() += 1;
            *self.claim_users.entry(claim.clone()).or_default() += 1;
        }
        self.placed.insert(key, placed);
        self.touch(slot);
    }

    /// Takes a pod off its node, if it is on one.
    pub(crate) fn remove_pod(&mut self, key: &PodKey) {
        let Some(placed) = self.placed.remove(key) else {
            return;
        };
        let needs = &self.rooms[self.looks[placed.look].room].needs;
        let entry = &mut self.nodes[placed.slot];
        resources::subtract_from(&mut entry.used, &needs.requests);
        for port in &needs.ports {
            take_one(&mut entry.ports, port);
        }
        if let Some(count) = entry.pods.get_mut(&placed.look) {
            count.all -= 1;
            count.staying -= usize::from(placed.staying);
            if count.all == 0 {
                entry.pods.remove(&placed.look);
            }
        }
        for claim in &placed.claims {
            take_one(&mut entry.claims, claim);
            take_one(&mut self.claim_users, claim);
        }
        self.touch(placed.slot);
    }

    /// Nodes that are there.
    pub(super) fn node_count(&self) -> usize {
        let there = self.nodes.iter().filter(|entry| entry.node.is_some());
        there.count()
    }

    fn slot(&mut self, name: &str) -> usize {
        if let Some(slot) = self.slots.get(name) {
            return *slot;
        }
        let slot = self.nodes.len();
        self.nodes.push(Entry::default());
        self.slots.insert(name.to_owned(), slot);
        slot
    }

    fn touch(&mut self, slot: usize) {
        let entry = &mut self.nodes[slot];
        self.changed.remove(&entry.changed);
        self.version += 1;
        entry.changed = self.version;
        self.changed.insert(self.version, slot);
    }

    /// The number of a pod's look.
    pub(super) fn look(&mut self, pod: &Pod) -> usize {
        let key = LookKey::of(pod);
        if let Some(id) = self.look_ids.get(&key) {
            return *id;
        }
        let wishes = wishes(&key);
        let spreads = |index: &mut Self, all: Vec<Spread>| -> Vec<(usize, Spread)> {
            let numbered = all
                .into_iter()
                .map(|spread| (index.view(&spread.view), spread));
            numbered.collect()
        };
        let (hard, soft) = (spreads(self, wishes.hard), spreads(self, wishes.soft));
        let look = Look {
            namespace: key.namespace().to_owned(),
            labels: key.labels().clone(),
            spec: key.spec().clone(),
            room: self.room(wishes.needs),
            hard,
            soft,
            near: wishes.near.iter().map(|key| self.view(key)).collect(),
            near_to: wishes.near_to,
            away: wishes.away.iter().map(|key| self.view(key)).collect(),
            liked: wishes
                .liked
                .iter()
                .map(|(key, weight)| (self.view(key), *weight))
                .collect(),
            bonds: wishes
                .bonds
                .into_iter()
                .map(|bond| self.bond(bond))
                .collect(),
            met: Vec::new(),
            met_of: 0,
        };
        let id = self.looks.len();
        self.looks.push(look);
        self.look_ids.insert(key, id);
        id
    }

    fn room(&mut self, needs: Needs) -> usize {
        if let Some(id) = self.room_ids.get(&needs) {
            return *id;
        }
        let id = self.rooms.len();
        self.room_ids.insert(needs.clone(), id);
        self.rooms.push(Room {
            needs,
            open: BTreeSet::new(),
            closed: BTreeMap::new(),
            seen: 0,
        });
        id
    }

    fn view(&mut self, key: &ViewKey) -> usize {
        if let Some(id) = self.view_ids.get(key) {
            return *id;
        }
        let id = self.views.len();
        self.views.push(View::new(key.clone()));
        self.view_ids.insert(key.clone(), id);
        id
    }

    fn bond(&mut self, bond: Bond) -> usize {
        if let Some(id) = self.bond_ids.get(&bond) {
            return *id;
        }
        let id = self.bonds.len();
        self.bonds.push(bond.clone());
        self.bond_ids.insert(bond, id);
        id
    }

    /// Brings all that concerns a look up to date.
    pub(super) fn refresh(&mut self, look: usize) {
        self.meet(look);
        let look = &self.looks[look];
        let room = &mut self.rooms[look.room];
        for &slot in self.changed.range(room.seen + 1..).map(|(_, slot)| slot) {
            let entry = &self.nodes[slot];
            room.open.remove(&slot);
            room.closed.remove(&slot);
            let Some(node) = &entry.node else { continue };
            match room.needs.check(node, &entry.used, &entry.ports) {
                Ok(()) => drop(room.open.insert(slot)),
                Err(misfit) => drop(room.closed.insert(slot, misfit)),
            }
        }
        room.seen = self.version;
        let spreads = look.hard.iter().chain(&look.soft).map(|(view, _)| *view);
        let affinity = look.near.iter().chain(&look.away).copied();
        let weighted = look.liked.iter().map(|(view, _)| *view);
        let met = look.met.iter().map(|(view, _)| *view);
        for id in spreads.chain(affinity).chain(weighted).chain(met) {
            let view = &mut self.views[id];
            for &slot in self.changed.range(view.seen + 1..).map(|(_, slot)| slot) {
                view.look_at(slot, &self.nodes[slot], &self.looks, &self.namespaces);
            }
            view.seen = self.version;
        }
    }

    /// Finds the bonds that are about a look, of those that have come up since the last time.
    fn meet(&mut self, id: usize) {
        let look = &self.looks[id];
        let (from, to) = (look.met_of, self.bonds.len());
        let mut met = Vec::new();
        for number in from..to {
            let bond = &self.bonds[number];
            let about = bond
                .selection
                .matches(&look.namespace, &look.labels, &self.namespaces);
            if about {
                met.push((number, bond.topology_key.clone(), bond.effect));
            }
        }
        for (number, topology_key, effect) in met {
            let view = self.view(&ViewKey {
                topology_key,
                counted: Counted::Declaring(number),
                nodes: None,
            });
            self.looks[id].met.push((view, effect));
        }
        self.looks[id].met_of = to;
    }
}

fn take_one<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
