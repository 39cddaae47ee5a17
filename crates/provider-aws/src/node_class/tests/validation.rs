//! Trials of classes.

use aws::ec2::LaunchTemplate;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::*;
use crate::fake::Request;
use crate::fake::State;
use crate::node_class::validation::{AGAIN, SOON};

const RUN: Operation = Operation::RunInstances;
const TRIALS: [Operation; 3] = [
    Operation::CreateLaunchTemplate,
    Operation::CreateFleet,
    Operation::RunInstances,
];

fn verdict(rig: &Rig) -> (String, String) {
    rig.condition("ValidationSucceeded").expect("a verdict")
}

fn said(status: &str, reason: &str) -> (String, String) {
    (status.to_owned(), reason.to_owned())
}

fn succeeded() -> (String, String) {
    said("True", "ValidationSucceeded")
}

/// The templates that were made, in order.
fn made(rig: &Rig) -> Vec<LaunchTemplate> {
    let requests = rig
        .fake
        .requests(Operation::CreateLaunchTemplate)
        .into_iter();
    let templates = requests.filter_map(|request| match request {
        Request::Template(template) => Some(*template),
        _ => None,
    });
    templates.collect()
}

fn user_data(template: &LaunchTemplate) -> String {
    let bytes = BASE64_STANDARD.decode(&template.data.user_data);
    String::from_utf8(bytes.expect("base64")).expect("a text")
}

/// A rig over an account, with a class that nobody has looked at.
async fn fresh(fields: &Value, args: &[&str], prepare: impl FnOnce(&mut State)) -> Rig {
    let rig = Rig::still(args, prepare).await;
    rig.class(fields);
    rig
}

/// Fails as EC2 itself does.
fn fault(operation: Operation) -> Failure {
    let mut failure = Failure::new(operation, "InternalError", "oops");
    failure.status = Some(500);
    failure
}

/// VAL-2
#[tokio::test(start_paused = true)]
async fn al2023_is_told_the_addresses_of_services_in_either_version() {
    for (v4, v6, expected) in [
        ("10.100.0.0/16", "", "cidr: 10.100.0.0/16"),
        ("", "fd00:10::/108", "cidr: fd00:10::/108"),
    ] {
        let rig = fresh(&json!({}), &[], |state| {
            let cluster = state.clusters.get_mut("test-cluster").expect("a cluster");
            v4.clone_into(&mut cluster.service_ipv4_cidr);
            v6.clone_into(&mut cluster.service_ipv6_cidr);
        })
        .await;
        assert_eq!(rig.reconcile().await, Next::After(MINUTE));
        assert_eq!(verdict(&rig), succeeded());
        let text = user_data(&made(&rig)[0]);
        assert!(text.contains(expected), "{expected} is not in {text}");
        assert_eq!(rig.fake.count(Operation::DescribeCluster), 1);
    }
}

/// VAL-2: nobody else needs them.
#[tokio::test(start_paused = true)]
async fn for_other_families_the_cluster_is_not_asked_for() {
    for family in ["AL2", "Bottlerocket", "Ubuntu", "Windows2022", "Custom"] {
        let fields = json!({"amiFamily": family, "amiSelectorTerms": [{"id": "ami-test1"}]});
        let rig = fresh(&fields, &[], |_| {}).await;
        assert_eq!(rig.reconcile().await, Next::After(MINUTE), "{family}");
        assert_eq!(verdict(&rig), succeeded(), "{family}");
        assert_eq!(rig.fake.count(Operation::DescribeCluster), 0, "{family}");
    }
}

/// VAL-2: an answer that is missing for a moment says nothing; a refusal is told.
#[tokio::test(start_paused = true)]
async fn addresses_of_services_that_cannot_be_known_are_told() {
    let rig = fresh(&json!({}), &[], |_| {}).await;
    rig.fake.fail(fault(Operation::DescribeCluster), 1);
    assert_eq!(rig.reconcile().await, Next::After(SOON));
    assert_eq!(verdict(&rig).0, "Unknown");
    rig.fake.fail(denied(Operation::DescribeCluster), 1);
    assert_eq!(rig.reconcile().await, Next::Failed);
    let failed = said("False", "ClusterCIDRResolutionFailed");
    assert_eq!(verdict(&rig), failed);
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    assert_eq!(verdict(&rig), succeeded());
}

/// VAL-3: our definition refuses such tags; that of an earlier release may not.
#[tokio::test(start_paused = true)]
async fn tags_that_are_not_for_users_are_told() {
    let rig = rig().await;
    rig.fake.forget_calls();
    let mut class = (*rig.known().await).clone();
    let tags = &mut class.spec.tags;
    tags.insert("karpenter.sh/nodeclaim".to_owned(), "mine".to_owned());
    let again = rig.provider.classes.parts.validation.reconcile(&mut class);
    assert_eq!(again.await.expect("a verdict"), None);
    let conditions = &class.status.conditions;
    let told = api::condition::find(conditions, "ValidationSucceeded").expect("told");
    assert_eq!(
        (told.status.as_str(), told.reason.as_str()),
        ("False", "TagValidationFailed")
    );
    assert!(
        told.message.contains("karpenter.sh/nodeclaim"),
        "{}",
        told.message
    );
    assert_eq!(TRIALS.map(|trial| rig.fake.count(trial)), [0; 3]);
}

/// VAL-9
#[tokio::test(start_paused = true)]
async fn one_subnet_in_which_a_launch_would_work_is_enough() {
    let rig = fresh(&json!({}), &[], |_| {}).await;
    rig.fake.fail(fault(RUN), 1);
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    assert_eq!(verdict(&rig), succeeded());
    let subnets: Vec<String> = rig
        .fake
        .requests(RUN)
        .into_iter()
        .map(|request| match request {
            Request::Run(check) => check.subnet_id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(subnets, ["subnet-test1", "subnet-test2"]);
}

/// VAL-14
#[tokio::test(start_paused = true)]
async fn machines_of_ones_own_are_tried_if_a_pool_of_the_class_allows_them() {
    let key = "karpenter.k8s.aws/instance-tenancy";
    for (values, tenancy) in [
        (json!(["dedicated", "default"]), "dedicated"),
        (json!(["dedicated"]), "dedicated"),
        (json!(["default"]), "default"),
    ] {
        let rig = fresh(&json!({}), &[], |_| {}).await;
        rig.kube.pool("plain", &json!([]));
        let wanted = json!([{"key": key, "operator": "In", "values": values}]);
        rig.kube.pool("wanting", &wanted);
        assert_eq!(rig.reconcile().await, Next::After(MINUTE));
        assert_eq!(made(&rig)[0].data.placement.tenancy, tenancy, "{values}");
    }
}

/// VAL-15
#[tokio::test(start_paused = true)]
async fn a_trial_is_repeated_when_the_class_changes_and_after_half_an_hour() {
    let rig = rig().await;
    assert_eq!(rig.fake.count(RUN), 1);
    rig.reconcile().await;
    rig.kube.clock.sleep(MINUTE * 29).await;
    rig.reconcile().await;
    assert_eq!(rig.fake.count(RUN), 1);
    let note = |class: &mut Value| class["metadata"]["annotations"]["a"] = json!("b");
    rig.kube.change(CLASSES, "default", note);
    rig.reconcile().await;
    assert_eq!(rig.fake.count(RUN), 2);
    rig.kube.clock.sleep(MINUTE * 31).await;
    rig.reconcile().await;
    assert_eq!(rig.fake.count(RUN), 3);
    assert_eq!(verdict(&rig), succeeded());
}

/// VAL-16: of a class that is gone nothing is remembered, however it went.
#[tokio::test(start_paused = true)]
async fn a_class_of_the_same_name_is_tried_anew() {
    let mine = json!({"role": null, "instanceProfile": "mine"});
    let rig = with_class(&mine).await;
    rig.reconcile().await;
    assert_eq!(rig.fake.count(RUN), 1);
    rig.kube.delete(CLASSES, "default");
    assert_eq!(rig.reconcile().await, Next::AwaitChange);
    rig.class(&mine);
    rig.reconcile().await;
    rig.reconcile().await;
    assert_eq!(rig.fake.count(RUN), 2);
    let none = |class: &mut Value| class["metadata"]["finalizers"] = json!([]);
    rig.kube.change(CLASSES, "default", none);
    rig.kube.delete(CLASSES, "default");
    assert_eq!(rig.reconcile().await, Next::AwaitChange);
    rig.class(&mine);
    rig.reconcile().await;
    assert_eq!(rig.fake.count(RUN), 3);
}

/// What other classes have shown stays.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_class_is_not_that_of_another() {
    let rig = rig().await;
    rig.provider.classes.parts.validation.forget("other");
    rig.reconcile().await;
    assert_eq!(rig.fake.count(RUN), 1);
}

/// VAL-17
#[tokio::test(start_paused = true)]
async fn without_dry_runs_nothing_is_tried() {
    let rig = fresh(&json!({}), &["--disable-dry-run=true"], |_| {}).await;
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    assert_eq!(verdict(&rig), succeeded());
    assert_eq!(TRIALS.map(|trial| rig.fake.count(trial)), [0; 3]);
}

/// VAL-7: each of the three, and its result is remembered.
#[tokio::test(start_paused = true)]
async fn what_may_not_be_called_is_told_and_not_called_again_soon() {
    for (trial, reason) in [
        (TRIALS[0], "CreateLaunchTemplateAuthCheckFailed"),
        (TRIALS[1], "CreateFleetAuthCheckFailed"),
        (TRIALS[2], "RunInstancesAuthCheckFailed"),
    ] {
        let rig = fresh(&json!({}), &[], |_| {}).await;
        rig.fake
            .fail(Failure::new(trial, "UnauthorizedOperation", "no"), 3);
        assert_eq!(rig.reconcile().await, Next::After(MINUTE));
        assert_eq!(verdict(&rig), said("False", reason));
        let message = rig.known().await.status.conditions.clone();
        let asked = rig.fake.count(trial);
        rig.reconcile().await;
        assert_eq!(rig.fake.count(trial), asked, "{trial}");
        assert_eq!(rig.known().await.status.conditions, message);
    }
}

/// An answer that is missing says nothing about the class.
#[tokio::test(start_paused = true)]
async fn a_trial_that_is_not_answered_is_repeated_soon() {
    for trial in TRIALS {
        let rig = fresh(&json!({}), &[], |_| {}).await;
        rig.fake.fail(fault(trial), 3);
        assert_eq!(rig.reconcile().await, Next::After(SOON), "{trial}");
        assert_eq!(verdict(&rig).0, "Unknown", "{trial}");
        rig.fake.change(|state| state.failing.clear());
        assert_eq!(rig.reconcile().await, Next::After(MINUTE), "{trial}");
        assert_eq!(verdict(&rig), succeeded(), "{trial}");
    }
}

/// A refusal that has no reason of its own is told by the log and the back-off.
#[tokio::test(start_paused = true)]
async fn a_trial_that_is_refused_for_another_reason_is_a_failure() {
    for trial in TRIALS {
        let rig = fresh(&json!({}), &[], |_| {}).await;
        rig.fake
            .fail(Failure::new(trial, "InvalidParameter", "no"), 3);
        assert_eq!(rig.reconcile().await, Next::Failed, "{trial}");
        assert_eq!(verdict(&rig).0, "Unknown", "{trial}");
        rig.fake.change(|state| state.failing.clear());
        assert_eq!(rig.reconcile().await, Next::After(MINUTE), "{trial}");
        assert_eq!(verdict(&rig), succeeded(), "{trial}");
    }
}

/// VAL-10: our own profile may not be known everywhere yet; the user's is missing.
#[tokio::test(start_paused = true)]
async fn a_profile_that_ec2_does_not_know_yet_is_waited_for() {
    let missing = || {
        let message = "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM \
                       Instance Profile name";
        Failure::new(RUN, "InvalidParameterValue", message)
    };
    let rig = fresh(&json!({}), &[], |_| {}).await;
    rig.fake.fail(missing(), 3);
    assert_eq!(rig.reconcile().await, Next::After(SOON));
    assert_eq!(verdict(&rig).0, "Unknown");
    let mine = json!({"role": null, "instanceProfile": "mine"});
    let rig = fresh(&mine, &[], |_| {}).await;
    rig.fake.fail(missing(), 3);
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    assert_eq!(verdict(&rig), said("False", "InstanceProfileNotFound"));
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    assert_eq!(verdict(&rig), succeeded(), "it is looked for each time");
}

/// VAL-4: what can be seen without asking is not asked.
#[tokio::test(start_paused = true)]
async fn settings_of_the_kubelet_that_mean_nothing_are_told() {
    let rig = fresh(&json!({"kubelet": {"maxPods": true}}), &[], |_| {}).await;
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    assert_eq!(verdict(&rig), said("False", "InvalidKubeletConfiguration"));
    assert_eq!(TRIALS.map(|trial| rig.fake.count(trial)), [0; 3]);
}

/// VAL-6: before the types are known nothing can be said.
#[tokio::test(start_paused = true)]
async fn without_types_nothing_is_tried() {
    let cel = "--aws-feature-gates=NodeClassCEL=true";
    let kubelet = json!({"kubelet": {"maxPods": "vcpus * 10"}});
    let rig = fresh(&kubelet, &[cel], |state| state.machines.clear()).await;
    let next = rig.reconcile().await;
    assert_eq!(
        (next, verdict(&rig).0.as_str()),
        (Next::After(SOON), "Unknown")
    );
    assert_eq!(TRIALS.map(|trial| rig.fake.count(trial)), [0; 3]);
}

/// A class whose images no type runs.
#[tokio::test(start_paused = true)]
async fn a_class_of_which_nothing_can_be_launched_is_a_failure() {
    let of_arm = |state: &mut State| {
        let machines = &mut state.machines;
        machines.retain(|machine| machine.name == "m6g.large");
        assert_eq!(machines.len(), 1);
    };
    let fields = json!({"amiFamily": "AL2023", "amiSelectorTerms": [{"id": "ami-test1"}]});
    let rig = fresh(&fields, &[], of_arm).await;
    assert_eq!(rig.reconcile().await, Next::Failed);
    assert_eq!(verdict(&rig).0, "Unknown");
    assert_eq!(TRIALS.map(|trial| rig.fake.count(trial)), [0; 3]);
}

/// While something that it needs is missing, a class is looked at again after a time of its own.
#[tokio::test(start_paused = true)]
async fn validation_waits_for_what_is_selected() {
    let rig = fresh(&json!({}), &[], |state| state.subnets.clear()).await;
    rig.reconcile().await;
    assert_eq!(verdict(&rig), said("False", "DependenciesNotReady"));
    let mut class = (*rig.known().await).clone();
    let again = rig.provider.classes.parts.validation.reconcile(&mut class);
    assert_eq!(again.await.expect("a verdict"), Some(AGAIN));
    assert_eq!(TRIALS.map(|trial| rig.fake.count(trial)), [0; 3]);
}
