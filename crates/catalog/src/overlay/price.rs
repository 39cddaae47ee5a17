//! What an overlay makes of a price.

use api::nodeoverlay::NodeOverlaySpec;

use super::InvalidOverlay;
use crate::Price;

/// What an overlay makes of a price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PriceChange {
    /// This and nothing else.
    Set(Price),
    /// So many billionths of a dollar more; fewer if negative.
    Add(i64),
    /// So many times the price.
    Scale(f64),
}

impl PriceChange {
    /// What an overlay says about prices; none if it says nothing.
    pub(super) fn of(spec: &NodeOverlaySpec) -> Result<Option<Self>, InvalidOverlay> {
        let text = spec.price.as_ref().or(spec.price_adjustment.as_ref());
        let Some(text) = text else { return Ok(None) };
        let invalid = || InvalidOverlay::Price(text.clone());
        let number = |text: &str| -> Result<f64, InvalidOverlay> {
            let number: f64 = text.parse().map_err(|_| invalid())?;
            number.is_finite().then_some(number).ok_or_else(invalid)
        };
        if spec.price.is_some() {
            return Ok(Some(Self::Set(Price::from_dollars(number(text)?))));
        }
        let change = match text.strip_suffix('%') {
            Some(percent) => Self::Scale(1.0 + number(percent)? / 100.0),
            // A conversion to an integer saturates.
            None => Self::Add((number(text)? * 1e9).round() as i64),
        };
        Ok(Some(change))
    }

    /// The price after the change. Nothing is cheaper than free.
    pub(super) fn applied(self, price: Price) -> Price {
        match self {
            Self::Set(price) => price,
            Self::Add(more) => Price::from_nanos(price.nanos().saturating_add_signed(more)),
            Self::Scale(times) => {
                Price::from_nanos((price.nanos() as f64 * times).round().max(0.0) as u64)
            }
        }
    }
}
