use proptest::prelude::*;

use super::*;
use crate::testing::{BY_PRICE, class, existing, problem as of_types, takes_a_port, types_of};

/// Everything that a trial may change, in words.
fn dump(trials: &Trials<'_, '_>) -> String {
    let packing = &trials.packing;
    let nodes = (0..packing.nodes.len()).map(|node| {
        let nodes = &packing.nodes;
        format!(
            "{} {} {} {:?} {:?} {:?}",
            nodes.view[node],
            nodes.price[node],
            nodes.pods[node],
            nodes.slack(node),
            nodes.used(node),
            nodes.bits(node),
        )
    });
    let nodes: Vec<String> = nodes.collect();
    format!(
        "{nodes:#?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        packing.domains,
        packing.declared,
        packing.anywhere,
        packing.on_hosts,
        packing.budgets,
        packing.puts,
        packing.cursor,
        packing.spent,
    )
}

/// A problem with a limit, and machines each of which has some pods.
type Case = (Problem, Vec<Machine>);

fn any_case() -> impl Strategy<Value = Case> {
    let types = prop::collection::vec((1_u64..50, prop::collection::vec(1_i64..20, 2)), 1..8);
    let classes = prop::collection::vec((prop::collection::vec(0_i64..10, 2), any::<bool>()), 1..6);
    let nodes = prop::collection::vec(prop::collection::vec(0_i64..25, 2), 1..40);
    let moving = prop::collection::vec((0_usize..40, 0_usize..6, 1_u32..4), 1..60);
    (types, classes, nodes, moving, 0_i64..12).prop_map(|(types, classes, nodes, moving, limit)| {
        let types: Vec<(u64, &[i64])> = types.iter().map(|(p, s)| (*p, s.as_slice())).collect();
        let mut problem = of_types(&types, &[(0, &[0, 0])]);
        let made = classes.iter().map(|(request, alone)| {
            let class = class(0, request);
            if *alone { takes_a_port(class) } else { class }
        });
        problem.classes = made.collect();
        problem.nodes = nodes
            .iter()
            .map(|room| existing(&problem.keys, room))
            .collect();
        problem.pools[0].limits = vec![limit];
        for ty in types_of(&mut problem.pools[0]) {
            ty.charge = vec![1];
        }
        let machine = |node| Machine {
            node: Some(node),
            ..Machine::default()
        };
        let mut machines: Vec<Machine> = (0..nodes.len()).map(machine).collect();
        for (node, class, count) in moving {
            let machine = &mut machines[node % nodes.len()];
            machine.moving.push(((class % classes.len()) as u32, count));
        }
        (problem, machines)
    })
}

fn with_trials<R>(problem: &Problem, ask: impl FnOnce(&mut Trials<'_, '_>) -> R) -> R {
    let mut views = Views::new(problem);
    let (rank, bound) = (ranks(problem, &BY_PRICE), bound(problem));
    let order = (&*rank, &*bound);
    ask(&mut Trials::new(problem, &mut views, &BY_PRICE, order))
}

proptest! {
    /// Whatever is tried and taken back, all is as it was, whether or not something was kept
    /// before; and nothing is overfull while a trial stands.
    #[test]
    fn trials_that_are_taken_back_leave_no_trace(
        (problem, machines) in any_case(),
        tried in prop::collection::vec((0_usize..40, 1_usize..4, 0_u64..120, any::<bool>()), 1..20),
        keep in prop::collection::vec(any::<bool>(), 20),
    ) {
        with_trials(&problem, |trials| {
            let mut gone = vec![false; machines.len()];
            for ((first, count, most, opens), keep) in tried.into_iter().zip(keep) {
                let nodes = (first..first + count).map(|node| node % machines.len());
                let mut nodes: Vec<usize> = nodes.filter(|node| !gone[*node]).collect();
                nodes.sort_unstable();
                nodes.dedup();
                let before = dump(trials);
                let opening = if opens { Opening::UpTo(most) } else { Opening::No };
                let tried = trials.attempt(nodes.iter().map(|node| &machines[*node]), opening);
                if let Tried::Placed { price, nodes: opened } = tried {
                    prop_assert!(price <= most || opened == 0);
                    prop_assert!(opens || opened == 0);
                    let packed = &trials.packing.nodes;
                    for put in trials.puts() {
                        prop_assert!(packed.slack(put.node).iter().all(|slack| *slack >= 0));
                    }
                    if keep {
                        trials.keep();
                        for node in nodes {
                            gone[node] = true;
                        }
                        continue;
                    }
                }
                trials.take_back();
                prop_assert_eq!(before, dump(trials));
            }
            Ok(())
        })?;
    }

    /// A node that is closed takes nothing, from the beginning or because it has gone.
    #[test]
    fn closed_nodes_take_nothing((problem, machines) in any_case()) {
        with_trials(&problem, |trials| {
            for node in 0..machines.len() {
                trials.close(node);
            }
            for machine in &machines {
                let tried = trials.attempt(std::iter::once(machine), Opening::No);
                let placed = matches!(tried, Tried::Placed { .. });
                prop_assert_eq!(placed, machine.moving.is_empty());
                trials.take_back();
            }
            Ok(())
        })?;
    }
}

/// Pods that went to a node in a trial that was kept move on when that node goes in a later one.
#[test]
fn pods_that_came_in_a_trial_move_on_with_their_node() {
    let mut problem = of_types(&[(10, &[4])], &[(0, &[3])]);
    problem.nodes = [0, 3, 3]
        .map(|room| existing(&problem.keys, &[room]))
        .into();
    let machine = |node: usize, count: u32| Machine {
        node: Some(node),
        moving: if count > 0 {
            vec![(0, count)]
        } else {
            Vec::new()
        },
        ..Machine::default()
    };
    let (first, second, third) = (machine(0, 1), machine(1, 0), machine(2, 0));
    with_trials(&problem, |trials| {
        let placed = |price, nodes| Tried::Placed { price, nodes };
        let go = |trials: &mut Trials<'_, '_>, machine| {
            let tried = trials.attempt(std::iter::once(machine), Opening::UpTo(11));
            trials.keep();
            tried
        };
        assert_eq!(go(trials, &first), placed(0, 0));
        assert_eq!(go(trials, &second), placed(0, 0));
        assert_eq!(go(trials, &third), placed(10, 1), "no room is left");
    });
}
