//! Workloads whose pods are not in the input are expanded to their pods: `web-0`, `web-1`, and so
//! on.

use std::collections::BTreeSet;

use manifests::Object;
use model::ObjectMeta;
use model::k8s::selector::LabelSelector;
use model::k8s::workload::PodTemplateSpec;
use model::k8s::{Job, OwnerReference, Pod, PodStatus, StatefulSet};
use serde_json::Value;

use super::decode;

/// Pods of workloads that have none in the input.
pub(crate) fn expand(objects: &[Object]) -> anyhow::Result<Vec<Pod>> {
    let owners = owners(objects);
    let mut pods = Vec::new();
    for object in objects {
        let Some(workload) = workload(object)? else {
            continue;
        };
        if owned_by_another(object) || owners.contains(&(object.kind.clone(), key(object))) {
            continue;
        }
        if workload.selector.is_some() && has_children(object, objects) {
            continue;
        }
        pods.extend((0..workload.replicas).map(|number| pod(object, &workload, number)));
    }
    Ok(pods)
}

struct Workload {
    replicas: usize,
    selector: Option<LabelSelector>,
    template: PodTemplateSpec,
}

fn workload(object: &Object) -> anyhow::Result<Option<Workload>> {
    let count = |replicas: Option<i32>| usize::try_from(replicas.unwrap_or(1)).unwrap_or(0);
    Ok(match object.kind.as_str() {
        // A Deployment, ReplicaSet and StatefulSet have the same form here.
        "Deployment" | "ReplicaSet" | "StatefulSet" => {
            let set: StatefulSet = decode(object)?;
            Some(Workload {
                replicas: count(set.spec.replicas),
                selector: set.spec.selector,
                template: set.spec.template,
            })
        }
        "Job" => {
            let job: Job = decode(object)?;
            let at_once = count(job.spec.parallelism);
            let wanted = job
                .spec
                .completions
                .map_or(at_once, |number| count(Some(number)));
            let replicas = if job.spec.suspend == Some(true) {
                0
            } else {
                at_once.min(wanted)
            };
            Some(Workload {
                replicas,
                selector: None,
                template: job.spec.template,
            })
        }
        _ => None,
    })
}

fn key(object: &Object) -> String {
    format!("{}/{}", namespace(object), object.name)
}

fn namespace(object: &Object) -> &str {
    if object.namespace.is_empty() {
        "default"
    } else {
        &object.namespace
    }
}

/// Kind and key of everything that owns some pod of the input.
fn owners(objects: &[Object]) -> BTreeSet<(String, String)> {
    let mut owners = BTreeSet::new();
    for object in objects
        .iter()
        .filter(|object| ["Pod", "ReplicaSet"].contains(&object.kind.as_str()))
    {
        for owner in references(object) {
            let text = |field: &str| owner[field].as_str().unwrap_or_default().to_owned();
            owners.insert((
                text("kind"),
                format!("{}/{}", namespace(object), text("name")),
            ));
        }
    }
    owners
}

fn references(object: &Object) -> Vec<Value> {
    let tree = object.tree();
    let owners = tree
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array);
    owners.cloned().unwrap_or_default()
}

/// ReplicaSets of Deployments make no pods of their own here: the Deployment's are expanded.
fn owned_by_another(object: &Object) -> bool {
    object.kind == "ReplicaSet"
        && references(object)
            .iter()
            .any(|owner| owner["controller"] == true)
}

fn has_children(object: &Object, objects: &[Object]) -> bool {
    objects
        .iter()
        .filter(|other| other.kind == "Pod")
        .any(|pod| {
            namespace(pod) == namespace(object)
                && pod
                    .name
                    .strip_prefix(&object.name)
                    .is_some_and(|rest| rest.starts_with('-'))
                && references(pod)
                    .iter()
                    .any(|owner| owner["kind"] == "ReplicaSet")
        })
}

fn pod(object: &Object, workload: &Workload, number: usize) -> Pod {
    let owner = OwnerReference {
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        name: object.name.clone(),
        uid: key(object),
        controller: Some(true),
        block_owner_deletion: None,
    };
    let mut spec = workload.template.spec.clone();
    cluster::requests::fill_in(&mut spec);
    Pod {
        metadata: ObjectMeta {
            name: format!("{}-{number}", object.name),
            namespace: Some(namespace(object).to_owned()),
            uid: format!("{}-{number}", key(object)),
            owner_references: vec![owner],
            ..workload.template.metadata.clone()
        },
        spec,
        status: PodStatus::unschedulable(),
    }
}
