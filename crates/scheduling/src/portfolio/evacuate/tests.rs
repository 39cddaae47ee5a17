use super::*;
use crate::pack::{Joining, Planned, rebuild};
use crate::problem::Watch;
use crate::testing::{BY_PRICE, free, pack_checked, problem, types_of, variant};
use crate::topology::{HostCounter, Rules};

/// Puts pods of classes on planned nodes of the first pool, one list a node.
fn planned<'p>(problem: &'p Problem, views: &mut Views<'p>, nodes: &[&[(usize, u32)]]) -> Packed {
    let packed = pack_checked(problem, &BY_PRICE);
    let joining = |(class, count): &(usize, u32)| Joining {
        class: *class,
        demand: problem.classes[*class].variants[0].demand,
        rules: problem.classes[*class].variants[0].rules,
        count: *count,
    };
    let planned: Vec<Planned> = nodes
        .iter()
        .map(|pods| Planned {
            pool: 0,
            pods: pods.iter().map(joining).collect(),
        })
        .collect();
    let none = vec![false; packed.nodes.len()];
    rebuild(problem, views, &BY_PRICE, (&packed, &none), &planned).expect("they fit")
}

/// What becomes of a packing.
fn evacuated<'p>(problem: &'p Problem, views: &mut Views<'p>, packed: &Packed) -> Option<Packed> {
    let old = score(packed, problem, views);
    let options = Options::default();
    let (better, _) = evacuate(problem, views, (packed, old), (&[BY_PRICE], &options));
    better
}

fn with_a_limit(problem: &mut Problem, limit: i64) {
    let pool = &mut problem.pools[0];
    pool.limits = vec![limit];
    pool.watch = Watch::Closely;
    for ty in types_of(pool) {
        ty.charge = vec![ty.allocatable[0]];
    }
}

/// Nodes of a pool with a limit are emptied like any other, and the limit holds.
#[test]
fn pods_of_a_pool_with_limits_move_into_the_room_of_others() {
    let mut problem = problem(&[(10, &[4]), (25, &[8])], &[(2, &[2]), (1, &[3])]);
    with_a_limit(&mut problem, 12);
    let mut views = Views::new(&problem);
    let packed = planned(&problem, &mut views, &[&[(0, 1)], &[(0, 1)], &[(1, 1)]]);
    assert_eq!(packed.price(), 30);
    let better = evacuated(&problem, &mut views, &packed).expect("two nodes hold all");
    assert_eq!((better.price(), better.unplaced()), (20, 0));
    assert_eq!(better.budgets.left(0), [4]);
}

/// A node that holds pods which others want beside them is left alone, and so are these.
#[test]
fn pods_that_others_want_beside_them_do_not_move() {
    let mut problem = problem(&[(10, &[4])], &[(1, &[1]), (1, &[1])]);
    problem.topology.hosts = vec![HostCounter {
        thresholds: vec![(0, 1)],
        followed: true,
        ..HostCounter::default()
    }];
    problem.topology.rules.push(Rules {
        set: vec![2],
        together: vec![0],
        ..free()
    });
    problem.classes[0].hosts = [0].into();
    problem.classes[1].variants = [variant(0, 2)].into();
    let mut views = Views::new(&problem);
    let packed = planned(&problem, &mut views, &[&[(0, 1)], &[(1, 1)]]);
    assert!(movable(&problem, &views, &packed).is_empty());
    assert!(evacuated(&problem, &mut views, &packed).is_none());
}

/// A packing that can't be cheaper is left as it is.
#[test]
fn full_nodes_stay() {
    let problem = problem(&[(10, &[4])], &[(2, &[4])]);
    let mut views = Views::new(&problem);
    let packed = planned(&problem, &mut views, &[&[(0, 1)], &[(0, 1)]]);
    assert!(evacuated(&problem, &mut views, &packed).is_none());
}
