//! From a node class to what it means for the capacity of nodes.

use std::collections::BTreeMap;
use std::str::FromStr;

use api::Ec2NodeClass;
use api::ec2nodeclass::Ec2NodeClassSpec;
use model::Quantity;
use serde_json::{Map, Value};

use super::{AmiFamily, EfaOnly, InstanceStore, Kubelet, NodeSettings};

impl NodeSettings {
    /// What the class says, and the defaults for the rest.
    ///
    /// Values that are expressions need a cloud to be resolved, and values that a validation would
    /// refuse have no meaning: both count as not given.
    pub fn from_class(class: &Ec2NodeClass) -> Self {
        let spec = &class.spec;
        let family = AmiFamily::from_name(spec.resolved_family());
        Self {
            family,
            kubelet: kubelet(&spec.kubelet),
            volume: volume(spec, family),
            instance_store: match spec.instance_store_policy.as_deref() {
                Some("RAID0") => InstanceStore::Raid0,
                _ => InstanceStore::Unused,
            },
            efa_only: efa_only(spec),
            ..Self::default()
        }
    }
}

fn kubelet(settings: &Map<String, Value>) -> Kubelet {
    let count = |name: &str| settings.get(name).and_then(Value::as_u64);
    Kubelet {
        max_pods: count("maxPods"),
        pods_per_core: count("podsPerCore"),
        kube_reserved: readable(settings.get("kubeReserved")),
        system_reserved: readable(settings.get("systemReserved")),
        eviction_hard: readable(settings.get("evictionHard")),
    }
}

/// The entries of a map of texts that can be read.
fn readable<T: FromStr>(map: Option<&Value>) -> BTreeMap<String, T> {
    let entries = map.and_then(Value::as_object).into_iter().flatten();
    entries
        .filter_map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some((name.clone(), text.parse().ok()?))
        })
        .collect()
}

/// The size of the volume that pods' files are on: of the one marked as root, or else (for images
/// that we know nothing of) of the last, or else of the one on the family's device.
fn volume(spec: &Ec2NodeClassSpec, family: AmiFamily) -> Option<Quantity> {
    let mappings = &spec.block_device_mappings;
    let sized = || {
        mappings
            .iter()
            .filter_map(|mapping| Some((mapping, mapping.ebs.as_ref()?.volume_size?)))
    };
    if let Some((_, size)) = sized().find(|(mapping, _)| mapping.root_volume) {
        return Some(size);
    }
    let Some(device) = family.pods_device() else {
        return mappings.last()?.ebs.as_ref()?.volume_size;
    };
    let on_device = sized().find(|(mapping, _)| mapping.device_name.as_deref() == Some(device));
    on_device.map(|(_, size)| size)
}

fn efa_only(spec: &Ec2NodeClassSpec) -> Option<EfaOnly> {
    let interfaces = &spec.network_interfaces;
    let efa_only = || {
        interfaces
            .iter()
            .filter(|one| one.interface_type == "efa-only")
    };
    let on_default_card = efa_only().filter(|one| one.network_card_index == 0).count() as u64;
    let total = efa_only().count() as u64;
    (!interfaces.is_empty()).then_some(EfaOnly {
        total,
        on_default_card,
    })
}

#[cfg(test)]
mod tests;
