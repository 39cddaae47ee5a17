//! How many interruption messages a minute are handled: a queue that is full, against an API server
//! in process with a claim for every fifth message.
//!
//! ```sh
//! cargo run --release -p provider-aws --no-default-features --features fake \
//!     --example interruptions -- 15000
//! ```

use std::sync::Arc;
use std::time::Duration;

use apiserver::{NODES, Resource, Server, WriteOptions};
use aws::interruption::{Kind, OnRebalance, Taken};
use provider_aws::fake::Fake;
use provider_aws::interruption::{Interruptions, Marks, queue};
use provider_aws::objects::Objects;
use provider_aws::world::World;
use runtime::metrics::names;
use runtime::{Client, Clock, Metrics, Recorder, Shutdown};
use serde_json::{Value, json};

const CLAIMS: Resource<'static> = Resource::new("karpenter.sh", "v1", "nodeclaims");
const QUEUE: &str = "queue";

/// Nothing is noted.
struct NoMarks;

impl Marks for NoMarks {
    fn mark(&self, _: &Taken, _: Kind) {}
}

#[tokio::main]
async fn main() {
    let messages: usize = std::env::args()
        .nth(1)
        .map_or(15_000, |text| text.parse().expect("a number of messages"));
    let claims = messages.div_ceil(5);
    let clock = Clock::wall();
    let server = cluster(&clock, claims);
    let fake = Fake::empty(clock.clone());
    let ending = fill(&fake, messages, claims);
    let metrics = Metrics::new();
    let world = world(&server, &fake, &clock, &metrics);
    let stop = Shutdown::new();
    let (objects, stopped) = (world.objects.clone(), stop.clone());
    tokio::spawn(async move { objects.run(stopped).await });
    world.objects.synced().await;
    let interruptions = Interruptions::new(world, Arc::new(NoMarks), OnRebalance::Ignore);
    let stopped = stop.clone();
    let began = clock.now();
    let handling = tokio::spawn(async move { queue::run(&interruptions, QUEUE, &stopped).await });
    let left = || fake.change(|state| state.queues[QUEUE].len() + state.in_flight.len());
    while left() > 0 {
        clock.sleep(Duration::from_millis(5)).await;
    }
    let took = clock.now().since(began).as_secs_f64();
    stop.trigger();
    handling.await.expect("the loop ends");
    report(&server, &metrics, (messages, claims, ending), took);
}

/// Says what came of it, and checks that nothing was lost and nothing done that was not asked for.
fn report(
    server: &Server,
    metrics: &Metrics,
    (messages, claims, ending): (usize, usize, usize),
    took: f64,
) {
    let all = apiserver::Selectors::default();
    let list = server.list(CLAIMS, None, &all).expect("a list");
    let is_going = |claim: &&Arc<Value>| claim["metadata"]["deletionTimestamp"].is_string();
    let going = list.items.iter().filter(is_going).count();
    let received = metrics.sums(&names::INTERRUPTION_RECEIVED, "message_type");
    let received = received.values().sum::<f64>() as usize;
    let deleted = metrics
        .value(&names::INTERRUPTION_DELETED, &[])
        .unwrap_or_default() as usize;
    let disrupted = metrics.sums(&names::NODECLAIMS_DISRUPTED, "nodepool");
    assert_eq!(
        (received, deleted),
        (messages, messages),
        "messages were lost"
    );
    assert_eq!(going, ending, "claims that go, and those that should");
    assert_eq!(
        disrupted["default"] as usize, ending,
        "each claim counts once"
    );
    println!(
        "{messages} messages, {claims} claims, {going} of them deleted: {took:.2} s, \
         {:.0} messages per second",
        messages as f64 / took
    );
}

/// An API server with claims, and a node for each.
fn cluster(clock: &Clock, claims: usize) -> Server {
    let time = clock.clone();
    let now: apiserver::Clock = Arc::new(move || {
        jiff::Timestamp::from_nanosecond(i128::from(time.now().nanos())).unwrap_or_default()
    });
    let server = Server::new(apiserver::Config::new(now, 1));
    for crd in api::crd::all() {
        server.install_crd(crd).expect("a definition");
    }
    for number in 0..claims {
        let name = format!("claim-{number}");
        let id = format!("aws:///us-west-2a/i-{number}");
        let labels = json!({"karpenter.sh/nodepool": "default",
            "karpenter.sh/capacity-type": "spot",
            "node.kubernetes.io/instance-type": "m5.large",
            "topology.kubernetes.io/zone": "us-west-2a"});
        let claim = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
            "metadata": {"name": name, "labels": labels,
                "finalizers": ["karpenter.sh/termination"]},
            "spec": {"requirements": [], "nodeClassRef": {"group": "karpenter.k8s.aws",
                "kind": "EC2NodeClass", "name": "default"}}});
        server.create(CLAIMS, "", claim).expect("a claim");
        let launch = |claim: &mut Value| claim["status"]["providerID"] = id.as_str().into();
        let options = WriteOptions::status();
        server
            .modify(CLAIMS, "", &name, &options, launch)
            .expect("a status");
        let node = json!({"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": format!("node-{number}"), "labels": labels},
            "spec": {"providerID": id}});
        server.create(NODES, "", node).expect("a node");
    }
    server
}

/// Fills the queue with messages of all sorts, some of them twice or of others' instances. Gives
/// how many claims they end.
fn fill(fake: &Fake, messages: usize, claims: usize) -> usize {
    let mut ending = std::collections::BTreeSet::new();
    fake.change(|state| {
        for number in 0..messages {
            let instance = number % claims;
            let (detail_type, mut detail) = match number / claims {
                0 | 3 => ("EC2 Spot Instance Interruption Warning", json!({})),
                1 => ("EC2 Instance Rebalance Recommendation", json!({})),
                2 => (
                    "EC2 Instance State-change Notification",
                    json!({"state": if instance.is_multiple_of(2) { "running" } else { "shutting-down" }}),
                ),
                _ => (
                    "EC2 Instance State-change Notification",
                    json!({"state": "terminated"}),
                ),
            };
            // Of every ten instances, one is of another cluster, and one only gets better news.
            let id = if instance.is_multiple_of(10) {
                format!("i-of-others-{instance}")
            } else {
                format!("i-{instance}")
            };
            detail["instance-id"] = id.into();
            if instance % 10 == 1 {
                detail["state"] = "running".into();
            }
            let detail_type = if instance % 10 == 1 {
                "EC2 Instance State-change Notification"
            } else {
                detail_type
            };
            let ends = !matches!(number / claims, 1) && detail["state"] != "running";
            if ends && instance % 10 > 1 {
                ending.insert(instance);
            }
            let message = json!({"version": "0", "id": number.to_string(),
                "detail-type": detail_type, "source": "aws.ec2", "account": "123456789012",
                "time": "2026-01-01T00:00:00Z", "region": "us-west-2", "resources": [],
                "detail": detail});
            state.send(QUEUE, &message.to_string());
        }
    });
    ending.len()
}

fn world(server: &Server, fake: &Fake, clock: &Clock, metrics: &Metrics) -> World {
    let client = Client::from_service(server.client_service());
    // Events are not written: they go through a limit of their own, later than anything else.
    let (recorder, _) = Recorder::new(clock.clone(), None);
    World {
        objects: Objects::new(client.clone(), metrics.clone(), 1),
        client,
        calls: fake.calls(),
        cluster: aws::Cluster {
            name: "cluster".to_owned(),
            region: "us-west-2".to_owned(),
        },
        clock: clock.clone(),
        recorder,
        metrics: metrics.clone(),
    }
}
