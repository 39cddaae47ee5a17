use aws::shift::Shift;
use aws::{Failure, Operation};
use serde_json::json;

use super::*;
use crate::testing::Cloud;

const ARN: &str = "arn:aws:eks:us-west-2:123456789012:cluster/test-cluster";

fn set(cloud: &Cloud, zones: &[&str], minutes: u64) {
    let expires = cloud.kube.clock.now() + Duration::from_mins(minutes);
    let shifts = zones.iter().map(|zone| Shift {
        zone_id: (*zone).to_owned(),
        expires,
        applied: true,
    });
    let shifts = shifts.collect();
    cloud
        .fake
        .change(|state| state.shifts.insert(ARN.to_owned(), shifts));
}

fn start(cloud: &Cloud) -> ZonalShifts {
    let shifts = cloud.shifts();
    let (world, stop, running) = (cloud.world(), cloud.kube.shutdown.clone(), shifts.clone());
    tokio::spawn(async move { run(&world, &running, &stop).await });
    shifts
}

/// Pools `any`, `here`, `there` by zone, and `elsewhere` whose class has no subnet in the zone.
async fn cloud() -> Cloud {
    let cloud = Cloud::new().await;
    let kube = &cloud.kube;
    kube.class(
        "default",
        &[("test-zone-1a", "tstz1-1a"), ("test-zone-1b", "tstz1-1b")],
    );
    kube.class("far", &[("test-zone-1c", "tstz1-1c")]);
    let zone = |zones: &[&str]| json!([{"key": "topology.kubernetes.io/zone", "operator": "In", "values": zones}]);
    kube.pool("any", &json!([]));
    kube.pool("here", &zone(&["test-zone-1a", "test-zone-1b"]));
    kube.pool("there", &zone(&["test-zone-1b"]));
    kube.pool("elsewhere", &json!([]));
    kube.change(crate::testing::POOLS, "elsewhere", |pool| {
        pool["spec"]["template"]["spec"]["nodeClassRef"]["name"] = "far".into();
    });
    kube.settle().await;
    cloud
}

/// ZS-1, ZS-2, ZS-3: pools that can use the zone hear of a shift when it begins and when it is
/// over, and of nothing in between.
#[tokio::test(start_paused = true)]
async fn pools_that_can_use_the_zone_hear_of_its_shift() {
    let cloud = cloud().await;
    set(&cloud, &["tstz1-1a"], 60);
    start(&cloud);
    cloud.pass(5).await;
    let begun = [
        "NodePool/any ZonalShiftActive",
        "NodePool/here ZonalShiftActive",
    ];
    assert_eq!(cloud.kube.told(), begun);
    cloud.pass(300).await;
    assert_eq!(cloud.kube.told(), begun, "nothing has changed");
    set(&cloud, &[], 0);
    cloud.pass(31).await;
    let over = [
        "NodePool/any ZonalShiftActive",
        "NodePool/any ZonalShiftCleared",
        "NodePool/here ZonalShiftActive",
        "NodePool/here ZonalShiftCleared",
    ];
    assert_eq!(cloud.kube.told(), over);
}

#[tokio::test(start_paused = true)]
async fn a_shift_that_is_cancelled_beside_another_is_over() {
    let cloud = cloud().await;
    set(&cloud, &["tstz1-1a", "tstz1-1b"], 60);
    let shifts = start(&cloud);
    cloud.pass(1).await;
    assert_eq!(shifts.known().len(), 2);
    set(&cloud, &["tstz1-1b"], 60);
    cloud.pass(31).await;
    assert!(!shifts.is_shifted("tstz1-1a").await);
    assert!(shifts.is_shifted("tstz1-1b").await);
}

#[tokio::test(start_paused = true)]
async fn who_asks_first_waits_for_an_answer() {
    let cloud = Cloud::new().await;
    set(&cloud, &["tstz1-1a"], 60);
    let shifts = cloud.shifts();
    let asked = [
        shifts.is_shifted("tstz1-1a"),
        shifts.is_shifted("tstz1-1a"),
        shifts.is_shifted("tstz1-1b"),
    ];
    assert_eq!(futures::future::join_all(asked).await, [true, true, false]);
    assert_eq!(cloud.fake.count(Operation::GetManagedResource), 1);
    cloud.kube.clock.sleep(Duration::from_hours(1)).await;
    assert!(!shifts.is_shifted("tstz1-1a").await, "it has ended");
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_nothing_is_shifted_and_what_was_known_stays() {
    let cloud = Cloud::new().await;
    set(&cloud, &["tstz1-1a"], 60);
    let shifts = cloud.shifts();
    let denied = |operation| Failure::new(operation, "AccessDeniedException", "no");
    cloud.fake.fail(denied(Operation::DescribeCluster), 1);
    assert!(!shifts.is_shifted("tstz1-1a").await);
    assert!(
        shifts.is_shifted("tstz1-1a").await,
        "the next finds the cluster"
    );
    cloud.fake.fail(denied(Operation::GetManagedResource), 1);
    shifts.update().await.expect_err("denied");
    assert!(shifts.is_shifted("tstz1-1a").await);
}

#[tokio::test(start_paused = true)]
async fn where_zonal_shift_is_off_nothing_is_asked() {
    let shifts = ZonalShifts::off();
    assert!(!shifts.is_shifted("tstz1-1a").await);
    shifts.update().await.expect("nothing");
    assert!(shifts.zones().await.is_empty());
}
