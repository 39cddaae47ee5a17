//! The node lifecycle controller: what becomes of a node that is not Ready any more, and of the
//! pods on it.
//!
//! Times and names are Kubernetes' defaults (documentation, "Nodes", "Taints and Tolerations").

use std::time::Duration;

use model::Timestamp;
use model::k8s::{Node, Pod, Taint, TaintEffect};
use requirements::taints::tolerates;
use serde_json::{Value, json};

use crate::write::{Part, Target, Write};

/// How long a kubelet may be silent before its node counts as lost.
pub(crate) const GRACE: Duration = Duration::from_secs(40);

/// A node's conditions once its kubelet has been silent for too long, or has said itself that it
/// is not ready.
pub(crate) fn not_ready(node: &Node, status: &str, now: Timestamp) -> Write {
    let silent = status == "Unknown";
    let types: &[&str] = if silent {
        &["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"]
    } else {
        &["Ready"]
    };
    let (reason, message) = if silent {
        ("NodeStatusUnknown", "Kubelet stopped posting node status.")
    } else {
        ("KubeletNotReady", "the node has failed")
    };
    let conditions = types
        .iter()
        .map(|name| condition(name, status, reason, message, now));
    condition_patch(node, conditions.collect())
}

/// A condition of a node that something on the node reports.
pub(crate) fn reported(node: &Node, name: &str, status: &str, now: Timestamp) -> Write {
    let reported = condition(name, status, "Simulated", "the node has failed", now);
    condition_patch(node, vec![reported])
}

fn condition(name: &str, status: &str, reason: &str, message: &str, now: Timestamp) -> Value {
    json!({
        "type": name,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": now.to_string(),
    })
}

fn condition_patch(node: &Node, conditions: Vec<Value>) -> Write {
    Write::Patch {
        target: Target::node(&node.metadata.name),
        part: Part::Status,
        patch: json!({ "status": { "conditions": conditions } }),
    }
}

/// The taints of a node whose `Ready` condition has that status.
pub(crate) fn taints(status: &str) -> [Taint; 2] {
    let key = if status == "Unknown" {
        "node.kubernetes.io/unreachable"
    } else {
        super::NOT_READY
    };
    [
        Taint::new(key, "", TaintEffect::NoSchedule),
        Taint::new(key, "", TaintEffect::NoExecute),
    ]
}

/// How long a pod stays on a node with these taints; none if for ever.
pub(crate) fn stay(pod: &Pod, taints: &[Taint]) -> Option<Duration> {
    let mut shortest: Option<Duration> = None;
    for taint in taints
        .iter()
        .filter(|taint| taint.effect == TaintEffect::NoExecute)
    {
        let mut tolerated = false;
        for toleration in &pod.spec.tolerations {
            if !tolerates(toleration, taint) {
                continue;
            }
            tolerated = true;
            if let Some(seconds) = toleration.toleration_seconds {
                let time = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
                shortest = Some(shortest.map_or(time, |shortest| shortest.min(time)));
            }
        }
        if !tolerated {
            return Some(Duration::ZERO);
        }
    }
    shortest
}

/// A pod of a node that is not Ready is not ready either.
pub(crate) fn pod_unready(pod: &Pod, now: Timestamp) -> Write {
    Write::Patch {
        target: Target::pod(pod.metadata.namespace(), &pod.metadata.name),
        part: Part::Status,
        patch: json!({ "status": { "conditions": [{
            "type": "Ready",
            "status": "False",
            "reason": "NodeNotReady",
            "lastTransitionTime": now.to_string(),
        }] } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(tolerations: &Value) -> Pod {
        serde_json::from_value(json!({ "spec": { "tolerations": tolerations } })).unwrap()
    }

    #[test]
    fn a_pod_stays_as_long_as_its_shortest_toleration_says() {
        let unreachable = |seconds: &Value| {
            let mut toleration = json!({ "key": "node.kubernetes.io/unreachable",
                "operator": "Exists", "effect": "NoExecute" });
            if !seconds.is_null() {
                toleration["tolerationSeconds"] = seconds.clone();
            }
            toleration
        };
        let cases = [
            (json!([]), Some(0)),
            (json!([unreachable(&json!(300))]), Some(300)),
            (json!([unreachable(&Value::Null)]), None),
            (
                json!([{ "operator": "Exists" }, unreachable(&json!(60))]),
                Some(60),
            ),
            (json!([unreachable(&json!(-1))]), Some(0)),
        ];
        for (tolerations, expected) in cases {
            let stays = stay(&pod(&tolerations), &taints("Unknown"));
            assert_eq!(stays, expected.map(Duration::from_secs), "{tolerations}");
        }
    }

    #[test]
    fn a_kubelet_that_says_so_itself_gets_another_taint_than_one_that_says_nothing() {
        assert_eq!(taints("False")[0].key, "node.kubernetes.io/not-ready");
        assert_eq!(taints("Unknown")[0].key, "node.kubernetes.io/unreachable");
    }
}
