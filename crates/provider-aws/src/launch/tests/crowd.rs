//! Many launches at once: how many calls they make.

use std::time::Duration;

use aws::{Failure, Operation};
use futures::future::join_all;

use super::fixture::{World, claim};
use crate::limits::{BURST, LONGEST_WAIT, RATE};

const LAUNCHES: usize = 1_000;

/// Claims of so many kinds; nothing can be launched for two kinds together.
fn crowd(kinds: usize) -> Vec<api::NodeClaim> {
    let of = |at: usize| {
        let mut claim = claim(at, &["on-demand"]);
        // Taints are in the user data, so each kind has templates of its own.
        claim.spec.taints = vec![model::k8s::Taint {
            key: "kind".to_owned(),
            value: Some((at % kinds).to_string()),
            ..model::k8s::Taint::default()
        }];
        claim
    };
    (0..LAUNCHES).map(of).collect()
}

/// Runs all of them, and returns calls of CreateFleet, of CreateLaunchTemplate, and the time.
async fn run(world: &World, claims: &[api::NodeClaim]) -> (usize, usize, Duration) {
    let started = world.clock.now();
    let results = join_all(claims.iter().map(|claim| world.launch(claim))).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(world.instances().len(), LAUNCHES);
    let asked: u32 = world.fleets().iter().map(|fleet| fleet.capacity).sum();
    assert_eq!(asked as usize, LAUNCHES, "each claim is asked for once");
    let count = |operation| world.fake.count(operation);
    let took = world.clock.now().since(started);
    (
        count(Operation::CreateFleet),
        count(Operation::CreateLaunchTemplate),
        took,
    )
}

/// The figures are in `docs/performance.md`.
#[tokio::test(start_paused = true)]
async fn a_thousand_equal_launches_are_one_fleet() {
    let world = World::new();
    let (fleets, templates, took) = run(&world, &crowd(1)).await;
    assert_eq!((fleets, templates), (1, 2));
    assert_eq!(took, Duration::ZERO, "a full batch does not wait for more");
}

/// The figures are in `docs/performance.md`.
#[tokio::test(start_paused = true)]
async fn a_thousand_launches_of_many_kinds_stay_within_the_limits_of_ec2() {
    let world = World::new();
    let kinds = 200;
    let (fleets, templates, took) = run(&world, &crowd(kinds)).await;
    assert_eq!((fleets, templates), (kinds, 2 * kinds));
    let seconds = took.as_secs_f64();
    let made = templates as f64;
    let allowed = f64::from(BURST) + RATE * seconds;
    assert!(made <= allowed + 1.0, "{made} in {took:?}");
    let needed = (made - f64::from(BURST)) / RATE;
    assert!(
        seconds <= needed + 2.0,
        "{took:?}, and no slower than it must"
    );
}

#[tokio::test(start_paused = true)]
async fn a_launch_whose_templates_are_there_does_not_wait_for_those_of_others() {
    let world = World::new();
    let claims = crowd(100);
    world.launch(&claims[0]).await.expect("an instance");
    let started = world.clock.now();
    let others = join_all(claims[1..100].iter().map(|claim| world.launch(claim)));
    let same_kind = async {
        let launched = world.launch(&claims[100]).await;
        launched.map(|_| world.clock.now().since(started))
    };
    let (others, waited) = tokio::join!(others, same_kind);
    assert!(others.iter().all(Result::is_ok));
    assert!(world.clock.now().since(started) > Duration::from_secs(20));
    let waited = waited.expect("an instance");
    assert!(waited < Duration::from_secs(2), "{waited:?}");
}

/// However often EC2 refuses, all are launched in the end by asking again, and no faster than it
/// wants.
#[tokio::test(start_paused = true)]
async fn a_crowd_that_is_refused_comes_slowly() {
    let world = World::new();
    let claims = crowd(1);
    let refusals = 8;
    let code = "RequestLimitExceeded";
    let refused = Failure::new(Operation::CreateFleet, code, "slow down");
    world.fake.fail(refused, refusals);
    let started = world.clock.now();
    for _ in 0..refusals {
        let results = join_all(claims.iter().map(|claim| world.launch(claim))).await;
        assert!(results.iter().all(Result::is_err));
    }
    let results = join_all(claims.iter().map(|claim| world.launch(claim))).await;
    assert!(results.iter().all(Result::is_ok));
    let waited = world.clock.now().since(started);
    // 1, 2, 4, 8, 16 and then 32 seconds each time.
    let grown = Duration::from_secs(31) + 3 * LONGEST_WAIT;
    assert!(waited >= grown, "{waited:?}");
    assert_eq!(world.fleets().len(), refusals + 1);
}
