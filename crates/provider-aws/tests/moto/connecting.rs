//! How region, endpoint and credentials are found: in the environment of a process, which each of
//! these tests has to itself.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use moto::{Call, Fault, Moto};
use provider_aws::sdk::{self, Connected, Error};
use runtime::metrics::Metrics;

use crate::support::{VERSION, settings};

/// Set to the name of the test in the process that it starts.
const CHILD: &str = "KARPENTER_TEST_IN_CHILD";

/// Whether this is the process that a test has started for itself.
fn is_child(test: &str) -> bool {
    env::var_os(CHILD).is_some_and(|name| name == test)
}

/// Runs a test again, in a process with nothing about AWS in its environment but this.
fn run_child(test: &str, environment: &[(&str, &str)]) {
    let mut command = Command::new(env::current_exe().expect("this program"));
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    let output = command
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, test)
        .env("AWS_CONFIG_FILE", "/nowhere/config")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials")
        .envs(environment.iter().copied())
        .output()
        .expect("a process");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    assert!(said.contains("1 passed"), "{said}{errors}");
}

/// Connects as the product does.
async fn connect() -> Result<Connected, Error> {
    sdk::connect(&settings(&Metrics::new())).await
}

/// A folder of a test, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn moto() -> &'static Moto {
    Moto::shared().expect("moto")
}

/// The calls of EC2 in a region.
fn calls_in(region: &str) -> Vec<Call> {
    let mut calls = moto().calls().expect("calls");
    calls.retain(|call| call.region == region && call.service == "ec2");
    calls
}

#[tokio::test]
async fn region_endpoint_and_keys_are_those_of_the_environment() {
    let test = "connecting::region_endpoint_and_keys_are_those_of_the_environment";
    if is_child(test) {
        let connected = connect().await.expect("a region");
        assert_eq!(connected.region, "mx-central-1");
        connected.calls.ec2.check().await.expect("an answer");
        return;
    }
    let environment = moto().environment("mx-central-1");
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    run_child(test, &environment);
    let calls = calls_in("mx-central-1");
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].key, "test");
    let ours = format!(" karpenter.sh-{VERSION}");
    let agent = &calls[0].agent;
    assert!(
        agent.starts_with("aws-sdk-rust/") && agent.ends_with(&ours),
        "{agent}"
    );
}

#[tokio::test]
async fn without_a_region_there_is_no_connection() {
    let test = "connecting::without_a_region_there_is_no_connection";
    if is_child(test) {
        let error = connect().await.err().expect("no region");
        assert_eq!(error, Error::NoRegion);
        let text = error.to_string();
        assert!(
            text.starts_with("unable to determine region from IMDS"),
            "{text}"
        );
        return;
    }
    run_child(test, &[("AWS_EC2_METADATA_DISABLED", "true")]);
}

#[tokio::test]
async fn an_instance_tells_its_region_and_gives_keys() {
    let test = "connecting::an_instance_tells_its_region_and_gives_keys";
    if is_child(test) {
        let connected = connect().await.expect("a region");
        assert_eq!(connected.region, "us-east-1");
        connected.calls.ec2.check().await.expect("an answer");
        return;
    }
    let endpoint = moto().endpoint();
    let environment = [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint.as_str()),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
    ];
    run_child(test, &environment);
    let signed = moto().calls_by("test-key").expect("calls");
    assert_eq!(signed.len(), 1, "{signed:?}");
    assert_eq!(signed[0].action, "DescribeInstanceTypes");
}

#[tokio::test]
async fn a_profile_of_the_shared_files_is_used() {
    let test = "connecting::a_profile_of_the_shared_files_is_used";
    if is_child(test) {
        let connected = connect().await.expect("a region");
        assert_eq!(connected.region, "ap-southeast-5");
        connected.calls.ec2.check().await.expect("an answer");
        return;
    }
    let folder = folder("profile");
    let (config, keys) = (folder.join("config"), folder.join("credentials"));
    let endpoint = moto().endpoint();
    let profile = format!("[profile a]\nregion = ap-southeast-5\nendpoint_url = {endpoint}\n");
    std::fs::write(&config, profile).expect("written");
    let secret = "[a]\naws_access_key_id = of-a-profile\naws_secret_access_key = secret\n";
    std::fs::write(&keys, secret).expect("written");
    let environment = [
        ("AWS_PROFILE", "a"),
        ("AWS_CONFIG_FILE", config.to_str().expect("a path")),
        (
            "AWS_SHARED_CREDENTIALS_FILE",
            keys.to_str().expect("a path"),
        ),
    ];
    run_child(test, &environment);
    let calls = calls_in("ap-southeast-5");
    assert_eq!((calls.len(), calls[0].key.as_str()), (1, "of-a-profile"));
}

#[tokio::test]
async fn a_web_identity_is_exchanged_for_the_keys_of_a_role() {
    let test = "connecting::a_web_identity_is_exchanged_for_the_keys_of_a_role";
    if is_child(test) {
        let calls = connect().await.expect("a region").calls;
        calls.ec2.check().await.expect("an answer");
        return;
    }
    let token = folder("web-identity").join("token");
    std::fs::write(&token, "the-token-of-a-pod").expect("written");
    let endpoint = moto().endpoint();
    let environment = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_REGION", "me-south-1"),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/karpenter"),
        (
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            token.to_str().expect("a path"),
        ),
    ];
    run_child(test, &environment);
    let exchanged = moto().calls_of("AssumeRoleWithWebIdentity", "");
    let exchanged = exchanged.expect("calls");
    assert_eq!(exchanged.len(), 1);
    let field = |name| exchanged[0].field(name);
    assert_eq!(field("WebIdentityToken"), Some("the-token-of-a-pod"));
    assert_eq!(
        field("RoleArn"),
        Some("arn:aws:iam::123456789012:role/karpenter")
    );
    let calls = calls_in("me-south-1");
    assert_eq!(calls.len(), 1);
    assert!(calls[0].key.starts_with("ASIA"), "{calls:?}");
}

#[tokio::test]
async fn pod_identity_gives_keys_for_a_token() {
    let test = "connecting::pod_identity_gives_keys_for_a_token";
    if is_child(test) {
        let calls = connect().await.expect("a region").calls;
        calls.ec2.check().await.expect("an answer");
        return;
    }
    let token = folder("pod-identity").join("token");
    std::fs::write(&token, "of-pod-identity").expect("written");
    let endpoint = moto().endpoint();
    let address = format!("{endpoint}/v1/credentials");
    let environment = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_REGION", "me-central-1"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", address.as_str()),
        (
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            token.to_str().expect("a path"),
        ),
    ];
    run_child(test, &environment);
    let calls = calls_in("me-central-1");
    assert_eq!((calls.len(), calls[0].key.as_str()), (1, "of-pod-identity"));
}

#[tokio::test]
async fn the_endpoint_of_one_service_and_the_number_of_attempts_can_be_set() {
    let test = "connecting::the_endpoint_of_one_service_and_the_number_of_attempts_can_be_set";
    if is_child(test) {
        let calls = connect().await.expect("a region").calls;
        let failure = calls.ec2.check().await.expect_err("a fault");
        assert!(failure.is_throttled(), "{failure}");
        return;
    }
    let fault = Fault::on("ec2", "")
        .code("RequestLimitExceeded")
        .status(503);
    moto().fault(&fault.of("two-attempts")).expect("set");
    let endpoint = moto().endpoint();
    let environment = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ENDPOINT_URL_EC2", endpoint.as_str()),
        ("AWS_REGION", "ap-southeast-7"),
        ("AWS_ACCESS_KEY_ID", "two-attempts"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_MAX_ATTEMPTS", "2"),
    ];
    run_child(test, &environment);
    assert_eq!(calls_in("ap-southeast-7").len(), 2);
}
