use super::*;
use crate::testing;

const PATIENCE: Duration = Duration::from_secs(1);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000 + seconds)
}

fn web() -> Workload {
    Workload {
        kind: WorkloadKind::ReplicaSet,
        namespace: "default".into(),
        name: "web".into(),
    }
}

fn wish(pods: usize, pace: Pace) -> Wish {
    Wish { pods, pace }
}

/// Everything is listed, and nothing wanted.
fn listed() -> Arrivals {
    let mut arrivals = Arrivals::default();
    for kind in WorkloadKind::ALL {
        arrivals.reset_workloads(kind, Vec::new(), at(-100));
    }
    arrivals
}

fn of_web(name: &str, patch: &serde_json::Value) -> Arc<PodRecord> {
    let owner = serde_json::json!({"metadata": {"ownerReferences": [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "w"}]}});
    testing::pod(name, &[&owner, patch])
}

#[test]
fn nothing_is_known_before_workloads_are_listed() {
    let arrivals = Arrivals::default();
    assert_eq!(arrivals.outlook(PATIENCE, at(0)), Outlook::Open);
    assert_eq!(listed().outlook(PATIENCE, at(0)), Outlook::Complete);
}

#[test]
fn a_workload_without_all_its_pods_has_more_to_come_until_it_makes_no_progress() {
    let mut arrivals = listed();
    arrivals.workload(web(), Some(wish(2, Pace::Together)), at(0));
    let nothing = serde_json::json!({});
    let (one, two) = (of_web("web-1", &nothing), of_web("web-2", &nothing));
    assert_eq!(arrivals.outlook(PATIENCE, at(0)), Outlook::Open);
    assert_eq!(
        arrivals.outlook(PATIENCE, at(1)),
        Outlook::Complete,
        "no progress"
    );
    arrivals.pod(None, Some(&one), at(5));
    assert_eq!(arrivals.outlook(PATIENCE, at(5)), Outlook::Open, "progress");
    arrivals.pod(None, Some(&two), at(5));
    assert_eq!(arrivals.outlook(PATIENCE, at(5)), Outlook::Complete);
    arrivals.pod(Some(&two), None, at(6));
    assert_eq!(
        arrivals.outlook(PATIENCE, at(6)),
        Outlook::Open,
        "one is replaced"
    );
    arrivals.workload(web(), None, at(6));
    assert_eq!(
        arrivals.outlook(PATIENCE, at(6)),
        Outlook::Complete,
        "it is gone"
    );
}

#[test]
fn pods_that_are_made_one_by_one_wait_for_each_other() {
    let mut arrivals = listed();
    arrivals.workload(web(), Some(wish(2, Pace::OneByOne)), at(0));
    let pending = of_web("web-0", &serde_json::json!({}));
    arrivals.pod(None, Some(&pending), at(0));
    assert_eq!(arrivals.outlook(PATIENCE, at(0)), Outlook::Complete);
    let ready = of_web(
        "web-0",
        &serde_json::json!({"spec": {"nodeName": "a"}, "status":
        {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}),
    );
    arrivals.pod(Some(&pending), Some(&ready), at(9));
    assert_eq!(
        arrivals.outlook(PATIENCE, at(9)),
        Outlook::Open,
        "the next one comes"
    );
}

#[test]
fn pods_that_the_scheduler_has_not_looked_at_may_need_a_place() {
    let mut arrivals = listed();
    let nothing = serde_json::json!({});
    let unseen = testing::pod("a", &[&serde_json::json!({"status": {"conditions": []}})]);
    let (other, seen) = (unseen.clone(), testing::pod("a", &[&nothing]));
    arrivals.pod(None, Some(&unseen), at(0));
    arrivals.pod(None, Some(&other), at(0));
    assert_eq!(arrivals.outlook(PATIENCE, at(0)), Outlook::Open);
    assert_eq!(
        arrivals.outlook(PATIENCE, at(1)),
        Outlook::Complete,
        "nobody looks"
    );
    arrivals.pod(Some(&unseen), Some(&seen), at(2));
    assert_eq!(
        arrivals.outlook(PATIENCE, at(2)),
        Outlook::Open,
        "one was looked at"
    );
    arrivals.pod(Some(&other), None, at(2));
    assert_eq!(arrivals.outlook(PATIENCE, at(2)), Outlook::Complete);
}

#[test]
fn a_list_replaces_what_was_known() {
    let mut arrivals = listed();
    arrivals.workload(web(), Some(wish(2, Pace::Together)), at(0));
    let pods = ["web-1", "web-2"].map(|name| of_web(name, &serde_json::json!({})));
    arrivals.reset_pods(pods.iter().map(|pod| &**pod), at(0));
    assert_eq!(arrivals.outlook(PATIENCE, at(0)), Outlook::Complete);
    arrivals.reset_pods(pods[..1].iter().map(|pod| &**pod), at(5));
    assert_eq!(arrivals.outlook(PATIENCE, at(5)), Outlook::Open);
    arrivals.reset_workloads(WorkloadKind::ReplicaSet, Vec::new(), at(5));
    assert!(!arrivals.knows(&web()));
    assert_eq!(arrivals.outlook(PATIENCE, at(5)), Outlook::Complete);
}

#[test]
fn pods_are_counted_for_the_workload_that_made_them() {
    let nothing = serde_json::json!({});
    assert_eq!(Workload::of(&of_web("web-1", &nothing)), Some(web()));
    let job = serde_json::json!({"metadata": {"labels": {"job-name": "sums"}, "ownerReferences": [
        {"apiVersion": "batch/v1", "kind": "Job", "name": "sums", "uid": "j"}]}});
    let of_job = Workload::of(&testing::pod("a", &[&job])).expect("a job");
    assert_eq!((of_job.kind, &*of_job.name), (WorkloadKind::Job, "sums"));
    assert_eq!(Workload::of(&testing::pod("a", &[&nothing])), None);
}
