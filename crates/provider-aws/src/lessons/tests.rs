use std::collections::BTreeSet;

use aws::ec2::{Instance, Reservation};
use aws::unavailable::{Mark, Wanted};
use catalog::CapacityType;

use super::*;
use crate::fake::FakeReservation;
use crate::launch::Lessons as _;
use crate::testing::{Cloud, instance};

/// Lessons of an account with a reservation `cr-1` for two instances.
async fn lessons(cloud: &Cloud) -> Lessons {
    let reservation = Reservation {
        id: "cr-1".to_owned(),
        available: 2,
        ..Reservation::default()
    };
    cloud.fake.change(|state| {
        state.reservations.push(FakeReservation {
            reservation,
            ..FakeReservation::default()
        });
    });
    let clock = cloud.kube.clock.clone();
    let reservations = Reservations::new(cloud.fake.calls().ec2, clock.clone());
    let known = reservations.by_id(&["cr-1".to_owned()]).await;
    assert_eq!(known.expect("an answer").len(), 1);
    Lessons {
        recorder: cloud.kube.recorder.clone(),
        unavailable: Arc::new(UnavailableOfferings::new(clock.clone())),
        reservations: Arc::new(reservations),
        clock,
    }
}

fn is_marked(lessons: &Lessons, zone: &str) -> bool {
    let wanted = Wanted {
        capacity_type: CapacityType::Spot,
        zone,
        subnets: &[],
        group: None,
    };
    lessons
        .unavailable
        .with(|marks, now| marks.is_unavailable("m5.large", &wanted, now))
}

/// An instance of the reservation that was launched at some time.
fn reserved(at: Option<model::Timestamp>) -> Launched {
    let instance = Instance {
        reservation_preference: Some("capacity-reservations-only".to_owned()),
        reservation_id: Some("cr-1".to_owned()),
        launched: at,
        ..instance("i-1")
    };
    Launched {
        instance,
        has_partitions: false,
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_had_is_not_offered_for_a_while() {
    let cloud = Cloud::new().await;
    let lessons = lessons(&cloud).await;
    let mark = Mark::offering(CapacityType::Spot, "m5.large", "test-zone-1a");
    let effects = Effects {
        marks: BTreeSet::from([mark]),
        emptied: BTreeSet::from(["cr-1".to_owned()]),
        ..Effects::default()
    };
    assert_eq!(lessons.reservations.available("cr-1"), 2);
    lessons.learn(&effects, "fleet-1");
    assert!(is_marked(&lessons, "test-zone-1a"));
    assert!(!is_marked(&lessons, "test-zone-1b"));
    assert_eq!(lessons.reservations.available("cr-1"), 0);
    cloud.pass(181).await;
    assert!(!is_marked(&lessons, "test-zone-1a"));
}

/// An instance that EC2 has counted since is not counted again.
#[tokio::test(start_paused = true)]
async fn a_launch_into_a_reservation_takes_its_room() {
    let cloud = Cloud::new().await;
    let lessons = lessons(&cloud).await;
    let before = cloud
        .kube
        .clock
        .now()
        .before(std::time::Duration::from_mins(1));
    lessons.launched(&reserved(Some(before)));
    assert_eq!(lessons.reservations.available("cr-1"), 2);
    lessons.launched(&reserved(Some(cloud.kube.clock.now())));
    assert_eq!(lessons.reservations.available("cr-1"), 1);
    lessons.launched(&reserved(None));
    assert_eq!(lessons.reservations.available("cr-1"), 0);
    let plain = Launched {
        instance: instance("i-2"),
        has_partitions: false,
    };
    lessons.launched(&plain);
    assert_eq!(lessons.reservations.available("cr-1"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_claim_says_that_the_role_for_spot_is_missing() {
    let cloud = Cloud::new().await;
    let lessons = lessons(&cloud).await;
    lessons.spot_role_missing(&crate::testing::rig::claim());
    cloud.kube.settle().await;
    let told = ["NodeClaim/default-1 SpotServiceLinkedRoleMissing"];
    assert_eq!(cloud.kube.told(), told);
}
