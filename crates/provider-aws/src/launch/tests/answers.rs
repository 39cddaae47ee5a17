//! What comes of launches, for the claim and for others.

use std::sync::Arc;

use aws::ec2::FleetCapacity;
use aws::fleet::Launched;
use aws::instance::{self, Context};
use aws::unavailable::Mark;
use aws::{Failure, Operation};
use catalog::CapacityType;
use futures::future::join_all;
use runtime::metrics::names;

use super::super::LaunchError;
use super::fixture::{World, ZONES, claim, machine};

/// All pools of the types are empty, but for these.
fn empty_but(world: &World, left: &[(&str, &str, u32)]) {
    let how = FleetCapacity::OnDemand;
    world.fake.change(|state| {
        for instance_type in &world.types {
            for zone in ZONES {
                state.limit(&instance_type.name, zone, how, 0);
            }
        }
        for (instance_type, zone, count) in left {
            state.limit(instance_type, zone, how, *count);
        }
    });
}

/// Launches for so many claims at once.
async fn crowd(world: &World, count: usize, how: &str) -> Vec<Result<Launched, LaunchError>> {
    let claims: Vec<_> = (0..count).map(|at| claim(at, &[how])).collect();
    join_all(claims.iter().map(|claim| world.launch(claim))).await
}

fn is_capacity(error: &LaunchError) -> bool {
    matches!(error, LaunchError::InsufficientCapacity(_))
}

#[tokio::test(start_paused = true)]
async fn a_claim_gets_the_cheapest_instance() {
    let world = World::new();
    let launched = world.launch(&claim(1, &["on-demand", "spot"])).await;
    let launched = launched.expect("an instance");
    assert_eq!(launched.instance.instance_type, "m5.large");
    let context = Context::default();
    let how = instance::capacity_type(&launched.instance, &context);
    assert_eq!(how, CapacityType::Spot);
    assert_eq!(launched.instance.image_id, "ami-test1");
    assert!(launched.instance.zone_id.starts_with("tstz1-"));
    assert_eq!(world.instances().len(), 1);
}

/// SUB-11: CreateFleet call fails / launch / in-flight IPs restored.
#[tokio::test(start_paused = true)]
async fn a_fleet_that_fails_takes_no_addresses() {
    let world = World::new();
    let denied = Failure::new(Operation::CreateFleet, "UnauthorizedOperation", "no");
    world.fake.fail(denied, 1);
    let error = world.launch(&claim(1, &["on-demand"])).await;
    let LaunchError::Create { reason, message } = error.expect_err("denied") else {
        panic!("another error");
    };
    assert_eq!(reason, "Unauthorized");
    let start = "Error creating fleet request: User is not authorized";
    assert!(message.starts_with(start), "{message}");
    let all = || ["subnet-test1", "subnet-test2", "subnet-test3"].map(|id| world.left(id));
    assert_eq!(all(), [100; 3]);
    let launched = world.launch(&claim(1, &["on-demand"])).await;
    let used = launched.expect("an instance").instance.subnet_id;
    assert_eq!(world.left(&used), 71);
    assert_eq!(all().iter().sum::<i64>(), 271, "the others are given back");
}

/// SUB-13: status has no subnets / launch / SubnetResolutionFailed.
#[tokio::test(start_paused = true)]
async fn without_subnets_there_is_no_launch() {
    let mut world = World::new();
    world.class.status.subnets.clear();
    let error = world.launch(&claim(1, &["on-demand"])).await;
    let expected = LaunchError::Create {
        reason: "SubnetResolutionFailed".to_owned(),
        message: "Error getting subnets".to_owned(),
    };
    assert_eq!(error.expect_err("no subnets"), expected);
}

/// SUB-12: fleet reports InsufficientFreeAddresses for a subnet / next launch / that subnet is
/// ranked last, zone still usable through another subnet.
#[tokio::test(start_paused = true)]
async fn a_full_subnet_is_not_used_for_the_next_launch() {
    let mut world = World::new();
    let mut second = world.class.status.subnets[0].clone();
    second.id = "subnet-test4".to_owned();
    world.class.status.subnets.truncate(1);
    world.class.status.subnets.push(second);
    let code = "InsufficientFreeAddressesInSubnet";
    world
        .fake
        .change(|state| state.full_subnet("subnet-test1", code));
    let error = world.launch(&claim(1, &["on-demand"])).await;
    assert!(is_capacity(&error.expect_err("no addresses")));
    assert_eq!(world.left("subnet-test1"), 0);
    let marks = world.lessons.learned.lock().expect("a lock")[0]
        .marks
        .clone();
    assert!(marks.contains(&Mark::Subnet("subnet-test1".to_owned())));
    let launched = world.launch(&claim(2, &["on-demand"])).await;
    let subnet = launched.expect("an instance").instance.subnet_id;
    assert_eq!(subnet, "subnet-test4");
}

/// A batch's errors are counted and marked once, whoever got an instance.
#[tokio::test(start_paused = true)]
async fn what_a_fleet_could_not_launch_is_learned_once() {
    let world = World::new();
    empty_but(&world, &[("m5.xlarge", ZONES[2], 3)]);
    let results = crowd(&world, 5, "on-demand").await;
    let launched = results.iter().filter(|result| result.is_ok());
    assert_eq!(launched.count(), 3);
    let errors: Vec<LaunchError> = results.into_iter().filter_map(Result::err).collect();
    assert!(errors.iter().all(is_capacity), "{errors:?}");
    assert_eq!(world.fleets().len(), 1);
    let learned = world.lessons.learned.lock().expect("a lock").clone();
    assert_eq!(learned.len(), 1);
    assert_eq!(
        learned[0].marks.len(),
        6,
        "of the last pool there was too little"
    );
    let labels = [ZONES[0], "tstz1-1a", "on-demand", "LaunchFailed"];
    let failed = world.metrics.value(&names::LAUNCH_FAILURES, &labels);
    assert_eq!(failed, Some(2.0), "two types in the zone");
}

/// FL-13: all errors ICE / InsufficientCapacity; spot SLR error / same, spot marked unavailable,
/// event; MaxFleetCountExceeded / InsufficientCapacity.
#[tokio::test(start_paused = true)]
async fn a_missing_role_for_spot_is_told_to_each_claim() {
    let world = World::new();
    let role = "AuthFailure.ServiceLinkedRoleCreationNotPermitted";
    for id in ["subnet-test1", "subnet-test2", "subnet-test3"] {
        world.fake.change(|state| state.full_subnet(id, role));
    }
    for result in crowd(&world, 2, "spot").await {
        assert!(is_capacity(&result.expect_err("no role")));
    }
    let told = world.lessons.without_role.lock().expect("a lock").clone();
    assert_eq!(told, ["claim-0", "claim-1"]);
    let learned = world.lessons.learned.lock().expect("a lock");
    assert_eq!(learned.len(), 1);
    let spot = Mark::CapacityType(CapacityType::Spot);
    assert!(learned[0].marks.contains(&spot));
}

/// LT-5: status profile empty or NodeClass not ready / no launch.
#[tokio::test(start_paused = true)]
async fn nothing_is_launched_from_a_class_that_is_not_ready() {
    let mut world = World::new();
    world.class.status.instance_profile.clear();
    let error = world.launch(&claim(1, &["spot"])).await;
    let error = error.expect_err("it is not ready");
    assert!(
        matches!(error, LaunchError::NodeClassNotReady(_)),
        "{error:?}"
    );
    let made = world.fake.count(Operation::CreateLaunchTemplate);
    assert_eq!(made + world.fleets().len(), 0);
}

/// Between a launch and the note of it the controller may crash: the same claims asking again
/// get the same instances, and no others are launched.
#[tokio::test(start_paused = true)]
async fn a_crash_after_the_fleet_leaks_nothing() {
    let world = World::new();
    let ids = |results: Vec<Result<Launched, LaunchError>>| -> Vec<String> {
        let ids = results.into_iter().map(|one| one.expect("it").instance.id);
        ids.collect()
    };
    let before = ids(crowd(&world, 5, "on-demand").await);
    let same = ids(crowd(&world, 5, "on-demand").await);
    assert_eq!(before, same);
    assert_eq!(world.fleets().len(), 1, "it is remembered");
    let world = world.restarted();
    let after = ids(crowd(&world, 5, "on-demand").await);
    assert_eq!(before, after);
    assert_eq!(world.fleets().len(), 2, "and asked again after the crash");
    assert_eq!(world.instances().len(), 5);
}

/// A fleet carries many alternatives, so that a stock-out in most of them is one call.
#[tokio::test(start_paused = true)]
async fn a_stock_out_in_most_pools_is_no_storm() {
    let mut world = World::new();
    let of = |at: i32| machine(&format!("m{at:02}.large"), 29, 0.1 + f64::from(at));
    world.types = (0..100).map(|at| Arc::new(of(at))).collect();
    empty_but(&world, &[("m59.large", ZONES[0], 1_000)]);
    let results = crowd(&world, 200, "on-demand").await;
    assert!(results.iter().all(Result::is_ok));
    let fleets = world.fleets();
    assert_eq!(fleets.len(), 1);
    let overrides = fleets[0].configs.iter().map(|one| one.overrides.len());
    assert_eq!(overrides.sum::<usize>(), 60 * ZONES.len());
}
