//! Packing by price per value: of all nodes that could be opened, the one whose pods are worth most
//! for its price, again and again.
//!
//! A pod is worth what it would cost at the best price per share open to it. After a pass each
//! class is worth what it was in fact charged, half and half, and the pass is done again; a few
//! rounds find which pods go well together. Scores are floats; amounts and prices are not.
//!
//! It weighs every class against every price, so it is for problems of few classes and nodes. Pools
//! with limits or `minValues` are left to the other policies.

use smallvec::SmallVec;

use crate::policy::{Policy, order};
use crate::problem::{DemandId, Problem, bits_add, bits_meet};
use crate::shelf::{at_least, times};
use crate::view::{ViewId, Views};

use super::open::NewNode;
use super::{Packed, Packing, counts};

/// Passes over the problem.
const ROUNDS: usize = 6;
/// Questions for a type that all passes together may ask.
const MOST_QUERIES: u64 = 150_000;

/// Where a class goes: the first pool that can take it, under the first of its variants.
#[derive(Clone, Copy, Debug)]
struct Home {
    pool: usize,
    demand: DemandId,
    view: ViewId,
}

/// What a node would hold.
#[derive(Clone, Debug, Default)]
struct Fill {
    view: ViewId,
    slot: usize,
    price: u64,
    value: f64,
    used: SmallVec<[i64; 8]>,
    /// Class and count.
    pods: SmallVec<[(usize, u32); 8]>,
}

/// Packs by price per value. `None` if the problem is not of the kind that this is for.
pub(crate) fn pack_by_ratio<'p>(
    problem: &'p Problem,
    views: &mut Views<'p>,
    policy: &Policy,
) -> Option<Packed> {
    let mut best: Option<Packed> = None;
    let mut values: Option<Vec<f64>> = None;
    let mut queries = 0;
    for _ in 0..ROUNDS {
        let mut packing = Packing::new(problem, views, policy);
        let mut left = counts(problem);
        let homes = packing.homes()?;
        packing.fill_existing(&homes, &mut left);
        let worth = values.get_or_insert_with(|| worths(problem, packing.views, &homes));
        let charged = packing.open_by_ratio(&homes, worth, &mut left, MOST_QUERIES - queries)?;
        for (value, charged) in worth.iter_mut().zip(charged) {
            if charged > 0.0 {
                *value = f64::midpoint(*value, charged);
            }
        }
        queries += packing.counters.type_queries;
        let packed = packing.finish(left);
        let better = best.as_ref().is_none_or(|best| {
            (packed.unplaced(), packed.price()) < (best.unplaced(), best.price())
        });
        if better {
            best = Some(packed);
        }
        if queries >= MOST_QUERIES {
            break;
        }
    }
    best
}

/// What a pod of each class costs at the best price per share open to it.
fn worths(problem: &Problem, views: &Views<'_>, homes: &[Option<Home>]) -> Vec<f64> {
    let worth = |(class, home): (usize, &Option<Home>)| {
        let Some(home) = home else {
            return 0.0;
        };
        let request = &problem.classes[class].request;
        let shelf = views.shelf(home.view);
        (0..shelf.slots().len())
            .filter(|slot| at_least(shelf.room(*slot), request))
            .map(|slot| {
                let shares = request.iter().zip(shelf.room(slot));
                let largest = shares
                    .filter(|(request, _)| **request > 0)
                    .map(|(request, room)| *request as f64 / *room as f64)
                    .fold(0.0, f64::max);
                shelf.slot(slot).price as f64 * largest
            })
            .fold(f64::INFINITY, f64::min)
    };
    homes.iter().enumerate().map(worth).collect()
}

impl Packing<'_, '_> {
    /// Where each class goes. `None` if a pool has limits or `minValues`.
    fn homes(&mut self) -> Option<Vec<Option<Home>>> {
        if self
            .problem
            .pools
            .iter()
            .any(crate::problem::Pool::is_picky)
        {
            return None;
        }
        let classes = 0..self.problem.classes.len();
        Some(classes.map(|class| self.home(class)).collect())
    }

    fn home(&mut self, class: usize) -> Option<Home> {
        let variants = &self.problem.classes[class].variants;
        variants.iter().find_map(|demand| {
            let pool = self.best_new(class, *demand, 1)?.pool();
            let view = self.views.step(self.views.root(pool)?, *demand)?;
            Some(Home {
                pool,
                demand: *demand,
                view,
            })
        })
    }

    /// Nodes that are there take what they can, as under any policy.
    fn fill_existing(&mut self, homes: &[Option<Home>], left: &mut [u32]) {
        let nodes = self.problem.nodes.len();
        for class in order(self.problem, self.policy) {
            for demand in &self.problem.classes[class].variants {
                left[class] = self.fill(class, *demand, left[class], nodes);
                if homes[class].is_some_and(|home| home.demand == *demand) {
                    break;
                }
            }
        }
    }

    /// Opens nodes until no class that has a home is left. Gives back what each class was charged
    /// per pod, 0 where nothing was opened for it; `None` if it would take too many questions.
    fn open_by_ratio(
        &mut self,
        homes: &[Option<Home>],
        worth: &[f64],
        left: &mut [u32],
        most_queries: u64,
    ) -> Option<Vec<f64>> {
        let prices = self.prices(homes);
        let orders = orders(self.problem, worth);
        let mut charged = vec![(0.0, 0_u32); left.len()];
        while let Some(fill) = self.best_fill(homes, worth, left, &prices, &orders) {
            if self.counters.type_queries > most_queries {
                return None;
            }
            let per_value = fill.price as f64 / fill.value.max(f64::MIN_POSITIVE);
            let again = fill.pods.iter().map(|(class, count)| left[*class] / count);
            for _ in 0..again.min().unwrap_or(0) {
                self.open_filled(homes, &fill);
            }
            let again = fill
                .pods
                .iter()
                .map(|(class, count)| left[*class] / count)
                .min()?;
            for (class, count) in &fill.pods {
                left[*class] -= count * again;
                charged[*class].0 += per_value * worth[*class] * f64::from(count * again);
                charged[*class].1 += count * again;
            }
        }
        let mean = |(sum, count): (f64, u32)| sum / f64::from(count.max(1));
        Some(charged.into_iter().map(mean).collect())
    }

    /// Prices of types that could be opened, by pool.
    fn prices(&self, homes: &[Option<Home>]) -> Vec<Vec<u64>> {
        let mut prices = vec![Vec::new(); self.problem.pools.len()];
        for home in homes.iter().flatten() {
            let slots = self.views.shelf(home.view).slots().iter();
            prices[home.pool].extend(slots.map(|slot| slot.price));
        }
        for prices in &mut prices {
            prices.sort_unstable();
            prices.dedup();
        }
        prices
    }

    fn best_fill(
        &mut self,
        homes: &[Option<Home>],
        worth: &[f64],
        left: &[u32],
        prices: &[Vec<u64>],
        orders: &[Vec<usize>],
    ) -> Option<Fill> {
        let mut best: Option<Fill> = None;
        for (pool, prices) in prices.iter().enumerate() {
            let open = |class: &usize| {
                left[*class] > 0 && homes[*class].is_some_and(|home| home.pool == pool)
            };
            for order in orders {
                let classes: Vec<usize> = order.iter().copied().filter(open).collect();
                for price in prices {
                    let fill = self.fill_new(pool, *price, &classes, homes, left, worth);
                    let better = fill.as_ref().is_some_and(|fill| {
                        best.as_ref()
                            .is_none_or(|best| self.ratio(fill) > self.ratio(best))
                    });
                    if better {
                        best = fill;
                    }
                }
            }
        }
        best
    }

    fn ratio(&self, fill: &Fill) -> f64 {
        fill.value / (fill.price + self.policy.node_fee).max(1) as f64
    }

    /// Fills a new node of at most this price with classes in order.
    fn fill_new(
        &mut self,
        pool: usize,
        most: u64,
        classes: &[usize],
        homes: &[Option<Home>],
        left: &[u32],
        worth: &[f64],
    ) -> Option<Fill> {
        let mut fill = Fill {
            view: self.views.root(pool)?,
            used: SmallVec::from_elem(0, self.problem.dims),
            ..Fill::default()
        };
        let mut bits = vec![0; self.problem.words];
        for class in classes {
            let home = homes[*class]?;
            let of = &self.problem.classes[*class];
            if bits_meet(&of.must_clear, &bits) {
                continue;
            }
            let Some(view) = self.views.step(fill.view, home.demand) else {
                continue;
            };
            let most_pods = if of.alone { 1 } else { left[*class] };
            let added = self.add_to(&mut fill, view, most, *class, most_pods);
            if added > 0 {
                fill.value += worth[*class] * f64::from(added);
                fill.pods.push((*class, added));
                bits_add(&mut bits, &of.sets);
            }
        }
        (!fill.pods.is_empty()).then_some(fill)
    }

    /// Adds pods of a class as long as some type of at most this price holds them.
    fn add_to(
        &mut self,
        fill: &mut Fill,
        view: ViewId,
        most: u64,
        class: usize,
        count: u32,
    ) -> u32 {
        let request = &self.problem.classes[class].request;
        let mut added = 0;
        while added < count {
            self.counters.type_queries += 1;
            let need: SmallVec<[i64; 8]> = fill
                .used
                .iter()
                .zip(request)
                .map(|(used, request)| used + request)
                .collect();
            let shelf = self.views.shelf(view);
            let Some(slot) = shelf
                .cheapest(&need)
                .filter(|s| shelf.slot(*s).price <= most)
            else {
                break;
            };
            let rest: SmallVec<[i64; 8]> = shelf
                .room(slot)
                .iter()
                .zip(&fill.used)
                .map(|(room, used)| room - used)
                .collect();
            let now = times(&rest, request, count - added);
            for (used, request) in fill.used.iter_mut().zip(request) {
                *used += request * i64::from(now);
            }
            added += now;
            fill.view = view;
            fill.slot = slot;
            fill.price = shelf.slot(slot).price;
        }
        added
    }

    fn open_filled(&mut self, homes: &[Option<Home>], fill: &Fill) {
        let Some(pool) = self.views.pool(fill.view) else {
            return;
        };
        let new = NewNode::of(pool, fill.view, fill.slot, fill.price);
        let node = self.open_empty(new);
        for (class, count) in &fill.pods {
            if let Some(home) = homes[*class] {
                self.put(*class, home.demand, node, *count);
            }
        }
    }
}

/// Orders in which a node is filled: by what a class is worth per unit of all resources, or of one.
fn orders(problem: &Problem, worth: &[f64]) -> Vec<Vec<usize>> {
    let total: Vec<f64> = (0..problem.dims)
        .map(|dim| {
            let of =
                |class: &crate::problem::Class| class.request[dim] as f64 * f64::from(class.count);
            problem.classes.iter().map(of).sum::<f64>().max(1.0)
        })
        .collect();
    let mixtures: [&[f64]; 3] = [&[1.0, 1.0], &[1.0, 0.02], &[0.02, 1.0]];
    mixtures
        .iter()
        .map(|mixture| {
            let density: Vec<f64> = problem
                .classes
                .iter()
                .zip(worth)
                .map(|(class, worth)| {
                    let weight = |dim: usize| mixture.get(dim).copied().unwrap_or(0.02);
                    let share = |dim: usize| class.request[dim] as f64 / total[dim];
                    let size: f64 = (0..problem.dims).map(|dim| weight(dim) * share(dim)).sum();
                    worth / size.max(f64::MIN_POSITIVE)
                })
                .collect();
            let mut order: Vec<usize> = (0..problem.classes.len()).collect();
            order.sort_by(|a, b| {
                density[*b]
                    .total_cmp(&density[*a])
                    .then_with(|| {
                        problem.classes[*b]
                            .request
                            .cmp(&problem.classes[*a].request)
                    })
                    .then(a.cmp(b))
            });
            order
        })
        .collect()
}
