//! Rules about where pods may be, on a real control plane: what Karpenter plans, the real
//! kube-scheduler binds, and nothing is left over.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::until;
use common::world::World;
use serde_json::{Value, json};

const ZONE: &str = "topology.kubernetes.io/zone";
const HOST: &str = "kubernetes.io/hostname";
const GPU: &str = "example.com/gpu";

/// Machines of three sizes in three zones, and one with devices.
fn machines() -> Value {
    let offerings: Vec<Value> = ["a", "b", "c"]
        .iter()
        .map(|zone| {
            let one =
                |key: &str, value: &str| json!({"key": key, "operator": "In", "values": [value]});
            json!({"Price": 0.1, "Available": true, "Requirements": [
                one(ZONE, &format!("test-zone-{zone}")),
                one("karpenter.sh/capacity-type", "on-demand"),
            ]})
        })
        .collect();
    let machine = |name: &str, cpu: u32, devices: u32| {
        let mut offerings = offerings.clone();
        for offering in &mut offerings {
            offering["Price"] = json!(f64::from(cpu) * 0.05 + f64::from(devices));
        }
        let mut resources = json!({"cpu": cpu.to_string(), "memory": format!("{}Gi", cpu * 4),
                                   "pods": "60", "ephemeral-storage": "20Gi"});
        if devices > 0 {
            resources[GPU] = json!(devices.to_string());
        }
        json!({"name": name, "architecture": "amd64", "operatingSystems": ["linux"],
               "resources": resources, "offerings": offerings})
    };
    json!([
        machine("plain-2x", 2, 0),
        machine("plain-4x", 4, 0),
        machine("plain-8x", 8, 0),
        machine("device-8x", 8, 2),
    ])
}

fn pool(name: &str, weight: u32, extra: &Value) -> Value {
    let mut template = json!({
        "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
        "requirements": [
            {"key": "node.kubernetes.io/instance-type", "operator": "In",
             "values": ["plain-2x", "plain-4x", "plain-8x"]},
        ],
    });
    for (key, value) in extra.as_object().expect("an object") {
        template[key] = value.clone();
    }
    json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": name},
        "spec": {
            "weight": weight,
            "template": {"spec": template},
            // What is about placement must not be mixed with what is about removal.
            "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "Never"},
        },
    })
}

/// The tainted pool is heavier: pods that tolerate it go there, and no others.
fn pools() -> [Value; 2] {
    let devices = json!({
        "requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In",
                          "values": ["device-8x"]}],
        "taints": [{"key": "devices", "effect": "NoSchedule"}],
    });
    [
        pool("general", 10, &json!({})),
        pool("devices", 100, &devices),
    ]
}

fn workload(kind: &str, name: &str, replicas: u32, spec: &Value) -> Value {
    let mut template = json!({
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "c", "image": "pause",
                        "resources": {"requests": {"cpu": "500m", "memory": "256Mi"}}}],
    });
    for (key, value) in spec.as_object().expect("an object") {
        template[key] = value.clone();
    }
    let mut object = json!({
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": template},
        },
    });
    if kind == "Deployment" {
        object["spec"]["replicas"] = json!(replicas);
    }
    object
}

fn term(key: &str, app: &str) -> Value {
    json!({"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}})
}

fn required(kind: &str, term: &Value) -> Value {
    json!({"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}})
}

fn uses(claim: &str) -> Value {
    json!({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]})
}

fn workloads() -> Vec<Value> {
    let mut spread = term(ZONE, "spread");
    spread["maxSkew"] = json!(1);
    spread["whenUnsatisfiable"] = json!("DoNotSchedule");
    let tolerates = json!([{"key": "devices", "operator": "Exists"}]);
    let container =
        |resources: Value| json!([{"name": "c", "image": "pause", "resources": resources}]);
    vec![
        workload(
            "DaemonSet",
            "agent",
            0,
            &json!({
                "tolerations": [{"operator": "Exists"}],
                "containers": container(json!({"requests": {"cpu": "200m", "memory": "100Mi"}})),
            }),
        ),
        workload(
            "Deployment",
            "spread",
            6,
            &json!({"topologySpreadConstraints": [spread]}),
        ),
        workload(
            "Deployment",
            "apart",
            4,
            &required("podAntiAffinity", &term(HOST, "apart")),
        ),
        workload(
            "Deployment",
            "near",
            2,
            &required("podAffinity", &term(HOST, "apart")),
        ),
        workload("Deployment", "bound", 1, &uses("bound")),
        workload("Deployment", "waiting", 1, &uses("waiting")),
        workload(
            "Deployment",
            "device",
            2,
            &json!({
                "tolerations": tolerates,
                "containers": container(json!({"requests": {"cpu": "1"}, "limits": {GPU: "1"}})),
            }),
        ),
        workload("Deployment", "plain", 5, &json!({})),
    ]
}

/// A class whose volumes are made beforehand, one volume that a claim has already, and two of which
/// a claim gets one when its pod has a node.
fn volumes() -> Vec<Value> {
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "static"},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowedTopologies": [{"matchLabelExpressions": [{"key": ZONE, "values": ["test-zone-c"]}]}],
    });
    let volume = |name: &str, zone: &str, claim: Option<&str>| {
        let mut volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
            "spec": {
                "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
                "storageClassName": "static", "nfs": {"server": "10.0.0.1", "path": "/"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                    {"key": ZONE, "operator": "In", "values": [zone]}]}]}},
            },
        });
        if let Some(claim) = claim {
            volume["spec"]["claimRef"] = json!({"namespace": "default", "name": claim});
        }
        volume
    };
    let claim = |name: &str, volume: &str| {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": "static",
                "volumeName": volume, "resources": {"requests": {"storage": "1Gi"}},
            },
        })
    };
    vec![
        class,
        volume("of-bound", "test-zone-b", Some("bound")),
        volume("free-1", "test-zone-c", None),
        volume("free-2", "test-zone-c", None),
        claim("bound", "of-bound"),
        claim("waiting", ""),
    ]
}

fn app(pod: &Value) -> String {
    let app = pod["metadata"]["labels"]["app"].as_str();
    app.expect("all pods have one").to_owned()
}

/// The nodes of an app's pods.
fn hosts(pods: &[Value], wanted: &str) -> Vec<String> {
    let mine = pods.iter().filter(|pod| app(pod) == wanted);
    mine.map(|pod| pod["spec"]["nodeName"].as_str().expect("bound").to_owned())
        .collect()
}

/// When the scheduler of Kubernetes said something last, by pod and reason. It gives microseconds,
/// in text that sorts by time.
fn last_said(events: &[Value]) -> BTreeMap<(String, String), String> {
    let mut said = BTreeMap::new();
    for event in events {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
        if text("/reportingComponent") != Some("default-scheduler") {
            continue;
        }
        let at = text("/series/lastObservedTime").or_else(|| text("/eventTime"));
        let pod = text("/involvedObject/name").expect("events are about something");
        let reason = text("/reason").expect("events have a reason");
        let key = (pod.to_owned(), reason.to_owned());
        let last = said.entry(key).or_insert_with(String::new);
        *last = at.expect("a time").max(last).to_owned();
    }
    said
}

/// Spread over zones, anti-affinity and affinity by host, a bound volume and one that waits for its
/// pod, devices behind a taint, a daemon set, two pools: all against the scheduler of Kubernetes.
#[test]
fn what_is_planned_is_bound_and_runs_with_no_failed_scheduling_left() -> anyhow::Result<()> {
    let world = World::start("placement")?;
    let file = world.cluster.dir().join("instance-types.json");
    std::fs::write(&file, machines().to_string())?;
    world.apply(&pools());
    world.apply(&volumes());
    until("the claim that names its volume is bound", || {
        let claims = world.items("persistentvolumeclaims");
        claims
            .iter()
            .any(|claim| claim["status"]["phase"] == "Bound")
    });
    let path = file.to_string_lossy();
    let karpenter = world.karpenter(&["--instance-types-file-path", path.as_ref()]);
    karpenter.says("became leader");

    world.apply(&workloads());
    until("all pods run, with an agent on each node", || {
        let pods = world.items("pods");
        let agents = pods.iter().filter(|pod| app(pod) == "agent").count();
        let running = pods.iter().all(|pod| pod["status"]["phase"] == "Running");
        running && pods.len() == agents + 21 && agents == world.items("nodes").len()
    });

    let pods = world.items("pods");
    let nodes: BTreeMap<String, Value> = world
        .items("nodes")
        .into_iter()
        .map(|node| {
            let name = node["metadata"]["name"]
                .as_str()
                .expect("a name")
                .to_owned();
            (name, node["metadata"]["labels"].clone())
        })
        .collect();
    let label = |app: &str, key: &str| -> Vec<String> {
        let values = hosts(&pods, app)
            .into_iter()
            .map(|host| nodes[&host][key].clone());
        let mut values: Vec<String> = values
            .map(|value| value.as_str().expect("a label").to_owned())
            .collect();
        values.sort();
        values
    };
    let zones = |letters: &str| -> Vec<String> {
        let zones = letters.chars().map(|letter| format!("test-zone-{letter}"));
        zones.collect()
    };
    assert_eq!(label("spread", ZONE), zones("aabbcc"));
    let apart: BTreeSet<String> = hosts(&pods, "apart").into_iter().collect();
    assert_eq!(apart.len(), 4);
    assert!(hosts(&pods, "near").iter().all(|host| apart.contains(host)));
    assert_eq!(label("bound", ZONE), zones("b"));
    assert_eq!(label("waiting", ZONE), zones("c"));
    assert_eq!(
        label("device", "karpenter.sh/nodepool"),
        ["devices", "devices"]
    );
    for app in ["spread", "apart", "near", "bound", "waiting", "plain"] {
        let pools = label(app, "karpenter.sh/nodepool");
        assert!(
            pools.iter().all(|pool| pool == "general"),
            "{app}: {pools:?}"
        );
    }

    let events = world.items("events");
    let gave_up = events.iter().find(|event| {
        event["reportingComponent"] == "karpenter" && event["reason"] == "FailedScheduling"
    });
    assert_eq!(gave_up, None);
    let said = last_said(&events);
    for pod in &pods {
        let name = pod["metadata"]["name"].as_str().expect("a name").to_owned();
        let about = |reason: &str| said.get(&(name.clone(), reason.to_owned()));
        let scheduled = about("Scheduled").unwrap_or_else(|| panic!("{name} has no event"));
        if let Some(failed) = about("FailedScheduling") {
            assert!(failed < scheduled, "{name}: {failed} after {scheduled}");
        }
    }
    // Nothing was planned twice: a plan that the scheduler does not carry out leaves nodes empty.
    // It may choose other nodes of ours for a few pods, so one may be left without work.
    let idle = nodes.keys().filter(|name| {
        let work = pods.iter().filter(|pod| app(pod) != "agent");
        let mut hosts = work.filter_map(|pod| pod["spec"]["nodeName"].as_str());
        !hosts.any(|host| host == **name)
    });
    let idle: Vec<_> = idle.collect();
    assert!(idle.len() <= 1, "nothing runs on {idle:?}");
    Ok(())
}
