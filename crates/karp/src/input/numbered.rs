//! What is particular to the pods of a StatefulSet: they are numbered, and each has volumes of its
//! own.

use std::collections::BTreeSet;

use manifests::Object;
use model::ObjectMeta;
use model::k8s::pod::{ClaimVolume, Pod, Volume};
use model::k8s::{LabelSelector, PersistentVolumeClaim};
use serde::Deserialize;

use super::expand::namespace;

/// The part of a StatefulSet that other workloads don't have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Numbered {
    spec: NumberedSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NumberedSpec {
    ordinals: Option<Ordinals>,
    selector: Option<LabelSelector>,
    volume_claim_templates: Option<Vec<PersistentVolumeClaim>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ordinals {
    start: usize,
}

impl Numbered {
    /// The number of the first pod.
    pub(super) fn first(&self) -> usize {
        self.spec
            .ordinals
            .as_ref()
            .map_or(0, |ordinals| ordinals.start)
    }

    /// Gives a pod its volumes. A volume of the template that has the name of a claim's gives way
    /// to it. Returns the claims, called `<template>-<pod>`.
    pub(super) fn attach(&self, pod: &mut Pod) -> Vec<PersistentVolumeClaim> {
        let templates = self.spec.volume_claim_templates.iter().flatten();
        let mut claims = Vec::new();
        for template in templates {
            let volume = template.metadata.name.clone();
            let claim_name = format!("{volume}-{}", pod.metadata.name);
            pod.spec.volumes.retain(|other| other.name != volume);
            pod.spec.volumes.push(Volume {
                name: volume,
                persistent_volume_claim: Some(ClaimVolume {
                    claim_name: claim_name.clone(),
                }),
                ..Volume::default()
            });
            claims.push(self.claim(template, claim_name, pod));
        }
        claims
    }

    fn claim(
        &self,
        template: &PersistentVolumeClaim,
        name: String,
        pod: &Pod,
    ) -> PersistentVolumeClaim {
        let mut labels = template.metadata.labels.clone();
        if let Some(selector) = &self.spec.selector {
            labels.extend(selector.match_labels.clone());
        }
        PersistentVolumeClaim {
            metadata: ObjectMeta {
                name,
                namespace: pod.metadata.namespace.clone(),
                labels,
                annotations: template.metadata.annotations.clone(),
                ..ObjectMeta::default()
            },
            spec: template.spec.clone(),
            ..PersistentVolumeClaim::default()
        }
    }
}

/// Claims that are known, by namespace and name.
pub(super) struct Claims(BTreeSet<(String, String)>);

impl Claims {
    /// Those of the input.
    pub(super) fn of(objects: &[Object]) -> Self {
        let claims = objects
            .iter()
            .filter(|object| object.kind == "PersistentVolumeClaim");
        Self(
            claims
                .map(|object| (namespace(object).to_owned(), object.name.clone()))
                .collect(),
        )
    }

    /// Of some claims those that were not known, which are known from now on.
    pub(super) fn missing(
        &mut self,
        claims: Vec<PersistentVolumeClaim>,
    ) -> impl Iterator<Item = PersistentVolumeClaim> {
        claims.into_iter().filter(|claim| {
            let meta = &claim.metadata;
            self.0
                .insert((meta.namespace().to_owned(), meta.name.clone()))
        })
    }
}
