//! Scenarios of validation that need no call.

use std::sync::Arc;

use api::NodePool;
use catalog::InstanceType;
use catalog::ec2::{AmiFamily, Ec2Options, bundled};
use serde_json::{Value, json};

use super::*;
use crate::{Failure, Operation};

fn class(conditions: &[(&str, &str)]) -> Ec2NodeClass {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(kind, status)| json!({"type": kind, "status": status}))
        .collect();
    serde_json::from_value(json!({
        "metadata": {"name": "default"},
        "status": {"conditions": conditions}}))
    .expect("a class")
}

const ALL: [&str; 4] = [
    AMIS_READY,
    INSTANCE_PROFILE_READY,
    SECURITY_GROUPS_READY,
    SUBNETS_READY,
];

/// VAL-1
#[test]
fn nothing_is_tried_before_everything_that_is_selected_was_found() {
    let found = ALL.map(|kind| (kind, "True"));
    assert_eq!(awaiting(&class(&found)), None);
    for kind in ALL {
        let with = |status| {
            let conditions = ALL.map(|one| (one, if one == kind { status } else { "True" }));
            awaiting(&class(&conditions))
        };
        let expected = Verdict::invalid("DependenciesNotReady", AWAITING);
        assert_eq!(with("False"), Some(expected));
        let unknown = Verdict::Unknown {
            reason: "DependenciesNotReady",
            message: AWAITING.to_owned(),
        };
        assert_eq!(with("Unknown"), Some(unknown.clone()));
        let missing: Vec<_> = found
            .iter()
            .filter(|(one, _)| *one != kind)
            .copied()
            .collect();
        assert_eq!(awaiting(&class(&missing)), Some(unknown));
    }
}

fn refused(trial: Trial, code: &str, message: &str) -> Reaction {
    let failure = Failure::new(Operation::CreateFleet, code, message);
    reaction(trial, &failure, &class(&[]))
}

/// VAL-7: what is told of a missing permission.
#[test]
fn a_missing_permission_is_told_with_the_call_and_who_denies_it() {
    for (trial, call, reason) in [
        (
            Trial::CreateLaunchTemplate,
            "ec2:CreateLaunchTemplate",
            "CreateLaunchTemplateAuthCheckFailed",
        ),
        (
            Trial::CreateFleet,
            "ec2:CreateFleet",
            "CreateFleetAuthCheckFailed",
        ),
        (
            Trial::RunInstances,
            "ec2:RunInstances",
            "RunInstancesAuthCheckFailed",
        ),
    ] {
        for (text, who) in [
            (
                "with an explicit deny in a permissions boundary",
                "due to a permission boundary",
            ),
            (
                "with an explicit deny in a service control policy",
                "due to a service control policy",
            ),
            ("no", "because no identity-based policy allows it"),
        ] {
            let message = format!(
                "Controller isn't authorized to call {call}: User is not authorized to perform \
                 this operation {who}"
            );
            let expected = Reaction::Remember(Verdict::invalid(reason, message));
            assert_eq!(refused(trial, "UnauthorizedOperation", text), expected);
        }
    }
}

/// VAL-8: which text means what.
#[test]
fn user_data_that_is_too_large_has_a_reason_of_its_own() {
    let code = "InvalidUserData.Malformed";
    let large = refused(
        Trial::CreateLaunchTemplate,
        code,
        "User data is limited to 16384 bytes",
    );
    let message = "ec2:CreateLaunchTemplate rejected the rendered user data as too large: \
                   Rendered user data exceeds the EC2 user data size limit";
    let expected = Verdict::invalid("UserDataSizeLimitExceeded", message);
    assert_eq!(large, Reaction::Remember(expected));
    let other = refused(Trial::CreateLaunchTemplate, code, "Invalid BASE64 encoding");
    assert_eq!(other, Reaction::Fail);
}

/// VAL-10: a profile of the user's is told, one of ours is waited for.
#[test]
fn a_profile_that_is_missing_is_waited_for_and_told_if_it_is_the_users() {
    let code = "InvalidParameterValue";
    let text = "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance \
                Profile name";
    assert_eq!(refused(Trial::RunInstances, code, text), Reaction::Again);
    let failure = Failure::new(Operation::RunInstances, code, text);
    let mut of_user = class(&[]);
    of_user.spec.instance_profile = Some("mine".to_owned());
    let expected = Verdict::invalid(
        "InstanceProfileNotFound",
        "Instance profile \"mine\" not found",
    );
    let found = reaction(Trial::RunInstances, &failure, &of_user);
    assert_eq!(found, Reaction::Say(expected));
}

#[test]
fn faults_of_aws_and_throttling_say_nothing_about_the_class() {
    for code in ["RequestLimitExceeded", "Throttling"] {
        assert_eq!(
            refused(Trial::CreateFleet, code, "slow down"),
            Reaction::Again
        );
    }
    let mut failure = Failure::new(Operation::CreateFleet, "InternalError", "oops");
    failure.status = Some(500);
    assert_eq!(
        reaction(Trial::CreateFleet, &failure, &class(&[])),
        Reaction::Again
    );
    assert_eq!(
        refused(Trial::CreateFleet, "InvalidParameter", "no"),
        Reaction::Fail
    );
}

fn types() -> Vec<Arc<InstanceType>> {
    let names = ["c5.large", "m5.large", "m6g.large", "g4dn.xlarge"];
    let catalog = bundled(&Ec2Options::default()).expect("the table");
    names
        .map(|name| catalog.get(name).expect("a type").clone())
        .to_vec()
}

fn pool(requirements: Value) -> Arc<NodePool> {
    let pool = json!({"metadata": {"name": "pool"},
        "spec": {"template": {"spec": {"requirements": requirements}}}});
    Arc::new(serde_json::from_value(pool).expect("a pool"))
}

fn with_images(images: Value) -> Ec2NodeClass {
    serde_json::from_value(json!({"status": {"amis": images}})).expect("a class")
}

fn both() -> Ec2NodeClass {
    with_images(json!([
        {"id": "ami-amd64", "requirements": [
            {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}]},
        {"id": "ami-arm64", "requirements": [
            {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}]}]))
}

fn tried(class: &Ec2NodeClass, family: AmiFamily, pools: &[Arc<NodePool>]) -> Option<String> {
    let types = types();
    let candidates = Candidates {
        class,
        family,
        types: &types,
        pools,
    };
    trial_type(&candidates).map(|(found, _)| found.name.to_string())
}

fn only(name: &str) -> Arc<NodePool> {
    pool(json!([{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": [name]}]))
}

/// VAL-11
#[test]
fn windows_is_tried_on_a_common_type() {
    let pools = [only("c5.large")];
    let windows = AmiFamily::Windows2022;
    assert_eq!(tried(&both(), windows, &pools).as_deref(), Some("m5.large"));
    let arm = with_images(json!([{"id": "ami-arm64", "requirements": [
        {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}]}]));
    assert_eq!(tried(&arm, windows, &pools).as_deref(), Some("m6g.large"));
}

/// VAL-12
#[test]
fn where_no_pool_admits_a_type_with_an_image_a_common_one_is_tried() {
    let found = tried(&both(), AmiFamily::Al2023, &[only("x1.none")]);
    assert_eq!(found.as_deref(), Some("m5.large"));
    assert_eq!(
        tried(&both(), AmiFamily::Al2023, &[]).as_deref(),
        Some("m5.large")
    );
    let arm = with_images(json!([{"id": "ami-arm64", "requirements": [
        {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}]}]));
    let found = tried(&arm, AmiFamily::Al2023, &[only("c5.large")]);
    assert_eq!(found.as_deref(), Some("m6g.large"));
    assert_eq!(tried(&with_images(json!([])), AmiFamily::Al2023, &[]), None);
}

/// VAL-13
#[test]
fn a_type_without_accelerators_is_tried_first() {
    let family = AmiFamily::Al2023;
    let any = pool(
        json!([{"key": "node.kubernetes.io/instance-type", "operator": "In",
        "values": ["g4dn.xlarge", "c5.large"]}]),
    );
    assert_eq!(tried(&both(), family, &[any]).as_deref(), Some("c5.large"));
    let gpu = tried(&both(), family, &[only("g4dn.xlarge")]);
    assert_eq!(gpu.as_deref(), Some("g4dn.xlarge"));
}
