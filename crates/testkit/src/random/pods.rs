//! Workloads: several pods that are alike, pending or running.

use model::k8s::Pod;
use serde_json::{Value, json};

use super::demand::{self, APPS, ZONE, ZONES};
use super::dice::Dice;
use crate::build::{Builder, pod};

/// About `size` pods of several workloads, with the volumes that they want.
pub(super) fn pods(dice: &mut Dice, size: usize, nodes: &[String]) -> Vec<Value> {
    let mut items = classes(dice);
    let mut count = 0;
    let mut workload = 0;
    while count < size.max(3) {
        let replicas = dice.one(&[1, 1, 2, 3, 5, 8]);
        workloads(dice, workload, replicas, nodes, &mut items);
        count += replicas;
        workload += 1;
    }
    items
}

fn workloads(
    dice: &mut Dice,
    workload: usize,
    replicas: usize,
    nodes: &[String],
    items: &mut Vec<Value>,
) {
    let app = dice.one(&APPS);
    let alike = |name: &str| pod(name).label("app", app);
    let cpu = dice.one(&["100m", "500m", "1", "3500m", "9"]);
    let memory = dice.one(&["64Mi", "1Gi", "7Gi", "40Gi"]);
    let patches: Vec<Value> = (0..dice.one(&[0, 1, 1, 2, 3]))
        .map(|_| demand::any(dice, app))
        .collect();
    let tolerant = dice.chance(40);
    let namespace = dice.one(&["default", "default", "default", "other"]);
    let running = if nodes.is_empty() {
        0
    } else {
        dice.one(&[0, 0, 50, 100])
    };
    let gpu = dice.chance(4);
    let volume = dice.chance(20).then(|| Volume::any(dice));
    for number in 0..replicas {
        let name = format!("w{workload}-{number}");
        let mut pod: Builder<Pod> = alike(&name)
            .namespace(namespace)
            .cpu(cpu)
            .memory(memory)
            .label("version", if number % 2 == 0 { "1" } else { "2" });
        for patch in &patches {
            pod = pod.with(&json!({"spec": patch}));
        }
        if tolerant {
            pod = pod.tolerate("dedicated");
        }
        if let Some(volume) = &volume {
            let workload = format!("w{workload}");
            let volumes = volume.volumes(dice, &workload, number, (namespace, nodes), items);
            pod = pod.with(&json!({"spec": {"volumes": volumes}}));
        }
        if gpu {
            pod = pod.request("example.com/gpu", "1");
        }
        if dice.chance(running) {
            if dice.chance(5) {
                pod = pod.annotation("karpenter.sh/do-not-disrupt", "true");
            }
            if dice.chance(5) {
                pod = pod.with(&json!({"metadata": {"deletionTimestamp": "1970-01-01T00:00:00Z"}}));
            }
            pod = pod
                .owner("apps/v1", "ReplicaSet", &format!("w{workload}"))
                .on(&nodes[dice.below(nodes.len())]);
        }
        items.push(pod.json());
    }
}

/// Storage classes for volumes that are yet to be made.
fn classes(dice: &mut Dice) -> Vec<Value> {
    let class = |name: &str, topologies: Value| {
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
            "provisioner": "disk.example.com", "volumeBindingMode": "WaitForFirstConsumer",
            "allowedTopologies": topologies})
    };
    let zones = dice.some(&ZONES);
    let narrow = json!([{"matchLabelExpressions": [{"key": ZONE, "values": zones}]}]);
    vec![class("anywhere", json!([])), class("narrow", narrow)]
}

/// What kind of volume the pods of a workload want.
enum Volume {
    /// One for all, in a zone.
    Shared(&'static str),
    /// One for all, to be made.
    SharedToBeMade(&'static str),
    /// One each, each in some zone.
    Bound,
    /// One each, to be made.
    ToBeMade(&'static str),
    /// One each, as long as the pod lives.
    Ephemeral(&'static str),
    /// One for all, in a zone, and one each, to be made.
    Both(&'static str),
}

impl Volume {
    fn any(dice: &mut Dice) -> Self {
        let class = dice.one(&["anywhere", "narrow"]);
        match dice.below(7) {
            0 | 1 => Self::Shared(dice.one(&ZONES)),
            2 => Self::SharedToBeMade(class),
            3 => Self::Bound,
            4 => Self::ToBeMade(class),
            5 => Self::Ephemeral(class),
            _ => Self::Both(dice.one(&ZONES)),
        }
    }

    /// The volumes of a pod. What belongs to them is added to the items.
    fn volumes(
        &self,
        dice: &mut Dice,
        workload: &str,
        number: usize,
        (namespace, nodes): (&str, &[String]),
        items: &mut Vec<Value>,
    ) -> Value {
        let own = format!("{workload}-{number}");
        let of =
            |claim: &str| json!({"name": claim, "persistentVolumeClaim": {"claimName": claim}});
        match self {
            Self::Shared(zone) | Self::Both(zone) => {
                if number == 0 {
                    bound(dice, workload, zone, (namespace, nodes), items);
                }
                if matches!(self, Self::Shared(_)) {
                    return json!([of(workload)]);
                }
                items.push(to_be_made(&own, "anywhere", namespace));
                json!([of(workload), of(&own)])
            }
            Self::SharedToBeMade(class) => {
                if number == 0 {
                    items.push(to_be_made(workload, class, namespace));
                }
                json!([of(workload)])
            }
            Self::Bound => {
                let zone = dice.one(&ZONES);
                bound(dice, &own, zone, (namespace, nodes), items);
                json!([of(&own)])
            }
            Self::ToBeMade(class) => {
                items.push(to_be_made(&own, class, namespace));
                json!([of(&own)])
            }
            Self::Ephemeral(class) => {
                // The referee wants to see the claim.
                items.push(to_be_made(&format!("{own}-scratch"), class, namespace));
                json!([{"name": "scratch", "ephemeral":
                    {"volumeClaimTemplate": {"spec": {"storageClassName": class}}}}])
            }
        }
    }
}

fn to_be_made(name: &str, class: &str, namespace: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"storageClassName": class}, "status": {"phase": "Pending"}})
}

/// A claim and its volume, which may still be attached to some node.
fn bound(
    dice: &mut Dice,
    name: &str,
    zone: &str,
    (namespace, nodes): (&str, &[String]),
    items: &mut Vec<Value>,
) {
    let volume = format!("volume-{name}");
    if !nodes.is_empty() && dice.chance(20) {
        items.push(
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment",
            "metadata": {"name": format!("attachment-{name}")},
            "spec": {"attacher": "disk.example.com", "nodeName": nodes[dice.below(nodes.len())],
                "source": {"persistentVolumeName": volume}}}),
        );
    }
    items.push(json!({"apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": volume}, "spec": {
            "csi": {"driver": "disk.example.com", "volumeHandle": volume},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions":
                [{"key": ZONE, "operator": "In", "values": [zone]}]}]}}}}));
    items.push(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace,
            "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"volumeName": volume}, "status": {"phase": "Bound"}}));
}
