//! Volumes and what binds them to places.

use serde::{Deserialize, Serialize};

use super::meta::{ObjectMeta, null_as_default};
use super::pod::Present;
use super::selector::NodeSelector;

/// `v1.PersistentVolumeClaim`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PersistentVolumeClaim {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Desired state.
    pub spec: PersistentVolumeClaimSpec,
    /// Reported state.
    pub status: PersistentVolumeClaimStatus,
}

/// `v1.PersistentVolumeClaimSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PersistentVolumeClaimSpec {
    /// The bound volume, empty while there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub volume_name: String,
    /// Storage class; absent means the default one, empty means none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class_name: Option<String>,
}

/// `v1.PersistentVolumeClaimStatus`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PersistentVolumeClaimStatus {
    /// `Pending`, `Bound` or `Lost`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub phase: String,
}

/// `v1.PersistentVolume`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PersistentVolume {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Desired state.
    pub spec: PersistentVolumeSpec,
}

/// `v1.PersistentVolumeSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PersistentVolumeSpec {
    /// Where the volume can be reached from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_affinity: Option<VolumeNodeAffinity>,
    /// The CSI driver, if it is a CSI volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csi: Option<CsiVolumeSource>,
    /// Whether it is an EBS volume of the in-tree plugin, which its CSI driver now serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_elastic_block_store: Option<Present>,
    /// Whether it is a disk of one node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local: Option<Present>,
    /// Whether it is a directory of one node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_path: Option<Present>,
}

/// `v1.VolumeNodeAffinity`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeNodeAffinity {
    /// Terms, one of which a node must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<NodeSelector>,
}

/// `v1.CSIPersistentVolumeSource`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CsiVolumeSource {
    /// Driver name.
    pub driver: String,
    /// Volume name within the driver.
    pub volume_handle: String,
}

/// `storage.k8s.io/v1.StorageClass`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StorageClass {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Driver that makes volumes.
    pub provisioner: String,
    /// `Immediate` (default) or `WaitForFirstConsumer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_binding_mode: Option<String>,
    /// Where new volumes may be.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub allowed_topologies: Vec<TopologySelectorTerm>,
}

/// `v1.TopologySelectorTerm`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TopologySelectorTerm {
    /// Labels with their allowed values.
    #[serde(deserialize_with = "null_as_default")]
    pub match_label_expressions: Vec<TopologySelectorLabelRequirement>,
}

/// `v1.TopologySelectorLabelRequirement`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TopologySelectorLabelRequirement {
    /// Label key.
    pub key: String,
    /// Allowed values.
    #[serde(deserialize_with = "null_as_default")]
    pub values: Vec<String>,
}

/// `storage.k8s.io/v1.CSINode`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CsiNode {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Drivers of the node.
    pub spec: CsiNodeSpec,
}

/// `storage.k8s.io/v1.CSINodeSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CsiNodeSpec {
    /// Drivers with their limits.
    #[serde(deserialize_with = "null_as_default")]
    pub drivers: Vec<CsiNodeDriver>,
}

/// `storage.k8s.io/v1.CSINodeDriver`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CsiNodeDriver {
    /// Driver name.
    pub name: String,
    /// Limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocatable: Option<CsiNodeAllocatable>,
}

/// `storage.k8s.io/v1.VolumeNodeResources`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CsiNodeAllocatable {
    /// Volumes that can be attached at once; absent means no limit is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i32>,
}

/// `storage.k8s.io/v1.VolumeAttachment`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeAttachment {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// What is attached where.
    pub spec: VolumeAttachmentSpec,
}

/// `storage.k8s.io/v1.VolumeAttachmentSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VolumeAttachmentSpec {
    /// Driver.
    pub attacher: String,
    /// Node that holds the volume.
    pub node_name: String,
    /// The volume.
    pub source: VolumeAttachmentSource,
}

/// `storage.k8s.io/v1.VolumeAttachmentSource`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VolumeAttachmentSource {
    /// Name of the PersistentVolume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistent_volume_name: Option<String>,
}

crate::resource!(
    PersistentVolumeClaim,
    "",
    "v1",
    "PersistentVolumeClaim",
    "persistentvolumeclaims",
    true
);
crate::resource!(
    PersistentVolume,
    "",
    "v1",
    "PersistentVolume",
    "persistentvolumes",
    false
);
crate::resource!(
    StorageClass,
    "storage.k8s.io",
    "v1",
    "StorageClass",
    "storageclasses",
    false
);
crate::resource!(
    CsiNode,
    "storage.k8s.io",
    "v1",
    "CSINode",
    "csinodes",
    false
);
crate::resource!(
    VolumeAttachment,
    "storage.k8s.io",
    "v1",
    "VolumeAttachment",
    "volumeattachments",
    false
);
