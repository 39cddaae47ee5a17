//! What exists in an account and region.

use aws::ec2::{
    Filter, Image, PlacementGroup, Reservation, SecurityGroup, SpotPrice, Subnet, TypeOffering,
};
use aws_sdk_ec2::types;
use catalog::Price;

use crate::sdk::values::{count, some_text, text, time, written_time};

/// Filters for the wire; none if there are none.
pub(super) fn filters(filters: &[Filter]) -> Option<Vec<types::Filter>> {
    let filters: Vec<_> = filters
        .iter()
        .map(|filter| {
            types::Filter::builder()
                .name(&filter.name)
                .set_values(Some(filter.values.clone()))
                .build()
        })
        .collect();
    (!filters.is_empty()).then_some(filters)
}

/// These filters, and the state that is always asked for.
pub(super) fn filters_and_state(given: &[Filter], state: &str) -> Option<Vec<types::Filter>> {
    let mut all = given.to_vec();
    all.push(Filter::new("state", [state]));
    filters(&all)
}

pub(super) fn offering(offering: types::InstanceTypeOffering) -> TypeOffering {
    TypeOffering {
        instance_type: text(offering.instance_type),
        zone: text(offering.location),
    }
}

pub(super) fn spot_price(price: types::SpotPrice) -> SpotPrice {
    let dollars = price.spot_price.and_then(|text| text.parse::<f64>().ok());
    SpotPrice {
        instance_type: text(price.instance_type),
        zone: text(price.availability_zone),
        price: dollars
            .filter(|dollars| dollars.is_finite() && *dollars >= 0.0)
            .map(Price::from_dollars),
        since: time(price.timestamp.as_ref()),
    }
}

pub(super) fn subnet(subnet: types::Subnet) -> Subnet {
    Subnet {
        id: text(subnet.subnet_id),
        zone: text(subnet.availability_zone),
        zone_id: text(subnet.availability_zone_id),
        free_addresses: i64::from(subnet.available_ip_address_count.unwrap_or_default()),
    }
}

pub(super) fn security_group(group: types::SecurityGroup) -> SecurityGroup {
    SecurityGroup {
        id: text(group.group_id),
        name: text(group.group_name),
    }
}

pub(super) fn image(image: types::Image) -> Image {
    Image {
        id: text(image.image_id),
        name: text(image.name),
        architecture: text(image.architecture),
        created: written_time(image.creation_date.as_deref()),
        deprecated: written_time(image.deprecation_time.as_deref()),
    }
}

pub(super) fn reservation(reservation: types::CapacityReservation) -> Reservation {
    Reservation {
        id: text(reservation.capacity_reservation_id),
        owner_id: text(reservation.owner_id),
        instance_type: text(reservation.instance_type),
        zone: text(reservation.availability_zone),
        instance_match_criteria: text(reservation.instance_match_criteria),
        reservation_type: some_text(reservation.reservation_type),
        interruptible: reservation.interruptible,
        ends: time(reservation.end_date.as_ref()),
        available: u32::try_from(count(reservation.available_instance_count)).unwrap_or(u32::MAX),
    }
}

pub(super) fn placement_group(group: types::PlacementGroup) -> PlacementGroup {
    PlacementGroup {
        id: text(group.group_id),
        name: text(group.group_name),
        strategy: text(group.strategy),
        partitions: u32::try_from(count(group.partition_count)).unwrap_or(u32::MAX),
        spread_level: some_text(group.spread_level),
    }
}
