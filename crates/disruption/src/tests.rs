mod moving;

use cluster::{Change, Event, Intent};
use model::k8s::{Node, PodDisruptionBudget};
use serde_json::{Value, json};

use super::*;
use crate::testing::{Scene, at, merge, read, true_condition};

fn scene() -> Scene {
    Scene::new(&json!({}))
}

/// A pool that only gives up empty nodes.
fn when_empty() -> Scene {
    let pool = json!({"spec": {"disruption": {"consolidationPolicy": "WhenEmpty"}}});
    Scene::new(&pool)
}

fn owned_by(kind: &str) -> Value {
    json!({"metadata": {"ownerReferences":
        [{"apiVersion": "apps/v1", "kind": kind, "name": "o", "uid": "o"}]}})
}

/// EM-01, EM-05: all empty nodes go in one command, the dearest first.
#[test]
fn empty_nodes_go_in_one_command() {
    let mut scene = scene();
    let dear = json!({"metadata": {"labels":
        {"node.kubernetes.io/instance-type": "m-16x-amd64-linux"}}});
    scene.empty("a").node("b", &dear, &json!({}));
    let plan = scene.plan();
    let [command] = &plan.commands[..] else {
        panic!("one command: {:?}", plan.commands)
    };
    assert_eq!(command.decision(), Decision::Delete);
    let names: Vec<&str> = command.candidates.iter().map(|one| &*one.node).collect();
    assert_eq!(names, ["b", "a"]);
    assert!(command.price_before.nanos() > 0);
    assert_eq!(command.to_string(), "delete 2 node(s) (empty): b, a");
    assert_eq!((plan.eligible[&Reason::Empty], plan.kept.len()), (2, 0));
}

/// EM-04, EM-07, EM-08, EM-09, EM-16: which pods count.
#[test]
fn pods_that_must_come_back_elsewhere_keep_a_node() {
    let leaving = |kind: &str| {
        let mut pod = owned_by(kind);
        pod["metadata"]["deletionTimestamp"] = json!(at(90).to_string());
        pod
    };
    for (pod, empty) in [
        (json!({}), false),
        (owned_by("DaemonSet"), true),
        (leaving("ReplicaSet"), true),
        (leaving("StatefulSet"), false),
        (json!({"status": {"phase": "Succeeded"}}), true),
        (
            json!({"metadata": {"annotations":
                {"controller.kubernetes.io/pod-deletion-cost": "-2147483648"}}}),
            true,
        ),
    ] {
        let mut scene = when_empty();
        scene.empty("a").pod("x", "a", &pod);
        assert_eq!(scene.going().len(), usize::from(empty), "{pod}");
    }
    let mut scene = when_empty();
    assert_eq!(
        scene.empty("a").pod("x", "a", &json!({})).why(),
        Why::NotEmpty {
            pool: "p".to_owned(),
            pods: 1
        }
    );
}

/// EM-02, EM-03, EM-14, EM-17.
#[test]
fn nodes_and_pools_may_say_that_nodes_stay() {
    let mut kept = scene();
    let annotated =
        |value: &str| json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": value}}});
    kept.node("a", &annotated("true"), &json!({}));
    assert_eq!(kept.why(), Why::DoNotDisrupt);
    let mut free = scene();
    assert_eq!(
        free.node("a", &annotated("false"), &json!({})).going(),
        ["a"]
    );
    let conditions = json!({"status": {"conditions": [true_condition("Initialized")]}});
    let mut loud = scene();
    assert_eq!(
        loud.node("a", &json!({}), &conditions).why(),
        Why::NotQuiet { until: None }
    );
    let mut never = Scene::new(&json!({"spec": {"disruption": {"consolidateAfter": "Never"}}}));
    assert_eq!(
        never.empty("a").why(),
        Why::ConsolidationOff {
            pool: "p".to_owned()
        }
    );
    let mut fixed = Scene::new(&json!({"spec": {"replicas": 1}}));
    assert_eq!(fixed.empty("a").why(), Why::Static);
    let policy = json!({"spec": {"disruption": {"consolidationPolicy": "WhenEmpty"}}});
    let mut scene = Scene::new(&policy);
    let why = scene.empty("a").pod("x", "a", &json!({})).why();
    assert_eq!(
        why,
        Why::NotEmpty {
            pool: "p".to_owned(),
            pods: 1
        }
    );
}

/// The condition lags behind the pods, so the time of the last pod event is looked at too.
#[test]
fn a_node_that_has_just_lost_its_pods_is_left_alone() {
    let mut scene = Scene::new(&json!({"spec": {"disruption": {"consolidateAfter": "60s"}}}));
    scene.node(
        "a",
        &json!({}),
        &json!({"status": {"lastPodEventTime": at(80).to_string()}}),
    );
    assert_eq!(
        scene.why(),
        Why::NotQuiet {
            until: Some(at(140))
        }
    );
}

/// CF-09, EM-10.
#[test]
fn nodes_that_are_on_their_way_stay() {
    let mut mark = scene();
    mark.empty("a").0.commit(Intent::MarkForDeletion {
        nodes: vec!["a".to_owned()],
    });
    assert_eq!(mark.why(), Why::Going);
    let mut nominated = scene();
    let until = at(120);
    nominated.empty("a").0.commit(Intent::Nominate {
        node: "a".to_owned(),
        until,
    });
    assert_eq!(nominated.why(), Why::Nominated { until });
    let young = json!({"metadata": {"labels": {"karpenter.sh/initialized": "no"}}});
    let mut scene_young = scene();
    assert_eq!(
        scene_young.node("a", &young, &json!({})).why(),
        Why::NotInitialized
    );
    let other = json!({"metadata": {"labels": {"karpenter.sh/nodepool": "q"}}});
    let mut lost = scene();
    assert_eq!(
        lost.node("a", &other, &json!({})).why(),
        Why::PoolNotFound {
            pool: "q".to_owned()
        }
    );
    let mut foreign = scene();
    let node: Node = read(json!({"metadata": {"name": "f"}}), &json!({}));
    foreign.0.apply(Event::Node(Change::Applied(node)));
    assert_eq!(foreign.why(), Why::NotManaged);
}

/// CF-01, CF-03, CF-04, CF-05, CF-06, CF-07, CF-11.
#[test]
fn protected_and_blocked_pods_keep_a_node_even_if_they_come_with_it() {
    let protected = |patch: Value| {
        let mut pod = json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}});
        merge(&mut pod, &patch);
        pod
    };
    let mut daemon = scene();
    daemon
        .empty("a")
        .pod("x", "a", &protected(owned_by("DaemonSet")));
    assert!(matches!(daemon.why(), Why::ProtectedPod { .. }));
    let mut ended = scene();
    ended
        .empty("a")
        .pod("x", "a", &protected(json!({"status": {"phase": "Failed"}})));
    assert_eq!(ended.going(), ["a"]);
    let pdb = |name: &str| -> PodDisruptionBudget {
        read(
            json!({"metadata": {"name": name, "namespace": "n"},
                "spec": {"selector": {"matchLabels": {"app": "x"}}},
                "status": {"disruptionsAllowed": 0}}),
            &json!({}),
        )
    };
    let mut blocked = scene();
    blocked.empty("a").pod("x", "a", &owned_by("DaemonSet"));
    blocked
        .0
        .apply(Event::PodDisruptionBudget(Change::Applied(pdb("one"))));
    let why = blocked.why().to_string();
    assert_eq!(
        why,
        "Pdb prevents pod evictions (Pod=n/x, PodDisruptionBudget=n/one)"
    );
    blocked
        .0
        .apply(Event::PodDisruptionBudget(Change::Applied(pdb("two"))));
    assert!(
        blocked
            .why()
            .to_string()
            .starts_with("Eviction does not support multiple PDBs")
    );
}

/// BU-01, BU-04, BU-06.
#[test]
fn budgets_bound_how_many_go_and_the_others_say_so() {
    let mut scene = Scene::new(&json!({"spec": {"disruption": {"budgets": [{"nodes": "30%"}]}}}));
    for number in 0..10 {
        scene.empty(&format!("n{number}"));
    }
    let plan = scene.plan();
    assert_eq!(plan.commands[0].candidates.len(), 3);
    assert_eq!((plan.kept.len(), plan.eligible[&Reason::Empty]), (7, 10));
    let why = Why::Budget {
        pool: "p".into(),
        allowed: 3,
        disrupting: 3,
    };
    assert!(
        plan.kept.iter().all(|kept| kept.reason == why),
        "{:?}",
        plan.kept
    );
    let going = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}});
    scene.node("n0", &going, &json!({}));
    assert_eq!(
        scene.plan().commands[0].candidates.len(),
        2,
        "who is not ready counts"
    );
}

/// EM-11, EM-12, EM-13.
#[test]
fn a_second_look_drops_what_is_no_longer_empty() {
    let mut scene = scene();
    scene.empty("a").empty("b").empty("c");
    let command = scene.plan().commands.remove(0);
    scene.pod("x", "a", &json!({}));
    scene.0.commit(Intent::Nominate {
        node: "b".to_owned(),
        until: at(200),
    });
    scene.empty("d");
    let again = |scene: &mut Scene, now| {
        let (snapshot, options) = (scene.0.snapshot(), Options::default());
        let commands = vec![command.clone()];
        validate(&mut Memory::default(), commands, &snapshot, &options, now)
    };
    let validated = again(&mut scene, at(115));
    let names = |command: &Command| -> Vec<String> {
        let names = command.candidates.iter().map(|one| one.node.to_string());
        names.collect()
    };
    assert_eq!(
        names(&validated.commands[0]),
        ["c"],
        "d was not in the command"
    );
    let rejected = &validated.rejected[0];
    assert_eq!(names(&rejected.command), ["a", "b"]);
    let kept: Vec<&str> = rejected.kept.iter().map(|kept| &*kept.node).collect();
    assert_eq!((kept, rejected.because), (vec!["a", "b"], Because::Budget));
    scene.pod("y", "c", &json!({}));
    let none = again(&mut scene, at(116));
    assert!(none.commands.is_empty());
    assert_eq!(names(&none.rejected[0].command), ["a", "b", "c"]);
}
