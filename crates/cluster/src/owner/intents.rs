//! What we have decided and done counts at once.

use std::sync::Arc;

use model::k8s::PodKey;

use super::machines::{Machines, plan_keys};
use super::pending::Expected;
use super::{Cluster, ObjectKey};
use crate::NodeKey;
use crate::event::{Announced, Gone, Intent, Touched};

impl Cluster {
    /// Takes in what we have decided or done, before any watch shows it.
    pub fn commit(&mut self, intent: Intent) -> Touched {
        let mut touched = Touched::default();
        match intent {
            Intent::Announce { claims, leaving } => {
                for claim in &claims {
                    self.announce(claim, &mut touched);
                }
                self.mark(&leaving, &mut touched);
            }
            Intent::Withdraw { claims } => {
                for claim in claims {
                    self.settle_announced(&claim.into(), &mut touched);
                }
            }
            Intent::ClaimCreated { claim, pods } => {
                let name: Arc<str> = claim.metadata.name.as_str().into();
                if let Some(diff) = self.claims.put_unconfirmed(*claim) {
                    self.claim_changed(&diff, &mut touched);
                }
                // The watch may have been faster: then the claim may be launched, or gone again.
                if self.machines.unlaunched.contains(&name) {
                    let pods = object_keys(&pods);
                    self.count_on_claim(&name, &pods);
                    if !self.pending.announced.contains_key(&name) {
                        self.plan(&name, pods, &mut touched);
                    }
                }
                self.settle_announced(&name, &mut touched);
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
                self.note(&[node], &mut touched, |machines, key| {
                    let noted = machines.nominations.entry(key).or_insert(until);
                    *noted = until.max(*noted);
                });
            }
            Intent::LetRest { nodes, until } => {
                self.note(&nodes, &mut touched, |machines, key| {
                    machines.rests.insert(key, until);
                });
            }
            Intent::BufferPods(on_nodes) => self.set_buffer_pods(on_nodes, &mut touched),
            Intent::MarkForDeletion { nodes } => self.mark(&nodes, &mut touched),
            Intent::Unmark { nodes } => {
                self.note(&nodes, &mut touched, |machines, key| {
                    machines.marks.remove(&key);
                });
            }
        }
        self.settle(&touched);
        touched
    }

    /// Notes the pods of a claim that is about to be created.
    fn announce(&mut self, claim: &Announced, touched: &mut Touched) {
        let name: Arc<str> = claim.name.as_str().into();
        let expected = Expected {
            pool: claim.pool.as_str().into(),
            most: claim.most.clone(),
        };
        self.cache.forget_pool(&expected.pool);
        self.pending.announced.insert(name.clone(), expected);
        self.plan(&name, object_keys(&claim.pods), touched);
    }

    /// A claim is not only announced any more: it was created, or will not be.
    fn settle_announced(&mut self, claim: &Arc<str>, touched: &mut Touched) {
        if let Some(expected) = self.pending.announced.remove(claim) {
            self.cache.forget_pool(&expected.pool);
        }
        if !self.machines.unlaunched.contains(claim) {
            self.release_plan(claim, touched);
        }
    }

    fn mark(&mut self, nodes: &[String], touched: &mut Touched) {
        self.note(nodes, touched, |machines, key| {
            machines.marks.insert(key);
        });
    }

    /// Notes something about machines under the names of both objects of each, then reconsiders
    /// them.
    fn note(
        &mut self,
        names: &[String],
        touched: &mut Touched,
        change: impl Fn(&mut Machines, NodeKey),
    ) {
        let keys: Vec<NodeKey> = names.iter().flat_map(|name| self.keys_of(name)).collect();
        for key in &keys {
            change(&mut self.machines, key.clone());
        }
        for key in &keys {
            self.replan_machine(key, touched);
        }
    }

    /// The names under which plans for a machine are noted, found by either of its names.
    fn keys_of(&self, name: &str) -> Vec<NodeKey> {
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

fn object_keys(pods: &[PodKey]) -> Vec<ObjectKey> {
    let keys = pods.iter();
    keys.map(|key| ObjectKey::new(&key.namespace, &key.name))
        .collect()
}
