//! Disruption by the product's own decisions, on a real control plane: cheaper nodes, new
//! templates, what holds a node, and crashes in between.

mod common;

use std::collections::BTreeSet;

use common::history::{History, Kind, Now, is_deleting, is_going, is_initialized, is_true};
use common::history::{name, names};
use common::objects::{apart, disruptions, generation, job, pool, protected, workload};
use common::objects::{karpenter, karpenter_alone};
use common::world::World;
use serde_json::{Value, json};

/// All claims are of the pool's template of today, by its label and by its hash.
fn are_of_today(world: &World, now: &Now, generation: &str) -> bool {
    let hash =
        |object: &Value| object["metadata"]["annotations"]["karpenter.sh/nodepool-hash"].clone();
    let pools = world.items("nodepools");
    now.claims().iter().all(|claim| {
        claim["metadata"]["labels"]["generation"] == generation && hash(claim) == hash(&pools[0])
    })
}

/// The claim of an app is still the one of before, which has drifted.
fn is_held(now: &Now, app: &str, before: &Now) -> bool {
    let claim = now.claim_of(app);
    claim.is_some_and(|claim| is_true(claim, "Drifted")) && !has_moved(now, app, before)
}

/// The only pod of an app is on another node than before.
fn has_moved(now: &Now, app: &str, before: &Now) -> bool {
    let claim = |now: &Now| now.claim_of(app).map(name);
    claim(now).is_some() && claim(now) != claim(before)
}

/// CO-10, CO-17, QU-01, QU-02: the workload shrinks, and what is left moves to a node of its size,
/// while its disruption budget is kept.
#[test]
fn hardly_used_nodes_become_a_cheaper_one_which_comes_first() -> anyhow::Result<()> {
    let world = World::start("consolidation")?;
    let mut pool = pool(&json!({}), "100%");
    pool["spec"]["disruption"]["consolidationPolicy"] = json!("WhenEmptyOrUnderutilized");
    pool["spec"]["disruption"]["consolidateAfter"] = json!("0s");
    world.apply(&[pool, disruptions("work", 1), workload("work", 22, "700m")]);
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &[]);
    let busy = history.until("all pods run", |now| now.is_settled(22));
    assert!(busy.nodes().len() > 1, "one node holds all");
    let busy_until = history.latest();

    world.apply(&[workload("work", 4, "700m")]);
    let end = history.until("four pods run on one small node", |now| {
        let nodes = now.nodes();
        let small = |node: &&Value| {
            node["metadata"]["labels"]["node.kubernetes.io/instance-type"] == "plain-4x"
        };
        now.is_settled(4) && nodes.len() == 1 && nodes.iter().all(small)
    });

    assert!(history.least_since(busy_until, Now::at_work) >= 3);
    let new = name(end.claims()[0]);
    assert!(!names(&busy.claims()).contains(&new));
    let came = history.first(Kind::Claim, &new, is_initialized);
    let came = came.expect("it is initialized").revision;
    let claims = history.names(Kind::Claim).into_iter();
    let went = claims.filter_map(|claim| history.first(Kind::Claim, &claim, is_deleting));
    let last = went.map(|change| change.revision).max();
    let last = last.expect("others went");
    assert!(
        came < last,
        "the last old node went before the new one came"
    );
    Ok(())
}

/// DF-08, DR-03, DR-06, BU-14: each node is replaced, two at a time, and none goes before its
/// replacement is complete.
#[test]
fn a_changed_template_replaces_all_nodes_and_no_more_at_once_than_the_budget_says()
-> anyhow::Result<()> {
    let world = World::start("drift")?;
    world.apply(&[pool(&generation("1"), "2"), apart("work", 5)]);
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &[]);
    let before = history.until("all pods run", |now| now.is_settled(5));
    assert!(are_of_today(&world, &before, "1"));

    world.apply(&[pool(&generation("2"), "2")]);
    let old = names(&before.claims());
    let after = history.until("all nodes are new", |now| {
        now.is_settled(5) && names(&now.claims()).is_disjoint(&old)
    });
    assert_eq!(after.nodes().len(), 5);
    assert!(are_of_today(&world, &after, "2"));
    assert_eq!(history.most(Now::going), 2);
    assert_eq!(history.names(Kind::Claim).len(), 10);
    for claim in old {
        let went = history.first(Kind::Claim, &claim, is_deleting);
        let before = history.at(went.expect("it went").revision);
        assert!(before.complete() >= 5, "{claim} went too early");
    }
    Ok(())
}

/// DR-10, DR-07: what the pod protects stays until the pod has ended, and is empty then.
#[test]
fn a_pod_that_must_not_be_disrupted_keeps_its_node_until_it_ends() -> anyhow::Result<()> {
    let world = World::start("protected")?;
    world.apply(&[pool(&generation("1"), "100%")]);
    world.apply(&[protected(job("kept")), apart("free", 1)]);
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &[]);
    let before = history.until("all pods run", |now| now.is_settled(2));

    world.apply(&[pool(&generation("2"), "100%")]);
    let held = history.until("what may go has gone", |now| {
        now.is_settled(2) && has_moved(now, "free", &before) && is_held(now, "kept", &before)
    });
    let kept = name(held.claim_of("kept").expect("it is held"));
    world.says_about(&kept, "DisruptionBlocked");
    assert!(history.first(Kind::Claim, &kept, is_deleting).is_none());

    world.finish(&name(held.pod("kept").expect("it runs")));
    history.until("what was kept has gone", |now| {
        let is_gone = now.claims().iter().all(|claim| name(claim) != kept);
        is_gone && now.nodes().len() == 1 && now.going() == 0
    });
    let went = history.first(Kind::Claim, &kept, is_deleting);
    let then = history.at(went.expect("it went").revision);
    let pods = then.pods();
    let ended = pods
        .iter()
        .filter(|pod| pod["status"]["phase"] == "Succeeded");
    assert_eq!(ended.count(), 1, "the pod had not ended");
    assert_eq!(history.names(Kind::Claim).len(), 3, "it was replaced");
    Ok(())
}

/// DR-10, NT-09: a disruption budget keeps one node from being chosen, and another one that was
/// deleted by hand from being drained; both go when it allows that.
#[test]
fn a_disruption_budget_holds_nodes_back_until_it_allows_more() -> anyhow::Result<()> {
    let world = World::start("budget")?;
    let apps = ["chosen", "drained", "free"];
    world.apply(&[
        pool(&generation("1"), "100%"),
        disruptions("chosen", 0),
        disruptions("drained", 0),
    ]);
    world.apply(&apps.map(|app| apart(app, 1)));
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &[]);
    let before = history.until("all pods run", |now| now.is_settled(3));

    world.apply(&[pool(&generation("2"), "100%")]);
    history.until("what may go has gone", |now| {
        let held = |app: &str| is_held(now, app, &before);
        now.is_settled(3) && has_moved(now, "free", &before) && held("chosen") && held("drained")
    });
    let claim = |app: &str| name(before.claim_of(app).expect("it runs"));
    world.says_about(&claim("chosen"), "DisruptionBlocked");

    let drained = claim("drained");
    world
        .kubectl(&["delete", "nodeclaim", &drained, "--wait=false"])
        .expect("deletes");
    let host = before.pod("drained").expect("it runs")["spec"]["nodeName"].as_str();
    world.says_about(host.expect("it is bound"), "FailedDraining");
    let pod = |app: &str| name(before.pod(app).expect("it runs"));
    for app in ["chosen", "drained"] {
        let was_asked = history.first(Kind::Pod, &pod(app), is_deleting);
        assert!(was_asked.is_none(), "{app} was evicted");
    }
    let held = history.first(Kind::Claim, &claim("chosen"), is_deleting);
    assert!(held.is_none());

    world.apply(&[disruptions("chosen", 1), disruptions("drained", 1)]);
    history.until("all nodes are new", |now| {
        now.is_settled(3) && apps.iter().all(|app| has_moved(now, app, &before))
    });
    assert_eq!(history.names(Kind::Claim).len(), 6);
    Ok(())
}

/// A point in the replacement of a node, and how the objects show it, given the old claims.
type Point = (&'static str, fn(&Now, &BTreeSet<String>) -> bool);

/// In their order.
const POINTS: [Point; 4] = [
    ("a node is marked", |now, _| {
        now.nodes().into_iter().any(is_going)
    }),
    ("a replacement is made", |now, old| {
        names(&now.claims()) != *old
    }),
    ("the replacement is complete", |now, old| {
        let mut claims = now.claims().into_iter();
        claims.any(|claim| !old.contains(&name(claim)) && is_initialized(claim))
    }),
    ("the old node goes", |now, _| {
        now.claims().into_iter().any(is_deleting)
    }),
];

/// IN-01 and what follows from it: whatever a replacement had come to, the next run finishes it.
#[test]
fn crashes_in_the_middle_of_a_replacement_lose_nothing_and_double_nothing() -> anyhow::Result<()> {
    let world = World::start("crash")?;
    world.apply(&[pool(&generation("1"), "1"), apart("work", 2)]);
    let history = History::follow(&world);
    let mut karpenter = karpenter_alone(&world);
    let before = history.until("all pods run", |now| now.is_settled(2));
    let old = names(&before.claims());

    world.apply(&[pool(&generation("2"), "1")]);
    for (what, is_reached) in POINTS {
        history.until(what, |now| is_reached(now, &old));
        karpenter.signal("-KILL");
        karpenter.ends();
        karpenter = karpenter_alone(&world);
    }

    let after = history.until("all nodes are new", |now| {
        now.is_settled(2) && names(&now.claims()).is_disjoint(&old)
    });
    assert!(are_of_today(&world, &after, "2"));
    assert_eq!(after.claims().len(), 2);
    assert_eq!(history.most(Now::going), 1);
    let made = history.names(Kind::Claim);
    assert_eq!(made.len(), 4, "a replacement was forgotten: {made:?}");
    let joined = history.names(Kind::Node);
    assert_eq!(joined.len(), 4, "a machine was made twice: {joined:?}");
    for claim in old {
        let went = history.first(Kind::Claim, &claim, is_deleting);
        let then = history.at(went.expect("it went").revision);
        assert!(then.complete() >= 2, "{claim} went too early");
    }
    Ok(())
}
