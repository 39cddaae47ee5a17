//! Which CSI driver serves a volume.

use std::sync::Arc;

use model::k8s::PersistentVolume;

/// Driver of EBS volumes.
const EBS: &str = "ebs.csi.aws.com";

/// Plugins that were once part of Kubernetes, with the drivers that have taken them over.
const MIGRATED: [(&str, &str); 8] = [
    ("kubernetes.io/aws-ebs", EBS),
    ("kubernetes.io/azure-disk", "disk.csi.azure.com"),
    ("kubernetes.io/azure-file", "file.csi.azure.com"),
    ("kubernetes.io/cinder", "cinder.csi.openstack.org"),
    ("kubernetes.io/gce-pd", "pd.csi.storage.gke.io"),
    ("kubernetes.io/portworx-volume", "pxd.portworx.com"),
    ("kubernetes.io/rbd", "rbd.csi.ceph.com"),
    ("kubernetes.io/vsphere-volume", "csi.vsphere.vmware.com"),
];

/// The driver of a volume that is there. None where nothing is attached: NFS, disks of one node.
pub(super) fn of_volume(volume: &PersistentVolume) -> Option<Arc<str>> {
    let spec = &volume.spec;
    match &spec.csi {
        Some(csi) => Some(csi.driver.as_str().into()),
        None => spec.aws_elastic_block_store.is_some().then(|| EBS.into()),
    }
}

/// The driver that makes volumes for a provisioner.
pub(super) fn of_provisioner(provisioner: &str) -> Option<Arc<str>> {
    let migrated = MIGRATED.iter().find(|(plugin, _)| *plugin == provisioner);
    let driver = migrated.map_or(provisioner, |(_, driver)| driver);
    (!driver.is_empty()).then(|| driver.into())
}
