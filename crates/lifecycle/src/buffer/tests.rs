use cluster::{Cluster, Event, PodUpdate, Settings};
use requirements::Vocabulary;
use serde_json::{Value, json};

use super::*;
use crate::testing::at;

fn buffer(spec: Value) -> CapacityBuffer {
    serde_json::from_value(json!({
        "metadata": {"name": "b", "namespace": "n", "uid": "u", "generation": 3},
        "spec": spec,
    }))
    .expect("a buffer")
}

fn spec(spec: Value) -> CapacityBufferSpec {
    buffer(spec).spec
}

fn template() -> Resolved {
    let template = json!({
        "metadata": {"labels": {"app": "web"}, "annotations": {"note": "dropped"}},
        "spec": {
            "nodeName": "pinned",
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "dedicated", "operator": "Exists"}],
            "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
                [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}]}},
            "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "scratch", "ephemeral": {}},
                {"name": "tmp", "emptyDir": {}}],
            "containers": [{"name": "main", "resources":
                {"requests": {"cpu": "500m"}, "limits": {"memory": "1Gi"}}}]}
    });
    Resolved {
        template: serde_json::from_value(template).expect("a template"),
        template_ref: Some(("t".to_owned(), 7)),
        replicas: None,
    }
}

/// SCH-281, CB-10: what a buffer may name.
#[test]
fn a_buffer_names_a_template_or_a_workload() {
    let template = spec(json!({"podTemplateRef": {"name": "t"}, "replicas": 1}));
    assert_eq!(source(&template), Ok(Source::Template("t".to_owned())));
    for (group, kind, known) in [
        ("apps", "Deployment", Some(WorkloadKind::Deployment)),
        ("", "StatefulSet", Some(WorkloadKind::StatefulSet)),
        ("apps", "ReplicaSet", Some(WorkloadKind::ReplicaSet)),
        ("apps", "DaemonSet", None),
        ("batch", "Job", None),
        ("example.com", "Deployment", None),
    ] {
        let named = json!({"scalableRef": {"apiGroup": group, "kind": kind, "name": "w"}});
        match (source(&spec(named)), known) {
            (Ok(Source::Workload { kind, name }), Some(known)) => {
                assert_eq!((kind, &*name), (known, "w"));
            }
            (Err(why), None) => {
                assert_eq!(why.reason(), "ResolutionFailed");
                assert!(why.to_string().contains(kind), "{why}");
            }
            (found, _) => panic!("{group}/{kind}: {found:?}"),
        }
    }
    let nothing = source(&spec(json!({}))).expect_err("nothing is named");
    assert_eq!(
        nothing.to_string(),
        "Neither podTemplateRef nor scalableRef is set"
    );
}

/// SCH-282, CB-01, CB-02, CB-03, CB-04, CB-05, CB-06, CB-07, CB-08.
#[test]
fn a_buffer_keeps_room_for_so_many() {
    let requests: ResourceList = [("cpu", "500m"), ("memory", "1Gi"), ("pods", "1")]
        .map(|(name, amount)| (name.to_owned(), amount.parse().expect("an amount")))
        .into();
    for (what, size, workload, count) in [
        ("CB-01", json!({"replicas": 7}), None, 7),
        (
            "CB-02",
            json!({"replicas": 10, "limits": {"cpu": "1500m"}}),
            None,
            3,
        ),
        ("CB-03", json!({"limits": {"cpu": "2500m"}}), None, 5),
        ("CB-04", json!({"percentage": 20}), Some(10), 2),
        (
            "CB-05",
            json!({"replicas": 5, "percentage": 80}),
            Some(10),
            8,
        ),
        (
            "CB-05, limited",
            json!({"replicas": 5, "percentage": 80, "limits": {"cpu": "2"}}),
            Some(10),
            4,
        ),
        ("CB-06", json!({"percentage": 10}), Some(1), 1),
        ("CB-07", json!({"percentage": 10}), Some(0), 0),
        ("CB-08", json!({"percentage": 100}), Some(7), 7),
        ("CB-08, more", json!({"percentage": 150}), Some(3), 5),
        ("fixed", json!({"replicas": 5}), None, 5),
        (
            "fixed, limited",
            json!({"replicas": 5, "limits": {"cpu": "1200m"}}),
            None,
            2,
        ),
        (
            "limit that does not bind",
            json!({"replicas": 2, "limits": {"cpu": "40"}}),
            None,
            2,
        ),
        (
            "limits alone",
            json!({"limits": {"cpu": "3", "memory": "4Gi"}}),
            None,
            4,
        ),
        (
            "limit on what is not requested",
            json!({"replicas": 3, "limits": {"gpu": "1"}}),
            None,
            3,
        ),
        (
            "only a limit on what is not requested",
            json!({"limits": {"gpu": "1"}}),
            None,
            0,
        ),
        (
            "limit on pods",
            json!({"replicas": 9, "limits": {"pods": "4"}}),
            None,
            4,
        ),
        ("percentage", json!({"percentage": 20}), Some(10), 2),
        (
            "the larger: fixed",
            json!({"replicas": 7, "percentage": 20}),
            Some(10),
            7,
        ),
        (
            "the larger: percentage",
            json!({"replicas": 1, "percentage": 50}),
            Some(10),
            5,
        ),
        (
            "the larger, limited",
            json!({"replicas": 1, "percentage": 50, "limits": {"cpu": "1"}}),
            Some(10),
            2,
        ),
        ("rounded up", json!({"percentage": 11}), Some(10), 2),
        ("at least one", json!({"percentage": 1}), Some(1), 1),
        ("more than all", json!({"percentage": 250}), Some(3), 8),
        (
            "nothing of something",
            json!({"percentage": 0}),
            Some(10),
            0,
        ),
        (
            "a part of nothing",
            json!({"percentage": 50, "limits": {"cpu": "4"}}),
            Some(0),
            0,
        ),
        (
            "percentage of no workload",
            json!({"percentage": 50, "limits": {"cpu": "1"}}),
            None,
            2,
        ),
        ("nothing", json!({}), Some(10), 0),
    ] {
        assert_eq!(desired(&spec(size), workload, &requests), count, "{what}");
    }
}

/// SCH-281.
#[test]
fn the_status_says_what_was_found() {
    let fixed = buffer(json!({"podTemplateRef": {"name": "t"}, "replicas": 2,
        "limits": {"memory": "1Gi"}}));
    let ready = judged(&fixed, &Ok(template()), at(5));
    let status = &ready.status;
    // Limits stand in for requests that are missing, as in real pods.
    assert_eq!(status.replicas, Some(1));
    assert_eq!(status.pod_template_generation, Some(7));
    let name = status
        .pod_template_ref
        .as_ref()
        .map(|template| &*template.name);
    assert_eq!(name, Some("t"));
    assert_eq!(
        status.provisioning_strategy.as_deref(),
        Some(ACTIVE_CAPACITY)
    );
    let held = &status.conditions[0];
    assert_eq!((&*held.status, &*held.reason), ("True", "Resolved"));
    assert_eq!(held.observed_generation, 3);
    assert_eq!(
        judged(&ready, &Ok(template()), at(99)),
        ready,
        "nothing is written twice"
    );
    for (why, reason) in [
        (
            Unresolved::TemplateNotFound("t".to_owned()),
            "PodTemplateNotFound",
        ),
        (
            Unresolved::WorkloadNotFound {
                kind: WorkloadKind::Deployment,
                name: "w".to_owned(),
            },
            "ScalableRefNotFound",
        ),
        (Unresolved::Failed("timeout".to_owned()), "ResolutionFailed"),
    ] {
        let lost = judged(&ready, &Err(why.clone()), at(9));
        let held = &lost.status.conditions[0];
        assert_eq!((&*held.status, &*held.reason), ("False", reason));
        assert_eq!(held.message, why.to_string());
        assert_eq!(held.last_transition_time, Some(at(9)));
        assert!(virtual_pods(&lost, &template()).is_empty());
    }
}

/// CB-12: what one pod takes is what the scheduler says it does.
#[test]
fn limits_are_shared_out_by_what_a_whole_pod_takes() {
    let containers = |init: &Value| {
        json!({"spec": {"initContainers": init, "containers": [
            {"name": "a", "resources": {"requests": {"cpu": "500m"}}},
            {"name": "b", "resources": {"requests": {"cpu": "500m"}}}]}})
    };
    let starts = json!([{"name": "i", "resources": {"requests": {"cpu": "2"}}}]);
    let stays = json!([{"name": "s", "restartPolicy": "Always",
        "resources": {"requests": {"cpu": "1"}}}]);
    let both = json!([stays[0], starts[0]]);
    for (init, each) in [(json!([]), 1), (starts, 2), (stays, 2), (both, 3)] {
        let resolved = Resolved {
            template: serde_json::from_value(containers(&init)).expect("a template"),
            ..template()
        };
        let limited = buffer(json!({"podTemplateRef": {"name": "t"}, "limits": {"cpu": "12"}}));
        let ready = judged(&limited, &Ok(resolved), at(5));
        assert_eq!(ready.status.replicas, Some(12 / each), "{init}");
    }
}

/// SCH-284, CB-13.
#[test]
fn virtual_pods_are_those_of_the_template() {
    let fixed = buffer(json!({"podTemplateRef": {"name": "t"}, "replicas": 3}));
    let ready = judged(&fixed, &Ok(template()), at(5));
    let pods = virtual_pods(&ready, &template());
    let names: Vec<(&str, &str)> = pods
        .iter()
        .map(|pod| (&*pod.metadata.name, &*pod.metadata.uid))
        .collect();
    let expected = [
        ("capacity-buffer-b-1", "u-1"),
        ("capacity-buffer-b-2", "u-2"),
        ("capacity-buffer-b-3", "u-3"),
    ];
    assert_eq!(names, expected);
    let pod = &pods[0];
    let annotations = &pod.metadata.annotations;
    assert_eq!(annotations[labels::BUFFER_FAKE_POD], "true");
    assert_eq!(annotations[labels::BUFFER_NAME], "b");
    assert_eq!(annotations[labels::BUFFER_NAMESPACE], "n");
    assert_eq!(annotations.len(), 3);
    assert_eq!(pod.metadata.labels["app"], "web");
    assert_eq!(pod.spec.priority, Some(i32::MIN));
    assert_eq!(pod.spec.node_name, "");
    assert_eq!(pod.spec.node_selector["disk"], "ssd");
    assert_eq!(pod.spec.tolerations.len(), 1);
    assert!(pod.spec.affinity.is_some());
    let volumes: Vec<&str> = pod
        .spec
        .volumes
        .iter()
        .map(|volume| &*volume.name)
        .collect();
    assert_eq!(volumes, ["tmp"]);
    assert_eq!(pod.status.phase, "");
    let none = buffer(json!({"podTemplateRef": {"name": "t"}, "replicas": 0}));
    let none = judged(&none, &Ok(template()), at(5));
    assert!(virtual_pods(&none, &template()).is_empty());
    assert!(
        virtual_pods(&fixed, &template()).is_empty(),
        "it is not ready"
    );
}

fn record(namespace: &str, buffer_name: &str) -> PodRecord {
    let mut of = buffer(json!({"podTemplateRef": {"name": "t"}, "replicas": 1}));
    of.metadata.name = buffer_name.to_owned();
    of.metadata.namespace = Some(namespace.to_owned());
    let ready = judged(&of, &Ok(template()), at(5));
    let pods = virtual_pods(&ready, &template());
    let mut cluster = Cluster::new(Vocabulary::core(), Settings::default());
    cluster.apply(Event::VirtualPods {
        buffer: ObjectKey::new(namespace, buffer_name),
        pods: pods.iter().map(PodUpdate::virtual_of).collect(),
    });
    let snapshot = cluster.snapshot();
    PodRecord::clone(&snapshot.pending[0].pods[0])
}

/// SCH-286: buffers of the same name in two namespaces are two; real pods are none of them.
#[test]
fn a_pass_is_observed_by_buffer() {
    let (here, there, other) = (record("n", "b"), record("m", "b"), record("n", "c"));
    let mut real = crate::testing::pod(&json!({}));
    assert_eq!(real.shape.buffer(), None);
    real.facts.name = "real".into();
    let observed = observe([&here, &real], [&there, &here, &real], [&other]);
    let expected = [
        (ObjectKey::new("m", "b"), (0, 1, 0)),
        (ObjectKey::new("n", "b"), (1, 1, 0)),
        (ObjectKey::new("n", "c"), (0, 0, 1)),
    ];
    let found: Vec<_> = observed
        .into_iter()
        .map(|(key, seen)| (key, (seen.existing, seen.new, seen.failed)))
        .collect();
    assert_eq!(found, expected);
    // Who writes the annotation into a pod of its own does not make it virtual.
    let forged = crate::testing::pod(&json!({"metadata": {"annotations":
        {"karpenter.sh/capacity-buffer-fake-pod": "true"}}}));
    assert!(!forged.is_virtual());
    assert!(here.is_virtual());
}

/// SCH-286.
#[test]
fn the_condition_says_whether_the_room_is_there() {
    let fixed = |replicas: i32| {
        let spec = json!({"podTemplateRef": {"name": "t"}, "replicas": replicas});
        judged(&buffer(spec), &Ok(template()), at(5))
    };
    let seen = |existing, new, failed| {
        Some(Observed {
            existing,
            new,
            failed,
        })
    };
    for (buffer, observed, expected) in [
        (
            buffer(json!({})),
            None,
            Some(("False", "NotReadyForProvisioning", "")),
        ),
        (fixed(0), None, Some(("False", "BufferEmpty", ""))),
        (fixed(3), None, None),
        (fixed(3), seen(0, 0, 0), None),
        (
            fixed(3),
            seen(3, 0, 0),
            Some(("True", "FitsExistingCapacity", "All 3 virtual pods")),
        ),
        (
            fixed(3),
            seen(1, 2, 0),
            Some(("False", "RequiresNewCapacity", "2/3 virtual pods")),
        ),
        (
            fixed(3),
            seen(2, 0, 1),
            Some(("False", "RequiresNewCapacity", "1 failed")),
        ),
    ] {
        let after = provisioned(&buffer, observed, at(6));
        let held = find(&after.status.conditions, PROVISIONING);
        match expected {
            None => assert_eq!(held, None, "{observed:?}"),
            Some((status, reason, part)) => {
                let held = held.expect("the condition");
                assert_eq!((&*held.status, &*held.reason), (status, reason));
                assert!(held.message.contains(part), "{}", held.message);
            }
        }
    }
}
