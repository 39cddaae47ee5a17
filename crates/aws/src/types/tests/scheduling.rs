//! Pods that ask for what only some types have, placed by the scheduler.

use ::scheduling::{Batch, Launch, Options as Solver, Placement, solve};
use catalog::InstanceType;
use serde_json::json;
use testkit::{referee, world};

use super::*;

/// Pending pods of one pool over a list of types.
#[derive(Clone)]
pub(super) struct Pods {
    types: Arc<[Arc<InstanceType>]>,
    pool: Value,
    waiting: Vec<Value>,
}

/// The spec of a pod that selects a label.
pub(super) fn selecting(key: &str, value: &str) -> Value {
    json!({"nodeSelector": {key: value}})
}

impl Pods {
    pub(super) fn new(types: &Arc<[Arc<InstanceType>]>) -> Self {
        Self {
            types: types.clone(),
            pool: json!([]),
            waiting: Vec::new(),
        }
    }

    /// The requirements of the pool.
    pub(super) fn pool(mut self, requirements: Value) -> Self {
        self.pool = requirements;
        self
    }

    /// One more pod, with fields of its spec.
    pub(super) fn pod(mut self, spec: Value) -> Self {
        let name = format!("pod-{}", self.waiting.len());
        let mut pod = json!({
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"containers": [{"name": "app"}]},
            "status": {"phase": "Pending", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]},
        });
        for (key, value) in spec.as_object().expect("a map") {
            pod["spec"][key] = value.clone();
        }
        self.waiting.push(pod);
        self
    }

    pub(super) fn placement(&self) -> Placement {
        let class =
            json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"});
        let pool = json!({
            "kind": "NodePool",
            "metadata": {"name": "default", "uid": "uid-default"},
            "spec": {"template": {"spec": {
                "requirements": self.pool, "nodeClassRef": class}}},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        });
        let mut items = vec![pool];
        items.extend(self.waiting.iter().cloned());
        let vocabulary = requirements::Vocabulary::aws();
        let snapshot = world::cluster_of(&items, vocabulary, &self.types).snapshot();
        let batch = Batch::default();
        let placement = solve(&snapshot, &batch, &Solver::default(), NOW, 1);
        let violations = referee::check(&snapshot, &batch, NOW, &placement);
        assert!(violations.is_empty(), "{violations:#?}");
        placement
    }

    /// What would be launched for the pods, if it is one node for all.
    pub(super) fn launch(&self) -> Option<Launch> {
        let placement = self.placement();
        match placement.new_claims.as_slice() {
            [claim] if placement.unplaced.is_empty() => Some(claim.launch.clone()),
            _ => None,
        }
    }

    /// The types of the nodes that would be launched, if all pods have a place.
    pub(super) fn types(&self) -> Vec<String> {
        let placement = self.placement();
        assert!(placement.unplaced.is_empty(), "{:?}", placement.unplaced);
        let claims = placement.new_claims.iter();
        claims
            .map(|claim| claim.launch.instance_type.to_string())
            .collect()
    }

    /// All types that the one node may be of.
    fn may_be(&self) -> BTreeSet<String> {
        let placement = self.placement();
        let claims = placement.new_claims.iter();
        let types = claims.flat_map(|claim| claim.instance_types.iter());
        types.map(|ty| ty.name.to_string()).collect()
    }
}

fn requesting(requests: Value) -> Value {
    json!({"containers": [{"name": "app",
        "resources": {"requests": requests, "limits": requests}}]})
}

/// The types that a pod with these requests may get.
fn types_for(scene: &Scene, requests: Value) -> Vec<String> {
    let pods = Pods::new(&scene.list()).pod(requesting(requests));
    pods.may_be().into_iter().collect()
}

/// IT-2: a pod can select each label that a type has, and all of them at once.
#[test]
fn pods_can_select_each_label_and_all_together() {
    let scene = Scene::new();
    let list = scene.list();
    let keys = api::labels::AWS_WELL_KNOWN
        .iter()
        .chain(api::labels::WELL_KNOWN);
    let keys: Vec<&str> = keys
        .copied()
        .filter(|key| *key != api::labels::NODEPOOL)
        .collect();
    let mut selected = BTreeSet::new();
    for name in ["g4dn.8xlarge", "inf2.xlarge"] {
        let ty = find(&list, name);
        let mut all = serde_json::Map::new();
        for key in &keys {
            let Some(value) = ty.requirements.get(key).and_then(|r| r.values().first()) else {
                continue;
            };
            let launch = Pods::new(&list).pod(selecting(key, value)).launch();
            assert!(launch.is_some(), "{key}={value}");
            all.insert((*key).to_owned(), json!(&**value));
            selected.insert(*key);
        }
        let all = Pods::new(&list).pod(json!({"nodeSelector": all}));
        assert_eq!(all.types(), [name]);
    }
    let never: Vec<_> = keys.iter().filter(|key| !selected.contains(*key)).collect();
    assert_eq!(
        never,
        [
            &"karpenter.k8s.aws/capacity-reservation-id",
            &"karpenter.k8s.aws/capacity-reservation-interruptible",
            &"karpenter.k8s.aws/capacity-reservation-type",
            &"karpenter.k8s.aws/placement-group-id",
            &"karpenter.k8s.aws/placement-group-partition",
            &"node.kubernetes.io/windows-build",
        ]
    );
}

/// IT-4: pods with security groups of their own need branch interfaces.
#[test]
fn branch_interfaces_are_not_on_every_type() {
    let list = Scene::new().list();
    let place = |name: &str| {
        let pool = json!([{"key": "node.kubernetes.io/instance-type", "operator": "In",
            "values": [name]}]);
        let pod = requesting(json!({"vpc.amazonaws.com/pod-eni": "1"}));
        Pods::new(&list).pool(pool).pod(pod).launch()
    };
    assert!(place("t3.large").is_none());
    assert!(place("m5.large").is_some());
}

/// IT-5: addresses for Windows pods, on types whose limits are known.
#[test]
fn windows_addresses_are_on_types_whose_limits_are_known() {
    let mut scene = Scene::with(json!({"amiFamily": "Windows2022"}));
    let mut unknown = machine("m5.large");
    unknown.name = "m99.large".to_owned();
    let mut all = machines();
    all.push(unknown);
    let mut offered = type_offerings();
    offered.push(crate::ec2::TypeOffering {
        instance_type: "m99.large".to_owned(),
        zone: ZONES[0].0.to_owned(),
    });
    scene.region = Arc::new(Region::new(REGION, all, &offered));
    let price = catalog::Price::from_dollars(0.01);
    scene.overlay_prices.insert("m99.large".to_owned(), price);
    let pod = |resource: &str| {
        let mut pod = requesting(json!({resource: "1"}));
        pod["nodeSelector"] = json!({"kubernetes.io/os": "windows"});
        Pods::new(&scene.list()).pod(pod).may_be()
    };
    let with_addresses = pod("vpc.amazonaws.com/PrivateIPv4Address");
    assert!(with_addresses.contains("m5.large"));
    assert!(!with_addresses.contains("m99.large"));
    assert!(pod("cpu").contains("m99.large"), "though it is there");
}

/// IT-6: devices are on the types that have them.
#[test]
fn devices_decide_about_types() {
    let scene = Scene::new();
    let of = |resource: &str| types_for(&scene, json!({resource: "1"}));
    assert_eq!(
        of("nvidia.com/gpu"),
        ["g4dn.8xlarge", "g5.12xlarge", "p5.48xlarge"]
    );
    assert_eq!(of("amd.com/gpu"), ["g4ad.16xlarge"]);
    let neuron = ["inf2.24xlarge", "inf2.xlarge", "trn1.2xlarge"];
    assert_eq!(of("aws.amazon.com/neuron"), neuron);
    assert_eq!(of("aws.amazon.com/neuroncore"), neuron);
    let cores = types_for(&scene, json!({"aws.amazon.com/neuroncore": "4"}));
    assert_eq!(cores, ["inf2.24xlarge"]);
    let trainium = Pods::new(&scene.list()).pod(json!({
        "nodeSelector": {"karpenter.k8s.aws/instance-accelerator-name": "trainium"}}));
    assert_eq!(trainium.types(), ["trn1.2xlarge"]);
    let efa = [
        "g4dn.8xlarge",
        "g5.12xlarge",
        "m6idn.32xlarge",
        "p5.48xlarge",
    ];
    assert_eq!(of("vpc.amazonaws.com/efa"), efa);
}

/// IT-10: flex types are a label.
#[test]
fn flex_types_can_be_required_and_forbidden() {
    let list = Scene::new().list();
    let flex = |value: &str| {
        let pod = selecting("karpenter.k8s.aws/instance-capability-flex", value);
        Pods::new(&list).pod(pod).may_be()
    };
    assert_eq!(
        flex("true").into_iter().collect::<Vec<_>>(),
        ["m7i-flex.large"]
    );
    let rigid = flex("false");
    assert!(rigid.len() > 5 && !rigid.contains("m7i-flex.large"));
}

/// IT-22: pods' files need room.
#[test]
fn ephemeral_storage_decides_about_types() {
    let fits = |scene: &Scene, size: &str| types_for(scene, json!({"ephemeral-storage": size}));
    let scene = Scene::new();
    assert!(fits(&scene, "5Gi").contains(&"m5.large".to_owned()));
    assert!(fits(&scene, "40Gi").is_empty());
    let raid = Scene::with(json!({"instanceStorePolicy": "RAID0"}));
    let with_disks = fits(&raid, "40Gi");
    assert!(with_disks.contains(&"m6idn.32xlarge".to_owned()));
    assert!(!with_disks.contains(&"m5.large".to_owned()));
}

/// IT-36, IT-37: whether a pool's nodes are on hosts of their own.
#[test]
fn tenancy_is_what_both_pool_and_pod_want() {
    let list = Scene::new().list();
    let tenancy = "karpenter.k8s.aws/instance-tenancy";
    let place = |pool: Option<&str>, pod: &str| {
        let pool = pool.map_or(
            json!([]),
            |value| json!([{"key": tenancy, "operator": "In", "values": [value]}]),
        );
        let pods = Pods::new(&list).pool(pool).pod(selecting(tenancy, pod));
        let placement = pods.placement();
        let claim = placement.new_claims.first()?;
        Some(claim.requirements.single_values()[tenancy].clone())
    };
    assert_eq!(place(Some("dedicated"), "default"), None);
    assert_eq!(place(Some("default"), "dedicated"), None);
    // The claim leaves but one value, which becomes the node's label.
    assert_eq!(place(None, "dedicated").as_deref(), Some("dedicated"));
    assert_eq!(
        place(Some("dedicated"), "dedicated").as_deref(),
        Some("dedicated")
    );
}
