//! How nodes end that nothing better is in sight for, on a real control plane: by age, by hand, by
//! their deadline, before they ever joined, and because their pool has become smaller.

mod common;

use std::collections::BTreeSet;

use common::history::{History, Kind, Now, is_deleting, is_true, name};
use common::objects::{apart, disruptions, karpenter, pool, workload};
use common::world::World;
use serde_json::{Value, json};

fn names(objects: &[&Value]) -> BTreeSet<String> {
    objects.iter().map(|object| name(object)).collect()
}

/// A time of an object, in seconds.
fn time(object: &Value, pointer: &str) -> i64 {
    let time = object.pointer(pointer).and_then(Value::as_str);
    let time = time.unwrap_or_else(|| panic!("no {pointer} in {object}"));
    let time: jiff::Timestamp = time.parse().expect("a time");
    time.as_second()
}

const DELETED: &str = "/metadata/deletionTimestamp";

/// No budget holds the end of a life, and nothing ends before it.
#[test]
fn nodes_end_with_their_life_and_their_pods_come_back_on_new_ones() -> anyhow::Result<()> {
    let world = World::start("expiry")?;
    let template = json!({"spec": {"expireAfter": "30s"}});
    world.apply(&[pool(&template, "0"), apart("work", 2)]);
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &[]);
    let before = history.until("all pods run", |now| now.is_settled(2));
    let old = names(&before.claims());

    history.until("all nodes are new", |now| {
        now.is_settled(2) && names(&now.claims()).is_disjoint(&old)
    });
    for claim in old {
        let went = history.first(Kind::Claim, &claim, is_deleting);
        let went = went.expect("it went").object;
        let life = time(&went, DELETED) - time(&went, "/metadata/creationTimestamp");
        assert!(life >= 30, "{claim} lived for {life} s");
    }
    Ok(())
}

#[test]
fn a_pod_that_may_not_be_evicted_goes_at_its_nodes_deadline() -> anyhow::Result<()> {
    let (deadline, grace) = (25, 5);
    let world = World::start("deadline")?;
    let template = json!({"spec": {"terminationGracePeriod": format!("{deadline}s")}});
    let mut guarded = workload("guarded", 1, "500m");
    guarded["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(grace);
    world.apply(&[pool(&template, "100%"), disruptions("guarded", 0), guarded]);
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &[]);
    let before = history.until("the pod runs", |now| now.is_settled(1));
    let claim = name(before.claims()[0]);
    let pod = name(before.pods()[0]);

    let delete = ["delete", "nodeclaim", &claim, "--wait=false"];
    world.kubectl(&delete).expect("deletes");
    let after = history.until("the pod runs elsewhere", |now| {
        now.is_settled(1) && now.claims().iter().all(|one| name(one) != claim)
    });
    assert_ne!(name(after.pods()[0]), pod);
    let claim = history.first(Kind::Claim, &claim, is_deleting);
    let began = time(&claim.expect("it went").object, DELETED);
    let pod = history.first(Kind::Pod, &pod, is_deleting);
    // With its grace, which begins early enough to end at the deadline.
    let ended = time(&pod.expect("it went").object, DELETED);
    let lived = ended - began;
    assert!(lived >= deadline - 1, "the pod was to end after {lived} s");
    Ok(())
}

#[test]
fn a_node_deleted_by_hand_takes_its_claim_along_and_its_pods_get_another() -> anyhow::Result<()> {
    let world = World::start("by-hand")?;
    world.apply(&[pool(&json!({}), "100%"), workload("work", 3, "500m")]);
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &[]);
    let before = history.until("all pods run", |now| now.is_settled(3));
    let (nodes, claims) = (names(&before.nodes()), names(&before.claims()));
    assert_eq!(nodes.len(), 1);
    let node = nodes.first().expect("one");

    let delete = ["delete", "node", node, "--wait=false"];
    world.kubectl(&delete).expect("deletes");
    history.until("all pods run elsewhere", |now| {
        now.is_settled(3)
            && names(&now.nodes()).is_disjoint(&nodes)
            && names(&now.claims()).is_disjoint(&claims)
    });
    // Its pods were evicted first: none was still bound to it when it was gone.
    let changes = history.changes();
    let gone = changes
        .iter()
        .find(|one| one.kind == Kind::Node && one.gone && one.name == *node);
    let then = history.at(gone.expect("it is gone").revision);
    let left = then
        .pods()
        .into_iter()
        .filter(|pod| pod["spec"]["nodeName"] == node.as_str());
    assert_eq!(left.count(), 0);
    Ok(())
}

/// The machine never joins, as its class says. Nobody waits for the quarter of an hour that it has:
/// the claim is made to look as old.
#[test]
fn a_node_that_does_not_join_in_time_is_given_up_and_the_pod_gets_another() -> anyhow::Result<()> {
    let world = World::start("no-show")?;
    let class = |delay: &str| {
        json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass",
               "metadata": {"name": "default"}, "spec": {"nodeRegistrationDelay": delay}})
    };
    world.apply(&[
        class("1h"),
        pool(&json!({}), "100%"),
        workload("work", 1, "500m"),
    ]);
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &[]);
    let launched = history.until("a claim is launched", |now| {
        now.claims().iter().any(|claim| is_true(claim, "Launched"))
    });
    let claim = launched.claims()[0];
    let lost = name(claim);
    world.apply(&[class("1s")]);

    let mut conditions = claim["status"]["conditions"].clone();
    let list = conditions.as_array_mut().expect("a list");
    let registered = list.iter_mut().find(|one| one["type"] == "Registered");
    let registered = registered.expect("awaited");
    let began: jiff::Timestamp = registered["lastTransitionTime"]
        .as_str()
        .expect("a time")
        .parse()?;
    let long_ago = began - jiff::SignedDuration::from_mins(15);
    registered["lastTransitionTime"] = json!(long_ago.to_string());
    let patch = json!({"status": {"conditions": conditions}}).to_string();
    let patch = [
        "patch",
        "nodeclaim",
        &lost,
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ];
    world.kubectl(&patch).expect("patches");

    history.until("the pod runs on another node", |now| {
        now.is_settled(1) && now.claims().iter().all(|claim| name(claim) != lost)
    });
    assert_eq!(history.names(Kind::Claim).len(), 2);
    assert_eq!(history.names(Kind::Node).len(), 1);
    Ok(())
}

#[test]
fn a_pool_of_fixed_size_has_as_many_nodes_as_it_says() -> anyhow::Result<()> {
    let world = World::start("fixed")?;
    let sized = |replicas: u32| {
        let mut pool = pool(&json!({}), "100%");
        pool["spec"]["replicas"] = json!(replicas);
        pool
    };
    world.apply(&[sized(2)]);
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &["--feature-gates", "StaticCapacity=true"]);
    let has = |nodes: usize| move |now: &Now| now.is_settled(0) && now.nodes().len() == nodes;
    let two = history.until("two nodes", has(2));
    world.apply(&[sized(4)]);
    let four = history.until("four nodes", has(4));
    assert!(names(&four.claims()).is_superset(&names(&two.claims())));
    world.apply(&[sized(1)]);
    let one = history.until("one node", has(1));
    assert!(names(&one.claims()).is_subset(&names(&four.claims())));
    assert_eq!(history.names(Kind::Claim).len(), 4);
    Ok(())
}
