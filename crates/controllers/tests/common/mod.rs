//! A small world for the loops: an API server, a cloud, and somebody who plays kubelet and
//! scheduler.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "every test binary uses another part"
)]

mod cloud;
mod cluster;
mod wire;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use apiserver::{NODES, PODS, Resource, Server};
use controllers::World;
use model::Timestamp;
use runtime::options::Parsed;
use runtime::{Client, Clock, Metrics, Recorder, Shutdown};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub use cloud::Cloud;
pub use cluster::{Machinery, merge, set_status};
pub use wire::{Fault, Wire};

pub const CLAIMS: Resource<'static> = Resource::new("karpenter.sh", "v1", "nodeclaims");
pub const POOLS: Resource<'static> = Resource::new("karpenter.sh", "v1", "nodepools");
pub const CLASSES: Resource<'static> =
    Resource::new("karpenter.kwok.sh", "v1alpha1", "kwoknodeclasses");

/// All loops, as one future.
pub type Loops = Pin<Box<dyn Future<Output = Result<(), controllers::Error>> + Send>>;

/// Everything there is.
pub struct Rig {
    pub server: Server,
    pub cloud: Arc<Cloud>,
    pub clock: Clock,
    pub wire: Wire,
    pub machinery: Arc<Machinery>,
    pub metrics: Metrics,
    running: Option<JoinHandle<()>>,
    machinery_task: JoinHandle<()>,
}

impl Rig {
    /// A cluster with a pool `default` whose nodes may all go at once, 30 s after their last pod.
    pub fn new() -> Self {
        let clock = Clock::simulated(Timestamp::from_seconds(1_767_225_600));
        let time = clock.clone();
        let now: apiserver::Clock = Arc::new(move || {
            jiff::Timestamp::from_nanosecond(i128::from(time.now().nanos())).unwrap_or_default()
        });
        let server = Server::new(apiserver::Config::new(now, 7));
        for crd in api::crd::all() {
            server.install_crd(crd).expect("a definition");
        }
        let class = json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass",
            "metadata": {"name": "default"}, "spec": {}});
        server.create(CLASSES, "", class).expect("a class");
        let ready = json!([{"type": "Ready", "status": "True", "reason": "Ready", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
        cluster::set_status(&server, CLASSES, "default", "conditions", ready);
        let pool = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool",
            "metadata": {"name": "default"},
            "spec": {"disruption": {"consolidateAfter": "30s", "budgets": [{"nodes": "100%"}]},
                "template": {"spec": {"requirements": [], "nodeClassRef":
                    {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}}}}});
        server.create(POOLS, "", pool).expect("a pool");
        let cloud = Arc::new(Cloud::new(clock.clone()));
        let machinery = Arc::new(Machinery::new(server.clone(), cloud.clone(), clock.clone()));
        let at_work = machinery.clone();
        let machinery_task = tokio::spawn(async move { at_work.run().await });
        let wire = Wire::new(server.client_service());
        let metrics = Metrics::new();
        let running = None;
        Self {
            server,
            cloud,
            clock,
            wire,
            machinery,
            metrics,
            running,
            machinery_task,
        }
    }

    /// Starts the loops.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts the loops with flags.
    pub fn start_with(&mut self, flags: &[&str]) {
        self.start_as(flags, |world, shutdown| {
            Box::pin(controllers::run(world, shutdown))
        });
    }

    /// Starts loops that are run so, with flags.
    pub fn start_as(&mut self, flags: &[&str], run: impl FnOnce(World, Shutdown) -> Loops) {
        let client = Client::from_service(self.wire.service());
        let (recorder, outbox) = Recorder::new(self.clock.clone(), Some(self.metrics.clone()));
        let mut args = vec!["--provider".to_owned(), "kwok".to_owned()];
        args.extend(flags.iter().map(|&flag| flag.to_owned()));
        let Ok(Parsed::Run(options)) = runtime::options::parse(&args, &BTreeMap::new()) else {
            panic!("default options");
        };
        let world = World {
            client: client.clone(),
            cloud: self.cloud.clone(),
            clock: self.clock.clone(),
            recorder,
            metrics: self.metrics.clone(),
            options: Arc::new(*options),
            seed: 11,
        };
        let shutdown = Shutdown::new();
        let loops = run(world, shutdown.clone());
        self.running = Some(tokio::spawn(async move {
            tokio::select! {
                result = loops => result.expect("no error"),
                () = outbox.run(client, shutdown) => {}
            }
        }));
    }

    /// Ends the loops as a crash does: wherever they are.
    pub async fn crash(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
    }

    /// Creates `count` pods of 1 CPU of an application.
    pub fn scale_up(&self, app: &str, count: usize) {
        for number in 0..count {
            self.pod(
                &format!("{app}-{number}"),
                &json!({"metadata": {"labels": {"app": app}}}),
            );
        }
    }

    /// Creates a pod of 1 CPU, changed.
    pub fn pod(&self, name: &str, patch: &Value) {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"containers": [{"name": "main", "image": "pause",
                "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}]}});
        cluster::merge(&mut pod, patch);
        self.server.create(PODS, "default", pod).expect("a pod");
    }

    /// Deletes all pods.
    pub fn scale_down(&self) {
        for pod in self.list(PODS) {
            let name = pod["metadata"]["name"].as_str().expect("a name").to_owned();
            let options = apiserver::DeleteOptions::default();
            self.server
                .delete(PODS, "default", &name, &options)
                .expect("a deletion");
        }
    }

    /// All objects of a kind.
    pub fn list(&self, resource: Resource<'_>) -> Vec<Value> {
        let all = apiserver::Selectors::default();
        let list = self.server.list(resource, None, &all).expect("a list");
        list.items.iter().map(|item| (**item).clone()).collect()
    }

    /// Waits in virtual time until something holds; says what did not after `limit`.
    pub async fn until(&self, limit: Duration, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = self.clock.now() + limit;
        while !holds(self) {
            let state = self.summary();
            assert!(
                self.clock.now() < end,
                "{what}: not within {limit:?}; {state}"
            );
            self.clock.sleep(Duration::from_millis(500)).await;
        }
    }

    /// Whether every pod runs on a node.
    pub fn all_running(&self) -> bool {
        self.list(PODS)
            .iter()
            .all(|pod| pod["status"]["phase"] == "Running")
    }

    /// Whether nothing of ours is left: no claim, node or instance.
    pub fn is_bare(&self) -> bool {
        self.list(CLAIMS).is_empty() && self.list(NODES).is_empty() && self.cloud.alive() == 0
    }

    /// Sets one condition of a node from now on.
    pub fn set_condition(&self, node: &str, r#type: &str, status: &str) {
        let named = |held: &Value| held["metadata"]["name"] == *node;
        let nodes = self.list(NODES);
        let held = nodes.iter().find(|held| named(held)).expect("the node");
        let mut conditions = held["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let condition = json!({"type": r#type, "status": status,
            "lastTransitionTime": self.clock.now().truncated_to_seconds().to_string()});
        match conditions.iter_mut().find(|held| held["type"] == *r#type) {
            Some(held) => *held = condition,
            None => conditions.push(condition),
        }
        cluster::set_status(&self.server, NODES, node, "conditions", conditions.into());
    }

    /// Changes the pool `default`.
    pub fn change_pool(&self, change: impl Fn(&mut Value)) {
        let options = apiserver::WriteOptions::default();
        let written = self.server.modify(POOLS, "", "default", &options, change);
        written.expect("a change");
    }

    /// Asks for the deletion of an object without namespace.
    pub fn delete(&self, resource: Resource<'_>, name: &str) {
        let options = apiserver::DeleteOptions::default();
        let deleted = self.server.delete(resource, "", name, &options);
        deleted.expect("a deletion");
    }

    /// Names of all objects of a kind.
    pub fn names(&self, resource: Resource<'_>) -> Vec<String> {
        let name = |object: &Value| {
            object["metadata"]["name"]
                .as_str()
                .expect("a name")
                .to_owned()
        };
        self.list(resource).iter().map(name).collect()
    }

    /// A pod, if it is there.
    pub fn find_pod(&self, name: &str) -> Option<Value> {
        let named = |pod: &Value| pod["metadata"]["name"] == *name;
        self.list(PODS).into_iter().find(named)
    }

    /// Kinds of the objects that have events of a reason, sorted, one for each event.
    pub fn told(&self, reason: &str) -> Vec<String> {
        let events = self.list(apiserver::EVENTS);
        let told = events.iter().filter(|event| event["reason"] == *reason);
        let kind = |event: &Value| event["involvedObject"]["kind"].as_str().map(str::to_owned);
        let mut kinds: Vec<String> = told.filter_map(kind).collect();
        kinds.sort();
        kinds
    }

    /// Reasons of all events, sorted, each once.
    pub fn event_reasons(&self) -> Vec<String> {
        let mut reasons: Vec<String> = self
            .list(apiserver::EVENTS)
            .iter()
            .map(|event| event["reason"].as_str().unwrap_or_default().to_owned())
            .collect();
        reasons.sort();
        reasons.dedup();
        reasons
    }

    fn summary(&self) -> String {
        let names = |resource| -> Vec<String> {
            let brief = |object: &Value| {
                let text = |pointer: &str| object.pointer(pointer).cloned().unwrap_or_default();
                format!(
                    "{} node={} phase={} conditions={} taints={} deleted={} finalizers={}",
                    text("/metadata/name"),
                    text("/spec/nodeName"),
                    text("/status/phase"),
                    text("/status/conditions"),
                    text("/spec/taints"),
                    text("/metadata/deletionTimestamp"),
                    text("/metadata/finalizers"),
                )
            };
            self.list(resource).iter().map(brief).collect()
        };
        format!(
            "pods {:#?} claims {:#?} nodes {:#?} instances {}",
            names(PODS),
            names(CLAIMS),
            names(NODES),
            self.cloud.alive()
        )
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.machinery_task.abort();
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }
}
