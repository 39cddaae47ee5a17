//! What of a packing may be packed anew: equal pods as units with a count.
//!
//! Whatever is hard to keep right stays as it is: nodes whose pods want to be beside others or hold
//! devices, nodes of pools with limits or `minValues`, and nodes whose domain is open though it
//! matters to pods that keep away from it.

use rustc_hash::FxHashMap;

use crate::pack::{NodeId, Packed, Put};
use crate::problem::{DemandId, Problem};
use crate::topology::{DomainRule, RulesId};
use crate::view::Views;

/// Index of a [`Unit`].
pub(super) type UnitId = u32;

/// So many pods of each unit, in the order in which they join.
pub(super) type Contents = smallvec::SmallVec<[(UnitId, u32); 6]>;

/// Equal pods that ask for the same, with the domains that the packing gave them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Unit {
    /// The class.
    pub(super) class: u32,
    /// What is asked of the node; pinned to the domains in which rules count the pods.
    pub(super) demand: DemandId,
    /// What is asked of the pods beside.
    pub(super) rules: RulesId,
    /// The last pool by weight that may have them.
    pub(super) last_pool: usize,
}

/// A packing taken apart.
#[derive(Debug, Default)]
pub(super) struct Thawed {
    /// Units, larger ones first.
    pub(super) units: Vec<Unit>,
    /// Pods of each unit.
    pub(super) counts: Vec<u32>,
    /// What each of the nodes that may be packed anew holds.
    pub(super) nodes: Vec<(NodeId, Contents)>,
}

/// Takes apart what may be packed anew.
pub(super) fn thaw(problem: &Problem, views: &mut Views<'_>, packed: &Packed) -> Thawed {
    let thawed = thawed_nodes(problem, views, packed);
    let mut ids: FxHashMap<Unit, UnitId> = FxHashMap::default();
    let mut units: Vec<Unit> = Vec::new();
    let mut contents: Vec<Contents> = vec![Contents::new(); packed.nodes.len()];
    for put in packed.puts.iter().filter(|put| thawed[put.node]) {
        let unit = unit(problem, views, packed, put);
        let id = *ids.entry(unit).or_insert_with(|| {
            units.push(unit);
            (units.len() - 1) as UnitId
        });
        match contents[put.node]
            .iter_mut()
            .find(|(other, _)| *other == id)
        {
            Some((_, count)) => *count += put.count,
            None => contents[put.node].push((id, put.count)),
        }
    }
    sorted(problem, units, (thawed, contents))
}

/// Units with the largest first, so that a smaller number is a larger unit.
fn sorted(problem: &Problem, units: Vec<Unit>, nodes: (Vec<bool>, Vec<Contents>)) -> Thawed {
    let largest: Vec<i64> = (0..problem.dims)
        .map(|dim| {
            let requests = units
                .iter()
                .map(|unit| problem.classes[unit.class as usize].request[dim]);
            requests.max().unwrap_or(0).max(1)
        })
        .collect();
    let size = |unit: &Unit| -> f64 {
        let request = &problem.classes[unit.class as usize].request;
        request
            .iter()
            .zip(&largest)
            .map(|(r, most)| *r as f64 / *most as f64)
            .sum()
    };
    let mut order: Vec<(f64, usize)> = units.iter().map(size).zip(0..).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut rank = vec![0; units.len()];
    for (at, (_, unit)) in order.iter().enumerate() {
        rank[*unit] = at as UnitId;
    }
    let mut result = Thawed {
        units: order.iter().map(|(_, unit)| units[*unit]).collect(),
        counts: vec![0; units.len()],
        nodes: Vec::new(),
    };
    for (node, mut contents) in nodes
        .1
        .into_iter()
        .enumerate()
        .filter(|(node, _)| nodes.0[*node])
    {
        for (unit, count) in &mut contents {
            *unit = rank[*unit as usize];
            result.counts[*unit as usize] += *count;
        }
        result.nodes.push((node, contents));
    }
    result
}

fn unit(problem: &Problem, views: &mut Views<'_>, packed: &Packed, put: &Put) -> Unit {
    let view = packed.nodes.view[put.node];
    let mut demand = put.demand;
    for counter in problem.classes[put.class as usize].domains.iter() {
        let key = problem.topology.domains[*counter as usize].key;
        if let Some(domain) = views.domain(view, key) {
            demand = views.pin(demand, key, domain);
        }
    }
    Unit {
        class: put.class,
        demand,
        rules: put.rules,
        last_pool: views.pool(view).unwrap_or(0),
    }
}

/// Which nodes may be packed anew.
fn thawed_nodes(problem: &Problem, views: &Views<'_>, packed: &Packed) -> Vec<bool> {
    let fixed = problem.fixed_nodes();
    let mut thawed: Vec<bool> = (0..packed.nodes.len())
        .map(|node| {
            let pool = views.pool(packed.nodes.view[node]);
            node >= fixed && pool.is_some_and(|pool| !problem.pools[pool].is_picky())
        })
        .collect();
    let keeps_away = keeps_away(problem);
    for put in &packed.puts {
        let rules = &problem.topology.rules[put.rules as usize];
        let class = &problem.classes[put.class as usize];
        let open = class.domains.iter().any(|counter| {
            let key = problem.topology.domains[*counter as usize].key;
            keeps_away[*counter as usize]
                && views.domain(packed.nodes.view[put.node], key).is_none()
        });
        // Another node may be one that the counter does not look at.
        let filtered = class.domains.iter().any(|counter| {
            problem.topology.domains[*counter as usize].filter.is_some()
                && rules.domains.iter().all(|rule| rule.counter() != *counter)
        });
        if open || filtered || !rules.together.is_empty() || rules.joins_others() {
            thawed[put.node] = false;
        }
    }
    thawed
}

/// By domain counter: whether pods keep away from what it counts.
fn keeps_away(problem: &Problem) -> Vec<bool> {
    let mut keeps_away = vec![false; problem.topology.domains.len()];
    for rule in problem
        .topology
        .rules
        .iter()
        .flat_map(|rules| &rules.domains)
    {
        if let DomainRule::Apart { counter, .. } = rule {
            keeps_away[*counter as usize] = true;
        }
    }
    keeps_away
}
