//! The referee on volumes, reservations and limits: what is broken is found, what is right passes.

mod common;

use common::{HOST, ZONE, boundless, check};
use model::k8s::{Node, Pod};
use serde_json::{Value, json};
use testkit::build::{Builder, node, pod, pool};

const DRIVER: &str = "ebs.csi.aws.com";

/// A pod with these claims, apart by spaces.
fn with_claims(name: &str, claims: &str) -> Builder<Pod> {
    let volumes: Vec<Value> = claims
        .split_whitespace()
        .map(|claim| json!({"name": claim, "persistentVolumeClaim": {"claimName": claim}}))
        .collect();
    pod(name)
        .cpu("100m")
        .with(&json!({"spec": {"volumes": volumes}}))
}

fn bound(name: &str, volume: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "default",
            "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"volumeName": volume}, "status": {"phase": "Bound"}})
}

fn unbound(name: &str, class: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"storageClassName": class}, "status": {"phase": "Pending"}})
}

/// A volume that is where one label has one value.
fn volume(name: &str, source: &Value, key: &str, value: &str) -> Value {
    let mut volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions":
            [{"key": key, "operator": "In", "values": [value]}]}]}}}});
    for (key, value) in source.as_object().into_iter().flatten() {
        volume["spec"][key] = value.clone();
    }
    volume
}

fn csi() -> Value {
    json!({"csi": {"driver": DRIVER, "volumeHandle": "v"}})
}

fn class(name: &str, mode: &str, zones: &[&str]) -> Value {
    let topologies = if zones.is_empty() {
        json!([])
    } else {
        json!([{"matchLabelExpressions": [{"key": ZONE, "values": zones}]}])
    };
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
        "provisioner": "kubernetes.io/aws-ebs", "volumeBindingMode": mode,
        "allowedTopologies": topologies})
}

fn in_zone(name: &str, zone: &str) -> Builder<Node> {
    node(name).label(ZONE, zone)
}

#[test]
fn a_volume_must_be_reachable_from_wherever_the_pod_may_come_to_run() {
    let of_zone = || {
        let volume = volume("v", &csi(), ZONE, "a");
        vec![
            boundless(),
            in_zone("na", "a").json(),
            in_zone("nb", "b").json(),
            volume,
            bound("c", "v"),
            with_claims("p", "c").json(),
        ]
    };
    let to_be_made = || {
        let class = class("slow", "WaitForFirstConsumer", &["a", "b"]);
        vec![
            boundless(),
            class,
            unbound("c", "slow"),
            with_claims("p", "c").json(),
        ]
    };
    let local = || {
        let volume = volume("v", &json!({"local": {"path": "/d"}}), HOST, "gone");
        vec![
            boundless(),
            volume,
            bound("c", "v"),
            with_claims("p", "c").json(),
        ]
    };
    let two = || {
        let volumes = [
            volume("v", &csi(), ZONE, "a"),
            volume("w", &csi(), ZONE, "b"),
        ];
        let claims = [bound("c", "v"), bound("d", "w")];
        [
            vec![boundless(), with_claims("p", "c d").json()],
            volumes.to_vec(),
            claims.to_vec(),
        ]
        .concat()
    };
    check(&[
        ("its zone", of_zone(), &[("new a", "p")], &[]),
        ("a node there", of_zone(), &[("na", "p")], &[]),
        (
            "another zone",
            of_zone(),
            &[("new b", "p")],
            &["VolumePlace"],
        ),
        (
            "a node elsewhere",
            of_zone(),
            &[("nb", "p")],
            &["VolumePlace"],
        ),
        (
            "perhaps another zone",
            of_zone(),
            &[("new a|b", "p")],
            &["VolumePlace"],
        ),
        (
            "where the class allows",
            to_be_made(),
            &[("new a|b", "p")],
            &[],
        ),
        (
            "where it does not",
            to_be_made(),
            &[("new c", "p")],
            &["VolumePlace"],
        ),
        (
            "a disk of a node that is gone",
            local(),
            &[("new b", "p")],
            &[],
        ),
        (
            "volumes in two zones",
            two(),
            &[("new a", "p")],
            &["VolumePlace"],
        ),
    ]);
}

#[test]
fn a_claim_must_be_usable() {
    let row = |objects: Vec<Value>| {
        [
            objects,
            vec![in_zone("na", "a").json(), with_claims("p", "c").json()],
        ]
        .concat()
    };
    let later = class("later", "WaitForFirstConsumer", &[]);
    let at_once = class("at-once", "Immediate", &[]);
    let mut lost = bound("c", "v");
    lost["status"]["phase"] = json!("Lost");
    let mut half = bound("c", "v");
    half["metadata"]["annotations"] = json!({});
    let there = volume("v", &csi(), ZONE, "a");
    let place: &[(&str, &str)] = &[("na", "p")];
    let found: &[&str] = &["Volume"];
    check(&[
        (
            "to be made",
            row(vec![later, unbound("c", "later")]),
            place,
            &[],
        ),
        ("no claim", row(vec![]), place, found),
        ("no class", row(vec![unbound("c", "none")]), place, found),
        (
            "class that binds at once",
            row(vec![at_once, unbound("c", "at-once")]),
            place,
            found,
        ),
        ("no volume", row(vec![bound("c", "v")]), place, found),
        ("lost", row(vec![lost, there.clone()]), place, found),
        ("not bound to the end", row(vec![half, there]), place, found),
    ]);
}

#[test]
fn a_node_attaches_no_more_volumes_than_it_can() {
    let csi_node = json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": "na"},
        "spec": {"drivers": [{"name": DRIVER, "nodeID": "na", "allocatable": {"count": 2}}]}});
    let base = || {
        let class = class("later", "WaitForFirstConsumer", &[]);
        let claims = ["c", "d", "e"].map(|name| unbound(name, "later"));
        let running = with_claims("r", "c").on("na").json();
        [
            vec![csi_node.clone(), in_zone("na", "a").json(), class, running],
            claims.to_vec(),
        ]
        .concat()
    };
    let row = |claims: &str| [base(), vec![with_claims("p", claims).json()]].concat();
    let mut full = base();
    full.push(with_claims("s", "d e").on("na").json());
    let none = [full.clone(), vec![with_claims("p", "").json()]].concat();
    let shared = [full, vec![with_claims("p", "d").json()]].concat();
    let place: &[(&str, &str)] = &[("na", "p")];
    check(&[
        ("one more", row("d"), place, &[]),
        ("two more", row("d e"), place, &["Attach"]),
        ("the same again counts once", row("c d"), place, &[]),
        ("a full node and no volumes", none, place, &[]),
        ("a full node and a volume that it has", shared, place, &[]),
    ]);
}

#[test]
fn reserved_instances_are_held_by_those_who_name_them() {
    let pods = |names: &str| {
        let pods = names
            .split_whitespace()
            .map(|name| pod(name).cpu("1").json());
        [vec![boundless()], pods.collect()].concat()
    };
    check(&[
        (
            "two of two",
            pods("p q"),
            &[("new a r-1", "p"), ("new a r-1", "q")],
            &[],
        ),
        (
            "three of two",
            pods("p q r"),
            &[("new a r-1", "p"), ("new a r-1", "q"), ("new a r-1", "r")],
            &["Reservation"],
        ),
        (
            "not named",
            pods("p"),
            &[("new a r-?", "p")],
            &["Unreserved"],
        ),
        (
            "others don't count",
            pods("p q r"),
            &[("new a r-1", "p"), ("new a r-1", "q"), ("new a", "r")],
            &[],
        ),
    ]);
}

#[test]
fn a_pool_has_no_more_nodes_than_its_limit() {
    let row = |limit: &str, taken: bool| {
        let mut items = vec![pool("default").limit("nodes", limit).json()];
        items.extend(["p", "q"].map(|name| pod(name).cpu("1").json()));
        if taken {
            let node = in_zone("na", "a")
                .provider_id("id")
                .of_pool("default", "any");
            let claim = testkit::build::claim("na-claim", "default").provider_id("id");
            items.extend([node.json(), claim.json()]);
        }
        items
    };
    let two: &[(&str, &str)] = &[("new a", "p"), ("new b", "q")];
    let one: &[(&str, &str)] = &[("new a", "p q")];
    check(&[
        ("two of two", row("2", false), two, &[]),
        ("two of one", row("1", false), two, &["Limit"]),
        ("one more of two", row("2", true), one, &[]),
        ("two more of two", row("2", true), two, &["Limit"]),
    ]);
}
