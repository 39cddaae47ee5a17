//! Launch templates.

use aws::Tags;
use aws::ec2::{
    BlockDevice, Interface, Market, Metadata, Placement, ReservationTarget, StoredTemplate,
    TagSpecification, TemplateData,
};
use aws_sdk_ec2::types;

use crate::sdk::values::{narrow, text};

pub(super) fn stored(template: types::LaunchTemplate) -> StoredTemplate {
    StoredTemplate {
        id: text(template.launch_template_id),
        name: text(template.launch_template_name),
    }
}

pub(super) fn tag_list(tags: &Tags) -> Vec<types::Tag> {
    tags.iter()
        .map(|(key, value)| types::Tag::builder().key(key).value(value).build())
        .collect()
}

/// Tags of a launch template itself.
pub(super) fn own_tags(tags: &Tags) -> types::TagSpecification {
    types::TagSpecification::builder()
        .resource_type(types::ResourceType::LaunchTemplate)
        .set_tags(Some(tag_list(tags)))
        .build()
}

/// Tags of what a call makes.
pub(super) fn tag_specification(tags: &TagSpecification) -> types::TagSpecification {
    types::TagSpecification::builder()
        .resource_type(types::ResourceType::from(tags.resource.as_str()))
        .set_tags(Some(tag_list(&tags.tags)))
        .build()
}

pub(super) fn data(data: &TemplateData) -> types::RequestLaunchTemplateData {
    let profile = types::LaunchTemplateIamInstanceProfileSpecificationRequest::builder()
        .name(&data.instance_profile)
        .build();
    let monitoring = types::LaunchTemplatesMonitoringRequest::builder()
        .enabled(data.monitoring)
        .build();
    let enclave = types::LaunchTemplateEnclaveOptionsRequest::builder()
        .enabled(data.enclave)
        .build();
    let devices: Vec<_> = data.block_devices.iter().map(block_device).collect();
    types::RequestLaunchTemplateData::builder()
        .set_block_device_mappings((!devices.is_empty()).then_some(devices))
        .set_cpu_options(data.nested_virtualization.as_deref().map(cpu_options))
        .iam_instance_profile(profile)
        .monitoring(monitoring)
        .image_id(&data.image_id)
        .user_data(&data.user_data)
        .metadata_options(metadata(&data.metadata))
        .set_network_interfaces(Some(data.interfaces.iter().map(interface).collect()))
        .placement(placement(&data.placement))
        .enclave_options(enclave)
        .set_tag_specifications(Some(data.tags.iter().map(template_tags).collect()))
        .set_capacity_reservation_specification(data.reservation.as_ref().map(reservation))
        .set_instance_market_options(data.market.map(market))
        .build()
}

fn cpu_options(nested: &str) -> types::LaunchTemplateCpuOptionsRequest {
    types::LaunchTemplateCpuOptionsRequest::builder()
        .nested_virtualization(types::NestedVirtualizationSpecification::from(nested))
        .build()
}

fn block_device(device: &BlockDevice) -> types::LaunchTemplateBlockDeviceMappingRequest {
    let volume = types::LaunchTemplateEbsBlockDeviceRequest::builder()
        .set_delete_on_termination(device.delete_on_termination)
        .set_encrypted(device.encrypted)
        .set_volume_type(device.volume_type.as_deref().map(types::VolumeType::from))
        .set_iops(device.iops.map(narrow))
        .set_throughput(device.throughput.map(narrow))
        .set_kms_key_id(device.kms_key_id.clone())
        .set_snapshot_id(device.snapshot_id.clone())
        .set_volume_initialization_rate(device.initialization_rate)
        .set_volume_size(device.size_gib)
        .build();
    types::LaunchTemplateBlockDeviceMappingRequest::builder()
        .device_name(&device.device_name)
        .ebs(volume)
        .build()
}

/// Instances never see their own tags.
fn metadata(metadata: &Metadata) -> types::LaunchTemplateInstanceMetadataOptionsRequest {
    let endpoint = metadata.endpoint.as_deref();
    let ipv6 = metadata.protocol_ipv6.as_deref();
    let tokens = metadata.tokens.as_deref();
    types::LaunchTemplateInstanceMetadataOptionsRequest::builder()
        .set_http_endpoint(endpoint.map(types::LaunchTemplateInstanceMetadataEndpointState::from))
        .set_http_protocol_ipv6(ipv6.map(types::LaunchTemplateInstanceMetadataProtocolIpv6::from))
        .set_http_put_response_hop_limit(metadata.hop_limit.map(narrow))
        .set_http_tokens(tokens.map(types::LaunchTemplateHttpTokensState::from))
        .instance_metadata_tags(types::LaunchTemplateInstanceMetadataTagsState::Disabled)
        .build()
}

fn interface(
    interface: &Interface,
) -> types::LaunchTemplateInstanceNetworkInterfaceSpecificationRequest {
    types::LaunchTemplateInstanceNetworkInterfaceSpecificationRequest::builder()
        .network_card_index(interface.card)
        .device_index(interface.device)
        .set_interface_type(interface.kind.as_str().map(str::to_owned))
        .set_groups(Some(interface.groups.clone()))
        .set_associate_public_ip_address(interface.public_address)
        .set_ipv4_prefix_count(interface.ipv4_prefixes)
        .set_ipv6_prefix_count(interface.ipv6_prefixes)
        .set_primary_ipv6(interface.primary_ipv6)
        .set_ipv6_address_count(interface.ipv6_addresses)
        .set_connection_tracking_specification(interface.tracking.as_ref().map(tracking))
        .build()
}

fn tracking(
    tracking: &api::ec2nodeclass::ConnectionTracking,
) -> types::ConnectionTrackingSpecificationRequest {
    types::ConnectionTrackingSpecificationRequest::builder()
        .set_tcp_established_timeout(tracking.tcp_established_timeout)
        .set_udp_stream_timeout(tracking.udp_stream_timeout)
        .set_udp_timeout(tracking.udp_timeout)
        .build()
}

fn placement(placement: &Placement) -> types::LaunchTemplatePlacementRequest {
    let tenancy = Some(placement.tenancy.as_str()).filter(|tenancy| !tenancy.is_empty());
    types::LaunchTemplatePlacementRequest::builder()
        .set_tenancy(tenancy.map(types::Tenancy::from))
        .set_group_id(placement.group_id.clone())
        .set_partition_number(placement.partition)
        .build()
}

fn template_tags(tags: &TagSpecification) -> types::LaunchTemplateTagSpecificationRequest {
    types::LaunchTemplateTagSpecificationRequest::builder()
        .resource_type(types::ResourceType::from(tags.resource.as_str()))
        .set_tags(Some(tag_list(&tags.tags)))
        .build()
}

fn reservation(
    target: &ReservationTarget,
) -> types::LaunchTemplateCapacityReservationSpecificationRequest {
    let reservation = target.id.as_ref().map(|id| {
        let target = types::CapacityReservationTarget::builder();
        target.capacity_reservation_id(id).build()
    });
    types::LaunchTemplateCapacityReservationSpecificationRequest::builder()
        .capacity_reservation_preference(types::CapacityReservationPreference::from(
            target.preference.as_str(),
        ))
        .set_capacity_reservation_target(reservation)
        .build()
}

fn market(market: Market) -> types::LaunchTemplateInstanceMarketOptionsRequest {
    types::LaunchTemplateInstanceMarketOptionsRequest::builder()
        .market_type(types::MarketType::from(market.as_str()))
        .build()
}
