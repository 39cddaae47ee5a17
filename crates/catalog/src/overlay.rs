//! Node overlays: other prices and further resources for instance types.
//!
//! [`evaluate`] looks at all overlays, pools and types at once and says which overlays are in
//! force; [`Overlays::apply`] changes a pool's types accordingly, whatever they cost by then.
//!
//! What is *not* here: what the provider charges (overlays change what is decided, not what is
//! paid), and writing verdicts to the objects.

mod price;
mod validate;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use api::{NodeOverlay, NodePool, labels};
use model::ResourceList;
use requirements::{AllowUndefined, Requirement, Requirements, Vocabulary};

use crate::InstanceType;

use price::PriceChange;
pub use validate::InvalidOverlay;

/// A pool and what its provider can launch for it.
#[derive(Clone, Copy, Debug)]
pub struct PoolTypes<'a> {
    /// The pool.
    pub pool: &'a NodePool,
    /// Its types, without any overlay.
    pub types: &'a [Arc<InstanceType>],
}

/// What an overlay is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in force.
    Accepted,
    /// It can't be.
    Invalid(InvalidOverlay),
    /// Another one of the same weight says otherwise about the same thing. It is in force nowhere.
    Conflict,
}

/// The answer of [`evaluate`].
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// Every overlay's verdict, by name.
    pub verdicts: BTreeMap<String, Verdict>,
    /// What those in force change.
    pub overlays: Overlays,
}

/// What overlays change, for the pools that have been looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overlays {
    pools: BTreeMap<String, BTreeMap<Arc<str>, Change>>,
}

/// What overlays change about one type in one pool.
#[derive(Clone, Debug, Default, PartialEq)]
struct Change {
    /// Offerings by their requirements, which name them, with what becomes of their prices.
    prices: Vec<(Arc<Requirements>, PriceChange)>,
    capacity: ResourceList,
}

impl Overlays {
    /// Whether a pool has been looked at.
    pub fn knows(&self, pool: &str) -> bool {
        self.pools.contains_key(pool)
    }

    /// A pool's types as overlays make them; types and offerings that none is about are shared.
    /// None if the pool has not been looked at.
    pub fn apply(
        &self,
        pool: &str,
        types: &Arc<[Arc<InstanceType>]>,
    ) -> Option<Arc<[Arc<InstanceType>]>> {
        let changes = self.pools.get(pool)?;
        if changes.is_empty() {
            return Some(types.clone());
        }
        let change = |ty: &Arc<InstanceType>| {
            let change = changes.get(&ty.name);
            change.map_or_else(|| ty.clone(), |change| Arc::new(changed(ty, change)))
        };
        Some(types.iter().map(change).collect())
    }

    /// What overlays add to a type's capacity in a pool.
    pub fn capacity(&self, pool: &str, instance_type: &str) -> Option<&ResourceList> {
        let change = self.pools.get(pool)?.get(instance_type)?;
        (!change.capacity.is_empty()).then_some(&change.capacity)
    }
}

fn changed(ty: &InstanceType, change: &Change) -> InstanceType {
    let mut ty = ty.clone();
    for offering in &mut ty.offerings {
        let of = |(named, _): &&(Arc<Requirements>, PriceChange)| {
            Arc::ptr_eq(named, &offering.requirements) || *named == offering.requirements
        };
        if let Some((_, price)) = change.prices.iter().find(of) {
            offering.price = price.applied(offering.price);
            offering.price_overlaid = true;
        }
    }
    if !change.capacity.is_empty() {
        ty.capacity.extend(change.capacity.clone());
        ty.capacity_overlaid = true;
    }
    ty
}

/// Looks at every overlay: is it valid, does it contradict another, what does it change?
///
/// Heavier overlays come first, among equals the later name. An overlay that contradicts one of its
/// weight that is in force already is in force nowhere.
pub fn evaluate(
    overlays: &[NodeOverlay],
    pools: &[PoolTypes<'_>],
    vocabulary: &Vocabulary,
) -> Evaluation {
    let mut sorted: Vec<&NodeOverlay> = overlays.iter().collect();
    sorted.sort_by_key(|overlay| Reverse((weight(overlay), &overlay.metadata.name)));
    let mut pools: Vec<Pool<'_>> = pools.iter().map(|of| Pool::new(*of, vocabulary)).collect();
    let mut verdicts = BTreeMap::new();
    for overlay in sorted {
        let verdict = judge(overlay, &mut pools, vocabulary);
        verdicts.insert(overlay.metadata.name.clone(), verdict);
    }
    let pools = pools.into_iter().map(Pool::into_changes).collect();
    Evaluation {
        verdicts,
        overlays: Overlays { pools },
    }
}

fn weight(overlay: &NodeOverlay) -> i32 {
    overlay.spec.weight.unwrap_or(0)
}

fn judge<'a>(overlay: &'a NodeOverlay, pools: &mut [Pool<'a>], vocabulary: &Vocabulary) -> Verdict {
    let wish = match Wish::new(overlay, vocabulary) {
        Ok(wish) => wish,
        Err(invalid) => return Verdict::Invalid(invalid),
    };
    let selected: Vec<Vec<Selected>> = pools
        .iter()
        .map(|pool| pool.select(&wish.requirements, vocabulary))
        .collect();
    let pairs = || pools.iter().zip(&selected);
    if pairs().any(|(pool, selected)| pool.contradicts(&wish, selected)) {
        return Verdict::Conflict;
    }
    for (pool, selected) in pools.iter_mut().zip(&selected) {
        pool.accept(&wish, selected);
    }
    Verdict::Accepted
}

/// A valid overlay.
struct Wish<'a> {
    weight: i32,
    requirements: Requirements,
    price: Option<PriceChange>,
    capacity: &'a ResourceList,
}

impl<'a> Wish<'a> {
    fn new(overlay: &'a NodeOverlay, vocabulary: &Vocabulary) -> Result<Self, InvalidOverlay> {
        validate::check(overlay, vocabulary)?;
        let spec = &overlay.spec;
        let requirements = spec.requirements.iter().map(|item| {
            let values = item.values.iter().map(String::as_str);
            vocabulary.written(&item.key, &item.operator, values, None)
        });
        Ok(Self {
            weight: weight(overlay),
            requirements: requirements.collect(),
            price: PriceChange::of(spec)?,
            capacity: &spec.capacity,
        })
    }
}

/// A type, and those of its offerings that an overlay is about. Never none.
struct Selected {
    ty: usize,
    offerings: Vec<usize>,
}

/// A pool while overlays are looked at.
struct Pool<'a> {
    name: &'a str,
    types: Vec<Type<'a>>,
}

struct Type<'a> {
    of: &'a Arc<InstanceType>,
    /// Its requirements and the pool's labels.
    requirements: Requirements,
    /// By offering: the weight of the latest overlay about its price.
    prices: Vec<Option<i32>>,
    /// By resource: the weight of the latest overlay about it.
    resources: BTreeMap<&'a str, i32>,
    change: Change,
}

impl<'a> Pool<'a> {
    fn new(of: PoolTypes<'a>, vocabulary: &Vocabulary) -> Self {
        let name = of.pool.metadata.name.as_str();
        let template = &of.pool.spec.template.metadata.labels;
        let mut own = vocabulary.label_requirements(template);
        own.add(Requirement::single(labels::NODEPOOL, name));
        let types = of.types.iter().map(|ty| Type {
            of: ty,
            requirements: ty.requirements.intersect(&own),
            prices: vec![None; ty.offerings.len()],
            resources: BTreeMap::new(),
            change: Change::default(),
        });
        Self {
            name,
            types: types.collect(),
        }
    }

    /// What an overlay with these requirements is about.
    fn select(&self, wanted: &Requirements, vocabulary: &Vocabulary) -> Vec<Selected> {
        let undefined = AllowUndefined::WellKnown(vocabulary);
        let mut all = Vec::new();
        for (at, ty) in self.types.iter().enumerate() {
            if !ty
                .requirements
                .is_compatible(wanted, &AllowUndefined::Nothing)
            {
                continue;
            }
            let offerings = ty.of.offerings.iter().enumerate();
            let offerings: Vec<usize> = offerings
                .filter(|(_, offering)| wanted.is_compatible(&offering.requirements, &undefined))
                .map(|(at, _)| at)
                .collect();
            if !offerings.is_empty() {
                all.push(Selected { ty: at, offerings });
            }
        }
        all
    }

    /// Whether an overlay of the same weight has said something about the same price or resource.
    fn contradicts(&self, wish: &Wish<'_>, selected: &[Selected]) -> bool {
        selected.iter().any(|selected| {
            let ty = &self.types[selected.ty];
            let mut offerings = selected.offerings.iter();
            let price =
                wish.price.is_some() && offerings.any(|at| ty.prices[*at] == Some(wish.weight));
            let mut names = wish.capacity.keys();
            price || names.any(|name| ty.resources.get(name.as_str()) == Some(&wish.weight))
        })
    }

    /// Puts an overlay in force, as far as no heavier one has decided.
    fn accept(&mut self, wish: &Wish<'a>, selected: &[Selected]) {
        for selected in selected {
            let ty = &mut self.types[selected.ty];
            if let Some(price) = wish.price {
                for at in &selected.offerings {
                    if ty.prices[*at].replace(wish.weight).is_none() {
                        let named = ty.of.offerings[*at].requirements.clone();
                        ty.change.prices.push((named, price));
                    }
                }
            }
            for (name, amount) in wish.capacity {
                if ty.resources.insert(name, wish.weight).is_none() {
                    ty.change.capacity.insert(name.clone(), *amount);
                }
            }
        }
    }

    fn into_changes(self) -> (String, BTreeMap<Arc<str>, Change>) {
        let changes = self.types.into_iter().filter_map(|ty| {
            let nothing = ty.change.prices.is_empty() && ty.change.capacity.is_empty();
            (!nothing).then(|| (ty.of.name.clone(), ty.change))
        });
        (self.name.to_owned(), changes.collect())
    }
}

#[cfg(test)]
mod tests;
