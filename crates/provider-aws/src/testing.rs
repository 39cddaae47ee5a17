//! A cluster for the tests of this crate: an API server in process, and time that is not waited
//! for.

pub(crate) mod rig;

use std::sync::Arc;
use std::time::Duration;

use aws::ec2::{Instance, InstanceState};

use apiserver::{NODES, Resource, Server, WriteOptions};
use http::Request;
use model::Timestamp;
use runtime::client::RequestBody;
use runtime::metrics::{Definition, names};
use runtime::{Client, Clock, Metrics, Recorder, Shutdown};
use serde_json::{Value, json};
use tower::{BoxError, ServiceExt};

use crate::fake::Fake;
use crate::instances::{Instances, Single};
use crate::objects::Objects;
use crate::world::World;
use crate::zonal_shift::ZonalShifts;

/// What the clock shows at first.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

pub(crate) const CLAIMS: Resource<'static> = Resource::new("karpenter.sh", "v1", "nodeclaims");
pub(crate) const POOLS: Resource<'static> = Resource::new("karpenter.sh", "v1", "nodepools");
pub(crate) const CLASSES: Resource<'static> =
    Resource::new("karpenter.k8s.aws", "v1", "ec2nodeclasses");

/// Everything there is of Kubernetes.
pub(crate) struct Kube {
    pub(crate) server: Server,
    pub(crate) clock: Clock,
    pub(crate) client: Client,
    pub(crate) metrics: Metrics,
    pub(crate) recorder: Recorder,
    pub(crate) objects: Objects,
    pub(crate) shutdown: Shutdown,
}

impl Kube {
    /// A cluster with nothing in it, followed.
    pub(crate) async fn new() -> Self {
        let kube = Self::unwatched();
        let (objects, stop) = (kube.objects.clone(), kube.shutdown.clone());
        tokio::spawn(async move { objects.run(stop).await });
        kube.objects.synced().await;
        kube
    }

    /// A cluster with nothing in it, that nobody follows.
    pub(crate) fn unwatched() -> Self {
        let clock = Clock::simulated(START);
        let time = clock.clone();
        let now: apiserver::Clock = Arc::new(move || {
            jiff::Timestamp::from_nanosecond(i128::from(time.now().nanos())).unwrap_or_default()
        });
        let server = Server::new(apiserver::Config::new(now, 7));
        for crd in api::crd::all() {
            server.install_crd(crd).expect("a definition");
        }
        let client = Client::from_service(server.client_service());
        let (metrics, shutdown) = (Metrics::new(), Shutdown::new());
        let (recorder, outbox) = Recorder::new(clock.clone(), Some(metrics.clone()));
        let (writer, stop) = (client.clone(), shutdown.clone());
        tokio::spawn(async move { outbox.run(writer, stop).await });
        let objects = Objects::new(client.clone(), metrics.clone(), 7);
        Self {
            server,
            clock,
            client,
            metrics,
            recorder,
            objects,
            shutdown,
        }
    }

    /// Creates an object without namespace, as it stands.
    pub(crate) fn create(&self, resource: Resource<'_>, object: Value) {
        let status = object.get("status").cloned();
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let name = name.to_owned();
        self.server.create(resource, "", object).expect("an object");
        if let Some(status) = status {
            let lay = |object: &mut Value| object["status"] = status;
            let options = WriteOptions::status();
            let written = self.server.modify(resource, "", &name, &options, lay);
            written.expect("a status");
        }
    }

    /// A claim of the class `default` and the pool `default`, whose instance has an id.
    pub(crate) fn claim(&self, name: &str, instance: &str) {
        self.create(CLAIMS, claim(name, instance));
    }

    /// A registered node of an instance.
    pub(crate) fn node(&self, name: &str, instance: &str) {
        let provider_id = format!("aws:///test-zone-1a/{instance}");
        self.create(
            NODES,
            json!({"apiVersion": "v1", "kind": "Node",
                "metadata": {"name": name, "labels": labels("on-demand")},
                "spec": {"providerID": provider_id}}),
        );
    }

    /// A pool of the class `default`, with requirements.
    pub(crate) fn pool(&self, name: &str, requirements: &Value) {
        self.create(
            POOLS,
            json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool",
                "metadata": {"name": name},
                "spec": {"template": {"spec": {"requirements": requirements, "nodeClassRef":
                    {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass",
                     "name": "default"}}}}}),
        );
    }

    /// A class with a subnet in each of these zones (name, id).
    pub(crate) fn class(&self, name: &str, zones: &[(&str, &str)]) {
        let subnet = |(number, (zone, id)): (usize, &(&str, &str))| json!({"id": format!("subnet-{number}"), "zone": zone, "zoneID": id});
        let subnets: Vec<Value> = zones.iter().enumerate().map(subnet).collect();
        self.create(
            CLASSES,
            json!({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass",
                "metadata": {"name": name},
                "spec": {"role": "nodes", "amiFamily": "AL2023",
                    "amiSelectorTerms": [{"alias": "al2023@latest"}],
                    "subnetSelectorTerms": [{"tags": {"a": "b"}}],
                    "securityGroupSelectorTerms": [{"tags": {"a": "b"}}]},
                "status": {"subnets": subnets}}),
        );
    }

    /// Changes an object without namespace.
    pub(crate) fn change(
        &self,
        resource: Resource<'_>,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) {
        let options = WriteOptions::default();
        let written = self.server.modify(resource, "", name, &options, change);
        written.expect("a change");
    }

    /// Asks for the deletion of an object without namespace.
    pub(crate) fn delete(&self, resource: Resource<'_>, name: &str) {
        let options = apiserver::DeleteOptions::default();
        let deleted = self.server.delete(resource, "", name, &options);
        deleted.expect("a deletion");
    }

    /// A client whose deletions don't arrive before some time.
    pub(crate) fn client_that_deletes_from(&self, from: Timestamp) -> Client {
        let (service, clock) = (self.server.client_service(), self.clock.clone());
        Client::from_service(tower::service_fn(move |request: Request<RequestBody>| {
            let early = request.method() == http::Method::DELETE && clock.now() < from;
            let service = service.clone();
            async move {
                if early {
                    return Err("the connection broke".into());
                }
                let answer: Result<_, BoxError> =
                    service.oneshot(request).await.map_err(Into::into);
                answer
            }
        }))
    }

    /// An object without namespace, if it is there.
    pub(crate) fn get(&self, resource: Resource<'_>, name: &str) -> Option<Value> {
        let object = self.server.get(resource, "", name).ok()?;
        Some((*object).clone())
    }

    /// Whether an object is gone or about to go.
    pub(crate) fn is_going(&self, resource: Resource<'_>, name: &str) -> bool {
        let object = self.get(resource, name);
        object.is_none_or(|object| object["metadata"]["deletionTimestamp"].is_string())
    }

    /// Events as `kind/name reason`, sorted.
    pub(crate) fn told(&self) -> Vec<String> {
        let all = apiserver::Selectors::default();
        let events = self.server.list(apiserver::EVENTS, None, &all);
        let text = |event: &Value| {
            let about = &event["involvedObject"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            format!(
                "{}/{} {}",
                text(&about["kind"]),
                text(&about["name"]),
                text(&event["reason"])
            )
        };
        let mut told: Vec<String> = events
            .expect("events")
            .items
            .iter()
            .map(|event| text(event))
            .collect();
        told.sort();
        told
    }

    /// Value of a counter, or how many values a histogram has seen; zero if there is no such.
    pub(crate) fn count(&self, metric: &'static Definition, labels: &[&str]) -> usize {
        self.metrics.value(metric, labels).unwrap_or_default() as usize
    }

    /// How many claims of the pool `default` were chosen for removal.
    pub(crate) fn disrupted(&self) -> usize {
        let sums = self.metrics.sums(&names::NODECLAIMS_DISRUPTED, "nodepool");
        sums.get("default").copied().unwrap_or_default() as usize
    }

    /// Lets everybody do what is to be done now.
    pub(crate) async fn settle(&self) {
        self.clock.sleep(Duration::from_millis(10)).await;
    }
}

impl Drop for Kube {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

/// Kubernetes and AWS.
pub(crate) struct Cloud {
    pub(crate) kube: Kube,
    pub(crate) fake: Fake,
}

impl Cloud {
    /// An empty cluster, and an account without instances.
    pub(crate) async fn new() -> Self {
        let kube = Kube::new().await;
        let fake = Fake::new(kube.clock.clone());
        Self { kube, fake }
    }

    pub(crate) fn world(&self) -> World {
        let kube = &self.kube;
        World {
            client: kube.client.clone(),
            objects: kube.objects.clone(),
            calls: self.fake.calls(),
            cluster: aws::Cluster {
                name: "test-cluster".to_owned(),
                region: "us-west-2".to_owned(),
            },
            clock: kube.clock.clone(),
            recorder: kube.recorder.clone(),
            metrics: kube.metrics.clone(),
        }
    }

    pub(crate) fn shifts(&self) -> ZonalShifts {
        ZonalShifts::new(&self.fake.calls(), self.kube.clock.clone(), "test-cluster")
    }

    pub(crate) fn instances(&self) -> Instances {
        let single = Single(self.fake.calls().ec2);
        Instances::new(self.world(), self.shifts(), Arc::new(single))
    }

    /// Puts an instance into the account.
    pub(crate) fn put(&self, instance: Instance) {
        self.fake
            .change(|state| state.instances.insert(instance.id.clone(), instance));
    }

    /// Lets time pass.
    pub(crate) async fn pass(&self, seconds: u64) {
        self.kube.clock.sleep(Duration::from_secs(seconds)).await;
    }

    /// Ids of the instances that are not terminated.
    pub(crate) fn living(&self) -> Vec<String> {
        let ids = |state: &mut crate::fake::State| {
            state
                .living()
                .into_iter()
                .map(|instance| instance.id.clone())
                .collect()
        };
        self.fake.change(ids)
    }
}

/// A running instance of the cluster, launched an hour before the clock began.
pub(crate) fn instance(id: &str) -> Instance {
    let tags = [
        (aws::tags::NODEPOOL, "default"),
        (aws::tags::NODE_CLASS, "default"),
        (aws::tags::CLUSTER_NAME, "test-cluster"),
    ];
    Instance {
        id: id.to_owned(),
        instance_type: "m5.large".to_owned(),
        image_id: "ami-test1".to_owned(),
        state: InstanceState::Running,
        launched: Some(START.before(Duration::from_hours(1))),
        zone: "test-zone-1a".to_owned(),
        zone_id: "tstz1-1a".to_owned(),
        tags: tags
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Instance::default()
    }
}

/// A claim of the class `default` and the pool `default`, whose instance has an id; none yet if
/// that is empty.
pub(crate) fn claim(name: &str, instance: &str) -> Value {
    let mut claim = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
        "metadata": {"name": name, "labels": labels("on-demand"),
            "finalizers": ["karpenter.sh/termination"]},
        "spec": {"requirements": [], "nodeClassRef": {"group": "karpenter.k8s.aws",
            "kind": "EC2NodeClass", "name": "default"}}});
    if !instance.is_empty() {
        claim["status"] = json!({"providerID": format!("aws:///test-zone-1a/{instance}"),
            "nodeName": format!("node-of-{name}")});
    }
    claim
}

/// Labels of a claim or a registered node.
pub(crate) fn labels(capacity_type: &str) -> Value {
    json!({
        "karpenter.sh/nodepool": "default",
        "karpenter.sh/registered": "true",
        "karpenter.sh/capacity-type": capacity_type,
        "karpenter.k8s.aws/ec2nodeclass": "default",
        "node.kubernetes.io/instance-type": "m5.large",
        "topology.kubernetes.io/zone": "test-zone-1a",
        "topology.k8s.aws/zone-id": "tstz1-1a",
    })
}
