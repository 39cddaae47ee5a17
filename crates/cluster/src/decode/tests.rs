use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::pod::OwnerKind;

/// A pod with every field that is decoded.
fn full() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "web-0", "namespace": "shop", "uid": "0a1b2c3d-0000-4000-8000-00000000000f",
            "resourceVersion": "42", "creationTimestamp": "2026-01-01T12:00:00Z",
            "deletionTimestamp": "2026-01-01T13:00:00Z",
            "labels": {"app": "web", "statefulset.kubernetes.io/pod-name": "web-0"},
            "annotations": {"karpenter.sh/do-not-disrupt": "30m", "example.com/noise": "x",
                "controller.kubernetes.io/pod-deletion-cost": "5"},
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:x": {}}}],
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web",
                "uid": "u", "controller": true}]
        },
        "spec": {
            "nodeName": "n1", "schedulerName": "default-scheduler",
            "nodeSelector": {"disk": "ssd"},
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
                {"nodeSelectorTerms": [{"matchExpressions":
                    [{"key": "a", "operator": "In", "values": ["b"]}]}]}}},
            "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoSchedule"}],
            "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "z",
                "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}],
            "containers": [{"name": "main", "image": "i", "resources":
                {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
                "ports": [{"containerPort": 80, "hostPort": 8080}]}],
            "initContainers": [{"name": "side", "restartPolicy": "Always",
                "resources": {"requests": {"cpu": "100m"}}}],
            "resources": {"requests": {"cpu": "2"}}, "overhead": {"cpu": "50m"},
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}},
                {"name": "scratch", "ephemeral": {"volumeClaimTemplate":
                    {"spec": {"storageClassName": "fast"}}}},
                {"name": "kube-api-access-x7z2q", "projected": {}}],
            "resourceClaims": [{"name": "gpu", "resourceClaimName": "g"}],
            "schedulingGates": [{"name": "wait"}], "hostNetwork": true, "priority": 7,
            "priorityClassName": "high", "preemptionPolicy": "Never",
            "terminationGracePeriodSeconds": 10, "restartPolicy": "Always"
        },
        "status": {
            "phase": "Running", "nominatedNodeName": "n2", "startTime": "2026-01-01T12:00:30Z",
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"},
                {"type": "Ready", "status": "False"}],
            "containerStatuses": [{"name": "main", "allocatedResources": {"cpu": "3"},
                "resources": {"requests": {"cpu": "1"}}}]
        }
    })
}

fn plainly(json: &Value) -> PodUpdate {
    let pod: Pod = serde_json::from_value(json.clone()).unwrap();
    PodUpdate::from(&pod)
}

fn assert_same(decoder: &mut PodDecoder, json: &Value) {
    let decoded = decoder.decode(json.to_string().as_bytes()).unwrap();
    let expected = plainly(json);
    assert_eq!(decoded.content, expected.content, "{json:#}");
    assert_eq!(decoded.facts, expected.facts, "{json:#}");
}

/// Every path to a value inside `json`.
fn paths(json: &Value, prefix: &str, into: &mut Vec<String>) {
    let mut visit = |key: &str, value: &Value| {
        let path = format!("{prefix}/{}", key.replace('~', "~0").replace('/', "~1"));
        into.push(path.clone());
        paths(value, &path, into);
    };
    match json {
        Value::Object(map) => map.iter().for_each(|(key, value)| visit(key, value)),
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(at, value)| visit(&at.to_string(), value));
        }
        _ => {}
    }
}

fn without(json: &Value, path: &str) -> Value {
    let mut json = json.clone();
    let (parent, key) = path.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match json.pointer_mut(parent).unwrap() {
        Value::Object(map) => drop(map.remove(&key)),
        Value::Array(list) => drop(list.remove(key.parse().unwrap())),
        _ => unreachable!("a parent holds values"),
    }
    json
}

#[test]
fn the_memo_never_answers_for_a_pod_that_differs_in_a_field_that_counts() {
    let mut decoder = PodDecoder::new();
    let full = full();
    assert_same(&mut decoder, &full);
    let mut all = Vec::new();
    paths(&full, "", &mut all);
    let required = |path: &str| path.ends_with("/effect");
    for path in all.iter().filter(|path| !required(path)) {
        let pod = without(&full, path);
        if serde_json::from_value::<Pod>(pod.clone()).is_err() {
            continue;
        }
        assert_same(&mut decoder, &pod);
        assert_same(&mut decoder, &full);
    }
}

#[test]
fn pods_of_one_stateful_set_share_their_content_and_keep_what_is_their_own() {
    let mut decoder = PodDecoder::new();
    let first = decoder.decode(full().to_string().as_bytes()).unwrap();
    let second = full()
        .to_string()
        .replace("web-0", "web-1")
        .replace("x7z2q", "b0d9f");
    let second = decoder.decode(second.as_bytes()).unwrap();
    assert!(Arc::ptr_eq(&first.content, &second.content));
    assert_eq!(decoder.contents(), 1);
    let own = second.facts.own.unwrap();
    assert_eq!(own.labels["statefulset.kubernetes.io/pod-name"], "web-1");
    assert_eq!(own.claims, ["data-web-1"]);
}

#[test]
fn texts_that_mean_the_same_share_their_content() {
    let mut decoder = PodDecoder::new();
    let pod = |cpu: &str| {
        json!({"metadata": {"name": "a", "namespace": "n"},
            "spec": {"containers": [{"resources": {"requests": {"cpu": cpu}}}]}})
        .to_string()
    };
    let one = decoder.decode(pod("1").as_bytes()).unwrap();
    let thousand = decoder.decode(pod("1000m").as_bytes()).unwrap();
    assert!(Arc::ptr_eq(&one.content, &thousand.content));
    let two = decoder.decode(pod("2").as_bytes()).unwrap();
    assert!(!Arc::ptr_eq(&one.content, &two.content));
}

#[test]
fn daemon_pods_share_their_content_whatever_node_they_are_pinned_to() {
    let mut decoder = PodDecoder::new();
    let pod = |node: &str| {
        json!({"metadata": {"name": format!("log-{node}"), "namespace": "kube-system",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "log"}]},
            "spec": {"nodeName": node, "affinity": {"nodeAffinity":
                {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms":
                [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}]}}}}})
    };
    let one = decoder.decode(pod("n1").to_string().as_bytes()).unwrap();
    let two = decoder.decode(pod("n2").to_string().as_bytes()).unwrap();
    assert!(Arc::ptr_eq(&one.content, &two.content));
    assert_eq!(one.content.owner.kind, OwnerKind::DaemonSet);
    assert_eq!(one.content.spec.affinity, None);
    assert_same(&mut decoder, &pod("n3"));
}

#[test]
fn a_container_that_still_holds_more_than_it_asks_for_counts_with_what_it_holds() {
    let pod = plainly(&full());
    let cpu = model::resources::get(&pod.content.requests(), "cpu");
    // 2 of the whole pod and 50m of overhead; the containers' 3 and 100m are within neither.
    assert_eq!(cpu.to_string(), "2050m");
    let pod = plainly(&without(&full(), "/spec/resources"));
    let cpu = model::resources::get(&pod.content.requests(), "cpu");
    assert_eq!(cpu.to_string(), "3150m");
}

#[test]
fn a_list_is_decoded_item_by_item() {
    let mut decoder = PodDecoder::new();
    let list = json!({"kind": "PodList", "metadata": {}, "items": [full(), full()]}).to_string();
    assert_eq!(decoder.decode_list(list.as_bytes()).unwrap().len(), 2);
    assert!(
        decoder
            .decode_list(b"{\"items\":[{\"metadata\":3}]}")
            .is_err()
    );
}

#[test]
fn many_pods_decode_the_same_on_any_number_of_threads_and_share_their_contents() {
    let pod = |number: usize| {
        let requests = json!({"cpu": format!("{}m", 100 + number % 7)});
        json!({"metadata": {"name": format!("p-{number}"), "namespace": "n", "uid": format!("u-{number}")},
            "spec": {"nodeName": format!("node-{}", number % 3), "containers": [{"resources": {"requests": requests}}]}})
        .to_string()
    };
    let mut texts: Vec<std::borrow::Cow<'_, str>> = (0..9_000).map(|n| pod(n).into()).collect();
    let mut decoder = PodDecoder::new();
    let many = decoder.decode_many(&texts, 3).unwrap();
    assert_eq!(decoder.contents(), 7);
    let mut alone = PodDecoder::new();
    for (text, pod) in texts.iter().zip(&many) {
        let one = alone.decode(text.as_bytes()).unwrap();
        assert_eq!((&one.content, &one.facts), (&pod.content, &pod.facts));
    }
    assert!(Arc::ptr_eq(&many[0].content, &many[8_995].content));
    texts[8_000] = "{".into();
    texts[8_500] = "{".into();
    assert_eq!(decoder.decode_many(&texts, 3).unwrap_err().index, 8_000);
}

#[test]
fn contents_that_nobody_uses_are_let_go() {
    let mut decoder = PodDecoder::new();
    for number in 0..5_000 {
        let pod = json!({"metadata": {"name": "a", "namespace": "n", "labels": {"n": number.to_string()}}});
        decoder.decode(pod.to_string().as_bytes()).unwrap();
    }
    assert!(
        decoder.contents() <= 2 * SWEEP_MIN,
        "{}",
        decoder.contents()
    );
}

#[test]
fn what_is_no_pod_is_an_error() {
    let mut decoder = PodDecoder::new();
    assert!(matches!(decoder.decode(b"{"), Err(DecodeError::Json(_))));
    assert!(matches!(decoder.decode(b"\xff"), Err(DecodeError::Utf8(_))));
    assert!(
        decoder
            .decode(br#"{"spec":{"containers":[{"resources":{"requests":{"cpu":"x"}}}]}}"#)
            .is_err()
    );
}

proptest! {
    #[test]
    fn any_mixture_of_pods_decodes_as_it_would_pod_by_pod(
        removed in proptest::collection::vec(proptest::collection::vec(0_usize..200, 0..4), 1..20)
    ) {
        let mut decoder = PodDecoder::new();
        for removals in removed {
            let mut pod = full();
            for removal in removals {
                let mut all = Vec::new();
                paths(&pod, "", &mut all);
                let path = &all[removal % all.len()];
                let smaller = without(&pod, path);
                if serde_json::from_value::<Pod>(smaller.clone()).is_ok() && smaller.is_object() {
                    pod = smaller;
                }
            }
            assert_same(&mut decoder, &pod);
        }
    }
}
