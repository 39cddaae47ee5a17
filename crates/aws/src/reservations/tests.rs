use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const MINUTE: Duration = Duration::from_mins(1);

fn reservation(id: &str, kind: Option<&str>, left: Option<Duration>) -> Reservation {
    Reservation {
        id: id.to_owned(),
        owner_id: "123456789012".to_owned(),
        instance_type: "m5.large".to_owned(),
        zone: "us-west-2a".to_owned(),
        instance_match_criteria: "targeted".to_owned(),
        reservation_type: kind.map(str::to_owned),
        ends: left.map(|left| NOW + left),
        ..Reservation::default()
    }
}

fn term() -> CapacityReservationSelectorTerm {
    CapacityReservationSelectorTerm::default()
}

#[test]
fn each_term_is_a_query() {
    let by_id = CapacityReservationSelectorTerm {
        id: "cr-1".to_owned(),
        ..term()
    };
    let everything = CapacityReservationSelectorTerm {
        tags: [("a", "*"), ("b", "c")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        owner_id: "123456789012".to_owned(),
        instance_match_criteria: "open".to_owned(),
        ..term()
    };
    let owner_alone = CapacityReservationSelectorTerm {
        owner_id: "123456789012".to_owned(),
        ..term()
    };
    let filters = vec![
        Filter::new("owner-id", ["123456789012"]),
        Filter::new("tag-key", ["a"]),
        Filter::new("tag:b", ["c"]),
        Filter::new("instance-match-criteria", ["open"]),
    ];
    let expected = [
        ReservationQuery::Ids(vec!["cr-1".to_owned()]),
        ReservationQuery::Filters(filters),
    ];
    let terms = [by_id.clone(), everything, owner_alone, by_id];
    assert_eq!(queries(&terms), expected);
    assert_eq!(queries(&[]), []);
}

/// CR-3: what EC2 leaves open is not interruptible.
#[test]
fn a_reservation_that_does_not_say_so_is_not_interruptible() {
    let mut found = reservation("cr-1", None, None);
    let status = entry(&found, NOW).expect("readable");
    assert!(!status.interruptible);
    assert_eq!(status.reservation_type, "default");
    found.interruptible = Some(true);
    assert!(entry(&found, NOW).expect("readable").interruptible);
}

/// CR-4: a capacity block expires forty minutes before its end.
#[test]
fn a_capacity_block_expires_forty_minutes_before_its_end() {
    let state = |minutes: u32| {
        let block = reservation("cr-1", Some("capacity-block"), Some(MINUTE * minutes));
        entry(&block, NOW).expect("readable").state
    };
    assert_eq!(state(41), "active");
    assert_eq!(state(40), "expiring");
    let endless = reservation("cr-1", Some("capacity-block"), None);
    assert_eq!(entry(&endless, NOW).expect("readable").state, "active");
}

/// CR-5: an ordinary reservation can be used to its end.
#[test]
fn an_ordinary_reservation_is_active_to_its_end() {
    for kind in [None, Some(""), Some("default")] {
        let ending = reservation("cr-1", kind, Some(MINUTE));
        assert_eq!(entry(&ending, NOW).expect("readable").state, "active");
    }
}

/// CR-6: reservations are looked at again when the first of them ends, or after a minute.
#[test]
fn reservations_are_looked_at_again_when_one_ends() {
    let seconds = Duration::from_secs;
    for (left, again) in [
        (Some(seconds(30)), seconds(30)),
        (Some(seconds(300)), MINUTE),
        (None, MINUTE),
    ] {
        let found = [
            reservation("cr-1", None, None),
            reservation("cr-2", None, left),
        ];
        assert_eq!(look_again(&found, NOW), again, "{left:?}");
    }
    let mut past = reservation("cr-1", None, None);
    past.ends = Some(NOW.before(MINUTE));
    assert_eq!(look_again(&[past.clone()], NOW), Duration::ZERO);
    assert!(has_ended(&past, NOW));
}

#[test]
fn what_cannot_be_read_is_left_out_and_the_rest_is_kept() {
    let mut odd = reservation("cr-0", None, None);
    odd.instance_match_criteria = "closed".to_owned();
    let found = [
        reservation("cr-3", Some("default"), None),
        odd,
        reservation("cr-2", Some("capacity-block"), None),
        reservation("cr-1", Some("future"), None),
    ];
    let (entries, unreadable) = status(&found, NOW);
    let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["cr-2", "cr-3"]);
    let texts: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
    let expected = [
        "capacity reservation cr-0 has an unknown match criterion \"closed\"",
        "capacity reservation cr-1 has an unknown type \"future\"",
    ];
    assert_eq!(texts, expected);
}

#[test]
fn room_is_what_was_told_less_what_was_launched_since() {
    let mut room = Availability::default();
    room.told("cr-1", 10, NOW);
    assert_eq!(room.available("cr-1", NOW), 10);
    room.launched("cr-1", NOW);
    assert_eq!(room.available("cr-1", NOW), 9);
    room.terminated("cr-1");
    room.terminated("cr-1");
    assert_eq!(room.available("cr-1", NOW), 11);
    room.unavailable(["cr-1", "cr-unknown"]);
    assert_eq!(room.available("cr-1", NOW), 0);
    room.launched("cr-1", NOW);
    assert_eq!(room.available("cr-1", NOW), 0);
    room.launched("cr-unknown", NOW);
    room.terminated("cr-unknown");
    assert_eq!(room.available("cr-unknown", NOW), 0);
}

#[test]
fn a_launch_that_was_counted_by_ec2_is_not_counted_again() {
    let mut room = Availability::default();
    room.told("cr-1", 10, NOW + MINUTE);
    room.launched("cr-1", NOW);
    assert_eq!(room.available("cr-1", NOW + MINUTE), 10);
    room.launched("cr-1", NOW + MINUTE * 2);
    assert_eq!(room.available("cr-1", NOW + MINUTE * 2), 9);
}

#[test]
fn room_that_was_told_a_day_ago_is_not_known() {
    let mut room = Availability::default();
    room.told("cr-1", 10, NOW);
    let later = NOW + Duration::from_hours(24);
    assert_eq!(room.available("cr-1", later.before(MINUTE)), 10);
    assert_eq!(room.available("cr-1", later), 0);
    room.sweep(later);
    assert_eq!(room, Availability::default());
}
