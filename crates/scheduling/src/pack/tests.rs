use proptest::prelude::*;

use super::*;
use crate::policy::Charge;
use crate::problem::{Demand, MinValues};
use crate::testing::{
    BY_PRICE, FIRST_FIT, class, existing, keys, pack_checked, pool, problem, takes_a_port,
    types_of, variant,
};
use requirements::Requirement;

/// Prices by planned node, ascending.
fn prices(packed: &Packed) -> Vec<u64> {
    let mut prices: Vec<u64> = packed
        .nodes
        .price
        .iter()
        .copied()
        .filter(|p| *p > 0)
        .collect();
    prices.sort_unstable();
    prices
}

/// SCH-59: five small pods share one small node.
#[test]
fn small_pods_share_the_smallest_node_that_holds_them() {
    let problem = problem(&[(10, &[2000]), (40, &[8000])], &[(5, &[10])]);
    for policy in [BY_PRICE, FIRST_FIT] {
        assert_eq!(prices(&pack_checked(&problem, &policy)), [10]);
    }
}

/// SCH-60: forty pods of which two fit on the only type.
#[test]
fn pods_that_fill_half_a_node_go_in_pairs() {
    let problem = problem(&[(10, &[4])], &[(40, &[2])]);
    for policy in [BY_PRICE, FIRST_FIT] {
        assert_eq!(prices(&pack_checked(&problem, &policy)).len(), 20);
    }
}

/// SCH-61: smaller pods go into what the larger ones leave.
#[test]
fn smaller_pods_fill_what_larger_ones_leave() {
    let problem = problem(&[(10, &[4000])], &[(40, &[1800]), (20, &[400])]);
    for policy in [BY_PRICE, FIRST_FIT] {
        assert_eq!(prices(&pack_checked(&problem, &policy)).len(), 20);
    }
}

/// SCH-63: the number of pods per node is a resource like any other.
#[test]
fn the_number_of_pods_per_node_is_a_resource() {
    let problem = problem(&[(10, &[4000, 5])], &[(25, &[1, 1])]);
    for policy in [BY_PRICE, FIRST_FIT] {
        assert_eq!(prices(&pack_checked(&problem, &policy)).len(), 5);
    }
}

/// SCH-50: a pod larger than every type stays.
#[test]
fn a_pod_larger_than_every_type_stays() {
    let problem = problem(&[(10, &[4]), (20, &[8])], &[(3, &[9]), (1, &[8])]);
    for policy in [BY_PRICE, FIRST_FIT] {
        let packed = pack_checked(&problem, &policy);
        assert_eq!(packed.left, [3, 0]);
        assert_eq!(packed.unplaced(), 3);
    }
}

/// SCH-67: the largest type may be the cheapest.
#[test]
fn the_cheapest_type_is_taken_even_if_it_is_the_largest() {
    let problem = problem(&[(30, &[2]), (20, &[4]), (10, &[8])], &[(1, &[1])]);
    for policy in [BY_PRICE, FIRST_FIT] {
        assert_eq!(prices(&pack_checked(&problem, &policy)), [10]);
    }
}

/// SCH-106: what is there is used before anything is paid for.
#[test]
fn nodes_that_are_there_come_first() {
    let mut problem = problem(&[(10, &[4])], &[(3, &[2])]);
    problem.nodes = vec![existing(&problem.keys, &[4]), existing(&problem.keys, &[1])];
    for policy in [BY_PRICE, FIRST_FIT] {
        let packed = pack_checked(&problem, &policy);
        assert_eq!(packed.nodes.pods[..2], [2, 0]);
        assert_eq!(prices(&packed), [10]);
    }
}

/// A larger type at a better price per pod is opened at once.
#[test]
fn the_price_per_pod_decides_which_type_is_opened() {
    let problem = problem(&[(10, &[2]), (15, &[8])], &[(4, &[2])]);
    assert_eq!(prices(&pack_checked(&problem, &BY_PRICE)), [15]);
}

/// SCH-105: two pods with the same host port never share a node.
#[test]
fn pods_with_the_same_host_port_get_a_node_each() {
    let mut problem = problem(&[(10, &[8])], &[(3, &[1]), (6, &[1])]);
    problem.classes[0] = takes_a_port(problem.classes[0].clone());
    for policy in [BY_PRICE, FIRST_FIT] {
        let packed = pack_checked(&problem, &policy);
        assert_eq!(prices(&packed).len(), 3);
        for node in 0..packed.nodes.len() {
            let with_port = packed
                .puts
                .iter()
                .filter(|p| p.node == node && p.class == 0);
            assert_eq!(with_port.map(|put| put.count).sum::<u32>(), 1);
        }
    }
}

/// SCH-21: pods whose selectors contradict each other get different nodes.
#[test]
fn contradicting_selectors_keep_pods_apart() {
    let (a, b) = (
        Requirement::single("team", "a"),
        Requirement::single("team", "b"),
    );
    let mut problem = problem(&[(10, &[8])], &[(2, &[1]), (2, &[1]), (2, &[1])]);
    problem.keys = keys(&[a.clone(), b.clone()]);
    problem.pools = vec![pool(&problem.keys, &[(10, &[8])])];
    for requirement in [&a, &b] {
        let masks = vec![(0, problem.keys.mask(0, requirement))];
        problem.demands.push(Demand {
            masks,
            ..problem.demands[0].clone()
        });
    }
    problem.classes[0].variants = [variant(1, 0)].into();
    problem.classes[1].variants = [variant(2, 0)].into();
    for policy in [BY_PRICE, FIRST_FIT] {
        let packed = pack_checked(&problem, &policy);
        assert_eq!(prices(&packed).len(), 2);
        assert_eq!(packed.unplaced(), 0);
    }
}

/// SCH-136: the first pool is used as long as it can, then the next.
#[test]
fn the_next_pool_serves_when_the_limit_of_the_first_is_reached() {
    let mut problem = problem(&[(10, &[4])], &[(3, &[4])]);
    problem.pools.push(pool(&problem.keys, &[(5, &[4])]));
    problem.pools[0].limits = vec![8];
    types_of(&mut problem.pools[0])[0].charge = vec![4];
    for policy in [BY_PRICE, FIRST_FIT] {
        problem.pools[1].group = 1;
        let packed = pack_checked(&problem, &policy);
        assert_eq!(prices(&packed), [5, 10, 10]);
        assert_eq!(packed.budgets.left(0), [0]);
    }
}

/// SCH-131, SCH-132: a limit holds while nodes grow, too.
#[test]
fn growth_stays_within_the_limit() {
    let mut problem = problem(&[(10, &[2]), (20, &[4]), (30, &[6])], &[(9, &[1])]);
    problem.pools[0].limits = vec![5];
    for (ty, charge) in types_of(&mut problem.pools[0]).iter_mut().zip([2, 4, 6]) {
        ty.charge = vec![charge];
    }
    for policy in [BY_PRICE, FIRST_FIT] {
        let packed = pack_checked(&problem, &policy);
        assert_eq!(packed.left, [5]);
        assert_eq!(packed.budgets.left(0), [1]);
    }
}

/// A limit may be charged with the largest type that a node could become: fewer nodes use it up,
/// and what they did not need is there again in the end.
#[test]
fn a_limit_may_be_charged_with_the_largest_type_of_a_node() {
    let mut problem = problem(&[(10, &[2]), (20, &[4])], &[(3, &[1])]);
    problem.classes[0] = takes_a_port(problem.classes[0].clone());
    problem.pools.push(pool(&problem.keys, &[(11, &[2])]));
    problem.pools[1].group = 1;
    problem.pools[0].limits = vec![6];
    for (ty, charge) in types_of(&mut problem.pools[0]).iter_mut().zip([2, 4]) {
        ty.charge = vec![charge];
    }
    for policy in [BY_PRICE, FIRST_FIT] {
        assert_eq!(prices(&pack_checked(&problem, &policy)), [10, 10, 10]);
        let frugal = Policy {
            charge: Charge::Largest,
            ..policy
        };
        let packed = pack_checked(&problem, &frugal);
        assert_eq!(prices(&packed), [10, 10, 11]);
        assert_eq!(packed.budgets.left(0), [2]);
    }
}

/// What a node keeps of a limit bounds what it may become.
#[test]
fn a_node_grows_no_further_than_what_it_keeps_of_a_limit() {
    let mut problem = problem(&[(10, &[2]), (20, &[4]), (30, &[6])], &[(9, &[1])]);
    problem.pools[0].limits = vec![5];
    for (ty, charge) in types_of(&mut problem.pools[0]).iter_mut().zip([2, 4, 6]) {
        ty.charge = vec![charge];
    }
    for policy in [BY_PRICE, FIRST_FIT] {
        let frugal = Policy {
            charge: Charge::Largest,
            ..policy
        };
        let packed = pack_checked(&problem, &frugal);
        assert_eq!(packed.left, [5]);
        assert_eq!(packed.budgets.left(0), [1]);
    }
}

fn with_min_values(least: usize) -> Problem {
    let mut problem = problem(&[(10, &[2]), (20, &[4]), (30, &[6])], &[(3, &[2])]);
    problem.pools[0].min_values = vec![MinValues {
        least,
        values: (0..3).map(|value| smallvec::smallvec![value]).collect(),
    }];
    problem
}

/// SCH-74, SCH-78: a node may not grow so much that too few types hold it.
#[test]
fn min_values_bound_the_size_of_a_node() {
    for policy in [BY_PRICE, FIRST_FIT] {
        let packed = pack_checked(&with_min_values(2), &policy);
        assert_eq!(packed.unplaced(), 0);
        assert_eq!(prices(&packed), [10, 20]);
        assert_eq!(pack_checked(&with_min_values(4), &policy).unplaced(), 3);
    }
}

/// SCH-81: with best effort the pods are placed all the same, and the node says so.
#[test]
fn best_effort_places_pods_whose_types_have_too_few_values() {
    for policy in [BY_PRICE, FIRST_FIT] {
        let policy = Policy {
            relax_min_values: true,
            ..policy
        };
        let packed = pack_checked(&with_min_values(4), &policy);
        assert_eq!(packed.unplaced(), 0);
        assert!(
            packed
                .nodes
                .check
                .iter()
                .all(|check| *check == MinValuesCheck::Relaxed)
        );
    }
}

/// Slack, growth and new nodes, in the order of what they cost.
#[test]
fn growing_is_preferred_while_it_costs_no_more_than_a_new_node() {
    let mut one = problem(&[(10, &[2]), (19, &[4])], &[(1, &[2]), (1, &[1])]);
    one.classes[1].count = 1;
    let packed = pack_checked(&one, &BY_PRICE);
    assert_eq!(prices(&packed), [19]);
    assert_eq!(packed.counters.grown, 1);
    let patient = Policy {
        patience: 100_000,
        ..BY_PRICE
    };
    let dear = problem(&[(10, &[2]), (90, &[4])], &[(1, &[2]), (1, &[1])]);
    assert_eq!(prices(&pack_checked(&dear, &BY_PRICE)), [10, 10]);
    assert_eq!(prices(&pack_checked(&dear, &patient)), [90]);
}

fn any_problem() -> impl Strategy<Value = Problem> {
    let types = prop::collection::vec((1_u64..50, prop::collection::vec(1_i64..20, 2)), 1..12);
    let classes = prop::collection::vec((1_u32..30, prop::collection::vec(0_i64..10, 2)), 1..8);
    (types, classes, prop::collection::vec(any::<bool>(), 8)).prop_map(|(types, classes, alone)| {
        let types: Vec<(u64, &[i64])> = types.iter().map(|(p, s)| (*p, s.as_slice())).collect();
        let mut all = problem(&types, &[(1, &[0, 0])]);
        all.classes = classes
            .iter()
            .zip(alone)
            .map(|((count, request), alone)| {
                let class = class(*count, request);
                if alone { takes_a_port(class) } else { class }
            })
            .collect();
        all
    })
}

proptest! {
    /// Nothing is overfull, and a pod is left only if no type holds it: without limits every policy
    /// places the same pods.
    #[test]
    fn a_pod_is_left_only_if_no_type_holds_it(problem in any_problem()) {
        for policy in [BY_PRICE, FIRST_FIT, Policy { patience: 100_000, ..BY_PRICE }] {
            let packed = pack_checked(&problem, &policy);
            for (class, left) in problem.classes.iter().zip(&packed.left) {
                let fits = problem.pools[0].types.iter()
                    .any(|ty| crate::shelf::at_least(&ty.allocatable, &class.request));
                prop_assert_eq!(*left, if fits { 0 } else { class.count });
            }
        }
    }

    /// Every planned node is charged at the cheapest type that holds what is on it.
    #[test]
    fn a_node_is_charged_at_the_cheapest_type_that_holds_its_pods(problem in any_problem()) {
        for policy in [BY_PRICE, FIRST_FIT] {
            let packed = pack_checked(&problem, &policy);
            for node in 0..packed.nodes.len() {
                let cheapest = problem.pools[0].types.iter()
                    .filter(|ty| crate::shelf::at_least(&ty.allocatable, packed.nodes.used(node)))
                    .map(|ty| ty.offerings[0].price)
                    .min();
                prop_assert_eq!(Some(packed.nodes.price[node]), cheapest);
            }
        }
    }
}
