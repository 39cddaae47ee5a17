//! Gauges go with what they are about, against an API server, in virtual time.

mod common;

use std::time::Duration;

use apiserver::{DeleteOptions, NODES, PODS, WriteOptions};
use common::{POOLS, Rig};
use serde_json::json;

const MINUTE: Duration = Duration::from_mins(1);

/// How many of our series have this label.
fn series(rig: &Rig, label: &str) -> usize {
    let text = rig.metrics.to_text();
    let ours = text.lines().filter(|line| line.starts_with("karpenter_"));
    ours.filter(|line| line.contains(label)).count()
}

fn node_of(rig: &Rig, arch: &str) -> Option<String> {
    let nodes = rig.list(NODES);
    let node = nodes
        .iter()
        .find(|node| node["metadata"]["labels"]["kubernetes.io/arch"] == arch)?;
    node["metadata"]["name"].as_str().map(str::to_owned)
}

/// MX-01, MX-02: with a node go all its series, and those of no other; with a pool its limits and
/// its usage.
#[tokio::test(start_paused = true)]
async fn series_go_with_their_node_and_their_pool() {
    let mut rig = Rig::new();
    let options = WriteOptions::default();
    let limited = rig.server.modify(POOLS, "", "default", &options, |pool| {
        pool["spec"]["limits"] = json!({"cpu": "1000"});
    });
    limited.expect("a change");
    rig.start();
    for arch in ["amd64", "arm64"] {
        rig.pod(
            arch,
            &json!({"spec": {"nodeSelector": {"kubernetes.io/arch": arch}}}),
        );
    }
    rig.until(2 * MINUTE, "all pods run", Rig::all_running)
        .await;
    rig.clock.sleep(MINUTE).await;
    let label = |node: &str| format!("node_name=\"{node}\"");
    let (goes, stays) = (
        node_of(&rig, "amd64").expect("a node"),
        node_of(&rig, "arm64").expect("a node"),
    );
    let before = series(&rig, &label(&stays));
    assert!(before > 10 && series(&rig, &label(&goes)) == before);
    rig.server
        .delete(PODS, "default", "amd64", &DeleteOptions::now())
        .expect("a deletion");
    rig.until(5 * MINUTE, "the node goes", |rig| {
        node_of(rig, "amd64").is_none()
    })
    .await;
    rig.clock.sleep(Duration::from_secs(31)).await;
    assert_eq!(series(&rig, &label(&goes)), 0);
    assert_eq!(series(&rig, &label(&stays)), before);

    rig.scale_down();
    rig.until(5 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
    let of_pool = |rig: &Rig| {
        let limit = series(rig, "karpenter_nodepools_limit{");
        (limit, series(rig, "karpenter_nodepools_usage{"))
    };
    let (limit, usage) = of_pool(&rig);
    assert!(limit == 1 && usage > 1, "{limit} {usage}");
    rig.server
        .delete(POOLS, "", "default", &DeleteOptions::now())
        .expect("a deletion");
    rig.clock.sleep(Duration::from_secs(30)).await;
    assert_eq!(of_pool(&rig), (0, 0));
}
