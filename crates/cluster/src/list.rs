//! Long sorted lists that are copied for nothing and of which a change copies a small part.
//!
//! A list is cut into chunks that its copies share. To change one item copies its chunk and the
//! list of chunks, some hundred pointers each, however long the list is.
//!
//! What is *not* here: an order. Whoever changes a list or searches it says where.

use std::cmp::Ordering;
use std::ops::Index;
use std::slice;
use std::sync::Arc;

/// Most items of a chunk. A list of 10,000 then has about as many chunks.
const CHUNK: usize = 128;

/// A sorted list whose copies share what they have in common.
#[derive(Debug)]
pub struct List<T> {
    spine: Arc<Spine<T>>,
}

#[derive(Clone, Debug)]
struct Spine<T> {
    /// None of them is empty.
    chunks: Vec<Arc<Vec<T>>>,
    /// How many items are before each chunk.
    starts: Vec<usize>,
    len: usize,
}

/// The items of a list in order.
pub type ListIter<'a, T> = std::iter::FlatMap<
    slice::Iter<'a, Arc<Vec<T>>>,
    slice::Iter<'a, T>,
    fn(&'a Arc<Vec<T>>) -> slice::Iter<'a, T>,
>;

#[expect(
    clippy::iter_without_into_iter,
    reason = "loops name the iterator, as with the shared slices that stand beside lists"
)]
impl<T> List<T> {
    /// How many items there are.
    pub fn len(&self) -> usize {
        self.spine.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.spine.len == 0
    }

    /// The items in order.
    pub fn iter(&self) -> ListIter<'_, T> {
        self.spine.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// The pieces that the list is made of, in order, with their items. A piece never changes: one
    /// that is there again is the same.
    pub fn chunks(&self) -> &[Arc<Vec<T>>] {
        &self.spine.chunks
    }

    /// The item at a position.
    pub fn get(&self, at: usize) -> Option<&T> {
        let starts = &self.spine.starts;
        let chunk = starts
            .partition_point(|start| *start <= at)
            .checked_sub(1)?;
        self.spine.chunks[chunk].get(at - starts[chunk])
    }

    /// The position of an item that `order` calls equal, or where it would be.
    ///
    /// # Errors
    ///
    /// The position before which the item would stand, if there is none.
    pub fn binary_search_by(&self, order: impl Fn(&T) -> Ordering) -> Result<usize, usize> {
        let before = |chunk: usize| self.spine.starts.get(chunk).copied().unwrap_or(0);
        match self.find(order) {
            Ok((chunk, at)) => Ok(before(chunk) + at),
            Err((chunk, at)) => Err(before(chunk) + at),
        }
    }

    /// Chunk and position within it. Where there is none, the chunk may be one that is full.
    fn find(&self, order: impl Fn(&T) -> Ordering) -> Result<(usize, usize), (usize, usize)> {
        let chunks = &self.spine.chunks;
        let is_before = |chunk: &Arc<Vec<T>>| {
            let last = chunk.last();
            last.is_some_and(|last| order(last) == Ordering::Less)
        };
        let chunk = chunks.partition_point(is_before);
        let Some(items) = chunks.get(chunk) else {
            // Behind everything: at the end of the last chunk.
            let last = chunks.len().saturating_sub(1);
            return Err((last, chunks.last().map_or(0, |chunk| chunk.len())));
        };
        match items.binary_search_by(order) {
            Ok(at) => Ok((chunk, at)),
            Err(at) => Err((chunk, at)),
        }
    }
}

impl<T: Clone> List<T> {
    /// Puts an item where `order` says, in place of one that it calls equal.
    pub(crate) fn put(&mut self, item: T, order: impl Fn(&T) -> Ordering) {
        let found = self.find(order);
        let spine = Arc::make_mut(&mut self.spine);
        match found {
            Ok((chunk, at)) => Arc::make_mut(&mut spine.chunks[chunk])[at] = item,
            Err((chunk, at)) => {
                if spine.chunks.is_empty() {
                    spine.chunks.push(Arc::default());
                }
                let items = Arc::make_mut(&mut spine.chunks[chunk]);
                items.insert(at, item);
                if items.len() > CHUNK {
                    let rest = items.split_off(CHUNK / 2);
                    spine.chunks.insert(chunk + 1, Arc::new(rest));
                }
                spine.count();
            }
        }
    }

    /// Takes out the item that `order` calls equal.
    pub(crate) fn take(&mut self, order: impl Fn(&T) -> Ordering) -> Option<T> {
        let (chunk, at) = self.find(order).ok()?;
        let spine = Arc::make_mut(&mut self.spine);
        let items = Arc::make_mut(&mut spine.chunks[chunk]);
        let item = items.remove(at);
        if items.is_empty() {
            spine.chunks.remove(chunk);
        }
        spine.count();
        Some(item)
    }
}

impl<T> Spine<T> {
    fn new(chunks: Vec<Arc<Vec<T>>>) -> Self {
        let mut spine = Self {
            chunks,
            starts: Vec::new(),
            len: 0,
        };
        spine.count();
        spine
    }

    fn count(&mut self) {
        let mut len = 0;
        self.starts.clear();
        for chunk in &self.chunks {
            self.starts.push(len);
            len += chunk.len();
        }
        self.len = len;
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self {
            spine: self.spine.clone(),
        }
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            spine: Arc::new(Spine::new(Vec::new())),
        }
    }
}

impl<T> FromIterator<T> for List<T> {
    /// A list of items that are in order already.
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items = items.into_iter().peekable();
        let mut chunks = Vec::new();
        while items.peek().is_some() {
            // Not quite full, so that a few more don't split them all.
            let chunk: Vec<T> = items.by_ref().take(CHUNK * 3 / 4).collect();
            chunks.push(Arc::new(chunk));
        }
        Self {
            spine: Arc::new(Spine::new(chunks)),
        }
    }
}

impl<T, const N: usize> From<[T; N]> for List<T> {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<T> Index<usize> for List<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        self.get(at)
            .unwrap_or_else(|| panic!("there are {} items, none at {at}", self.len()))
    }
}

#[cfg(test)]
mod tests;
