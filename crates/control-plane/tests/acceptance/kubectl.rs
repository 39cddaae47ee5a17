//! Talking to the cluster through the kubectl that is built with it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use control_plane::{Cluster, Identity, Program};
use serde_json::Value;

/// How long a condition may take on a busy machine.
const LIMIT: Duration = Duration::from_mins(1);

/// kubectl as one identity.
#[derive(Debug, Clone)]
pub(crate) struct Kubectl {
    binary: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    pub(crate) fn admin(cluster: &Cluster) -> Kubectl {
        Kubectl::new(cluster, Identity::Admin)
    }

    pub(crate) fn new(cluster: &Cluster, identity: Identity) -> Kubectl {
        let binary = cluster.binaries().path(Program::Kubectl).to_path_buf();
        Kubectl {
            binary,
            kubeconfig: cluster.kubeconfig(identity),
        }
    }

    /// Runs a command line, split at spaces, with this input: output, or what was said of the
    /// error.
    pub(crate) fn try_with(&self, line: &str, input: &str) -> Result<String, String> {
        let mut child = Command::new(&self.binary)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(line.split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    pub(crate) fn run(&self, line: &str) -> String {
        let result = self.try_with(line, "");
        result.unwrap_or_else(|error| panic!("kubectl {line}: {error}"))
    }

    /// Creates the namespace, and returns it.
    pub(crate) fn namespace(&self, name: &'static str) -> &'static str {
        self.run(&format!("create namespace {name}"));
        name
    }

    pub(crate) fn apply(&self, yaml: &str) {
        let result = self.try_apply(yaml);
        result.unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    }

    pub(crate) fn try_apply(&self, yaml: &str) -> Result<String, String> {
        self.try_with("apply --server-side -f -", yaml)
    }

    /// An object or a list, or nothing if there is none or the list is empty.
    pub(crate) fn get(&self, what: &str) -> Option<Value> {
        let text = self.run(&format!("get {what} --ignore-not-found -o json"));
        (!text.is_empty()).then(|| serde_json::from_str(&text).unwrap())
    }

    /// Waits until the object is as it should be, and returns it.
    pub(crate) fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = None;
        poll(|| {
            last = self.get(what);
            last.as_ref().is_some_and(&is)
        });
        last.filter(|object| is(object))
            .unwrap_or_else(|| panic!("{what} is not as it should be"))
    }

    pub(crate) fn until_gone(&self, what: &str) {
        let is_gone = || self.get(what).is_none();
        poll(is_gone);
        assert!(is_gone(), "{what} is not gone");
    }
}

/// The status of a condition, empty if it is not there.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> &'a str {
    let conditions = object["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    let found = conditions.find(|condition| condition["type"] == kind);
    found.map_or("", |condition| {
        condition["status"].as_str().unwrap_or_default()
    })
}

/// Waits until it says yes, up to the limit.
pub(crate) fn poll(mut done: impl FnMut() -> bool) {
    let start = now();
    while !done() && start.elapsed() < LIMIT {
        // kubectl takes its time itself: only let others run.
        thread::yield_now();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "real processes live by the real clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
