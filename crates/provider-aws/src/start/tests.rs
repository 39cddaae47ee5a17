//! The provider as a whole, on a pretended AWS and an API server in process, in virtual time.

use std::time::Duration;

use aws::Operation;
use aws::ec2::InstanceState;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use controllers::CloudError;
use serde_json::{Value, json};

use crate::testing::CLASSES;
use crate::testing::rig::{Rig, claim};

/// NC-1, IP-1, CP-2, LT-6: from a class to an instance that has what the class says, and back.
#[tokio::test(start_paused = true)]
async fn a_class_becomes_ready_its_claims_get_instances_and_nothing_is_left_of_it() {
    let rig = Rig::new().await;
    rig.class_and_pool();
    rig.ready().await;
    let class = rig.kube.get(CLASSES, "default").expect("the class");
    let ids = |field: &str| -> Vec<Value> {
        let list = class["status"][field].as_array().expect("a list").iter();
        list.map(|one| one["id"].clone()).collect()
    };
    assert_eq!(
        ids("subnets"),
        ["subnet-test1", "subnet-test2", "subnet-test3"]
    );
    assert_eq!(ids("securityGroups"), ["sg-test1", "sg-test2", "sg-test3"]);
    assert_eq!(
        class["metadata"]["finalizers"],
        json!(["karpenter.k8s.aws/termination"])
    );
    let annotations = &class["metadata"]["annotations"];
    assert_eq!(
        annotations["karpenter.k8s.aws/ec2nodeclass-hash-version"],
        "v6"
    );

    let cloud = rig.provider.cloud();
    let launched = cloud.create(&claim()).await.expect("an instance");
    assert_eq!(launched.image_id, "ami-test1");
    assert_eq!(
        launched.labels["node.kubernetes.io/instance-type"],
        "m5.large"
    );
    assert_eq!(launched.labels["topology.k8s.aws/zone-id"], "tstz1-1a");
    let mut written: Vec<&str> = launched.annotations.keys().map(String::as_str).collect();
    written.sort_unstable();
    let expected = [
        "karpenter.k8s.aws/ec2nodeclass-hash",
        "karpenter.k8s.aws/ec2nodeclass-hash-version",
        "karpenter.k8s.aws/instance-profile-name",
    ];
    assert_eq!(written, expected);
    let again = cloud.create(&claim()).await.expect("the same");
    assert_eq!(again.provider_id, launched.provider_id);
    let listed = cloud.list().await.expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].provider_id, launched.provider_id);
    let template = rig.fake.change(|state| {
        let template = state.launched_from.values().next().expect("a template");
        template.clone()
    });
    assert_eq!(template.tags["karpenter.sh/nodepool"], "default");
    let user_data = BASE64_STANDARD
        .decode(&template.data.user_data)
        .expect("base64");
    let user_data = String::from_utf8(user_data).expect("a text");
    for part in [
        "cidr: 10.100.0.0/16",
        "name: test-cluster",
        "maxPods: 29",
        "team=a",
    ] {
        assert!(user_data.contains(part), "{part} is not in\n{user_data}");
    }

    let mut going = claim();
    going.status.provider_id = launched.provider_id;
    going.status.image_id = launched.image_id;
    cloud.delete(&going).await.expect("its end begins");
    let gone = cloud.delete(&going).await.expect_err("it is gone");
    assert!(matches!(gone, CloudError::NotFound(_)), "{gone}");
    let state = |rig: &Rig| {
        rig.fake
            .change(|state| (state.living().len(), state.templates.len()))
    };
    rig.until("templates are gone", || state(&rig) == (0, 0))
        .await;

    rig.kube.delete(CLASSES, "default");
    let is_gone = || rig.kube.get(CLASSES, "default").is_none();
    rig.until("the class is gone", is_gone).await;
    assert_eq!(rig.fake.change(|state| state.profiles.len()), 0);
}

/// NC-2, VAL-1: a class whose selector finds nothing says so, and recovers.
#[tokio::test(start_paused = true)]
async fn a_class_that_finds_nothing_is_not_ready_until_it_does() {
    let rig = Rig::new().await;
    let kept = rig.fake.change(|state| std::mem::take(&mut state.subnets));
    rig.class_and_pool();
    let is_false = || {
        rig.condition("SubnetsReady") == Some(("False".into(), "SubnetsNotFound".into()))
            && rig
                .condition("Ready")
                .is_some_and(|(status, _)| status == "False")
    };
    rig.until("there are no subnets", is_false).await;
    let refused = rig.provider.cloud().create(&claim()).await;
    let refused = refused.expect_err("not ready");
    assert!(
        matches!(refused, CloudError::NodeClassNotReady(_)),
        "{refused}"
    );
    rig.fake.change(|state| state.subnets = kept);
    rig.ready().await;
}

/// VAL-7: a missing permission is told by the class, and tried again after the usual time only.
#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_told_by_the_class() {
    let rig = Rig::new().await;
    let operation = Operation::RunInstances;
    let failure = aws::Failure::new(operation, "UnauthorizedOperation", "no");
    rig.fake.fail(failure, 1000);
    rig.class_and_pool();
    let expected = Some(("False".into(), "RunInstancesAuthCheckFailed".into()));
    rig.until("it is told", || {
        rig.condition("ValidationSucceeded") == expected
    })
    .await;
    let asked = rig.fake.count(operation);
    rig.kube.clock.sleep(Duration::from_mins(9)).await;
    assert_eq!(rig.fake.count(operation), asked);
}

/// GC-1: an instance of which no claim knows, as a crash leaves it, is ended.
#[tokio::test(start_paused = true)]
async fn an_instance_that_a_crash_has_left_is_ended() {
    let rig = Rig::new().await;
    rig.class_and_pool();
    rig.ready().await;
    rig.provider
        .cloud()
        .create(&claim())
        .await
        .expect("an instance");
    let ended = || {
        rig.fake.change(|state| {
            let mut instances = state.instances.values();
            instances.all(|one| one.state == InstanceState::Terminated)
        })
    };
    assert!(!ended());
    rig.until("it is ended", ended).await;
}
