use apiserver::{CRDS, Config, NODES, Resource, Server, WriteOptions};
use controllers::{CloudError, CloudProvider, InstanceState};
use model::{Timestamp, k8s::Resource as _};
use runtime::{Client, Clock};
use serde_json::{Value, json};
use std::sync::Arc;

use super::*;
use crate::load_catalog;

const CLAIMS: Resource<'static> = Resource::new("karpenter.sh", "v1", "nodeclaims");
const CLASSES: Resource<'static> =
    Resource::new("karpenter.kwok.sh", "v1alpha1", "kwoknodeclasses");
const EPOCH: Timestamp = Timestamp::from_seconds(1_767_268_800);

/// An API server, and one life of the provider.
struct World {
    server: Server,
    clock: Clock,
    kwok: Arc<Kwok>,
    stop: Shutdown,
}

impl World {
    fn new(delay: &str) -> Self {
        let server = Server::new(Config::frozen(jiff::Timestamp::UNIX_EPOCH, 1));
        for crd in api::crd::all() {
            server.create(CRDS, "", crd).expect("a definition");
        }
        let class = json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass",
                           "metadata": {"name": "default"},
                           "spec": {"nodeRegistrationDelay": delay}});
        server.create(CLASSES, "", class).expect("a class");
        let clock = Clock::simulated(EPOCH);
        let kwok = kwok(&server, &clock);
        Self {
            server,
            clock,
            kwok,
            stop: Shutdown::new(),
        }
    }

    /// Lets the provider's own work run.
    fn run(&self) -> tokio::task::JoinHandle<()> {
        let (kwok, stop) = (self.kwok.clone(), self.stop.clone());
        tokio::spawn(async move { kwok.run(stop).await })
    }

    /// Ends this life, as a crash does, and begins the next.
    fn crash(&mut self, running: tokio::task::JoinHandle<()>) {
        running.abort();
        self.kwok = kwok(&self.server, &self.clock);
    }

    fn claim(&self, name: &str) -> NodeClaim {
        let object = json!({
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodeClaim",
            "metadata": {"name": name, "labels": {"karpenter.sh/nodepool": "default"},
                         "finalizers": ["karpenter.sh/termination"]},
            "spec": {
                "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass",
                                 "name": "default"},
                "requirements": [
                    {"key": "node.kubernetes.io/instance-type", "operator": "In",
                     "values": ["c-2x-amd64-linux", "c-4x-amd64-linux"]},
                ],
                "resources": {"requests": {"cpu": "1"}},
            },
        });
        let made = self.server.create(CLAIMS, "", object).expect("a claim");
        serde_json::from_value((*made).clone()).expect("a NodeClaim")
    }

    /// Writes what a launch has found, as the lifecycle loop does.
    fn save(&self, claim: &NodeClaim, launched: &controllers::Launched) {
        let name = &claim.metadata.name;
        let (id, labels) = (launched.provider_id.clone(), launched.labels.clone());
        let all = WriteOptions::default();
        self.server
            .modify(CLAIMS, "", name, &all, |claim| {
                for (key, value) in labels {
                    claim["metadata"]["labels"][key] = value.into();
                }
            })
            .expect("labels");
        let status = WriteOptions::status();
        self.server
            .modify(CLAIMS, "", name, &status, |claim| {
                claim["status"] = json!({
                    "providerID": id,
                    "conditions": [{"type": "Launched", "status": "True", "reason": "Launched",
                                    "message": "", "lastTransitionTime": "2026-01-01T12:00:00Z"}],
                });
            })
            .expect("status");
    }

    fn nodes(&self) -> Vec<Value> {
        let list = self
            .server
            .list(NODES, None, &apiserver::Selectors::default());
        list.expect("nodes")
            .items
            .iter()
            .map(|node| (**node).clone())
            .collect()
    }
}

fn kwok(server: &Server, clock: &Clock) -> Arc<Kwok> {
    let client = Client::from_service(server.client_service());
    Arc::new(Kwok::new(client, clock.clone(), load_catalog("")))
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_launch_promises_a_node_that_appears_after_the_delay() {
    let world = World::new("20s");
    let _running = world.run();
    let claim = world.claim("a");
    let launched = world.kwok.create(&claim).await.expect("launches");
    assert_eq!(
        launched.labels["node.kubernetes.io/instance-type"],
        "c-2x-amd64-linux"
    );
    assert!(
        launched.provider_id.starts_with("kwok://kwok-a-"),
        "{}",
        launched.provider_id
    );
    pass(19).await;
    assert_eq!(world.nodes().len(), 0);
    pass(2).await;
    let nodes = world.nodes();
    assert_eq!(nodes.len(), 1);
    assert_eq!(nodes[0]["spec"]["providerID"], *launched.provider_id);
    assert_eq!(nodes[0]["status"]["phase"], "Pending");
    assert_eq!(nodes[0]["status"]["capacity"]["cpu"], "2");
}

#[tokio::test(start_paused = true)]
async fn launching_a_claim_again_is_the_same_launch_before_and_after_its_node_appears() {
    let world = World::new("5s");
    let _running = world.run();
    let claim = world.claim("a");
    let first = world.kwok.create(&claim).await.expect("launches");
    let before = world.kwok.create(&claim).await.expect("launches");
    pass(10).await;
    let after = world.kwok.create(&claim).await.expect("launches");
    pass(10).await;
    assert_eq!((&first, &first), (&before, &after));
    assert_eq!(world.nodes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_launch_and_node_leaks_nothing_and_forgets_nothing() {
    let mut world = World::new("20s");
    let running = world.run();
    let claim = world.claim("a");
    let launched = world.kwok.create(&claim).await.expect("launches");
    world.save(&claim, &launched);
    pass(10).await;
    world.crash(running);
    let _running = world.run();
    pass(5).await;
    assert_eq!(world.nodes().len(), 0, "the delay counts from the launch");
    pass(10).await;
    let nodes = world.nodes();
    assert_eq!(nodes.len(), 1);
    let zone = &nodes[0]["metadata"]["labels"]["topology.kubernetes.io/zone"];
    assert_eq!(*zone, *launched.labels["topology.kubernetes.io/zone"]);
    assert_eq!(nodes[0]["spec"]["providerID"], *launched.provider_id);
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_launch_was_saved_ends_in_one_node() {
    let mut world = World::new("0s");
    let running = world.run();
    let claim = world.claim("a");
    let first = world.kwok.create(&claim).await.expect("launches");
    pass(1).await;
    assert_eq!(world.nodes().len(), 1);
    world.crash(running);
    let _running = world.run();
    let second = world.kwok.create(&claim).await.expect("launches");
    pass(60).await;
    assert_eq!(first.provider_id, second.provider_id);
    assert_eq!(world.nodes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_goes_before_its_node_appears_gets_none() {
    let world = World::new("20s");
    let _running = world.run();
    let claim = world.claim("a");
    world.kwok.create(&claim).await.expect("launches");
    let options = apiserver::DeleteOptions::default();
    world
        .server
        .delete(CLAIMS, "", "a", &options)
        .expect("deletes");
    pass(60).await;
    assert_eq!(world.nodes().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_claim_has_gone_is_collected_and_those_of_others_stay() {
    let world = World::new("0s");
    let foreign = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "other"},
                         "spec": {"providerID": "kwok://other"}});
    world.server.create(NODES, "", foreign).expect("a node");
    let _running = world.run();
    let claim = world.claim("a");
    world.kwok.create(&claim).await.expect("launches");
    pass(1).await;
    assert_eq!(world.nodes().len(), 2);
    let all = WriteOptions::default();
    let drop_finalizers = |claim: &mut Value| claim["metadata"]["finalizers"] = json!([]);
    world
        .server
        .modify(CLAIMS, "", "a", &all, drop_finalizers)
        .expect("changes");
    let options = apiserver::DeleteOptions::default();
    world
        .server
        .delete(CLAIMS, "", "a", &options)
        .expect("deletes");
    pass(60).await;
    let names: Vec<_> = world
        .nodes()
        .iter()
        .map(|node| node["metadata"]["name"].clone())
        .collect();
    assert_eq!(names, ["other"]);
}

#[tokio::test(start_paused = true)]
async fn instances_are_found_while_promised_and_while_they_live() {
    let world = World::new("20s");
    let _running = world.run();
    let claim = world.claim("a");
    let launched = world.kwok.create(&claim).await.expect("launches");
    let promised = world
        .kwok
        .get(&launched.provider_id)
        .await
        .expect("is promised");
    assert_eq!(
        (&*promised.claim_name, promised.state),
        ("a", InstanceState::Running)
    );
    assert_eq!(world.kwok.list().await.expect("lists"), [promised]);
    pass(30).await;
    let living = world.kwok.list().await.expect("lists");
    assert_eq!(living.len(), 1);
    assert_eq!(living[0].claim_uid, claim.metadata.uid);
    assert_eq!(
        world.kwok.get(&launched.provider_id).await.expect("lives"),
        living[0]
    );
    let missing = world.kwok.get("kwok://nobody").await.expect_err("missing");
    assert!(missing.is_not_found());
}

#[tokio::test(start_paused = true)]
async fn deletion_ends_at_once_and_takes_claim_and_node_with_it() {
    let world = World::new("0s");
    let _running = world.run();
    let claim = world.claim("a");
    let launched = world.kwok.create(&claim).await.expect("launches");
    pass(1).await;
    let answer = world.kwok.delete(&claim).await.expect_err("always");
    assert!(answer.is_not_found());
    assert_eq!(world.nodes().len(), 0);
    let claim = world
        .server
        .get(CLAIMS, "", "a")
        .expect("kept by its finalizer");
    assert!(claim["metadata"]["deletionTimestamp"].is_string());
    assert!(
        world
            .kwok
            .get(&launched.provider_id)
            .await
            .expect_err("gone")
            .is_not_found()
    );
    pass(60).await;
    assert_eq!(world.nodes().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn launches_that_cannot_be_say_why() {
    let world = World::new("0s");
    let mut claim = world.claim("a");
    claim.spec.node_class_ref.name = "missing".into();
    let error = world.kwok.create(&claim).await.expect_err("no class");
    assert!(
        matches!(error, CloudError::InsufficientCapacity(_)),
        "{error}"
    );

    claim.spec.node_class_ref.name = "default".into();
    claim.spec.requirements[0].values = vec!["no-such-type".into()];
    let error = world.kwok.create(&claim).await.expect_err("unknown type");
    assert!(
        matches!(error, CloudError::InsufficientCapacity(_)),
        "{error}"
    );

    let status = WriteOptions::status();
    world
        .server
        .modify(CLASSES, "", "default", &status, |class| {
            class["status"] = json!({"conditions": [{"type": "Ready", "status": "False",
                                                     "reason": "No", "message": "broken",
                                                     "lastTransitionTime": "2026-01-01T12:00:00Z"}]});
        })
        .expect("status");
    let error = world.kwok.create(&claim).await.expect_err("not ready");
    assert_eq!(error, CloudError::NodeClassNotReady("broken".into()));
    pass(60).await;
    assert_eq!(world.nodes().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_provider_stops_when_told_and_resumes_in_a_second_run() {
    let mut world = World::new("20s");
    let running = world.run();
    let claim = world.claim("a");
    let launched = world.kwok.create(&claim).await.expect("launches");
    world.save(&claim, &launched);
    world.stop.trigger();
    running.await.expect("ends");
    world.stop = Shutdown::new();
    let _running = world.run();
    pass(60).await;
    assert_eq!(world.nodes().len(), 1);
}

#[test]
fn the_claims_resource_is_the_one_that_the_server_is_asked_for() {
    assert_eq!(
        (NodeClaim::GROUP, NodeClaim::PLURAL),
        (CLAIMS.group, CLAIMS.plural)
    );
}
