use api::condition;
use api::ec2nodeclass::PlacementGroupSelector;
use aws::class::PLACEMENT_GROUP_READY;
use aws::ec2::{PlacementGroup, PlacementGroupQuery};
use aws::placement::Resolved;

use super::*;
use crate::discovery::placement_groups::Resolution;

const CALL: Operation = Operation::DescribePlacementGroups;

fn group(id: &str, name: &str) -> PlacementGroup {
    PlacementGroup {
        id: id.to_owned(),
        name: name.to_owned(),
        strategy: "cluster".to_owned(),
        ..PlacementGroup::default()
    }
}

/// A group `workers`, selected by name.
async fn world() -> World {
    let mut world = World::new().await;
    let workers = group("pg-1", "workers");
    world
        .fake
        .change(|state| state.placement_groups.push(workers));
    select(&mut world, "workers", "");
    world
}

fn select(world: &mut World, name: &str, id: &str) {
    let selector = PlacementGroupSelector {
        name: name.to_owned(),
        id: id.to_owned(),
    };
    world.edit(|class| class.spec.placement_group_selector = Some(selector));
}

impl World {
    async fn resolve(&self) -> Resolution {
        self.discovery.placement_groups.resolve(&self.class).await
    }

    /// Status and reason of the condition.
    async fn condition(&mut self) -> (String, String) {
        self.discovery.find_placement_group(&mut self.class).await;
        let conditions = &self.class.status.conditions;
        let found = condition::find(conditions, PLACEMENT_GROUP_READY).expect("the condition");
        (found.status.clone(), found.reason.clone())
    }
}

fn found(group: PlacementGroup) -> Resolution {
    Some(group).into()
}

/// PG-1: by name a group is asked for by name, whatever that looks like; by id by id.
#[tokio::test(start_paused = true)]
async fn a_name_stays_a_name() {
    let mut world = world().await;
    let odd = group("pg-2", "pg-odd");
    world
        .fake
        .change(|state| state.placement_groups.push(odd.clone()));
    select(&mut world, "pg-odd", "");
    assert_eq!(world.resolve().await, found(odd.clone()));
    select(&mut world, "", "pg-2");
    assert_eq!(world.resolve().await, found(odd));
    let asked = [
        Request::PlacementGroup(PlacementGroupQuery::Name("pg-odd".to_owned())),
        Request::PlacementGroup(PlacementGroupQuery::Id("pg-2".to_owned())),
    ];
    assert_eq!(world.fake.requests(CALL), asked);
}

/// PG-2: a group that is not there, or not available, which EC2 does not list, is missed; without a
/// selector nothing is asked.
#[tokio::test(start_paused = true)]
async fn a_group_that_is_not_there_is_missed() {
    let mut world = world().await;
    select(&mut world, "nobody", "");
    let (status, reason) = world.condition().await;
    assert_eq!((&*status, &*reason), ("False", "PlacementGroupNotFound"));
    select(&mut world, "", "pg-none");
    let unknown = Failure::new(CALL, "InvalidPlacementGroup.Unknown", "no");
    world.fake.fail(unknown, 1);
    let (status, reason) = world.condition().await;
    assert_eq!((&*status, &*reason), ("False", "PlacementGroupNotFound"));
    world.fake.forget_calls();
    world.edit(|class| class.spec.placement_group_selector = None);
    assert_eq!(world.condition().await.0, "True");
    assert_eq!(world.fake.count(CALL), 0);
}

/// PG-3: what EC2 said before is used while it does not answer; it is asked once a minute; each
/// selector has its own.
#[tokio::test(start_paused = true)]
async fn what_ec2_said_before_is_used_while_it_does_not_answer() {
    let mut world = world().await;
    let workers = group("pg-1", "workers");
    assert_eq!(world.resolve().await, found(workers.clone()));
    assert_eq!(world.resolve().await, found(workers.clone()));
    assert_eq!(world.fake.count(CALL), 1);
    world.pass(MINUTE).await;
    world.fake.fail(throttled(CALL), 1);
    let both = Resolution {
        resolved: Resolved::Group(workers.clone()),
        failure: Some(throttled(CALL)),
    };
    assert_eq!(world.resolve().await, both);
    assert_eq!(world.resolve().await, found(workers));
    assert_eq!(world.fake.count(CALL), 3);
    select(&mut world, "", "pg-other");
    assert_eq!(world.resolve().await, Resolution::from(None));
    assert_eq!(world.fake.count(CALL), 4);
}

#[tokio::test(start_paused = true)]
async fn a_class_with_a_known_group_stays_ready_while_ec2_does_not_answer() {
    let mut world = world().await;
    assert_eq!(world.condition().await.0, "True");
    world.pass(MINUTE).await;
    world.fake.fail(throttled(CALL), 1);
    let failure = world.discovery.find_placement_group(&mut world.class).await;
    assert_eq!(
        failure,
        Some(DiscoveryError::PlacementGroup(throttled(CALL)))
    );
    assert!(condition::is_true(
        &world.class.status.conditions,
        PLACEMENT_GROUP_READY
    ));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_disappears_stays_away() {
    let mut world = world().await;
    assert_eq!(world.condition().await.0, "True");
    world.fake.change(|state| state.placement_groups.clear());
    world.pass(MINUTE).await;
    for _ in 0..3 {
        assert_eq!(world.condition().await.1, "PlacementGroupNotFound");
        world.pass(MINUTE / 2).await;
    }
    world.pass(MINUTE).await;
    world.fake.fail(throttled(CALL), 1);
    let gone = Resolution {
        resolved: Resolved::Missing,
        failure: Some(throttled(CALL)),
    };
    assert_eq!(world.resolve().await, gone);
}

#[tokio::test(start_paused = true)]
async fn where_ec2_has_never_answered_no_node_drifts() {
    let mut world = world().await;
    world.fake.fail(throttled(CALL), 2);
    let resolved = world.resolve().await.resolved;
    assert_eq!(resolved, Resolved::Unknown);
    assert!(!resolved.is_drifted(Some("pg-1")));
    let (status, reason) = world.condition().await;
    assert_eq!(
        (&*status, &*reason),
        ("False", "PlacementGroupResolutionFailed")
    );
}

#[tokio::test(start_paused = true)]
async fn callers_share_a_round() {
    let world = world().await;
    world.fake.answer_after(Duration::from_secs(1));
    futures::future::join_all((0..20).map(|_| world.resolve())).await;
    assert_eq!(world.fake.count(CALL), 1);
}
