//! Why pools open no node for a pod.

use std::sync::Arc;

use catalog::CapacityType;
use model::Quantity;
use requirements::taints::tolerate_all;
use requirements::{AllowUndefined, Requirement};

use super::{Case, topology};
use crate::index::{Index, PoolIndex};
use crate::mask::Mask;
use crate::pack::{MOST_TYPES, Packed, distinct_values};
use crate::placement::{Candidate, Refusal};
use crate::problem::{Pool, bits_meet};
use crate::reason::Rejection;
use crate::shelf::Shelf;
use crate::view::Views;

/// The reason of each pool, in the order in which pools are asked.
pub(super) fn refusals(
    index: &Index<'_>,
    views: &mut Views<'_>,
    packed: &Packed,
    case: &Case<'_>,
    all: &mut Vec<Refusal>,
) {
    for (source, state) in index.snapshot.pools.iter().enumerate() {
        let at = index
            .pools
            .iter()
            .position(|pool| pool.template.source == source && pool.reservation.is_none());
        let rejection = match (&state.problem, at) {
            (Some(problem), _) => Rejection::Pool(problem.clone()),
            (None, Some(at)) => rejection(index, views, packed, case, at),
            (None, None) => continue,
        };
        all.push(Refusal {
            candidate: Candidate::NodePool(state.name().into()),
            rejection,
        });
    }
}

fn rejection(
    index: &Index<'_>,
    views: &mut Views<'_>,
    packed: &Packed,
    case: &Case<'_>,
    at: usize,
) -> Rejection {
    let pool = &index.problem.pools[at];
    let template = &index.pools[at].template;
    let Some(root) = views.root(at) else {
        let types = template.state.types.len();
        return Rejection::PoolAdmitsNothing { types };
    };
    if let Err(untolerated) = tolerate_all(&case.tolerations, template.taints()) {
        return Rejection::Taints(untolerated);
    }
    let vocabulary = &index.snapshot.vocabulary;
    let allowed = AllowUndefined::WellKnown(vocabulary);
    if let Err(incompatible) = template
        .requirements
        .compatible(case.requirements, &allowed)
    {
        return Rejection::Requirements(incompatible);
    }
    let Some(view) = views.step(root, case.demand) else {
        return no_type(index, pool, views.masks(root), case);
    };
    let fresh = vec![0; index.problem.words];
    let stopped = topology::hosts(index, case, &fresh, None)
        .or_else(|| topology::domains(index, packed, case, views.masks(root)));
    if let Some(rejection) = stopped {
        return rejection;
    }
    let shelf = views.full_shelf(view);
    let request = &index.problem.classes[case.class].request;
    let holding: Vec<usize> = shelf.holding(request).collect();
    if holding.is_empty() {
        return too_small(index, pool, &shelf, request);
    }
    let kinds: Vec<u32> = holding.iter().map(|slot| shelf.slot(*slot).kind).collect();
    limit(
        index,
        &index.pools[at],
        pool,
        packed.budgets.left(at),
        &kinds,
    )
    .or_else(|| min_values(&index.pools[at], pool, &kinds))
    .unwrap_or(Rejection::Outrun)
}

/// No type meets the requirements, or none that does can be had.
fn no_type(index: &Index<'_>, pool: &Pool, root: &[Mask], case: &Case<'_>) -> Rejection {
    let demand = &index.problem.demands[case.demand as usize];
    let merged = |without: Option<usize>| {
        let mut masks = root.to_vec();
        for (id, mask) in demand.masks.iter().filter(|(id, _)| Some(*id) != without) {
            masks[*id] = masks[*id].and(mask);
        }
        masks
    };
    let all = merged(None);
    let under = pool.types.under(&all);
    if !under.any() {
        let types = pool.types.len();
        let culprit = demand.masks.iter().map(|(id, _)| *id).find(|id| {
            let rest = merged(Some(*id));
            pool.types.under(&rest).any()
        });
        let requirement = culprit.and_then(|id| case.requirements.get(index.problem.keys.key(id)));
        return requirement.map_or(Rejection::NoTypeMeetsAll { types }, |requirement| {
            Rejection::NoTypeMeets {
                requirement: Requirement::clone(requirement),
                types,
            }
        });
    }
    let offered = under.kinds().filter(|kind| under.cheapest(*kind).is_some());
    let offered = offered.count();
    if offered == 0 {
        let reserved = |kind: &usize| {
            let mut available = pool.types[*kind].instance.available_offerings();
            available.any(|offering| offering.capacity_type == CapacityType::Reserved)
        };
        return Rejection::NoOffering {
            types: under.kinds().count(),
            reserved_only: under.kinds().filter(reserved).count(),
        };
    }
    let daemon_bits = index.problem.daemons.iter().map(|daemon| &daemon.ports);
    let blocked = daemon_bits
        .clone()
        .any(|bits| bits_meet(bits, &demand.ports));
    match case.pod.shape.host_ports.first() {
        Some(port) if blocked => Rejection::DaemonPort { port: port.clone() },
        _ => Rejection::NoRoomBesideDaemons { types: offered },
    }
}

/// Which resource even the largest type has too little of.
fn too_small(index: &Index<'_>, pool: &Pool, shelf: &Shelf, request: &[i64]) -> Rejection {
    let slots = shelf.slots().len();
    for (dim, requested) in request.iter().enumerate() {
        // Of equally large types the first, which is the cheapest, is named.
        let largest = (0..slots).rev().max_by_key(|slot| shelf.room(*slot)[dim]);
        let Some(largest) = largest.filter(|slot| shelf.room(*slot)[dim] < *requested) else {
            continue;
        };
        let Some(id) = index.amounts.id(dim) else {
            continue;
        };
        let dimensions = &index.snapshot.dimensions;
        let kind = shelf.slot(largest).kind as usize;
        return Rejection::TypeTooSmall {
            resource: dimensions.name(id).into(),
            requested: dimensions.quantity(id, *requested),
            most: dimensions.quantity(id, shelf.room(largest)[dim]),
            instance_type: pool.types[kind].instance.name.clone(),
        };
    }
    Rejection::NoTypeHoldsAll { types: slots }
}

/// The limit that none of the types is within, or else that the first of them is not within.
fn limit(
    index: &Index<'_>,
    pool_index: &PoolIndex<'_>,
    pool: &Pool,
    left: &[i64],
    kinds: &[u32],
) -> Option<Rejection> {
    let charge = |kind: &u32, limit: usize| pool.types[*kind as usize].charge[limit];
    let affords = |kind: &u32| (0..left.len()).all(|limit| charge(kind, limit) <= left[limit]);
    if kinds.iter().any(affords) {
        return None;
    }
    let least = |limit: usize| kinds.iter().map(|kind| charge(kind, limit)).min();
    let first = kinds.first()?;
    let limit = (0..left.len())
        .find(|limit| least(*limit) > Some(left[*limit]))
        .or_else(|| (0..left.len()).find(|limit| charge(first, *limit) > left[*limit]))?;
    let limited = &pool_index.limits[limit];
    let total = pool_index
        .template
        .state
        .pool
        .spec
        .limits
        .get(&*limited.resource)?;
    let quantity = |amount: i64| match limited.id {
        Some(id) => index.snapshot.dimensions.quantity(id, amount),
        None => Quantity::from_units(amount),
    };
    Some(Rejection::Limit {
        resource: limited.resource.clone(),
        limit: *total,
        used: *total - quantity(left[limit]),
        needed: quantity(least(limit)?),
    })
}

fn min_values(pool_index: &PoolIndex<'_>, pool: &Pool, kinds: &[u32]) -> Option<Rejection> {
    let listed = &kinds[..kinds.len().min(MOST_TYPES)];
    let found = distinct_values(pool, listed);
    let keys = pool_index.min_value_keys.iter();
    keys.zip(found)
        .zip(&pool.min_values)
        .find_map(|((key, found), wanted)| {
            (found < wanted.least).then(|| Rejection::MinValues {
                key: Arc::clone(key),
                least: wanted.least,
                found,
                cheapest: (listed.len() < kinds.len()).then_some(MOST_TYPES),
            })
        })
}
