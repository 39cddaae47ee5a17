//! Volumes: where they can be reached from, and which ones claims get.

use serde_json::{Value, json};

use super::world::{cluster, merge, node, outcome, pod};
use crate::scheduler::schedule;
use crate::state::State;
use crate::write::Write;

/// Kinds with objects.
type Objects = Vec<(&'static str, Value)>;

const ZONE: &str = "topology.kubernetes.io/zone";

fn claim(name: &str, extra: &Value) -> Value {
    let mut claim = json!({
        "metadata": { "name": name, "namespace": "n", "uid": format!("uid-{name}") },
        "spec": { "storageClassName": "slow", "accessModes": ["ReadWriteOnce"],
                  "resources": { "requests": { "storage": "10Gi" } } },
    });
    merge(&mut claim, extra);
    claim
}

fn class(name: &str, provisioner: &str, extra: &Value) -> Value {
    let mut class = json!({
        "metadata": { "name": name },
        "provisioner": provisioner,
        "volumeBindingMode": "WaitForFirstConsumer",
    });
    merge(&mut class, extra);
    class
}

fn volume(name: &str, zone: &str, size: &str, extra: &Value) -> Value {
    let mut volume = json!({
        "metadata": { "name": name },
        "spec": {
            "capacity": { "storage": size }, "accessModes": ["ReadWriteOnce"],
            "storageClassName": "static", "csi": { "driver": "ebs.csi.aws.com" },
            "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": [
                { "key": ZONE, "operator": "In", "values": [zone] }] }] } },
        },
    });
    merge(&mut volume, extra);
    volume
}

fn uses(claims: &[&str]) -> Value {
    let volumes: Vec<Value> = claims
        .iter()
        .map(|name| json!({ "name": name, "persistentVolumeClaim": { "claimName": name } }))
        .collect();
    json!({ "volumes": volumes })
}

fn world(objects: &[(&str, Value)], pods: &[Value]) -> State {
    let nodes = [node("a", "z1", &json!({})), node("b", "z2", &json!({}))];
    let mut state = cluster(&nodes, pods);
    for (kind, object) in objects {
        let object = object.clone();
        let storage = &mut state.storage;
        match *kind {
            "claim" => storage.put_claim(serde_json::from_value(object).unwrap()),
            "volume" => storage.put_volume(serde_json::from_value(object).unwrap()),
            _ => {
                let name = object["metadata"]["name"].as_str().unwrap().to_owned();
                let class: crate::storage::Class = serde_json::from_value(object).unwrap();
                storage.classes.insert(name, class.into());
            }
        }
    }
    state
}

fn bound(to: &str) -> Value {
    json!({ "metadata": { "annotations": { "pv.kubernetes.io/bind-completed": "yes" } },
            "spec": { "volumeName": to } })
}

#[test]
fn claims_decide_where_their_pod_goes() {
    let slow = || ("class", class("slow", "ebs.csi.aws.com", &json!({})));
    let now = || {
        (
            "class",
            class(
                "slow",
                "ebs.csi.aws.com",
                &json!({ "volumeBindingMode": "Immediate" }),
            ),
        )
    };
    let fixed = || {
        (
            "class",
            class("static", "kubernetes.io/no-provisioner", &json!({})),
        )
    };
    let of_static = json!({ "spec": { "storageClassName": "static" } });
    let only_z2 = json!({ "allowedTopologies": [{ "matchLabelExpressions": [
        { "key": ZONE, "values": ["z2"] }] }] });
    let labelled =
        json!({ "metadata": { "labels": { ZONE: "z2__z3" } }, "spec": { "nodeAffinity": null } });
    let free = || ("claim", claim("c", &json!({})));
    let named = |extra: &Value| ("claim", claim("c", extra));
    let v = |zone: &str, size: &str| ("volume", volume("v", zone, size, &json!({})));
    let cases: Vec<(&str, Objects, &str)> = vec![
        (
            "a volume is made where the pod goes",
            vec![slow(), free()],
            "a",
        ),
        (
            "no such claim",
            vec![slow()],
            "persistentvolumeclaim \"c\" not found",
        ),
        (
            "it must be bound first",
            vec![now(), free()],
            "persistentvolumeclaim \"c\" is not bound yet",
        ),
        (
            "only there may volumes be made",
            vec![
                ("class", class("slow", "ebs.csi.aws.com", &only_z2)),
                free(),
            ],
            "b",
        ),
        (
            "the volume is in z2",
            vec![slow(), v("z2", "10Gi"), named(&bound("v"))],
            "b",
        ),
        (
            "an old volume says so by labels",
            vec![
                slow(),
                ("volume", volume("v", "", "1Gi", &labelled)),
                named(&bound("v")),
            ],
            "b",
        ),
        (
            "its volume is gone",
            vec![slow(), named(&bound("v"))],
            "persistentvolume \"v\" not found",
        ),
        (
            "a static volume is in z2",
            vec![fixed(), v("z2", "10Gi"), named(&of_static)],
            "b",
        ),
        (
            "it is too small",
            vec![fixed(), v("z2", "9Gi"), named(&of_static)],
            "2 node(s) had no persistent volume to bind",
        ),
        (
            "it is another's",
            vec![
                fixed(),
                (
                    "volume",
                    volume(
                        "v",
                        "z2",
                        "10Gi",
                        &json!({ "spec": { "claimRef": { "namespace": "n", "name": "d" } } }),
                    ),
                ),
                named(&of_static),
            ],
            "2 node(s) had no persistent volume to bind",
        ),
        (
            "the volume is in no zone that has nodes",
            vec![slow(), v("z9", "10Gi"), named(&bound("v"))],
            "2 node(s) had volume node affinity conflict",
        ),
    ];
    for (case, objects, expected) in cases {
        let mut state = world(&objects, &[pod("p", "x", "", &uses(&["c"]))]);
        let outcome = outcome(&mut state);
        match &outcome[..] {
            [(_, Ok(node))] => assert_eq!(node, expected, "{case}"),
            [(_, Err(why))] => assert!(why.contains(expected), "{case}: {why}"),
            other => panic!("{case}: {other:?}"),
        }
    }
}

#[test]
fn a_volume_that_is_made_is_in_the_zone_of_its_node_and_bound_before_the_pod() {
    let slow = class("slow", "ebs.csi.aws.com", &json!({}));
    let in_z2 = json!({ "nodeSelector": { ZONE: "z2" } });
    let mut wanted = pod("p", "x", "", &uses(&["c"]));
    merge(&mut wanted["spec"], &in_z2);
    let mut state = world(
        &[("class", slow), ("claim", claim("c", &json!({})))],
        &[wanted],
    );
    let writes = schedule(&mut state, model::Timestamp::from_seconds(0));
    let Some(Write::Create(made)) = writes.first() else {
        panic!("no volume: {writes:?}")
    };
    let terms = &made["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"];
    assert_eq!(
        terms[0]["matchExpressions"][0],
        json!({ "key": ZONE, "operator": "In", "values": ["z2"] })
    );
    assert_eq!(made["spec"]["claimRef"]["name"], "c");
    assert_eq!(made["spec"]["persistentVolumeReclaimPolicy"], "Delete");
    assert!(matches!(writes.last(), Some(Write::Bind { .. })));
    let claim = &state.storage.claims[&("n".to_owned(), "c".to_owned())];
    assert!(claim.is_bound());
}

#[test]
fn a_node_attaches_no_more_volumes_than_its_driver_can() {
    let slow = class("slow", "ebs.csi.aws.com", &json!({}));
    let mut objects = vec![("class", slow)];
    for name in ["c", "d", "e"] {
        objects.push(("claim", claim(name, &json!({}))));
    }
    // A claim that two pods share is one volume.
    let cases = [
        (vec!["c"], vec!["c", "d"], true),
        (vec!["c"], vec!["d", "e"], false),
        (vec!["c", "d"], vec!["e"], false),
        (vec!["c", "d"], vec![], true),
    ];
    for (there, wanted, fits) in cases {
        let pods = [
            pod("there", "x", "a", &uses(&there)),
            pod("p", "x", "", &uses(&wanted)),
        ];
        let mut state = world(&objects, &pods);
        state.remove_node("b");
        let limit = std::collections::BTreeMap::from([("ebs.csi.aws.com".to_owned(), 2)]);
        state.storage.limits.insert("a".to_owned(), limit);
        let outcome = outcome(&mut state);
        assert_eq!(
            outcome[0].1.is_ok(),
            fits,
            "{there:?} {wanted:?}: {outcome:?}"
        );
    }
}

#[test]
fn two_pods_do_not_get_one_static_volume_and_one_pod_does_not_get_it_twice() {
    let fixed = class("static", "kubernetes.io/no-provisioner", &json!({}));
    let of_static = json!({ "spec": { "storageClassName": "static" } });
    let mut objects = vec![
        ("class", fixed),
        ("volume", volume("v", "z1", "10Gi", &json!({}))),
    ];
    for name in ["c", "d"] {
        objects.push(("claim", claim(name, &of_static)));
    }
    let two = [
        pod("p", "x", "", &uses(&["c"])),
        pod("q", "x", "", &uses(&["d"])),
    ];
    let found = outcome(&mut world(&objects, &two));
    assert_eq!(
        found.iter().filter(|(_, found)| found.is_ok()).count(),
        1,
        "{found:?}"
    );
    let both = [pod("p", "x", "", &uses(&["c", "d"]))];
    assert!(outcome(&mut world(&objects, &both))[0].1.is_err());
}

#[test]
fn a_claim_for_one_pod_serves_one_pod() {
    let slow = class("slow", "ebs.csi.aws.com", &json!({}));
    let exclusive = claim(
        "c",
        &json!({ "spec": { "accessModes": ["ReadWriteOncePod"] } }),
    );
    let pods = [
        pod("there", "x", "a", &uses(&["c"])),
        pod("p", "x", "", &uses(&["c"])),
    ];
    let outcome = outcome(&mut world(&[("class", slow), ("claim", exclusive)], &pods));
    let why = "persistentvolumeclaim \"c\" is in use by another pod";
    assert_eq!(outcome[0].1, Err(why.to_owned()));
}
