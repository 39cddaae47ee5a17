//! A running program under test, and waiting for things to come true.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]

pub mod audit;
pub mod history;
pub mod objects;
pub mod world;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus},
    sync::mpsc,
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

/// Longer than anything takes; a test that waits for it has failed.
pub const LONG: Duration = Duration::from_mins(3);

/// The program, without the environment of the test.
pub fn karpenter() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_karpenter"));
    command.env_clear();
    command
}

/// A running program, killed when dropped.
pub struct Karpenter {
    child: Child,
    lines: mpsc::Receiver<Value>,
}

impl Karpenter {
    /// Takes over a program whose standard output is piped; each line must be JSON.
    pub fn new(mut child: Child) -> Self {
        let stdout = child.stdout.take().expect("piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let line =
                    serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits for a log line.
    pub fn says(&self, message: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(LONG);
            let line = line.unwrap_or_else(|_| panic!("never said {message:?}"));
            if line["message"] == message {
                return line;
            }
        }
    }

    /// Sends a signal, such as `-TERM`.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill")
            .args([signal, &pid])
            .status()
            .expect("kill runs");
        assert!(status.success());
    }

    /// Waits for the end.
    pub fn ends(&mut self) -> ExitStatus {
        until("the program ended", || {
            self.child.try_wait().expect("a child").is_some()
        });
        self.child.wait().expect("ended")
    }

    /// What it said and nobody has asked for yet; for failure messages.
    pub fn log(&self) -> String {
        let lines: Vec<String> = self.lines.try_iter().map(|line| line.to_string()).collect();
        lines.join(
            "
",
        )
    }
}

impl Drop for Karpenter {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the program's log:\n{}", self.log());
        }
    }
}

/// Waits for a condition, and fails when it never comes.
pub fn until(what: &str, condition: impl FnMut() -> bool) {
    within(LONG, what, condition);
}

/// The same for what takes longer.
pub fn until_within(minutes: u64, what: &str, condition: impl FnMut() -> bool) {
    within(Duration::from_mins(minutes), what, condition);
}

fn within(time: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < time, "never: {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}
