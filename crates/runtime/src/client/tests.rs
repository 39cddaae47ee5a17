use model::k8s::{Node, Pod};
use tokio::time::Instant;

use super::*;
use crate::{
    metrics::names,
    testing::{Log, Reply, client},
};

fn node(name: &str, version: &str) -> Value {
    json!({"kind": "Node", "metadata": {"name": name, "resourceVersion": version}})
}

fn asked(log: &Log) -> Vec<String> {
    let log = log.lock().expect("log");
    log.iter()
        .map(|seen| format!("{} {}", seen.method, seen.uri))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_missing_object_is_none_when_looked_for_and_an_error_when_gotten() {
    let (client, _) = client(|_| Reply::Status(404, "NotFound", None));
    let key = ObjectKey::cluster("n");
    assert!(
        client
            .find::<Node>(&key)
            .await
            .expect("no failure")
            .is_none()
    );
    assert!(
        client
            .get::<Node>(&key)
            .await
            .expect_err("missing")
            .is_not_found()
    );
}

#[tokio::test(start_paused = true)]
async fn lists_follow_continue_tokens() {
    let (client, log) = client(|seen| {
        let last = seen.uri.contains("continue=next%2Fone");
        let meta = if last {
            json!({"resourceVersion": "9"})
        } else {
            json!({"resourceVersion": "9", "continue": "next/one"})
        };
        let name = if last { "b" } else { "a" };
        Reply::Json(200, json!({"metadata": meta, "items": [node(name, "1")]}))
    });
    let list: List<Node> = client
        .list(&Select::all().labels("x=y"))
        .await
        .expect("lists");
    let names: Vec<_> = list.items.iter().map(|node| &*node.metadata.name).collect();
    assert_eq!((names, &*list.resource_version), (vec!["a", "b"], "9"));
    assert_eq!(
        asked(&log),
        [
            "GET /api/v1/nodes?labelSelector=x%3Dy&limit=500",
            "GET /api/v1/nodes?labelSelector=x%3Dy&limit=500&continue=next%2Fone",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn writes_carry_type_precondition_and_content_type() {
    let (client, log) = client(|_| Reply::Json(200, node("n", "2")));
    let key = ObjectKey::cluster("n");
    let read: Node = client.get(&key).await.expect("reads");
    let only_if = Preconditions {
        uid: String::new(),
        ..Preconditions::unchanged(&read)
    };
    client
        .create_from::<Node>("", json!({"metadata": {"name": "n"}}))
        .await
        .expect("creates");
    client
        .patch::<Node>(&key, json!({"spec": {"a": 1}}), &only_if)
        .await
        .expect("patches");
    client
        .patch_status::<Node>(&key, json!({"status": {}}), &Preconditions::none())
        .await
        .expect("patches");
    client
        .delete::<Node>(&key, &Preconditions::none().grace(0))
        .await
        .expect("deletes");
    let pod = ObjectKey::namespaced("ns", "p");
    client
        .evict(&pod, &Preconditions::none().grace(3))
        .await
        .expect("evicts");

    let log = log.lock().expect("log");
    assert_eq!(
        log[1].body,
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}})
    );
    assert_eq!(
        log[2].body,
        json!({"spec": {"a": 1}, "metadata": {"resourceVersion": "2"}})
    );
    assert_eq!(log[2].content_type, "application/merge-patch+json");
    assert_eq!(log[3].uri, "/api/v1/nodes/n/status");
    assert_eq!(
        (&*log[4].method, &log[4].body["gracePeriodSeconds"]),
        ("DELETE", &json!(0))
    );
    assert_eq!(log[5].uri, "/api/v1/namespaces/ns/pods/p/eviction");
    assert_eq!(log[5].body["deleteOptions"]["gracePeriodSeconds"], 3);
}

#[tokio::test(start_paused = true)]
async fn throttled_calls_wait_as_long_as_the_server_says_and_succeed() {
    let mut left = 2;
    let (client, log) = client(move |_| {
        left -= 1;
        if left >= 0 {
            Reply::Status(429, "TooManyRequests", Some(3))
        } else {
            Reply::Json(200, node("n", "1"))
        }
    });
    let started = Instant::now();
    let (key, any) = (ObjectKey::cluster("n"), Preconditions::none());
    client
        .patch::<Node>(&key, json!({}), &any)
        .await
        .expect("succeeds in the end");
    assert_eq!(started.elapsed(), Duration::from_secs(6));
    assert_eq!(asked(&log).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_that_never_ends_or_asks_too_much_is_reported() {
    let (client, log) = client(|seen| {
        let seconds = if seen.uri.ends_with("slow") { 60 } else { 1 };
        Reply::Status(429, "TooManyRequests", Some(seconds))
    });
    let error = client
        .get::<Node>(&ObjectKey::cluster("n"))
        .await
        .expect_err("throttled");
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(1)));
    assert_eq!(asked(&log).len(), 5);
    let error = client
        .get::<Node>(&ObjectKey::cluster("slow"))
        .await
        .expect_err("throttled");
    assert_eq!(error.retry(), Retry::After(Duration::from_mins(1)));
    assert_eq!(asked(&log).len(), 6, "a minute is the caller's to wait");
}

#[tokio::test(start_paused = true)]
async fn a_failing_server_is_asked_again_for_reads_but_not_for_writes() {
    let (client, log) = client(|_| Reply::Status(500, "InternalError", None));
    let key = ObjectKey::cluster("n");
    assert!(matches!(
        client.get::<Node>(&key).await,
        Err(ApiError::Server(_))
    ));
    assert_eq!(asked(&log).len(), 5);
    let created = client.create_from::<Node>("", json!({})).await;
    assert!(matches!(created, Err(ApiError::Server(_))));
    assert_eq!(asked(&log).len(), 6, "whether it was created is unknown");
}

#[tokio::test(start_paused = true)]
async fn broken_connections_and_silence_become_errors_to_retry() {
    let (broken, log) = client(|_| Reply::Broken);
    let error = broken
        .delete::<Node>(&ObjectKey::cluster("n"), &Preconditions::none())
        .await;
    let error = error.expect_err("broken");
    assert!(
        matches!(&error, ApiError::Transport(text) if text.contains("reset")),
        "{error}"
    );
    assert_eq!((error.retry(), asked(&log).len()), (Retry::Backoff, 1));

    let (silent, _) = client(|_| Reply::Silence);
    let started = Instant::now();
    let error = silent
        .create_from::<Node>("", json!({}))
        .await
        .expect_err("silence");
    assert!(matches!(error, ApiError::Timeout(_)), "{error}");
    assert_eq!(started.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn an_eviction_that_a_budget_forbids_is_never_repeated_by_the_client() {
    let (client, log) = client(|_| {
        Reply::Json(
            429,
            json!({"kind": "Status", "reason": "TooManyRequests", "details":
                   {"retryAfterSeconds": 1, "causes": [{"reason": "DisruptionBudget"}]}}),
        )
    });
    let error = client
        .evict(&ObjectKey::namespaced("a", "b"), &Preconditions::none())
        .await;
    assert!(error.expect_err("blocked").is_blocked_by_budget());
    assert_eq!(asked(&log).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn conflicts_and_refusals_are_told_apart() {
    let (client, _) = client(|seen| match &*seen.method {
        "POST" => Reply::Status(409, "AlreadyExists", None),
        "PATCH" => Reply::Status(409, "Conflict", None),
        _ => Reply::Status(403, "Forbidden", None),
    });
    let key = ObjectKey::cluster("n");
    let created = client
        .create_from::<Node>("", json!({}))
        .await
        .expect_err("exists");
    assert!(created.is_already_exists());
    let patched = client
        .patch::<Node>(&key, json!({}), &Preconditions::none())
        .await;
    assert!(patched.expect_err("conflict").is_conflict());
    let error = client.get::<Node>(&key).await.expect_err("forbidden");
    assert!(matches!(error, ApiError::Forbidden(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_shape_names_the_path() {
    let (client, _) = client(|_| Reply::Json(200, json!([1, 2])));
    let error = client
        .get::<Pod>(&ObjectKey::namespaced("a", "b"))
        .await
        .expect_err("an array");
    assert!(
        error.to_string().contains("/api/v1/namespaces/a/pods/b"),
        "{error}"
    );
    assert_eq!(error.retry(), Retry::Never);
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_spaces_calls_out_and_the_metrics_count_them() {
    let metrics = Metrics::new();
    let (client, _) = client(|_| Reply::Json(200, node("n", "1")));
    let client = client.with_limit(10.0, 2).with_metrics(metrics.clone());
    let started = Instant::now();
    for _ in 0..12 {
        client
            .get::<Node>(&ObjectKey::cluster("n"))
            .await
            .expect("reads");
    }
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        metrics.value(&names::CLIENT_REQUESTS, &["200", "GET"]),
        Some(12.0)
    );
    let labels = ["GET", "", "v1", "Node", ""];
    assert_eq!(
        metrics.value(&names::CLIENT_REQUEST_SECONDS, &labels),
        Some(12.0)
    );
}

#[tokio::test(start_paused = true)]
async fn discovery_says_whether_a_kind_is_served() {
    let (client, _) = client(|seen| match &*seen.uri {
        "/api/v1" => Reply::Json(200, json!({"resources": [{"name": "nodes"}]})),
        _ => Reply::Status(404, "NotFound", None),
    });
    assert!(client.serves(Kind::of::<Node>()).await.expect("discovers"));
    assert!(!client.serves(Kind::of::<Pod>()).await.expect("discovers"));
    let other = Kind {
        group: "karpenter.sh",
        version: "v1",
        kind: "NodePool",
        plural: "nodepools",
    };
    assert!(
        !client
            .serves(other)
            .await
            .expect("a missing group is an answer")
    );
}

#[tokio::test(start_paused = true)]
async fn the_version_of_a_server_is_as_it_says() {
    let (client, log) = client(|_| {
        Reply::Json(
            200,
            json!({"major": "1", "minor": "30+", "gitVersion": "v1.30.4-eks"}),
        )
    });
    let version = client.server_version().await.expect("a version");
    assert_eq!((&*version.major, &*version.minor), ("1", "30+"));
    assert_eq!(asked(&log), ["GET /version"]);
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_read_is_named() {
    let path = std::path::PathBuf::from("/does/not/exist");
    let source = Source::File {
        path,
        context: None,
    };
    let error = Client::connect(&source, "test")
        .await
        .err()
        .expect("no such file")
        .to_string();
    assert!(
        error.starts_with("reading kubeconfig /does/not/exist, "),
        "{error}"
    );
}
