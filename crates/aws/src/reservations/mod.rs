//! Capacity reservations: how those of a class are asked for, what of them stands in its status,
//! and how many instances they still have room for.
//!
//! What is *not* here: offerings made of reservations (the instance types), and what is remembered
//! of them (`provider-aws`).

mod availability;

use std::time::Duration;

use api::ec2nodeclass::{CapacityReservation, CapacityReservationSelectorTerm};
use model::Timestamp;

use crate::ec2::{Filter, Reservation, ReservationQuery};
use crate::selectors::tag_filters;

pub use availability::Availability;

/// A reservation that lasts until it is given up, or that is used as it comes.
pub const DEFAULT: &str = "default";
/// A reservation for a time that was booked ahead.
pub const CAPACITY_BLOCK: &str = "capacity-block";
/// State of a reservation that can be used.
pub const ACTIVE: &str = "active";
/// State of a capacity block that is about to end.
pub const EXPIRING: &str = "expiring";
/// How long before its end a capacity block is no longer used. EC2 begins to end its instances half
/// an hour before; until then they can be drained.
pub const EXPIRY_LEAD: Duration = Duration::from_mins(40);
/// The longest time until reservations are looked at again.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// The queries of a class' terms, each once.
pub fn queries(terms: &[CapacityReservationSelectorTerm]) -> Vec<ReservationQuery> {
    let mut queries = Vec::new();
    for term in terms {
        for query in [by_id(term), by_filters(term)].into_iter().flatten() {
            if !queries.contains(&query) {
                queries.push(query);
            }
        }
    }
    queries
}

fn by_id(term: &CapacityReservationSelectorTerm) -> Option<ReservationQuery> {
    (!term.id.is_empty()).then(|| ReservationQuery::Ids(vec![term.id.clone()]))
}

fn by_filters(term: &CapacityReservationSelectorTerm) -> Option<ReservationQuery> {
    let one = |name: &str, value: &str| (!value.is_empty()).then(|| Filter::new(name, [value]));
    let criteria = one("instance-match-criteria", &term.instance_match_criteria);
    if term.tags.is_empty() && criteria.is_none() {
        return None;
    }
    let mut filters: Vec<Filter> = one("owner-id", &term.owner_id).into_iter().collect();
    filters.extend(tag_filters(&term.tags));
    filters.extend(criteria);
    Some(ReservationQuery::Filters(filters))
}

/// Whether a reservation has ended.
pub fn has_ended(reservation: &Reservation, now: Timestamp) -> bool {
    reservation.ends.is_some_and(|end| end <= now)
}

/// A reservation that is of no use, since nobody knows what it means.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("capacity reservation {id} has an unknown {what} {value:?}")]
pub struct Unreadable {
    /// Its id.
    pub id: String,
    /// What of it is unknown.
    pub what: &'static str,
    /// Its value.
    pub value: String,
}

/// Reservations as a class' status has them, by id, and those that can't be read.
pub fn status(
    found: &[Reservation],
    now: Timestamp,
) -> (Vec<CapacityReservation>, Vec<Unreadable>) {
    let mut entries = Vec::new();
    let mut unreadable = Vec::new();
    for reservation in found {
        match entry(reservation, now) {
            Ok(entry) => entries.push(entry),
            Err(error) => unreadable.push(error),
        }
    }
    entries.sort_by(|one, other| one.id.cmp(&other.id));
    (entries, unreadable)
}

/// A reservation as a class' status has it.
pub fn entry(reservation: &Reservation, now: Timestamp) -> Result<CapacityReservation, Unreadable> {
    let unreadable = |what, value: &str| Unreadable {
        id: reservation.id.clone(),
        what,
        value: value.to_owned(),
    };
    let criteria = &reservation.instance_match_criteria;
    if !["open", "targeted"].contains(&criteria.as_str()) {
        return Err(unreadable("match criterion", criteria));
    }
    let kind = match reservation.reservation_type.as_deref() {
        None | Some("" | DEFAULT) => DEFAULT,
        Some(CAPACITY_BLOCK) => CAPACITY_BLOCK,
        Some(other) => return Err(unreadable("type", other)),
    };
    Ok(CapacityReservation {
        availability_zone: reservation.zone.clone(),
        end_time: reservation.ends,
        id: reservation.id.clone(),
        instance_match_criteria: criteria.clone(),
        instance_type: reservation.instance_type.clone(),
        interruptible: reservation.interruptible.unwrap_or(false),
        owner_id: reservation.owner_id.clone(),
        reservation_type: kind.to_owned(),
        state: state(kind, reservation.ends, now).to_owned(),
    })
}

/// Whether a reservation can be used: a capacity block only until shortly before its end.
pub fn state(kind: &str, ends: Option<Timestamp>, now: Timestamp) -> &'static str {
    let expiring = |end: Timestamp| now >= end.before(EXPIRY_LEAD);
    if kind == CAPACITY_BLOCK && ends.is_some_and(expiring) {
        EXPIRING
    } else {
        ACTIVE
    }
}

/// When the reservations of a class are looked at again: after a minute, or when the first of them
/// ends.
pub fn look_again(found: &[Reservation], now: Timestamp) -> Duration {
    let ends = found.iter().filter_map(|reservation| reservation.ends);
    ends.map(|end| end.since(now))
        .fold(LOOK_AGAIN, Duration::min)
}

#[cfg(test)]
mod tests;
