//! Workloads whose pods are not in the input are expanded to their pods: `web-0`, `web-1`, and so
//! on, with the volume claims that a StatefulSet makes for each.

use std::collections::BTreeSet;

use manifests::Object;
use model::ObjectMeta;
use model::k8s::selecting::SelectorSpec;
use model::k8s::selector::LabelSelector;
use model::k8s::workload::PodTemplateSpec;
use model::k8s::{
    Job, OwnerReference, PersistentVolumeClaim, Pod, PodStatus, ReplicaSetSelector, StatefulSet,
};
use serde::Deserialize;

use super::decode;
use super::numbered::{Claims, Numbered};

/// Where objects are whose manifest names no namespace.
pub(super) const DEFAULT_NAMESPACE: &str = "default";

const WORKLOADS: [&str; 4] = ["Deployment", "ReplicaSet", "StatefulSet", "Job"];

/// What the controllers of workloads would make.
#[derive(Debug, Default)]
pub(crate) struct Expanded {
    /// Pods of workloads that have none in the input.
    pub(crate) pods: Vec<Pod>,
    /// Claims of those pods that are not in the input.
    pub(crate) claims: Vec<PersistentVolumeClaim>,
    /// ReplicaSets of Deployments, for whom they select.
    pub(crate) replica_sets: Vec<ReplicaSetSelector>,
}

/// Pods of workloads that have none in the input, with all that belongs to them.
pub(crate) fn expand(objects: &[Object]) -> anyhow::Result<Expanded> {
    let mut expanded = Expanded::default();
    if !objects
        .iter()
        .any(|object| WORKLOADS.contains(&object.kind.as_str()))
    {
        return Ok(expanded);
    }
    let known = Known::of(objects);
    let mut claims = Claims::of(objects);
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
        for number in 0..workload.replicas {
            let mut pod = pod(object, &workload, number);
            if let Some(numbered) = &workload.numbered {
                let made = numbered.attach(&mut pod);
                expanded.claims.extend(claims.missing(made));
            }
            expanded.pods.push(pod);
        }
        if object.kind == "Deployment" {
            expanded.replica_sets.push(replica_set(object, &workload));
        }
    }
    Ok(expanded)
}

struct Workload {
    replicas: usize,
    selector: Option<LabelSelector>,
    template: PodTemplateSpec,
    /// Of a StatefulSet: how its pods are numbered, and their volumes.
    numbered: Option<Numbered>,
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
                numbered: (object.kind == "StatefulSet")
                    .then(|| decode(object))
                    .transpose()?,
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
                numbered: None,
            })
        }
        _ => None,
    })
}

fn key(object: &Object) -> String {
    format!("{}/{}", namespace(object), object.name)
}

pub(super) fn namespace(object: &Object) -> &str {
    if object.namespace.is_empty() {
        DEFAULT_NAMESPACE
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
    // Pods of a Deployment belong to a ReplicaSet that it makes.
    let kind = match object.kind.as_str() {
        "Deployment" => "ReplicaSet",
        other => other,
    };
    let owner = OwnerReference {
        api_version: object.api_version.clone(),
        kind: kind.to_owned(),
        name: object.name.clone(),
        uid: key(object),
        controller: Some(true),
        block_owner_deletion: None,
    };
    let first = workload.numbered.as_ref().map_or(0, Numbered::first);
    let mut spec = workload.template.spec.clone();
    cluster::requests::fill_in(&mut spec);
    Pod {
        metadata: ObjectMeta {
            name: format!("{}-{}", object.name, number + first),
            namespace: Some(namespace(object).to_owned()),
            uid: format!("{}-{}", key(object), number + first),
            owner_references: vec![owner],
            ..workload.template.metadata.clone()
        },
        spec,
        status: PodStatus::unschedulable(),
    }
}

/// The ReplicaSet that a Deployment would make. Pods are spread by default over its selector.
fn replica_set(object: &Object, workload: &Workload) -> ReplicaSetSelector {
    ReplicaSetSelector {
        metadata: ObjectMeta {
            name: object.name.clone(),
            namespace: Some(namespace(object).to_owned()),
            ..ObjectMeta::default()
        },
        spec: SelectorSpec {
            selector: workload.selector.clone(),
        },
    }
}
