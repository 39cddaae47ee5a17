//! A cluster from a list of Kubernetes objects as JSON, for tests.

#![allow(dead_code, unreachable_pub)]

pub mod referee;
pub mod world;

use std::sync::Arc;

use catalog::Catalog;
use cluster::{Change, Cluster, Event, PodDecoder, Settings, Snapshot, UnknownReadiness};
use serde_json::Value;

/// Puts the objects of a `List` into a cluster whose pools all offer the catalog.
pub fn snapshot(list: &Value, catalog: &Catalog) -> Snapshot {
    let settings = Settings {
        unknown_readiness: UnknownReadiness::Ready,
        ..Settings::default()
    };
    let mut cluster = Cluster::new(catalog.vocabulary(), settings);
    let types: Arc<[_]> = catalog.types.clone().into();
    let mut decoder = PodDecoder::new();
    for item in list["items"].as_array().expect("a list has items") {
        let name = item["metadata"]["name"].as_str().unwrap_or_default();
        if item["kind"] == "NodePool" {
            cluster.apply(Event::PoolTypes {
                pool: name.to_owned(),
                types: types.clone(),
            });
        }
        if let Some(event) = event(item, &mut decoder) {
            cluster.apply(event);
        }
    }
    cluster.snapshot()
}

fn event(item: &Value, decoder: &mut PodDecoder) -> Option<Event> {
    Some(match item["kind"].as_str()? {
        "Pod" => {
            let text = item.to_string();
            let pod = decoder.decode(text.as_bytes()).expect("pods decode");
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
        _ => return None,
    })
}

fn applied<T: serde::de::DeserializeOwned>(item: &Value) -> Change<T> {
    Change::Applied(serde_json::from_value(item.clone()).expect("objects decode"))
}
