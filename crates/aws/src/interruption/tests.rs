use super::*;

fn claim() -> NodeClaim {
    let mut claim = NodeClaim::default();
    for (key, value) in [
        (labels::INSTANCE_TYPE, "m5.large"),
        (labels::ZONE, "us-west-2a"),
        (labels::CAPACITY_TYPE, "spot"),
        (labels::CAPACITY_RESERVATION_ID, "cr-1"),
    ] {
        claim
            .metadata
            .labels
            .insert(key.to_owned(), value.to_owned());
    }
    claim
}

const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

fn step(kind: Kind) -> Step {
    decide(kind, &claim(), OnRebalance::Ignore, NOW)
}

#[test]
fn each_kind_has_its_action_and_its_event() {
    use Kind::{
        CapacityReservationInterrupted, EventStatus, InstanceStatus, InstanceStopped,
        InstanceTerminated, NoOp, RebalanceRecommendation, ScheduledChange, SpotInterrupted,
        SystemStatus,
    };
    let forced = Fate::Forced {
        deadline: Some(NOW),
        delete: true,
    };
    for (kind, fate, reason) in [
        (SpotInterrupted, Fate::Deleted, "SpotInterrupted"),
        (
            CapacityReservationInterrupted,
            Fate::Deleted,
            "CapacityReservationInstanceInterrupted",
        ),
        (ScheduledChange, Fate::Deleted, "InstanceUnhealthy"),
        (EventStatus, Fate::Deleted, "InstanceUnhealthy"),
        (InstanceStatus, forced, "InstanceUnhealthy"),
        (SystemStatus, forced, "InstanceUnhealthy"),
        (InstanceStopped, Fate::Deleted, "InstanceStopping"),
        (InstanceTerminated, Fate::Deleted, "InstanceTerminating"),
        (
            RebalanceRecommendation,
            Fate::Stays,
            "SpotRebalanceRecommendation",
        ),
        (NoOp, Fate::Stays, ""),
    ] {
        let step = step(kind);
        assert_eq!(step.fate, fate, "{kind:?}");
        assert_eq!(step.news.map_or("", |news| news.reason), reason, "{kind:?}");
    }
}

/// INT-5, OFF-14: the offering of a spot instance that is taken away can't be had, nor what is left
/// of its reservation.
#[test]
fn what_is_taken_away_cannot_be_had() {
    let spot = Taken::Spot {
        instance_type: "m5.large".to_owned(),
        zone: "us-west-2a".to_owned(),
    };
    let reservation = Taken::Reservation {
        id: "cr-1".to_owned(),
    };
    for kind in Kind::ALL {
        let expected = match kind {
            Kind::SpotInterrupted => Some(spot.clone()),
            Kind::CapacityReservationInterrupted => Some(reservation.clone()),
            _ => None,
        };
        assert_eq!(step(kind).taken, expected, "{kind:?}");
    }
    let unknown = NodeClaim::default();
    let step = decide(Kind::SpotInterrupted, &unknown, OnRebalance::Ignore, NOW);
    assert_eq!((step.taken, step.fate), (None, Fate::Deleted));
}

/// INT-3: a claim that is being deleted is left alone.
#[test]
fn a_claim_that_goes_is_not_deleted_again() {
    let mut claim = claim();
    claim.metadata.deletion_timestamp = Some(NOW);
    let fate = |claim: &NodeClaim, kind| decide(kind, claim, OnRebalance::Replace, NOW).fate;
    assert_eq!(fate(&claim, Kind::SpotInterrupted), Fate::Stays);
    assert_eq!(fate(&claim, Kind::RebalanceRecommendation), Fate::Stays);
    let deadline = Some(NOW);
    let hurried = Fate::Forced {
        deadline,
        delete: false,
    };
    assert_eq!(fate(&claim, Kind::SystemStatus), hurried);
    let annotations = &mut claim.metadata.annotations;
    annotations.insert(labels::TERMINATION_TIMESTAMP.to_owned(), "x".to_owned());
    assert_eq!(fate(&claim, Kind::SystemStatus), Fate::Stays);
}

/// IS-3: a deadline that a claim has stays.
#[test]
fn a_deadline_is_not_written_twice() {
    let mut claim = claim();
    let annotations = &mut claim.metadata.annotations;
    annotations.insert(labels::TERMINATION_TIMESTAMP.to_owned(), "x".to_owned());
    let step = decide(Kind::InstanceStatus, &claim, OnRebalance::Ignore, NOW);
    let forced = Fate::Forced {
        deadline: None,
        delete: true,
    };
    assert_eq!(step.fate, forced);
}

#[test]
fn a_recommendation_marks_a_claim_once_where_that_is_wanted() {
    let mut claim = claim();
    let kind = Kind::RebalanceRecommendation;
    let step = decide(kind, &claim, OnRebalance::Replace, NOW);
    assert_eq!(step.fate, Fate::Marked);
    assert!(step.taken.is_some(), "the new one is better elsewhere");
    let annotations = &mut claim.metadata.annotations;
    annotations.insert(labels::REPLACE.to_owned(), "x".to_owned());
    let step = decide(kind, &claim, OnRebalance::Replace, NOW);
    assert_eq!(step.fate, Fate::Stays);
}
