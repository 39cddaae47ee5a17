//! Several nodes at once, and all that one look takes in.

use std::time::Duration;

use catalog::Price;
use serde_json::json;

use crate::testing::market::{A, cores_and, machine, on_demand, spot_to_spot, told, why_of};
use crate::testing::{Scene, at};
use crate::{Memory, Options, Payback, Reason, Stays, Why, plan};

/// MN-01: three nodes whose pods fit one that is cheaper than each of them.
#[test]
fn three_nodes_become_one_that_is_cheaper() {
    let both = |name: &str, price: f64| {
        machine(
            name,
            4,
            &[(A, "on-demand", price), (A, "spot", price * 0.9)],
        )
    };
    let types = [both("now", 0.4), both("new", 0.3)];
    for (kinds, expected) in [
        // What costs less as spot than the nodes do now may be of their own type.
        (["on-demand", "on-demand", "on-demand"], "a b c -> new|now"),
        (["spot", "spot", "spot"], "a b c -> new"),
        // As spot their type costs what one of them costs already.
        (["on-demand", "spot", "on-demand"], "a b c -> new"),
    ] {
        let mut scene = Scene::market(&types);
        for (node, kind) in ["a", "b", "c"].into_iter().zip(kinds) {
            scene
                .launched(node, ("now", kind))
                .running(&format!("x{node}"), node, "1");
        }
        let plan = scene.look(&spot_to_spot());
        assert_eq!(told(&plan.commands), [expected], "{kinds:?}");
        assert_eq!(plan.commands[0].consolidation_type(), "multi");
    }
}

/// MN-02: two nodes of the cheapest type whose pods fit one. Nothing would be won by a new node of
/// that type, so one of them goes and the other stays: the pod of the one has room on the other.
#[test]
fn of_two_nodes_of_the_cheapest_type_one_goes() {
    let mut scene = Scene::market(&[on_demand("small", 4, 0.2), on_demand("large", 8, 0.6)]);
    scene
        .launched("a", ("small", "on-demand"))
        .running("x", "a", "1")
        .running("y", "a", "1")
        .launched("b", ("small", "on-demand"))
        .running("z", "b", "1");
    assert_eq!(scene.told(), ["b -> nothing"]);
    assert_eq!(scene.stays("a"), Why::Stays(Stays::NotNow));
}

fn no_cheaper(than: f64) -> Why {
    let price = Some(Price::from_dollars(than));
    Why::Stays(Stays::NoCheaper { price })
}

/// MN-03: several nodes are not replaced by what one of them is, nor by what costs as much; types
/// that are cheaper than that are left.
#[test]
fn what_one_of_the_nodes_is_and_dearer_types_replace_nothing() {
    let mut scene = Scene::market(&[
        on_demand("xl", 8, 0.8),
        on_demand("odd", 8, 0.9),
        on_demand("l", 4, 0.4),
        on_demand("s", 2, 0.3),
    ]);
    for node in ["a", "b"] {
        scene
            .launched(node, ("xl", "on-demand"))
            .running(&format!("x{node}"), node, "1");
    }
    // Together they cost 1.6, but neither `xl` nor `odd` is among the types.
    assert_eq!(scene.told(), ["a b -> s|l"]);
    // With pods that fit nothing smaller one of the two goes, and no new one comes.
    let mut scene = Scene::market(&[on_demand("xl", 8, 0.8), on_demand("l", 4, 0.4)]);
    for node in ["a", "b"] {
        scene
            .launched(node, ("xl", "on-demand"))
            .running(&format!("x{node}"), node, "3");
    }
    let plan = scene.look(&Options::default());
    let replacements = plan.commands.iter().flat_map(|one| &one.replacements);
    let types: Vec<_> = replacements
        .flat_map(|claim| claim.instance_types.iter())
        .collect();
    assert!(types.iter().all(|ty| &*ty.name == "l"), "{types:?}");
    assert!(!plan.commands.is_empty());
}

/// MN-04: where that leaves fewer types than `minValues` demands, one node goes whose pods have
/// room on the other.
#[test]
fn where_too_few_types_are_left_a_single_node_goes() {
    let requirement = json!({"key": "node.kubernetes.io/instance-type", "operator": "Exists",
        "minValues": 2});
    let pool = json!({"spec": {"template": {"spec": {"requirements": [requirement]}}}});
    let types = [on_demand("xl", 8, 0.8), on_demand("s", 2, 0.2)];
    let mut scene = Scene::market_of(&pool, &types);
    for node in ["a", "b"] {
        scene
            .launched(node, ("xl", "on-demand"))
            .running(&format!("x{node}"), node, "1");
    }
    assert_eq!(scene.told(), ["a -> nothing"]);
}

/// Nodes of which only the last has pods that fit elsewhere.
fn many(count: usize) -> Scene {
    let mut scene = Scene::market(&[on_demand("eight", 8, 0.8)]);
    for number in 0..count {
        let node = format!("n{number:03}");
        scene.launched(&node, ("eight", "on-demand"));
        if number + 1 < count {
            scene.running(&format!("x{number}"), &node, "7500m");
        } else {
            for pod in 0..8 {
                scene.running(&format!("y{pod}"), &node, "500m");
            }
        }
    }
    scene
}

/// MN-06, MN-07, MN-08, SN-02, SN-03: there is no time-out and no memo of a fruitless look: every
/// node is looked at in every look, the last as well as the first, and what has changed since
/// counts at once.
#[test]
fn every_node_is_looked_at_in_every_look() {
    let mut scene = many(300);
    let memory = &mut Memory::default();
    let mut look = |scene: &mut Scene, seconds| {
        let (snapshot, options) = (scene.snapshot(), Options::default());
        plan(memory, &snapshot, &options, at(seconds), 0)
    };
    for seconds in [100, 110] {
        let plan = look(&mut scene, seconds);
        assert_eq!(told(&plan.commands), ["n299 -> nothing"]);
        assert_eq!(plan.eligible[&Reason::Underutilized], 300);
        assert_eq!(plan.kept.len(), 299);
        assert!(plan.kept.iter().all(|kept| kept.reason == no_cheaper(0.8)));
    }
    scene.running("bound", "n299", "4");
    let plan = look(&mut scene, 120);
    assert!(plan.commands.is_empty(), "{:?}", told(&plan.commands));
    assert_eq!(why_of(&plan, "n299"), no_cheaper(0.8));
}

/// SN-01: pools need no turns: nodes of all of them go in one look.
#[test]
fn nodes_of_all_pools_go_in_one_look() {
    let mut scene = Scene::market(&[on_demand("eight", 8, 0.8)]);
    let types = crate::testing::market::catalog(&[on_demand("eight", 8, 0.8)]);
    scene.pool("q", &json!({})).types("q", types);
    let of_q = json!({"metadata": {"labels": {"karpenter.sh/nodepool": "q"}}});
    for (node, labels) in [
        ("a", json!({})),
        ("b", json!({})),
        ("c", json!({})),
        ("d", of_q),
    ] {
        scene
            .launched_with(node, ("eight", "on-demand"), &labels, &json!({}))
            .running(&format!("x{node}"), node, "1");
    }
    scene
        .launched("room", ("eight", "on-demand"))
        .running("y", "room", "1")
        .running("z", "room", "1");
    let mut told = scene.told();
    told.sort();
    let each = ["a", "b", "c", "d"].map(|node| format!("{node} -> nothing"));
    assert_eq!(told, each);
}

/// BU-05: no more nodes than budgets allow, each by a command of its own.
#[test]
fn budgets_bound_how_many_nodes_go() {
    let pool = json!({"spec": {"disruption": {"budgets": [{"nodes": "3"}]}}});
    let mut scene = Scene::market_of(&pool, &[on_demand("eight", 8, 0.8)]);
    for number in 0..10 {
        let node = format!("n{number}");
        scene
            .launched(&node, ("eight", "on-demand"))
            .running(&format!("x{number}"), &node, "1");
    }
    let plan = scene.look(&Options::default());
    let each = ["n0", "n1", "n2"].map(|node| format!("{node} -> nothing"));
    assert_eq!(told(&plan.commands), each);
    let kept = plan.kept.iter().filter(|kept| kept.reason.is_eligible());
    assert_eq!(kept.count(), 7);
}

/// BU-09: what budgets forbade once is not forgotten: it is done as soon as they allow it.
#[test]
fn what_budgets_forbade_is_done_when_they_allow_it() {
    let budget = |nodes: &str| json!({"spec": {"disruption": {"budgets": [{"nodes": nodes}]}}});
    let mut scene = Scene::market_of(&budget("0"), &[on_demand("eight", 8, 0.8)]);
    for node in ["a", "b"] {
        scene
            .launched(node, ("eight", "on-demand"))
            .running(&format!("x{node}"), node, "1");
    }
    let memory = &mut Memory::default();
    let mut look = |scene: &mut Scene| {
        let (snapshot, options) = (scene.snapshot(), Options::default());
        plan(memory, &snapshot, &options, at(100), 0)
    };
    let none = look(&mut scene);
    assert!(none.commands.is_empty());
    assert!(none.kept.iter().all(|kept| kept.reason.is_eligible()));
    let types = scene.snapshot().pool("p").expect("a pool").types.to_vec();
    scene.pool("p", &budget("1")).types("p", types);
    assert_eq!(told(&look(&mut scene).commands), ["a -> nothing"]);
}

/// Nodes become fewer of another type, two at a time: those that share a new node go together, and
/// the others do not wait for them. The reference takes several into one at most, and one such set
/// at a time.
#[test]
fn many_nodes_become_fewer_in_as_many_commands_as_there_are_new_nodes() {
    let mut scene = Scene::market(&[on_demand("eight", 8, 0.8), on_demand("ten", 10, 0.9)]);
    for number in 0..10 {
        let node = format!("n{number}");
        scene
            .launched(&node, ("eight", "on-demand"))
            .running(&format!("x{number}"), &node, "5");
    }
    let plan = scene.look(&Options::default());
    let told = told(&plan.commands);
    assert_eq!(told.len(), 5, "{told:?}");
    assert!(told.iter().all(|one| one.ends_with(" -> ten")), "{told:?}");
    let nodes = plan.commands.iter().map(|one| one.candidates.len());
    assert!(nodes.clone().all(|count| count == 2), "{told:?}");
    assert!(plan.kept.is_empty());
}

/// Nodes whose pods mix on the new nodes go in one command with all of these.
#[test]
fn nodes_that_share_new_nodes_are_one_command() {
    let mut scene = Scene::market(&[on_demand("now", 10, 1.2), on_demand("twelve", 12, 0.7)]);
    for node in ["a", "b", "c", "d"] {
        scene
            .launched(node, ("now", "on-demand"))
            .running(&format!("x{node}"), node, "6")
            .running(&format!("y{node}"), node, "3");
    }
    let plan = scene.look(&Options::default());
    assert_eq!(
        told(&plan.commands),
        ["a b c d -> twelve + twelve + twelve"]
    );
    let command = &plan.commands[0];
    assert_eq!(command.price_after, Price::from_dollars(2.1));
    assert_eq!(command.consolidation_type(), "multi");
}

/// A change must pay for itself in time: new nodes run beside old ones for a while, and every
/// eviction costs something. The reference takes any change that saves anything.
#[test]
fn a_change_must_pay_for_itself() {
    let within = |hours: u64| Options {
        payback: Payback {
            within: Duration::from_secs(hours * 3600),
            ..Payback::default()
        },
        ..Options::default()
    };
    let mut scene = Scene::market(&[on_demand("now", 4, 0.5), on_demand("new", 4, 0.495)]);
    scene
        .launched("a", ("now", "on-demand"))
        .running("x", "a", "1");
    assert_eq!(scene.stays("a"), no_cheaper(0.5));
    let plan = scene.look(&within(1000));
    assert_eq!(told(&plan.commands), ["a -> new"]);
    // Thirty pods are not moved for a tenth of a cent an hour.
    let mut scene = Scene::market(&[on_demand("now", 4, 0.001), on_demand("room", 16, 0.01)]);
    scene
        .launched("a", ("now", "on-demand"))
        .launched("room", ("room", "on-demand"));
    for number in 0..31 {
        scene
            .running(&format!("x{number}"), "a", "100m")
            .running(&format!("y{number}"), "room", "200m")
            .running(&format!("z{number}"), "room", "200m");
    }
    let plan = scene.look(&within(1));
    assert!(plan.commands.is_empty(), "{:?}", told(&plan.commands));
    let why = why_of(&plan, "a");
    assert!(matches!(why, Why::Stays(Stays::NotWorthIt { .. })), "{why}");
    let plan = scene.look(&within(10));
    assert_eq!(told(&plan.commands), ["a -> nothing"]);
}

/// A node whose price is not known goes if its pods have room on others; it is not replaced.
#[test]
fn a_node_of_unknown_price_is_only_removed() {
    let elsewhere = json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "gone"}}});
    let keep = json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}});
    let mut scene = Scene::market(&[on_demand("eight", 8, 0.8), on_demand("one", 1, 0.1)]);
    scene
        .launched_with("a", ("eight", "on-demand"), &elsewhere, &json!({}))
        .running("x", "a", "1");
    let unknown = Why::Stays(Stays::NoCheaper { price: None });
    assert_eq!(scene.stays("a"), unknown);
    scene
        .launched("b", ("eight", "on-demand"))
        .pod("y", "b", &cores_and("6", &keep));
    assert_eq!(scene.told(), ["a -> nothing"]);
}

/// The answer does not depend on the number of threads.
#[test]
fn threads_do_not_change_the_answer() {
    let mut scene = many(40);
    for number in 0..20 {
        let node = format!("m{number:02}");
        scene
            .launched(&node, ("eight", "on-demand"))
            .running(&format!("z{number}"), &node, "1");
    }
    let with = |scene: &mut Scene, threads| {
        let options = Options {
            threads,
            ..Options::default()
        };
        let plan = scene.look(&options);
        (told(&plan.commands), plan.kept)
    };
    let one = with(&mut scene, 1);
    assert!(!one.0.is_empty());
    assert_eq!(with(&mut scene, 3), one);
}
