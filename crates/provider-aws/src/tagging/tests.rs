use api::labels::{AWS_CLUSTER_NAME_TAGGED, AWS_TAGGED};
use apiserver::WriteOptions;
use aws::{Failure, Operation, Tags, tags};

use super::*;
use crate::fake::Request;
use crate::testing::{CLAIMS, Cloud, claim, instance};

fn start(cloud: &Cloud) {
    let (world, instances) = (cloud.world(), cloud.instances());
    let stop = cloud.kube.shutdown.clone();
    tokio::spawn(async move { run(&world, &instances, &stop).await });
}

/// Values of the two annotations.
fn annotations(cloud: &Cloud, name: &str) -> [Value; 2] {
    let claim = cloud.kube.get(CLAIMS, name).expect("the claim");
    [AWS_TAGGED, AWS_CLUSTER_NAME_TAGGED].map(|key| claim["metadata"]["annotations"][key].clone())
}

fn tagged(cloud: &Cloud) -> Vec<(String, Tags)> {
    let requests = cloud.fake.requests(Operation::CreateTags).into_iter();
    let tags = requests.map(|request| match request {
        Request::Tags(id, tags) => (id, tags),
        other => panic!("{other:?}"),
    });
    tags.collect()
}

/// TAG-1: claims without a node, that go, or whose instance can't be told or found are left alone.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_tagged_is_left_alone() {
    let cloud = Cloud::new().await;
    for id in ["i-1", "i-2", "i-3"] {
        cloud.put(instance(id));
    }
    let mut nameless = claim("nameless", "i-1");
    nameless["status"]["nodeName"] = "".into();
    cloud.kube.create(CLAIMS, nameless);
    cloud.kube.claim("going", "i-2");
    cloud.kube.delete(CLAIMS, "going");
    let mut strange = claim("strange", "i-3");
    strange["status"]["providerID"] = "i-3".into();
    cloud.kube.create(CLAIMS, strange);
    cloud.kube.claim("gone", "i-9");
    start(&cloud);
    cloud.pass(60).await;
    assert_eq!(tagged(&cloud), []);
    for name in ["nameless", "going", "strange", "gone"] {
        assert_eq!(
            annotations(&cloud, name),
            [Value::Null, Value::Null],
            "{name}"
        );
    }
    let errors = cloud.kube.metrics.value(
        &runtime::metrics::names::RECONCILE_ERRORS,
        &["nodeclaim.tagging"],
    );
    assert_eq!(errors, None);
}

/// TAG-2: only tags that are missing are made, and the annotations are set in all cases.
#[tokio::test(start_paused = true)]
async fn only_missing_tags_are_made() {
    let cloud = Cloud::new().await;
    let all = [tags::NAME, tags::NODECLAIM, tags::CLUSTER_NAME];
    for number in 0..8_usize {
        let mut instance = instance(&format!("i-{number}"));
        instance.tags.remove(tags::CLUSTER_NAME);
        for (at, key) in all.iter().enumerate() {
            if number & (1 << at) != 0 {
                instance.tags.insert((*key).to_owned(), "theirs".to_owned());
            }
        }
        cloud.put(instance);
        cloud
            .kube
            .claim(&format!("c-{number}"), &format!("i-{number}"));
    }
    start(&cloud);
    cloud.pass(60).await;
    let made = tagged(&cloud);
    assert_eq!(made.len(), 7, "one has all");
    for (id, made) in made {
        let number: usize = id["i-".len()..].parse().expect("a number");
        let values = [
            format!("node-of-c-{number}"),
            format!("c-{number}"),
            "test-cluster".into(),
        ];
        let missing = all.iter().zip(values).enumerate();
        let missing = missing.filter(|(at, _)| number & (1 << at) == 0);
        let missing: Tags = missing
            .map(|(_, (key, value))| ((*key).to_owned(), value))
            .collect();
        assert_eq!(made, missing, "{id}");
    }
    for number in 0..8 {
        assert_eq!(
            annotations(&cloud, &format!("c-{number}")),
            ["true", "true"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn calls_are_a_second_apart_and_a_failed_one_is_made_again() {
    let cloud = Cloud::new().await;
    for number in 0..10 {
        cloud.put(instance(&format!("i-{number}")));
        cloud
            .kube
            .claim(&format!("c-{number}"), &format!("i-{number}"));
    }
    let failure = Failure::new(Operation::CreateTags, "RequestLimitExceeded", "slow");
    cloud.fake.fail(failure, 1);
    start(&cloud);
    cloud.kube.clock.sleep(Duration::from_millis(4_500)).await;
    let made = tagged(&cloud).len();
    assert!((5..=6).contains(&made), "{made}");
    cloud.pass(30).await;
    for number in 0..10 {
        assert_eq!(
            annotations(&cloud, &format!("c-{number}")),
            ["true", "true"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_tagged_when_its_node_joins() {
    let cloud = Cloud::new().await;
    cloud.put(instance("i-1"));
    let mut early = claim("a", "i-1");
    early["status"]["nodeName"] = "".into();
    cloud.kube.create(CLAIMS, early);
    start(&cloud);
    cloud.pass(5).await;
    assert_eq!(tagged(&cloud), []);
    let joins = |claim: &mut Value| claim["status"]["nodeName"] = "node-a".into();
    let options = WriteOptions::status();
    let written = cloud.kube.server.modify(CLAIMS, "", "a", &options, joins);
    written.expect("a status");
    cloud.pass(5).await;
    assert_eq!(tagged(&cloud)[0].1[tags::NAME], "node-a");
    assert_eq!(annotations(&cloud, "a"), ["true", "true"]);
}
