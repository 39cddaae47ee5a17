//! Server processes: started apart from the terminal, found again by later runs, stopped for
//! certain.
//!
//! A process is told apart by its pid *and* its start time, since pids are used again. What is
//! *not* here: what is started, and when it is ready.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::deadline;

/// How long a killed process may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(20);

/// Whether a server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It runs, with this pid.
    Running(u32),
    /// It was started and is no more.
    Dead,
    /// It is not started.
    Absent,
}

/// A process, as written to the cluster's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The process id.
    pub(crate) pid: u32,
    /// When it was started, in clock ticks since boot (field 22 of `/proc/PID/stat`).
    pub(crate) started: u64,
}

impl Record {
    /// This program itself.
    pub(crate) fn own() -> Result<Record> {
        Record::of(std::process::id()).context("/proc does not show this process")
    }

    fn of(pid: u32) -> Option<Record> {
        let (_, started) = stat(pid)?;
        Some(Record { pid, started })
    }

    /// Whether it is still the same process, and not dead.
    pub(crate) fn is_alive(self) -> bool {
        let dead = ['Z', 'X'];
        stat(self.pid)
            .is_some_and(|(state, started)| started == self.started && !dead.contains(&state))
    }

    /// Whether it is alive, for people.
    pub(crate) fn health(self) -> Health {
        if self.is_alive() {
            Health::Running(self.pid)
        } else {
            Health::Dead
        }
    }

    /// Kills it, unless it is dead or another process has its pid by now. The data is disposable,
    /// and kube-apiserver takes long over a SIGTERM while watches are open.
    pub(crate) fn kill(self) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.is_alive()) {
            // It may die by itself in between, which is what we want.
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Waits until it is dead.
    pub(crate) fn wait_gone(self) -> Result<()> {
        let what = format!("process {} to be gone", self.pid);
        deadline::wait_for(&what, GONE_WITHIN, || Ok(!self.is_alive()))
    }
}

/// Starts a server in a process group of its own, so that Ctrl-C in a terminal does not reach it.
/// Its output goes to `log`, after what is there.
pub(crate) fn spawn(binary: &Path, arguments: &[OsString], log: &Path) -> Result<(Child, Record)> {
    let output = File::options().create(true).append(true).open(log);
    let output = output.with_context(|| format!("opening {}", log.display()))?;
    let mut child = Command::new(binary)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()
        .with_context(|| format!("starting {}", binary.display()))?;
    let Some(record) = Record::of(child.id()) else {
        let _ = child.kill();
        let _ = child.wait();
        bail!("/proc shows no start time of {}", binary.display());
    };
    Ok((child, record))
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// State letter and start time.
fn stat(pid: u32) -> Option<(char, u64)> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The second field is the program's name in parentheses, in which anything may stand.
fn parse_stat(text: &str) -> Option<(char, u64)> {
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let started = fields.nth(18)?.parse().ok()?;
    Some((state, started))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;
    use std::time::Duration;

    use crate::deadline::wait_for;

    use super::{Health, Record, parse_stat, spawn, tail};

    #[test]
    fn the_start_time_is_found_behind_any_program_name() {
        let text = "12 (a) b (c) S 1 12 12 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 9876 100 2\n";
        assert_eq!(parse_stat(text), Some(('S', 9876)));
        assert_eq!(parse_stat("12 (cut"), None);
    }

    #[test]
    fn a_killed_process_is_dead_and_its_output_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        // It reads a pipe that nobody writes: it stays until it is killed.
        let script = ["-c", "echo started; mkfifo $0; read line < $0"].map(OsString::from);
        let script = [&script[..], &[dir.path().join("pipe").into()]].concat();
        let (mut child, record) = spawn(Path::new("/bin/sh"), &script, &log).unwrap();
        assert_eq!(record.health(), Health::Running(child.id()));
        wait_for("output", Duration::from_secs(20), || {
            Ok(!tail(&log, 1).is_empty())
        })
        .unwrap();
        record.kill();
        record.wait_gone().unwrap();
        assert_eq!(record.health(), Health::Dead);
        child.wait().unwrap();
        assert_eq!(tail(&log, 1), "started");
    }

    #[test]
    fn another_process_with_the_same_pid_is_left_alone() {
        let own = Record::own().unwrap();
        assert!(own.is_alive());
        let former = Record {
            started: own.started + 1,
            ..own
        };
        former.kill();
        assert!(!former.is_alive());
    }
}
