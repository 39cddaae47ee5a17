//! Objects into the cluster index, as the controller's watches would.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;

use anyhow::Context as _;
use api::NodePool;
use cluster::{
    Change, Cluster, Event, PodDecoder, PodUpdate, Settings, Snapshot, UnknownReadiness,
};
use manifests::Object;
use model::ObjectMeta;
use model::k8s::storage::{PersistentVolumeClaim, StorageClass};
use model::k8s::{self, Pod};
use scheduling::default_spread;
use scheduling::volumes::default_class;
use serde::de::DeserializeOwned;

use super::expand::DEFAULT_NAMESPACE;
use super::{Chosen, Expanded, decode, gated};

/// A snapshot and what to say about how it came about.
pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    /// Things that the user should know, one line each.
    pub(crate) warnings: Vec<String>,
    /// Pods in the input, expanded ones included.
    pub(crate) pods: usize,
}

/// Builds the cluster from the objects and from what was made of workloads.
pub(crate) fn load_world(
    objects: &[Object],
    expanded: &Expanded,
    chosen: &Chosen,
    threads: usize,
) -> anyhow::Result<World> {
    let kinds = chosen.kinds.iter();
    let settings = Settings {
        node_classes: kinds
            .map(|kind| (kind.group.to_owned(), kind.kind.to_owned()))
            .collect(),
        unknown_readiness: UnknownReadiness::Ready,
    };
    // Its snapshot is all that is used, until the process ends: it is not taken apart before.
    let cluster = Cluster::new(chosen.catalogs.default.vocabulary(), settings);
    let mut cluster = ManuallyDrop::new(cluster);
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for object in objects {
        match object.kind.as_str() {
            "Pod" | "PersistentVolumeClaim" => {}
            "NodePool" => {
                let pool: NodePool = decode(object)?;
                let pool = pool.normalized(&chosen.defaults());
                let class = &pool.spec.template.spec.node_class_ref.name;
                let types = chosen.catalogs.of(class).types.clone().into();
                let name = pool.metadata.name.clone();
                cluster.apply(Event::PoolTypes { pool: name, types });
                cluster.apply(Event::NodePool(Change::Applied(pool)));
            }
            _ => match event(object)? {
                Some(event) => {
                    cluster.apply(event);
                }
                None if is_known(&object.kind) => {}
                None => *unknown.entry(object.kind.clone()).or_default() += 1,
            },
        }
    }
    let mut decoder = PodDecoder::new();
    let mut pods = pods(objects, &mut decoder, threads)?;
    pods.extend(expanded.pods.iter().map(|pod| decoder.share(pod)));
    let count = pods.len();
    cluster.fill(pods);
    for set in &expanded.replica_sets {
        cluster.apply(Event::ReplicaSet(Change::Applied(set.clone())));
    }
    for claim in claims(objects, expanded)? {
        cluster.apply(Event::PersistentVolumeClaim(Change::Applied(claim)));
    }
    let gated = gated::apply(&mut cluster, objects, chosen)?;
    let unknown = unknown.into_iter().map(|(kind, count)| {
        format!(
            "{} of kind {kind} left out: it plays no part in a plan",
            view::format::count(count, "object")
        )
    });
    let warnings = unknown.chain(gated).collect();
    // Pods declare the defaults from here on: any of them may have to be placed.
    let snapshot = default_spread::applied_everywhere(&cluster.snapshot(), &chosen.spread);
    Ok(World {
        snapshot,
        warnings,
        pods: count,
    })
}

/// Claims of the input and those that workloads make. One that names no class gets the default
/// one, as the API server gives it.
fn claims(objects: &[Object], expanded: &Expanded) -> anyhow::Result<Vec<PersistentVolumeClaim>> {
    let of = |kind: &'static str| objects.iter().filter(move |object| object.kind == kind);
    let given = of("PersistentVolumeClaim");
    let given = given.map(|object| {
        at_home(object, |claim: &mut PersistentVolumeClaim| {
            &mut claim.metadata
        })
    });
    let mut claims: Vec<PersistentVolumeClaim> = given.collect::<anyhow::Result<_>>()?;
    claims.extend(expanded.claims.iter().cloned());
    if claims
        .iter()
        .all(|claim| claim.spec.storage_class_name.is_some())
    {
        return Ok(claims);
    }
    let classes: Vec<StorageClass> = of("StorageClass")
        .map(decode)
        .collect::<anyhow::Result<_>>()?;
    let default = default_class(&classes);
    for claim in &mut claims {
        let class = &mut claim.spec.storage_class_name;
        *class = class.take().or_else(|| default.map(str::to_owned));
    }
    Ok(claims)
}

fn pods(
    objects: &[Object],
    decoder: &mut PodDecoder,
    threads: usize,
) -> anyhow::Result<Vec<PodUpdate>> {
    let all = objects.iter().filter(|object| object.kind == "Pod");
    let (homeless, pods): (Vec<&Object>, Vec<&Object>) =
        all.partition(|object| object.namespace.is_empty());
    let texts: Vec<Cow<'_, str>> = pods.iter().map(|pod| pod.text()).collect();
    let mut updates = decoder.decode_many(&texts, threads).or_else(|error| {
        let object = pods[error.index];
        // Read again, slowly, for the path of the field.
        decode::<Pod>(object)?;
        Err(error.error).with_context(|| format!("{}: {}", object.origin, object.title()))
    })?;
    for object in homeless {
        let pod = at_home(object, |pod: &mut Pod| &mut pod.metadata)?;
        updates.push(decoder.share(&pod));
    }
    Ok(updates)
}

/// An object of a kind that has namespaces; one that names none is in `default`.
fn at_home<T: DeserializeOwned>(
    object: &Object,
    meta: impl FnOnce(&mut T) -> &mut ObjectMeta,
) -> anyhow::Result<T> {
    let mut read: T = decode(object)?;
    let namespace = &mut meta(&mut read).namespace;
    if namespace.as_deref().unwrap_or_default().is_empty() {
        *namespace = Some(DEFAULT_NAMESPACE.to_owned());
    }
    Ok(read)
}

fn event(object: &Object) -> anyhow::Result<Option<Event>> {
    // Of a kind that has namespaces, and of one that has none.
    macro_rules! homed {
        ($kind:ident, $read:ty) => {
            Event::$kind(Change::Applied(at_home(object, |read: &mut $read| {
                &mut read.metadata
            })?))
        };
    }
    macro_rules! plain {
        ($kind:ident) => {
            Event::$kind(Change::Applied(decode(object)?))
        };
    }
    Ok(Some(match object.kind.as_str() {
        "Node" => plain!(Node),
        "NodeClaim" => plain!(NodeClaim),
        "Namespace" => plain!(Namespace),
        "PersistentVolume" => plain!(PersistentVolume),
        "StorageClass" => plain!(StorageClass),
        "CSINode" => plain!(CsiNode),
        "VolumeAttachment" => plain!(VolumeAttachment),
        "DaemonSet" => homed!(DaemonSet, k8s::DaemonSet),
        "PodDisruptionBudget" => homed!(PodDisruptionBudget, k8s::PodDisruptionBudget),
        "Service" => homed!(Service, k8s::Service),
        "ReplicationController" => homed!(ReplicationController, k8s::ReplicationController),
        "ReplicaSet" => homed!(ReplicaSet, k8s::ReplicaSetSelector),
        "StatefulSet" => homed!(StatefulSet, k8s::StatefulSetSelector),
        "ResourceSlice" => plain!(ResourceSlice),
        "DeviceClass" => plain!(DeviceClass),
        "ResourceClaim" => homed!(ResourceClaim, k8s::ResourceClaim),
        "ResourceClaimTemplate" => homed!(ResourceClaimTemplate, k8s::ResourceClaimTemplate),
        _ => return Ok(None),
    }))
}

/// Kinds that are read elsewhere or that a plan may ignore without a word.
fn is_known(kind: &str) -> bool {
    const KNOWN: [&str; 13] = [
        "NodeOverlay",
        "CapacityBuffer",
        "PodTemplate",
        "EC2NodeClass",
        "KWOKNodeClass",
        "Deployment",
        "Job",
        "LimitRange",
        "PriorityClass",
        "Scenario",
        "ServiceAccount",
        "ConfigMap",
        "CustomResourceDefinition",
    ];
    KNOWN.contains(&kind)
}
