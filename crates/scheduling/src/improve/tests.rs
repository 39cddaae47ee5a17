use proptest::prelude::*;

use super::*;
use crate::pack::Put;
use crate::problem::Watch;
use crate::testing::{
    BY_PRICE, FIRST_FIT, class, free, pack_checked, problem, takes_a_port, types_of, variant,
};
use crate::topology::{HostCounter, Rules};

const PRICES: Prices = Prices {
    fee: 0,
    by_cheapest: 1,
};

const WORK: Work = Work {
    rounds: 8,
    dissolutions: 50,
    steps: 1_000_000,
};

/// What becomes of a packing by a policy.
fn improved(
    problem: &Problem,
    policy: &Policy,
    prices: Prices,
    work: Work,
) -> (Packed, Option<Packed>, Counters) {
    let packed = pack_checked(problem, policy);
    let mut views = Views::new(problem);
    let (improved, counters) = improve(problem, &mut views, &packed, (policy, prices, work));
    (packed, improved, counters)
}

/// Adds rules 2: a node may hold two of what counter 0 counts, and has bit 1 if it does.
fn cap_at_two(problem: &mut Problem) {
    problem.topology.hosts = vec![HostCounter {
        thresholds: vec![(1, 1)],
        ..HostCounter::default()
    }];
    problem.topology.rules.push(Rules {
        clear: vec![2],
        caps: vec![(0, 2)],
        ..free()
    });
}

/// Pods of a class by node, ascending.
fn dealt(packed: &Packed, class: u32) -> Vec<u32> {
    let mut by_node = vec![0; packed.nodes.len()];
    for put in packed.puts.iter().filter(|put| put.class == class) {
        by_node[put.node] += put.count;
    }
    by_node.retain(|count| *count > 0);
    by_node.sort_unstable();
    by_node
}

/// Complements share nodes: cpu-heavy and memory-heavy pods in equal parts fill a balanced type.
#[test]
fn pods_that_complement_each_other_share_nodes() {
    let problem = problem(
        &[(10, &[10, 10]), (9, &[5, 5])],
        &[(4, &[8, 2]), (4, &[2, 8])],
    );
    let (_, improved, _) = improved(&problem, &FIRST_FIT, PRICES, WORK);
    assert_eq!(improved.map(|packed| packed.price()), Some(40));
}

/// A rule over host names caps pods per node, whatever else is there.
#[test]
fn a_node_holds_no_more_pods_of_a_kind_than_their_rule_allows() {
    let mut problem = problem(&[(10, &[8]), (19, &[16])], &[(4, &[1]), (12, &[3])]);
    cap_at_two(&mut problem);
    problem.classes[0].variants = [variant(0, 2)].into();
    problem.classes[0].hosts = [0].into();
    for policy in [BY_PRICE, FIRST_FIT] {
        let (_, improved, _) = improved(&problem, &policy, PRICES, WORK);
        let improved = improved.expect("all of it can be packed anew");
        let dealt = dealt(&improved, 0);
        assert_eq!(dealt.iter().sum::<u32>(), 4);
        assert!(dealt.iter().all(|count| *count <= 2), "{dealt:?}");
    }
}

/// Pods whose rule keeps others away stay apart from these, whichever comes first.
#[test]
fn pods_that_keep_others_away_share_no_node_with_them() {
    let mut problem = problem(&[(10, &[4])], &[(3, &[1]), (3, &[1])]);
    problem.words = 1;
    // Bit 1: a pod that keeps others away is there. Bit 2: one of the others is.
    problem.topology.hosts = [1, 2]
        .map(|bit| HostCounter {
            thresholds: vec![(0, bit)],
            ..HostCounter::default()
        })
        .into();
    for (class, clear) in [(0, 4), (1, 2)] {
        problem.topology.rules.push(Rules {
            clear: vec![clear],
            ..free()
        });
        problem.classes[class].variants = [variant(0, 2 + class as u32)].into();
        problem.classes[class].hosts = [class as u32].into();
    }
    let (_, improved, _) = improved(&problem, &FIRST_FIT, PRICES, WORK);
    let improved = improved.expect("all of it can be packed anew");
    assert_eq!(improved.price(), 20);
    assert_eq!(
        (dealt(&improved, 0), dealt(&improved, 1)),
        (vec![3], vec![3])
    );
}

/// Pods that want others beside them stay where they are, with these.
#[test]
fn nodes_of_pods_that_want_others_beside_them_are_left_alone() {
    let mut problem = problem(&[(10, &[4])], &[(2, &[1]), (2, &[1])]);
    problem.topology.hosts = vec![HostCounter {
        thresholds: vec![(0, 1)],
        ..HostCounter::default()
    }];
    problem.topology.rules.push(Rules {
        set: vec![2],
        together: vec![0],
        ..free()
    });
    problem.classes[0].hosts = [0].into();
    problem.classes[1].variants = [variant(0, 2)].into();
    let (before, improved, counters) = improved(&problem, &BY_PRICE, PRICES, WORK);
    assert_eq!(before.unplaced(), 0);
    assert!(improved.is_none(), "nothing may be packed anew");
    assert_eq!(counters, Counters::default());
}

/// A pool whose limits are watched keeps its nodes.
#[test]
fn nodes_of_a_pool_near_its_limit_are_left_alone() {
    let mut problem = problem(&[(10, &[8])], &[(3, &[3])]);
    problem.pools[0].limits = vec![100];
    types_of(&mut problem.pools[0])[0].charge = vec![8];
    let (before, after, _) = improved(&problem, &BY_PRICE, PRICES, WORK);
    assert_eq!((before.unplaced(), after.is_none()), (0, true));
    problem.pools[0].watch = Watch::AtTheEnd;
    let (_, after, _) = improved(&problem, &BY_PRICE, PRICES, WORK);
    let after = after.expect("limits that are far away do not matter");
    assert_eq!(after.budgets.left(0), [100 - 8 * after.nodes.len() as i64]);
}

/// A fee per node makes fewer and larger nodes worth their price.
#[test]
fn a_fee_per_node_makes_nodes_fewer() {
    let problem = problem(&[(100, &[4]), (205, &[8])], &[(16, &[1])]);
    let nodes = |fee| {
        let prices = Prices { fee, ..PRICES };
        improved(&problem, &BY_PRICE, prices, WORK)
            .1
            .map(|packed| packed.nodes.len())
    };
    assert_eq!((nodes(0), nodes(20)), (Some(4), Some(2)));
}

/// With the mean of several types as price, a type that has cheap company is preferred.
#[test]
fn a_type_with_cheap_company_is_preferred_where_several_count() {
    // 9 for 4 pods is the cheapest, but what comes next costs 40; 5 for 2 has company at 5.
    let types: &[(u64, &[i64])] = &[(5, &[2]), (5, &[2]), (9, &[4]), (40, &[4])];
    let problem = problem(types, &[(4, &[1])]);
    let launched = |by_cheapest| {
        let prices = Prices {
            by_cheapest,
            ..PRICES
        };
        improved(&problem, &BY_PRICE, prices, WORK)
            .1
            .map(|packed| packed.price())
    };
    assert_eq!((launched(1), launched(2)), (Some(9), Some(10)));
}

/// With no more steps than the problem is large, nothing is tried.
#[test]
fn a_problem_beyond_the_allowed_steps_is_left_alone() {
    let problem = problem(&[(10, &[8])], &[(3, &[3])]);
    let none = Work { steps: 1, ..WORK };
    let (_, improved, counters) = improved(&problem, &BY_PRICE, PRICES, none);
    assert!(improved.is_none());
    assert_eq!(counters, Counters::default());
}

fn any_problem() -> impl Strategy<Value = Problem> {
    let ty = (1..60_u64, 2..20_i64, 2..20_i64);
    let kind = (1..12_u32, 1..6_i64, 1..6_i64, 0..3_u8);
    let parts = (
        proptest::collection::vec(ty, 1..6),
        proptest::collection::vec(kind, 1..6),
    );
    parts.prop_map(|(types, kinds)| {
        let sizes: Vec<(u64, [i64; 2])> = types.iter().map(|(p, a, b)| (*p, [*a, *b])).collect();
        let types: Vec<(u64, &[i64])> = sizes
            .iter()
            .map(|(price, size)| (*price, &size[..]))
            .collect();
        let mut problem = problem(&types, &[(1, &[1, 1])]);
        cap_at_two(&mut problem);
        problem.classes = kinds
            .iter()
            .map(|(count, a, b, rule)| {
                let mut class = class(*count, &[*a, *b]);
                match rule {
                    1 => class = takes_a_port(class),
                    2 => {
                        class.variants = [variant(0, 2)].into();
                        class.hosts = [0].into();
                    }
                    _ => {}
                }
                class
            })
            .collect();
        problem
    })
}

/// Pods of puts by node that a condition holds for.
fn by_node(packed: &Packed, of: impl Fn(&Put) -> bool) -> Vec<u32> {
    let mut by_node = vec![0; packed.nodes.len()];
    for put in packed.puts.iter().filter(|put| of(put)) {
        by_node[put.node] += put.count;
    }
    by_node
}

proptest! {
    /// The same pods are placed, no node is overfull, and rules over host names hold.
    #[test]
    fn what_is_packed_anew_is_valid(
        problem in any_problem(),
        fee in 0..10_u64,
        by_cheapest in 1..4_usize,
    ) {
        let prices = Prices { fee, by_cheapest };
        let (before, improved, _) = improved(&problem, &FIRST_FIT, prices, WORK);
        let Some(after) = improved else {
            return Ok(());
        };
        prop_assert_eq!(&before.left, &after.left);
        for class in 0..problem.classes.len() as u32 {
            let (before, after) = (dealt(&before, class), dealt(&after, class));
            prop_assert_eq!(before.iter().sum::<u32>(), after.iter().sum::<u32>());
        }
        for node in 0..after.nodes.len() {
            prop_assert!(after.nodes.slack(node).iter().all(|slack| *slack >= 0));
        }
        let most = |packed: &Packed, rules: u32| {
            by_node(packed, |put| put.rules == rules).into_iter().max()
        };
        prop_assert!(most(&after, 1) <= Some(1), "one pod with the port");
        prop_assert!(most(&after, 2) <= Some(2), "at most two in all of those that are capped");
    }

    /// The same problem gives the same answer with the same work.
    #[test]
    fn packing_anew_is_a_function_of_the_problem(problem in any_problem()) {
        let once = improved(&problem, &BY_PRICE, PRICES, WORK);
        let again = improved(&problem, &BY_PRICE, PRICES, WORK);
        prop_assert_eq!(once.2, again.2);
        prop_assert_eq!(once.1.map(|packed| packed.puts), again.1.map(|packed| packed.puts));
    }
}
