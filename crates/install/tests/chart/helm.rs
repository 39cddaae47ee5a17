//! Helm, and what it renders.

use std::path::PathBuf;
use std::process::Command;

use control_plane::{Binaries, Program};
use serde_json::Value;
use tempfile::TempDir;

/// The repository.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// The one setting that is required.
pub(crate) const NAMED: [&str; 2] = ["--set", "settings.clusterName=prod"];

/// Helm with a home of its own.
pub(crate) struct Helm {
    binary: PathBuf,
    pub(crate) home: TempDir,
}

impl Helm {
    pub(crate) fn new() -> Self {
        let binaries = Binaries::locate().expect("the programs of a control plane");
        Self {
            binary: binaries.path(Program::Helm).to_owned(),
            home: tempfile::tempdir().expect("a folder"),
        }
    }

    /// Helm, not started, in the repository.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(ROOT).env_clear();
        for (name, folder) in [
            ("HELM_CACHE_HOME", "cache"),
            ("HELM_CONFIG_HOME", "config"),
            ("HELM_DATA_HOME", "data"),
            ("HOME", "home"),
        ] {
            command.env(name, self.home.path().join(folder));
        }
        command
    }

    /// What it prints, or what it complains about.
    pub(crate) fn run(&self, args: &[&str]) -> Result<String, String> {
        output(self.command().args(args))
    }

    /// The objects of the chart with further arguments; release and namespace are `karpenter`.
    pub(crate) fn objects(&self, further: &[&str]) -> Result<Vec<Value>, String> {
        let chart = [
            "template",
            "karpenter",
            "charts/karpenter",
            "--namespace",
            "karpenter",
        ];
        Ok(parse(&self.run(&[&chart, further].concat())?))
    }

    /// The same with the values of a file.
    pub(crate) fn with_values(&self, values: &Value) -> Vec<Value> {
        let file = self.home.path().join("values.json");
        std::fs::write(&file, values.to_string()).expect("writes");
        let file = file.to_str().expect("text");
        self.objects(&["-f", file]).expect("renders")
    }
}

/// What a command prints, or what it complains about.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().expect("runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(text(output.stderr))
    }
}

/// YAML documents that are not empty.
pub(crate) fn parse(text: &str) -> Vec<Value> {
    let documents = text.split("\n---\n").map(|document| {
        serde_saphyr::from_str::<Value>(document.trim_start_matches("---\n"))
            .unwrap_or_else(|error| panic!("{error}: {document}"))
    });
    documents.filter(|document| !document.is_null()).collect()
}

/// The object of a kind with a name.
pub(crate) fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let is = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    objects
        .iter()
        .find(is)
        .unwrap_or_else(|| panic!("no {kind} {name}"))
}

/// The pod template's spec of the deployment `karpenter`.
pub(crate) fn pod(objects: &[Value]) -> &Value {
    &find(objects, "Deployment", "karpenter")["spec"]["template"]["spec"]
}

/// The controller's container.
pub(crate) fn container(objects: &[Value]) -> &Value {
    &pod(objects)["containers"][0]
}

/// Variables of the controller, in their order; without value for those that Kubernetes fills in.
pub(crate) fn environment(objects: &[Value]) -> Vec<(String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let variables = container(objects)["env"].as_array().expect("a list");
    variables
        .iter()
        .map(|variable| {
            let name = text(&variable["name"]).expect("a name");
            assert!(variable.get("value").is_none_or(Value::is_string), "{name}");
            (name, text(&variable["value"]))
        })
        .collect()
}

/// The value of a variable.
pub(crate) fn variable(objects: &[Value], name: &str) -> Option<String> {
    let mut variables = environment(objects).into_iter();
    variables.find(|(held, _)| held == name)?.1
}
