//! The loops, over a pretended AWS and an API server in process.

use api::NodePool;
use apiserver::{NODES, Resource};
use async_trait::async_trait;
use controllers::cloud::{DriftReason, RepairPolicy};
use controllers::{CloudError, CloudProvider, Instance, Launched, NodeClassKind};
use requirements::Vocabulary;

use super::*;
use crate::testing::{CLAIMS, CLASSES, Cloud, POOLS, claim, labels};

const OVERLAYS: Resource<'static> = Resource::new("karpenter.sh", "v1alpha1", "nodeoverlays");

/// The types of an account that a cluster is in.
async fn types(cloud: &Cloud) -> Arc<InstanceTypes> {
    let scene = Scene::over(cloud.fake.clone(), cloud.kube.clock.clone());
    scene.types.update().await.expect("EC2 answers");
    Arc::new(scene.types)
}

/// A class as it is in the cluster, with images.
fn create_class(cloud: &Cloud, name: &str, zones: &[(&str, &str)]) {
    cloud.kube.class(name, zones);
    set_status(cloud, name, "amis", json!(testing::amis()));
}

fn set_status(cloud: &Cloud, class: &str, field: &str, value: serde_json::Value) {
    let options = apiserver::WriteOptions::status();
    let set = |class: &mut serde_json::Value| class["status"][field] = value;
    let server = &cloud.kube.server;
    let written = server.modify(CLASSES, "", class, &options, set);
    written.expect("a status");
}

fn in_cluster(cloud: &Cloud, name: &str) -> Arc<Ec2NodeClass> {
    cloud.kube.objects.class(name).expect("the class")
}

/// IT-33: a node that is registered teaches its memory, once its label says so.
#[tokio::test(start_paused = true)]
async fn nodes_that_join_teach_their_memory() {
    let cloud = Cloud::new().await;
    let types = types(&cloud).await;
    create_class(&cloud, "default", &testing::ZONES[..1]);
    let (world, stop, learner) = (cloud.world(), cloud.kube.shutdown.clone(), types.clone());
    tokio::spawn(async move { learn(&world, &learner, &stop).await });
    let mut own = claim("claim", "i-1");
    own["status"]["imageID"] = json!("ami-test1");
    cloud.kube.create(CLAIMS, own);
    let mut labels = labels("on-demand");
    labels["kubernetes.io/arch"] = json!("amd64");
    let registered = labels["karpenter.sh/registered"].take();
    labels
        .as_object_mut()
        .expect("labels")
        .remove("karpenter.sh/registered");
    cloud.kube.create(
        NODES,
        json!({"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": "node", "labels": labels},
            "spec": {"providerID": "aws:///test-zone-1a/i-1"},
            "status": {"capacity": {"memory": "7700Mi"}}}),
    );
    cloud.kube.settle().await;
    let memory = || {
        let class = in_cluster(&cloud, "default");
        let ty = types.get(&class, None, "m5.large").expect("the type");
        ty.capacity[MEMORY].to_string()
    };
    assert_eq!(memory(), "7577Mi", "not registered yet");
    cloud.kube.change(NODES, "node", |node| {
        node["metadata"]["labels"]["karpenter.sh/registered"] = registered;
    });
    cloud.kube.settle().await;
    assert_eq!(memory(), "7700Mi");
}

/// OFF-12: an overlay's price is taken over for a type without any.
#[tokio::test(start_paused = true)]
async fn prices_of_overlays_are_taken_over() {
    let cloud = Cloud::new().await;
    let types = types(&cloud).await;
    cloud.fake.change(|state| {
        state.machines[6].name = "m99.large".to_owned();
        for offering in &mut state.offerings {
            if offering.instance_type == "m5.large" {
                offering.instance_type = "m99.large".to_owned();
            }
        }
    });
    types.update().await.expect("EC2 answers");
    create_class(&cloud, "default", &testing::ZONES[..1]);
    cloud.kube.settle().await;
    let available = || {
        let class = in_cluster(&cloud, "default");
        let ty = types.get(&class, None, "m99.large").expect("the type");
        ty.available_offerings().map(|o| o.price.to_string()).max()
    };
    assert_eq!(available(), None);
    cloud.kube.create(
        OVERLAYS,
        json!({"apiVersion": "karpenter.sh/v1alpha1", "kind": "NodeOverlay",
            "metadata": {"name": "overlay"},
            "spec": {"price": "0.5", "requirements": [
                {"key": "node.kubernetes.io/instance-type", "operator": "In",
                 "values": ["m99.large"]}]},
            "status": {"conditions": [{"type": "ValidationSucceeded", "status": "True",
                "reason": "ValidationSucceeded", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}),
    );
    let (world, stop, follower) = (cloud.world(), cloud.kube.shutdown.clone(), types.clone());
    tokio::spawn(async move { follow_overlays(&world, &follower, &stop).await });
    cloud.kube.settle().await;
    assert_eq!(available().as_deref(), Some("0.5000"));
    let options = apiserver::DeleteOptions::default();
    let gone = cloud.kube.server.delete(OVERLAYS, "", "overlay", &options);
    gone.expect("a deletion");
    cloud.pass(301).await;
    assert_eq!(available(), None);
}

/// A cloud that only tells types, those of the class that a pool refers to.
struct Types {
    cloud: crate::objects::Objects,
    types: Arc<InstanceTypes>,
}

#[async_trait]
impl CloudProvider for Types {
    fn name(&self) -> &'static str {
        "aws"
    }

    fn vocabulary(&self) -> Vocabulary {
        Vocabulary::aws()
    }

    fn node_class_kinds(&self) -> &[NodeClassKind] {
        &[]
    }

    async fn create(&self, _: &NodeClaim) -> Result<Launched, CloudError> {
        Err(CloudError::Other("not asked".to_owned()))
    }

    async fn delete(&self, _: &NodeClaim) -> Result<(), CloudError> {
        Err(CloudError::Other("not asked".to_owned()))
    }

    async fn get(&self, _: &str) -> Result<Instance, CloudError> {
        Err(CloudError::Other("not asked".to_owned()))
    }

    async fn list(&self) -> Result<Vec<Instance>, CloudError> {
        Ok(Vec::new())
    }

    async fn instance_types(
        &self,
        pool: &NodePool,
    ) -> Result<Arc<[Arc<InstanceType>]>, CloudError> {
        let name = &pool.spec.template.spec.node_class_ref.name;
        let class = self.cloud.class(name);
        let class = class.ok_or_else(|| CloudError::Other(format!("no class {name}")))?;
        let list = self.types.list(&class, None);
        list.map_err(|error| CloudError::Other(error.to_string()))
    }

    async fn is_drifted(&self, _: &NodeClaim) -> Result<Option<DriftReason>, CloudError> {
        Ok(None)
    }

    fn repair_policies(&self) -> Vec<RepairPolicy> {
        Vec::new()
    }
}

fn create_pool(cloud: &Cloud, name: &str, class: &str) {
    cloud.kube.create(
        POOLS,
        json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name},
            "spec": {"template": {"spec": {"requirements": [], "nodeClassRef":
                {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": class}}}}}),
    );
}

fn start_showing(cloud: &Cloud, types: Arc<InstanceTypes>, reserved_capacity: bool) {
    let objects = cloud.kube.objects.clone();
    let provider: Arc<dyn CloudProvider> = Arc::new(Types {
        cloud: objects,
        types,
    });
    let (world, stop) = (cloud.world(), cloud.kube.shutdown.clone());
    tokio::spawn(async move { show(&world, &provider, reserved_capacity, &stop).await });
}

/// Whether an offering of an m5.large is shown as available, and its price.
fn shown(cloud: &Cloud, capacity_type: &str, zone: &str) -> Option<(f64, f64)> {
    let labels = ["m5.large", capacity_type, zone];
    let value = |metric| cloud.kube.metrics.value(metric, &labels);
    Some((
        value(&names::OFFERING_AVAILABLE)?,
        value(&names::OFFERING_PRICE)?,
    ))
}

/// MET-1: what any pool can have is shown, also where one pool has no class; what no pool has any
/// more is not.
#[tokio::test(start_paused = true)]
async fn offerings_of_all_pools_are_shown_every_minute() {
    let cloud = Cloud::new().await;
    let types = types(&cloud).await;
    create_class(&cloud, "first", &testing::ZONES[..1]);
    create_pool(&cloud, "first", "first");
    cloud.kube.settle().await;
    start_showing(&cloud, types, false);
    cloud.kube.settle().await;
    let of = |how: &str, zone: &str| shown(&cloud, how, zone);
    assert_eq!(of("on-demand", "test-zone-1a"), Some((1.0, 0.096)));
    assert_eq!(of("on-demand", "test-zone-1b"), Some((0.0, 0.096)));
    assert_eq!(of("spot", "test-zone-1c"), Some((0.0, 0.096)));
    assert_eq!(of("reserved", "test-zone-1a"), None);

    create_class(&cloud, "second", &testing::ZONES[1..2]);
    create_pool(&cloud, "second", "second");
    create_pool(&cloud, "lost", "no-such-class");
    cloud.pass(61).await;
    assert_eq!(of("on-demand", "test-zone-1a"), Some((1.0, 0.096)));
    assert_eq!(of("on-demand", "test-zone-1b"), Some((1.0, 0.096)));

    for pool in ["first", "second"] {
        cloud.kube.delete(POOLS, pool);
    }
    cloud.pass(600).await;
    assert_eq!(of("on-demand", "test-zone-1a"), None, "no pool has it");
}

/// MET-1: where reservations are used, they are shown, and what is not reserved as zero.
#[tokio::test(start_paused = true)]
async fn reservations_are_shown_where_they_are_used() {
    let cloud = Cloud::new().await;
    let types = types(&cloud).await;
    create_class(&cloud, "default", &testing::ZONES[..2]);
    let reservation = json!({
        "id": "cr-1", "availabilityZone": "test-zone-1a", "instanceType": "m5.large",
        "instanceMatchCriteria": "targeted", "ownerID": "012345678901",
        "reservationType": "default", "state": "active"});
    set_status(
        &cloud,
        "default",
        "capacityReservations",
        json!([reservation]),
    );
    create_pool(&cloud, "default", "default");
    cloud.kube.settle().await;
    start_showing(&cloud, types, true);
    cloud.kube.settle().await;
    let (available, price) = shown(&cloud, "reserved", "test-zone-1a").expect("a series");
    assert!(
        (available - 1.0).abs() < f64::EPSILON && price < 0.000_001,
        "{price}"
    );
    assert_eq!(shown(&cloud, "reserved", "test-zone-1b"), Some((0.0, 0.0)));
}
