//! Which settings of the kubelet an image has no way to apply.

use catalog::ec2::AmiFamily;
use serde_json::{Map, Value};

use crate::family::applies_every_kubelet_setting;

/// The settings that every image but those that users bring applies.
const MANAGED: [&str; 12] = [
    "clusterDNS",
    "maxPods",
    "podsPerCore",
    "systemReserved",
    "kubeReserved",
    "evictionHard",
    "evictionSoft",
    "evictionSoftGracePeriod",
    "evictionMaxPodGracePeriod",
    "imageGCHighThresholdPercent",
    "imageGCLowThresholdPercent",
    "cpuCFSQuota",
];

/// Settings that would have no effect on the nodes of a class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// The image has no way to be told.
    #[error(
        "spec.kubelet has fields not applied by the {family} AMI family that would be silently \
         dropped: {}", fields.join(", ")
    )]
    Fields {
        /// The family.
        family: &'static str,
        /// The fields, sorted.
        fields: Vec<String>,
    },
    /// The image can be told one name service only.
    #[error(
        "spec.kubelet.clusterDNS: the {family} AMI family doesn't accept multiple entries, only \
         one, but {count} were set"
    )]
    NameServices {
        /// The family.
        family: &'static str,
        /// How many there are.
        count: usize,
    },
}

/// What of `spec.kubelet` the images of a family would not apply. Whoever brings images of their
/// own applies the settings, too.
pub fn unsupported(kubelet: &Map<String, Value>, family: AmiFamily) -> Vec<Unsupported> {
    if family == AmiFamily::Custom || applies_every_kubelet_setting(family) {
        return Vec::new();
    }
    let is_applied = |field: &str| {
        MANAGED.contains(&field) && (field != "podsPerCore" || family.honours_pods_per_core())
    };
    let mut fields: Vec<String> = kubelet
        .keys()
        .filter(|field| !is_applied(field))
        .cloned()
        .collect();
    fields.sort_unstable();
    let count = kubelet
        .get("clusterDNS")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let family = family.name();
    let dropped = (!fields.is_empty()).then_some(Unsupported::Fields { family, fields });
    let too_many = (count > 1).then_some(Unsupported::NameServices { family, count });
    dropped.into_iter().chain(too_many).collect()
}
