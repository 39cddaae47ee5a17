use std::time::Duration;

use aws::Operation;
use aws::shift::Shift;

use super::*;
use crate::testing::{Cloud, instance};

const ARN: &str = "arn:aws:eks:us-west-2:123456789012:cluster/test-cluster";

fn shift(cloud: &Cloud, zone: &str) {
    let shift = Shift {
        zone_id: zone.to_owned(),
        expires: cloud.kube.clock.now() + Duration::from_hours(1),
        applied: true,
    };
    cloud
        .fake
        .change(|state| state.shifts.insert(ARN.to_owned(), vec![shift]));
}

fn describes(cloud: &Cloud) -> usize {
    cloud.fake.count(Operation::DescribeInstances)
}

fn ids(instances: &[Arc<Instance>]) -> Vec<&str> {
    instances
        .iter()
        .map(|instance| instance.id.as_str())
        .collect()
}

/// IN-1: only instances of this cluster, with the tags of pool and class, that are not terminated.
#[tokio::test(start_paused = true)]
async fn only_instances_of_the_cluster_are_listed() {
    let cloud = Cloud::new().await;
    let with = |id: &str, change: fn(&mut Instance)| {
        let mut instance = instance(id);
        change(&mut instance);
        cloud.put(instance);
    };
    for (id, state) in ["i-1", "i-2", "i-3", "i-4", "i-5"]
        .iter()
        .zip(InstanceState::VISIBLE)
    {
        let mut instance = instance(id);
        instance.state = state;
        cloud.put(instance);
    }
    with("i-gone", |it| it.state = InstanceState::Terminated);
    with("i-no-pool", |it| {
        it.tags.remove(tags::NODEPOOL);
    });
    with("i-no-class", |it| {
        it.tags.remove(tags::NODE_CLASS);
    });
    with("i-other", |it| {
        it.tags
            .insert(tags::CLUSTER_NAME.to_owned(), "other".to_owned());
    });
    let listed = cloud.instances().list().await.expect("a list");
    assert_eq!(ids(&listed), ["i-1", "i-2", "i-3", "i-4", "i-5"]);
    cloud.fake.change(|state| state.instances.clear());
    assert!(cloud.instances().list().await.expect("a list").is_empty());
}

/// IN-2: in a zone that is to be left instances are as they were known, and stay.
#[tokio::test(start_paused = true)]
async fn in_a_shifted_zone_nothing_is_touched() {
    let cloud = Cloud::new().await;
    cloud.put(instance("i-1"));
    let instances = cloud.instances();
    instances.get("i-1", Freshness::Fresh).await.expect("it");
    shift(&cloud, "tstz1-1a");
    cloud.fake.forget_calls();
    instances
        .get("i-1", Freshness::Fresh)
        .await
        .expect("as known");
    let error = instances.delete("i-1").await.expect_err("shifted");
    let text = "instance i-1 is in zonally shifted availability zone test-zone-1a, \
                skipping termination";
    assert_eq!(error.to_string(), text);
    let tagged = instances.tag("i-1", &Tags::new()).await;
    assert!(matches!(tagged, Err(Error::Shifted { .. })), "{tagged:?}");
    assert_eq!(describes(&cloud), 0);
    assert_eq!(cloud.fake.count(Operation::TerminateInstances), 0);
    assert_eq!(cloud.fake.count(Operation::CreateTags), 0);
}

/// IN-3: what is not known is asked for first; tags go to whatever is not known.
#[tokio::test(start_paused = true)]
async fn an_unknown_instance_is_asked_for_before_it_is_ended() {
    let cloud = Cloud::new().await;
    cloud.put(instance("i-1"));
    shift(&cloud, "tstz1-1a");
    let tags = Tags::from([("Name".to_owned(), "x".to_owned())]);
    cloud.instances().tag("i-1", &tags).await.expect("tagged");
    let error = cloud.instances().delete("i-1").await.expect_err("shifted");
    assert!(matches!(error, Error::Shifted { .. }), "{error}");
    assert_eq!(describes(&cloud), 1);
    assert_eq!(cloud.fake.count(Operation::TerminateInstances), 0);
}

/// IN-4: what is not listed any more is forgotten, but not in a zone that is to be left.
#[tokio::test(start_paused = true)]
async fn what_is_not_listed_is_forgotten() {
    let cloud = Cloud::new().await;
    cloud.kube.class("default", &[("test-zone-1b", "tstz1-1b")]);
    cloud.kube.settle().await;
    let mut other = instance("i-2");
    (other.zone, other.zone_id) = ("test-zone-1b".to_owned(), String::new());
    cloud.put(instance("i-1"));
    cloud.put(other);
    let instances = cloud.instances();
    instances.list().await.expect("a list");
    cloud.fake.change(|state| state.instances.clear());
    shift(&cloud, "tstz1-1b");
    instances.shifts.update().await.expect("an answer");
    instances.list().await.expect("a list");
    let gone = instances.get("i-1", Freshness::Known).await;
    assert!(gone.expect_err("forgotten").is_not_found());
    instances.get("i-2", Freshness::Known).await.expect("kept");
}

/// IN-5: terminations that fail are counted by zone.
#[tokio::test(start_paused = true)]
async fn failed_terminations_are_counted() {
    let cloud = Cloud::new().await;
    cloud.put(instance("i-1"));
    let failure = Failure::new(Operation::TerminateInstances, "UnauthorizedOperation", "no");
    cloud.fake.fail(failure, 1);
    cloud.instances().delete("i-1").await.expect_err("denied");
    let labels = ["test-zone-1a", "tstz1-1a"];
    let count = cloud
        .kube
        .metrics
        .value(&names::TERMINATION_FAILURES, &labels);
    assert_eq!(count, Some(1.0));
}

/// IN-6: what is ending is not ended again; what has ended does not exist.
#[tokio::test(start_paused = true)]
async fn what_is_ending_is_not_ended_again() {
    let cloud = Cloud::new().await;
    let mut ending = instance("i-1");
    ending.state = InstanceState::ShuttingDown;
    cloud.put(ending);
    let instances = cloud.instances();
    instances.delete("i-1").await.expect("is ending");
    assert_eq!(cloud.fake.count(Operation::TerminateInstances), 0);
    let mut ended = instance("i-1");
    ended.state = InstanceState::Terminated;
    cloud.put(ended);
    assert!(
        instances
            .delete("i-1")
            .await
            .expect_err("gone")
            .is_not_found()
    );
    let error = CloudError::from(instances.delete("i-1").await.expect_err("gone"));
    assert!(error.is_not_found());
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_is_known_until_ec2_does_not_know_it() {
    let cloud = Cloud::new().await;
    cloud.put(instance("i-1"));
    let instances = cloud.instances();
    for _ in 0..3 {
        instances.get("i-1", Freshness::Known).await.expect("it");
    }
    assert_eq!(describes(&cloud), 1);
    let mut ended = instance("i-1");
    ended.state = InstanceState::Terminated;
    cloud.put(ended);
    instances
        .get("i-1", Freshness::Known)
        .await
        .expect("as known");
    let gone = instances.get("i-1", Freshness::Fresh).await;
    assert!(gone.expect_err("an empty answer").is_not_found());
    let gone = instances.get("i-1", Freshness::Known).await;
    assert!(gone.expect_err("forgotten, too").is_not_found());
    let unknown = instances.get("i-9", Freshness::Known).await;
    assert!(unknown.expect_err("never there").is_not_found());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_says_so_and_forgets_nothing() {
    let cloud = Cloud::new().await;
    cloud.put(instance("i-1"));
    let instances = cloud.instances();
    instances.get("i-1", Freshness::Fresh).await.expect("it");
    let failure = Failure::new(Operation::DescribeInstances, "RequestLimitExceeded", "slow");
    cloud.fake.fail(failure, 1);
    let error = instances
        .get("i-1", Freshness::Fresh)
        .await
        .expect_err("throttled");
    assert!(matches!(CloudError::from(error), CloudError::Throttled(_)));
    instances
        .get("i-1", Freshness::Known)
        .await
        .expect("as known");
}
