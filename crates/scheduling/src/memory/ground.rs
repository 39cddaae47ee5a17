//! Numbers that depend on the keys and resources in play.

use std::sync::{Arc, Mutex, PoisonError};

use cluster::{DaemonState, ResourceId};
use requirements::Vocabulary;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::nodes::{Piece, Standing, address};
use super::templates::{Common, Templates};
use crate::Pricing;
use crate::index::amounts::Amounts;
use crate::index::pools::Reservation;
use crate::mask::{Keys, Mask};
use crate::shelf::{Keep, Shelf};
use crate::types::Types;

/// How many sets of masks of nodes are shared; beyond that nodes that come share no more.
const MOST_MASKS: usize = 65_536;
/// How many shelves are kept.
const MOST_SHELVES: usize = 4096;

/// What numbers depend on.
pub(crate) struct Grounded<'a> {
    /// Keys in play.
    pub(crate) keys: &'a Keys,
    /// Resources in play.
    pub(crate) amounts: &'a Amounts,
    /// Their names.
    pub(crate) names: Vec<Arc<str>>,
    /// Daemons that count.
    pub(crate) daemons: Vec<Arc<DaemonState>>,
    /// What label keys mean.
    pub(crate) vocabulary: &'a Arc<Vocabulary>,
}

/// Numbers that hold for the same keys and resources in play.
#[derive(Debug)]
pub(crate) struct Ground {
    keys: Keys,
    amounts: Amounts,
    names: Vec<Arc<str>>,
    daemons: Vec<Arc<DaemonState>>,
    vocabulary: Arc<Vocabulary>,
    types: FxHashMap<TypesKey, (Arc<Common>, Arc<Types>)>,
    shelves: Shelves,
    masks: FxHashSet<Arc<[Mask]>>,
    standing: FxHashMap<usize, (Piece, Arc<[Standing]>)>,
}

/// What decides the types of a pool in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TypesKey {
    /// Address of what the pool's nodes have in common, which is kept.
    pub(crate) common: usize,
    /// The reservation whose types they are.
    pub(crate) reservation: Option<Reservation>,
    /// The resources that the pool limits.
    pub(crate) limited: Vec<(Arc<str>, Option<ResourceId>)>,
    /// What a type is taken to cost.
    pub(crate) pricing: Pricing,
}

/// Which shelf it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ShelfKey {
    /// Address of the types in numbers, which are kept.
    pub(crate) types: usize,
    /// Which types are kept.
    pub(crate) keep: Keep,
    /// The daemons that tolerate what keeps pods away, as bits.
    pub(crate) daemons: SmallVec<[u64; 1]>,
    /// The mask per key of the view.
    pub(crate) masks: Vec<Mask>,
}

/// Shelves that were made so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelves(Arc<Mutex<FxHashMap<ShelfKey, Arc<Shelf>>>>);

impl Shelves {
    /// A shelf; `make` makes it the first time.
    pub(crate) fn of(&self, key: ShelfKey, make: impl FnOnce() -> Shelf) -> Arc<Shelf> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > MOST_SHELVES {
            known.clear();
        }
        let shelf = known.entry(key).or_insert_with(|| Arc::new(make()));
        shelf.clone()
    }

    fn clear(&self) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.clear();
    }
}

impl Ground {
    /// One on which nothing is known.
    pub(super) fn new(ground: &Grounded<'_>) -> Self {
        Self {
            keys: ground.keys.clone(),
            amounts: ground.amounts.clone(),
            names: ground.names.clone(),
            daemons: ground.daemons.clone(),
            vocabulary: ground.vocabulary.clone(),
            types: FxHashMap::default(),
            shelves: Shelves::default(),
            masks: FxHashSet::default(),
            standing: FxHashMap::default(),
        }
    }

    /// Whether it is this one.
    pub(super) fn is(&self, ground: &Grounded<'_>) -> bool {
        let same = |(a, b): (&Arc<DaemonState>, &Arc<DaemonState>)| {
            Arc::ptr_eq(a, b) || (a.key == b.key && Arc::ptr_eq(&a.shape, &b.shape))
        };
        Arc::ptr_eq(&self.vocabulary, ground.vocabulary)
            && self.amounts == *ground.amounts
            && self.names == ground.names
            && self.daemons.len() == ground.daemons.len()
            && self.daemons.iter().zip(&ground.daemons).all(same)
            && self.keys == *ground.keys
    }

    /// Keeps the types of pools as they are now, and no others: an address may come to mean
    /// something else.
    pub(super) fn keep_types(&mut self, templates: &Templates) {
        let before = self.types.len();
        self.types
            .retain(|_, (common, _)| templates.is_current(common));
        if self.types.len() < before {
            self.shelves.clear();
        }
    }

    /// How many lists of types are kept.
    pub(super) fn kept_types(&self) -> usize {
        self.types.len()
    }

    /// The types of a pool; `make` makes them the first time.
    pub(crate) fn types(
        &mut self,
        common: &Arc<Common>,
        key: TypesKey,
        make: impl FnOnce() -> Types,
    ) -> Arc<Types> {
        if let Some((_, types)) = self.types.get(&key) {
            return types.clone();
        }
        let types = self.alike(common, &key).unwrap_or_else(|| Arc::new(make()));
        self.types.insert(key, (common.clone(), types.clone()));
        types
    }

    /// The types of another pool that are the same.
    fn alike(&self, common: &Common, key: &TypesKey) -> Option<Arc<Types>> {
        let is_required = |id| common.requirements.contains(self.keys.key(id));
        let alike = |(of, (other, types)): &(&TypesKey, &(Arc<Common>, Arc<Types>))| {
            of.reservation == key.reservation
                && of.limited == key.limited
                && of.pricing == key.pricing
                && other.types.len() == common.types.len()
                && other
                    .types
                    .iter()
                    .zip(&*common.types)
                    .all(|(a, b)| Arc::ptr_eq(a, b))
                && types.hold_for(is_required)
        };
        let (_, (_, types)) = self.types.iter().find(alike)?;
        Some(types.clone())
    }

    /// Shelves of these types.
    pub(crate) fn shelves(&self) -> Shelves {
        self.shelves.clone()
    }

    /// The nodes of a piece in numbers, if they were made.
    pub(crate) fn standing(&self, piece: &Piece) -> Option<Arc<[Standing]>> {
        self.standing
            .get(&address(piece))
            .map(|(_, standing)| standing.clone())
    }

    /// Nodes in numbers of pieces that are no longer there, by address. Many of them are in a piece
    /// that has taken the place of theirs.
    pub(crate) fn left_over(&self, pieces: &[Piece]) -> FxHashMap<usize, Standing> {
        let there: FxHashSet<usize> = pieces.iter().map(address).collect();
        let gone = self.standing.iter().filter(|(at, _)| !there.contains(at));
        let nodes = gone.flat_map(|(_, (piece, standing))| piece.iter().zip(standing.iter()));
        nodes
            .map(|(node, standing)| (Arc::as_ptr(node).addr(), standing.clone()))
            .collect()
    }

    /// Keeps the nodes of these pieces in numbers, and no others.
    pub(crate) fn keep(&mut self, pieces: &[Piece], standing: &[Arc<[Standing]>]) {
        let known = pieces.iter().zip(standing);
        self.standing = known
            .map(|(piece, standing)| (address(piece), (piece.clone(), standing.clone())))
            .collect();
    }

    /// The same masks, shared with other nodes.
    pub(crate) fn shared(&mut self, masks: Vec<Mask>) -> Arc<[Mask]> {
        if let Some(known) = self.masks.get(masks.as_slice()) {
            return known.clone();
        }
        let masks: Arc<[Mask]> = masks.into();
        if self.masks.len() < MOST_MASKS {
            self.masks.insert(masks.clone());
        }
        masks
    }
}
