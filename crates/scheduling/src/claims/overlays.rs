//! Which node overlays had a part in a claim.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::labels;
use catalog::InstanceType;
use rustc_hash::FxHashMap;

use super::Listing;
use crate::index::Index;

type Annotations = Arc<BTreeMap<String, String>>;

/// Which lists of types overlays have changed, by the number of the list, as far as asked for.
/// Nothing is looked at where there is no overlay.
pub(super) enum Overlays {
    /// No type is changed.
    None,
    /// Some are.
    Some(FxHashMap<usize, Changed>),
}

/// What overlays have changed about a list of types.
#[derive(Clone, Copy)]
pub(super) struct Changed {
    price: bool,
    capacity: bool,
}

impl Changed {
    fn of<'a>(types: impl Iterator<Item = &'a Arc<InstanceType>> + Clone) -> Self {
        let mut offerings = types.clone().flat_map(|ty| &ty.offerings);
        let price = offerings.any(|offering| offering.price_overlaid);
        let capacity = types.into_iter().any(|ty| ty.capacity_overlaid);
        Self { price, capacity }
    }
}

impl Overlays {
    /// Whether there is any.
    pub(super) fn of(index: &Index<'_>) -> Self {
        let pools = index.pools.iter();
        let all = Changed::of(pools.flat_map(|pool| pool.template.types.iter()));
        if all.price || all.capacity {
            Self::Some(FxHashMap::default())
        } else {
            Self::None
        }
    }

    /// The annotations of a claim with what overlays had a part in. `at` is the number of its list.
    pub(super) fn marked(
        &mut self,
        at: usize,
        listing: &Listing,
        annotations: &Annotations,
    ) -> Annotations {
        let Self::Some(known) = self else {
            return annotations.clone();
        };
        let changed = known
            .entry(at)
            .or_insert_with(|| Changed::of(listing.types.iter()));
        let marks = [
            (changed.price, labels::PRICE_OVERLAY_APPLIED),
            (changed.capacity, labels::CAPACITY_OVERLAY_APPLIED),
        ];
        let mut all = BTreeMap::clone(annotations);
        for (_, key) in marks.into_iter().filter(|(applied, _)| *applied) {
            all.insert(key.to_owned(), "true".to_owned());
        }
        Arc::new(all)
    }
}
