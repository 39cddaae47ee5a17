//! Walks all cross references and recounts all sums. For tests, after every step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{ResourceList, resources};

use super::Cluster;
use super::machines::{is_trackable, plan_keys};
use super::pods::{daemon_set_of, room_on};
use crate::node::node_provider_id;
use crate::store::ObjectKey;
use crate::{NodeKey, OwnerKind, PodRecord, selection};

/// Something in the derived state contradicts something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

type Checked = Result<(), Broken>;

fn require(holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Broken(what())) }
}

impl Cluster {
    /// Checks that everything derived agrees with the objects. Slow: it looks at everything.
    pub fn sanity_check(&self) -> Result<(), Broken> {
        self.check_pods()?;
        self.check_pending()?;
        self.check_machines()?;
        self.check_pairing()?;
        self.check_usage()?;
        self.check_plans()
    }

    /// Every pod is exactly where its state says.
    fn check_pods(&self) -> Checked {
        let mut on_nodes = 0;
        let mut of_daemon_sets = 0;
        for pod in self.pods.iter() {
            let key = pod.key();
            let known = self.shapes.get(&pod.shape.content);
            require(
                known.is_some_and(|known| Arc::ptr_eq(known, &pod.shape)),
                || format!("pod {key} has a shape of its own"),
            )?;
            if let Some(daemon_set) = daemon_set_of(pod) {
                of_daemon_sets += 1;
                let listed = self.pods.of_daemon_sets.get(&daemon_set);
                let entry = (pod.created, pod.name.clone());
                require(listed.is_some_and(|listed| listed.contains(&entry)), || {
                    format!("pod {key} is not listed with its DaemonSet")
                })?;
            }
            if let Some(node) = room_on(pod) {
                on_nodes += 1;
                let list = match self.machines.get(&NodeKey::Node(node.clone())) {
                    Some(machine) => Some(&machine.pods),
                    None => self.machines.orphans.get(node),
                };
                let there = list.is_some_and(|l| l.iter().any(|p| Arc::ptr_eq(p, pod)));
                require(there, || format!("pod {key} is not on its node {node}"))?;
            }
        }
        let machines = self
            .machines
            .by_key
            .values()
            .map(|machine| machine.pods.len());
        let orphans = self.machines.orphans.values().map(Vec::len);
        let held: usize = machines.chain(orphans).sum();
        require(held == on_nodes, || {
            format!("{held} pods on nodes instead of {on_nodes}")
        })?;
        let listed: usize = self
            .pods
            .of_daemon_sets
            .values()
            .map(std::collections::BTreeSet::len)
            .sum();
        require(listed == of_daemon_sets, || {
            format!("{listed} pods of DaemonSets instead of {of_daemon_sets}")
        })?;
        let count = self.pods.iter().count();
        require(count == self.pods.len(), || {
            format!("{count} pods instead of {}", self.pods.len())
        })
    }

    /// Every unbound pod is in exactly one list, the right one.
    fn check_pending(&self) -> Checked {
        let mut unbound = 0;
        for pod in self.pods.iter().filter(|pod| pod.node.is_none()) {
            unbound += 1;
            let key = ObjectKey {
                namespace: pod.shape.namespace.clone(),
                name: pod.name.clone(),
            };
            let held_back =
                selection::untaken(pod).is_some() || self.pending.planned.contains_key(&key);
            let grouped = self.pending.groups.get(&pod.shape.id).is_some_and(|group| {
                let entry = group.pods.get(&(pod.created, pod.name.clone()));
                entry.is_some_and(|entry| Arc::ptr_eq(entry, pod))
            });
            let waits = self
                .pending
                .waiting
                .get(&key)
                .is_some_and(|p| Arc::ptr_eq(p, pod));
            require(grouped != held_back && waits == held_back, || {
                format!("pod {key}: held back {held_back}, pending {grouped}, waiting {waits}")
            })?;
        }
        let grouped: usize = self
            .pending
            .groups
            .values()
            .map(|group| group.pods.len())
            .sum();
        let listed = grouped + self.pending.waiting.len();
        require(listed == unbound, || {
            format!("{listed} pods unbound instead of {unbound}")
        })
    }

    /// Every machine's sums and projections are those of its pods and objects.
    fn check_machines(&self) -> Checked {
        for (key, machine) in &self.machines.by_key {
            require(machine.key() == *key, || {
                format!("{key:?} is filed under a wrong key")
            })?;
            let (requested, daemons) = machine.count_requests();
            for id in 0..self.dimensions.len() {
                let id = crate::ResourceId(id as u16);
                require(
                    requested.get(id) == machine.requested.get(id)
                        && daemons.get(id) == machine.daemon_requested.get(id),
                    || format!("{key:?} has lost count of {}", self.dimensions.name(id)),
                )?;
            }
            let listed: BTreeSet<_> = machine.daemons.iter().map(Arc::as_ptr).collect();
            let owned = |pod: &&Arc<PodRecord>| pod.shape.owner.kind == OwnerKind::DaemonSet;
            let there = machine.pods.iter().filter(owned);
            let shapes: Vec<_> = there.map(|pod| Arc::as_ptr(&pod.shape)).collect();
            let same = listed == shapes.iter().copied().collect();
            require(same && shapes.len() == machine.daemons.len(), || {
                format!("{key:?} has lost count of daemons")
            })?;
            let mut ports: Vec<_> = machine
                .pods
                .iter()
                .flat_map(|pod| pod.shape.host_ports.iter().cloned())
                .collect();
            ports.sort();
            require(ports == machine.host_ports, || {
                format!("{key:?} has lost count of ports")
            })?;
            let sorted = machine.pods.windows(2).all(|pair| {
                (pair[0].namespace(), &pair[0].name) < (pair[1].namespace(), &pair[1].name)
            });
            require(sorted, || format!("{key:?} has its pods out of order"))?;
        }
        Ok(())
    }

    /// Every Node and NodeClaim belongs to exactly one machine, paired by provider id.
    fn check_pairing(&self) -> Checked {
        let mut nodes = 0;
        for (key, node) in self
            .nodes
            .objects()
            .iter()
            .filter(|(_, node)| is_trackable(node))
        {
            nodes += 1;
            let machine = self.machines.get(&NodeKey::Node(key.name.clone()));
            let held = machine.and_then(|machine| machine.node.as_ref());
            require(held.is_some_and(|held| Arc::ptr_eq(held, node)), || {
                format!("node {key} has no machine")
            })?;
            let linked = self.machines.nodes_by_id.get(node_provider_id(node));
            require(
                linked.is_some_and(|names| names.contains(&key.name)),
                || format!("node {key} is not found by its provider id"),
            )?;
        }
        let mut held_by: BTreeMap<&str, usize> = BTreeMap::new();
        for machine in self.machines.by_key.values() {
            if let Some(claim) = &machine.claim {
                *held_by.entry(&claim.metadata.name).or_default() += 1;
                let current = self.claim(&claim.metadata.name);
                require(
                    current.is_some_and(|current| Arc::ptr_eq(current, claim)),
                    || {
                        format!(
                            "claim {} is out of date in its machine",
                            claim.metadata.name
                        )
                    },
                )?;
            }
            if let (Some(node), Some(claim)) = (&machine.node, &machine.claim) {
                require(node_provider_id(node) == claim.status.provider_id, || {
                    format!(
                        "node {} and its claim are different machines",
                        node.metadata.name
                    )
                })?;
            }
        }
        for (key, claim) in self.claims.objects().iter() {
            require(held_by.get(&*key.name) == Some(&1), || {
                format!("claim {key} is in {:?} machines", held_by.get(&*key.name))
            })?;
            let unlaunched = self.machines.unlaunched.contains(&key.name);
            require(unlaunched == claim.status.provider_id.is_empty(), || {
                format!("claim {key} is noted as unlaunched: {unlaunched}")
            })?;
        }
        let with_node = self
            .machines
            .by_key
            .keys()
            .filter(|k| matches!(k, NodeKey::Node(_)));
        let with_node = with_node.count();
        require(with_node == nodes, || {
            format!("{with_node} machines for {nodes} nodes")
        })?;
        let claims = self.claims.objects().len();
        require(held_by.len() == claims, || {
            format!("{} of {claims} claims", held_by.len())
        })
    }

    /// Every pool's usage is the sum over its machines.
    fn check_usage(&self) -> Checked {
        let mut usage: BTreeMap<Arc<str>, ResourceList> = BTreeMap::new();
        for machine in self
            .machines
            .by_key
            .values()
            .filter(|machine| !machine.is_marked())
        {
            if let Some(pool) = machine.pool() {
                let total = usage.entry(pool.into()).or_default();
                resources::add_to(total, &machine.pool_usage());
            }
        }
        for (pool, counted) in &self.machines.usage {
            let expected = usage.remove(pool).unwrap_or_default();
            let names = counted.keys().chain(expected.keys());
            for name in names {
                let (have, want) = (
                    resources::get(counted, name),
                    resources::get(&expected, name),
                );
                require(have == want, || {
                    format!("pool {pool} uses {want} {name}, not {have}")
                })?;
            }
        }
        require(usage.is_empty(), || {
            format!("usage of {:?} is missing", usage.keys())
        })
    }

    /// Marks, nominations and plans are about things that exist.
    fn check_plans(&self) -> Checked {
        for machine in self.machines.by_key.values() {
            let marked = plan_keys(machine)
                .iter()
                .any(|key| self.machines.marks.contains(key));
            require(machine.marked == marked, || {
                format!("{} is marked: {}", machine.name(), machine.marked)
            })?;
        }
        for (pod, claim) in self.pending.planned.iter() {
            let comes = self.machines.unlaunched.contains(claim)
                || self.pending.announced.contains_key(claim);
            require(comes, || {
                format!("pod {pod} waits for claim {claim}, which is not on its way")
            })?;
        }
        for place in self.pending.vacant.values().flatten() {
            let planned = &self.pending.planned;
            require(planned.contains_key(place), || {
                format!("no claim is on its way for the place of pod {place}")
            })?;
        }
        Ok(())
    }
}
