use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use super::*;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("capture").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("capture").clone()).expect("text")
    }

    fn lines(&self) -> Vec<Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }
}

const EPOCH: Timestamp = Timestamp::from_millis(1_785_542_400_123);

fn logged(level: LogLevel, act: impl FnOnce()) -> Captured {
    let captured = Captured::default();
    let layer = JsonLayer::new(
        level,
        Clock::simulated(EPOCH),
        "abc1234",
        Sink::to(captured.clone()),
    );
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
    captured
}

#[tokio::test(start_paused = true)]
async fn a_line_has_the_known_keys_in_the_known_order() {
    let captured = logged(LogLevel::Info, || tracing::info!(pods = 3, "found \"it\""));
    assert_eq!(
        captured.text(),
        "{\"level\":\"INFO\",\"time\":\"2026-08-01T00:00:00.123Z\",\"logger\":\"controller\",\
         \"message\":\"found \\\"it\\\"\",\"commit\":\"abc1234\",\"pods\":3}\n"
    );
}

#[tokio::test(start_paused = true)]
async fn spans_and_dots_and_structures_become_fields() {
    let captured = logged(LogLevel::Info, || {
        let span = tracing::info_span!(
            "reconcile",
            controller = "nodeclaim.lifecycle",
            NodeClaim.name = "a",
            Node.name = tracing::field::Empty,
        );
        let _entered = span.enter();
        span.record("Node.name", "n");
        let types = ["m5.large", "c5.large"];
        let took = std::time::Duration::from_millis(1_500);
        tracing::info!(types = %Json(&types), NodeClaim.uid = "u", duration = ?took, "launched");
    });
    let line = &captured.lines()[0];
    assert_eq!(line["controller"], "nodeclaim.lifecycle");
    assert_eq!(line["NodeClaim"], json!({"name": "a", "uid": "u"}));
    assert_eq!(line["Node"]["name"], "n");
    assert_eq!(line["types"], json!(["m5.large", "c5.large"]));
    assert_eq!(line["duration"], "1.5s");
}

#[tokio::test(start_paused = true)]
async fn levels_let_through_what_they_promise_and_debug_names_the_caller() {
    let all = || {
        tracing::debug!("d");
        tracing::info!("i");
        tracing::warn!("w");
        tracing::error!("e");
    };
    let levels = |level| -> Vec<String> {
        let lines = logged(level, all).lines();
        lines
            .iter()
            .map(|line| line["level"].as_str().expect("text").to_owned())
            .collect()
    };
    assert_eq!(levels(LogLevel::Debug), ["DEBUG", "INFO", "WARN", "ERROR"]);
    assert_eq!(levels(LogLevel::Info), ["INFO", "WARN", "ERROR"]);
    assert_eq!(levels(LogLevel::Error), ["ERROR"]);
    let caller = logged(LogLevel::Debug, all).lines()[0]["caller"].clone();
    assert!(
        caller
            .as_str()
            .expect("text")
            .starts_with("logging/tests.rs:"),
        "{caller}"
    );
}

#[tokio::test(start_paused = true)]
async fn libraries_are_heard_only_when_they_warn() {
    let captured = logged(LogLevel::Debug, || {
        tracing::info!(target: "hyper::proto", "chatter");
        tracing::debug!(target: "aws_smithy_runtime::client::retries", "chatter");
        tracing::warn!(target: "hyper::proto", "trouble");
    });
    let messages: Vec<_> = captured
        .lines()
        .iter()
        .map(|line| line["message"].clone())
        .collect();
    assert_eq!(messages, ["trouble"]);
}

#[tokio::test(start_paused = true)]
async fn identical_messages_are_thinned_out_within_a_second() {
    let captured = Captured::default();
    let sink = Sink::to(captured.clone());
    let layer = JsonLayer::new(LogLevel::Info, Clock::simulated(EPOCH), "", sink);
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    for _ in 0..450 {
        tracing::info!("again");
    }
    tracing::info!("another");
    assert_eq!(captured.lines().len(), 100 + 3 + 1);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    tracing::info!("again");
    assert_eq!(captured.lines().len(), 105);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_told_with_its_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);
    let captured = logged(LogLevel::Info, || {
        let error = Outer(std::io::Error::other("inner"));
        tracing::error!(
            error = &error as &(dyn std::error::Error + 'static),
            "failed"
        );
    });
    assert_eq!(captured.lines()[0]["error"], "outer, inner");
}

#[test]
fn an_output_that_cannot_be_opened_is_named() {
    let options = LogOptions {
        level: LogLevel::Info,
        output_paths: vec!["/no/such/dir/log".into()],
        error_output_paths: Vec::new(),
    };
    let error = Sink::open(&options)
        .err()
        .expect("no such directory")
        .to_string();
    assert!(
        error.starts_with("opening log output /no/such/dir/log, "),
        "{error}"
    );
}

#[test]
fn what_cannot_be_written_is_said_elsewhere() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("disk full"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let captured = Captured::default();
    let mut sink = Sink::to(Broken);
    sink.add_failures(captured.clone());
    sink.write(b"line\n");
    assert_eq!(captured.text(), "writing a log line, disk full\n");
}
