//! Zonal shift: zones that nothing is to be started in for a while.
//!
//! What is *not* here: the call, and what it means to offerings and instances.

use std::collections::{BTreeMap, BTreeSet};

use api::ec2nodeclass::Subnet;
use api::labels::{AWS_ZONE_ID, ZONE};
use model::Timestamp;
use requirements::Requirements;

/// A shift away from a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Id of the zone.
    pub zone_id: String,
    /// When it ends.
    pub expires: Timestamp,
    /// Whether it is in effect.
    pub applied: bool,
}

/// The shifts that are in effect, as they were told last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shifts(BTreeMap<String, Timestamp>);

impl Shifts {
    /// These and no others: one that is not told any more has been cancelled. Of several for a zone
    /// the longest counts.
    pub fn of(told: impl IntoIterator<Item = Shift>) -> Self {
        let mut shifts: BTreeMap<String, Timestamp> = BTreeMap::new();
        for shift in told.into_iter().filter(|shift| shift.applied) {
            let until = shifts.entry(shift.zone_id).or_insert(shift.expires);
            *until = (*until).max(shift.expires);
        }
        Self(shifts)
    }

    /// Whether a zone is led away from.
    pub fn is_shifted(&self, zone_id: &str, now: Timestamp) -> bool {
        self.0.get(zone_id).is_some_and(|until| *until > now)
    }

    /// Ids of the zones that are led away from.
    pub fn zones(&self, now: Timestamp) -> BTreeSet<String> {
        let shifted = self.0.iter().filter(|(_, until)| **until > now);
        shifted.map(|(zone, _)| zone.clone()).collect()
    }
}

/// Name of the zone, if a pool can have nodes there: its class has a subnet in it, and its
/// requirements allow it.
pub fn concerned<'s>(
    requirements: &Requirements,
    subnets: &'s [Subnet],
    zone_id: &str,
) -> Option<&'s str> {
    let subnet = subnets.iter().find(|subnet| subnet.zone_id == zone_id)?;
    let allows = |key: &str, value: &str| requirements.get(key).is_none_or(|it| it.has(value));
    let allowed = allows(ZONE, &subnet.zone) && allows(AWS_ZONE_ID, zone_id);
    allowed.then_some(subnet.zone.as_str())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use requirements::Requirement;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

    fn shift(zone_id: &str, seconds: u64, applied: bool) -> Shift {
        Shift {
            zone_id: zone_id.to_owned(),
            expires: NOW + Duration::from_secs(seconds),
            applied,
        }
    }

    #[test]
    fn a_shift_counts_while_it_is_applied_and_lasts() {
        let told = [
            shift("a", 60, true),
            shift("b", 60, false),
            shift("c", 0, true),
        ];
        let shifts = Shifts::of(told);
        assert_eq!(shifts.zones(NOW), BTreeSet::from(["a".to_owned()]));
        assert!(shifts.is_shifted("a", NOW) && !shifts.is_shifted("b", NOW));
        let later = NOW + Duration::from_mins(1);
        assert!(!shifts.is_shifted("a", later));
    }

    #[test]
    fn of_several_shifts_of_a_zone_the_longest_counts() {
        let told = [
            shift("a", 10, true),
            shift("a", 90, true),
            shift("a", 50, true),
        ];
        let shifts = Shifts::of(told);
        assert!(shifts.is_shifted("a", NOW + Duration::from_secs(89)));
    }

    #[test]
    fn a_shift_that_is_cancelled_beside_another_does_not_linger() {
        let both = Shifts::of([shift("a", 600, true), shift("b", 600, true)]);
        assert!(both.is_shifted("a", NOW));
        let one = Shifts::of([shift("b", 600, true)]);
        assert!(!one.is_shifted("a", NOW) && one.is_shifted("b", NOW));
    }

    /// ZS-1: pools that can use the zone are concerned, and no others.
    #[test]
    fn pools_that_can_use_a_zone_are_concerned() {
        let subnet = Subnet {
            id: "subnet-1".to_owned(),
            zone: "us-west-2a".to_owned(),
            zone_id: "usw2-az1".to_owned(),
        };
        let subnets = [subnet];
        let of = |requirement: Requirement| -> Requirements { [requirement].into_iter().collect() };
        let other = Requirement::single(ZONE, "us-west-2b");
        for (requirements, zone, expected) in [
            (Requirements::default(), "usw2-az1", Some("us-west-2a")),
            (Requirements::default(), "usw2-az2", None),
            (
                of(Requirement::any_of(ZONE, ["us-west-2b", "us-west-2a"])),
                "usw2-az1",
                Some("us-west-2a"),
            ),
            (of(other), "usw2-az1", None),
            (
                of(Requirement::single(AWS_ZONE_ID, "usw2-az2")),
                "usw2-az1",
                None,
            ),
        ] {
            assert_eq!(concerned(&requirements, &subnets, zone), expected);
        }
    }
}
