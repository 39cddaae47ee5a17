//! Instances and how they are.

use aws::Tags;
use aws::ec2::{
    ImpairedCheck, Instance, InstanceState, InstanceStatus, ScheduledEvent, StatusCategory,
    TerminatedInstance,
};
use aws_sdk_ec2::types;

use crate::sdk::values::{some_text, text, time};

pub(super) fn instances(reservations: Vec<types::Reservation>) -> Vec<Instance> {
    let instances = reservations.into_iter().filter_map(|r| r.instances);
    instances.flatten().map(instance).collect()
}

fn instance(instance: types::Instance) -> Instance {
    let placement = instance.placement;
    let placement = placement.unwrap_or_else(|| types::Placement::builder().build());
    let preference = instance
        .capacity_reservation_specification
        .and_then(|specification| specification.capacity_reservation_preference);
    let partition = placement.partition_number.filter(|number| *number > 0);
    Instance {
        id: text(instance.instance_id),
        instance_type: text(instance.instance_type),
        image_id: text(instance.image_id),
        state: state(instance.state),
        launched: time(instance.launch_time.as_ref()),
        zone: text(placement.availability_zone),
        zone_id: text(placement.availability_zone_id),
        subnet_id: text(instance.subnet_id),
        security_groups: instance
            .security_groups
            .into_iter()
            .flatten()
            .map(|group| text(group.group_id))
            .collect(),
        lifecycle: text(instance.instance_lifecycle),
        spot_request_id: text(instance.spot_instance_request_id),
        reservation_id: some_text(instance.capacity_reservation_id),
        reservation_preference: some_text(preference),
        tenancy: text(placement.tenancy),
        placement_group_id: some_text(placement.group_id),
        partition: partition.and_then(|number| u32::try_from(number).ok()),
        interfaces: instance
            .network_interfaces
            .into_iter()
            .flatten()
            .map(|interface| text(interface.interface_type))
            .collect(),
        tags: tags(instance.tags.unwrap_or_default()),
    }
}

fn tags(tags: Vec<types::Tag>) -> Tags {
    tags.into_iter()
        .map(|tag| (text(tag.key), text(tag.value)))
        .collect()
}

/// A state that is not told is that of an instance that has just been asked for.
fn state(state: Option<types::InstanceState>) -> InstanceState {
    let name = state.and_then(|state| state.name);
    InstanceState::parse(&text(name)).unwrap_or_default()
}

pub(super) fn terminated(change: types::InstanceStateChange) -> TerminatedInstance {
    TerminatedInstance {
        id: text(change.instance_id),
        state: state(change.current_state),
    }
}

pub(super) fn status(status: types::InstanceStatus) -> InstanceStatus {
    let of = |summary: Option<types::InstanceStatusSummary>, category| {
        let details = summary.and_then(|summary| summary.details);
        let details = details.into_iter().flatten();
        details.map(move |detail| ImpairedCheck {
            category,
            status: text(detail.status),
            since: time(detail.impaired_since.as_ref()),
        })
    };
    let volumes = status.attached_ebs_status.and_then(|ebs| ebs.details);
    let volumes = volumes.into_iter().flatten().map(|detail| ImpairedCheck {
        category: StatusCategory::Ebs,
        status: text(detail.status),
        since: time(detail.impaired_since.as_ref()),
    });
    InstanceStatus {
        id: text(status.instance_id),
        checks: of(status.instance_status, StatusCategory::Instance)
            .chain(of(status.system_status, StatusCategory::System))
            .chain(volumes)
            .collect(),
        events: status.events.into_iter().flatten().map(event).collect(),
    }
}

fn event(event: types::InstanceStatusEvent) -> ScheduledEvent {
    ScheduledEvent {
        code: text(event.code),
        description: text(event.description),
        not_before: time(event.not_before.as_ref()),
    }
}
