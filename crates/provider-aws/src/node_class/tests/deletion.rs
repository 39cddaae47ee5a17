//! The end of classes.

use aws::ec2::{LaunchTemplate, StoredTemplate};
use aws::{Tags, tags};

use super::*;
use crate::calls::InstanceProfile;

const FINALIZER: &str = api::labels::AWS_TERMINATION_FINALIZER;
const IAM: [Operation; 4] = [
    Operation::ListInstanceProfiles,
    Operation::GetInstanceProfile,
    Operation::RemoveRoleFromInstanceProfile,
    Operation::DeleteInstanceProfile,
];

fn is_gone(rig: &Rig) -> bool {
    rig.kube.get(CLASSES, "default").is_none()
}

fn profiles(rig: &Rig) -> Vec<String> {
    rig.fake
        .change(|state| state.profiles.keys().cloned().collect())
}

fn templates(rig: &Rig) -> Vec<String> {
    rig.fake
        .change(|state| state.templates.keys().cloned().collect())
}

/// Puts a profile of the class into the account.
fn profile(rig: &Rig, name: &str, path: &str, roles: &[&str]) {
    let profile = InstanceProfile {
        name: name.to_owned(),
        path: path.to_owned(),
        roles: roles.iter().map(ToString::to_string).collect(),
    };
    rig.fake.change(|state| {
        state
            .profiles
            .insert(name.to_owned(), (profile, Tags::new()))
    });
}

/// The path of the class' profiles.
fn path(rig: &Rig) -> String {
    let class = rig.kube.get(CLASSES, "default").expect("the class");
    let uid = class["metadata"]["uid"].as_str().expect("a uid");
    rig.provider.world.cluster.class_profile_path(uid)
}

/// Puts a template of a class into the account.
fn template(rig: &Rig, name: &str, class: &str) {
    let stored = StoredTemplate {
        id: format!("lt-{name}"),
        name: name.to_owned(),
    };
    let tags = [
        (tags::CLUSTER_NAME.to_owned(), "test-cluster".to_owned()),
        (tags::NODE_CLASS.to_owned(), class.to_owned()),
    ];
    let template = LaunchTemplate {
        name: name.to_owned(),
        tags: tags.into(),
        ..LaunchTemplate::default()
    };
    rig.fake
        .change(|state| state.templates.insert(name.to_owned(), (stored, template)));
}

/// NC-4
#[tokio::test(start_paused = true)]
async fn a_class_goes_after_its_claims_and_takes_along_what_was_made_for_it() {
    let rig = rig().await;
    template(&rig, "of-the-class", "default");
    template(&rig, "of-another", "other");
    for name in ["a", "b", "c", "d", "e", "f"] {
        rig.kube.claim(name, "");
    }
    rig.kube.delete(CLASSES, "default");
    rig.fake.forget_calls();
    assert_eq!(rig.reconcile().await, Next::After(MINUTE * 10));
    rig.kube.settle().await;
    let told = ["EC2NodeClass/default WaitingOnNodeClaimTermination"];
    assert_eq!(rig.kube.told(), told);
    assert_eq!(finalizers(&rig), json!([FINALIZER]));
    assert_eq!(profiles(&rig).len(), 1);
    assert_eq!(rig.fake.change(|state| state.calls.len()), 0);

    for name in ["a", "b", "c", "d", "e", "f"] {
        let none = |claim: &mut Value| claim["metadata"]["finalizers"] = json!([]);
        rig.kube.change(CLAIMS, name, none);
        rig.kube.delete(CLAIMS, name);
    }
    assert_eq!(rig.reconcile().await, Next::AwaitChange);
    assert!(is_gone(&rig));
    assert!(profiles(&rig).is_empty());
    assert_eq!(templates(&rig), ["of-another"]);
}

/// NC-4: the end of the last claim is what a class waits for, not the ten minutes.
#[tokio::test(start_paused = true)]
async fn a_class_goes_as_soon_as_its_last_claim_is_gone() {
    let rig = Rig::new().await;
    rig.class_and_pool();
    rig.ready().await;
    rig.kube.claim("one", "");
    rig.kube.settle().await;
    rig.kube.delete(CLASSES, "default");
    rig.until("it is told", || !rig.kube.told().is_empty())
        .await;
    assert!(!is_gone(&rig));
    let none = |claim: &mut Value| claim["metadata"]["finalizers"] = json!([]);
    rig.kube.change(CLAIMS, "one", none);
    rig.kube.delete(CLAIMS, "one");
    let since = rig.kube.clock.now();
    rig.until("it is gone", || is_gone(&rig)).await;
    assert!(rig.kube.clock.now() < since + MINUTE);
}

/// NC-5: whatever state profiles are in, those of the class go and others stay.
#[tokio::test(start_paused = true)]
async fn profiles_of_the_class_are_deleted_in_whatever_state_they_are() {
    let rig = rig().await;
    let path = path(&rig);
    let legacy = rig.provider.world.cluster.legacy_profile_name("default");
    // The one that the status names is gone already.
    rig.fake.change(|state| state.profiles.clear());
    profile(&rig, "without-role", &path, &[]);
    profile(&rig, "current", &path, &["test-role"]);
    profile(&rig, &legacy, "/", &["test-role"]);
    profile(
        &rig,
        "of-another",
        "/karpenter/us-west-2/test-cluster/x/",
        &[],
    );
    rig.kube.delete(CLASSES, "default");
    assert_eq!(rig.reconcile().await, Next::AwaitChange);
    assert!(is_gone(&rig));
    assert_eq!(profiles(&rig), ["of-another"]);
}

/// NC-5: a profile of the user's is not ours to delete.
#[tokio::test(start_paused = true)]
async fn a_profile_that_the_class_names_is_left_alone() {
    let rig = with_class(&json!({"role": null, "instanceProfile": "mine"})).await;
    profile(&rig, "mine", "/", &["role"]);
    rig.kube.delete(CLASSES, "default");
    assert_eq!(rig.reconcile().await, Next::AwaitChange);
    assert!(is_gone(&rig));
    assert_eq!(profiles(&rig), ["mine"]);
    let role = rig
        .fake
        .change(|state| state.profiles["mine"].0.roles.clone());
    assert_eq!(role, ["role"]);
}

/// NC-5: a name that IAM does not take is not asked for.
#[tokio::test(start_paused = true)]
async fn a_profile_that_cannot_be_is_not_looked_for() {
    let cluster = "c".repeat(120);
    let name = cluster.clone();
    let flag = format!("--cluster-name={cluster}");
    let rig = Rig::still(&[&flag], move |state| {
        let clusters = &mut state.clusters;
        let there = clusters["test-cluster"].clone();
        clusters.insert(name, there);
    })
    .await;
    rig.class(&json!({"role": null, "instanceProfile": "mine"}));
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    rig.kube.delete(CLASSES, "default");
    rig.fake.forget_calls();
    assert_eq!(rig.reconcile().await, Next::AwaitChange);
    assert!(is_gone(&rig));
    let asked = IAM.map(|operation| rig.fake.count(operation));
    assert_eq!(asked, [1, 0, 0, 0]);
}

/// NC-5: without a way to IAM profiles stay.
#[tokio::test(start_paused = true)]
async fn in_an_isolated_network_iam_is_not_asked() {
    let rig = Rig::still(&["--isolated-vpc=true"], |_| {}).await;
    rig.class(&json!({"role": null, "instanceProfile": "mine"}));
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    template(&rig, "of-the-class", "default");
    rig.kube.delete(CLASSES, "default");
    rig.fake.forget_calls();
    assert_eq!(rig.reconcile().await, Next::AwaitChange);
    assert!(is_gone(&rig));
    assert_eq!(IAM.map(|operation| rig.fake.count(operation)), [0; 4]);
    assert!(templates(&rig).is_empty());
}

/// Whatever call fails, the class stays until a later attempt has done everything.
#[tokio::test(start_paused = true)]
async fn a_class_stays_until_everything_of_it_is_gone() {
    for operation in IAM {
        let rig = rig().await;
        template(&rig, "of-the-class", "default");
        rig.kube.delete(CLASSES, "default");
        rig.kube.settle().await;
        rig.fake.fail(denied(operation), 1);
        assert_eq!(rig.reconcile().await, Next::Failed, "{operation}");
        assert_eq!(finalizers(&rig), json!([FINALIZER]), "{operation}");
        assert_eq!(profiles(&rig).len(), 1, "{operation}");
        assert_eq!(rig.reconcile().await, Next::AwaitChange, "{operation}");
        assert!(is_gone(&rig), "{operation}");
        assert!(profiles(&rig).is_empty(), "{operation}");
        assert!(templates(&rig).is_empty(), "{operation}");
    }
}

/// LT-23: a template that can't be deleted holds up the class, but not the other templates.
#[tokio::test(start_paused = true)]
async fn a_template_that_cannot_be_deleted_keeps_the_class() {
    let rig = rig().await;
    rig.fake.change(|state| state.templates.clear());
    template(&rig, "a", "default");
    template(&rig, "b", "default");
    rig.kube.delete(CLASSES, "default");
    rig.fake.fail(denied(Operation::DescribeLaunchTemplates), 1);
    assert_eq!(rig.reconcile().await, Next::Failed);
    assert_eq!(templates(&rig), ["a", "b"]);
    rig.fake.fail(denied(Operation::DeleteLaunchTemplate), 1);
    assert_eq!(rig.reconcile().await, Next::Failed);
    assert_eq!(templates(&rig), ["a"]);
    assert_eq!(finalizers(&rig), json!([FINALIZER]));
    assert_eq!(rig.reconcile().await, Next::AwaitChange);
    assert!(templates(&rig).is_empty());
    assert!(is_gone(&rig));
}

/// Somebody else may wait for the class too, and may write it at the same time.
#[tokio::test(start_paused = true)]
async fn the_finalizers_of_others_stay() {
    let rig = rig().await;
    let both = json!(["example.com/mine", FINALIZER]);
    let add = |class: &mut Value| class["metadata"]["finalizers"] = both.clone();
    rig.kube.change(CLASSES, "default", add);
    rig.kube.delete(CLASSES, "default");
    rig.kube.settle().await;
    let label = |class: &mut Value| class["metadata"]["labels"] = json!({"a": "b"});
    rig.kube.change(CLASSES, "default", label);
    let next = rig.provider.classes.reconcile("default").await;
    assert_eq!(next, Next::After(SOON), "somebody else has written");
    assert_eq!(finalizers(&rig), both);
    assert_eq!(rig.reconcile().await, Next::AwaitChange);
    assert_eq!(finalizers(&rig), json!(["example.com/mine"]));
    rig.fake.forget_calls();
    assert_eq!(rig.reconcile().await, Next::AwaitChange);
    assert_eq!(rig.fake.change(|state| state.calls.len()), 0, "done once");
}

#[tokio::test(start_paused = true)]
async fn a_class_that_is_gone_already_is_no_failure() {
    let rig = rig().await;
    rig.kube.delete(CLASSES, "default");
    rig.kube.settle().await;
    let none = |class: &mut Value| class["metadata"]["finalizers"] = json!([]);
    rig.kube.change(CLASSES, "default", none);
    assert!(is_gone(&rig));
    let next = rig.provider.classes.reconcile("default").await;
    assert_eq!(next, Next::AwaitChange);
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_that_cannot_be_removed_is_removed_later() {
    let rig = rig().await;
    rig.kube.delete(CLASSES, "default");
    rig.lose(Method::PATCH, "ec2nodeclasses/default");
    assert_eq!(rig.reconcile().await, Next::Failed);
    assert!(!is_gone(&rig));
    assert_eq!(rig.reconcile().await, Next::AwaitChange);
    assert!(is_gone(&rig));
}
