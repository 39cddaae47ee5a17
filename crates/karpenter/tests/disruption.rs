//! Disruption by the product's own decisions, on a real control plane: cheaper nodes, new
//! templates, what holds a node, and a crash in between.

mod common;

use std::collections::BTreeSet;

use common::history::{History, Kind, Now, is_deleting, is_going, is_initialized, is_true, name};
use common::objects::{apart, disruptions, generation, karpenter, pool, workload};
use common::world::World;
use serde_json::{Value, json};

fn names(objects: &[&Value]) -> BTreeSet<String> {
    objects.iter().map(|object| name(object)).collect()
}

fn going(now: &Now) -> usize {
    let nodes = now.nodes();
    nodes.iter().filter(|node| is_going(node)).count()
}

/// All claims are of the pool's template of today, by its label and by its hash.
fn are_of_today(world: &World, now: &Now, generation: &str) -> bool {
    let hash =
        |object: &Value| object["metadata"]["annotations"]["karpenter.sh/nodepool-hash"].clone();
    let pools = world.items("nodepools");
    now.claims().iter().all(|claim| {
        claim["metadata"]["labels"]["generation"] == generation && hash(claim) == hash(&pools[0])
    })
}

#[test]
fn hardly_used_nodes_become_a_cheaper_one_which_comes_first() -> anyhow::Result<()> {
    let world = World::start("consolidation")?;
    let mut pool = pool(&json!({}), "100%");
    pool["spec"]["disruption"]["consolidationPolicy"] = json!("WhenEmptyOrUnderutilized");
    pool["spec"]["disruption"]["consolidateAfter"] = json!("0s");
    world.apply(&[pool, workload("work", 22, "700m")]);
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &[]);
    let busy = history.until("all pods run", |now| now.is_settled(22));
    assert!(busy.nodes().len() > 1, "one node holds all");

    world.apply(&[workload("work", 2, "700m")]);
    let end = history.until("two pods run on one small node", |now| {
        let nodes = now.nodes();
        let small = |node: &&Value| {
            node["metadata"]["labels"]["node.kubernetes.io/instance-type"] == "plain-2x"
        };
        now.is_settled(2) && nodes.len() == 1 && nodes.iter().all(small)
    });

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

#[test]
fn a_changed_template_replaces_all_nodes_one_at_a_time_if_the_budget_says_so() -> anyhow::Result<()>
{
    let world = World::start("drift")?;
    world.apply(&[pool(&generation("1"), "1"), apart("work", 3)]);
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &[]);
    let before = history.until("all pods run", |now| now.is_settled(3));
    assert!(are_of_today(&world, &before, "1"));

    world.apply(&[pool(&generation("2"), "1")]);
    let old = names(&before.claims());
    let after = history.until("all nodes are new", |now| {
        now.is_settled(3) && names(&now.claims()).is_disjoint(&old)
    });
    assert_eq!(after.nodes().len(), 3);
    assert!(are_of_today(&world, &after, "2"));
    assert_eq!(history.most(going), 1);
    let ready = |now: &Now| {
        let claims = now.claims();
        let ready = claims
            .iter()
            .filter(|one| is_initialized(one) && !is_deleting(one));
        ready.count()
    };
    for claim in old {
        let went = history.first(Kind::Claim, &claim, is_deleting);
        let before = history.at(went.expect("it went").revision);
        assert!(ready(&before) >= 3, "{claim} went before another had come");
    }
    Ok(())
}

#[test]
fn what_must_not_be_disrupted_keeps_its_node_until_it_may() -> anyhow::Result<()> {
    let world = World::start("blocked")?;
    let mut kept = apart("kept", 1);
    kept["spec"]["template"]["metadata"]["annotations"] =
        json!({"karpenter.sh/do-not-disrupt": "true"});
    world.apply(&[pool(&generation("1"), "100%"), disruptions("guarded", 0)]);
    world.apply(&[kept, apart("guarded", 1), apart("free", 1)]);
    let history = History::follow(&world);
    let _karpenter = karpenter(&world, &[]);
    let before = history.until("all pods run", |now| now.is_settled(3));
    let claim = |now: &Now, app: &str| now.claim_of(app).map(name);
    let old = |app: &str| claim(&before, app).expect("it runs");
    let is_new = |now: &Now, app: &str| claim(now, app).is_some_and(|claim| claim != old(app));
    let is_held = |now: &Now, app: &str| {
        let claim = now.claim_of(app);
        claim.is_some_and(|claim| name(claim) == old(app) && is_true(claim, "Drifted"))
    };

    world.apply(&[pool(&generation("2"), "100%")]);
    history.until("what may go has gone", |now| {
        now.is_settled(3) && is_new(now, "free") && is_held(now, "kept") && is_held(now, "guarded")
    });

    let pod = name(before.pod("kept").expect("it runs"));
    world
        .kubectl(&["annotate", "pod", &pod, "karpenter.sh/do-not-disrupt-"])
        .expect("annotates");
    history.until("what was kept has gone", |now| {
        now.is_settled(3) && is_new(now, "kept") && is_held(now, "guarded")
    });

    world.apply(&[disruptions("guarded", 1)]);
    history.until("what was guarded has gone", |now| {
        now.is_settled(3) && is_new(now, "guarded")
    });
    for app in ["kept", "guarded", "free"] {
        let went = history.first(Kind::Claim, &old(app), is_deleting);
        assert!(went.is_some(), "{app}");
    }
    Ok(())
}

#[test]
fn a_crash_in_the_middle_of_a_replacement_loses_nothing_and_doubles_nothing() -> anyhow::Result<()>
{
    let world = World::start("crash")?;
    let pool = |template: &Value| {
        let mut pool = pool(template, "1");
        pool["spec"]["disruption"]["consolidateAfter"] = json!("5s");
        pool
    };
    world.apply(&[pool(&generation("1")), apart("work", 2)]);
    let history = History::follow(&world);
    let mut first = karpenter(&world, &[]);
    let before = history.until("all pods run", |now| now.is_settled(2));
    let old = names(&before.claims());

    world.apply(&[pool(&generation("2"))]);
    history.until("a replacement is made", |now| now.claims().len() == 3);
    first.signal("-KILL");
    first.ends();
    let middle = history.until("the old ones are there", |now| {
        names(&now.claims()).is_superset(&old)
    });
    assert!(!middle.claims().into_iter().any(is_deleting));

    let _second = karpenter(&world, &[]);
    let after = history.until("all nodes are new", |now| {
        now.is_settled(2) && now.claims().len() == 2 && names(&now.claims()).is_disjoint(&old)
    });
    assert!(are_of_today(&world, &after, "2"));
    assert_eq!(history.most(going), 1);
    let made = history.names(Kind::Claim);
    assert_eq!(
        made.len(),
        4,
        "the first replacement was forgotten: {made:?}"
    );
    Ok(())
}
