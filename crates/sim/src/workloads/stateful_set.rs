//! StatefulSet: pods with numbers, made and removed one after the other unless `Parallel`.

use serde_json::{Value, json};

use super::{pod, replicas, text, uid};
use crate::state::State;
use crate::write::{Target, Write};

pub(super) fn reconcile(state: &State, object: &Value) -> Vec<Write> {
    let name = text(object, "/metadata/name");
    let namespace = text(object, "/metadata/namespace");
    let parallel = text(object, "/spec/podManagementPolicy") == "Parallel";
    let wanted = replicas(object);
    let mut writes = Vec::new();
    for ordinal in 0..wanted {
        let pod_name = format!("{name}-{ordinal}");
        let have = state
            .owned_pods(uid(object))
            .find(|pod| pod.metadata.name == pod_name);
        match have {
            Some(pod) if parallel || pod.status.phase == "Running" => {}
            Some(_) => break,
            None => {
                writes.push(Write::Create(numbered(object, &pod_name, ordinal)));
                if !parallel {
                    break;
                }
            }
        }
    }
    let mut surplus: Vec<(usize, &str)> = state
        .owned_pods(uid(object))
        .filter(|pod| !pod.metadata.is_deleting())
        .filter_map(|pod| {
            let ordinal = pod.metadata.name.rsplit('-').next()?.parse().ok()?;
            (ordinal >= wanted).then_some((ordinal, pod.metadata.name.as_str()))
        })
        .collect();
    surplus.sort_unstable();
    for (_, name) in surplus.into_iter().rev() {
        writes.push(Write::Delete {
            target: Target::pod(namespace, name),
            grace_seconds: None,
        });
        if !parallel {
            break;
        }
    }
    writes
}

fn numbered(object: &Value, name: &str, ordinal: usize) -> Value {
    let mut pod = pod(object, name);
    pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] = json!(name);
    pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = json!(ordinal.to_string());
    pod
}
