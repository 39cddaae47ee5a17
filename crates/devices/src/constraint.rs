//! `matchAttribute`: devices of one claim that must have the same value of an attribute.

use model::k8s::dra::DeviceAttribute;

use crate::plan::Want;
use crate::pool::{Bindings, Dev};

/// A constraint of a claim.
#[derive(Clone, Debug)]
pub(crate) struct Constraint {
    /// Requests that it is about; none means all.
    pub(crate) requests: Vec<String>,
    /// The attribute, with its domain.
    pub(crate) attribute: String,
}

/// What the first device has decided.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pin {
    /// The value.
    Value(DeviceAttribute),
    /// The value is not known, but this device will have it.
    Bound(usize),
}

impl Constraint {
    /// Whether it is about a request.
    pub(crate) fn applies(&self, want: &Want) -> bool {
        let names = &self.requests;
        names.is_empty() || names.contains(&want.parent) || names.contains(&want.name)
    }

    /// What is decided once a device is taken; none if it may not be. The two ways, by value and by
    /// binding, don't mix.
    pub(crate) fn take(
        &self,
        pin: Option<&Pin>,
        (number, dev): (usize, &Dev),
        bindings: &Bindings,
    ) -> Option<Pin> {
        let value = value(dev, &self.attribute);
        let bound = bindings.of(&self.attribute, number);
        match (pin, value) {
            (None, Some(value)) => Some(Pin::Value(value.clone())),
            (None, None) => bound.map(|_| Pin::Bound(number)),
            (Some(Pin::Value(first)), Some(value)) => {
                (first == value).then(|| Pin::Value(first.clone()))
            }
            (Some(Pin::Bound(first)), None) => {
                bound.filter(|set| set.contains(first))?;
                Some(Pin::Bound(*first))
            }
            _ => None,
        }
    }
}

/// An attribute of a device; one of the driver's own domain may be written without it.
fn value<'a>(dev: &'a Dev, attribute: &str) -> Option<&'a DeviceAttribute> {
    let attributes = &dev.device.attributes;
    attributes.get(attribute).or_else(|| {
        let (domain, name) = attribute.split_once('/')?;
        (domain == &*dev.id.driver).then(|| attributes.get(name))?
    })
}
