//! A small cluster for tests.

pub(crate) mod market;

use std::sync::Arc;

use api::{NodeClaim, NodePool};
use catalog::InstanceType;
use cluster::{Change, Cluster, Event, PodUpdate, Settings, Snapshot, UnknownReadiness};
use model::Timestamp;
use model::k8s::{Node, Pod};
use requirements::Vocabulary;
use serde_json::{Value, json};

use crate::{Memory, Options, Plan, Why, plan};

/// So many seconds after the scene began.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000_000 + seconds)
}

/// An object from a base and what differs.
pub(crate) fn read<T: serde::de::DeserializeOwned>(mut base: Value, patch: &Value) -> T {
    merge(&mut base, patch);
    serde_json::from_value(base).expect("an object")
}

/// Lays one object over another; what is null in it goes.
pub(crate) fn merge(base: &mut Value, patch: &Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    base.remove(key);
                    continue;
                }
                merge(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, patch) => *base = patch.clone(),
    }
}

/// A condition that is true from the beginning.
pub(crate) fn true_condition(r#type: &str) -> Value {
    json!({"type": r#type, "status": "True", "lastTransitionTime": at(0).to_string()})
}

/// A cluster with one pool of budgets without bound.
pub(crate) struct Scene(pub(crate) Cluster);

impl Scene {
    pub(crate) fn new(pool: &Value) -> Self {
        let cluster = Cluster::new(
            Vocabulary::kwok([""; 0]),
            Settings {
                unknown_readiness: UnknownReadiness::Ready,
                ..Settings::default()
            },
        );
        let mut scene = Self(cluster);
        scene.pool("p", pool);
        scene
    }

    /// Another pool, with the standard types.
    pub(crate) fn pool(&mut self, name: &str, pool: &Value) -> &mut Self {
        let base = json!({"metadata": {"name": name}, "spec": {
            "disruption": {"consolidateAfter": "0s", "budgets": [{"nodes": "100%"}]},
            "template": {"spec": {"requirements": []}}}});
        self.0
            .apply(Event::NodePool(Change::Applied(read::<NodePool>(
                base, pool,
            ))));
        self.types(name, catalog::kwok::standard().types)
    }

    /// Other types for a pool.
    pub(crate) fn types(&mut self, pool: &str, types: Vec<Arc<InstanceType>>) -> &mut Self {
        let (pool, types) = (pool.to_owned(), types.into());
        self.0.apply(Event::PoolTypes { pool, types });
        self
    }

    /// A complete node of the pool.
    pub(crate) fn node(&mut self, name: &str, node: &Value, claim: &Value) -> &mut Self {
        let labels = json!({"karpenter.sh/nodepool": "p", "karpenter.sh/registered": "true",
            "karpenter.sh/initialized": "true", "karpenter.sh/capacity-type": "on-demand",
            "topology.kubernetes.io/zone": "test-zone-a",
            "node.kubernetes.io/instance-type": "c-4x-amd64-linux"});
        let base = json!({"metadata": {"name": name, "uid": name, "labels": labels},
            "spec": {"providerID": format!("i-{name}")},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        self.0
            .apply(Event::Node(Change::Applied(read::<Node>(base, node))));
        let base = json!({"metadata": {"name": format!("c-{name}"), "uid": format!("c-{name}"),
            "labels": {"karpenter.sh/nodepool": "p"}},
            "status": {"providerID": format!("i-{name}"), "conditions":
                [true_condition("Initialized"), true_condition("Consolidatable")]}});
        self.0
            .apply(Event::NodeClaim(Change::Applied(read::<NodeClaim>(
                base, claim,
            ))));
        self
    }

    /// One without pods.
    pub(crate) fn empty(&mut self, name: &str) -> &mut Self {
        self.node(name, &json!({}), &json!({}))
    }

    /// A pod on a node.
    pub(crate) fn pod(&mut self, name: &str, node: &str, patch: &Value) -> &mut Self {
        let base = json!({"metadata": {"name": name, "namespace": "n", "uid": name,
            "labels": {"app": "x"}},
            "spec": {"nodeName": node, "containers": [{"name": "main"}]},
            "status": {"phase": "Running"}});
        let pod: Pod = read(base, patch);
        self.0
            .apply(Event::Pod(Change::Applied(PodUpdate::from(&pod))));
        self
    }

    pub(crate) fn snapshot(&mut self) -> Snapshot {
        self.0.snapshot()
    }

    pub(crate) fn plan(&mut self) -> Plan {
        let options = Options::default();
        plan(
            &mut Memory::default(),
            &self.0.snapshot(),
            &options,
            at(100),
            0,
        )
    }

    /// Names of the nodes that go.
    pub(crate) fn going(&mut self) -> Vec<String> {
        let plan = self.plan();
        let candidates = plan.commands.iter().flat_map(|command| &command.candidates);
        let mut names: Vec<String> = candidates.map(|one| one.node.to_string()).collect();
        names.sort();
        names
    }

    /// Why the only node stays.
    pub(crate) fn why(&mut self) -> Why {
        let mut plan = self.plan();
        assert!(plan.commands.is_empty(), "{:?}", plan.commands);
        plan.kept.pop().expect("a node that stays").reason
    }
}
