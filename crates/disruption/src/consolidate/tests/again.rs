//! The second look at what was planned, before it is done.

use cluster::{Change, Event, Gone, Intent};
use serde_json::{Value, json};

use crate::testing::market::{catalog, cores_and, on_demand, told};
use crate::testing::{Scene, at};
use crate::{Because, Command, Options, Validated, Why};

/// A node whose pod has room on another.
fn delete() -> (Scene, Vec<Command>) {
    let mut scene = Scene::market(&[on_demand("eight", 8, 0.8)]);
    scene
        .launched("a", ("eight", "on-demand"))
        .running("x", "a", "1")
        .launched("b", ("eight", "on-demand"))
        .running("y", "b", "2")
        .running("z", "b", "2");
    planned(scene, "a -> nothing")
}

/// A node that is to be replaced.
fn replace() -> (Scene, Vec<Command>) {
    let mut scene = Scene::market(&types(&["small", "mid"]));
    scene
        .launched("a", ("eight", "on-demand"))
        .running("x", "a", "1");
    planned(scene, "a -> small|mid")
}

fn types(cheaper: &[&str]) -> Vec<Value> {
    let of = |name: &&str| match *name {
        "small" => on_demand("small", 2, 0.2),
        name => on_demand(name, 4, 0.4),
    };
    let mut types: Vec<Value> = cheaper.iter().map(of).collect();
    types.push(on_demand("eight", 8, 0.8));
    types
}

fn planned(mut scene: Scene, expected: &str) -> (Scene, Vec<Command>) {
    let commands = scene.look(&Options::default()).commands;
    assert_eq!(told(&commands), [expected]);
    (scene, commands)
}

/// Why the only command was dropped, and why its node stays.
fn dropped(validated: &Validated) -> (Because, Option<Why>) {
    assert!(validated.commands.is_empty());
    let [rejected] = &validated.rejected[..] else {
        panic!("one command: {:?}", validated.rejected)
    };
    assert_eq!(rejected.command.candidates.len(), 1);
    let kept = rejected.kept.first();
    (rejected.because, kept.map(|kept| kept.reason.clone()))
}

/// What has not changed is done as it was planned.
#[test]
fn what_holds_is_done_as_it_was_planned() {
    for (mut scene, commands) in [delete(), replace()] {
        let validated = scene.again(&commands);
        assert_eq!(told(&validated.commands), told(&commands));
        assert!(validated.rejected.is_empty());
    }
}

/// VA-02: a pod comes that must not be moved.
#[test]
fn a_protected_or_blocked_pod_that_came_stops_it() {
    let keep = json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}});
    let other = json!({"metadata": {"labels": {"app": "other"}}});
    for make in [delete, replace] {
        let (mut scene, commands) = make();
        scene.pod("new", "a", &cores_and("100m", &keep));
        let (because, why) = dropped(&scene.again(&commands));
        assert_eq!((because, because.as_str()), (Because::Churn, "churn"));
        assert!(matches!(why, Some(Why::ProtectedPod { .. })));
        let (mut scene, commands) = make();
        scene
            .pod("new", "a", &cores_and("100m", &other))
            .budget("one", "other", 0);
        let (because, why) = dropped(&scene.again(&commands));
        assert_eq!(because, Because::Churn);
        assert!(matches!(why, Some(Why::BlockedPod { .. })));
    }
}

/// VA-03: the replacement can't be had any more. What was planned is checked, so cheaper or other
/// types that could be had by now change nothing, and one of the types is enough.
#[test]
fn a_replacement_that_cannot_be_had_any_more_stops_it() {
    let (mut scene, commands) = replace();
    scene.types("p", catalog(&types(&["mid"])));
    assert_eq!(
        told(&scene.again(&commands).commands),
        ["a -> small|mid"],
        "one is left"
    );
    scene.types("p", catalog(&types(&["other"])));
    let (because, why) = dropped(&scene.again(&commands));
    assert_eq!(
        (because, because.as_str()),
        (Because::Scheduling, "scheduling")
    );
    assert!(matches!(why, Some(Why::Stays(_))));
}

/// VA-04: pods have come to where the node's pods were to go.
#[test]
fn room_that_is_taken_by_now_stops_it() {
    let (mut scene, commands) = delete();
    scene.running("new", "b", "3500m");
    let (because, why) = dropped(&scene.again(&commands));
    assert_eq!(because, Because::Scheduling);
    assert!(matches!(why, Some(Why::Stays(_))));
    // A pending pod that is to come there takes room as well.
    let (mut scene, commands) = delete();
    scene.pending("new", "3");
    let validated = scene.again(&commands);
    assert_eq!(told(&validated.commands), ["a -> nothing"], "b has room");
    scene.pending("more", "1");
    assert_eq!(dropped(&scene.again(&commands)).0, Because::Scheduling);
}

/// VA-05: pods are expected on the node, or the budget has shrunk.
#[test]
fn expected_pods_and_smaller_budgets_stop_it() {
    for make in [delete, replace] {
        let (mut scene, commands) = make();
        scene.0.commit(Intent::Nominate {
            node: "a".to_owned(),
            until: at(200),
        });
        let (because, why) = dropped(&scene.again(&commands));
        assert_eq!((because, because.as_str()), (Because::Budget, "budget"));
        assert_eq!(why, Some(Why::Nominated { until: at(200) }));
        let (mut scene, commands) = make();
        let types = scene.snapshot().pool("p").expect("a pool").types.to_vec();
        let none = json!({"spec": {"disruption": {"budgets": [{"nodes": "0"}]}}});
        scene.pool("p", &none).types("p", types);
        let (because, why) = dropped(&scene.again(&commands));
        assert_eq!(because, Because::Budget);
        assert!(matches!(why, Some(Why::Budget { allowed: 0, .. })));
    }
}

/// VA-06: a node that is gone leaves nothing to say of it.
#[test]
fn a_node_that_is_gone_stops_it() {
    let (mut scene, commands) = delete();
    let gone = |name: &str| Gone {
        name: name.to_owned(),
        ..Gone::default()
    };
    scene.0.apply(Event::Node(Change::Deleted(gone("a"))));
    scene
        .0
        .apply(Event::NodeClaim(Change::Deleted(gone("c-a"))));
    assert_eq!(dropped(&scene.again(&commands)), (Because::Churn, None));
}

/// Commands are looked at together: each after those before it.
#[test]
fn of_two_commands_for_one_room_the_first_is_done() {
    let mut scene = Scene::market(&[on_demand("eight", 8, 0.8)]);
    for node in ["a", "b"] {
        scene
            .launched(node, ("eight", "on-demand"))
            .running(&format!("x{node}"), node, "2");
    }
    scene.launched("room", ("eight", "on-demand"));
    for number in 0..3 {
        scene.running(&format!("y{number}"), "room", "1");
    }
    let commands = scene.look(&Options::default()).commands;
    assert_eq!(told(&commands), ["a -> nothing", "b -> nothing"]);
    scene.running("new", "room", "2");
    let validated = scene.again(&commands);
    assert_eq!(told(&validated.commands), ["a -> nothing"]);
    assert_eq!(validated.rejected.len(), 1);
    assert_eq!(validated.rejected[0].because, Because::Scheduling);
}
