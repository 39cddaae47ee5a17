//! The settings that make instances of Bottlerocket join, in TOML: those of the class, with those
//! that Karpenter decides in their place.

mod known;
mod version;

use std::collections::BTreeMap;

use catalog::ec2::InstanceStore;
use model::duration::format_go;
use toml::{Table, Value};

use super::{Error, Input};

pub use version::{binds_by_default, version_of};

/// Name of the command that makes local disks one file system. The first of all, by its name.
const MOUNT: &str = "000-mount-instance-storage";

/// The settings.
pub(super) fn render(input: &Input) -> Result<String, Error> {
    let (mut settings, _) = parse(&input.custom())?;
    if input.instance_store == InstanceStore::Raid0 {
        let commands = settings
            .entry("bootstrap-commands")
            .or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(commands) = commands {
            let mount = mount_local_disks(&input.image_version);
            commands.insert(MOUNT.to_owned(), Value::Table(mount));
        }
    }
    let kubernetes = settings
        .entry("kubernetes")
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(kubernetes) = kubernetes {
        decide(kubernetes, input);
    }
    let document = Table::from_iter([("settings".to_owned(), Value::Table(settings))]);
    toml::to_string(&document).map_err(|error| Error::Write(error.to_string()))
}

/// Names of the class's settings that Bottlerocket does not know.
pub(super) fn ignored(custom: &str) -> Vec<String> {
    parse(custom).map_or_else(|_| Vec::new(), |(_, unknown)| unknown)
}

/// The table `settings`, checked, and the names of what was taken out of it.
fn parse(custom: &str) -> Result<(Table, Vec<String>), Error> {
    let mut document: Table = custom
        .parse()
        .map_err(|error: toml::de::Error| Error::Settings(error.to_string()))?;
    let mut settings = match document.remove("settings") {
        None => Table::new(),
        Some(Value::Table(settings)) => settings,
        Some(other) => return Err(not_a_table("settings", &other)),
    };
    let unknown = match settings.get_mut("kubernetes") {
        None => Vec::new(),
        Some(Value::Table(kubernetes)) => {
            known::check_kubernetes(kubernetes).map_err(Error::Settings)?
        }
        Some(other) => return Err(not_a_table("settings.kubernetes", other)),
    };
    if let Some(commands) = settings.get_mut("bootstrap-commands") {
        known::check_commands(commands).map_err(Error::Settings)?;
    }
    Ok((settings, unknown))
}

fn not_a_table(path: &str, value: &Value) -> Error {
    Error::Settings(format!("{path} must be a table, not {}", value.type_str()))
}

/// What Karpenter decides of `settings.kubernetes`.
fn decide(kubernetes: &mut Table, input: &Input) {
    let mut set = |key: &str, value: Value| {
        kubernetes.insert(key.to_owned(), value);
    };
    let cluster = &input.cluster;
    set("cluster-name", Value::from(cluster.name.as_str()));
    set("api-server", Value::from(cluster.endpoint.as_str()));
    set(
        "cluster-certificate",
        Value::from(cluster.ca_bundle.as_str()),
    );
    set("max-pods", Value::Integer(input.kubelet.max_pods.into()));
    set("node-taints", Value::Table(taints(input)));
    if let Some(dns) = input.dns().first() {
        set("cluster-dns-ip", Value::from(*dns));
    }
    let kubelet = &input.kubelet;
    let managed = &kubelet.managed;
    let grace = managed.eviction_soft_grace_period.iter();
    let grace = grace.map(|(signal, period)| (signal.clone(), format_go(*period)));
    let maps = [
        ("system-reserved", &kubelet.system_reserved),
        ("kube-reserved", &kubelet.kube_reserved),
        ("eviction-hard", &managed.eviction_hard),
        ("eviction-soft", &managed.eviction_soft),
        ("eviction-soft-grace-period", &grace.collect()),
    ];
    for (key, map) in maps {
        if !map.is_empty() {
            set(key, table(map));
        }
    }
    if let Some(seconds) = managed.eviction_max_pod_grace_period {
        set(
            "eviction-max-pod-grace-period",
            Value::Integer(seconds.into()),
        );
    }
    let percents = [
        (
            "image-gc-high-threshold-percent",
            managed.image_gc_high_percent,
        ),
        (
            "image-gc-low-threshold-percent",
            managed.image_gc_low_percent,
        ),
    ];
    for (key, percent) in percents {
        if let Some(percent) = percent {
            set(key, Value::String(percent.to_string()));
        }
    }
    if let Some(quota) = managed.cpu_cfs_quota {
        set("cpu-cfs-quota-enforced", Value::Boolean(quota));
    }
    if cluster.ca_bundle.is_empty() {
        kubernetes.remove("cluster-certificate");
    }
    let labels = kubernetes
        .entry("node-labels")
        .or_insert_with(|| Value::Table(Table::new()));
    if let (Value::Table(labels), Value::Table(ours)) = (labels, table(&input.labels)) {
        labels.extend(ours);
    }
}

fn table(map: &BTreeMap<String, String>) -> Value {
    let entries = map.iter();
    Value::Table(
        entries
            .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
            .collect(),
    )
}

/// Lists of `value:effect`, by key.
fn taints(input: &Input) -> Table {
    let mut taints = Table::new();
    for taint in &input.taints {
        let text = Value::String(format!("{}:{}", taint.value(), taint.effect));
        let of_key = taints
            .entry(taint.key.as_str())
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = of_key {
            list.push(text);
        }
    }
    taints
}

/// Makes local disks one file system and puts pods' files on it. Old images have to be told which.
fn mount_local_disks(version: &str) -> Table {
    let mut bind = vec!["apiclient", "ephemeral-storage", "bind"];
    if !binds_by_default(version) {
        bind.extend([
            "--dirs",
            "/var/lib/containerd",
            "/var/lib/kubelet",
            "/var/log/pods",
        ]);
    }
    let commands = [vec!["apiclient", "ephemeral-storage", "init"], bind];
    Table::from_iter([
        ("commands".to_owned(), Value::from(commands.to_vec())),
        ("essential".to_owned(), Value::Boolean(true)),
        ("mode".to_owned(), Value::from("always")),
    ])
}
