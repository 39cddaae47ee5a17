//! The `NodeConfig` that makes instances of AL2023 join.
//!
//! nodeadm, which reads it, merges several, and the last wins: ours is the last.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use catalog::ec2::InstanceStore;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::mime::{self, Part};
use super::script::{self, is_cloud_config};
use super::{Error, Input, flags};

/// Type of a part that is a `NodeConfig`.
const NODE_CONFIG: &str = "application/node.eks.aws";
/// Headers of users' parts that are kept.
const KEPT: [&str; 2] = ["Content-Type", "Content-Transfer-Encoding"];

/// The whole document: what the class brings, then what joins the cluster.
pub(super) fn render(input: &Input) -> Result<String, Error> {
    let mut parts = custom_parts(&input.custom())?;
    parts.push(Part::new(NODE_CONFIG, &node_config(input)?));
    Ok(mime::write(&parts))
}

/// What a class brings: parts, a `NodeConfig`, or a script.
fn custom_parts(custom: &str) -> Result<Vec<Part>, Error> {
    if mime::is_mime(custom) {
        let mut parts = mime::parse(custom)?;
        for part in &mut parts {
            part.headers
                .retain(|header| KEPT.iter().any(|kept| header.is(kept)));
        }
        return Ok(parts);
    }
    if custom.trim().is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![if is_node_config(custom) {
        Part::new(NODE_CONFIG, custom)
    } else {
        script::text_part(custom)
    }])
}

/// Whether a text is for nodeadm: a mapping in YAML, or nothing but comments. A text that says that
/// it is a script or a cloud-config is one.
fn is_node_config(text: &str) -> bool {
    if text.trim_start().starts_with("#!") || is_cloud_config(text) {
        return false;
    }
    let blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    text.lines().all(blank)
        || serde_saphyr::from_str::<Value>(text).is_ok_and(|value| value.is_object())
}

fn node_config(input: &Input) -> Result<String, Error> {
    let cluster = &input.cluster;
    let cidr = cluster.cidr.as_ref().filter(|cidr| !cidr.is_empty());
    let cidr = cidr.ok_or(Error::ClusterCidrUnknown)?;
    let mut access = json!({
        "name": cluster.name,
        "apiServerEndpoint": cluster.endpoint,
        "cidr": cidr,
    });
    if !cluster.ca_bundle.is_empty() {
        BASE64_STANDARD
            .decode(&cluster.ca_bundle)
            .map_err(|error| Error::CaBundle(error.to_string()))?;
        access["certificateAuthority"] = json!(cluster.ca_bundle);
    }
    let local_storage = match input.instance_store {
        InstanceStore::Raid0 => json!({"strategy": "RAID0"}),
        InstanceStore::Unused => json!({}),
    };
    let mut kubelet = json!({"config": kubelet_config(input)});
    if let Some(labels) = flags::labels(input) {
        kubelet["flags"] = json!([labels]);
    }
    let config = json!({
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "metadata": {},
        "spec": {
            "cluster": access,
            "containerd": {},
            "instance": {"localStorage": local_storage},
            "kubelet": kubelet,
        },
    });
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let yaml = serde_saphyr::to_string_with_options(&Sorted(&config), options)
        .map_err(|error| Error::Write(error.to_string()))?;
    Ok(format!("# Karpenter Generated NodeConfig\n{yaml}"))
}

/// The kubelet's configuration as the class has it, with what Karpenter decides in its place.
fn kubelet_config(input: &Input) -> Map<String, Value> {
    let kubelet = &input.kubelet;
    let mut config = kubelet.verbatim.clone();
    let dns = input.dns();
    if !dns.is_empty() {
        config.insert("clusterDNS".to_owned(), json!(dns));
    }
    config.insert("maxPods".to_owned(), json!(kubelet.max_pods));
    let reserved = [
        ("kubeReserved", &kubelet.kube_reserved),
        ("systemReserved", &kubelet.system_reserved),
    ];
    for (name, amounts) in reserved {
        if amounts.is_empty() {
            // Whatever stood there had no meaning.
            config.remove(name);
        } else {
            config.insert(name.to_owned(), json!(amounts));
        }
    }
    let taints: Vec<Value> = input
        .taints
        .iter()
        .map(|taint| match taint.value() {
            "" => json!({"key": taint.key, "effect": taint.effect}),
            value => json!({"key": taint.key, "value": value, "effect": taint.effect}),
        })
        .collect();
    config.insert("registerWithTaints".to_owned(), json!(taints));
    config
}

/// Writes maps in the order of their keys, whatever order they are kept in.
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                let sorted: BTreeMap<&str, Sorted<'_>> = map
                    .iter()
                    .map(|(key, value)| (key.as_str(), Sorted(value)))
                    .collect();
                sorted.serialize(serializer)
            }
            Value::Array(list) => list
                .iter()
                .map(Sorted)
                .collect::<Vec<_>>()
                .serialize(serializer),
            other => other.serialize(serializer),
        }
    }
}
