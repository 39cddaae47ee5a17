//! What happens to instances: they are about to be reclaimed, or may be soon; the controller is
//! killed at the worst moment.

use std::collections::BTreeSet;

use moto::Fault;
use serde_json::{Value, json};

use crate::cloud::{Cloud, REGION, example, inflate, instance_of, one_of, pool};
use crate::common::history::{Kind, Now, is_deleting, is_initialized, is_true, name, names};
use crate::common::objects::disruptions;
use crate::common::until;

/// Spot nodes of two types for small pods.
fn spot_pool() -> Value {
    let capacity = one_of("karpenter.sh/capacity-type", &["spot"]);
    let kinds = one_of(
        "node.kubernetes.io/instance-type",
        &["m5.large", "c5.large"],
    );
    pool(&json!([capacity, kinds]))
}

/// A pod ends when it is told to, and there is no other of its app on its node.
fn apart() -> Value {
    let mut inflate = inflate();
    inflate["spec"]["template"]["spec"]["affinity"] = json!({"podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [{
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": {"app": "inflate"}},
        }],
    }});
    inflate
}

/// The revision at which the node of a claim went.
fn node_went(cloud: &Cloud, claim: &str, before: &Now) -> u64 {
    let claims = before.claims();
    let claim = claims.iter().find(|one| name(one) == claim).expect("it");
    let node = claim["status"]["nodeName"].as_str().expect("a node");
    let changes = cloud.history.changes();
    let mut gone = changes
        .iter()
        .filter(|one| one.kind == Kind::Node && one.name == node && one.gone);
    gone.next().expect("it went").revision
}

/// IH-1: a spot instance gets notice: a replacement joins and pods run there before its node goes.
/// Of a recommendation to rebalance, where it is acted on: the replacement is there before anything
/// happens to the node. Messages that mean nothing are taken from the queue too.
#[test]
fn spot_nodes_that_get_notice_are_replaced_before_they_go() -> anyhow::Result<()> {
    let cloud = Cloud::start("aws-spot")?;
    cloud.moto.transitions(0.2, 0.5)?;
    let class = example("default-pool/ec2nodeclass.yaml");
    let objects = [class, spot_pool(), disruptions("inflate", 1), apart()];
    cloud.world.apply(&objects);
    let _karpenter = cloud.karpenter(&["--rebalance-recommendations", "Replace"]);
    cloud.scale(2);
    let before = cloud.history.until("two pods run", |now| now.is_settled(2));
    let first = cloud.machines()[0].clone();
    assert_eq!(first.lifecycle, "spot");

    cloud.moto.send(REGION, &cloud.queue, "no JSON at all")?;
    let notice = json!({"instance-id": first.id, "instance-action": "terminate"});
    for _ in 0..2 {
        cloud.event("EC2 Spot Instance Interruption Warning", &notice);
    }
    let of = |now: &Now, instance: &str| -> String {
        let claims = now.claims();
        let claim = claims.iter().find(|one| instance_of(one) == instance);
        name(claim.expect("its claim"))
    };
    let interrupted = of(&before, &first.id);
    let after = cloud.history.until("it is replaced", |now| {
        now.is_settled(2) && !names(&now.claims()).contains(&interrupted)
    });
    let went = cloud.history.at(node_went(&cloud, &interrupted, &before));
    let new = new_claim(&before, &after);
    let replacement = went.claims().into_iter().find(|one| name(one) == new);
    assert!(is_initialized(replacement.expect("it came before")));
    let hosts: BTreeSet<&str> = went
        .pods()
        .iter()
        .filter_map(|pod| pod["spec"]["nodeName"].as_str())
        .collect();
    assert_eq!(hosts.len(), 2, "a pod had no other node yet");
    cloud.world.says_about(&interrupted, "SpotInterrupted");

    let second = instance_of(after.claims()[0]);
    let shaky = of(&after, &second);
    let advice = json!({"instance-id": second});
    cloud.event("EC2 Instance Rebalance Recommendation", &advice);
    let end = cloud.history.until("it is replaced too", |now| {
        now.is_settled(2) && !names(&now.claims()).contains(&shaky)
    });
    let left = cloud.history.first(Kind::Claim, &shaky, is_deleting);
    let then = cloud.history.at(left.expect("it went").revision);
    let replacement = new_claim(&after, &end);
    let came = then
        .claims()
        .into_iter()
        .find(|one| name(one) == replacement);
    assert!(is_true(came.expect("it came before"), "Initialized"));
    until("the queue is empty", || {
        let received = cloud.moto.calls_of("DeleteMessage", REGION).expect("calls");
        let batches = cloud
            .moto
            .calls_of("DeleteMessageBatch", REGION)
            .expect("calls");
        received.len() + batches.len() >= 2
    });
    cloud.until_nothing_leaks();
    Ok(())
}

/// The only claim that was not there before.
fn new_claim(before: &Now, after: &Now) -> String {
    let (old, all) = (names(&before.claims()), names(&after.claims()));
    let mut new = all.difference(&old);
    let only = new.next().expect("a new one").clone();
    assert_eq!(new.next(), None);
    only
}

/// CP-2, GC-1: the process is killed after EC2 was told to launch and before the claim says so. The
/// next one finds its instance again, and no instance is left over.
#[test]
fn an_instance_launched_in_the_moment_of_a_crash_is_not_lost() -> anyhow::Result<()> {
    let cloud = Cloud::start("aws-crash")?;
    let class = example("default-pool/ec2nodeclass.yaml");
    cloud.world.apply(&[class, spot_pool(), apart()]);
    let alone = ["--disable-leader-election=true"];
    let mut first = cloud.karpenter_starting(&alone);
    let slow = Fault::on("ec2", "CreateFleet").delay(2.0);
    cloud.moto.fault(&slow)?;
    cloud.scale(2);
    let fleets = || {
        let all = cloud.moto.calls_of("CreateFleet", REGION).expect("calls");
        // Those that only try are answered before any claim is made.
        let real = |call: &moto::Call| call.field("DryRun") != Some("true");
        all.into_iter().filter(real).count()
    };
    until("a fleet is asked for", || fleets() > 0);
    first.signal("-KILL");
    first.ends();
    cloud.moto.clear_faults()?;
    until("EC2 has launched", || !cloud.machines().is_empty());
    let claims = cloud.world.items("nodeclaims");
    let launched = |claim: &Value| !instance_of(claim).is_empty();
    assert!(!claims.iter().any(launched), "it was killed too late");

    let _second = cloud.karpenter_starting(&alone);
    cloud
        .history
        .until("both pods run", |now| now.is_settled(2));
    cloud.until_nothing_leaks();
    assert_eq!(cloud.machines().len(), 2);
    assert_eq!(cloud.history.names(Kind::Claim).len(), 2);
    Ok(())
}
