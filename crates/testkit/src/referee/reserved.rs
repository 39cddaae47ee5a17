//! Reserved capacity: a claim that may be launched from a reservation says so and holds an instance
//! of it.

use std::collections::BTreeMap;

use catalog::{CapacityType, Offering};
use scheduling::{Placement, PlannedClaim};

use super::violation::Violation;
use super::ways::offerings;

const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
const RESERVATION: &str = "karpenter.k8s.aws/capacity-reservation-id";

/// Checks every claim that may use reservations. It holds all of them, because which type is
/// launched is not known.
pub(super) fn check(placement: &Placement, violations: &mut Vec<Violation>) {
    let mut held: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for claim in &placement.new_claims {
        for (reservation, instances) in reservations(claim) {
            for key in [CAPACITY_TYPE, RESERVATION] {
                if !requires(claim, key) {
                    violations.push(Violation::Unreserved {
                        node: claim.name.clone(),
                        reservation: reservation.clone(),
                        key,
                    });
                }
            }
            let (claims, least) = held.entry(reservation).or_insert((0, instances));
            *claims += 1;
            *least = instances.min(*least);
        }
    }
    for (reservation, (claims, instances)) in held {
        if claims > instances {
            violations.push(Violation::Reservation {
                reservation,
                claims,
                instances,
            });
        }
    }
}

/// Reservations that the claim may be launched from, with their instances.
fn reservations(claim: &PlannedClaim) -> BTreeMap<String, usize> {
    let mut reservations: BTreeMap<String, usize> = BTreeMap::new();
    let reserved = |o: &&Offering| o.capacity_type == CapacityType::Reserved;
    for instance_type in claim.instance_types.iter() {
        for offering in offerings(claim, instance_type).filter(reserved) {
            let id = offering.reservation_id().map_or("", |id| &**id);
            let instances = offering.reservation_capacity.unwrap_or_default() as usize;
            let least = reservations.entry(id.to_owned()).or_insert(instances);
            *least = instances.min(*least);
        }
    }
    reservations
}

/// Whether a claim names what it wants of a key, and as capacity type nothing but `reserved`.
fn requires(claim: &PlannedClaim, key: &str) -> bool {
    let named = claim.requirements.get(key);
    named.is_some_and(|named| {
        !named.is_complement()
            && (key != CAPACITY_TYPE
                || named
                    .single_value()
                    .is_some_and(|value| &**value == "reserved"))
    })
}
