//! A pool: which types it admits and what keeps the others out, its limits, and what it launches.

use std::collections::BTreeMap;

use api::DisruptionReason;
use catalog::InstanceType;
use catalog::choose::cheapest_offering;
use cluster::PoolState;
use model::Quantity;
use requirements::Requirements;
use serde::Serialize;

use super::Case;

/// Types that are named; the rest is counted.
const NAMED_TYPES: usize = 5;

/// All about a pool.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PoolExplanation {
    /// Name.
    pub(crate) node_pool: String,
    /// Whether it can be used, in one line.
    pub(crate) summary: String,
    /// Higher ones are asked first.
    pub(crate) weight: i64,
    /// Why it is not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    pub(crate) types: Types,
    /// Limits, with what is used of them.
    pub(crate) limits: Vec<Limit>,
    /// How many of its nodes may be going at once.
    pub(crate) budgets: Vec<Allowance>,
    /// Taints of its nodes.
    pub(crate) taints: Vec<String>,
    /// Nodes by instance type.
    pub(crate) nodes: BTreeMap<String, usize>,
    /// What its nodes cost, as far as their prices are known.
    pub(crate) price_per_hour: f64,
    /// What would be launched now.
    pub(crate) launches: Launches,
}

/// Instance types of a pool.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Types {
    /// That the provider has.
    pub(crate) all: usize,
    /// That meet all requirements and can be had.
    pub(crate) admitted: usize,
    /// That meet all requirements but cannot be had in any zone and capacity type that is left.
    pub(crate) without_offering: usize,
    /// What each requirement keeps out.
    pub(crate) filters: Vec<Filter>,
    /// The cheapest that are admitted.
    pub(crate) cheapest: Vec<Priced>,
}

/// A requirement of a pool.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter {
    pub(crate) requirement: String,
    /// Types that do not meet it.
    pub(crate) keeps_out: usize,
    /// Types that meet all others: they would be admitted without it.
    pub(crate) alone_keeps_out: usize,
}

/// A type and its cheapest offering.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Priced {
    pub(crate) instance_type: String,
    pub(crate) zone: String,
    pub(crate) capacity_type: String,
    pub(crate) price_per_hour: f64,
}

/// A limit.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Limit {
    pub(crate) resource: String,
    pub(crate) used: Quantity,
    #[serde(rename = "limit")]
    pub(crate) most: Quantity,
}

/// What budgets allow for a reason.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Allowance {
    pub(crate) reason: &'static str,
    /// None where nothing bounds it.
    pub(crate) allowed: Option<u32>,
    pub(crate) disrupting: u32,
}

/// Planned nodes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Launches {
    pub(crate) nodes: usize,
    pub(crate) pods: usize,
    pub(crate) price_per_hour: f64,
    /// By instance type.
    pub(crate) types: BTreeMap<String, usize>,
}

pub(super) fn explain(case: &Case<'_>, state: &PoolState) -> PoolExplanation {
    let types = types(case, state);
    let problem = state.problem.as_ref().map(ToString::to_string);
    let own = case
        .snapshot
        .nodes
        .iter()
        .filter(|node| node.pool() == Some(state.name()));
    let mut nodes = BTreeMap::new();
    let mut price = 0.0;
    for node in own {
        let ty = node.instance_type().unwrap_or("unknown").to_owned();
        *nodes.entry(ty).or_insert(0) += 1;
        price += disruption::cost::price(node, state).map_or(0.0, catalog::Price::dollars);
    }
    PoolExplanation {
        node_pool: state.name().to_owned(),
        summary: match (&problem, types.admitted) {
            (Some(problem), _) => format!("launches nothing: it {problem}"),
            (None, 0) => "launches nothing: no instance type can be had".to_owned(),
            (None, admitted) => format!("may launch {admitted} of {} types", types.all),
        },
        weight: state.weight(),
        problem,
        types,
        limits: limits(state),
        budgets: budgets(case, state),
        taints: {
            let spec = &state.pool.spec.template.spec;
            let all = spec.taints.iter().chain(&spec.startup_taints);
            all.map(ToString::to_string).collect()
        },
        nodes,
        price_per_hour: price,
        launches: launches(case, state),
    }
}

fn types(case: &Case<'_>, state: &PoolState) -> Types {
    let template = &state.pool.spec.template;
    let mut required = Requirements::from_labels(&template.metadata.labels);
    for requirement in &Requirements::from_items(&template.spec.requirements) {
        required.add(requirement.clone());
    }
    let single =
        |at: usize| -> Requirements { required.iter().skip(at).take(1).cloned().collect() };
    let singles: Vec<Requirements> = (0..required.len()).map(single).collect();
    // Custom keys are labels that the pool gives its nodes: no type has them, so none is kept out.
    let keeps_out = |single: &Requirements, ty: &InstanceType| {
        let known = single.keys().all(|key| ty.requirements.contains(key));
        let offered = |offering: &catalog::Offering| {
            let known = single.keys().all(|key| offering.requirements.contains(key));
            known && !offering.requirements.overlaps(single)
        };
        (known && !ty.requirements.overlaps(single))
            || (!ty.offerings.is_empty() && ty.offerings.iter().all(offered))
    };
    let mut keeping = vec![(0, 0); singles.len()];
    let (mut without_offering, mut priced) = (0, Vec::new());
    for ty in state.types.iter() {
        let stopping: Vec<usize> = (0..singles.len())
            .filter(|at| keeps_out(&singles[*at], ty))
            .collect();
        for at in &stopping {
            keeping[*at].0 += 1;
        }
        match stopping.as_slice() {
            [] => match cheapest_offering(ty, &required, &case.snapshot.vocabulary) {
                Some(offering) => priced.push((offering.price, ty.name.clone(), offering)),
                None => without_offering += 1,
            },
            [only] => keeping[*only].1 += 1,
            _ => {}
        }
    }
    priced.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let filters = required.iter().zip(keeping);
    Types {
        all: state.types.len(),
        admitted: priced.len(),
        without_offering,
        filters: filters
            .map(|(requirement, (keeps_out, alone_keeps_out))| Filter {
                requirement: requirement.to_string(),
                keeps_out,
                alone_keeps_out,
            })
            .collect(),
        cheapest: priced
            .into_iter()
            .take(NAMED_TYPES)
            .map(|(price, name, offering)| Priced {
                instance_type: name.to_string(),
                zone: offering.zone.to_string(),
                capacity_type: offering.capacity_type.to_string(),
                price_per_hour: price.dollars(),
            })
            .collect(),
    }
}

fn limits(state: &PoolState) -> Vec<Limit> {
    let limits = state.pool.spec.limits.iter();
    limits
        .map(|(resource, limit)| Limit {
            resource: resource.clone(),
            used: model::resources::get(&state.used, resource),
            most: *limit,
        })
        .collect()
}

fn budgets(case: &Case<'_>, state: &PoolState) -> Vec<Allowance> {
    let budgets = disruption::budget::budgets(case.snapshot, case.now);
    let Some(budget) = budgets.get(state.name()) else {
        return Vec::new();
    };
    let of = |reason: &DisruptionReason| {
        let allowance = budget.of(*reason);
        // Without any budget the number is the largest that there is.
        let bounded = allowance.allowed < i32::MAX as u32;
        Allowance {
            reason: reason.as_str(),
            allowed: bounded.then_some(allowance.allowed),
            disrupting: allowance.disrupting,
        }
    };
    DisruptionReason::ALL.iter().map(of).collect()
}

fn launches(case: &Case<'_>, state: &PoolState) -> Launches {
    let mut launches = Launches {
        nodes: 0,
        pods: 0,
        price_per_hour: 0.0,
        types: BTreeMap::new(),
    };
    let claims = case.placement.new_claims.iter();
    for claim in claims.filter(|claim| &*claim.pool == state.name()) {
        launches.nodes += 1;
        launches.pods += claim.pods.len();
        launches.price_per_hour += claim.launch.price.dollars();
        let ty = claim.launch.instance_type.to_string();
        *launches.types.entry(ty).or_insert(0) += 1;
    }
    launches
}
