use CapacityType::{OnDemand, Spot};

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const SECOND: Duration = Duration::from_secs(1);
const ALMOST: Duration = Duration::from_secs(179);

fn wanted(capacity_type: CapacityType, zone: &str) -> Wanted<'_> {
    Wanted {
        capacity_type,
        zone,
        subnets: &[],
        group: None,
    }
}

fn group(id: &str, partition: Option<u32>) -> Group {
    Group {
        id: id.to_owned(),
        partition,
    }
}

#[test]
fn a_mark_is_about_one_type_zone_and_way_and_for_three_minutes() {
    let mut marks = Unavailable::new();
    marks.mark(Mark::offering(Spot, "m5.large", "a"), NOW);
    let is_out = |name: &str, how, zone, at| marks.is_unavailable(name, &wanted(how, zone), at);
    assert!(is_out("m5.large", Spot, "a", NOW));
    assert!(!is_out("m5.xlarge", Spot, "a", NOW));
    assert!(!is_out("m5.large", OnDemand, "a", NOW));
    assert!(!is_out("m5.large", Spot, "b", NOW));
    assert!(is_out("m5.large", Spot, "a", NOW + ALMOST));
    assert!(!is_out("m5.large", Spot, "a", NOW + TTL));
    assert_eq!(marks.next_end(), Some(NOW + TTL));
}

#[test]
fn what_is_marked_again_stays_so_for_longer() {
    let mut marks = Unavailable::new();
    marks.mark(Mark::CapacityType(Spot), NOW);
    marks.mark(Mark::CapacityType(Spot), NOW + 60 * SECOND);
    let late = NOW + TTL + 30 * SECOND;
    assert!(marks.is_unavailable("m5.large", &wanted(Spot, "a"), late));
    assert!(!marks.is_unavailable("m5.large", &wanted(OnDemand, "a"), late));
}

/// OFF-8: a zone is without addresses when all of its subnets are.
#[test]
fn a_zone_is_out_when_every_subnet_that_may_be_used_is() {
    let subnets = ["subnet-1", "subnet-2"].map(str::to_owned);
    let mut marks = Unavailable::new();
    let is_out = |marks: &Unavailable, subnets: &[String]| {
        let wanted = Wanted {
            subnets,
            ..wanted(OnDemand, "a")
        };
        marks.is_unavailable("m5.large", &wanted, NOW)
    };
    marks.mark(Mark::Subnet("subnet-1".to_owned()), NOW);
    assert!(!is_out(&marks, &subnets));
    assert!(is_out(&marks, &subnets[..1]));
    assert!(!is_out(&marks, &[]));
    marks.mark(Mark::Subnet("subnet-2".to_owned()), NOW);
    assert!(is_out(&marks, &subnets));
}

/// OFF-9: what changes is known by type for offerings, and for all types for the rest.
#[test]
fn sequence_numbers_tell_which_types_have_changed() {
    let mut marks = Unavailable::new();
    let numbers = |marks: &Unavailable| [marks.sequence("m5.large"), marks.sequence("t3.large")];
    let mark = Mark::offering(OnDemand, "m5.large", "a");
    assert_eq!(numbers(&marks), [0, 0]);
    marks.mark(mark.clone(), NOW);
    assert_eq!(numbers(&marks), [1, 0]);
    marks.mark(mark.clone(), NOW);
    assert_eq!(numbers(&marks), [2, 0]);
    marks.mark(Mark::Subnet("subnet-1".to_owned()), NOW);
    assert_eq!(numbers(&marks), [3, 1]);
    marks.mark(Mark::CapacityType(Spot), NOW);
    assert_eq!(numbers(&marks), [4, 2]);
    marks.unmark(&mark);
    assert_eq!(numbers(&marks), [5, 2]);
    marks.unmark(&mark);
    assert_eq!(numbers(&marks), [5, 2], "there was nothing to take away");
    marks.sweep(NOW + ALMOST);
    assert_eq!(numbers(&marks), [5, 2]);
    marks.sweep(NOW + TTL);
    assert_eq!(numbers(&marks), [7, 4]);
    assert_eq!((marks.changes(), marks.next_end()), (7, None));
}

#[test]
fn marks_of_a_placement_group_and_of_a_partition_hold_only_there() {
    let mut marks = Unavailable::new();
    let plain = Mark::offering(OnDemand, "m5.large", "a");
    let is_out = |marks: &Unavailable, group| {
        let wanted = Wanted {
            group,
            ..wanted(OnDemand, "a")
        };
        marks.is_unavailable("m5.large", &wanted, NOW)
    };
    let mark = plain.clone().within(Some(group("pg-1", Some(2))));
    marks.mark(mark, NOW);
    assert!(is_out(&marks, Some(("pg-1", Some(2)))));
    assert!(!is_out(&marks, Some(("pg-1", Some(1)))));
    assert!(!is_out(&marks, Some(("pg-1", None))));
    assert!(!is_out(&marks, None));
    marks.mark(plain.clone().within(Some(group("pg-1", None))), NOW);
    assert!(is_out(&marks, Some(("pg-1", Some(1)))));
    assert!(!is_out(&marks, Some(("pg-2", Some(1)))));
    assert!(!is_out(&marks, None));
    marks.mark(plain, NOW);
    assert!(is_out(&marks, Some(("pg-2", Some(1)))));
    assert!(is_out(&marks, None));
}
