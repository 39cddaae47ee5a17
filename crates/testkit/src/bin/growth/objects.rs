//! The objects of a case.

use serde_json::{Value, json};
use testkit::{build, corpus};

use crate::cases::{Content, Made};
use crate::standing;

/// Zones of the bundled EC2 table that nodes are in.
const ZONES: [&str; 3] = ["us-west-2a", "us-west-2b", "us-west-2c"];

/// All objects, one by one.
pub(crate) fn of(content: &Content) -> Box<dyn Iterator<Item = Value>> {
    match content {
        Content::Recorded { problem, times, .. } => {
            Box::new(repeated(corpus::problem(problem).items, *times))
        }
        Content::Made(made) => {
            let made = *made;
            let pool = std::iter::once(build::pool("default").json());
            let nodes = (0..made.nodes).flat_map(move |number| node(&made, number));
            let pods = (0..made.pending).map(move |number| pending(&made, number));
            Box::new(pool.chain(nodes).chain(pods))
        }
        Content::Standing(standing) => standing::objects(*standing),
    }
}

/// The objects, with all pods so many times over under other names.
fn repeated(items: Vec<Value>, times: usize) -> impl Iterator<Item = Value> {
    items.into_iter().flat_map(move |item| {
        let times = if item["kind"] == "Pod" { times } else { 1 };
        (0..times).map(move |copy| {
            let mut item = item.clone();
            if let Some(name) = item["metadata"]["name"].as_str().filter(|_| copy > 0) {
                item["metadata"]["name"] = json!(format!("{name}-{copy}"));
            }
            item
        })
    })
}

/// A pod of a workload. No two workloads have pods of the same size.
fn pod(made: &Made, workload: usize, name: &str) -> Value {
    let app = format!("app-{workload}");
    // The two repeat together after 320 workloads.
    let (cpu, memory) = (
        50 + 50 * (workload * 7 % 40),
        64 + 128 * (workload * 11 % 64) + workload / 320,
    );
    let mut pod = build::pod(name)
        .label("app", &app)
        .cpu(&format!("{cpu}m"))
        .memory(&format!("{memory}Mi"));
    if workload < made.groups {
        let key = ["topology.kubernetes.io/zone", "kubernetes.io/hostname"][workload % 2];
        pod = pod.with(&json!({"spec": {"topologySpreadConstraints": [{
            "maxSkew": 1 + workload % 2, "topologyKey": key,
            "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": app}},
        }]}}));
    }
    if made.preferences {
        pod = pod.label("all", "alike").with(&preferences());
    }
    pod.json()
}

/// A zone, which can be had; a zone without its like, which only the first pods find; a node
/// without its like, which costs a node for each pod.
fn preferences() -> Value {
    let away = |key: &str, weight: i32| {
        json!({"weight": weight, "podAffinityTerm": {
            "topologyKey": key, "labelSelector": {"matchLabels": {"all": "alike"}},
        }})
    };
    let zone = json!({"weight": 1, "preference": {"matchExpressions": [
        {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [ZONES[0]]},
    ]}});
    json!({"spec": {"affinity": {
        "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [zone]},
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            away("topology.kubernetes.io/zone", 10), away("kubernetes.io/hostname", 1),
        ]},
    }}})
}

fn pending(made: &Made, number: usize) -> Value {
    pod(made, number % made.shapes, &format!("new-{number}"))
}

/// A node with its claim and its pods.
fn node(made: &Made, number: usize) -> Vec<Value> {
    const TYPE: &str = "m6i.4xlarge";
    let (name, id) = (format!("node-{number}"), format!("aws:///{number}"));
    let amounts = [("cpu", "15"), ("memory", "60Gi"), ("pods", "110")];
    let mut node = build::node(&name)
        .of_pool("default", TYPE)
        .provider_id(&id)
        .label("topology.kubernetes.io/zone", ZONES[number % ZONES.len()])
        .label("kubernetes.io/arch", "amd64")
        .label("kubernetes.io/os", "linux")
        .label("karpenter.sh/capacity-type", "on-demand");
    let mut claim = build::claim(&name, "default").provider_id(&id);
    for (resource, amount) in amounts {
        node = node.amount(resource, amount);
        claim = claim.amount(resource, amount);
    }
    let running = (0..made.running).map(|place| {
        let workload = (number * made.running + place) % made.shapes;
        let mut pod = pod(made, workload, &format!("run-{number}-{place}"));
        pod["spec"]["nodeName"] = json!(name);
        pod["status"] = json!({"phase": "Running", "conditions":
            [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}]});
        pod
    });
    let mut all: Vec<Value> = running.collect();
    all.extend([node.json(), claim.json()]);
    all
}
