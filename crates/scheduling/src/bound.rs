//! A lower bound of what a placement can cost.
//!
//! A node of price `p` with room `r` holds pods whose shares `request / r` sum up to at most 1 in
//! every resource, so also in any fixed mixture of resources. Each pod's part of its node's price
//! is then at least `p` times its mixed share, and no less than the least of that over all types
//! open to it. The sum over pods bounds the price of any placement, whatever the mixture; the best
//! of a few is taken.
//!
//! Topology, weights, limits, whole nodes and daemons are left out, and preferences count as given
//! up, all of which can only make a placement dearer. Where nodes are there that take pods for
//! nothing, a bound for the pods that new nodes take in this placement would not hold for others,
//! so there is none.

use std::sync::Arc;

use catalog::Price;
use rustc_hash::FxHashMap;

use crate::pack::Packed;
use crate::problem::{Class, Problem};
use crate::shelf::{Candidate, Keep, Shelf, Slot, at_least};
use crate::view::{ViewId, Views, cheapest_offer};

/// Shares of the first dimension in the mixtures of the first two, in eighths.
const MIXTURES: [u32; 9] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

/// No placement of the pods that were placed can cost less an hour. `None` where nodes are there.
pub(crate) fn lower_bound(
    problem: &Problem,
    views: &mut Views<'_>,
    packed: &Packed,
) -> Option<Price> {
    if !problem.nodes.is_empty() {
        return None;
    }
    let mut bare = BareShelves::default();
    let mut totals = [0.0_f64; MIXTURES.len()];
    for (class, left) in problem.classes.iter().zip(&packed.left) {
        let placed = f64::from(class.count - left);
        if placed == 0.0 {
            continue;
        }
        let least = least_costs(problem, views, &mut bare, class);
        for (total, least) in totals.iter_mut().zip(least) {
            *total += placed * least;
        }
    }
    let best = totals.into_iter().fold(0.0, f64::max);
    // Sums of floats may be off in the last digits; a bound must not be too high for that.
    Some(Price::from_nanos((best * (1.0 - 1e-9)) as u64))
}

/// Per mixture the least part of a node's price that one pod of a class stands for.
fn least_costs(
    problem: &Problem,
    views: &mut Views<'_>,
    bare: &mut BareShelves,
    class: &Class,
) -> [f64; MIXTURES.len()] {
    let mut least = [f64::INFINITY; MIXTURES.len()];
    for pool in 0..problem.pools.len() {
        for demand in class.variants.iter().map(|variant| variant.demand) {
            let step = views.root(pool).and_then(|root| views.step(root, demand));
            let Some(view) = step else {
                continue;
            };
            let shelf = bare.of(problem, views, pool, view);
            for (at, slot) in shelf.slots().iter().enumerate() {
                let room = shelf.room(at);
                if at_least(room, &class.request) {
                    lower(&mut least, slot.price as f64, room, &class.request);
                }
            }
        }
    }
    least.map(|cost| if cost.is_finite() { cost } else { 0.0 })
}

fn lower(least: &mut [f64; MIXTURES.len()], price: f64, room: &[i64], request: &[i64]) {
    let share = |dim: usize| request[dim] as f64 / room[dim].max(1) as f64;
    for (least, mixture) in least.iter_mut().zip(MIXTURES) {
        let first = f64::from(mixture) / 8.0;
        let mixed = first * share(0) + (1.0 - first) * share(1);
        *least = least.min(price * mixed);
    }
}

/// Types by view as if there were no daemons: a node that daemons keep off has more room than its
/// view says for all.
#[derive(Default)]
struct BareShelves {
    by_view: FxHashMap<ViewId, Arc<Shelf>>,
}

impl BareShelves {
    fn of(
        &mut self,
        problem: &Problem,
        views: &Views<'_>,
        pool: usize,
        view: ViewId,
    ) -> Arc<Shelf> {
        let masks = views.masks(view);
        let make = || {
            let candidates = problem.pools[pool]
                .types
                .iter()
                .enumerate()
                .filter_map(|(kind, ty)| {
                    let kind = kind as u32;
                    let price = cheapest_offer(ty, masks)?.price;
                    Some(Candidate {
                        slot: Slot { kind, price },
                        room: ty.allocatable.clone(),
                    })
                })
                .collect();
            Arc::new(Shelf::new(problem.dims, candidates, Keep::Frontier))
        };
        self.by_view.entry(view).or_insert_with(make).clone()
    }
}
