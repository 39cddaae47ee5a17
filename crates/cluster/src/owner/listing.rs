//! Machines by name, for snapshots: of a list only the entries that have changed are replaced.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::machines::Machines;
use crate::list::List;
use crate::{NodeKey, NodeState};

/// The list of the last snapshot, and what has changed since.
#[derive(Debug, Default)]
pub(super) struct Listing {
    list: List<Arc<NodeState>>,
    /// Machines that have changed, with the name under which they stand in the list.
    stale: BTreeMap<NodeKey, Option<Arc<str>>>,
}

impl Machines {
    /// Notes that a machine is about to change, to come or to go.
    pub(super) fn will_change(&mut self, key: &NodeKey) {
        if !self.listing.stale.contains_key(key) {
            let name = self.by_key.get(key).map(|machine| machine.name().clone());
            self.listing.stale.insert(key.clone(), name);
        }
    }

    /// All machines by name, as they are now.
    pub(super) fn listed(&mut self) -> List<Arc<NodeState>> {
        let stale = std::mem::take(&mut self.listing.stale);
        if stale.len() > self.by_key.len() / 4 {
            let mut machines: Vec<_> = self.by_key.values().cloned().collect();
            machines.sort_by(|a, b| place(a).cmp(&place(b)));
            self.listing.list = machines.into_iter().collect();
        } else {
            for (key, name) in stale {
                self.list_anew(&key, name.as_deref());
            }
        }
        self.listing.list.clone()
    }

    fn list_anew(&mut self, key: &NodeKey, name: Option<&str>) {
        let list = &mut self.listing.list;
        let machine = self.by_key.get(key);
        if let Some(name) = name
            && machine.is_none_or(|machine| &**machine.name() != name)
        {
            list.take(at(name, key));
        }
        if let Some(machine) = machine {
            list.put(machine.clone(), at(machine.name(), key));
        }
    }
}

/// By name; of equal ones those with a Node go first. Then nothing is equal: a machine is known by
/// its Node if it has one.
fn place(machine: &NodeState) -> (&str, bool, &str) {
    let object = match (&machine.node, &machine.claim) {
        (Some(node), _) => &node.metadata.name,
        (None, Some(claim)) => &claim.metadata.name,
        (None, None) => "",
    };
    (machine.name(), machine.node.is_none(), object)
}

fn at(name: &str, key: &NodeKey) -> impl Fn(&Arc<NodeState>) -> Ordering {
    let (is_claim, object) = match key {
        NodeKey::Node(object) => (false, object),
        NodeKey::Claim(object) => (true, object),
    };
    move |machine| place(machine).cmp(&(name, is_claim, object))
}
