use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cluster::{ObjectKey, Snapshot};
use requirements::Vocabulary;
use serde_json::{Value, json};

use super::*;

const ZONE: &str = "topology.kubernetes.io/zone";
const EBS: &str = "ebs.csi.aws.com";

fn snapshot(items: &[Value]) -> Snapshot {
    testkit::world::cluster_of(items, Vocabulary::aws(), &Arc::from([])).snapshot()
}

fn pod(name: &str, volumes: &Value) -> Value {
    json!({"kind": "Pod", "metadata": {"name": name, "namespace": "n", "uid": "pod-uid"},
        "spec": {"containers": [{"name": "c"}], "volumes": volumes}})
}

/// A pod `p` with claims by name.
fn pod_with(claims: &[&str]) -> Value {
    let volumes: Vec<Value> = claims
        .iter()
        .map(|claim| json!({"name": claim, "persistentVolumeClaim": {"claimName": claim}}))
        .collect();
    pod("p", &json!(volumes))
}

fn claim(name: &str, spec: &Value) -> Value {
    json!({"kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "n"},
        "spec": spec, "status": {"phase": "Pending"}})
}

fn bound(name: &str, volume: &str) -> Value {
    json!({"kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "n",
            "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"volumeName": volume}, "status": {"phase": "Bound"}})
}

fn class(name: &str, mode: &str, zones: &[&[&str]]) -> Value {
    let topologies: Vec<Value> = zones
        .iter()
        .map(|zones| json!({"matchLabelExpressions": [{"key": ZONE, "values": zones}]}))
        .collect();
    json!({"kind": "StorageClass", "metadata": {"name": name}, "provisioner": EBS,
        "volumeBindingMode": mode, "allowedTopologies": topologies})
}

/// A volume whose terms are lists of (key, value).
fn volume(name: &str, source: &Value, terms: &[&[(&str, &str)]]) -> Value {
    let terms: Vec<Value> = terms
        .iter()
        .map(|term| {
            let expressions: Vec<Value> = term
                .iter()
                .map(|(key, value)| json!({"key": key, "operator": "In", "values": [value]}))
                .collect();
            json!({"matchExpressions": expressions})
        })
        .collect();
    let mut volume = json!({"kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}});
    for (key, value) in source.as_object().unwrap() {
        volume["spec"][key] = value.clone();
    }
    volume
}

fn csi() -> Value {
    json!({"csi": {"driver": EBS, "volumeHandle": "vol-1"}})
}

fn needs_with(items: &[Value], unsupported: &Unsupported) -> Result<VolumeNeeds, VolumeProblem> {
    let snapshot = snapshot(items);
    let pod = snapshot.find_pod("n", "p").expect("the pod is there");
    needs(&pod, &snapshot.volumes, &snapshot.vocabulary, unsupported)
}

fn needs_of(items: &[Value]) -> Result<VolumeNeeds, VolumeProblem> {
    needs_with(items, &Unsupported::default())
}

/// Alternatives as text.
fn alternatives(items: &[Value]) -> Vec<String> {
    let needs = needs_of(items).expect("the claims can be used");
    needs.alternatives.iter().map(ToString::to_string).collect()
}

fn in_zones(zones: &[&str]) -> String {
    Requirements::from_iter([requirements::Requirement::any_of(
        ZONE,
        zones.iter().copied(),
    )])
    .to_string()
}

/// SCH-14, SCH-164, SCH-166, SCH-167, SCH-168: what makes a claim unusable, with what is said.
#[test]
fn claims_that_cannot_be_used_fail_their_pod() {
    let deleting = |mut object: Value| {
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        object["metadata"]["finalizers"] = json!(["kubernetes.io/pvc-protection"]);
        object
    };
    let mut lost = bound("a", "pv");
    lost["status"]["phase"] = json!("Lost");
    let wait = class("wait", "WaitForFirstConsumer", &[]);
    let pv = volume("pv", &csi(), &[]);
    let cases: Vec<(Vec<Value>, &str)> = vec![
        (vec![], "persistentvolumeclaim not found"),
        (
            vec![deleting(claim("a", &json!({"storageClassName": "wait"})))],
            "persistentvolumeclaim is being deleted",
        ),
        (
            vec![lost, pv.clone()],
            "persistentvolumeclaim bound to non-existent persistentvolume",
        ),
        (vec![bound("a", "pv")], "persistentvolume pv not found"),
        (
            vec![bound("a", "pv"), deleting(pv.clone())],
            "persistentvolume pv is being deleted",
        ),
        (
            vec![claim("a", &json!({"volumeName": "pv"})), pv.clone()],
            "pvc is considered unbound because it does not contain annotation pv.kubernetes.io/bind-completed",
        ),
        (
            vec![claim("a", &json!({}))],
            "unbound pvc must define a storage class",
        ),
        (
            vec![claim("a", &json!({"storageClassName": ""}))],
            "unbound pvc must define a storage class",
        ),
        (
            vec![claim("a", &json!({"storageClassName": "none"}))],
            "storage class none not found",
        ),
        (
            vec![
                claim("a", &json!({"storageClassName": "now"})),
                class("now", "Immediate", &[]),
            ],
            "failed to validate pvc, pvc with immediate volume binding mode must be bound",
        ),
        (
            vec![
                claim("a", &json!({"storageClassName": "silent"})),
                json!({"kind": "StorageClass", "metadata": {"name": "silent"}, "provisioner": EBS}),
            ],
            "failed to validate pvc, pvc with immediate volume binding mode must be bound",
        ),
    ];
    for (mut items, expected) in cases {
        items.push(pod_with(&["a"]));
        items.push(wait.clone());
        let problem = needs_of(&items).expect_err(expected);
        assert_eq!(
            problem.to_string(),
            format!("{expected} (PersistentVolumeClaim=n/a)")
        );
    }
}

/// SCH-164, SCH-167: a bound claim needs no storage class.
#[test]
fn bound_claims_need_no_storage_class() {
    for class in [None, Some("")] {
        let mut bound = bound("a", "pv");
        if let Some(class) = class {
            bound["spec"]["storageClassName"] = json!(class);
        }
        let needs = needs_of(&[pod_with(&["a"]), bound, volume("pv", &csi(), &[])]).unwrap();
        assert_eq!(needs.alternatives, []);
        assert_eq!(needs.attach, attach(EBS, &["a"]));
    }
}

fn attach(driver: &str, claims: &[&str]) -> Attach {
    let claims = claims.iter().map(|name| ObjectKey::new("n", name));
    BTreeMap::from([(driver.into(), claims.collect::<BTreeSet<_>>())])
}

/// SCH-169: what the provider can't do, by class and by bound volume.
#[test]
fn what_the_provider_cannot_do_fails_the_pod() {
    let by_class = [
        pod_with(&["a"]),
        claim("a", &json!({"storageClassName": "wait"})),
        class("wait", "WaitForFirstConsumer", &[&["zone-1"]]),
    ];
    let by_volume = [
        pod_with(&["a"]),
        bound("a", "pv"),
        volume("pv", &csi(), &[]),
    ];
    let provisioner = Unsupported {
        provisioners: BTreeSet::from([EBS.to_owned()]),
        ..Unsupported::default()
    };
    for items in [&by_class, &by_volume] {
        assert!(needs_of(items).is_ok());
        let problem = needs_with(items, &provisioner).unwrap_err();
        assert_eq!(
            problem.cause,
            VolumeCause::Provisioner { driver: EBS.into() }
        );
    }
    let keys = Unsupported {
        topology_keys: BTreeSet::from([ZONE.to_owned()]),
        ..Unsupported::default()
    };
    let problem = needs_with(&by_class, &keys).unwrap_err();
    assert_eq!(problem.cause, VolumeCause::TopologyKey { key: ZONE.into() });
    assert!(needs_with(&by_volume, &keys).is_ok());
}

/// SCH-156, SCH-157, SCH-161, SCH-162: zones of a volume and of a storage class, ORed.
#[test]
fn places_come_from_the_volume_or_the_storage_class() {
    let ored = [in_zones(&["zone-1"]), in_zones(&["zone-2"])];
    let terms: [&[(&str, &str)]; 2] = [&[(ZONE, "zone-1")], &[(ZONE, "zone-2")]];
    let pv = volume("pv", &csi(), &terms);
    assert_eq!(
        alternatives(&[pod_with(&["a"]), bound("a", "pv"), pv]),
        ored
    );
    let unbound = claim("a", &json!({"storageClassName": "zonal"}));
    let zonal = class("zonal", "WaitForFirstConsumer", &[&["zone-1"], &["zone-2"]]);
    assert_eq!(
        alternatives(&[pod_with(&["a"]), unbound.clone(), zonal]),
        ored
    );
    let one_term = class("zonal", "WaitForFirstConsumer", &[&["zone-1", "zone-2"]]);
    assert_eq!(
        alternatives(&[pod_with(&["a"]), unbound, one_term]),
        [in_zones(&["zone-1", "zone-2"])]
    );
}

/// A driver's own label for zones means the same as that of nodes.
#[test]
fn zone_labels_of_drivers_are_those_of_nodes() {
    let pv = volume("pv", &csi(), &[&[("topology.ebs.csi.aws.com/zone", "z")]]);
    assert_eq!(
        alternatives(&[pod_with(&["a"]), bound("a", "pv"), pv]),
        [in_zones(&["z"])]
    );
}

/// The Kubernetes scheduler heeds zone labels of volumes.
#[test]
fn zone_labels_of_old_volumes_count() {
    let mut pv = volume(
        "pv",
        &json!({"awsElasticBlockStore": {"volumeID": "v"}}),
        &[],
    );
    pv["metadata"]["labels"] = json!({"failure-domain.beta.kubernetes.io/zone": "a__b"});
    let items = [pod_with(&["a"]), bound("a", "pv"), pv];
    assert_eq!(alternatives(&items), [in_zones(&["a", "b"])]);
}

/// SCH-158, SCH-159: the hostname of a volume of one node is dropped, its zone is not; the hostname
/// of other volumes stays.
#[test]
fn volumes_of_one_node_lose_its_hostname_only() {
    let host = (api::labels::HOSTNAME, "old");
    for source in [
        json!({"local": {"path": "/a"}}),
        json!({"hostPath": {"path": "/a"}}),
    ] {
        let place = |terms: &[&[(&str, &str)]]| {
            let pv = volume("pv", &source, terms);
            alternatives(&[pod_with(&["a"]), bound("a", "pv"), pv])
        };
        let none: [String; 0] = [];
        assert_eq!(place(&[&[host]]), none);
        assert_eq!(place(&[&[host], &[(ZONE, "nowhere")]]), none);
        assert_eq!(place(&[&[host, (ZONE, "z")]]), [in_zones(&["z"])]);
    }
    let pv = volume("pv", &json!({"nfs": {"path": "/"}}), &[&[host]]);
    let kept = needs_of(&[pod_with(&["a"]), bound("a", "pv"), pv]).unwrap();
    assert!(kept.alternatives[0].contains(api::labels::HOSTNAME));
}

/// SCH-160: combinations that agree, in order of the volumes; where none does, a contradiction.
#[test]
fn several_volumes_must_agree() {
    let of = |volumes: &[&[&str]]| {
        let names: Vec<String> = (0..volumes.len()).map(|at| format!("c{at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut items = vec![pod_with(&names)];
        for (name, zones) in names.iter().zip(volumes) {
            let terms: Vec<Vec<(&str, &str)>> = zones.iter().map(|z| vec![(ZONE, *z)]).collect();
            let terms: Vec<&[(&str, &str)]> = terms.iter().map(Vec::as_slice).collect();
            items.push(bound(name, name));
            items.push(volume(name, &csi(), &terms));
        }
        needs_of(&items).unwrap()
    };
    let texts = |needs: &VolumeNeeds| -> Vec<String> {
        needs.alternatives.iter().map(ToString::to_string).collect()
    };
    let agreeing = of(&[&["1", "2"], &["2", "3"]]);
    assert_eq!(texts(&agreeing), [in_zones(&["2"])]);
    let many = of(&[&["1", "2", "3"] as &[&str]; 12]);
    assert_eq!(
        texts(&many),
        [in_zones(&["1"]), in_zones(&["2"]), in_zones(&["3"])]
    );
    assert_eq!(many.attach[EBS].len(), 12);
    let disjoint = of(&[&["1"], &["2"], &["1", "2"]]);
    assert_eq!(disjoint.alternatives.len(), 1);
    assert!(disjoint.alternatives[0].impossible().is_some());
}

/// SCH-165: an ephemeral volume is looked up by its claim; one that is not there yet is made up
/// from the template, with the newest default class where the template names none.
#[test]
fn ephemeral_volumes_count_with_their_claim_or_their_template() {
    let ephemeral = |spec: &Value| {
        pod(
            "p",
            &json!([{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": spec}}}]),
        )
    };
    let default = |name: &str, driver: &str, created: &str| {
        json!({"kind": "StorageClass", "provisioner": driver,
            "metadata": {"name": name, "creationTimestamp": created,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "volumeBindingMode": "WaitForFirstConsumer"})
    };
    let older = default("older", "older.csi", "2026-01-01T00:00:00Z");
    let newer = default("newer", "newer.csi", "2026-01-02T00:00:00Z");
    let wait = class("wait", "WaitForFirstConsumer", &[]);
    let made = claim("p-scratch", &json!({"storageClassName": "wait"}));
    let explicit = ephemeral(&json!({"storageClassName": "wait"}));
    let silent = ephemeral(&json!({}));
    let cases = [
        (vec![explicit.clone(), wait.clone(), older.clone()], EBS),
        (vec![silent.clone(), older.clone()], "older.csi"),
        (vec![silent.clone(), newer, older.clone()], "newer.csi"),
        (vec![silent.clone(), older, made, wait.clone()], EBS),
    ];
    for (items, driver) in cases {
        assert_eq!(
            needs_of(&items).unwrap().attach,
            attach(driver, &["p-scratch"])
        );
    }
    let problem = needs_of(&[silent]).unwrap_err();
    assert_eq!(problem.cause, VolumeCause::NoClass);
    let mut taken = claim("p-scratch", &json!({"storageClassName": "wait"}));
    taken["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "Pod",
        "name": "p", "uid": "an-earlier-pod", "controller": true}]);
    let problem = needs_of(&[explicit, taken, wait]).unwrap_err();
    assert_eq!(problem.cause, VolumeCause::OfAnother);
}

/// SCH-155, SCH-170: which driver a claim counts with.
#[test]
fn drivers_come_from_the_volume_or_the_class_in_tree_ones_translated() {
    let of_volume = |source: Value| {
        vec![
            pod_with(&["a"]),
            bound("a", "pv"),
            volume("pv", &source, &[]),
        ]
    };
    let of_class = |provisioner: &str| {
        let mut class = class("c", "WaitForFirstConsumer", &[]);
        class["provisioner"] = json!(provisioner);
        vec![
            pod_with(&["a"]),
            claim("a", &json!({"storageClassName": "c"})),
            class,
        ]
    };
    let cases = [
        (of_volume(json!({"nfs": {"server": "s"}})), None),
        (of_volume(csi()), Some(EBS)),
        (
            of_volume(json!({"awsElasticBlockStore": {"volumeID": "v"}})),
            Some(EBS),
        ),
        (of_class("kubernetes.io/aws-ebs"), Some(EBS)),
        (
            of_class("kubernetes.io/gce-pd"),
            Some("pd.csi.storage.gke.io"),
        ),
        (of_class("efs.csi.aws.com"), Some("efs.csi.aws.com")),
    ];
    for (items, driver) in cases {
        let expected = driver.map_or_else(Attach::new, |driver| attach(driver, &["a"]));
        assert_eq!(needs_of(&items).unwrap().attach, expected, "{driver:?}");
    }
}

fn csi_node(name: &str, count: Option<u32>) -> Value {
    json!({"kind": "CSINode", "metadata": {"name": name},
        "spec": {"drivers": [{"name": EBS, "allocatable": {"count": count}}]}})
}

/// A node with pods that hold the claims of each list.
fn node_with(pods: &[&[&str]]) -> Vec<Value> {
    let mut items = vec![
        json!({"kind": "Node", "metadata": {"name": "node"}}),
        class("wait", "WaitForFirstConsumer", &[]),
    ];
    for (at, claims) in pods.iter().enumerate() {
        let mut pod = pod_with(claims);
        pod["metadata"]["name"] = json!(format!("on-node-{at}"));
        pod["metadata"]["uid"] = json!(format!("on-node-{at}"));
        pod["spec"]["nodeName"] = json!("node");
        items.push(pod);
        for name in *claims {
            items.push(claim(name, &json!({"storageClassName": "wait"})));
        }
    }
    items
}

/// SCH-153, SCH-154, SCH-239, SCH-240: claims are counted once per node, by driver, against what
/// its CSINode says.
#[test]
fn nodes_count_claims_by_driver() {
    let mut items = node_with(&[&["a", "b"], &["b", "c"]]);
    items.push(csi_node("node", Some(4)));
    let snapshot = snapshot(&items);
    let node = snapshot.node("node").unwrap();
    let used = attached(node, &snapshot.volumes);
    assert_eq!(used, attach(EBS, &["a", "b", "c"]));
    let limits = limits(node, &snapshot.volumes);
    assert_eq!(limits, BTreeMap::from([(Arc::from(EBS), 4)]));
    let beside = |claims: &[&str]| exceeded(&used, &attach(EBS, claims), &limits);
    assert_eq!(beside(&["d"]), None);
    assert_eq!(beside(&["a", "b", "c"]), None);
    let over = beside(&["c", "d", "e"]).unwrap();
    assert_eq!((over.limit, over.wanted), (4, 5));
    assert_eq!(
        exceeded(&used, &attach("other.csi", &["d", "e", "f"]), &limits),
        None
    );
}

/// A node above its limit takes pods that bring no volume of that driver, as the Kubernetes
/// scheduler has it.
#[test]
fn a_node_above_its_limit_refuses_only_further_volumes() {
    let used = attach(EBS, &["a", "b", "c"]);
    let limits = BTreeMap::from([(Arc::from(EBS), 2)]);
    assert_eq!(exceeded(&used, &Attach::new(), &limits), None);
    assert_eq!(exceeded(&used, &attach(EBS, &["a"]), &limits), None);
    assert!(exceeded(&used, &attach(EBS, &["d"]), &limits).is_some());
}

#[test]
fn nodes_without_a_csi_node_or_count_have_no_limit() {
    for extra in [
        None,
        Some(csi_node("node", None)),
        Some(csi_node("x", Some(1))),
    ] {
        let mut items = node_with(&[]);
        items.extend(extra);
        let snapshot = snapshot(&items);
        let node = snapshot.node("node").unwrap();
        assert_eq!(limits(node, &snapshot.volumes), BTreeMap::new());
    }
}

/// Pods on a node whose claims are gone don't keep other pods away.
#[test]
fn claims_that_are_gone_are_not_counted() {
    let mut items = node_with(&[&["a"]]);
    items.retain(|item| item["kind"] != "PersistentVolumeClaim");
    let snapshot = snapshot(&items);
    let used = attached(snapshot.node("node").unwrap(), &snapshot.volumes);
    assert_eq!(used, Attach::new());
}

#[test]
fn volumes_that_are_still_attached_are_held_by_their_node() {
    let attachment = |name: &str, volume: &str| {
        json!({"kind": "VolumeAttachment", "metadata": {"name": name},
            "spec": {"attacher": EBS, "nodeName": "node",
                "source": {"persistentVolumeName": volume}}})
    };
    let items = [
        bound("a", "pv"),
        volume("pv", &csi(), &[]),
        attachment("1", "pv"),
        attachment("2", "left-over"),
    ];
    let snapshot = snapshot(&items);
    let held = held(&snapshot.volumes);
    let claims: Vec<String> = held["node"][EBS].iter().map(ToString::to_string).collect();
    assert_eq!(claims, ["left-over", "n/a"]);
}

/// Pods with as many claims of their own are alike; shared claims tell pods apart.
#[test]
fn demands_tell_pods_apart_by_shared_claims_only() {
    let needs = |claims: &[&str]| VolumeNeeds {
        alternatives: Vec::new(),
        attach: attach(EBS, claims),
    };
    let shared = |key: &ObjectKey| &*key.name == "shared";
    let first = needs(&["a", "b"]).demand(shared);
    assert_eq!(first, needs(&["c", "d"]).demand(shared));
    assert_eq!(first.own, BTreeMap::from([(Arc::from(EBS), 2)]));
    let sharing = needs(&["a", "shared"]).demand(shared);
    assert_eq!(sharing.shared, attach(EBS, &["shared"]));
    assert_ne!(first, sharing);
}
