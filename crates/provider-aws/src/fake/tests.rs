//! The pretended AWS itself.

use aws::ec2::{
    Filter, FleetCapacity, FleetConfig, FleetOverride, FleetRequest, InstanceState, LaunchTemplate,
};
use catalog::Price;

use super::*;

fn fake() -> Fake {
    let epoch = "2026-01-01T00:00:00Z".parse().expect("a time");
    Fake::new(Clock::simulated(epoch))
}

fn request(zones: &[usize], capacity: u32) -> FleetRequest {
    let overrides = zones.iter().map(|zone| FleetOverride {
        instance_type: "m5.large".to_owned(),
        subnet_id: Some(format!("subnet-test{zone}")),
        priority: Some(Price::from_nanos(*zone as u64)),
        ..FleetOverride::default()
    });
    FleetRequest {
        configs: vec![FleetConfig {
            template: "template".to_owned(),
            overrides: overrides.collect(),
        }],
        capacity,
        ..FleetRequest::default()
    }
}

#[tokio::test(start_paused = true)]
async fn fleets_take_from_the_next_pool_what_one_does_not_have() {
    let fake = fake();
    let ec2 = fake.calls().ec2;
    let template = LaunchTemplate {
        name: "template".to_owned(),
        ..LaunchTemplate::default()
    };
    let gone = ec2.create_fleet(&request(&[1], 1)).await;
    assert!(
        gone.expect_err("no template")
            .is_launch_template_not_found()
    );
    ec2.create_launch_template(&template).await.expect("made");
    fake.change(|state| state.limit("m5.large", "test-zone-1a", FleetCapacity::OnDemand, 2));
    let output = ec2
        .create_fleet(&request(&[2, 1], 3))
        .await
        .expect("a fleet");
    let counts: Vec<usize> = output.instances.iter().map(|one| one.ids.len()).collect();
    assert_eq!(counts, [2, 1]);
    assert_eq!(output.errors.len(), 1);
    assert_eq!(output.errors[0].code, "InsufficientInstanceCapacity");
    let ids: Vec<String> = output.instances[0].ids.clone();
    ec2.terminate(&ids).await.expect("ends");
    let visible = InstanceState::VISIBLE.map(InstanceState::as_str);
    let filter = Filter::new("instance-state-name", visible);
    let left = ec2.instances(&[filter]).await.expect("a list");
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].zone, "test-zone-1b");
}

#[tokio::test(start_paused = true)]
async fn calls_fail_as_often_as_they_are_told_to() {
    let fake = fake();
    let failure = Failure::new(Operation::DescribeSubnets, "RequestLimitExceeded", "slow");
    fake.fail(failure, 1);
    let filters = [Filter::new("tag:foo", ["bar"])];
    let ec2 = fake.calls().ec2;
    assert!(
        ec2.subnets(&filters)
            .await
            .expect_err("fails")
            .is_throttled()
    );
    assert_eq!(ec2.subnets(&filters).await.expect("subnets").len(), 3);
    assert_eq!(fake.count(Operation::DescribeSubnets), 2);
    let asked = fake.requests(Operation::DescribeSubnets);
    assert_eq!(asked[1], Request::Filters(filters.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn messages_come_again_until_they_are_deleted() {
    let fake = fake();
    let sqs = fake.calls().sqs;
    assert!(
        sqs.queue_url("queue")
            .await
            .expect_err("none")
            .is_not_found()
    );
    fake.change(|state| state.send("queue", "text"));
    let url = sqs.queue_url("queue").await.expect("a queue");
    let first = sqs.receive(&url).await.expect("messages");
    assert_eq!(first.len(), 1);
    let again = sqs.receive(&url).await.expect("messages");
    assert_eq!(again, first);
    let receipt = &again[0].receipt;
    sqs.delete_message(&url, receipt).await.expect("deletes");
    assert_eq!(sqs.receive(&url).await.expect("messages"), []);
}
