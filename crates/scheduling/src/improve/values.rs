//! What a pod of each unit is worth: what its room costs where that is cheapest, corrected by what
//! the nodes that a pass gave it cost for what they hold.

use super::model::Model;
use super::pass::Opened;

/// A pod that excludes its like is worth at least so much of a node, divided by how many fit.
const LEAST_SHARE: f64 = 0.15;

/// Values to begin with: per unit the lowest price of its largest share of a bin.
pub(super) fn first_values(model: &Model<'_>) -> Vec<f64> {
    let bins: Vec<(u32, f64)> = model
        .bins
        .iter()
        .map(|bin| (*bin, (model.price(*bin) + model.prices.fee) as f64))
        .collect();
    let caps: Vec<f64> = (0..model.units.len())
        .map(|unit| least_share(model, unit))
        .collect();
    (0..model.units.len())
        .map(|unit| {
            let request = model.request(unit);
            let worth = |(bin, price): &(u32, f64)| -> Option<f64> {
                if !model.admits(*bin, model.group[unit]) {
                    return None;
                }
                let mut share = caps[unit];
                for (request, room) in request.iter().zip(model.room(*bin)) {
                    if request > room {
                        return None;
                    }
                    if *request > 0 {
                        share = share.max(*request as f64 / *room as f64);
                    }
                }
                Some(price * share)
            };
            bins.iter()
                .filter_map(worth)
                .min_by(f64::total_cmp)
                .unwrap_or(1.0)
                .max(1.0)
        })
        .collect()
}

fn least_share(model: &Model<'_>, unit: usize) -> f64 {
    let rules = &model.problem.topology.rules[model.units[unit].rules as usize];
    let single = rules.single.then_some(1);
    let most = rules.caps.iter().map(|(_, most)| *most).chain(single).min();
    most.map_or(0.0, |most| LEAST_SHARE / f64::from(most.max(1)))
}

/// Moves values towards what the nodes of a pass cost for what they hold; less in later rounds.
pub(super) fn correct(values: &mut [f64], opened: &[Opened], round: u32) {
    let step = 0.5 / (1.0 + 0.1 * f64::from(round));
    let mut dear = vec![(0.0, 0.0); values.len()];
    for node in opened {
        let worth: f64 = node
            .contents
            .iter()
            .map(|(unit, count)| values[*unit as usize] * f64::from(*count))
            .sum();
        let rate = node.cost.weighed as f64 / worth;
        for (unit, count) in &node.contents {
            let pods = f64::from(*count) * f64::from(node.copies);
            let (sum, of) = &mut dear[*unit as usize];
            *sum += rate * pods;
            *of += pods;
        }
    }
    for (value, (sum, of)) in values.iter_mut().zip(dear) {
        if of > 0.0 {
            *value *= 1.0 - step + step * sum / of;
        }
    }
}
