use proptest::prelude::*;

use super::items::{Audience, Bin, Group, Item, Items};
use super::{columns, density, lower_bound};
use crate::options::LowerBound;
use crate::pack::pack;
use crate::problem::Problem;
use crate::testing::{BY_PRICE, class, existing, problem, takes_a_port};
use crate::view::Views;

/// A problem of bounds: bins of each audience, then items.
fn items(audiences: Vec<Vec<(f64, [i64; 2])>>, items: Vec<Item>, groups: &[u32]) -> Items {
    let count = audiences.len();
    let audience = |bins: Vec<(f64, [i64; 2])>| Audience {
        bins: bins
            .into_iter()
            .map(|(price, room)| Bin {
                price,
                room: room.to_vec(),
            })
            .collect(),
        meets: vec![true; count],
    };
    Items {
        dims: 2,
        all: items,
        audiences: audiences.into_iter().map(audience).collect(),
        groups: groups.iter().map(|most| Group { most: *most }).collect(),
    }
}

fn item(audience: usize, count: u32, request: [i64; 2]) -> Item {
    Item {
        count,
        request: request.to_vec(),
        audience,
        most: u32::MAX,
        groups: Vec::new(),
    }
}

/// The least that all pods can cost: each pod in turn joins any of the nodes so far, or a new one.
fn optimum(items: &Items) -> f64 {
    let pods: Vec<usize> = items
        .all
        .iter()
        .enumerate()
        .flat_map(|(at, item)| std::iter::repeat_n(at, item.count as usize))
        .collect();
    let mut best = f64::INFINITY;
    place(items, &pods, &mut Vec::new(), &mut best);
    best
}

fn place(items: &Items, pods: &[usize], nodes: &mut Vec<Vec<usize>>, best: &mut f64) {
    let prices = nodes.iter().map(|pods| price(items, pods));
    let Some(so_far) = prices.sum::<Option<f64>>() else {
        return;
    };
    if so_far >= *best {
        return;
    }
    let Some((pod, rest)) = pods.split_first() else {
        *best = so_far;
        return;
    };
    for node in 0..nodes.len() {
        nodes[node].push(*pod);
        place(items, rest, nodes, best);
        nodes[node].pop();
    }
    nodes.push(vec![*pod]);
    place(items, rest, nodes, best);
    nodes.pop();
}

/// The price of the cheapest node that holds these pods: one that all of their audiences have.
fn price(items: &Items, pods: &[usize]) -> Option<f64> {
    for (group, rule) in items.groups.iter().enumerate() {
        let members = pods
            .iter()
            .filter(|pod| items.all[**pod].groups.contains(&group));
        if members.count() > rule.most as usize {
            return None;
        }
    }
    let need = |dim: usize| {
        pods.iter()
            .map(|pod| items.all[*pod].request[dim])
            .sum::<i64>()
    };
    let need = [need(0), need(1)];
    let of = |audience: usize| {
        let bins = items.audiences[audience].bins.iter();
        let holding = bins.filter(|bin| crate::shelf::at_least(&bin.room, &need));
        holding.map(|bin| bin.price).min_by(f64::total_cmp)
    };
    // The dearest of the audiences' own cheapest is the least that a node for all of them costs.
    let mut dearest: f64 = 0.0;
    for pod in pods {
        dearest = dearest.max(of(items.all[*pod].audience)?);
    }
    Some(dearest)
}

fn random() -> impl Strategy<Value = Items> {
    let bin = || (1..40_i64, 2..20_i64, 2..20_i64);
    let bins = || proptest::collection::vec(bin(), 1..5);
    let audiences = proptest::collection::vec(bins(), 1..3);
    let pods =
        proptest::collection::vec((0..2_usize, 1..3_u32, 0..9_i64, 0..9_i64, 0..4_usize), 1..5);
    (audiences, pods, 1..3_u32).prop_map(|(audiences, pods, most)| {
        let audiences: Vec<Vec<(f64, [i64; 2])>> = audiences
            .into_iter()
            .map(|mut bins| {
                // Every pod has a place.
                bins.push((100, 30, 30));
                bins.into_iter()
                    .map(|(price, a, b)| (price as f64, [a, b]))
                    .collect()
            })
            .collect();
        let last = audiences.len() - 1;
        let pods = pods.into_iter().map(|(audience, count, a, b, group)| Item {
            // The first group is a rule that some items share.
            groups: if group == 0 { vec![0] } else { Vec::new() },
            ..item(audience.min(last), count, [a, b])
        });
        items(audiences, pods.collect(), &[most])
    })
}

proptest! {
    #[test]
    fn no_bound_is_above_what_the_best_placement_costs(items in random()) {
        let best = optimum(&items);
        let (density, columns) = (density::bound(&items), columns::bound(&items));
        prop_assert!(density <= best * (1.0 + 1e-9), "density {density}, best {best}");
        prop_assert!(columns <= best * (1.0 + 1e-9), "columns {columns}, best {best}");
        if items.audiences.len() == 1 {
            prop_assert!(columns >= density * (1.0 - 1e-5), "density {density}, columns {columns}");
        }
    }
}

#[test]
fn whole_pods_and_rules_of_hosts_are_seen_by_columns_alone() {
    // Two pods of 6 do not share a node of 10.
    let whole = items(vec![vec![(10.0, [10, 10])]], vec![item(0, 4, [6, 1])], &[]);
    assert!(
        (density::bound(&whole) - 24.0).abs() < 0.01,
        "{}",
        density::bound(&whole)
    );
    assert!(
        (columns::bound(&whole) - 40.0).abs() < 0.01,
        "{}",
        columns::bound(&whole)
    );
    let tiny = |groups: Vec<usize>| Item {
        groups,
        ..item(0, 3, [1, 1])
    };
    let apart = items(vec![vec![(10.0, [10, 10])]], vec![tiny(vec![0])], &[1]);
    assert!(
        (columns::bound(&apart) - 30.0).abs() < 0.01,
        "{}",
        columns::bound(&apart)
    );
}

/// Pods of different groups may share nodes, however much they are alike.
#[test]
fn groups_that_exclude_themselves_are_not_one_group() {
    let member = |group: usize| Item {
        groups: vec![group],
        ..item(0, 3, [1, 1])
    };
    let two = items(
        vec![vec![(10.0, [10, 10])]],
        vec![member(0), member(1)],
        &[1, 1],
    );
    assert!((optimum(&two) - 30.0).abs() < 0.01);
    assert!(
        (columns::bound(&two) - 30.0).abs() < 0.01,
        "{}",
        columns::bound(&two)
    );
}

fn bound(problem: &Problem, method: LowerBound) -> u64 {
    let mut views = Views::new(problem);
    let packed = pack(problem, &mut views, &BY_PRICE);
    let bound = lower_bound(problem, &mut views, &packed, method).map(catalog::Price::nanos);
    let price: u128 = packed
        .nodes
        .price
        .iter()
        .map(|price| u128::from(*price))
        .sum();
    let price = u64::try_from(price).unwrap();
    let bound = bound.unwrap();
    assert!(bound <= price, "{bound} is above {price}");
    bound
}

#[test]
fn only_pods_on_new_nodes_count() {
    let types: &[(u64, &[i64])] = &[(1_000_000, &[10, 10])];
    let mut some = problem(types, &[(5, &[5, 5])]);
    assert_eq!(bound(&some, LowerBound::Columns) / 1_000, 2_499);
    assert_eq!(bound(&some, LowerBound::Density) / 1_000, 2_499);
    some.nodes.push(existing(&some.keys, &[12, 12]));
    assert_eq!(bound(&some, LowerBound::Density) / 1_000, 1_499);
    some.nodes.push(existing(&some.keys, &[15, 15]));
    assert_eq!(bound(&some, LowerBound::Density), 0);
}

#[test]
fn a_host_port_is_a_rule_of_hosts() {
    let mut some = problem(&[(1_000_000, &[10, 10])], &[]);
    some.dims = 2;
    some.classes.push(takes_a_port(class(3, &[1, 1])));
    assert_eq!(bound(&some, LowerBound::Columns) / 1_000, 2_999);
}

#[test]
fn nothing_costs_nothing() {
    assert_eq!(
        bound(&problem(&[(1, &[1, 1])], &[]), LowerBound::Columns),
        0
    );
}
