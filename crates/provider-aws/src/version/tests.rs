use std::sync::Arc;

use aws::Operation;
use model::Timestamp;
use runtime::Clock;

use super::*;
use crate::fake::Fake;

const NAME: &str = "test-cluster";

fn fake() -> Fake {
    Fake::new(Clock::simulated(Timestamp::from_seconds(1_800_000_000)))
}

fn of_eks(fake: &Fake) -> Versions {
    Versions::new(Source::Eks(fake.calls().eks, NAME.to_owned()))
}

fn set(fake: &Fake, version: &str) {
    fake.change(|state| {
        let cluster = state.clusters.get_mut(NAME).expect("the cluster");
        version.clone_into(&mut cluster.version);
    });
}

/// VER-1: with EKS as control plane, EKS says the version.
#[tokio::test(start_paused = true)]
async fn eks_says_the_version() {
    let fake = fake();
    let versions = of_eks(&fake);
    let version = versions.update().await.expect("a version");
    assert_eq!(version.as_str(), "1.30");
    assert_eq!(versions.get(), version);
    assert_eq!(fake.count(Operation::DescribeCluster), 1);
}

/// VER-2: without, the API server says it. (That a `+` is dropped is tested in `aws::version`.)
#[tokio::test(start_paused = true)]
async fn the_api_server_says_the_version() {
    let now: apiserver::Clock = Arc::new(jiff::Timestamp::default);
    let server = apiserver::Server::new(apiserver::Config::new(now, 7));
    let client = runtime::Client::from_service(server.client_service());
    let versions = Versions::new(Source::Server(client));
    let version = versions.update().await.expect("a version");
    assert_eq!(version.as_str(), "1.36");
    assert_eq!(versions.get(), version);
}

#[tokio::test(start_paused = true)]
async fn the_last_version_stays_when_there_is_no_answer() {
    let fake = fake();
    let versions = of_eks(&fake);
    assert_eq!(versions.get().as_str(), "");
    assert_eq!(versions.round().await.ok(), Some(INTERVAL));
    let failure = Failure::new(Operation::DescribeCluster, "ServerException", "no");
    fake.fail(failure, 1);
    assert!(versions.round().await.is_err());
    assert_eq!(versions.get().as_str(), "1.30");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_not_supported_is_told_once() {
    let fake = fake();
    let versions = of_eks(&fake);
    set(&fake, "1.22");
    versions.update().await.expect("used all the same");
    let error = versions.refresh().await.expect_err("too old");
    assert!(error.to_string().contains("not compatible"), "{error}");
    assert_eq!(versions.round().await.ok(), Some(INTERVAL));
    set(&fake, "1.33");
    assert_eq!(versions.round().await.ok(), Some(INTERVAL));
    set(&fake, "1.99");
    assert!(versions.round().await.is_err());
    assert_eq!(versions.round().await.ok(), Some(INTERVAL));
    assert_eq!(versions.get().as_str(), "1.99");
}
