//! Workloads whose pods are not in the input are expanded to their pods: `web-0`, `web-1`, and so
//! on.

use std::collections::BTreeSet;

use manifests::Object;
use model::ObjectMeta;
use model::k8s::selector::LabelSelector;
use model::k8s::workload::PodTemplateSpec;
use model::k8s::{Job, OwnerReference, Pod, PodStatus, StatefulSet};
use serde::Deserialize;

use super::decode;

const WORKLOADS: [&str; 4] = ["Deployment", "ReplicaSet", "StatefulSet", "Job"];

/// Pods of workloads that have none in the input.
pub(crate) fn expand(objects: &[Object]) -> anyhow::Result<Vec<Pod>> {
    let mut pods = Vec::new();
    if !objects
        .iter()
        .any(|object| WORKLOADS.contains(&object.kind.as_str()))
    {
        return Ok(pods);
    }
    let known = Known::of(objects);
    for object in objects {
        let Some(workload) = workload(object)? else {
            continue;
        };
        if owned_by_another(object) || known.owners.contains(&(object.kind.clone(), key(object))) {
            continue;
        }
        if workload.selector.is_some() && known.has_children(object) {
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

/// What the owner references of the input's pods say.
#[derive(Default)]
struct Known {
    /// Kind and key of everything that owns some pod or ReplicaSet.
    owners: BTreeSet<(String, String)>,
    /// Namespace and name of the pods that a ReplicaSet owns.
    of_replica_sets: BTreeSet<(String, String)>,
}

impl Known {
    fn of(objects: &[Object]) -> Self {
        let mut known = Self::default();
        let owned = ["Pod", "ReplicaSet"];
        for object in objects
            .iter()
            .filter(|object| owned.contains(&object.kind.as_str()))
        {
            for owner in references(object) {
                if object.kind == "Pod" && owner.kind == "ReplicaSet" {
                    let name = (namespace(object).to_owned(), object.name.clone());
                    known.of_replica_sets.insert(name);
                }
                let key = format!("{}/{}", namespace(object), owner.name);
                known.owners.insert((owner.kind, key));
            }
        }
        known
    }

    /// Whether pods of a ReplicaSet are there that are called like a workload's.
    fn has_children(&self, object: &Object) -> bool {
        let first = (namespace(object).to_owned(), format!("{}-", object.name));
        let next = self.of_replica_sets.range(first.clone()..).next();
        next.is_some_and(|(namespace, name)| *namespace == first.0 && name.starts_with(&first.1))
    }
}

/// The part of an object that says who owns it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Owned {
    metadata: OwnedMeta,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OwnedMeta {
    owner_references: Option<Vec<OwnerReference>>,
}

/// What cannot be read says nothing; whoever decodes the object says why.
fn references(object: &Object) -> Vec<OwnerReference> {
    let owned: Owned = serde_json::from_str(&object.text()).unwrap_or_default();
    owned.metadata.owner_references.unwrap_or_default()
}

/// ReplicaSets of Deployments make no pods of their own here: the Deployment's are expanded.
fn owned_by_another(object: &Object) -> bool {
    let controls = |owner: &OwnerReference| owner.controller == Some(true);
    object.kind == "ReplicaSet" && references(object).iter().any(controls)
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
