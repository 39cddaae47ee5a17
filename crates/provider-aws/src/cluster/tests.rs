use aws::Operation;
use model::Timestamp;
use runtime::Clock;

use super::*;
use crate::fake::Fake;

const NAME: &str = "test-cluster";

fn fake() -> Fake {
    Fake::new(Clock::simulated(Timestamp::from_seconds(1_800_000_000)))
}

fn denied() -> Failure {
    Failure::new(Operation::DescribeCluster, "AccessDeniedException", "no")
}

/// OP-1: an endpoint of the settings is used, and EKS is not asked.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_set_is_used() {
    let fake = fake();
    let found = endpoint(&*fake.calls().eks, NAME, "https://mine").await;
    assert_eq!(found.as_deref(), Ok("https://mine"));
    assert_eq!(fake.count(Operation::DescribeCluster), 0);
}

/// OP-2: without one, EKS says it.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_not_set_is_asked_for() {
    let found = endpoint(&*fake().calls().eks, NAME, "").await;
    assert_eq!(found.as_deref(), Ok("https://test-cluster"));
}

/// OP-3: if EKS does not say, there is no endpoint.
#[tokio::test(start_paused = true)]
async fn without_an_answer_there_is_no_endpoint() {
    let fake = fake();
    fake.fail(denied(), 1);
    let found = endpoint(&*fake.calls().eks, NAME, "").await;
    assert_eq!(found, Err(denied()));
}

#[tokio::test(start_paused = true)]
async fn the_addresses_of_services_are_asked_for_once() {
    let fake = fake();
    let cidr = ServiceCidr::new(fake.calls().eks, NAME);
    fake.fail(denied(), 1);
    assert_eq!(cidr.resolve().await, Err(CidrError::Failed(denied())));
    assert_eq!(cidr.known(), None);
    for _ in 0..2 {
        assert_eq!(cidr.resolve().await, Ok("10.100.0.0/16"));
    }
    assert_eq!(cidr.known(), Some("10.100.0.0/16"));
    assert_eq!(fake.count(Operation::DescribeCluster), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_may_have_addresses_of_version_6_or_none() {
    let fake = fake();
    let set = |v6: &str| {
        fake.change(|state| {
            let cluster = state.clusters.get_mut(NAME).expect("the cluster");
            cluster.service_ipv4_cidr.clear();
            v6.clone_into(&mut cluster.service_ipv6_cidr);
        });
        ServiceCidr::new(fake.calls().eks, NAME)
    };
    assert_eq!(set("fd00::/108").resolve().await, Ok("fd00::/108"));
    let missing = Err(CidrError::Missing(NAME.to_owned()));
    assert_eq!(set("").resolve().await, missing);
}
