//! Machines of a pool that have joined: a Node and its NodeClaim.

use std::collections::BTreeMap;

use api::labels;
use api::nodeclaim::conditions;
use api::{NodeClaim, NodePool};
use catalog::{InstanceType, Offering};
use model::Timestamp;
use model::k8s::Node;
use serde_json::{Value, json};

use crate::build::{Builder, claim, node};

/// A machine that has joined. Its claim is called as its node is.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The node: ready and complete.
    pub node: Builder<Node>,
    /// Its claim, which may be consolidated.
    pub claim: Builder<NodeClaim>,
}

/// A machine of a pool that was launched from an offering and joined at `since`.
pub fn joined(
    name: &str,
    pool: &str,
    (instance_type, offering): (&InstanceType, &Offering),
    since: Timestamp,
) -> Joined {
    let id = format!("test://{name}");
    let mut labels = labels_of(instance_type, offering);
    labels.insert(labels::NODEPOOL.to_owned(), pool.to_owned());
    let since = json!(since);
    let amounts = json!({
        "capacity": *instance_type.capacity_of(offering),
        "allocatable": instance_type.allocatable_of(offering),
    });
    let condition = |name: &str| json!({"type": name, "status": "True", "reason": name, "lastTransitionTime": since});
    let conditions: Vec<Value> = [
        conditions::LAUNCHED,
        conditions::REGISTERED,
        conditions::INITIALIZED,
        "Ready",
        conditions::CONSOLIDATABLE,
    ]
    .map(condition)
    .into();
    let claim = claim(name, pool)
        .provider_id(&id)
        .with(&json!({"metadata": {"labels": labels, "creationTimestamp": since}}))
        .with(&json!({"status": amounts}))
        .with(
            &json!({"status": {"nodeName": name, "conditions": conditions,
            "lastPodEventTime": since}}),
        );
    let type_name = &instance_type.name;
    let mut node = node(name);
    // Amounts of its own, not those that every built node has.
    node = node
        .with(&json!({"status": null}))
        .with(&json!({"status": amounts}));
    let node = node
        .of_pool(pool, type_name)
        .provider_id(&id)
        .with(&json!({"metadata": {"labels": labels, "creationTimestamp": since}}))
        .with(&json!({"status": {"conditions": [condition("Ready")]}}));
    Joined { node, claim }
}

impl Joined {
    /// Both objects.
    pub fn json(&self) -> [Value; 2] {
        [self.node.json(), self.claim.json()]
    }

    /// Lays the same over both.
    #[must_use]
    pub fn with(self, patch: &Value) -> Self {
        Self {
            node: self.node.with(patch),
            claim: self.claim.with(patch),
        }
    }
}

/// Labels of a machine of this kind: what type and offering say, of several values the first.
fn labels_of(instance_type: &InstanceType, offering: &Offering) -> BTreeMap<String, String> {
    let all = instance_type
        .requirements
        .iter()
        .chain(offering.requirements.iter());
    let listed = all.filter(|requirement| !requirement.is_complement());
    let first = listed.filter_map(|requirement| {
        let value = requirement.values().first()?;
        Some((requirement.key().to_string(), value.to_string()))
    });
    first.collect()
}

/// Budgets that let all nodes of a pool go at once, and no waiting.
pub fn unbounded(pool: Builder<NodePool>) -> Builder<NodePool> {
    pool.with(&json!({"spec": {"disruption": {
        "consolidateAfter": "0s", "consolidationPolicy": "WhenEmptyOrUnderutilized",
        "budgets": [{"nodes": "100%"}]}}}))
}
