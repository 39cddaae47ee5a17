//! What is written into classes, and when.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_class_as_it_should_be_is_not_written() {
    let rig = rig().await;
    let version = version_of(CLASSES, &rig, "default");
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    rig.kube.clock.sleep(MINUTE * 6).await;
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    assert_eq!(version_of(CLASSES, &rig, "default"), version);
}

#[tokio::test(start_paused = true)]
async fn our_finalizer_is_put_beside_those_of_others() {
    let rig = Rig::still(&[], |_| {}).await;
    let mut class = crate::testing::rig::class(&json!({}));
    class["metadata"]["finalizers"] = json!(["example.com/mine"]);
    class["metadata"]["annotations"] = json!({"example.com/note": "a"});
    rig.kube.create(CLASSES, class);
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    let ours = api::labels::AWS_TERMINATION_FINALIZER;
    assert_eq!(finalizers(&rig), json!(["example.com/mine", ours]));
    let note = rig.annotation(CLASSES, "default", "example.com/note");
    assert_eq!(note.as_deref(), Some("a"));
}

/// A class that somebody writes meanwhile is looked at again as it is then.
#[tokio::test(start_paused = true)]
async fn a_status_is_not_written_over_a_newer_class() {
    let rig = rig().await;
    rig.kube.clock.sleep(MINUTE * 2).await;
    rig.fake.change(|state| state.subnets.remove(0));
    let change = |class: &mut Value| class["spec"]["detailedMonitoring"] = json!(true);
    rig.kube.change(CLASSES, "default", change);
    let version = version_of(CLASSES, &rig, "default");
    let next = rig.provider.classes.reconcile("default").await;
    assert_eq!(next, Next::After(SOON));
    assert_eq!(version_of(CLASSES, &rig, "default"), version);
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    let class = rig.known().await;
    assert_eq!(class.status.subnets.len(), 2);
    let ready = api::condition::find(&class.status.conditions, "Ready").expect("told");
    assert_eq!(ready.observed_generation, class.metadata.generation);
    assert!(ready.is_true());
}

/// The same for finalizer and hash.
#[tokio::test(start_paused = true)]
async fn metadata_is_not_written_over_a_newer_class() {
    let rig = Rig::still(&[], |_| {}).await;
    rig.class(&json!({}));
    rig.kube.settle().await;
    let theirs = json!(["example.com/mine"]);
    let add = |class: &mut Value| class["metadata"]["finalizers"] = theirs.clone();
    rig.kube.change(CLASSES, "default", add);
    let next = rig.provider.classes.reconcile("default").await;
    assert_eq!(next, Next::After(SOON));
    assert_eq!(finalizers(&rig), theirs);
    assert_eq!(rig.fake.change(|state| state.calls.len()), 0);
}

#[tokio::test(start_paused = true)]
async fn a_class_that_goes_meanwhile_is_no_failure() {
    let rig = Rig::still(&[], |_| {}).await;
    rig.class(&json!({}));
    rig.kube.settle().await;
    rig.kube.delete(CLASSES, "default");
    let next = rig.provider.classes.reconcile("default").await;
    assert_eq!(next, Next::AwaitChange);
    assert_eq!(rig.reconcile().await, Next::AwaitChange);
    assert_eq!(rig.fake.change(|state| state.profiles.len()), 0);
}

/// IP-7: a status that was lost does not make a second profile.
#[tokio::test(start_paused = true)]
async fn a_status_that_cannot_be_written_is_written_later() {
    let rig = Rig::still(&[], |_| {}).await;
    rig.class(&json!({}));
    rig.lose(Method::PATCH, "ec2nodeclasses/default/status");
    assert_eq!(rig.reconcile().await, Next::Failed);
    assert_eq!(rig.condition("Ready"), None);
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    let ready = ("True".to_owned(), "Ready".to_owned());
    assert_eq!(rig.condition("Ready"), Some(ready));
    assert_eq!(rig.fake.change(|state| state.profiles.len()), 1);
}

/// What could be found is written even where a search failed, which is told by the back-off.
#[tokio::test(start_paused = true)]
async fn a_search_that_fails_holds_up_nothing_else() {
    let rig = Rig::still(&[], |_| {}).await;
    rig.class(&json!({}));
    rig.fake.fail(denied(Operation::DescribeSecurityGroups), 1);
    assert_eq!(rig.reconcile().await, Next::Failed);
    let status = |kind: &str| rig.condition(kind).map(|(status, _)| status);
    assert_eq!(status("SubnetsReady").as_deref(), Some("True"));
    assert_eq!(status("SecurityGroupsReady").as_deref(), Some("Unknown"));
    assert_eq!(status("Ready").as_deref(), Some("Unknown"));
    let waits = ("Unknown".to_owned(), "DependenciesNotReady".to_owned());
    assert_eq!(rig.condition("ValidationSucceeded"), Some(waits));
    assert_eq!(rig.reconcile().await, Next::After(MINUTE));
    assert_eq!(status("Ready").as_deref(), Some("True"));
}
