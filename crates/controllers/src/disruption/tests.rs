//! Commands made by hand, performed by the real loops against an API server, in virtual time: how
//! commands are performed does not depend on how they are found.

#[path = "../../tests/common/mod.rs"]
mod common;

mod crash;
mod fixed;
mod remove;
mod replace;
mod take_back;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::disruption::balanced::Verdict;
use ::disruption::{
    Candidate, Command, Memory, Move, Options, Plan, Reason, Validated, cost, validate,
};
use apiserver::{DeleteOptions, NODES, PODS};
use cluster::Snapshot;
use model::Timestamp;
use runtime::metrics::Definition;
use scheduling::{Batch, BatchPods};
use serde_json::{Value, json};

use super::Decide;
use crate::run;
use crate::shared::lock;
use common::{CLAIMS, Rig};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// Commands for a cluster at a time.
type Order = Box<dyn Fn(&Snapshot, Timestamp) -> Vec<Command> + Send + Sync>;

/// What is decided instead of what the product decides.
#[derive(Clone, Default)]
struct Orders {
    /// Asked at each look.
    standing: Arc<Mutex<Option<Order>>>,
    /// Asked once.
    once: Arc<Mutex<Vec<Order>>>,
    /// How often nodes were looked at.
    looks: Arc<AtomicUsize>,
    /// Whether looks are due without anything new to see.
    restless: bool,
}

struct HandMade {
    orders: Orders,
    memory: Memory,
}

impl Decide for HandMade {
    fn plan(&mut self, snapshot: &Snapshot, _: &Options, now: Timestamp, _: u64) -> Plan {
        self.orders.looks.fetch_add(1, Ordering::Relaxed);
        let mut commands = Vec::new();
        for order in std::mem::take(&mut *lock(&self.orders.once)) {
            commands.extend(order(snapshot, now));
        }
        if let Some(order) = &*lock(&self.orders.standing) {
            commands.extend(order(snapshot, now));
        }
        Plan {
            commands,
            next: self.orders.restless.then(|| now + SECOND),
            ..Plan::default()
        }
    }

    /// The product can judge commands about empty nodes; all others stand.
    fn validate(
        &mut self,
        commands: Vec<Command>,
        snapshot: &Snapshot,
        options: &Options,
        now: Timestamp,
    ) -> Validated {
        let is_empty = |command: &Command| command.reason == Reason::Empty;
        let (empty, others): (Vec<_>, Vec<_>) = commands.into_iter().partition(is_empty);
        let mut validated = validate(&mut self.memory, empty, snapshot, options, now);
        validated.commands.extend(others);
        validated
    }
}

/// A world whose disruptions are ordered by hand.
struct Stage {
    rig: Rig,
    orders: Orders,
    made: AtomicUsize,
}

impl Stage {
    fn new() -> Self {
        Self {
            rig: Rig::new(),
            orders: Orders {
                restless: true,
                ..Orders::default()
            },
            made: AtomicUsize::new(0),
        }
    }

    fn start(&mut self, flags: &[&str]) {
        let orders = self.orders.clone();
        self.rig.start_as(flags, move |world, shutdown| {
            let decide = Box::new(HandMade {
                orders,
                memory: Memory::default(),
            });
            Box::pin(run::run(world, shutdown, decide))
        });
    }

    /// Each application has three pods, and a node of its own: `node-1`, `node-2`, ...
    async fn with(apps: &[&str]) -> Self {
        let mut stage = Self::new();
        stage.start(&[]);
        for (number, app) in apps.iter().enumerate() {
            stage.keep_up(app);
            let node = format!("node-{}", number + 1);
            stage
                .until(3 * MINUTE, "the node is complete", |stage| {
                    stage.is_complete(&node) && stage.rig.all_running()
                })
                .await;
        }
        stage
    }

    /// What is to be decided next.
    fn order(&self, order: impl Fn(&Snapshot, Timestamp) -> Vec<Command> + Send + Sync + 'static) {
        lock(&self.orders.once).push(Box::new(order));
    }

    /// What is to be decided at each look.
    fn always(&self, order: impl Fn(&Snapshot, Timestamp) -> Vec<Command> + Send + Sync + 'static) {
        *lock(&self.orders.standing) = Some(Box::new(order));
    }

    /// Makes pods of an application until there are three, as its workload does.
    fn keep_up(&self, app: &str) {
        let pods = self.rig.list(PODS);
        let own = |pod: &&Value| {
            pod["metadata"]["labels"]["app"] == *app
                && pod["metadata"]["deletionTimestamp"].is_null()
        };
        for _ in pods.iter().filter(own).count()..3 {
            let number = self.made.fetch_add(1, Ordering::Relaxed);
            let patch = json!({"metadata": {"labels": {"app": app}}});
            self.rig.pod(&format!("{app}-{number}"), &patch);
        }
    }

    /// Waits until something holds.
    async fn until(&self, limit: Duration, what: &str, holds: impl Fn(&Self) -> bool) {
        self.rig.until(limit, what, |_| holds(self)).await;
    }

    /// The claim of a node.
    fn claim_of(&self, node: &str) -> Option<Value> {
        let mut claims = self.rig.list(CLAIMS).into_iter();
        claims.find(|claim| claim["status"]["nodeName"] == *node)
    }

    /// Names of all claims.
    fn claims(&self) -> Vec<String> {
        let name = |claim: &Value| {
            claim["metadata"]["name"]
                .as_str()
                .expect("a name")
                .to_owned()
        };
        self.rig.list(CLAIMS).iter().map(name).collect()
    }

    fn is_complete(&self, node: &str) -> bool {
        let claim = self.claim_of(node);
        claim.is_some_and(|claim| condition(&claim, "Initialized") == "True")
    }

    /// Whether a node is neither there nor on its way out.
    fn is_gone(&self, node: &str) -> bool {
        let nodes = self.rig.list(NODES);
        nodes.iter().all(|held| held["metadata"]["name"] != *node)
    }

    /// Names of nodes that carry the taint of a disruption and are not being deleted.
    fn tainted(&self) -> Vec<String> {
        let nodes = self.rig.list(NODES);
        let tainted = nodes.iter().filter(|node| {
            let taints = node["spec"]["taints"].as_array();
            let mut taints = taints.into_iter().flatten();
            node["metadata"]["deletionTimestamp"].is_null()
                && taints.any(|taint| taint["key"] == "karpenter.sh/disrupted")
        });
        tainted
            .map(|node| {
                node["metadata"]["name"]
                    .as_str()
                    .expect("a name")
                    .to_owned()
            })
            .collect()
    }

    /// Whether a node bears no trace of a disruption and is not marked for one.
    fn is_free(&self, node: &str) -> bool {
        let claim = self.claim_of(node).expect("the claim");
        claim["metadata"]["deletionTimestamp"].is_null()
            && condition(&claim, "DisruptionReason").is_empty()
            && self.tainted().iter().all(|tainted| tainted != node)
    }

    /// Asks for the deletion of a claim, as a user might.
    fn delete_claim(&self, name: &str) {
        let options = DeleteOptions::default();
        let deleted = self.rig.server.delete(CLAIMS, "", name, &options);
        deleted.expect("a deletion");
    }

    /// What a metric counts; all of them count whole things.
    fn metric(&self, metric: &'static Definition, labels: &[&str]) -> usize {
        let value = self.rig.metrics.value(metric, labels).unwrap_or_default();
        value.to_string().parse().expect("a whole number")
    }

    fn has_event(&self, reason: &str) -> bool {
        let reasons = self.rig.event_reasons();
        reasons.iter().any(|have| have == reason)
    }

    /// Nodes were looked at so often.
    fn looks(&self) -> usize {
        self.orders.looks.load(Ordering::Relaxed)
    }
}

/// A condition's status; empty where there is none.
fn condition(object: &Value, r#type: &str) -> String {
    let conditions = object["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    let found = conditions.find(|held| held["type"] == r#type);
    let status = found.and_then(|held| held["status"].as_str());
    status.unwrap_or_default().to_owned()
}

/// The nodes go, and their pods get what they need.
fn command(snapshot: &Snapshot, now: Timestamp, reason: Reason, nodes: &[&str]) -> Command {
    let without: BTreeSet<String> = nodes.iter().map(|&node| node.to_owned()).collect();
    let batch = Batch {
        pods: BatchPods::Displaced,
        without,
        ..Batch::default()
    };
    let options = scheduling::Options::default();
    let placement = scheduling::solve(snapshot, &batch, &options, now, 0);
    let moves = placement.existing.iter().flat_map(|existing| {
        let moved = existing.pods.iter().cloned();
        moved.map(|pod| Move {
            pod,
            to: existing.node.clone(),
        })
    });
    Command {
        reason,
        candidates: nodes.iter().map(|node| candidate(snapshot, node)).collect(),
        moves: moves.collect(),
        price_before: catalog::Price::default(),
        price_after: placement.price(),
        replacements: placement.new_claims,
        verdict: Verdict::default(),
    }
}

fn candidate(snapshot: &Snapshot, name: &str) -> Candidate {
    let node = snapshot.node(name).expect("the node");
    let claim = node.claim.as_ref().expect("a claim");
    Candidate {
        node: name.into(),
        claim: claim.metadata.name.as_str().into(),
        provider_id: node.provider_id().into(),
        pool: node.pool().expect("a pool").into(),
        price: None,
        is_spot: false,
        pods: cost::reschedulable_pods(node),
        cost: cost::reschedule_cost(node),
        savings_ratio: 0.0,
    }
}
