use api::ec2nodeclass::CapacityReservationSelectorTerm;
use aws::ec2::Reservation;

use super::*;
use crate::fake::FakeReservation;

const CALL: Operation = Operation::DescribeCapacityReservations;
const OWNER: &str = "123456789012";
const OTHER: &str = "210987654321";

type Term = CapacityReservationSelectorTerm;

/// `cr-1` to `cr-4`: odd ones are open, the last two are another owner's.
async fn world() -> World {
    let world = World::new().await;
    world.fake.change(|state| {
        for number in 1..=4 {
            state.reservations.push(FakeReservation {
                reservation: Reservation {
                    id: format!("cr-{number}"),
                    owner_id: if number < 3 { OWNER } else { OTHER }.to_owned(),
                    instance_type: "m5.large".to_owned(),
                    zone: "test-zone-1a".to_owned(),
                    instance_match_criteria: match number % 2 {
                        0 => "targeted",
                        _ => "open",
                    }
                    .to_owned(),
                    available: 10,
                    ..Reservation::default()
                },
                tags: tags(&[("team", "a"), ("number", &number.to_string())]),
            });
        }
        state.reservations.reverse();
    });
    world
}

fn by_id(id: &str) -> Term {
    Term {
        id: id.to_owned(),
        ..Term::default()
    }
}

fn by_tags(with: &[(&str, &str)]) -> Term {
    Term {
        tags: tags(with),
        ..Term::default()
    }
}

/// Ids in the status of a class with these terms.
async fn select(world: &mut World, terms: &[Term]) -> Vec<String> {
    let terms = terms.to_vec();
    world.edit(|class| class.spec.capacity_reservation_selector_terms = terms);
    let outcome = world.discovery.find_reservations(&mut world.class).await;
    outcome.expect("an answer");
    ids(&world.class)
}

fn ids(class: &Ec2NodeClass) -> Vec<String> {
    let entries = class.status.capacity_reservations.iter();
    entries.map(|entry| entry.id.clone()).collect()
}

/// CR-1: the status lists what the terms select, by id.
#[tokio::test(start_paused = true)]
async fn reservations_are_found_by_id_tags_owner_and_criteria() {
    let mut world = world().await;
    let criteria = |criteria: &str| Term {
        instance_match_criteria: criteria.to_owned(),
        ..Term::default()
    };
    let owned = |term: Term| Term {
        owner_id: OTHER.to_owned(),
        ..term
    };
    let team = || by_tags(&[("team", "a")]);
    let everything = Term {
        tags: tags(&[("team", "*")]),
        ..owned(criteria("open"))
    };
    let cases: [(Vec<Term>, &[&str]); 8] = [
        (vec![by_id("cr-2")], &["cr-2"]),
        (vec![team()], &["cr-1", "cr-2", "cr-3", "cr-4"]),
        (vec![by_tags(&[("team", "a"), ("number", "3")])], &["cr-3"]),
        (vec![owned(team())], &["cr-3", "cr-4"]),
        (vec![criteria("open")], &["cr-1", "cr-3"]),
        (vec![criteria("targeted")], &["cr-2", "cr-4"]),
        (vec![everything], &["cr-3"]),
        (
            vec![by_id("cr-4"), by_id("cr-none"), criteria("open")],
            &["cr-1", "cr-3", "cr-4"],
        ),
    ];
    for (terms, expected) in cases {
        assert_eq!(select(&mut world, &terms).await, expected, "{terms:?}");
        assert!(
            world
                .class
                .status
                .conditions
                .iter()
                .any(|it| { it.r#type == aws::class::CAPACITY_RESERVATIONS_READY && it.is_true() })
        );
    }
}

/// CR-2: what has ended is left out, also of what is remembered.
#[tokio::test(start_paused = true)]
async fn what_has_ended_is_left_out() {
    let mut world = world().await;
    let now = world.clock.now();
    world.fake.change(|state| {
        for one in &mut state.reservations {
            match one.reservation.id.as_str() {
                "cr-1" => one.reservation.ends = Some(now.before(MINUTE)),
                "cr-2" => one.reservation.ends = Some(now + MINUTE / 2),
                _ => {}
            }
        }
    });
    let found = select(&mut world, &[by_tags(&[("team", "a")])]).await;
    assert_eq!(found, ["cr-2", "cr-3", "cr-4"]);
    world.pass(MINUTE / 2).await;
    let again = world.discovery.find_reservations(&mut world.class).await;
    assert_eq!(again, Ok(MINUTE));
    assert_eq!(ids(&world.class), ["cr-3", "cr-4"]);
    assert_eq!(world.fake.count(CALL), 1);
}

/// CR-3: what does not say so is not interruptible; what does is listed as such.
#[tokio::test(start_paused = true)]
async fn interruptible_reservations_are_listed_as_such() {
    let mut world = world().await;
    world
        .fake
        .change(|state| state.reservations[3].reservation.interruptible = Some(true));
    select(&mut world, &[by_id("cr-1"), by_id("cr-2")]).await;
    let entries = &world.class.status.capacity_reservations;
    let interruptible: Vec<bool> = entries.iter().map(|entry| entry.interruptible).collect();
    assert_eq!(interruptible, [true, false]);
}

/// CR-7: without the gate reservations are not looked for, and the class does not wait for them;
/// with it none need be found.
#[tokio::test(start_paused = true)]
async fn the_gate_decides_whether_reservations_are_looked_for() {
    let mut world = world().await;
    let has = |class: &Ec2NodeClass| {
        let found = aws::class::CAPACITY_RESERVATIONS_READY;
        let mut conditions = class.status.conditions.iter();
        conditions
            .find(|it| it.r#type == found)
            .map(|it| it.status.clone())
    };
    world.edit(|class| class.spec.capacity_reservation_selector_terms = vec![by_id("cr-1")]);
    world.discovery.reserved = Reserved::Ignored;
    world.discovery.reconcile(&mut world.class).await;
    assert_eq!(world.fake.count(CALL), 0);
    assert_eq!(has(&world.class), None);
    assert_eq!(ids(&world.class), [""; 0]);
    world.discovery.reserved = Reserved::Used;
    world.discovery.reconcile(&mut world.class).await;
    assert_eq!(ids(&world.class), ["cr-1"]);
    world.edit(|class| class.spec.capacity_reservation_selector_terms = vec![by_id("cr-none")]);
    world.discovery.reconcile(&mut world.class).await;
    assert_eq!(ids(&world.class), [""; 0]);
    assert_eq!(has(&world.class).as_deref(), Some("True"));
}

/// CR-8: room is what EC2 said last, less launches, plus what was ended.
#[tokio::test(start_paused = true)]
async fn room_follows_launches_and_ends() {
    let mut world = world().await;
    let reservations = world.discovery.reservations.clone();
    assert_eq!(reservations.available("cr-1"), 0);
    select(&mut world, &[by_id("cr-1"), by_id("cr-2")]).await;
    assert_eq!(reservations.available("cr-1"), 10);
    reservations.launched("cr-1", world.clock.now());
    assert_eq!(reservations.available("cr-1"), 9);
    reservations.terminated("cr-1");
    reservations.terminated("cr-1");
    assert_eq!(reservations.available("cr-1"), 11);
    reservations.unavailable(["cr-1", "cr-unknown"]);
    assert_eq!(reservations.available("cr-1"), 0);
    assert_eq!(reservations.available("cr-2"), 10);
    for unknown in [0, 1] {
        assert_eq!(reservations.available("cr-unknown"), 0, "{unknown}");
        reservations.launched("cr-unknown", world.clock.now());
        reservations.terminated("cr-unknown");
    }
    world.pass(MINUTE).await;
    select(&mut world, &[by_id("cr-1")]).await;
    assert_eq!(reservations.available("cr-1"), 10);
}

#[tokio::test(start_paused = true)]
async fn classes_that_ask_the_same_share_the_answer() {
    let mut world = world().await;
    select(&mut world, &[by_id("cr-1"), by_tags(&[("team", "a")])]).await;
    assert_eq!(world.fake.count(CALL), 2);
    world.class.metadata.uid = "another".to_owned();
    select(&mut world, &[by_tags(&[("team", "a")])]).await;
    assert_eq!(world.fake.count(CALL), 2);
    let wanted = ["cr-2".to_owned()];
    let one = || world.discovery.reservations.by_id(&wanted);
    assert_eq!(one().await.expect("one").len(), 1);
    assert_eq!(one().await.expect("one").len(), 1);
    assert_eq!(world.fake.count(CALL), 4, "by id EC2 is asked each time");
}

#[tokio::test(start_paused = true)]
async fn other_failures_are_told_and_leave_the_status() {
    let mut world = world().await;
    select(&mut world, &[by_id("cr-1")]).await;
    world.pass(MINUTE).await;
    world.fake.fail(throttled(CALL), 1);
    let outcome = world.discovery.find_reservations(&mut world.class).await;
    assert_eq!(outcome, Err(DiscoveryError::Reservations(throttled(CALL))));
    assert_eq!(ids(&world.class), ["cr-1"]);
}
