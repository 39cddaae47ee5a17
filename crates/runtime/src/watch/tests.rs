use std::collections::VecDeque;

use bytes::Bytes;
use model::k8s::Node;
use serde_json::{Value, json};

use super::*;
use crate::testing::{Log, Reply, client};

fn node(name: &str, version: u64) -> Value {
    json!({"kind": "Node", "metadata": {"name": name, "resourceVersion": version.to_string()}})
}

fn page(names: &[&str], version: u64, token: &str) -> Reply {
    let items: Vec<Value> = names.iter().map(|name| node(name, version)).collect();
    let metadata = json!({"resourceVersion": version.to_string(), "continue": token});
    Reply::Json(200, json!({"metadata": metadata, "items": items}))
}

fn line(kind: &str, object: &Value) -> Bytes {
    Bytes::from(format!("{}\n", json!({"type": kind, "object": object})))
}

/// A watch that sends these lines and closes.
fn closing(lines: Vec<Bytes>) -> Reply {
    let (sender, receiver) = mpsc::unbounded_channel();
    for line in lines {
        sender.send(line).expect("open");
    }
    Reply::Stream(receiver)
}

/// A watch that sends these lines and stays silent.
fn staying(lines: Vec<Bytes>) -> Reply {
    let (sender, receiver) = mpsc::unbounded_channel();
    for line in lines {
        sender.send(line).expect("open");
    }
    tokio::spawn(async move {
        sender.closed().await;
        drop(sender);
    });
    Reply::Stream(receiver)
}

/// A watcher on a server that gives these replies, one per request.
fn watcher(replies: Vec<Reply>) -> (Watcher<JsonDecoder<Node>>, Log) {
    let mut replies = VecDeque::from(replies);
    let (client, log) = client(move |_| replies.pop_front().unwrap_or_else(|| staying(Vec::new())));
    let config = Config::all(Kind::of::<Node>()).seed(1);
    (Watcher::new(client, config, JsonDecoder::default()), log)
}

fn uris(log: &Log) -> Vec<String> {
    log.lock()
        .expect("log")
        .iter()
        .map(|seen| seen.uri.clone())
        .collect()
}

fn show(event: Event<Node>) -> String {
    match event {
        Event::Reset(nodes) => {
            let names: Vec<String> = nodes.into_iter().map(|node| node.metadata.name).collect();
            format!("reset {}", names.join(","))
        }
        Event::Applied(node) => format!("applied {}", node.metadata.name),
        Event::Deleted(node) => format!("deleted {}", node.metadata.name),
    }
}

async fn take(watcher: &mut Watcher<JsonDecoder<Node>>, count: usize) -> Vec<String> {
    let mut seen = Vec::new();
    for _ in 0..count {
        seen.push(show(watcher.next().await));
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn pages_make_one_reset_and_changes_follow_from_its_version() {
    let (mut watcher, log) = watcher(vec![
        page(&["a", "b"], 7, "more"),
        page(&["c"], 7, ""),
        staying(vec![
            line("ADDED", &node("d", 8)),
            line("DELETED", &node("a", 9)),
        ]),
    ]);
    assert_eq!(
        take(&mut watcher, 3).await,
        ["reset a,b,c", "applied d", "deleted a"]
    );
    let asked = uris(&log);
    assert_eq!(asked[0], "/api/v1/nodes?limit=500");
    assert_eq!(asked[1], "/api/v1/nodes?limit=500&continue=more");
    assert_eq!(
        asked[2],
        "/api/v1/nodes?watch=true&allowWatchBookmarks=true&timeoutSeconds=290&resourceVersion=7"
    );
}

#[tokio::test(start_paused = true)]
async fn a_closed_watch_goes_on_from_the_latest_version_even_of_a_bookmark() {
    let (mut watcher, log) = watcher(vec![
        page(&[], 7, ""),
        closing(vec![
            line("MODIFIED", &node("a", 8)),
            line("BOOKMARK", &node("", 50)),
        ]),
        staying(vec![line("ADDED", &node("b", 51))]),
    ]);
    assert_eq!(
        take(&mut watcher, 3).await,
        ["reset ", "applied a", "applied b"]
    );
    assert!(
        uris(&log)[2].ends_with("resourceVersion=50"),
        "{:?}",
        uris(&log)
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_gone_lists_again_whether_at_opening_or_within() {
    let gone = json!({"kind": "Status", "code": 410, "reason": "Expired"});
    let (mut watcher, _) = watcher(vec![
        page(&["a"], 7, ""),
        Reply::Status(410, "Expired", None),
        page(&["b"], 20, ""),
        closing(vec![line("ERROR", &gone)]),
        page(&["c"], 30, ""),
    ]);
    assert_eq!(
        take(&mut watcher, 3).await,
        ["reset a", "reset b", "reset c"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_token_that_expired_starts_the_list_over() {
    let (mut watcher, _) = watcher(vec![
        page(&["a"], 7, "more"),
        Reply::Status(410, "Expired", None),
        page(&["b"], 8, ""),
    ]);
    assert_eq!(take(&mut watcher, 1).await, ["reset b"]);
}

#[tokio::test(start_paused = true)]
async fn failures_of_the_watch_are_waited_out_longer_each_time_without_listing() {
    let mut replies = vec![page(&["a"], 7, "")];
    replies.extend((0..6).map(|_| Reply::Status(503, "ServiceUnavailable", None)));
    replies.push(staying(vec![line("ADDED", &node("b", 8))]));
    let (mut watcher, log) = watcher(replies);
    assert_eq!(take(&mut watcher, 1).await, ["reset a"]);
    let started = Instant::now();
    assert_eq!(take(&mut watcher, 1).await, ["applied b"]);
    // 0.8 s doubling to 25.6 s, each shortened by up to a half.
    let took = started.elapsed().as_secs_f64();
    assert!((25.2..50.4).contains(&took), "{took}");
    let lists = uris(&log)
        .iter()
        .filter(|uri| uri.contains("limit"))
        .count();
    assert_eq!(lists, 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_during_the_list_ends_in_a_whole_list() {
    let mut replies: Vec<Reply> = (0..12).map(|_| Reply::Broken).collect();
    replies.push(page(&["a", "b"], 3, ""));
    let (mut watcher, _) = watcher(replies);
    assert_eq!(take(&mut watcher, 1).await, ["reset a,b"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_falls_silent_is_opened_again() {
    let (mut watcher, log) = watcher(vec![
        page(&[], 7, ""),
        staying(Vec::new()),
        staying(vec![line("ADDED", &node("b", 8))]),
    ]);
    let started = Instant::now();
    assert_eq!(take(&mut watcher, 2).await, ["reset ", "applied b"]);
    assert_eq!(started.elapsed(), Duration::from_secs(320));
    assert!(uris(&log)[2].ends_with("resourceVersion=7"));
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_always_closes_at_once_does_not_spin() {
    let mut replies = vec![page(&[], 7, "")];
    replies.extend((0..10).map(|_| closing(Vec::new())));
    replies.push(staying(vec![line("ADDED", &node("b", 8))]));
    let (mut watcher, _) = watcher(replies);
    let started = Instant::now();
    assert_eq!(take(&mut watcher, 2).await, ["reset ", "applied b"]);
    assert!(
        started.elapsed() > Duration::from_mins(1),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_decoded_makes_a_new_list() {
    let (mut watcher, _) = watcher(vec![
        page(&["a"], 7, ""),
        closing(vec![line("ADDED", &json!({"metadata": 5}))]),
        page(&["b"], 8, ""),
        closing(vec![Bytes::from_static(b"not json\n")]),
        page(&["c"], 9, ""),
    ]);
    assert_eq!(
        take(&mut watcher, 3).await,
        ["reset a", "reset b", "reset c"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_served_yet_appears_once_it_is() {
    let metrics = Metrics::new();
    let (mut watcher, _) = watcher(vec![
        Reply::Status(404, "NotFound", None),
        Reply::Status(404, "NotFound", None),
        page(&["a"], 7, ""),
    ]);
    watcher.config.metrics = Some(metrics.clone());
    assert_eq!(take(&mut watcher, 1).await, ["reset a"]);
    assert_eq!(
        metrics.value(&names::WATCH_RESTARTS, &["Node", "failed"]),
        Some(2.0)
    );
}

#[tokio::test(start_paused = true)]
async fn the_wait_is_a_function_of_the_seed() {
    async fn took(seed: u64) -> Duration {
        let replies = (0..15)
            .map(|_| Reply::Broken)
            .chain([page(&[], 1, "")])
            .collect();
        let (mut watcher, _) = watcher(replies);
        watcher.jitter = seed;
        let started = Instant::now();
        take(&mut watcher, 1).await;
        started.elapsed()
    }
    assert_eq!(took(5).await, took(5).await);
    assert_ne!(took(5).await, took(6).await);
}

#[tokio::test(start_paused = true)]
async fn a_spawned_watcher_waits_for_its_consumer_and_ends_with_it() {
    let lines = (0..50)
        .map(|at| line("ADDED", &node("n", 10 + at)))
        .collect();
    let (watcher, _) = watcher(vec![page(&["a"], 7, ""), staying(lines)]);
    let (mut events, task) = spawn(watcher, 2);
    for _ in 0..51 {
        events.recv().await.expect("an event");
    }
    drop(events);
    task.await.expect("ends");
}
