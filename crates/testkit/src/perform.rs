//! What becomes of a cluster's objects when a round of disruption is carried out.
//!
//! Nodes that go are gone, with their claims. New nodes are there, complete, as what the plan would
//! launch, and have been left alone for a long time. Pods are where the plan says. Pods of nodes
//! that are gone and that have no place are pending; daemons and pods that have ended are gone.
//!
//! What is *not* here: time. Nothing else happens meanwhile, and `now` is the same afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use catalog::{InstanceType, Offering};
use cluster::{PoolState, Snapshot};
use disruption::Plan;
use model::Timestamp;
use scheduling::PlannedClaim;
use serde_json::{Value, json};

use crate::joined::joined;

/// How long new nodes have been there.
const LONG: Duration = Duration::from_hours(24 * 365);

/// The objects after a round, which is the `number`th. `items` are those before it, which the
/// snapshot was made of.
pub fn perform(
    items: Vec<Value>,
    snapshot: &Snapshot,
    plan: &Plan,
    number: usize,
    now: Timestamp,
) -> Vec<Value> {
    let round = Round::new(plan, number);
    let mut after: Vec<Value> = items
        .into_iter()
        .filter_map(|item| round.after(item))
        .collect();
    for claim in plan
        .commands
        .iter()
        .flat_map(|command| &command.replacements)
    {
        let pool = snapshot.pool(&claim.pool);
        if let Some(made) = pool.and_then(|pool| machine(pool, claim, &name(claim, number), now)) {
            after.extend(made);
        }
    }
    after
}

/// What a round does, by name.
struct Round {
    nodes: BTreeSet<String>,
    claims: BTreeSet<String>,
    /// Nodes by pod, `namespace/name`.
    places: BTreeMap<String, String>,
}

impl Round {
    fn new(plan: &Plan, number: usize) -> Self {
        let candidates = || plan.commands.iter().flat_map(|command| &command.candidates);
        let mut places = BTreeMap::new();
        for command in &plan.commands {
            for moved in &command.moves {
                places.insert(moved.pod.key().to_string(), moved.to.to_string());
            }
            for claim in &command.replacements {
                let pods = claim.pods.iter().map(|pod| pod.key().to_string());
                places.extend(pods.map(|pod| (pod, name(claim, number))));
            }
        }
        Self {
            nodes: candidates()
                .map(|candidate| candidate.node.to_string())
                .collect(),
            claims: candidates()
                .map(|candidate| candidate.claim.to_string())
                .collect(),
            places,
        }
    }

    /// What becomes of an object; none if it is gone.
    fn after(&self, mut item: Value) -> Option<Value> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = text(&item["metadata"]["name"]);
        match item["kind"].as_str() {
            Some("Node" | "CSINode") => (!self.nodes.contains(&name)).then_some(item),
            Some("NodeClaim") => (!self.claims.contains(&name)).then_some(item),
            Some("VolumeAttachment") => {
                let node = text(&item["spec"]["nodeName"]);
                (!self.nodes.contains(&node)).then_some(item)
            }
            Some("Pod") => {
                let namespace = item["metadata"]["namespace"].as_str().unwrap_or("default");
                if let Some(node) = self.places.get(&format!("{namespace}/{name}")) {
                    bind(&mut item, node);
                } else if self.nodes.contains(&text(&item["spec"]["nodeName"])) {
                    if !comes_back(&item) {
                        return None;
                    }
                    unbind(&mut item);
                }
                Some(item)
            }
            _ => Some(item),
        }
    }
}

fn bind(pod: &mut Value, node: &str) {
    pod["spec"]["nodeName"] = json!(node);
    pod["status"]["phase"] = json!("Running");
    pod["status"]["conditions"] = json!([{"type": "PodScheduled", "status": "True"},
        {"type": "Ready", "status": "True"}]);
}

fn unbind(pod: &mut Value) {
    if let Some(spec) = pod["spec"].as_object_mut() {
        spec.remove("nodeName");
    }
    pod["status"] = json!({"phase": "Pending", "conditions":
        [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]});
}

/// Whether its like comes back when its node is gone.
fn comes_back(pod: &Value) -> bool {
    let owners = pod["metadata"]["ownerReferences"].as_array();
    let of = |kind: &str| owners.is_some_and(|owners| owners.iter().any(|o| o["kind"] == kind));
    let phase = pod["status"]["phase"].as_str().unwrap_or_default();
    !["Succeeded", "Failed"].contains(&phase) && !of("DaemonSet") && !of("Node")
}

fn name(claim: &PlannedClaim, round: usize) -> String {
    format!("{}-of-{round}", claim.name)
}

/// The objects of a new node; none if there is no such offering.
fn machine(
    pool: &PoolState,
    claim: &PlannedClaim,
    name: &str,
    now: Timestamp,
) -> Option<[Value; 2]> {
    let (instance_type, offering) = launched(pool, claim)?;
    let template = &pool.pool.spec.template.spec;
    let mut labels = claim.labels.as_ref().clone();
    let settled = claim.requirements.iter().filter_map(|requirement| {
        let value = requirement.single_value()?;
        Some((requirement.key().to_string(), value.to_string()))
    });
    labels.extend(settled);
    let mut made = joined(
        name,
        pool.name(),
        (instance_type, offering),
        now.before(LONG),
    )
    .with(
        &json!({"metadata": {"labels": labels, "annotations": *claim.annotations,
            "creationTimestamp": now}, "spec": {"taints": *claim.taints}}),
    );
    made.claim = made
        .claim
        .with(&json!({"spec": {"nodeClassRef": template.node_class_ref}}));
    if let Some(after) = &template.expire_after {
        made.claim = made.claim.with(&json!({"spec": {"expireAfter": after}}));
    }
    if let Some(period) = &template.termination_grace_period {
        made.claim = made
            .claim
            .with(&json!({"spec": {"terminationGracePeriod": period}}));
    }
    Some(made.json())
}

/// What is launched for a claim: what the plan says or, where it says nothing, the cheapest that
/// the claim allows.
fn launched<'a>(
    pool: &'a PoolState,
    claim: &'a PlannedClaim,
) -> Option<(&'a InstanceType, &'a Offering)> {
    let types = claim.instance_types.iter().chain(pool.types.iter());
    let all = types.flat_map(|known| known.offerings.iter().map(move |o| (&**known, o)));
    let launch = &claim.launch;
    let named = |(known, o): &(&InstanceType, &Offering)| {
        known.name == launch.instance_type
            && o.zone == launch.zone
            && o.capacity_type == launch.capacity_type
    };
    let allowed = |(known, o): &(&InstanceType, &Offering)| {
        let both = known.requirements.iter().chain(o.requirements.iter());
        let mut wanted = both.map(|has| (claim.requirements.get(has.key()), has));
        o.available && wanted.all(|(wanted, has)| wanted.is_none_or(|w| w.intersects(has)))
    };
    let mut planned = all.clone();
    planned.find(named).or_else(|| {
        all.filter(allowed)
            .min_by_key(|(known, o)| (o.price, known.name.clone()))
    })
}
