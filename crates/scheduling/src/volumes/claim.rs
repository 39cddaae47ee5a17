//! From a pod's volumes to the claims, and from a claim to what stands behind it.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use cluster::{ObjectKey, PodRecord, Volumes};
use model::k8s::pod::EphemeralVolume;
use model::k8s::{PersistentVolume, PersistentVolumeClaim, StorageClass};

use super::problem::{BIND_COMPLETED, VolumeCause, VolumeProblem};
use super::{Unsupported, driver, key};

/// Annotations by which a storage class says that it is the default.
const IS_DEFAULT: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

/// Binding mode of classes that make a volume only once a node is chosen.
const WAIT: &str = "WaitForFirstConsumer";

/// A claim that a pod names.
pub(super) struct Named<'p> {
    pub(super) key: ObjectKey,
    /// The template, if the claim is made for the pod, and the pod's uid.
    ephemeral: Option<(&'p EphemeralVolume, String)>,
}

/// What stands behind a claim.
pub(super) enum Source<'v> {
    /// A volume that it is bound to.
    Volume(&'v PersistentVolume),
    /// A class that will make one where the pod goes.
    Class(&'v StorageClass),
}

/// The claims that a pod names, in order of its volumes.
pub(super) fn named(pod: &PodRecord) -> impl Iterator<Item = Named<'_>> {
    let namespace = &pod.shape.namespace;
    let mut own = pod.facts.own.iter().flat_map(|own| &own.claims);
    pod.shape.spec.volumes.iter().filter_map(move |volume| {
        if volume.persistent_volume_claim.is_some() {
            // Without a name there is no such claim.
            let name = own.next().map_or("", String::as_str);
            return Some(Named {
                key: key(namespace, name),
                ephemeral: None,
            });
        }
        let ephemeral = volume.ephemeral.as_ref()?;
        Some(Named {
            key: key(namespace, &format!("{}-{}", pod.name, volume.name)),
            ephemeral: Some((ephemeral, pod.uid.to_string())),
        })
    })
}

/// What stands behind a claim, as far as a claim that can be used has one.
pub(super) fn resolve<'v>(
    named: Named<'_>,
    volumes: &'v Volumes,
) -> Result<Source<'v>, VolumeProblem> {
    let problem = |cause| VolumeProblem {
        claim: named.key.clone(),
        cause,
    };
    let claim = find(&named, volumes).map_err(problem)?;
    usable(&claim, volumes).map_err(problem)
}

/// The claim. One of an ephemeral volume that nobody has made yet is made up from its template, so
/// that a node need not wait for it.
fn find<'v>(
    named: &Named<'_>,
    volumes: &'v Volumes,
) -> Result<Cow<'v, PersistentVolumeClaim>, VolumeCause> {
    match (volumes.claims.get(&named.key), &named.ephemeral) {
        (Some(claim), Some((_, uid))) if belongs_to_another(claim, uid) => {
            Err(VolumeCause::OfAnother)
        }
        (Some(claim), _) => Ok(Cow::Borrowed(claim)),
        (None, Some((template, _))) => Ok(Cow::Owned(from_template(template, volumes))),
        (None, None) => Err(VolumeCause::Missing),
    }
}

fn belongs_to_another(claim: &PersistentVolumeClaim, uid: &str) -> bool {
    let owner = claim.metadata.controller();
    owner.is_some_and(|owner| !uid.is_empty() && !owner.uid.is_empty() && owner.uid != uid)
}

fn from_template(volume: &EphemeralVolume, volumes: &Volumes) -> PersistentVolumeClaim {
    let mut claim = PersistentVolumeClaim::default();
    if let Some(template) = &volume.volume_claim_template {
        claim
            .spec
            .volume_name
            .clone_from(&template.spec.volume_name);
        claim
            .spec
            .storage_class_name
            .clone_from(&template.spec.storage_class_name);
    }
    if claim.spec.storage_class_name.is_none() {
        let classes = volumes.classes.values().map(|class| &**class);
        claim.spec.storage_class_name = default_class(classes).map(str::to_owned);
    }
    claim
}

/// The class that claims get which name none: of several the newest, then the first by name.
pub fn default_class<'c>(classes: impl IntoIterator<Item = &'c StorageClass>) -> Option<&'c str> {
    let is_default = |class: &&StorageClass| {
        let annotations = &class.metadata.annotations;
        let says = |key: &&str| annotations.get(*key).is_some_and(|value| value == "true");
        IS_DEFAULT.iter().any(says)
    };
    let classes = classes.into_iter().filter(is_default);
    let newest = classes.min_by_key(|class| {
        let meta = &class.metadata;
        (Reverse(meta.creation_timestamp), &meta.name)
    });
    newest.map(|class| &*class.metadata.name)
}

/// What stands behind a claim, checked in the order in which the reference does.
fn usable<'v>(
    claim: &PersistentVolumeClaim,
    volumes: &'v Volumes,
) -> Result<Source<'v>, VolumeCause> {
    if claim.metadata.is_deleting() {
        return Err(VolumeCause::Deleting);
    }
    if claim.status.phase == "Lost" {
        return Err(VolumeCause::Lost);
    }
    let volume = &claim.spec.volume_name;
    if !volume.is_empty() {
        let found = volumes.volumes.get(&ObjectKey::new("", volume));
        let found = found.ok_or_else(|| VolumeCause::VolumeMissing {
            volume: volume.clone(),
        })?;
        if found.metadata.is_deleting() {
            return Err(VolumeCause::VolumeDeleting {
                volume: volume.clone(),
            });
        }
        if !claim.metadata.annotations.contains_key(BIND_COMPLETED) {
            return Err(VolumeCause::NotBound);
        }
        return Ok(Source::Volume(found));
    }
    let class = claim.spec.storage_class_name.as_deref().unwrap_or_default();
    if class.is_empty() {
        return Err(VolumeCause::NoClass);
    }
    let found = volumes.classes.get(&ObjectKey::new("", class));
    let found = found.ok_or_else(|| VolumeCause::ClassMissing {
        class: class.to_owned(),
    })?;
    // A class that says nothing makes volumes at once.
    if found.volume_binding_mode.as_deref() != Some(WAIT) {
        return Err(VolumeCause::Immediate);
    }
    Ok(Source::Class(found))
}

impl Source<'_> {
    /// The driver that attaches the volume, if one must be attached.
    pub(super) fn driver(&self) -> Option<Arc<str>> {
        match self {
            Self::Volume(volume) => driver::of_volume(volume),
            Self::Class(class) => driver::of_provisioner(&class.provisioner),
        }
    }

    /// Whether the provider can offer what the claim needs.
    pub(super) fn check_supported(
        &self,
        claim: &ObjectKey,
        driver: Option<&str>,
        unsupported: &Unsupported,
    ) -> Result<(), VolumeProblem> {
        let problem = |cause| VolumeProblem {
            claim: claim.clone(),
            cause,
        };
        if let Self::Class(class) = self {
            let terms = class.allowed_topologies.iter();
            let mut keys = terms
                .flat_map(|term| &term.match_label_expressions)
                .map(|expression| &expression.key);
            if let Some(key) = keys.find(|key| unsupported.topology_keys.contains(*key)) {
                return Err(problem(VolumeCause::TopologyKey { key: key.clone() }));
            }
        }
        match driver {
            Some(driver) if unsupported.provisioners.contains(driver) => {
                Err(problem(VolumeCause::Provisioner {
                    driver: driver.to_owned(),
                }))
            }
            _ => Ok(()),
        }
    }
}
