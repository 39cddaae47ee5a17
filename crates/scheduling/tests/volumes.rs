//! Scenarios of volumes: their places, limits of nodes, and claims that can't be used.

mod common;

use std::collections::BTreeMap;

use common::world::{
    Place, World, ZONE, bound, instance_type, merge, new_node, node, place, pod, reasons,
};
use scheduling::{Placement, Rejection};
use serde_json::{Value, json};

const EBS: &str = "ebs.csi.aws.com";
const HOST: &str = "kubernetes.io/hostname";
const ZONES: [&str; 3] = ["test-zone-1", "test-zone-2", "test-zone-3"];

fn with_claims(names: &[&str]) -> Value {
    let volumes: Vec<Value> = names
        .iter()
        .map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}}))
        .collect();
    json!({"volumes": volumes})
}

fn unbound(name: &str, class: &str) -> Value {
    json!({"kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "default"},
        "spec": {"storageClassName": class}, "status": {"phase": "Pending"}})
}

fn bound_to(name: &str, volume: &str) -> Value {
    json!({"kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "default",
            "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"volumeName": volume}, "status": {"phase": "Bound"}})
}

/// A volume; each term is a list of labels with their value.
fn volume(name: &str, source: Value, terms: &[&[(&str, &str)]]) -> Value {
    let expression =
        |(key, value): &(&str, &str)| json!({"key": key, "operator": "In", "values": [value]});
    let terms: Vec<Value> = terms
        .iter()
        .map(|term| json!({"matchExpressions": term.iter().map(expression).collect::<Vec<_>>()}))
        .collect();
    let mut volume = json!({"kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}});
    merge(&mut volume["spec"], source);
    volume
}

fn csi() -> Value {
    json!({"csi": {"driver": EBS, "volumeHandle": "vol"}})
}

/// A class that waits for a node; each list is a term of zones.
fn class(name: &str, zones: &[&[&str]]) -> Value {
    let terms: Vec<Value> = zones
        .iter()
        .map(|zones| json!({"matchLabelExpressions": [{"key": ZONE, "values": zones}]}))
        .collect();
    json!({"kind": "StorageClass", "metadata": {"name": name}, "provisioner": EBS,
        "volumeBindingMode": "WaitForFirstConsumer", "allowedTopologies": terms})
}

fn csi_node(name: &str, driver: &str, count: u32) -> Value {
    json!({"kind": "CSINode", "metadata": {"name": name},
        "spec": {"drivers": [{"name": driver, "allocatable": {"count": count}}]}})
}

/// A pool, objects, and a pod `p` with claims.
fn world(objects: &[Value], claims: &[&str]) -> World {
    let world = World::new().pod("p", "100m", with_claims(claims));
    objects.iter().cloned().fold(world, World::object)
}

/// The zone where a pod's new node would be; none if it has no place.
fn zone_of(placement: &Placement, name: &str) -> Option<String> {
    match place(placement, name) {
        Place::New(claim) => Some(claim.launch.zone.to_string()),
        Place::Node(node) => panic!("{name} went to {node}"),
        Place::Nowhere(_) => None,
    }
}

/// How many of the pods went to each existing node, and how many new nodes there are.
fn spread(placement: &Placement) -> (BTreeMap<String, usize>, usize) {
    let existing = placement.existing.iter();
    let existing = existing.map(|e| (e.node.to_string(), e.pods.len()));
    (existing.collect(), placement.new_claims.len())
}

/// SCH-153: a node takes as many volumes as its driver attaches.
#[test]
fn a_node_attaches_no_more_volumes_than_its_driver_can() {
    let mut world = World::new()
        .node("n1", "64", json!({}))
        .object(csi_node("n1", EBS, 10))
        .object(class("wait", &[]));
    for number in 0..6 {
        let names = [format!("a-{number}"), format!("b-{number}")];
        let spec = with_claims(&[&names[0], &names[1]]);
        world = world.pod(&format!("p-{number}"), "100m", spec);
        for name in &names {
            world = world.object(unbound(name, "wait"));
        }
    }
    let placement = world.solve();
    assert_eq!(
        spread(&placement),
        (BTreeMap::from([("n1".to_owned(), 5)]), 1)
    );
}

/// SCH-154: pods that share a claim share a node.
#[test]
fn pods_share_a_node_with_their_claim() {
    let large = instance_type("large", 64, 256, json!({"resources": {"pods": "110"}}));
    let placement = World::new()
        .with_types(&[large])
        .object(class("wait", &[]))
        .object(unbound("shared", "wait"))
        .pods("p", 100, "10m", with_claims(&["shared"]))
        .solve();
    assert_eq!(spread(&placement), (BTreeMap::new(), 1));
}

/// SCH-155, SCH-170: what no driver attaches has no limit; in-tree EBS counts with its driver.
#[test]
fn limits_are_those_of_the_driver_that_attaches() {
    let table = [
        (json!({"nfs": {"server": "s", "path": "/"}}), 2),
        (csi(), 1),
        (json!({"awsElasticBlockStore": {"volumeID": "v"}}), 1),
        (json!({"csi": {"driver": "other", "volumeHandle": "v"}}), 2),
    ];
    for (source, expected) in table {
        let mut world = World::new()
            .node("n1", "64", json!({}))
            .object(csi_node("n1", EBS, 1));
        for name in ["a", "b"] {
            world = world
                .pod(name, "100m", with_claims(&[name]))
                .object(bound_to(name, name))
                .object(volume(name, source.clone(), &[]));
        }
        let placement = world.solve();
        let (existing, _) = spread(&placement);
        assert_eq!(existing.get("n1"), Some(&expected), "{source}");
    }
}

/// Volumes of the pods on a node count, also where their attachment outlives them.
#[test]
fn volumes_that_are_attached_take_room() {
    let base = || {
        World::new()
            .node("n1", "64", json!({}))
            .object(csi_node("n1", EBS, 1))
            .object(class("wait", &[]))
            .object(unbound("old", "wait"))
            .object(unbound("new", "wait"))
    };
    let with_pod = base().object(bound("running", "1", "n1", with_claims(&["old"])));
    let other = with_pod.pod("p", "100m", with_claims(&["new"])).solve();
    assert!(matches!(place(&other, "p"), Place::New(_)));
    let left_over = base()
        .object(
            json!({"kind": "VolumeAttachment", "metadata": {"name": "a"},
            "spec": {"attacher": EBS, "nodeName": "n1",
                "source": {"persistentVolumeName": "gone"}}}),
        )
        .pod("p", "100m", with_claims(&["new"]))
        .solve();
    assert!(matches!(place(&left_over, "p"), Place::New(_)));
    let plain = base()
        .object(bound("running", "1", "n1", with_claims(&["old"])))
        .pod("p", "100m", json!({}))
        .solve();
    assert!(matches!(place(&plain, "p"), Place::Node("n1")));
}

/// SCH-156, SCH-157: pods that keep apart by zone share the zones that their volume leaves.
#[test]
fn alternatives_of_a_volume_are_all_used() {
    let apart = |mut spec: Value| {
        merge(
            &mut spec,
            json!({"affinity": {"podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": ZONE, "labelSelector": {"matchLabels": {"group": "g"}}}]}}}),
        );
        spec
    };
    let (one, two) = (ZONES[0], ZONES[1]);
    let by_volume = [
        bound_to("c", "pv"),
        volume("pv", csi(), &[&[(ZONE, one)], &[(ZONE, two)]]),
    ];
    let by_class = [unbound("c", "zonal"), class("zonal", &[&[one], &[two]])];
    for objects in [by_volume, by_class] {
        let mut world = World::new();
        for name in ["a", "b"] {
            let mut pod = pod(name, "100m", apart(with_claims(&["c"])));
            merge(&mut pod, json!({"metadata": {"labels": {"group": "g"}}}));
            world = world.object(pod);
        }
        let placement = objects.into_iter().fold(world, World::object).solve();
        let mut zones = ["a", "b"].map(|name| zone_of(&placement, name).expect("it has a place"));
        zones.sort();
        assert_eq!(zones, [one, two]);
    }
}

/// SCH-158, SCH-159: the hostname of a volume of one node does not bind, its zone does.
#[test]
fn volumes_of_one_node_bind_by_zone_only() {
    let host = (HOST, "gone");
    let zone = (ZONE, ZONES[1]);
    let nowhere = (ZONE, "nowhere");
    let either: [&[(&str, &str)]; 2] = [&[host], &[nowhere]];
    let both: [&[(&str, &str)]; 1] = [&[host, zone]];
    for source in [
        json!({"local": {"path": "/a"}}),
        json!({"hostPath": {"path": "/a"}}),
    ] {
        let solve = |terms: &[&[(&str, &str)]]| {
            let objects = [bound_to("c", "pv"), volume("pv", source.clone(), terms)];
            zone_of(&world(&objects, &["c"]).solve(), "p")
        };
        assert!(solve(&either).is_some());
        assert_eq!(solve(&both).as_deref(), Some(ZONES[1]));
    }
    let objects = [
        bound_to("c", "pv"),
        volume("pv", json!({"nfs": {"server": "s"}}), &both),
    ];
    assert_eq!(zone_of(&world(&objects, &["c"]).solve(), "p"), None);
}

/// SCH-160: volumes must agree.
#[test]
fn several_volumes_leave_what_they_have_in_common() {
    let [one, two, three] = ZONES.map(|zone| [(ZONE, zone)]);
    let objects = [
        bound_to("c1", "pv1"),
        bound_to("c2", "pv2"),
        volume("pv1", csi(), &[&one, &two]),
        volume("pv2", csi(), &[&two, &three]),
    ];
    let placement = world(&objects, &["c1", "c2"]).solve();
    assert_eq!(zone_of(&placement, "p").as_deref(), Some(ZONES[1]));
    let apart = [
        bound_to("c1", "pv1"),
        bound_to("c2", "pv2"),
        volume("pv1", csi(), &[&one]),
        volume("pv2", csi(), &[&two]),
    ];
    assert_eq!(zone_of(&world(&apart, &["c1", "c2"]).solve(), "p"), None);
    // Nor is it put on a node that has no zone at all.
    let placement = world(&apart, &["c1", "c2"])
        .node("n1", "64", json!({}))
        .solve();
    assert_eq!(zone_of(&placement, "p"), None);
}

/// SCH-161, SCH-162: the zone of the class or of the volume holds, and the pod's must agree.
/// SCH-165: ephemeral volumes are no different.
#[test]
fn zones_of_volumes_hold() {
    let third = &[ZONES[2]];
    let by_class = vec![unbound("c", "zonal"), class("zonal", &[third])];
    let by_volume = vec![
        bound_to("c", "pv"),
        volume("pv", csi(), &[&[(ZONE, ZONES[2])]]),
    ];
    let ephemeral = vec![unbound("p-scratch", "zonal"), class("zonal", &[third])];
    let scratch = json!({"volumes": [{"name": "scratch", "ephemeral":
        {"volumeClaimTemplate": {"spec": {"storageClassName": "zonal"}}}}]});
    let table = [
        (by_class, with_claims(&["c"])),
        (by_volume, with_claims(&["c"])),
        (ephemeral, scratch),
    ];
    for (objects, spec) in table {
        let solve = |zone: Option<&str>| {
            let mut spec = spec.clone();
            if let Some(zone) = zone {
                merge(&mut spec, json!({"nodeSelector": {ZONE: zone}}));
            }
            let world = World::new().pod("p", "100m", spec);
            zone_of(
                &objects.iter().cloned().fold(world, World::object).solve(),
                "p",
            )
        };
        assert_eq!(solve(None).as_deref(), Some(ZONES[2]));
        assert_eq!(solve(Some(ZONES[2])).as_deref(), Some(ZONES[2]));
        assert_eq!(solve(Some(ZONES[0])), None);
    }
}

/// SCH-163: a preference gives way to a volume, never the other way round.
#[test]
fn preferences_do_not_move_volumes() {
    let prefers = json!({"affinity": {"nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference":
            {"matchExpressions": [{"key": ZONE, "operator": "In", "values": [ZONES[1]]}]}}]}}});
    let mut spec = with_claims(&["c"]);
    merge(&mut spec, prefers);
    let placement = World::new()
        .pod("p", "100m", spec)
        .object(bound_to("c", "pv"))
        .object(volume("pv", csi(), &[&[(ZONE, ZONES[0])]]))
        .solve();
    assert_eq!(zone_of(&placement, "p").as_deref(), Some(ZONES[0]));
}

/// SCH-14, SCH-164, SCH-166 to SCH-168: a pod whose claim can't be used waits, with the reason; the
/// others do not.
#[test]
fn claims_that_cannot_be_used_hold_back_their_own_pod_only() {
    let mut immediate = class("now", &[]);
    immediate["volumeBindingMode"] = json!("Immediate");
    let mut lost = bound_to("c", "pv");
    lost["status"]["phase"] = json!("Lost");
    let mut half = bound_to("c", "pv");
    half["metadata"]["annotations"] = json!({});
    let going = |mut object: Value| {
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        object["metadata"]["finalizers"] = json!(["example.com/f"]);
        object
    };
    let pv = volume("pv", csi(), &[]);
    let table: Vec<(Vec<Value>, bool)> = vec![
        (vec![], false),
        (vec![unbound("c", "")], false),
        (vec![unbound("c", "missing")], false),
        (vec![unbound("c", "now"), immediate], false),
        (vec![bound_to("c", "pv")], false),
        (vec![going(bound_to("c", "pv")), pv.clone()], false),
        (vec![bound_to("c", "pv"), going(pv.clone())], false),
        (vec![lost, pv.clone()], false),
        (vec![half, pv.clone()], false),
        (vec![bound_to("c", "pv"), pv], true),
        (vec![unbound("c", "wait"), class("wait", &[])], true),
    ];
    for (objects, placed) in table {
        let placement = world(&objects, &["c"])
            .node("n1", "64", json!({}))
            .pod("other", "100m", json!({}))
            .solve();
        assert!(!matches!(place(&placement, "other"), Place::Nowhere(_)));
        match place(&placement, "p") {
            Place::Nowhere(refusals) => {
                assert!(!placed, "{objects:?}");
                let first = refusals.first().map(|refusal| &refusal.rejection);
                assert!(matches!(first, Some(Rejection::Volume(_))), "{first:?}");
            }
            _ => assert!(placed, "{objects:?}"),
        }
    }
    let placement = world(&[], &["c"]).solve();
    let reasons = reasons(&placement, "p").concat();
    assert!(
        reasons.contains("persistentvolumeclaim not found (PersistentVolumeClaim=default/c)"),
        "{reasons}"
    );
}

/// A pod of a node that goes fails as well if its claim can't be used.
#[test]
fn displaced_pods_need_usable_claims_too() {
    let mut world = World::new().object(node("going", "4", json!({})));
    world = world
        .object(bound("p", "100m", "going", with_claims(&["c"])))
        .object(bound("q", "100m", "going", json!({})));
    world.batch.without.insert("going".to_owned());
    let placement = world.solve();
    assert!(matches!(place(&placement, "p"), Place::Nowhere(_)));
    new_node(&placement, "q");
}

/// SCH-171: a pod that its volume binds to a zone may go there as long as the spread allows it.
#[test]
fn a_volume_does_not_count_against_a_spread() {
    let spread = json!({"topologySpreadConstraints": [{"maxSkew": 1, "minDomains": 3,
        "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"group": "g"}}}]});
    let in_group = |mut pod: Value| {
        merge(&mut pod, json!({"metadata": {"labels": {"group": "g"}}}));
        pod
    };
    let mut world = World::new().object(bound_to("c", "pv")).object(volume(
        "pv",
        csi(),
        &[&[(ZONE, ZONES[0])]],
    ));
    for zone in ZONES {
        world = world.node(zone, "1", json!({"metadata": {"labels": {ZONE: zone}}}));
        world = world.object(in_group(bound(&format!("on-{zone}"), "1", zone, json!({}))));
    }
    let mut spec = with_claims(&["c"]);
    merge(&mut spec, spread);
    let placement = world.object(in_group(pod("p", "100m", spec))).solve();
    assert_eq!(zone_of(&placement, "p").as_deref(), Some(ZONES[0]));
}

/// A claim that several pods share is attached once, and not at all where it is attached already.
#[test]
fn a_shared_claim_counts_once_on_a_node_that_is_there() {
    let shared = |count: usize, limit: u32| {
        let mut world = World::empty()
            .node("n1", "64", json!({}))
            .object(csi_node("n1", EBS, limit))
            .object(class("wait", &[]))
            .object(unbound("data", "wait"));
        for number in 0..count {
            world = world.pod(&format!("p-{number}"), "100m", with_claims(&["data"]));
        }
        world
    };
    assert_eq!(spread(&shared(5, 1).solve()).0["n1"], 5);
    assert!(shared(5, 0).solve().existing.is_empty());
    // A node that is full, but has the claim.
    let world = shared(2, 1).object(bound("r", "1", "n1", with_claims(&["data"])));
    assert_eq!(spread(&world.solve()).0["n1"], 2);
    // Beside one that they share pods have one each.
    let mut world = World::empty()
        .node("n1", "64", json!({}))
        .object(csi_node("n1", EBS, 4))
        .object(class("wait", &[]))
        .object(unbound("data", "wait"));
    for number in 0..5 {
        let own = format!("own-{number}");
        let claims = with_claims(&["data", &own]);
        let pod = pod(&format!("p-{number}"), "100m", claims);
        world = world.object(pod).object(unbound(&own, "wait"));
    }
    let placement = world.solve();
    assert_eq!(spread(&placement).0["n1"], 3);
    let reasons = reasons(&placement, "p-4");
    let full = |reason: &String| reason.contains("attaches 4 at most");
    assert!(reasons.iter().any(full), "{reasons:?}");
}

/// A volume that is still attached after its pod has gone needs no room of its own.
#[test]
fn a_volume_that_is_still_attached_is_attached_already() {
    let attachment = json!({"kind": "VolumeAttachment", "metadata": {"name": "1"},
        "spec": {"attacher": EBS, "nodeName": "n1",
            "source": {"persistentVolumeName": "vol"}}});
    let world = World::empty()
        .node("n1", "64", json!({}))
        .object(csi_node("n1", EBS, 1))
        .object(volume("vol", csi(), &[]))
        .object(bound_to("data", "vol"))
        .object(attachment)
        .pod("p", "100m", with_claims(&["data"]));
    assert_eq!(spread(&world.solve()).0["n1"], 1);
}
