//! Catalogs from JSON, in the format of the KWOK provider.
//!
//! A list of `{name, architecture, operatingSystems, resources, offerings: [{Price, Available,
//! Requirements, ReservationCapacity?, CapacityOverride?, OverheadOverride?}], labels?,
//! overhead?}`, keys in any letter case. `CapacityOverride` are amounts that machines of the
//! offering have in place of the type's `resources`, `OverheadOverride` is `{KubeReserved?,
//! SystemReserved?, EvictionThreshold?}`, whose sum stands in place of the type's. Beyond what the
//! KWOK provider reads: `labels` are further single-valued node labels; `overhead` is what
//! nodes keep for themselves (default: 100m CPU, 10Mi memory); `Available: false` is honoured.
//! `dynamicResources` are the devices that drivers will publish on a node: `{slices: [{driver,
//! pool, devices, sharedCounters}], bindings: [{attribute, nodePool?, devices: [[{driver, pool,
//! device}]]}]}`, devices and counters as in a ResourceSlice; here the case of keys counts.

mod fields;
mod offerings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::labels;
use model::resources::PODS;
use model::{Quantity, ResourceList};
use requirements::{Requirement, Requirements};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    CapacityType, Catalog, DynamicResources, InstanceType, Overhead, PriceSource, Provider, kwok,
    kwok_labels,
};
use fields::Object;
use offerings::Shared;

/// How many pods a node takes where the file does not say.
const DEFAULT_PODS: i64 = 110;

/// Why a catalog file is refused.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is no JSON.
    #[error("could not parse JSON data: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON, but a value is not what it should be.
    #[error("{path}: {problem}")]
    Value {
        /// Where: `[3] (m-4x) .offerings[0].Price`.
        path: String,
        /// What is wrong, and what is expected.
        problem: String,
    },
    /// Two types have one name.
    #[error("there are two instance types {0:?}")]
    Duplicate(String),
}

/// Reads a catalog.
pub fn parse(json: &[u8]) -> Result<Catalog, FileError> {
    let value: Value = serde_json::from_slice(json)?;
    let Value::Array(entries) = &value else {
        return Err(FileError::Value {
            path: "the file".to_owned(),
            problem: format!(
                "a list of instance types is expected, not {}",
                fields::kind(&value)
            ),
        });
    };
    let mut shared = Shared::default();
    let mut names = BTreeSet::new();
    let mut types = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let instance_type = instance_type(index, entry, &mut shared)?;
        if !names.insert(instance_type.name.clone()) {
            return Err(FileError::Duplicate(instance_type.name.to_string()));
        }
        types.push(Arc::new(instance_type));
    }
    Ok(Catalog {
        types,
        price_source: PriceSource::File,
        extra_labels: shared.keys,
        provider: Provider::Kwok,
    })
}

fn instance_type(
    index: usize,
    entry: &Value,
    shared: &mut Shared,
) -> Result<InstanceType, FileError> {
    let object = Object::new(entry, format!("[{index}]"))?;
    let name = object.text("name")?;
    let object = Object::new(entry, format!("[{index}] ({name}) "))?;
    if name.is_empty() {
        return Err(object.fault("name", "must not be empty"));
    }
    let architecture = object.text("architecture")?;
    let systems = object.texts("operatingSystems")?;
    let mut capacity = object.resources("resources")?.unwrap_or_default();
    capacity
        .entry(PODS.to_owned())
        .or_insert_with(|| Quantity::from_units(DEFAULT_PODS));
    let overhead = match object.resources("overhead")? {
        Some(kube_reserved) => Overhead {
            kube_reserved,
            ..Overhead::default()
        },
        None => kwok::overhead(),
    };
    let labels = object.labels("labels")?;
    let offerings = offerings::parse(&object, shared)?;

    let zones: BTreeSet<Arc<str>> = offerings.iter().map(|o| o.zone.clone()).collect();
    let capacity_types: BTreeSet<CapacityType> =
        offerings.iter().map(|o| o.capacity_type).collect();
    let mut requirements: Requirements =
        kwok_labels::derived(name, &capacity).into_iter().collect();
    requirements.extend([
        Requirement::single(labels::INSTANCE_TYPE, name),
        Requirement::single(labels::ARCH, architecture),
        Requirement::any_of(labels::OS, systems),
        Requirement::any_of(labels::ZONE, zones),
        Requirement::any_of(
            labels::CAPACITY_TYPE,
            capacity_types
                .iter()
                .map(|capacity_type| capacity_type.as_str()),
        ),
    ]);
    add_labels(&mut requirements, labels, shared);
    Ok(InstanceType {
        name: name.into(),
        requirements: shared.texts.share(&requirements),
        offerings,
        capacity,
        capacity_overlaid: false,
        dynamic_resources: dynamic_resources(&object)?,
        overhead,
    })
}

fn dynamic_resources(object: &Object<'_>) -> Result<Option<Arc<DynamicResources>>, FileError> {
    const MEMBER: &str = "dynamicResources";
    let Some(value) = object.get(MEMBER) else {
        return Ok(None);
    };
    let read = DynamicResources::deserialize(value);
    let read = read.map_err(|error| object.fault(MEMBER, error.to_string()))?;
    Ok((!read.is_empty()).then(|| Arc::new(read)))
}

fn add_labels(
    requirements: &mut Requirements,
    labels: BTreeMap<String, String>,
    shared: &mut Shared,
) {
    for (key, value) in labels {
        requirements.set(Requirement::single(key.as_str(), value));
        shared.keys.insert(key);
    }
}

/// Resource lists are read as manifests write them.
fn resource_list(value: &Value) -> Result<ResourceList, String> {
    serde_json::from_value(value.clone()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
