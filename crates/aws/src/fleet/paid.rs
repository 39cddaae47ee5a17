//! How an instance is paid for.

use std::collections::BTreeMap;

use api::labels;
use catalog::CapacityType;

use super::Launched;
use crate::ec2::{Instance, ReservationPreference};
use crate::template::{Reservation, Reservations};

/// How an instance is paid for that EC2 tells of. One that has come into a reservation without
/// being asked to is on demand.
pub fn paid(
    instance: &Instance,
    reservations: Reservations,
) -> (CapacityType, Option<Reservation>) {
    if !instance.spot_request_id.is_empty() {
        return (CapacityType::Spot, None);
    }
    let only = Some(ReservationPreference::Only.as_str());
    let asked =
        reservations == Reservations::AsAsked && instance.reservation_preference.as_deref() == only;
    let Some(id) = instance.reservation_id.clone().filter(|_| asked) else {
        return (CapacityType::OnDemand, None);
    };
    let kind = match instance.lifecycle.as_str() {
        "capacity-block" => "capacity-block",
        _ => "default",
    };
    let reservation = Reservation {
        id,
        kind: kind.to_owned(),
        interruptible: instance.lifecycle == "interruptible-capacity-reservation",
    };
    (CapacityType::Reserved, Some(reservation))
}

impl Launched {
    /// Labels of its node that the launch has decided. A partition that EC2 has chosen is not known
    /// yet: the label is there, and empty.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let instance = &self.instance;
        let mut labels = BTreeMap::new();
        let mut add = |key: &str, value: &str| labels.insert(key.to_owned(), value.to_owned());
        add(labels::INSTANCE_TYPE, &instance.instance_type);
        add(labels::ZONE, &instance.zone);
        add(labels::CAPACITY_TYPE, self.capacity_type.as_str());
        add(labels::AWS_INSTANCE_TENANCY, &instance.tenancy);
        if !instance.zone_id.is_empty() {
            add(labels::AWS_ZONE_ID, &instance.zone_id);
        }
        if let Some(reservation) = &self.reservation {
            let interruptible = reservation.interruptible.to_string();
            add(labels::CAPACITY_RESERVATION_ID, &reservation.id);
            add(labels::CAPACITY_RESERVATION_TYPE, &reservation.kind);
            add(labels::CAPACITY_RESERVATION_INTERRUPTIBLE, &interruptible);
        }
        if let Some(group) = &instance.placement_group_id {
            add(labels::PLACEMENT_GROUP_ID, group);
        }
        if self.has_partitions {
            let partition = instance.partition.map(|number| number.to_string());
            add(
                labels::PLACEMENT_GROUP_PARTITION,
                &partition.unwrap_or_default(),
            );
        }
        labels
    }
}
