//! Objects into a cluster, as planning from manifests does it.

use std::sync::Arc;

use catalog::{Catalog, InstanceType};
use cluster::{Change, Cluster, Event, PodDecoder, Settings, Snapshot, UnknownReadiness};
use requirements::Vocabulary;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A cluster of these objects, all of whose pools can launch all types of the catalog.
///
/// Objects of kinds that decide nothing are passed over.
///
/// # Panics
/// If an object is not valid.
pub fn cluster(items: &[Value], catalog: &Catalog) -> Cluster {
    cluster_of(items, catalog.vocabulary(), &catalog.types.clone().into())
}

/// A snapshot of [`cluster`].
///
/// # Panics
/// If an object is not valid.
pub fn snapshot(items: &[Value], catalog: &Catalog) -> Snapshot {
    cluster(items, catalog).snapshot()
}

/// A cluster of these objects, all of whose pools can launch these types.
///
/// # Panics
/// If an object is not valid.
pub fn cluster_of(
    items: &[Value],
    vocabulary: Vocabulary,
    types: &Arc<[Arc<InstanceType>]>,
) -> Cluster {
    let settings = Settings {
        unknown_readiness: UnknownReadiness::Ready,
        ..Settings::default()
    };
    let mut cluster = Cluster::new(vocabulary, settings);
    let mut decoder = PodDecoder::new();
    for item in items {
        if item["kind"] == "NodePool" {
            let pool = item["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            cluster.apply(Event::PoolTypes {
                pool,
                types: types.clone(),
            });
        }
        if let Some(event) = event(item, &mut decoder) {
            cluster.apply(event);
        }
    }
    cluster
}

/// The event that says that an object is there; none for kinds that decide nothing.
///
/// # Panics
/// If the object is not valid.
pub fn event(item: &Value, decoder: &mut PodDecoder) -> Option<Event> {
    Some(match item["kind"].as_str()? {
        "Pod" => {
            let pod = decoder
                .decode(item.to_string().as_bytes())
                .expect("the pod is valid");
            Event::Pod(Change::Applied(pod))
        }
        "Node" => Event::Node(applied(item)),
        "NodeClaim" => Event::NodeClaim(applied(item)),
        "NodePool" => Event::NodePool(applied(item)),
        "DaemonSet" => Event::DaemonSet(applied(item)),
        "PodDisruptionBudget" => Event::PodDisruptionBudget(applied(item)),
        "Namespace" => Event::Namespace(applied(item)),
        "PersistentVolumeClaim" => Event::PersistentVolumeClaim(applied(item)),
        "PersistentVolume" => Event::PersistentVolume(applied(item)),
        "StorageClass" => Event::StorageClass(applied(item)),
        "CSINode" => Event::CsiNode(applied(item)),
        "VolumeAttachment" => Event::VolumeAttachment(applied(item)),
        "Service" => Event::Service(applied(item)),
        "ReplicationController" => Event::ReplicationController(applied(item)),
        "ReplicaSet" => Event::ReplicaSet(applied(item)),
        "StatefulSet" => Event::StatefulSet(applied(item)),
        "ResourceSlice" => Event::ResourceSlice(applied(item)),
        "ResourceClaim" => Event::ResourceClaim(applied(item)),
        "ResourceClaimTemplate" => Event::ResourceClaimTemplate(applied(item)),
        "DeviceClass" => Event::DeviceClass(applied(item)),
        _ => return None,
    })
}

fn applied<T: DeserializeOwned>(item: &Value) -> Change<T> {
    Change::Applied(serde_json::from_value(item.clone()).expect("the object is valid"))
}
