//! How nodes end that nothing better is in sight for, on a real control plane: by age, by hand, by
//! their deadline, before they ever joined, and because their pool has become smaller.

mod common;

use common::history::{History, Kind, Now, is_deleting, is_true, name, names};
use common::objects::{apart, disruptions, generation, karpenter, pool, protected, workload};
use common::until;
use common::world::World;
use serde_json::{Value, json};

/// A time of an object, in seconds.
fn time(object: &Value, pointer: &str) -> i64 {
    let time = object.pointer(pointer).and_then(Value::as_str);
    let time = time.unwrap_or_else(|| panic!("no {pointer} in {object}"));
    let time: jiff::Timestamp = time.parse().expect("a time");
    time.as_second()
}

const DELETED: &str = "/metadata/deletionTimestamp";

/// EX-01, EX-03: no budget holds the end of a life, and nothing ends before it.
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

/// DR-09, NT-16: a node with a deadline drifts in spite of what its pods ask for. It goes by that
/// deadline, and they stay as long as it lets them.
#[test]
fn pods_that_may_not_be_evicted_go_at_their_nodes_deadline() -> anyhow::Result<()> {
    let (deadline, grace) = (20, 3);
    let world = World::start("deadline")?;
    let template = |value: &str| {
        let mut template = generation(value);
        template["spec"] = json!({"terminationGracePeriod": format!("{deadline}s")});
        template
    };
    let guarded = workload("guarded", 1, "500m");
    let kept = protected(workload("kept", 1, "500m"));
    let apps = [guarded, kept].map(|mut app| {
        app["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(grace);
        app
    });
    world.apply(&[pool(&template("1"), "100%"), disruptions("guarded", 0)]);
    world.apply(&apps);
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &[]);
    let before = history.until("the pods run", |now| now.is_settled(2));
    assert_eq!(before.claims().len(), 1);
    let claim = name(before.claims()[0]);

    world.apply(&[pool(&template("2"), "100%")]);
    history.until("the pods run elsewhere", |now| {
        now.is_settled(2) && now.claims().iter().all(|one| name(one) != claim)
    });
    let claim = history.first(Kind::Claim, &claim, is_deleting);
    let began = time(&claim.expect("it went").object, DELETED);
    for pod in names(&before.pods()) {
        let went = history.first(Kind::Pod, &pod, is_deleting);
        // With its grace, which begins early enough to end at the deadline.
        let ended = time(&went.expect("it went").object, DELETED);
        let lived = ended - began;
        assert!(lived >= deadline - 1, "{pod} was to end after {lived} s");
    }
    Ok(())
}

/// NT-01: its pods are evicted first, one after the other as their disruption budget wants.
#[test]
fn a_node_deleted_by_hand_takes_its_claim_along_and_its_pods_get_another() -> anyhow::Result<()> {
    let world = World::start("by-hand")?;
    world.apply(&[
        pool(&json!({}), "100%"),
        disruptions("work", 1),
        workload("work", 3, "500m"),
    ]);
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &[]);
    let before = history.until("all pods run", |now| now.is_settled(3));
    let ran = history.latest();
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
    assert!(history.least_since(ran, Now::at_work) >= 2);
    // None was still bound to it when it was gone.
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

/// LV-01, LV-06: the machine never joins, as its class says. Nobody waits for the quarter of an
/// hour that it has, which is no setting: it is written down that it began so much earlier.
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
    let lost = name(launched.claims()[0]);
    world.apply(&[class("1s")]);
    until("the claim has waited for long", || {
        make_older(&world, &lost, "Registered")
    });

    history.until("the pod runs on another node", |now| {
        now.is_settled(1) && now.claims().iter().all(|claim| name(claim) != lost)
    });
    assert_eq!(history.names(Kind::Claim).len(), 2);
    assert_eq!(history.names(Kind::Node).len(), 1);
    Ok(())
}

/// Sets back by a quarter of an hour when a condition of a claim changed, and nothing else; whether
/// the claim had not changed meanwhile.
fn make_older(world: &World, claim: &str, condition: &str) -> bool {
    let claims = world.items("nodeclaims");
    let claim = claims.iter().find(|one| name(one) == claim);
    let claim = claim.expect("it is there");
    let conditions = claim["status"]["conditions"].as_array().expect("a list");
    let place = conditions.iter().position(|one| one["type"] == condition);
    let place = place.expect("it has it");
    let since = conditions[place]["lastTransitionTime"].as_str();
    let since: jiff::Timestamp = since.expect("a time").parse().expect("a time");
    let long_ago = since - jiff::SignedDuration::from_mins(15);
    let patch = json!([
        {"op": "test", "path": "/metadata/resourceVersion",
         "value": claim["metadata"]["resourceVersion"]},
        {"op": "replace", "path": format!("/status/conditions/{place}/lastTransitionTime"),
         "value": long_ago.to_string()},
    ]);
    let (name, patch) = (name(claim), patch.to_string());
    let patch = ["patch", "nodeclaim", &name, "--type=json", "-p", &patch];
    let patch = [&patch[..], &["--subresource=status"]].concat();
    world.kubectl(&patch).is_ok()
}

/// ST-01, ST-02, SX-01: nodes are added, and then given up, and none is replaced.
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
