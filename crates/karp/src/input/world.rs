//! Objects into the cluster index, as the controller's watches would.

use std::collections::BTreeMap;

use anyhow::Context as _;
use api::{NodeClaim, NodePool};
use cluster::{Change, Cluster, Event, PodDecoder, Settings, Snapshot, UnknownReadiness};
use manifests::Object;
use model::k8s::Pod;

use super::{Chosen, decode};

/// A snapshot and what to say about how it came about.
pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    /// Things that the user should know, one line each.
    pub(crate) warnings: Vec<String>,
    /// Pods in the input, expanded ones included.
    pub(crate) pods: usize,
}

/// Builds the cluster from the objects and from pods that were made of workloads.
pub(crate) fn load_world(
    objects: &[Object],
    expanded: &[Pod],
    chosen: &Chosen,
) -> anyhow::Result<World> {
    let kinds = chosen.kinds.iter();
    let settings = Settings {
        node_classes: kinds
            .map(|kind| (kind.group.to_owned(), kind.kind.to_owned()))
            .collect(),
        unknown_readiness: UnknownReadiness::Ready,
    };
    let mut cluster = Cluster::new(chosen.catalogs.default.vocabulary(), settings);
    let mut decoder = PodDecoder::new();
    let mut pods = Vec::new();
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for object in objects {
        match object.kind.as_str() {
            "Pod" => pods.push(
                decoder
                    .decode(object.text().as_bytes())
                    .with_context(|| format!("{}: {}", object.origin, object.title()))?,
            ),
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
    pods.extend(expanded.iter().map(|pod| decoder.share(pod)));
    let count = pods.len();
    cluster.apply(Event::Pod(Change::Reset(pods)));
    let warnings = unknown
        .into_iter()
        .map(|(kind, count)| {
            format!(
                "{} of kind {kind} left out: it plays no part in a plan",
                view::format::count(count, "object")
            )
        })
        .collect();
    Ok(World {
        snapshot: cluster.snapshot(),
        warnings,
        pods: count,
    })
}

fn event(object: &Object) -> anyhow::Result<Option<Event>> {
    Ok(Some(match object.kind.as_str() {
        "Node" => Event::Node(Change::Applied(decode(object)?)),
        "NodeClaim" => Event::NodeClaim(Change::Applied(decode::<NodeClaim>(object)?)),
        "DaemonSet" => Event::DaemonSet(Change::Applied(decode(object)?)),
        "PodDisruptionBudget" => Event::PodDisruptionBudget(Change::Applied(decode(object)?)),
        "Namespace" => Event::Namespace(Change::Applied(decode(object)?)),
        "PersistentVolumeClaim" => Event::PersistentVolumeClaim(Change::Applied(decode(object)?)),
        "PersistentVolume" => Event::PersistentVolume(Change::Applied(decode(object)?)),
        "StorageClass" => Event::StorageClass(Change::Applied(decode(object)?)),
        "CSINode" => Event::CsiNode(Change::Applied(decode(object)?)),
        "VolumeAttachment" => Event::VolumeAttachment(Change::Applied(decode(object)?)),
        "Service" => Event::Service(Change::Applied(decode(object)?)),
        "ReplicationController" => Event::ReplicationController(Change::Applied(decode(object)?)),
        "ReplicaSet" => Event::ReplicaSet(Change::Applied(decode(object)?)),
        "StatefulSet" => Event::StatefulSet(Change::Applied(decode(object)?)),
        _ => return Ok(None),
    }))
}

/// Kinds that are read elsewhere or that a plan may ignore without a word.
fn is_known(kind: &str) -> bool {
    const KNOWN: [&str; 16] = [
        "NodeOverlay",
        "CapacityBuffer",
        "EC2NodeClass",
        "KWOKNodeClass",
        "Deployment",
        "Job",
        "LimitRange",
        "PriorityClass",
        "ResourceSlice",
        "ResourceClaim",
        "ResourceClaimTemplate",
        "DeviceClass",
        "Scenario",
        "ServiceAccount",
        "ConfigMap",
        "CustomResourceDefinition",
    ];
    KNOWN.contains(&kind)
}
