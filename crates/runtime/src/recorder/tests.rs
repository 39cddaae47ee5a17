use serde_json::Value;

use super::*;
use crate::{
    client::Client,
    shutdown::Shutdown,
    testing::{Log, Reply, client},
};

const EPOCH: Timestamp = Timestamp::from_seconds(1_767_268_800);

fn pod(name: &str) -> ObjectRef {
    ObjectRef {
        api_version: "v1".into(),
        kind: "Pod".into(),
        namespace: "apps".into(),
        name: name.into(),
        uid: format!("uid-{name}"),
    }
}

fn node(name: &str) -> ObjectRef {
    ObjectRef {
        kind: "Node".into(),
        namespace: String::new(),
        ..pod(name)
    }
}

struct World {
    recorder: Recorder,
    log: Log,
    stop: Shutdown,
    task: tokio::task::JoinHandle<()>,
    metrics: Metrics,
}

impl World {
    fn new(mut answer: impl FnMut(&str) -> Reply + Send + 'static) -> Self {
        let (client, log): (Client, Log) = client(move |seen| answer(&seen.method));
        let (metrics, stop) = (Metrics::new(), Shutdown::new());
        let clock = Clock::simulated(EPOCH);
        let (recorder, outbox) = Recorder::new(clock, Some(metrics.clone()));
        let task = tokio::spawn(outbox.run(client, stop.clone()));
        Self {
            recorder,
            log,
            stop,
            task,
            metrics,
        }
    }

    fn healthy() -> Self {
        Self::new(|_| Reply::Json(200, serde_json::json!({"metadata": {"name": "e"}})))
    }

    /// Stops the outbox, which writes what waits, and returns what it asked for.
    async fn written(self) -> Vec<(String, String, Value)> {
        self.stop.trigger();
        self.task.await.expect("ends");
        let log = self.log.lock().expect("log");
        log.iter()
            .map(|seen| (seen.method.clone(), seen.uri.clone(), seen.body.clone()))
            .collect()
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_says_who_what_why_and_when() {
    let world = World::healthy();
    world
        .recorder
        .publish(Notice::warning(pod("p"), "FailedScheduling", "no room"));
    world
        .recorder
        .publish(Notice::normal(node("n"), "Ready", "is ready"));
    let written = world.written().await;
    assert_eq!(written[0].1, "/api/v1/namespaces/apps/events");
    let event = &written[0].2;
    assert_eq!(event["involvedObject"]["uid"], "uid-p");
    assert_eq!(
        (&event["reason"], &event["message"]),
        (&"FailedScheduling".into(), &"no room".into())
    );
    assert_eq!(
        (&event["type"], &event["source"]["component"]),
        (&"Warning".into(), &"karpenter".into())
    );
    assert_eq!(event["firstTimestamp"], "2026-01-01T12:00:00Z");
    assert_eq!(
        written[1].1, "/api/v1/namespaces/default/events",
        "cluster scope"
    );
    assert!(written[1].2["involvedObject"].get("namespace").is_none());
}

#[tokio::test(start_paused = true)]
async fn repetitions_are_dropped_within_their_window_whatever_the_message() {
    let world = World::healthy();
    for message in ["one", "two"] {
        world
            .recorder
            .publish(Notice::normal(pod("p"), "Nominated", message));
    }
    tokio::time::sleep(Duration::from_secs(121)).await;
    world
        .recorder
        .publish(Notice::normal(pod("p"), "Nominated", "three"));
    world
        .recorder
        .publish(Notice::normal(pod("q"), "Nominated", "other pod"));
    let written = world.written().await;
    let messages: Vec<_> = written
        .iter()
        .map(|(_, _, event)| event["message"].clone())
        .collect();
    assert_eq!(messages, ["one", "three", "other pod"]);
}

#[tokio::test(start_paused = true)]
async fn a_notice_chooses_its_window_and_what_makes_it_the_same() {
    let world = World::healthy();
    let notice = |reason: &str| {
        Notice::normal(pod("p"), "Blocked", "text")
            .dedupe_by(["uid".to_owned(), reason.to_owned()])
            .window(Duration::from_mins(15))
    };
    world.recorder.publish(notice("Drifted"));
    world.recorder.publish(notice("Empty"));
    tokio::time::sleep(Duration::from_mins(5)).await;
    world.recorder.publish(notice("Drifted"));
    world.recorder.publish(notice("Drifted").always());
    assert_eq!(world.written().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_shared_limit_drops_what_exceeds_it_after_it_took_its_turn() {
    let world = World::healthy();
    let limit = Limit {
        name: "nomination",
        rate: 5.0,
        burst: 10,
    };
    let notice =
        |at: u32| Notice::normal(pod(&format!("p{at}")), "Nominated", "on a node").limit(limit);
    (0..15).for_each(|at| world.recorder.publish(notice(at)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.recorder.publish(notice(14));
    (20..30).for_each(|at| world.recorder.publish(notice(at)));
    // Ten at once, five more after a second; p14 was dropped, and its repetition too.
    let written = world.written().await;
    assert_eq!(written.len(), 15);
    assert!(
        written
            .iter()
            .all(|(_, _, event)| event["involvedObject"]["name"] != "p14")
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_event_again_is_counted_on_the_first() {
    let world = World::healthy();
    world
        .recorder
        .publish(Notice::normal(pod("p"), "Blocked", "by a budget"));
    tokio::time::sleep(Duration::from_secs(200)).await;
    world
        .recorder
        .publish(Notice::normal(pod("p"), "Blocked", "by a budget"));
    let written = world.written().await;
    assert_eq!((&*written[0].0, &*written[1].0), ("POST", "PATCH"));
    assert_eq!(written[1].2["count"], 2);
    let name = written[0].2["metadata"]["name"].as_str().expect("a name");
    assert!(written[1].1.ends_with(name), "{} {name}", written[1].1);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_server_forgot_is_written_anew() {
    let world = World::new(|method| match method {
        "PATCH" => Reply::Status(404, "NotFound", None),
        _ => Reply::Json(201, serde_json::json!({"metadata": {"name": "e"}})),
    });
    world
        .recorder
        .publish(Notice::normal(pod("p"), "Blocked", "text").always());
    world
        .recorder
        .publish(Notice::normal(pod("p"), "Blocked", "text").always());
    let methods: Vec<_> = world
        .written()
        .await
        .into_iter()
        .map(|(method, ..)| method)
        .collect();
    assert_eq!(methods, ["POST", "PATCH", "POST"]);
}

#[tokio::test(start_paused = true)]
async fn refused_events_and_a_full_queue_are_counted_and_never_block() {
    let world = World::new(|_| Reply::Status(403, "Forbidden", None));
    for at in 0..QUEUE + 20 {
        world
            .recorder
            .publish(Notice::normal(pod(&at.to_string()), "Reason", "text"));
    }
    let metrics = world.metrics.clone();
    assert_eq!(
        metrics.value(&names::EVENTS_DROPPED, &["queue"]),
        Some(20.0)
    );
    world.written().await;
    assert_eq!(
        metrics.value(&names::EVENTS_DROPPED, &["refused"]),
        Some(QUEUE as f64)
    );
}

#[tokio::test(start_paused = true)]
async fn long_messages_are_cut_at_a_character() {
    let world = World::healthy();
    world.recorder.publish(Notice::normal(
        pod("p"),
        "Reason",
        format!("x{}", "é".repeat(2_000)),
    ));
    let written = world.written().await;
    let message = written[0].2["message"].as_str().expect("text");
    assert_eq!(message.len(), 1_023);
}
