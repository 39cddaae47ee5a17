//! The instance types that a view admits, ordered by price, and the query "the cheapest type that
//! holds this".
//!
//! Per dimension the distinct sizes are ranked, and each rank has the bit set of types at least
//! that large. A query is one binary search per dimension, an AND of those rows, and the first set
//! bit. What is *not* here: which types are admitted and at which price (`view`).

use smallvec::SmallVec;

/// A type on a shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Position in the pool's list of types.
    pub(crate) kind: u32,
    /// Cheapest offering under the view, billionths of a dollar an hour.
    pub(crate) price: u64,
}

/// Types of one view, cheapest first.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    dims: usize,
    words: usize,
    slots: Vec<Slot>,
    /// Room for pods by slot and dimension, daemons taken off.
    room: Vec<i64>,
    ranks: Vec<Ranks>,
}

/// The sizes of one dimension.
#[derive(Debug, Default)]
struct Ranks {
    /// Distinct, ascending.
    sizes: Vec<i64>,
    /// Per size the bit set of slots with at least that much.
    rows: Vec<u64>,
}

/// Positions on a shelf, one bit each.
pub(crate) type SlotSet = SmallVec<[u64; 16]>;

/// The positions in a set, ascending.
pub(crate) fn positions(set: &[u64]) -> impl Iterator<Item = usize> {
    let words = set.iter().enumerate();
    words.flat_map(|(word, bits)| ones(word, *bits))
}

/// The positions that a word of a set holds.
fn ones(word: usize, mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(word * 64 + bit)
    })
}

/// What a shelf is made of.
#[derive(Debug)]
pub(crate) struct Candidates {
    dims: usize,
    slots: Vec<Slot>,
    /// Room for pods by slot and dimension.
    room: Vec<i64>,
}

impl Candidates {
    /// None yet.
    pub(crate) fn new(dims: usize) -> Self {
        Self {
            dims,
            slots: Vec::new(),
            room: Vec::new(),
        }
    }

    /// Adds a type, unless it has less than nothing of something.
    pub(crate) fn push(&mut self, slot: Slot, room: impl IntoIterator<Item = i64>) {
        let before = self.room.len();
        self.room.extend(room);
        if self.room[before..].iter().all(|amount| *amount >= 0) {
            self.slots.push(slot);
        } else {
            self.room.truncate(before);
        }
    }

    fn room(&self, at: usize) -> &[i64] {
        &self.room[at * self.dims..(at + 1) * self.dims]
    }

    /// Positions by price, then by type.
    fn by_price(&self) -> impl Iterator<Item = usize> + use<> {
        let slots = self.slots.iter().enumerate();
        let mut order: Vec<(u64, u32, usize)> = slots
            .map(|(at, slot)| (slot.price, slot.kind, at))
            .collect();
        if !order.is_sorted() {
            order.sort_unstable();
        }
        order.into_iter().map(|(_, _, at)| at)
    }
}

/// Amounts by dimension that mostly need no memory of their own.
pub(crate) type Room = SmallVec<[i64; 6]>;

/// Which candidates are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Keep {
    /// Only those that no cheaper one is at least as large as.
    Frontier,
    /// All of them.
    All,
}

impl Shelf {
    /// A shelf of these candidates, in any order.
    pub(crate) fn new(candidates: &Candidates, keep: Keep) -> Self {
        let dims = candidates.dims;
        let mut slots: Vec<Slot> = Vec::with_capacity(candidates.slots.len());
        let mut room: Vec<i64> = Vec::with_capacity(candidates.room.len());
        for at in candidates.by_price() {
            let own = candidates.room(at);
            let dominated = keep == Keep::Frontier
                && room
                    .chunks_exact(dims.max(1))
                    .any(|kept| at_least(kept, own));
            if !dominated {
                slots.push(candidates.slots[at]);
                room.extend_from_slice(own);
            }
        }
        let words = slots.len().div_ceil(64);
        let ranks = (0..dims)
            .map(|dim| Ranks::new(words, room.iter().skip(dim).step_by(dims).copied()))
            .collect();
        Self {
            dims,
            words,
            slots,
            room,
            ranks,
        }
    }

    /// The types, cheapest first.
    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The type and price at a position.
    pub(crate) fn slot(&self, index: usize) -> Slot {
        self.slots[index]
    }

    /// Room by dimension of the type at a position.
    pub(crate) fn room(&self, index: usize) -> &[i64] {
        &self.room[index * self.dims..(index + 1) * self.dims]
    }

    /// The position of the cheapest type that holds `need`.
    pub(crate) fn cheapest(&self, need: &[i64]) -> Option<usize> {
        let rows = self.rows(need)?;
        (0..self.words).find_map(|word| {
            let bits = self.word(&rows, word);
            (bits != 0).then(|| word * 64 + bits.trailing_zeros() as usize)
        })
    }

    /// The positions of all types that hold `need`, cheapest first.
    pub(crate) fn holding(&self, need: &[i64]) -> impl Iterator<Item = usize> + '_ {
        let rows = self.rows(need);
        let words = if rows.is_some() { self.words } else { 0 };
        let rows = rows.unwrap_or_default();
        (0..words).flat_map(move |word| ones(word, self.word(&rows, word)))
    }

    /// The positions of all types that hold `need` as a bit set.
    pub(crate) fn holding_set(&self, need: &[i64]) -> SlotSet {
        match self.rows(need) {
            Some(rows) => (0..self.words).map(|word| self.word(&rows, word)).collect(),
            None => SlotSet::new(),
        }
    }

    /// The positions within a set of all types that hold `need`, cheapest first.
    pub(crate) fn holding_within<'s>(
        &'s self,
        need: &[i64],
        within: &'s [u64],
    ) -> impl Iterator<Item = usize> + 's {
        let rows = self.rows(need);
        let words = if rows.is_some() { self.words } else { 0 };
        let rows = rows.unwrap_or_default();
        (0..words).flat_map(move |word| ones(word, self.word(&rows, word) & within[word]))
    }

    /// Where the row of each dimension's rank begins; `None` if some need is beyond all types.
    fn rows(&self, need: &[i64]) -> Option<SmallVec<[usize; 8]>> {
        let mut rows = SmallVec::new();
        for (ranks, need) in self.ranks.iter().zip(need) {
            let rank = ranks.sizes.partition_point(|size| size < need);
            if rank == ranks.sizes.len() {
                return None;
            }
            rows.push(rank * self.words);
        }
        Some(rows)
    }

    fn word(&self, rows: &[usize], word: usize) -> u64 {
        let all = if self.slots.is_empty() { 0 } else { u64::MAX };
        self.ranks
            .iter()
            .zip(rows)
            .fold(all, |bits, (ranks, row)| bits & ranks.rows[row + word])
    }
}

impl Ranks {
    fn new(words: usize, amounts: impl Iterator<Item = i64>) -> Self {
        let amounts: Vec<i64> = amounts.collect();
        let mut sizes = amounts.clone();
        sizes.sort_unstable();
        sizes.dedup();
        let mut rows = vec![0; sizes.len() * words];
        for (slot, amount) in amounts.iter().enumerate() {
            let rank = sizes.partition_point(|size| size < amount);
            rows[rank * words + slot / 64] |= 1 << (slot % 64);
        }
        // A type is at least as large as every size below its own.
        for row in (words..rows.len()).rev() {
            rows[row - words] |= rows[row];
        }
        Self { sizes, rows }
    }
}

/// Whether `large` is nowhere less than `small`.
#[inline]
pub(crate) fn at_least(large: &[i64], small: &[i64]) -> bool {
    (0..large.len().min(small.len())).all(|dim| large[dim] >= small[dim])
}

/// How many times `request` fits into `room`, at most `most`.
pub(crate) fn times(room: &[i64], request: &[i64], most: u32) -> u32 {
    let mut count = i64::from(most);
    for (room, request) in room.iter().zip(request) {
        if *request > 0 {
            count = count.min(*room / *request);
        }
    }
    count.max(0) as u32
}

#[cfg(test)]
mod tests;
