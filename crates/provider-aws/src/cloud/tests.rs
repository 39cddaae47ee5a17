//! The cloud as the loops call it, over a pretended AWS.

use api::labels::CAPACITY_RESERVATION_ID;
use aws::{Failure, Operation};
use http::Method;
use runtime::Next;
use serde_json::{Value, json};

use super::*;
use crate::testing::rig::{Rig, claim};
use crate::testing::{CLASSES, POOLS, instance};

mod elsewhere;

const DESCRIBE: Operation = Operation::DescribeInstances;

/// A class that is ready, with its pool, and no loop.
async fn rig() -> Rig {
    let rig = Rig::still(&[], |_| {}).await;
    rig.class_and_pool();
    assert!(matches!(rig.reconcile().await, Next::After(_)));
    rig.kube.settle().await;
    rig
}

/// A claim that has got its instance, as the loops then write it.
async fn with_instance(rig: &Rig) -> NodeClaim {
    let launched = rig
        .provider
        .cloud()
        .create(&claim())
        .await
        .expect("an instance");
    let mut claim = claim();
    claim.metadata.labels.extend(launched.labels);
    claim.metadata.annotations.extend(launched.annotations);
    claim.status.provider_id = launched.provider_id;
    claim.status.image_id = launched.image_id;
    claim
}

async fn refused(rig: &Rig) -> CloudError {
    rig.kube.settle().await;
    let answer = rig.provider.cloud().create(&claim()).await;
    answer.expect_err("a refusal")
}

/// The root condition says something else.
fn readiness(rig: &Rig, status: &str, message: &str) {
    rig.status(|all| {
        let conditions = all["conditions"].as_array_mut().expect("conditions");
        let ready = conditions.iter_mut().find(|one| one["type"] == "Ready");
        let ready = ready.expect("the root");
        ready["status"] = json!(status);
        ready["message"] = json!(message);
    });
}

/// The definition of an earlier release, which knew fewer rules for tags.
fn without_rules_for_tags(rig: &Rig) {
    let all = api::crd::all();
    let mut of_class = all
        .into_iter()
        .find(|one| one["metadata"]["name"] == "ec2nodeclasses.karpenter.k8s.aws")
        .expect("a definition");
    let schema = &mut of_class["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let tags = &mut schema["properties"]["spec"]["properties"]["tags"];
    let rules = tags["x-kubernetes-validations"].take();
    assert!(rules.is_array());
    tags.as_object_mut()
        .expect("a schema")
        .remove("x-kubernetes-validations");
    rig.kube.server.install_crd(of_class).expect("a definition");
}

/// CP-1: what is not known of a class is no reason to give the claim up; what is known is.
#[tokio::test(start_paused = true)]
async fn a_class_that_is_not_ready_is_not_launched_from() {
    let rig = rig().await;
    readiness(&rig, "Unknown", "");
    let expected = CloudError::Create {
        reason: "NodeClassReadinessUnknown".to_owned(),
        message: "NodeClass is in Ready=Unknown".to_owned(),
    };
    assert_eq!(refused(&rig).await.to_string(), expected.to_string());
    readiness(&rig, "False", "SubnetsReady=False");
    match refused(&rig).await {
        CloudError::NodeClassNotReady(text) => assert_eq!(text, "SubnetsReady=False"),
        other => panic!("{other}"),
    }
    readiness(&rig, "True", "");
    let change = |class: &mut Value| class["spec"]["detailedMonitoring"] = json!(true);
    rig.kube.change(CLASSES, "default", change);
    match refused(&rig).await {
        CloudError::NodeClassNotReady(text) => {
            let stale = "nodeclass status has not been reconciled against the latest spec";
            assert_eq!(text, stale);
        }
        other => panic!("{other}"),
    }
    assert_eq!(rig.fake.change(|state| state.instances.len()), 0);
    rig.reconcile().await;
    rig.kube.settle().await;
    rig.provider
        .cloud()
        .create(&claim())
        .await
        .expect("an instance");
}

/// CP-1: tags that only we may set, in a class that the definition of an earlier release let
/// through.
#[tokio::test(start_paused = true)]
async fn a_class_with_tags_of_ours_is_not_launched_from() {
    let rig = rig().await;
    without_rules_for_tags(&rig);
    let change = |class: &mut Value| class["spec"]["tags"] = json!({"karpenter.sh/nodepool": "x"});
    rig.kube.change(CLASSES, "default", change);
    rig.reconcile().await;
    let told = Some(("False".to_owned(), "TagValidationFailed".to_owned()));
    assert_eq!(rig.condition("ValidationSucceeded"), told);
    // Even if it were ready.
    readiness(&rig, "True", "");
    match refused(&rig).await {
        CloudError::NodeClassNotReady(text) => {
            assert!(text.contains("karpenter.sh/nodepool"), "{text}");
        }
        other => panic!("{other}"),
    }
}

/// A process that has just begun does not wait for the class to be looked at again.
#[tokio::test(start_paused = true)]
async fn the_first_launch_of_a_process_finds_out_the_addresses_of_services() {
    let mut rig = rig().await;
    rig.restart(&[]).await;
    let denied = Failure::new(Operation::DescribeCluster, "AccessDeniedException", "no");
    rig.fake.fail(denied, 1);
    match refused(&rig).await {
        CloudError::Create { reason, .. } => assert_eq!(reason, "ClusterCIDRResolutionFailed"),
        error => panic!("{error}"),
    }
    let cloud = rig.provider.cloud();
    cloud.create(&claim()).await.expect("an instance");
    assert_eq!(rig.fake.count(Operation::DescribeCluster), 2);
}

/// CP-1: no type is left.
#[tokio::test(start_paused = true)]
async fn a_claim_that_no_type_meets_has_no_capacity() {
    let rig = rig().await;
    let mut claim = claim();
    claim.spec.requirements[1].values = vec!["x9.huge".to_owned()];
    let answer = rig.provider.cloud().create(&claim).await;
    let error = answer.expect_err("a refusal");
    assert!(
        matches!(error, CloudError::InsufficientCapacity(_)),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_class_without_types_does_not_end_its_claims() {
    let rig = rig().await;
    rig.fake.change(|state| state.machines.clear());
    let mut other = rig;
    other.restart(&[]).await;
    match refused(&other).await {
        CloudError::Create { reason, .. } => assert_eq!(reason, "InstanceTypeResolutionFailed"),
        error => panic!("{error}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_class_is_gone_or_going_has_no_capacity() {
    let rig = rig().await;
    rig.kube.delete(CLASSES, "default");
    let going = refused(&rig).await;
    assert!(
        matches!(going, CloudError::InsufficientCapacity(_)),
        "{going}"
    );
    rig.kube.settle().await;
    assert_eq!(rig.kube.told(), ["NodeClaim/default-1 NodeClassNotFound"]);
    rig.reconcile().await;
    assert!(rig.kube.get(CLASSES, "default").is_none());
    let gone = refused(&rig).await;
    assert!(
        matches!(gone, CloudError::InsufficientCapacity(_)),
        "{gone}"
    );
}

/// A claim is given up only if the API server has no class.
#[tokio::test(start_paused = true)]
async fn a_class_that_has_not_been_heard_of_is_asked_for() {
    let mut rig = rig().await;
    rig.restart_unread(&[]).await;
    assert!(rig.provider.world.objects.classes().is_empty());
    // As often as the client asks.
    for _ in 0..5 {
        rig.lose(Method::GET, "/ec2nodeclasses/default");
    }
    let unknown = refused(&rig).await;
    assert!(matches!(unknown, CloudError::Other(_)), "{unknown}");
    let cloud = rig.provider.cloud();
    cloud.create(&claim()).await.expect("an instance");
    assert_eq!(rig.kube.told(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_provider_says_when_it_has_read_what_it_answers_from() {
    let mut rig = rig().await;
    rig.restart_unread(&[]).await;
    {
        let mut synced = std::pin::pin!(rig.provider.synced());
        assert!(futures::poll!(&mut synced).is_pending());
    }
    rig.follow().await;
    rig.provider.synced().await;
    assert_eq!(rig.provider.world.objects.classes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pool_whose_class_is_gone_has_no_types() {
    let rig = rig().await;
    let cloud = rig.provider.cloud();
    let pool = rig.provider.world.objects.pool("default").expect("a pool");
    assert!(cloud.instance_types(&pool).await.expect("types").len() > 10);
    rig.kube.delete(CLASSES, "default");
    rig.kube.settle().await;
    assert!(cloud.instance_types(&pool).await.expect("none").is_empty());
    rig.kube.settle().await;
    assert_eq!(rig.kube.told(), ["NodePool/default NodeClassNotFound"]);
}

async fn drift(rig: &Rig, claim: &NodeClaim) -> Result<Option<String>, CloudError> {
    rig.kube.settle().await;
    let drift = rig.provider.cloud().is_drifted(claim).await?;
    Ok(drift.map(|DriftReason(reason)| reason))
}

/// The image of a status is another one.
fn another_image(rig: &Rig) {
    rig.status(|status| {
        for image in status["amis"].as_array_mut().expect("images") {
            image["id"] = json!("ami-new");
        }
    });
}

/// The instances of the account are in another security group, and this is known.
async fn another_group(rig: &Rig) {
    rig.fake.change(|state| {
        for instance in state.instances.values_mut() {
            instance.security_groups = vec!["sg-other".to_owned()];
        }
    });
    rig.provider.cloud().list().await.expect("a list");
}

/// DR-5, DR-1, DR-4: what has not drifted has not, and of two reasons the image is told.
#[tokio::test(start_paused = true)]
async fn of_image_and_security_group_the_image_is_told() {
    let rig = rig().await;
    let claim = with_instance(&rig).await;
    let found = drift(&rig, &claim).await.expect("known");
    assert_eq!(found, None, "a launch's answer names no security groups");
    another_group(&rig).await;
    let found = drift(&rig, &claim).await.expect("known");
    assert_eq!(found.as_deref(), Some("SecurityGroupDrift"));
    another_image(&rig);
    let found = drift(&rig, &claim).await.expect("known");
    assert_eq!(found.as_deref(), Some("AMIDrift"));
}

/// DR-6: a class that has changed is told without asking for the instance.
#[tokio::test(start_paused = true)]
async fn a_changed_class_is_told_without_a_call() {
    let rig = rig().await;
    let claim = with_instance(&rig).await;
    another_image(&rig);
    let change = |class: &mut Value| class["spec"]["detailedMonitoring"] = json!(true);
    rig.kube.change(CLASSES, "default", change);
    rig.reconcile().await;
    rig.fake.forget_calls();
    let found = drift(&rig, &claim).await.expect("known");
    assert_eq!(found.as_deref(), Some("NodeClassDrift"));
    assert_eq!(rig.fake.change(|state| state.calls.len()), 0);
}

/// DR-8: before a reservation counts, it is looked whether the instance is still in it.
#[tokio::test(start_paused = true)]
async fn an_instance_that_has_left_its_reservation_has_not_drifted() {
    let rig = rig().await;
    let claim = with_instance(&rig).await;
    let reserve = |id: Option<&str>| {
        rig.fake.change(|state| {
            for instance in state.instances.values_mut() {
                let preference = "capacity-reservations-only";
                instance.reservation_preference = id.map(|_| preference.to_owned());
                instance.reservation_id = id.map(str::to_owned);
            }
        });
    };
    reserve(Some("cr-9"));
    rig.provider.cloud().list().await.expect("a list");
    let found = drift(&rig, &claim).await.expect("known");
    assert_eq!(found.as_deref(), Some("CapacityReservationDrift"));
    reserve(None);
    assert_eq!(drift(&rig, &claim).await.expect("known"), None);
    reserve(Some("cr-9"));
    rig.provider.cloud().list().await.expect("a list");
    rig.fake
        .fail(Failure::new(DESCRIBE, "AccessDenied", "no"), 9);
    drift(&rig, &claim).await.expect_err("not known");
}

/// DR-9
#[tokio::test(start_paused = true)]
async fn without_pool_or_class_nothing_has_drifted() {
    let rig = rig().await;
    let claim = with_instance(&rig).await;
    another_image(&rig);
    assert!(drift(&rig, &claim).await.expect("known").is_some());
    let mut of_none = claim.clone();
    of_none.metadata.labels.remove(NODEPOOL);
    assert_eq!(drift(&rig, &of_none).await.expect("known"), None);
    let mut of_another = claim.clone();
    let label = of_another.metadata.labels.get_mut(NODEPOOL);
    "gone".clone_into(label.expect("a label"));
    assert_eq!(drift(&rig, &of_another).await.expect("known"), None);
    rig.kube.delete(CLASSES, "default");
    assert_eq!(drift(&rig, &claim).await.expect("known"), None);
    rig.kube.settle().await;
    assert_eq!(rig.kube.told(), ["NodePool/default NodeClassNotFound"]);
    rig.reconcile().await;
    assert!(rig.kube.get(CLASSES, "default").is_none());
    assert_eq!(drift(&rig, &claim).await.expect("known"), None);
    rig.kube.delete(POOLS, "default");
    assert_eq!(drift(&rig, &claim).await.expect("known"), None);
}

/// DR-10
#[tokio::test(start_paused = true)]
async fn without_an_instance_it_is_not_known_whether_a_claim_has_drifted() {
    let rig = rig().await;
    let claim = with_instance(&rig).await;
    let mut bare = claim.clone();
    bare.status.provider_id.clear();
    drift(&rig, &bare).await.expect_err("there is no instance");
    rig.fake.change(|state| state.instances.clear());
    rig.provider.cloud().list().await.expect("a list");
    let error = drift(&rig, &claim).await.expect_err("it is gone");
    assert!(matches!(error, CloudError::NotFound(_)), "{error}");
}

/// DR-2: a type that nobody knows.
#[tokio::test(start_paused = true)]
async fn the_image_of_an_unknown_type_is_not_known() {
    let rig = rig().await;
    let mut claim = with_instance(&rig).await;
    claim.metadata.labels.remove(INSTANCE_TYPE);
    let error = drift(&rig, &claim).await.expect_err("not known");
    assert!(error.to_string().contains("instance type"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_none_of_ours_is_an_error() {
    let rig = rig().await;
    let cloud = rig.provider.cloud();
    let error = cloud.get("kwok://node").await.expect_err("not ours");
    assert!(matches!(error, CloudError::Other(_)), "{error}");
    let error = cloud.delete(&claim()).await.expect_err("no id");
    assert!(matches!(error, CloudError::Other(_)), "{error}");
    let unknown = "aws:///test-zone-1a/i-0123";
    let error = cloud.get(unknown).await.expect_err("gone");
    assert!(matches!(error, CloudError::NotFound(_)), "{error}");
}

/// Loops wait longer after a call that AWS found too many.
#[tokio::test(start_paused = true)]
async fn throttling_is_told_as_such() {
    let rig = rig().await;
    let claim = with_instance(&rig).await;
    let cloud = rig.provider.cloud();
    let slow = Failure::new(DESCRIBE, "RequestLimitExceeded", "slow down");
    rig.fake.fail(slow, 50);
    let deleted = cloud.delete(&claim).await.expect_err("throttled");
    assert!(matches!(deleted, CloudError::Throttled(_)), "{deleted}");
    let listed = cloud.list().await.expect_err("throttled");
    assert!(matches!(listed, CloudError::Throttled(_)), "{listed}");
}

/// An instance is told with what is known of its type; without pool or class without that.
#[tokio::test(start_paused = true)]
async fn instances_are_told_also_where_pool_or_class_is_gone() {
    let rig = rig().await;
    let of_default = instance("i-1");
    let mut of_another = instance("i-2");
    let tag = of_another.tags.get_mut(tags::NODEPOOL);
    "gone".clone_into(tag.expect("a tag"));
    let mut classless = instance("i-3");
    let tag = classless.tags.get_mut(tags::NODE_CLASS);
    "gone".clone_into(tag.expect("a tag"));
    let mut ending = instance("i-4");
    ending.state = aws::ec2::InstanceState::ShuttingDown;
    for one in [of_default, of_another, classless, ending] {
        rig.fake
            .change(|state| state.instances.insert(one.id.clone(), one));
    }
    let listed = rig.provider.cloud().list().await.expect("a list");
    let told: Vec<(&str, bool, bool)> = listed
        .iter()
        .map(|one| {
            let id = instance_id(&one.provider_id).expect("an id");
            let has_capacity = one.capacity.contains_key("cpu");
            (id, has_capacity, one.state == InstanceState::Running)
        })
        .collect();
    let expected = [
        ("i-1", true, true),
        ("i-2", false, true),
        ("i-3", false, true),
        ("i-4", true, false),
    ];
    assert_eq!(told, expected);
    for one in &listed {
        assert_eq!(one.labels["topology.kubernetes.io/zone"], "test-zone-1a");
    }
}

/// What an instance has left is there for the next one, once the instance is gone.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_reserved_instance_makes_room() {
    let rig = rig().await;
    let reservation = aws::ec2::Reservation {
        id: "cr-1".to_owned(),
        available: 1,
        ..aws::ec2::Reservation::default()
    };
    rig.fake.change(|state| {
        state.reservations.push(crate::fake::FakeReservation {
            reservation,
            ..crate::fake::FakeReservation::default()
        });
    });
    let reservations = &rig.provider.discovery.reservations;
    let ids = ["cr-1".to_owned()];
    reservations.by_id(&ids).await.expect("an answer");
    reservations.unavailable(["cr-1"]);
    assert_eq!(reservations.available("cr-1"), 0);
    let mut claim = with_instance(&rig).await;
    let label = CAPACITY_RESERVATION_ID.to_owned();
    claim.metadata.labels.insert(label, "cr-1".to_owned());
    let cloud = rig.provider.cloud();
    cloud.delete(&claim).await.expect("its end begins");
    assert_eq!(reservations.available("cr-1"), 0);
    let gone = cloud.delete(&claim).await.expect_err("it is gone");
    assert!(matches!(gone, CloudError::NotFound(_)), "{gone}");
    assert_eq!(reservations.available("cr-1"), 1);
}
