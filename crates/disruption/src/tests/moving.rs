//! Nodes whose pods move: how many go at once, and what a second look makes of it.

use super::*;

/// A node with room for 4 CPU, changed, with a small pod on it.
fn used(scene: &mut Scene, name: &str, node: &Value, claim: &Value) {
    let amounts = json!({"cpu": "4", "memory": "8Gi", "pods": "110"});
    let mut with_room = json!({"status": {"capacity": amounts, "allocatable": amounts}});
    merge(&mut with_room, node);
    scene.node(name, &with_room, claim);
    sized(scene, &format!("pod-{name}"), name, "100m");
}

fn sized(scene: &mut Scene, name: &str, node: &str, cpu: &str) {
    let patch = json!({"spec": {"containers":
        [{"name": "main", "resources": {"requests": {"cpu": cpu}}}]}});
    scene.pod(name, node, &patch);
}

fn allow(scene: &mut Scene, nodes: &str) {
    let budgets = json!({"spec": {"disruption": {"budgets": [{"nodes": nodes}]}}});
    scene.pool("p", &budgets);
}

/// Ten nodes with a small pod each.
fn hardly_used() -> Scene {
    let mut scene = scene();
    for number in 0..10 {
        used(&mut scene, &format!("n{number}"), &json!({}), &json!({}));
    }
    scene
}

/// BU-05: of ten nodes that could go as many go as the budget says.
#[test]
fn consolidation_takes_as_many_nodes_as_the_budget_says() {
    let mut scene = hardly_used();
    allow(&mut scene, "3");
    let plan = scene.plan();
    let candidates = plan.commands.iter().flat_map(|command| &command.candidates);
    assert_eq!(candidates.count(), 3, "{:?}", plan.commands);
    let all = |command: &Command| command.reason == Reason::Underutilized;
    assert!(plan.commands.iter().all(all));
}

/// DR-13: of each pool as many drifted nodes go as its own budget says.
#[test]
fn drifted_nodes_go_by_the_budget_of_their_pool() {
    let mut scene = scene();
    for pool in 0..10 {
        let name = format!("q{pool}");
        let budgets = json!({"spec": {"disruption": {"budgets": [{"nodes": "1"}]}}});
        scene.pool(&name, &budgets);
        let label = json!({"metadata": {"labels": {"karpenter.sh/nodepool": name}}});
        let mut claim = label.clone();
        claim["status"]["conditions"] = json!([
            true_condition("Initialized"),
            true_condition("Consolidatable"),
            true_condition("Drifted")
        ]);
        for node in 0..3 {
            used(&mut scene, &format!("{name}-{node}"), &label, &claim);
        }
    }
    let plan = scene.plan();
    let candidates = plan.commands.iter().flat_map(|command| &command.candidates);
    let mut pools: Vec<&str> = candidates.map(|one| &*one.pool).collect();
    pools.sort_unstable();
    pools.dedup();
    assert_eq!(pools.len(), 10, "one of each pool: {:?}", plan.commands);
    let count = plan.commands.iter().map(|command| command.candidates.len());
    assert_eq!(count.sum::<usize>(), 10);
}

/// VA-04, VA-05: a consolidation is dropped if a pod is expected on its node, if the budget has
/// closed, or if its pods have no place any more; and it says which.
#[test]
fn a_second_look_says_why_a_consolidation_is_dropped() {
    type Change = fn(&mut Scene, &str);
    let changes: [(Change, Because); 3] = [
        (
            |scene, node| {
                scene.0.commit(Intent::Nominate {
                    node: node.to_owned(),
                    until: at(200),
                });
            },
            Because::Budget,
        ),
        (|scene, _| allow(scene, "0"), Because::Budget),
        (
            |scene, node| {
                for number in 0..10 {
                    let other = format!("n{number}");
                    if other != node {
                        sized(scene, &format!("big-{number}"), &other, "3900m");
                    }
                }
            },
            Because::Scheduling,
        ),
    ];
    for (change, because) in changes {
        let mut scene = hardly_used();
        allow(&mut scene, "1");
        let commands = scene.plan().commands;
        let node = commands[0].candidates[0].node.clone();
        change(&mut scene, &node);
        let (snapshot, options) = (scene.snapshot(), Options::default());
        let memory = &mut Memory::default();
        let validated = validate(memory, commands, &snapshot, &options, at(115));
        assert!(validated.commands.is_empty(), "{because:?}");
        assert_eq!(validated.rejected[0].because, because);
    }
}
