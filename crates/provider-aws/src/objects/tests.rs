use std::sync::Mutex;

use apiserver::NODES;
use serde_json::json;

use super::*;
use crate::testing::{CLAIMS, CLASSES, Kube, POOLS, claim};

fn names<T: Resource>(objects: &[Arc<T>]) -> Vec<&str> {
    objects
        .iter()
        .map(|object| object.meta().name.as_str())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn objects_are_found_by_name_instance_and_class() {
    let kube = Kube::new().await;
    kube.claim("a", "i-1");
    kube.claim("b", "");
    kube.node("node-a", "i-1");
    kube.node("other", "i-9");
    kube.pool("default", &json!([]));
    kube.class("default", &[("test-zone-1a", "tstz1-1a")]);
    kube.settle().await;
    let objects = &kube.objects;
    assert_eq!(names(&objects.claims()), ["a", "b"]);
    assert_eq!(names(&objects.claims_of_instance("i-1")), ["a"]);
    assert_eq!(names(&objects.claims_of_class("default")), ["a", "b"]);
    assert_eq!(names(&objects.nodes_of_instance("i-1")), ["node-a"]);
    assert_eq!(names(&objects.nodes()), ["node-a", "other"]);
    assert_eq!(names(&objects.pools_of_class("default")), ["default"]);
    assert_eq!(
        objects
            .class("default")
            .expect("the class")
            .status
            .subnets
            .len(),
        1
    );
    assert!(objects.claims_of_instance("i-2").is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_comes_later_is_found_and_one_that_goes_is_not() {
    let kube = Kube::new().await;
    kube.claim("a", "");
    kube.settle().await;
    assert!(kube.objects.claims_of_instance("i-1").is_empty());
    let status = apiserver::WriteOptions::status();
    let launch = |claim: &mut serde_json::Value| {
        claim["status"]["providerID"] = "aws:///test-zone-1a/i-1".into();
    };
    let written = kube.server.modify(CLAIMS, "", "a", &status, launch);
    written.expect("a status");
    kube.settle().await;
    assert_eq!(names(&kube.objects.claims_of_instance("i-1")), ["a"]);
    kube.change(CLAIMS, "a", |claim| {
        claim["metadata"]["finalizers"] = json!([]);
    });
    kube.delete(CLAIMS, "a");
    kube.settle().await;
    assert!(kube.objects.claims_of_instance("i-1").is_empty());
    assert!(kube.objects.claims_of_class("default").is_empty());
}

#[tokio::test(start_paused = true)]
async fn claims_and_pools_of_other_kinds_of_classes_are_not_seen() {
    let kube = Kube::new().await;
    let mut foreign = claim("foreign", "i-1");
    let class = json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"});
    foreign["spec"]["nodeClassRef"] = class.clone();
    kube.create(CLAIMS, foreign);
    kube.pool("foreign", &json!([]));
    kube.change(POOLS, "foreign", |pool| {
        pool["spec"]["template"]["spec"]["nodeClassRef"] = json!({"name": "mine"});
    });
    kube.settle().await;
    assert!(kube.objects.claims().is_empty());
    assert_eq!(
        names(&kube.objects.pools_of_class("mine")),
        ["foreign"],
        "ours by default"
    );
}

#[tokio::test(start_paused = true)]
async fn listeners_hear_of_what_is_known_and_of_what_changes() {
    let kube = Kube::new().await;
    kube.claim("a", "i-1");
    kube.node("n", "i-1");
    kube.settle().await;
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = heard.clone();
    kube.objects.subscribe(move |change| {
        let brief = |name: &str, before: bool, after: bool| format!("{name} {before} {after}");
        let text = match change {
            Change::Claim(it) => brief(it.name(), it.before.is_some(), it.after.is_some()),
            Change::Node(it) => brief(it.name(), it.before.is_some(), it.after.is_some()),
            Change::Pool(it) => brief(it.name(), it.before.is_some(), it.after.is_some()),
            Change::Class(it) => brief(it.name(), it.before.is_some(), it.after.is_some()),
        };
        sink.lock().expect("no panic").push(text);
    });
    let take = || std::mem::take(&mut *heard.lock().expect("no panic"));
    assert_eq!(take(), ["a false true", "n false true"]);
    kube.class("default", &[]);
    kube.change(CLAIMS, "a", |claim| {
        claim["metadata"]["labels"]["x"] = "y".into();
    });
    kube.settle().await;
    let heard = take();
    assert!(
        heard.contains(&"default false true".to_owned()),
        "{heard:?}"
    );
    assert!(heard.contains(&"a true true".to_owned()), "{heard:?}");
    kube.delete(CLASSES, "default");
    kube.settle().await;
    assert_eq!(take(), ["default true false"]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_only_reports_that_it_lives_is_no_change() {
    let kube = Kube::new().await;
    kube.node("n", "i-1");
    kube.settle().await;
    let count: Arc<Mutex<usize>> = Arc::default();
    let sink = count.clone();
    kube.objects
        .subscribe(move |_| *sink.lock().expect("no panic") += 1);
    let beat = |node: &mut serde_json::Value| {
        node["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
    };
    let status = apiserver::WriteOptions::status();
    let written = kube.server.modify(NODES, "", "n", &status, beat);
    written.expect("a status");
    kube.settle().await;
    assert_eq!(*count.lock().expect("no panic"), 1, "only the first");
    let fresh = kube.get(NODES, "n").expect("the node");
    let held = kube.objects.node("n").expect("the node");
    assert_eq!(
        held.metadata.resource_version,
        fresh["metadata"]["resourceVersion"]
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_synced_before_everything_was_listed() {
    let kube = Kube::unwatched();
    kube.claim("a", "i-1");
    let mut synced = std::pin::pin!(kube.objects.synced());
    assert!(futures::poll!(&mut synced).is_pending());
    let (objects, stop) = (kube.objects.clone(), kube.shutdown.clone());
    tokio::spawn(async move { objects.run(stop).await });
    synced.await;
    assert_eq!(names(&kube.objects.claims()), ["a"]);
}
