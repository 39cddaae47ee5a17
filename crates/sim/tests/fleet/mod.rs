//! A cluster of equal nodes, each full, to which nothing happens once it has come up.

use std::time::Duration;

use catalog::Catalogs;
use catalog::ec2::{Ec2Options, bundled};
use model::Timestamp;
use runtime::Options;
use runtime::client::Kind;
use serde_json::{Value, json};
use sim::{Config, Scenario, Timing};

const EC2: Kind = Kind {
    group: "karpenter.k8s.aws",
    version: "v1",
    kind: "EC2NodeClass",
    plural: "ec2nodeclasses",
};

/// So many nodes, and nothing that happens until `until`.
pub(crate) fn fleet(nodes: usize, until: Duration) -> Config {
    let seconds = until.as_secs();
    let scenario = json!({
        "apiVersion": sim::API_VERSION,
        "kind": sim::KIND,
        "metadata": { "name": "idle" },
        "spec": { "steps": [{ "at": format!("{seconds}s"), "outage": [] }] },
    });
    Config {
        objects: objects(nodes),
        scenario: Scenario::parse(&scenario).expect("a scenario"),
        catalogs: Catalogs::same(bundled(&Ec2Options::default()).expect("the bundled table")),
        kinds: vec![EC2],
        options: settings(),
        timing: Timing::default(),
        start: Timestamp::parse("2026-01-01T00:00:00Z").expect("a time"),
        at_most: until,
        seed: 1,
    }
}

fn settings() -> Options {
    let flags = ["--cluster-name=simulated".to_owned()];
    match runtime::options::parse(&flags, &std::collections::BTreeMap::new()) {
        Ok(runtime::options::Parsed::Run(options)) => *options,
        _ => panic!("these are settings"),
    }
}

/// Pods of which one fills the only type that their pool may launch.
fn objects(nodes: usize) -> Vec<Value> {
    let requirement =
        |key: &str, value: &str| json!({ "key": key, "operator": "In", "values": [value] });
    let pool = json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": { "name": "fleet" },
        "spec": {
            "disruption": { "consolidateAfter": "1m" },
            "template": { "spec": { "requirements": [
                requirement("node.kubernetes.io/instance-type", "m5.large"),
                requirement("karpenter.sh/capacity-type", "on-demand"),
            ] } },
        },
    });
    let labels = json!({ "app": "work" });
    let requests = json!({ "cpu": "1500m", "memory": "1Gi" });
    let work = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "work", "namespace": "default" },
        "spec": {
            "replicas": nodes,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [
                    { "name": "work", "image": "work", "resources": { "requests": requests } },
                ] },
            },
        },
    });
    vec![pool, work]
}
