//! The offerings of one type in a catalog file.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::labels::{CAPACITY_TYPE, ZONE};
use requirements::{Operator, Requirement, Requirements};
use rustc_hash::FxHashMap;
use serde_json::Value;

use super::FileError;
use super::fields::Object;
use crate::{CapacityType, Interner, Offering, Overhead, Overrides, Price};

/// What all types of a file have in common.
#[derive(Default)]
pub(super) struct Shared {
    /// Sets of requirements, most of which many types share.
    sets: FxHashMap<Requirements, Arc<Requirements>>,
    /// Texts of requirements.
    pub(super) texts: Interner,
    /// Label keys that offerings and labels use: these become well known.
    pub(super) keys: BTreeSet<String>,
}

impl Shared {
    fn set(&mut self, requirements: Requirements) -> Arc<Requirements> {
        self.keys
            .extend(requirements.keys().map(ToString::to_string));
        let texts = &mut self.texts;
        self.sets
            .entry(requirements)
            .or_insert_with_key(|requirements| Arc::new(texts.share(requirements)))
            .clone()
    }
}

/// All offerings. One that names several zones or capacity types becomes one for each.
pub(super) fn parse(owner: &Object<'_>, shared: &mut Shared) -> Result<Vec<Offering>, FileError> {
    let mut offerings = Vec::new();
    for (index, entry) in owner.list("offerings")?.iter().enumerate() {
        let object = Object::new(entry, owner.path_of(&format!("offerings[{index}]")))?;
        add(&object, shared, &mut offerings)?;
    }
    Ok(offerings)
}

fn add(
    object: &Object<'_>,
    shared: &mut Shared,
    offerings: &mut Vec<Offering>,
) -> Result<(), FileError> {
    let price = object.number("Price")?;
    if !(0.0..1e9).contains(&price) {
        return Err(object.fault("Price", format!("{price} is not between 0 and 1e9")));
    }
    let available = object.flag("Available")?.unwrap_or(true);
    let reservation_capacity = object.count("ReservationCapacity")?;
    let overrides = overrides(object)?;
    let requirements = requirements(object)?;
    for zone in values(object, &requirements, ZONE)? {
        for text in values(object, &requirements, CAPACITY_TYPE)? {
            let capacity_type: CapacityType =
                text.parse().map_err(|error: crate::UnknownCapacityType| {
                    object.fault("Requirements", error.to_string())
                })?;
            let mut single = requirements.clone();
            single.set(Requirement::single(ZONE, zone.clone()));
            single.set(Requirement::single(CAPACITY_TYPE, text.clone()));
            offerings.push(Offering {
                requirements: shared.set(single),
                zone: zone.clone(),
                capacity_type,
                price: Price::from_dollars(price),
                available,
                reservation_capacity,
                price_overlaid: false,
                overrides: overrides.clone(),
            });
        }
    }
    Ok(())
}

/// What machines of the offering have in place of what their type says.
fn overrides(object: &Object<'_>) -> Result<Option<Arc<Overrides>>, FileError> {
    const OVERHEAD: &str = "OverheadOverride";
    let capacity = object.resources("CapacityOverride")?.unwrap_or_default();
    let overhead = match object.get(OVERHEAD) {
        None => Overhead::default(),
        Some(value) => {
            let parts = Object::new(value, object.path_of(OVERHEAD))?;
            let part = |name| parts.resources(name).map(Option::unwrap_or_default);
            Overhead {
                kube_reserved: part("KubeReserved")?,
                system_reserved: part("SystemReserved")?,
                eviction_threshold: part("EvictionThreshold")?,
            }
        }
    };
    let overhead = overhead.total();
    Ok(Overrides { capacity, overhead }.shared())
}

fn values<'a>(
    object: &Object<'_>,
    requirements: &'a Requirements,
    key: &str,
) -> Result<&'a [Arc<str>], FileError> {
    requirements
        .get(key)
        .filter(|requirement| !requirement.is_complement() && requirement.admits_some_value())
        .map(Requirement::values)
        .ok_or_else(|| {
            object.fault(
                "Requirements",
                format!("an offering must name its {key} by operator In"),
            )
        })
}

fn requirements(object: &Object<'_>) -> Result<Requirements, FileError> {
    let mut all = Requirements::new();
    for (index, entry) in object.list("Requirements")?.iter().enumerate() {
        all.add(requirement(
            entry,
            object.path_of(&format!("Requirements[{index}]")),
        )?);
    }
    Ok(all)
}

fn requirement(entry: &Value, path: String) -> Result<Requirement, FileError> {
    let object = Object::new(entry, path)?;
    let operator: Operator =
        object
            .text("operator")?
            .parse()
            .map_err(|error: requirements::UnknownOperator| {
                object.fault("operator", error.to_string())
            })?;
    Ok(Requirement::new(
        object.text("key")?,
        operator,
        object.texts("values")?,
        None,
    ))
}
