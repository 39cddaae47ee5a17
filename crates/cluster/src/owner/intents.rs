//! What we have decided and done counts at once.

use std::sync::Arc;

use super::machines::plan_keys;
use super::{Cluster, ObjectKey};
use crate::NodeKey;
use crate::event::{Gone, Intent, Touched};

impl Cluster {
    /// Takes in what we have decided or done, before any watch shows it.
    pub fn commit(&mut self, intent: Intent) -> Touched {
        let mut touched = Touched::default();
        match intent {
            Intent::ClaimCreated { claim, pods } => {
                let name: Arc<str> = claim.metadata.name.as_str().into();
                if let Some(diff) = self.claims.put_unconfirmed(*claim) {
                    self.claim_changed(&diff, &mut touched);
                }
                // The watch may have been faster: then the claim may be launched, or gone again.
                if self.machines.unlaunched.contains(&name) {
                    let pods = pods
                        .iter()
                        .map(|key| ObjectKey::new(&key.namespace, &key.name));
                    self.plan(&name, pods.collect(), &mut touched);
                }
            }
            Intent::ClaimGone { name, uid } => {
                let gone = Gone {
                    namespace: String::new(),
                    name,
                    uid,
                };
                if let Some(diff) = self.claims.delete(&gone) {
                    self.claim_changed(&diff, &mut touched);
                }
            }
            Intent::Nominate { node, until } => {
                for key in self.named(&node) {
                    let noted = self
                        .machines
                        .nominations
                        .entry(key.clone())
                        .or_insert(until);
                    *noted = until.max(*noted);
                    self.replan_machine(&key, &mut touched);
                }
            }
            Intent::MarkForDeletion { nodes } => {
                for key in nodes
                    .iter()
                    .flat_map(|node| self.named(node))
                    .collect::<Vec<_>>()
                {
                    self.machines.marks.insert(key.clone());
                    self.replan_machine(&key, &mut touched);
                }
            }
            Intent::Unmark { nodes } => {
                for key in nodes
                    .iter()
                    .flat_map(|node| self.named(node))
                    .collect::<Vec<_>>()
                {
                    self.machines.marks.remove(&key);
                    self.replan_machine(&key, &mut touched);
                }
            }
        }
        self.settle(&touched);
        touched
    }

    /// The names under which plans for a machine are noted, found by either of its names. The first
    /// one that has a machine is its key.
    fn named(&self, name: &str) -> Vec<NodeKey> {
        let by_node = NodeKey::Node(name.into());
        let by_claim = NodeKey::Claim(name.into());
        let machine = self
            .machines
            .get(&by_node)
            .or_else(|| self.machines.get(&by_claim))
            .or_else(|| {
                let claim = self.claim(name)?;
                let nodes = self
                    .machines
                    .nodes_by_id
                    .get(claim.status.provider_id.as_str())?;
                self.machines.get(&NodeKey::Node(nodes.first()?.clone()))
            });
        machine
            .map(|machine| plan_keys(machine))
            .unwrap_or_default()
    }
}
