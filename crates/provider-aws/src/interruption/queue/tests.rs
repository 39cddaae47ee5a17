use std::sync::Arc;

use aws::Operation;
use aws::interruption::OnRebalance;
use serde_json::{Value, json};

use super::*;
use crate::interruption::tests::NoMarks;
use crate::testing::{CLAIMS, Cloud};

const QUEUE: &str = "test-queue";

/// A cluster with claims `c-0` and so on, and an empty queue.
async fn cloud(claims: usize) -> Cloud {
    let cloud = Cloud::new().await;
    cloud.fake.change(|state| {
        state.queues.entry(QUEUE.to_owned()).or_default();
    });
    for number in 0..claims {
        cloud
            .kube
            .claim(&format!("c-{number}"), &format!("i-{number}"));
    }
    cloud.kube.settle().await;
    cloud
}

fn start(cloud: &Cloud) -> tokio::task::JoinHandle<()> {
    let marks = Arc::new(NoMarks);
    let interruptions = Interruptions::new(cloud.world(), marks, OnRebalance::Ignore);
    let stop = cloud.kube.shutdown.clone();
    tokio::spawn(async move { run(&interruptions, QUEUE, &stop).await })
}

fn send(cloud: &Cloud, body: &str) {
    cloud.fake.change(|state| state.send(QUEUE, body));
}

fn event(source: &str, detail_type: &str, detail: &Value) -> String {
    let message = json!({"version": "0", "id": "1", "detail-type": detail_type,
        "source": source, "account": "123456789012", "time": "2026-01-01T00:00:00Z",
        "region": "us-west-2", "resources": [], "detail": detail});
    message.to_string()
}

fn spot(instance: &str) -> String {
    let detail = json!({"instance-id": instance, "instance-action": "terminate"});
    event("aws.ec2", "EC2 Spot Instance Interruption Warning", &detail)
}

/// Messages that are waiting or being handled.
fn left(cloud: &Cloud) -> usize {
    cloud
        .fake
        .change(|state| state.queues[QUEUE].len() + state.in_flight.len())
}

fn going(cloud: &Cloud, claims: usize) -> usize {
    let is_going = |number: &usize| cloud.kube.is_going(CLAIMS, &format!("c-{number}"));
    (0..claims).filter(is_going).count()
}

fn counted(cloud: &Cloud, kind: &str) -> usize {
    cloud.kube.count(&names::INTERRUPTION_RECEIVED, &[kind])
}

fn deleted(cloud: &Cloud) -> usize {
    cloud.kube.count(&names::INTERRUPTION_DELETED, &[])
}

/// INT-1: warnings of EC2 and of AWS Health delete the claims, and the messages go.
#[tokio::test(start_paused = true)]
async fn warnings_delete_claims_and_are_deleted() {
    let cloud = cloud(5).await;
    send(&cloud, &spot("i-0"));
    let reservation = "EC2 Capacity Reservation Instance Interruption Warning";
    let detail = json!({"instance-id": "i-1", "instance-action": "terminate"});
    send(&cloud, &event("aws.ec2", reservation, &detail));
    let detail = json!({"service": "EC2", "eventTypeCategory": "scheduledChange",
        "affectedEntities": [{"entityValue": "i-2"}, {"entityValue": "i-3"}]});
    send(&cloud, &event("aws.health", "AWS Health Event", &detail));
    start(&cloud);
    cloud.pass(1).await;
    let gone: Vec<bool> = (0..5)
        .map(|number| cloud.kube.is_going(CLAIMS, &format!("c-{number}")))
        .collect();
    assert_eq!(gone, [true, true, true, true, false]);
    assert_eq!((left(&cloud), deleted(&cloud)), (0, 3));
    for kind in [
        "spot_interrupted",
        "capacity_reservation_interrupted",
        "scheduled_change",
    ] {
        assert_eq!(counted(&cloud, kind), 1, "{kind}");
    }
    assert_eq!(cloud.kube.count(&names::INTERRUPTION_SECONDS, &[]), 3);
}

/// INT-2: an instance that stops or ends takes its claim with it; one that starts does not.
#[tokio::test(start_paused = true)]
async fn states_that_lead_to_the_end_delete_claims() {
    let cloud = cloud(8).await;
    let states = [
        "stopping",
        "stopped",
        "shutting-down",
        "terminated",
        "Stopped",
        "TERMINATED",
        "pending",
        "running",
    ];
    for (number, state) in states.iter().enumerate() {
        let detail = json!({"instance-id": format!("i-{number}"), "state": state});
        let kind = "EC2 Instance State-change Notification";
        send(&cloud, &event("aws.ec2", kind, &detail));
    }
    start(&cloud);
    cloud.pass(1).await;
    for (number, state) in states.iter().enumerate() {
        let ends = number < 6;
        let is_going = cloud.kube.is_going(CLAIMS, &format!("c-{number}"));
        assert_eq!(is_going, ends, "{state}");
    }
    assert_eq!(left(&cloud), 0);
    let kinds = ["instance_stopped", "instance_terminated", "no_op"];
    assert_eq!(kinds.map(|kind| counted(&cloud, kind)), [3, 3, 2]);
}

/// INT-3: many messages are handled, those for claims that go already among them.
#[tokio::test(start_paused = true)]
async fn a_hundred_messages_are_handled() {
    let cloud = cloud(100).await;
    cloud.kube.delete(CLAIMS, "c-7");
    cloud.kube.settle().await;
    for number in 0..100 {
        send(&cloud, &spot(&format!("i-{number}")));
    }
    start(&cloud);
    cloud.pass(1).await;
    assert_eq!((going(&cloud, 100), left(&cloud)), (100, 0));
    assert_eq!(cloud.kube.disrupted(), 99);
}

/// INT-4: what is no message goes, and what is of no interest does.
#[tokio::test(start_paused = true)]
async fn garbage_is_deleted() {
    let cloud = cloud(1).await;
    for body in ["", "garbage", "{}", "{\"detail\": "] {
        send(&cloud, body);
    }
    start(&cloud);
    cloud.pass(1).await;
    assert_eq!((left(&cloud), deleted(&cloud), going(&cloud, 1)), (0, 4, 0));
    let seconds = cloud.kube.count(&names::INTERRUPTION_SECONDS, &[]);
    assert_eq!(seconds, 0, "nothing says when it happened");
}

/// INT-7: a queue that is missing or not permitted is an error, and is used once it is there.
#[tokio::test(start_paused = true)]
async fn a_queue_that_cannot_be_read_is_an_error_until_it_can() {
    let cloud = cloud(2).await;
    cloud.fake.change(|state| state.queues.clear());
    start(&cloud);
    cloud.pass(30).await;
    let errors = || cloud.kube.count(&names::RECONCILE_ERRORS, &[NAME]);
    let before = errors();
    assert!(
        (3..=6).contains(&before),
        "{before}: again, but not at once"
    );
    send(&cloud, &spot("i-0"));
    cloud.pass(60).await;
    assert_eq!(going(&cloud, 1), 1);
    let denied = Failure::new(Operation::ReceiveMessage, "AccessDenied", "no");
    cloud.fake.fail(denied, 2);
    cloud.pass(25).await;
    assert_eq!(errors(), before + 2);
    send(&cloud, &spot("i-1"));
    cloud.pass(60).await;
    assert_eq!(going(&cloud, 2), 2);
}

/// INT-8: messages about instances of others are deleted, and nothing else.
#[tokio::test(start_paused = true)]
async fn messages_about_instances_of_others_are_deleted() {
    let cloud = cloud(1).await;
    send(&cloud, &spot("i-foreign"));
    start(&cloud);
    cloud.pass(1).await;
    assert_eq!((left(&cloud), deleted(&cloud), going(&cloud, 1)), (0, 1, 0));
    assert!(cloud.kube.told().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_could_not_be_handled_comes_again() {
    let cloud = cloud(1).await;
    let mut world = cloud.world();
    let from = cloud.kube.clock.now() + Duration::from_secs(15);
    world.client = cloud.kube.client_that_deletes_from(from);
    send(&cloud, &spot("i-0"));
    let interruptions = Interruptions::new(world, Arc::new(NoMarks), OnRebalance::Ignore);
    let stop = cloud.kube.shutdown.clone();
    tokio::spawn(async move { run(&interruptions, QUEUE, &stop).await });
    cloud.pass(5).await;
    assert_eq!((left(&cloud), deleted(&cloud), going(&cloud, 1)), (1, 0, 0));
    cloud.pass(40).await;
    assert_eq!((left(&cloud), deleted(&cloud), going(&cloud, 1)), (0, 1, 1));
    assert_eq!(cloud.kube.disrupted(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_could_not_be_deleted_is_harmless() {
    let cloud = cloud(1).await;
    let failure = Failure::new(Operation::DeleteMessage, "InternalError", "oops");
    cloud.fake.fail(failure, 1);
    send(&cloud, &spot("i-0"));
    start(&cloud);
    cloud.pass(5).await;
    assert_eq!((left(&cloud), going(&cloud, 1)), (1, 1));
    cloud.pass(40).await;
    assert_eq!((left(&cloud), deleted(&cloud)), (0, 1));
    assert_eq!(cloud.kube.disrupted(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_receive_waits_where_nothing_comes() {
    let cloud = cloud(0).await;
    for _ in 0..500 {
        send(&cloud, &spot("i-foreign"));
    }
    start(&cloud);
    cloud.pass(60).await;
    assert_eq!(left(&cloud), 0);
    cloud.fake.forget_calls();
    cloud.pass(200).await;
    let receives = cloud.fake.count(Operation::ReceiveMessage);
    assert!(
        (9..=11).contains(&receives),
        "{receives} in 200 s of 20 s each"
    );
}

#[tokio::test(start_paused = true)]
async fn what_has_begun_is_finished_when_the_loop_stops() {
    let cloud = cloud(50).await;
    for number in 0..50 {
        send(&cloud, &spot(&format!("i-{number}")));
    }
    let running = start(&cloud);
    let mut turns = 0;
    while deleted(&cloud) == 0 {
        turns += 1;
        assert!(turns < 100_000, "nothing is handled");
        tokio::task::yield_now().await;
    }
    cloud.kube.shutdown.trigger();
    running.await.expect("it ends");
    let done = going(&cloud, 50);
    assert_eq!(deleted(&cloud), done, "whatever was begun is whole");
}

#[test]
fn receives_double_while_messages_come_and_wait_for_what_is_handled() {
    let mut pace = Pace {
        wanted: 1,
        receiving: 0,
        handling: 0,
        failures: 3,
    };
    let mut wanted = Vec::new();
    for _ in 0..6 {
        pace.received(10);
        wanted.push(pace.missing());
    }
    assert_eq!(wanted, [2, 4, 8, 16, 16, 16]);
    assert_eq!(pace.failures, 0);
    pace.handling = HANDLED;
    assert_eq!(pace.missing(), 0);
    pace.handling = 0;
    pace.received(0);
    assert_eq!(pace.missing(), 1);
}
