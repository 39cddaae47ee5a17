//! Templates of launches.

use std::sync::Arc;

use aws::ec2::{Reservation, ReservationPreference, ReservationTarget};
use aws::{Failure, Operation, Tags, instance};
use model::Quantity;

use super::super::LaunchError;
use super::fixture::{World, claim, reserved};
use crate::fake::FakeReservation;

const CREATE: Operation = Operation::CreateLaunchTemplate;

/// LT-1: same constraints twice / one template.
#[tokio::test(start_paused = true)]
async fn equal_launches_share_their_templates() {
    let world = World::new();
    let (one, two) = (claim(1, &["on-demand"]), claim(2, &["on-demand"]));
    world.launch(&one).await.expect("an instance");
    let made = world.fake.count(CREATE);
    assert_eq!(made, 2, "one for each number of pods");
    world.launch(&two).await.expect("an instance");
    assert_eq!(world.fake.count(CREATE), made);
}

/// LT-2: template deleted behind the cache, CreateFleet says name not found / cache invalidated,
/// re-created, launch succeeds.
#[tokio::test(start_paused = true)]
async fn a_template_that_somebody_deleted_is_made_again() {
    let world = World::new();
    let how: &[&str] = &["on-demand"];
    world.launch(&claim(1, how)).await.expect("an instance");
    world.fake.change(|state| state.templates.clear());
    world.launch(&claim(2, how)).await.expect("an instance");
    assert_eq!(world.fake.count(CREATE), 4);
    assert_eq!(world.fleets().len(), 3, "one of them in vain");
    // It is tried once more, not for ever.
    let code = "InvalidLaunchTemplateName.NotFoundException";
    let gone = Failure::new(Operation::CreateFleet, code, "gone");
    world.fake.fail(gone, 10);
    let error = world.launch(&claim(3, how)).await.expect_err("gone");
    assert!(matches!(error, LaunchError::Create { .. }), "{error:?}");
    assert_eq!(world.fleets().len(), 5);
    let left = ["subnet-test1", "subnet-test2", "subnet-test3"].map(|id| world.left(id));
    assert_eq!(left.iter().sum::<i64>(), 300 - 2 * 29, "two have come");
}

/// AMI-16
#[tokio::test(start_paused = true)]
async fn enclaves_are_for_claims_that_ask_for_them() {
    for (resource, expected) in [
        ("eks.amazonaws.com/nitro-sandbox", true),
        ("nvidia.com/gpu", false),
        ("", false),
    ] {
        let mut world = World::new();
        let mut claim = claim(1, &["on-demand"]);
        let requests = &mut claim.spec.resources.requests;
        requests.insert("cpu".to_owned(), Quantity::from_units(1));
        if !resource.is_empty() {
            let amount = Quantity::from_units(1);
            requests.insert(resource.to_owned(), amount);
            for one in &mut world.types {
                let one = Arc::make_mut(one);
                one.capacity.insert(resource.to_owned(), amount);
            }
        }
        world.launch(&claim).await.expect("an instance");
        let instances = world.instances();
        let made = instances.values().map(|template| template.data.enclave);
        assert_eq!(made.collect::<Vec<bool>>(), [expected], "{resource}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_template_that_can_not_be_made_is_no_launch() {
    let world = World::new();
    let denied = Failure::new(CREATE, "UnauthorizedOperation", "no");
    world.fake.fail(denied, 1);
    let error = world.launch(&claim(1, &["spot"])).await;
    let LaunchError::Create { reason, message } = error.expect_err("no template") else {
        panic!("another error");
    };
    assert_eq!(reason, "Unauthorized");
    let start = "Error getting launch template configs: User is not authorized";
    assert!(message.starts_with(start), "{message}");
    assert_eq!(world.left("subnet-test1"), 100);
}

/// LT-24: kubeReserved, systemReserved and maxPods expressions / node gets the value the scheduler
/// reserved.
///
/// (Values are resolved for each type; here: its pods.)
#[tokio::test(start_paused = true)]
async fn a_node_is_told_what_was_planned_for_its_type() {
    let mut world = World::new();
    let types = world.types.clone();
    for (number, pods) in [29, 58].into_iter().enumerate() {
        world.types = vec![types[number].clone()];
        let launched = world.launch(&claim(number, &["on-demand"])).await;
        let id = launched.expect("an instance").instance.id;
        let template = &world.instances()[&id];
        let told = format!("{pods} pods");
        assert!(template.data.user_data.starts_with(&told), "{template:?}");
    }
}

/// A world whose first type has room in two reservations, and nothing else.
fn with_reservations() -> World {
    let mut world = World::new();
    let mut machine = (*world.types[0]).clone();
    machine.offerings.push(reserved("test-zone-1a", "cr-1", 2));
    machine.offerings.push(reserved("test-zone-1b", "cr-2", 5));
    world.types = vec![Arc::new(machine)];
    for (id, room) in [("cr-1", 2), ("cr-2", 5)] {
        let reservation = Reservation {
            id: id.to_owned(),
            available: room,
            ..Reservation::default()
        };
        let tags = Tags::new();
        let there = FakeReservation { reservation, tags };
        world.fake.change(|state| state.reservations.push(there));
        let mut known = world.lessons.room.lock().expect("a lock");
        known.told(id, room, world.clock.now());
    }
    world
}

/// CR-9: NodeClass with default reservation / launch / one launch template per reservation id,
/// preference reservations-only with target id.
///
/// CR-12: launch reserved / availability decremented; delete returns not found / incremented.
#[tokio::test(start_paused = true)]
async fn a_launch_into_a_reservation_has_its_template_and_takes_its_room() {
    let world = with_reservations();
    let claim = claim(1, &["reserved", "on-demand"]);
    let launched = world.launch(&claim).await.expect("an instance");
    let targets: Vec<ReservationTarget> = world.fake.change(|state| {
        let templates = state.templates.values();
        let targets = templates.filter_map(|(_, template)| template.data.reservation.clone());
        targets.collect()
    });
    let only = |one: &ReservationTarget| one.preference == ReservationPreference::Only;
    assert!(
        targets.len() == 2 && targets.iter().all(only),
        "{targets:?}"
    );
    let used = instance::reserved(&launched.instance).expect("a reservation");
    let used = used.id.to_owned();
    let available = |id: &str| {
        let known = world.lessons.room.lock().expect("a lock");
        known.available(id, world.clock.now())
    };
    let before = if used == "cr-1" { 2 } else { 5 };
    assert_eq!(available(&used), before - 1);
    world.lessons.room.lock().expect("a lock").terminated(&used);
    assert_eq!(available(&used), before);
}

/// CR-14: all reserved pools exhausted / ICE error, reservations set to 0.
#[tokio::test(start_paused = true)]
async fn reservations_without_room_are_not_asked_again() {
    let world = with_reservations();
    world.fake.change(|state| {
        for one in &mut state.reservations {
            one.reservation.available = 0;
        }
    });
    let error = world.launch(&claim(1, &["reserved"])).await;
    let error = error.expect_err("no room");
    assert!(
        matches!(error, LaunchError::InsufficientCapacity(_)),
        "{error:?}"
    );
    let known = world.lessons.room.lock().expect("a lock");
    let now = world.clock.now();
    assert_eq!(
        (known.available("cr-1", now), known.available("cr-2", now)),
        (0, 0)
    );
}
