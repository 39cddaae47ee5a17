//! A lower bound of what a placement can cost.
//!
//! What is bounded: the price of any set of new nodes that holds the pods which *this* placement
//! puts on new nodes, under the pods' requirements and tolerations, what fits, and the rules that
//! limit how many pods of a kind a host may hold (with hostname spread read as the solver reads
//! it: an empty host is always possible). Pods that go to nodes that are there are left out, for
//! they cost nothing, and so is every placement that sends other pods there: where there are such
//! nodes, the bound says how well the new ones are packed and not that no better division between
//! old and new nodes exists.
//!
//! Everything that is left out (rules over zones, weights, limits, `minValues`, whole nodes,
//! daemons that may or may not run) makes a placement only dearer, and preferences count as given
//! up. So the bound holds with all of them.
//!
//! Both methods give each pod a value such that no node can hold pods worth more than its price;
//! the sum of the values is the bound. `density` takes a pod's share of a node under one weighting
//! of the resources; `columns` improves on it by linear programming over fillings of single nodes.

mod columns;
mod density;
mod filling;
mod items;
mod simplex;
#[cfg(test)]
mod tests;

use catalog::Price;

use crate::options::LowerBound;
use crate::pack::Packed;
use crate::problem::Problem;
use crate::view::Views;
use items::Items;

/// No new nodes for the pods that were put on new nodes can cost less an hour.
pub(crate) fn lower_bound(
    problem: &Problem,
    views: &mut Views<'_>,
    packed: &Packed,
    method: LowerBound,
) -> Option<Price> {
    let mut counts = vec![0; problem.classes.len()];
    for put in &packed.puts {
        if packed.nodes.kind(put.node).is_some() {
            counts[put.class as usize] += put.count;
        }
    }
    let bound = match method {
        LowerBound::None => return None,
        LowerBound::Density => density::bound(&Items::new(problem, views, &counts)),
        LowerBound::Columns => {
            let items = Items::new(problem, views, &counts);
            density::bound(&items).max(columns::bound(&items))
        }
    };
    // Sums of floats may be off in the last digits; a bound must not be too high for that.
    Some(Price::from_nanos((bound * (1.0 - 1e-9)) as u64))
}
