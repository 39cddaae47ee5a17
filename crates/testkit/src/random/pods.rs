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
    let volume = dice.chance(15).then(|| Volume::any(dice));
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
            let claim = volume.claim(dice, &format!("w{workload}"), number, namespace, items);
            pod = pod.with(&json!({"spec": {"volumes":
                [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]}}));
        }
        if dice.chance(running) {
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
    /// One each, each in some zone.
    Bound,
    /// One each, to be made.
    ToBeMade(&'static str),
}

impl Volume {
    fn any(dice: &mut Dice) -> Self {
        match dice.below(3) {
            0 => Self::Shared(dice.one(&ZONES)),
            1 => Self::Bound,
            _ => Self::ToBeMade(dice.one(&["anywhere", "narrow"])),
        }
    }

    /// The claim for a pod. What belongs to it is added to the items.
    fn claim(
        &self,
        dice: &mut Dice,
        workload: &str,
        number: usize,
        namespace: &str,
        items: &mut Vec<Value>,
    ) -> String {
        let own = format!("{workload}-{number}");
        let (name, zone) = match self {
            Self::Shared(zone) => (workload.to_owned(), *zone),
            Self::Bound => (own, dice.one(&ZONES)),
            Self::ToBeMade(class) => {
                items.push(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                    "metadata": {"name": own, "namespace": namespace},
                    "spec": {"storageClassName": class}, "status": {"phase": "Pending"}}));
                return own;
            }
        };
        if number == 0 || matches!(self, Self::Bound) {
            let volume = format!("volume-{name}");
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
        name
    }
}
