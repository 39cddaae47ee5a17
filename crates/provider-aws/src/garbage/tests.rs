use apiserver::NODES;
use aws::ec2::InstanceState;
use aws::{Failure, Operation, tags};

use super::*;
use crate::testing::{CLAIMS, Cloud, claim, instance};

fn start(cloud: &Cloud) {
    let (world, instances) = (cloud.world(), cloud.instances());
    let stop = cloud.kube.shutdown.clone();
    tokio::spawn(async move { run(&world, &instances, &stop).await });
}

fn young(cloud: &Cloud, id: &str) {
    let mut instance = instance(id);
    instance.launched = Some(cloud.kube.clock.now());
    cloud.put(instance);
}

/// GC-1: what no claim has goes with its node; what is young, has a claim or is not ours stays.
#[tokio::test(start_paused = true)]
async fn instances_without_a_claim_are_ended() {
    let cloud = Cloud::new().await;
    cloud.put(instance("i-lost"));
    cloud.kube.node("node-lost", "i-lost");
    cloud.put(instance("i-kept"));
    cloud.kube.node("node-kept", "i-kept");
    cloud.kube.claim("kept", "i-kept");
    let mut foreign = instance("i-foreign");
    foreign.tags.remove(tags::NODEPOOL);
    cloud.put(foreign);
    young(&cloud, "i-young");
    cloud.kube.settle().await;
    start(&cloud);
    cloud.pass(1).await;
    assert_eq!(cloud.living(), ["i-foreign", "i-kept", "i-young"]);
    assert!(cloud.kube.is_going(NODES, "node-lost"));
    assert!(!cloud.kube.is_going(NODES, "node-kept"));
    cloud.pass(45).await;
    assert_eq!(cloud.living(), ["i-foreign", "i-kept"], "its grace is over");
}

/// GC-1: hundreds at once.
#[tokio::test(start_paused = true)]
async fn hundreds_are_ended_in_one_look() {
    let cloud = Cloud::new().await;
    for number in 0..500 {
        cloud.put(instance(&format!("i-{number}")));
        cloud
            .kube
            .node(&format!("node-{number}"), &format!("i-{number}"));
    }
    cloud.put(instance("i-kept"));
    cloud.kube.claim("kept", "i-kept");
    cloud.kube.settle().await;
    start(&cloud);
    cloud.pass(1).await;
    assert_eq!(cloud.living(), ["i-kept"]);
    assert!((0..500).all(|number| cloud.kube.is_going(NODES, &format!("node-{number}"))));
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_may_be_waiting_for_its_instance_keeps_it() {
    let cloud = Cloud::new().await;
    cloud.kube.create(CLAIMS, claim("waits", ""));
    young(&cloud, "i-1");
    cloud.kube.settle().await;
    start(&cloud);
    cloud.pass(600).await;
    assert_eq!(cloud.living(), ["i-1"]);
    cloud.kube.change(CLAIMS, "waits", |claim| {
        claim["metadata"]["finalizers"] = [(); 0].into();
    });
    cloud.kube.delete(CLAIMS, "waits");
    cloud.pass(121).await;
    assert!(cloud.living().is_empty(), "the claim was given up");
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_ended_does_not_keep_others_and_is_tried_again() {
    let cloud = Cloud::new().await;
    let mut ending = instance("i-ending");
    ending.state = InstanceState::ShuttingDown;
    cloud.put(ending);
    cloud.put(instance("i-1"));
    cloud.put(instance("i-2"));
    let failure = Failure::new(Operation::TerminateInstances, "InternalError", "oops");
    cloud.fake.fail(failure, 1);
    start(&cloud);
    cloud.kube.settle().await;
    assert_eq!(cloud.living().len(), 2, "of three: one is ending anyway");
    cloud.pass(5).await;
    assert_eq!(cloud.living(), ["i-ending"]);
}

#[tokio::test(start_paused = true)]
async fn looks_become_rare() {
    let cloud = Cloud::new().await;
    start(&cloud);
    cloud.pass(195).await;
    let looks = || cloud.fake.count(Operation::DescribeInstances);
    assert_eq!(looks(), 20);
    cloud.pass(600).await;
    assert_eq!(looks(), 25);
}
