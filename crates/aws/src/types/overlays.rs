//! Prices that node overlays give to types of which AWS tells none.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use api::condition;
use api::labels::INSTANCE_TYPE;
use api::nodeoverlay::{NodeOverlay, conditions};
use catalog::Price;

/// Prices by type.
pub type OverlayPrices = BTreeMap<String, Price>;

/// The prices of overlays that are valid, give a price as it is, and only select types by name. Of
/// several for one type the heaviest decides, among equals the later name.
pub fn overlay_prices<'a>(overlays: impl IntoIterator<Item = &'a NodeOverlay>) -> OverlayPrices {
    let mut sorted: Vec<(&NodeOverlay, Price, &[String])> = overlays
        .into_iter()
        .filter_map(|overlay| {
            let (price, types) = priced(overlay)?;
            Some((overlay, price, types))
        })
        .collect();
    sorted.sort_by_key(|(overlay, ..)| {
        let weight = overlay.spec.weight.unwrap_or(0);
        Reverse((weight, &overlay.metadata.name))
    });
    let mut prices = OverlayPrices::new();
    for (_, price, types) in sorted {
        for name in types {
            prices.entry(name.clone()).or_insert(price);
        }
    }
    prices
}

fn priced(overlay: &NodeOverlay) -> Option<(Price, &[String])> {
    let spec = &overlay.spec;
    let conditions = &overlay.status.conditions;
    let validated = condition::find(conditions, conditions::VALIDATION_SUCCEEDED)?;
    let price: f64 = spec.price.as_deref()?.parse().ok()?;
    match spec.requirements.as_slice() {
        [only] if validated.is_true() && only.key == INSTANCE_TYPE && only.operator == "In" => {
            Some((Price::from_dollars(price), &only.values))
        }
        _ => None,
    }
}
