//! Disks of a launch template.

use api::ec2nodeclass::{BlockDeviceMapping, Ec2NodeClassSpec};
use catalog::ec2::AmiFamily;

use crate::ec2::BlockDevice;
use crate::family::default_block_devices;

/// A disk that EC2 can't be asked for: the schema lets it pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDisk {
    /// Nothing says under which name instances see it.
    #[error("blockDeviceMappings[{0}] has no deviceName")]
    NoName(usize),
    /// Nothing says what it is.
    #[error("blockDeviceMappings[{0}] has no ebs")]
    NoVolume(usize),
}

/// Those of the class, or those of its family; none where the image decides.
pub(super) fn disks(spec: &Ec2NodeClassSpec) -> Result<Vec<BlockDevice>, InvalidDisk> {
    let mappings = &spec.block_device_mappings;
    if mappings.is_empty() {
        let family = AmiFamily::from_name(spec.resolved_family());
        return Ok(default_block_devices(family));
    }
    mappings
        .iter()
        .enumerate()
        .map(|(at, mapping)| disk(at, mapping))
        .collect()
}

fn disk(at: usize, mapping: &BlockDeviceMapping) -> Result<BlockDevice, InvalidDisk> {
    let name = mapping.device_name.as_deref().unwrap_or_default();
    let volume = mapping.ebs.as_ref().ok_or(InvalidDisk::NoVolume(at))?;
    if name.is_empty() {
        return Err(InvalidDisk::NoName(at));
    }
    Ok(BlockDevice {
        device_name: name.to_owned(),
        delete_on_termination: volume.delete_on_termination,
        encrypted: volume.encrypted,
        volume_type: volume.volume_type.clone(),
        iops: volume.iops.filter(|iops| *iops != 0),
        throughput: volume.throughput.filter(|throughput| *throughput != 0),
        kms_key_id: volume.kms_key_id.clone(),
        snapshot_id: volume.snapshot_id.clone(),
        initialization_rate: volume.volume_initialization_rate,
        size_gib: volume.volume_size.map(BlockDevice::gib),
    })
}
