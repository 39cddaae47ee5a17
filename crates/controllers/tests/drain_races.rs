//! Drains and evictions that get in each other's way, and how long pods may take to go, in virtual
//! time.

mod common;

use std::time::Duration;

use apiserver::{DeleteOptions, NODES, PDBS, PODS, Part, WriteOptions};
use common::{CLAIMS, Rig};
use model::Timestamp;
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);
const DEADLINE: &str = "karpenter.sh/nodeclaim-termination-timestamp";

async fn run(rig: &Rig) {
    rig.until(3 * MINUTE, "all pods run", Rig::all_running)
        .await;
    rig.until(MINUTE, "the nodes are complete", |rig| {
        let complete =
            |node: &Value| node["metadata"]["labels"]["karpenter.sh/initialized"] == "true";
        rig.list(NODES).iter().all(complete)
    })
    .await;
}

/// One node with pods `x-0`, `x-1` and `x-2`.
async fn one_node() -> Rig {
    let mut rig = Rig::new();
    rig.start();
    rig.scale_up("x", 3);
    run(&rig).await;
    assert_eq!(rig.list(NODES).len(), 1);
    rig
}

fn budget(rig: &Rig) {
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "x", "namespace": "default"},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "x"}}}});
    rig.server
        .create(PDBS, "default", budget)
        .expect("a budget");
}

/// Deletes the one node; gives its name.
fn delete_node(rig: &Rig) -> String {
    let name = rig.names(NODES).remove(0);
    rig.delete(NODES, &name);
    name
}

fn kill(rig: &Rig, pod: &str) {
    let deleted = rig
        .server
        .delete(PODS, "default", pod, &DeleteOptions::now());
    deleted.expect("a deletion");
}

/// How many evictions of a pod were asked for.
fn evictions(rig: &Rig, pod: &str) -> usize {
    let path = format!("/pods/{pod}/eviction");
    let writes = rig.wire.writes();
    writes.iter().filter(|write| write.ends_with(&path)).count()
}

/// Sets the deadline of the one claim.
fn set_deadline(rig: &Rig, at: Timestamp) {
    let (name, options) = (rig.names(CLAIMS).remove(0), WriteOptions::default());
    let written = rig.server.modify(CLAIMS, "", &name, &options, |claim| {
        claim["metadata"]["annotations"][DEADLINE] = at.to_string().into();
    });
    written.expect("a change");
}

/// How many pods have left a node for a reason.
fn drained(rig: &Rig, reason: &str) -> usize {
    let line = format!("karpenter_pods_drained_total{{reason=\"{reason}\"}} ");
    let text = rig.metrics.to_text();
    let count = text.lines().find_map(|held| held.strip_prefix(&line));
    count.map_or(0, |count| count.parse().expect("a number"))
}

/// NT-04.
#[tokio::test(start_paused = true)]
async fn ten_nodes_that_are_deleted_at_once_all_end() {
    let mut rig = Rig::new();
    rig.start();
    for number in 0..10 {
        // Only the largest type has room for one of them, and none for two.
        let large = json!({"spec": {"containers": [{"name": "main", "image": "pause",
            "resources": {"requests": {"cpu": "200"}}}]}});
        rig.pod(&format!("x-{number}"), &large);
    }
    run(&rig).await;
    let nodes = rig.names(NODES);
    assert_eq!(nodes.len(), 10);
    rig.wire.slow("POST", "/eviction", Duration::from_secs(2));
    for node in &nodes {
        rig.delete(NODES, node);
    }
    rig.until(2 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
    assert_eq!(rig.list(PODS), Vec::<Value>::new());
    assert_eq!(drained(&rig, "Forceful Termination"), 10);
}

/// EQ-05: while evictions are on their way the drain orders the same pods again, every second. Each
/// is evicted once, and counted once.
#[tokio::test(start_paused = true)]
async fn pods_that_are_ordered_again_while_they_are_evicted_go_once() {
    let mut rig = Rig::new();
    rig.start();
    rig.scale_up("x", 12);
    run(&rig).await;
    rig.wire
        .slow("POST", "/eviction", Duration::from_millis(3_500));
    for node in rig.names(NODES) {
        rig.delete(NODES, &node);
    }
    rig.until(2 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
    for number in 0..12 {
        assert_eq!(evictions(&rig, &format!("x-{number}")), 1, "x-{number}");
    }
    assert_eq!(drained(&rig, "Forceful Termination"), 12);
    assert_eq!(rig.told("Evicted"), vec!["Pod"; 12]);
}

/// EQ-05, EQ-08, EQ-09: orders change while evictions are refused: the deadline that comes counts,
/// and the one that is taken back counts all the same.
#[tokio::test(start_paused = true)]
async fn the_earliest_deadline_counts_even_when_it_is_taken_back() {
    let rig = one_node().await;
    budget(&rig);
    rig.wire
        .slow("POST", "/eviction", Duration::from_millis(700));
    let node = delete_node(&rig);
    rig.clock.sleep(2 * MINUTE).await;
    assert_eq!(rig.list(PODS).len(), 3);
    let deadline = rig.clock.now() + 2 * MINUTE;
    set_deadline(&rig, deadline);
    rig.clock.sleep(Duration::from_secs(15)).await;
    set_deadline(&rig, deadline + 60 * MINUTE);
    rig.clock.sleep(Duration::from_mins(1)).await;
    assert_eq!(rig.list(PODS).len(), 3, "their grace of 30 s still fits");
    rig.until(MINUTE, "the pods are gone", |rig| rig.list(PODS).is_empty())
        .await;
    assert!(rig.clock.now() <= deadline);
    rig.until(MINUTE, "the node is gone", |rig| {
        !rig.names(NODES).contains(&node)
    })
    .await;
    assert_eq!(drained(&rig, "Forceful Termination"), 3);
}

/// EQ-10: a deadline that is over leaves a second.
#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_over_leaves_one_second() {
    let mut rig = Rig::new();
    rig.start();
    rig.pod(
        "slow",
        &json!({"metadata": {"annotations": {"slow": "yes"}}}),
    );
    run(&rig).await;
    set_deadline(&rig, rig.clock.now());
    delete_node(&rig);
    rig.until(MINUTE, "the pod goes", |rig| {
        let pod = rig.find_pod("slow").expect("it is there");
        !pod["metadata"]["deletionTimestamp"].is_null()
    })
    .await;
    let pod = rig.find_pod("slow").expect("it is there");
    assert_eq!(pod["metadata"]["deletionGracePeriodSeconds"], 1);
}

/// NT-15, EQ-01: a pod whose name an order carries is not evicted if it is another one by now,
/// whether it came while the order waited or while the eviction was on its way.
#[tokio::test(start_paused = true)]
async fn a_newer_pod_of_the_same_name_is_not_evicted() {
    let rig = one_node().await;
    budget(&rig);
    let node = delete_node(&rig);
    rig.clock.sleep(MINUTE).await;
    let asked = evictions(&rig, "x-0");
    assert!(asked > 1, "its eviction is refused again and again");
    kill(&rig, "x-0");
    rig.pod("x-0", &json!({}));
    rig.until(2 * MINUTE, "it runs", Rig::all_running).await;
    rig.wire.slow("POST", "/eviction", Duration::from_secs(5));
    let (evicted, answered) = (rig.told("Evicted").len(), evictions(&rig, "x-1"));
    let deleted = rig
        .server
        .delete(PDBS, "default", "x", &DeleteOptions::default());
    deleted.expect("a deletion");
    rig.until(MINUTE, "x-1 is being evicted", |rig| {
        evictions(rig, "x-1") > answered
    })
    .await;
    kill(&rig, "x-1");
    rig.pod("x-1", &json!({}));
    kill(&rig, "x-2");
    rig.until(3 * MINUTE, "the node is gone", |rig| {
        !rig.names(NODES).contains(&node)
    })
    .await;
    rig.until(3 * MINUTE, "both run", Rig::all_running).await;
    rig.clock.sleep(5 * MINUTE).await;
    assert_eq!(
        evictions(&rig, "x-0"),
        asked,
        "nobody asks about the new one"
    );
    for pod in ["x-0", "x-1"] {
        let pod = rig.find_pod(pod).expect("it is there");
        assert!(pod["metadata"]["deletionTimestamp"].is_null(), "{pod}");
    }
    assert_eq!(rig.told("Evicted").len(), evicted, "nobody was");
    assert_eq!(drained(&rig, "Forceful Termination"), 0);
}

/// EQ-06.
#[tokio::test(start_paused = true)]
async fn pods_are_counted_by_why_their_node_goes() {
    let rig = one_node().await;
    let claim = rig.names(CLAIMS).remove(0);
    rig.delete(CLAIMS, &claim);
    let options = WriteOptions {
        part: Part::Status,
        ..WriteOptions::default()
    };
    let now = rig.clock.now().to_string();
    let written = rig.server.modify(CLAIMS, "", &claim, &options, |claim| {
        let condition = json!({"type": "DisruptionReason", "status": "True", "reason": "Drifted",
            "message": "", "lastTransitionTime": now});
        let conditions = claim["status"]["conditions"].as_array_mut();
        conditions.expect("conditions").push(condition);
    });
    written.expect("a change");
    rig.until(2 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
    assert_eq!(
        (
            drained(&rig, "Drifted"),
            drained(&rig, "Forceful Termination")
        ),
        (3, 0)
    );
}

/// A pool that caps graces, and a pod that would take an hour.
async fn capped(cap: i64, patch: Value) -> Rig {
    let mut rig = Rig::new();
    rig.change_pool(|pool| {
        let spec = &mut pool["spec"]["template"]["spec"];
        spec["maxPodGracePeriod"] = cap.into();
        spec["expireAfter"] = json!("30m");
    });
    rig.start();
    let slow = json!({"metadata": {"annotations": {"slow": "yes"}},
        "spec": {"terminationGracePeriodSeconds": 3600}});
    let mut pod = slow;
    common::merge(&mut pod, &patch);
    rig.pod("slow", &pod);
    run(&rig).await;
    rig
}

async fn until_asked_to_go(rig: &Rig, limit: Duration) {
    rig.until(limit, "the pod is asked to go", |rig| {
        let pod = rig.find_pod("slow").expect("it is there");
        !pod["metadata"]["deletionTimestamp"].is_null()
    })
    .await;
}

fn grace(rig: &Rig) -> i64 {
    let pod = rig.find_pod("slow").expect("it is there");
    let grace = &pod["metadata"]["deletionGracePeriodSeconds"];
    grace.as_i64().expect("a number")
}

/// `maxPodGracePeriod`: an expired node does not wait an hour for one pod.
#[tokio::test(start_paused = true)]
async fn a_pool_caps_how_long_one_pod_holds_up_the_end_of_an_expired_node() {
    let rig = capped(300, json!({})).await;
    until_asked_to_go(&rig, 31 * MINUTE).await;
    assert_eq!(grace(&rig), 300);
    rig.clock.sleep(4 * MINUTE).await;
    assert!(rig.find_pod("slow").is_some(), "it has its five minutes");
    rig.until(2 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
}

/// `maxPodGracePeriod`: the same where a node is removed because it is empty, and a daemon is slow.
#[tokio::test(start_paused = true)]
async fn a_pool_caps_how_long_a_daemon_holds_up_the_end_of_an_empty_node() {
    let rig = capped(60, json!({})).await;
    let daemon = json!({"metadata": {"annotations": {"slow": "yes"}, "ownerReferences":
            [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "d"}]},
        "spec": {"terminationGracePeriodSeconds": 3600, "nodeName": rig.names(NODES)[0],
            "containers": [{"name": "main", "image": "pause",
                "resources": {"requests": {"cpu": "0"}}}]}});
    rig.pod("daemon", &daemon);
    kill(&rig, "slow");
    rig.until(3 * MINUTE, "the daemon is asked to go", |rig| {
        let pod = rig.find_pod("daemon").expect("it is there");
        pod["metadata"]["deletionGracePeriodSeconds"] == 60
    })
    .await;
    rig.until(2 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
    assert_eq!(drained(&rig, "Empty"), 1);
}

/// `maxPodGracePeriod`: a pod that was asked to go before does not hold up the drain for longer.
#[tokio::test(start_paused = true)]
async fn a_pod_that_was_going_already_is_capped_too() {
    let rig = capped(60, json!({})).await;
    let deleted = rig
        .server
        .delete(PODS, "default", "slow", &DeleteOptions::default());
    deleted.expect("a deletion");
    assert_eq!(grace(&rig), 3600);
    delete_node(&rig);
    rig.until(MINUTE, "its grace is cut", |rig| grace(rig) <= 62)
        .await;
    rig.until(2 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
    let deletions = rig.wire.writes();
    let asked = |write: &&String| write.starts_with("DELETE") && write.ends_with("/pods/slow");
    assert_eq!(deletions.iter().filter(asked).count(), 1, "once");
}

/// `maxPodGracePeriod`: a protection is stronger, and a deadline that somebody else sets is not
/// softened by it.
#[tokio::test(start_paused = true)]
async fn a_cap_neither_lifts_a_protection_nor_shortens_a_forced_drain() {
    let protected = json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}});
    let rig = capped(60, protected).await;
    delete_node(&rig);
    rig.clock.sleep(20 * MINUTE).await;
    let pod = rig.find_pod("slow").expect("it is there");
    assert!(pod["metadata"]["deletionTimestamp"].is_null());
    let rig = capped(60, json!({})).await;
    set_deadline(&rig, rig.clock.now() + 10 * MINUTE);
    delete_node(&rig);
    until_asked_to_go(&rig, MINUTE).await;
    assert!(grace(&rig) > 500, "{}", grace(&rig));
}
