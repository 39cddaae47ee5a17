//! The hash of what a class' instances are made from: claims with another one have drifted.

use serde_json::{Map, Value};

use super::{
    BlockDevice, BlockDeviceMapping, ConnectionTracking, CpuOptions, Ec2NodeClass, MetadataOptions,
    NetworkInterface, PlacementGroupSelector,
};
use crate::hash::{Structure, boolean, filled, int32, int64, list, map, text};

/// The algorithm of [`Ec2NodeClass::hash`], as the annotation names it.
pub const EC2NODECLASS_HASH_VERSION: &str = "v6";

impl Ec2NodeClass {
    /// The hash of the spec without its selectors, for a cluster with this CA bundle (in base64;
    /// empty if there is none).
    pub fn hash(&self, ca_bundle: &str) -> String {
        let family = text(self.spec.resolved_family());
        let kubelet = text(&canonical(&self.spec.kubelet));
        (self.spec_hash() ^ family ^ text(ca_bundle) ^ kubelet).to_string()
    }

    fn spec_hash(&self) -> u64 {
        let spec = &self.spec;
        let optional = |value: &Option<String>| value.as_deref().map(text);
        Structure::new("EC2NodeClassSpec")
            .field(
                "PlacementGroupSelector",
                spec.placement_group_selector.as_ref().map(placement),
            )
            .field(
                "AssociatePublicIPAddress",
                spec.associate_public_ip_address.map(boolean),
            )
            .field("UserData", optional(&spec.user_data))
            .field("Role", spec.role.as_deref().and_then(filled))
            .field("InstanceProfile", optional(&spec.instance_profile))
            .field("Tags", map(&spec.tags))
            .field(
                "BlockDeviceMappings",
                list(spec.block_device_mappings.iter().map(mapping)),
            )
            .field("InstanceStorePolicy", optional(&spec.instance_store_policy))
            .field(
                "NetworkInterfaces",
                list(spec.network_interfaces.iter().map(interface)),
            )
            .field("DetailedMonitoring", spec.detailed_monitoring.map(boolean))
            .field(
                "MetadataOptions",
                spec.metadata_options.as_ref().map(metadata),
            )
            .field(
                "ConnectionTracking",
                spec.connection_tracking.as_ref().map(tracking),
            )
            .field("Context", optional(&spec.context))
            .field("CPUOptions", spec.cpu_options.as_ref().map(cpu))
            .hash()
    }
}

fn placement(selector: &PlacementGroupSelector) -> u64 {
    Structure::new("PlacementGroupSelector")
        .field("Name", filled(&selector.name))
        .field("ID", filled(&selector.id))
        .hash()
}

fn mapping(mapping: &BlockDeviceMapping) -> u64 {
    Structure::new("BlockDeviceMapping")
        .field("DeviceName", mapping.device_name.as_deref().map(text))
        .field("EBS", mapping.ebs.as_ref().map(volume))
        .field("RootVolume", mapping.root_volume.then(|| boolean(true)))
        .hash()
}

fn volume(volume: &BlockDevice) -> u64 {
    Structure::new("BlockDevice")
        .field(
            "DeleteOnTermination",
            volume.delete_on_termination.map(boolean),
        )
        .field("Encrypted", volume.encrypted.map(boolean))
        .field("IOPS", volume.iops.map(int64))
        .field("KMSKeyID", volume.kms_key_id.as_deref().map(text))
        .field("SnapshotID", volume.snapshot_id.as_deref().map(text))
        .field("Throughput", volume.throughput.map(int64))
        .field(
            "VolumeInitializationRate",
            volume.volume_initialization_rate.map(int32),
        )
        .field(
            "VolumeSize",
            volume.volume_size.map(|size| text(&size.to_string())),
        )
        .field("VolumeType", volume.volume_type.as_deref().map(text))
        .hash()
}

fn interface(interface: &NetworkInterface) -> u64 {
    let index = |value: i32| (value != 0).then(|| int32(value));
    Structure::new("NetworkInterface")
        .field("NetworkCardIndex", index(interface.network_card_index))
        .field("DeviceIndex", index(interface.device_index))
        .field("InterfaceType", filled(&interface.interface_type))
        .hash()
}

fn metadata(options: &MetadataOptions) -> u64 {
    Structure::new("MetadataOptions")
        .field("HTTPEndpoint", options.http_endpoint.as_deref().map(text))
        .field(
            "HTTPProtocolIPv6",
            options.http_protocol_ipv6.as_deref().map(text),
        )
        .field(
            "HTTPPutResponseHopLimit",
            options.http_put_response_hop_limit.map(int64),
        )
        .field("HTTPTokens", options.http_tokens.as_deref().map(text))
        .hash()
}

fn tracking(options: &ConnectionTracking) -> u64 {
    Structure::new("ConnectionTracking")
        .field(
            "TCPEstablishedTimeout",
            options.tcp_established_timeout.map(int32),
        )
        .field("UDPStreamTimeout", options.udp_stream_timeout.map(int32))
        .field("UDPTimeout", options.udp_timeout.map(int32))
        .hash()
}

fn cpu(options: &CpuOptions) -> u64 {
    Structure::new("CPUOptions")
        .field(
            "NestedVirtualization",
            options.nested_virtualization.as_deref().map(text),
        )
        .hash()
}

/// Kubelet settings as Go writes them in JSON: keys sorted, and what HTML minds escaped.
fn canonical(kubelet: &Map<String, Value>) -> String {
    if kubelet.is_empty() {
        return "null".to_owned();
    }
    let plain = Value::Object(kubelet.clone()).to_string();
    plain
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
#[path = "hash_tests.rs"]
mod tests;
