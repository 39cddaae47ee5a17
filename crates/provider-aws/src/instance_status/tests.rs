use api::labels::TERMINATION_TIMESTAMP;
use aws::Operation;
use aws::ec2::{ImpairedCheck, ScheduledEvent, StatusCategory};
use aws::interruption::OnRebalance;
use serde_json::Value;

use super::*;
use crate::interruption::tests::NoMarks;
use crate::testing::{CLAIMS, Cloud};

async fn cloud() -> Cloud {
    let cloud = Cloud::new().await;
    for number in 1..=3 {
        cloud
            .kube
            .claim(&format!("c-{number}"), &format!("i-{number}"));
    }
    cloud.kube.settle().await;
    cloud
}

fn start(cloud: &Cloud) {
    let world = cloud.world();
    let marks = std::sync::Arc::new(NoMarks);
    let interruptions = Interruptions::new(world.clone(), marks, OnRebalance::Ignore);
    let stop = cloud.kube.shutdown.clone();
    tokio::spawn(async move { run(&world, &interruptions, &stop).await });
}

/// Says that checks of an instance have failed for so long.
fn fails(cloud: &Cloud, instance: &str, category: StatusCategory, seconds: u64) {
    let since = cloud.kube.clock.now().before(Duration::from_secs(seconds));
    let status = InstanceStatus {
        id: instance.to_owned(),
        checks: vec![ImpairedCheck {
            category,
            status: "failed".to_owned(),
            since: Some(since),
        }],
        events: Vec::new(),
    };
    let filter = match category {
        StatusCategory::System => StatusFilter::SystemImpaired,
        _ => StatusFilter::InstanceImpaired,
    };
    cloud
        .fake
        .change(|state| state.statuses.push((filter, status)));
}

fn event(cloud: &Cloud, instance: &str, checks: Vec<ImpairedCheck>) {
    let status = InstanceStatus {
        id: instance.to_owned(),
        checks,
        events: vec![ScheduledEvent {
            code: "instance-retirement".to_owned(),
            description: "runs on degraded hardware".to_owned(),
            not_before: None,
        }],
    };
    cloud
        .fake
        .change(|state| state.statuses.push((StatusFilter::Event, status)));
}

fn deadline(cloud: &Cloud, claim: &str) -> Option<String> {
    let claim = cloud.kube.get(CLAIMS, claim)?;
    let value = &claim["metadata"]["annotations"][TERMINATION_TIMESTAMP];
    value.as_str().map(str::to_owned)
}

fn counted(cloud: &Cloud, category: &str) -> usize {
    cloud
        .kube
        .count(&names::INSTANCE_STATUS_UNHEALTHY, &[category])
}

/// IS-1: a check that has failed for two minutes ends the node by force; for less, nothing.
#[tokio::test(start_paused = true)]
async fn a_check_that_fails_for_long_ends_the_node_by_force() {
    let cloud = cloud().await;
    fails(&cloud, "i-1", StatusCategory::System, 120);
    fails(&cloud, "i-2", StatusCategory::Instance, 300);
    fails(&cloud, "i-3", StatusCategory::Instance, 30);
    start(&cloud);
    cloud.pass(1).await;
    for claim in ["c-1", "c-2"] {
        assert!(cloud.kube.is_going(CLAIMS, claim), "{claim}");
        assert_eq!(
            deadline(&cloud, claim).as_deref(),
            Some("2026-01-01T00:00:00Z")
        );
    }
    assert!(!cloud.kube.is_going(CLAIMS, "c-3"));
    assert_eq!(deadline(&cloud, "c-3"), None);
    let labels = ["instance_status", "default", "on-demand", "", "graceful"];
    let count = cloud
        .kube
        .metrics
        .value(&names::NODECLAIMS_DISRUPTED, &labels);
    assert_eq!(count, Some(1.0));
    cloud.pass(120).await;
    assert!(cloud.kube.is_going(CLAIMS, "c-3"), "two minutes are over");
}

/// IS-2: what AWS has planned is met by a drain, unless a check fails, too.
#[tokio::test(start_paused = true)]
async fn an_event_drains_and_a_failed_check_beside_it_forces() {
    let cloud = cloud().await;
    event(&cloud, "i-1", Vec::new());
    let failed = ImpairedCheck {
        category: StatusCategory::Instance,
        status: "failed".to_owned(),
        since: Some(cloud.kube.clock.now().before(Duration::from_mins(5))),
    };
    event(&cloud, "i-2", vec![failed]);
    start(&cloud);
    cloud.pass(1).await;
    assert!(cloud.kube.is_going(CLAIMS, "c-1") && cloud.kube.is_going(CLAIMS, "c-2"));
    assert_eq!(deadline(&cloud, "c-1"), None);
    assert!(deadline(&cloud, "c-2").is_some());
}

/// IS-3: a deadline that is there stays.
#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_there_stays() {
    let cloud = cloud().await;
    let early = |claim: &mut Value| {
        claim["metadata"]["annotations"][TERMINATION_TIMESTAMP] = "2025-12-31T00:00:00Z".into();
    };
    cloud.kube.change(CLAIMS, "c-1", early);
    fails(&cloud, "i-1", StatusCategory::System, 600);
    start(&cloud);
    cloud.pass(1).await;
    assert!(cloud.kube.is_going(CLAIMS, "c-1"));
    assert_eq!(
        deadline(&cloud, "c-1").as_deref(),
        Some("2025-12-31T00:00:00Z")
    );
}

/// IS-4: what is wrong counts once, again when it was well meanwhile, and for each instance.
#[tokio::test(start_paused = true)]
async fn what_is_wrong_counts_once_until_it_was_well() {
    let cloud = cloud().await;
    fails(&cloud, "i-1", StatusCategory::System, 600);
    fails(&cloud, "i-foreign", StatusCategory::System, 600);
    start(&cloud);
    cloud.pass(200).await;
    assert_eq!(
        counted(&cloud, "SystemStatus"),
        1,
        "and not those of others"
    );
    cloud.fake.change(|state| state.statuses.clear());
    cloud.pass(60).await;
    fails(&cloud, "i-1", StatusCategory::System, 600);
    fails(&cloud, "i-2", StatusCategory::System, 600);
    cloud.pass(200).await;
    assert_eq!(counted(&cloud, "SystemStatus"), 3);
}

/// IS-5: nothing is done about instances that are well.
#[tokio::test(start_paused = true)]
async fn instances_that_are_well_are_left_alone() {
    let cloud = cloud().await;
    let well = InstanceStatus {
        id: "i-1".to_owned(),
        checks: vec![ImpairedCheck {
            category: StatusCategory::System,
            status: "passed".to_owned(),
            since: None,
        }],
        events: Vec::new(),
    };
    cloud
        .fake
        .change(|state| state.statuses.push((StatusFilter::SystemImpaired, well)));
    start(&cloud);
    cloud.pass(200).await;
    assert!(!cloud.kube.is_going(CLAIMS, "c-1"));
    assert!(cloud.kube.told().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_comes_back_is_noticed() {
    let cloud = cloud().await;
    let operation = Operation::DescribeInstanceStatus;
    let denied = Failure::new(operation, "UnauthorizedOperation", "no");
    cloud.fake.fail(denied, 1);
    fails(&cloud, "i-1", StatusCategory::System, 600);
    start(&cloud);
    cloud.pass(300).await;
    assert_eq!(cloud.fake.count(operation), 1, "asked slowly");
    assert!(!cloud.kube.is_going(CLAIMS, "c-1"));
    cloud.pass(301).await;
    assert!(cloud.kube.is_going(CLAIMS, "c-1"));
}
