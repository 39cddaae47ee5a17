//! Values as numbers.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Distinct values in order of first sight.
#[derive(Debug)]
pub(crate) struct Interner<T> {
    all: Vec<T>,
    ids: FxHashMap<T, usize>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            ids: FxHashMap::default(),
        }
    }
}

impl<T: Clone + Eq + Hash> Interner<T> {
    /// The number of a value, made now if it is new.
    pub(crate) fn intern(&mut self, value: &T) -> usize {
        if let Some(id) = self.ids.get(value) {
            return *id;
        }
        self.all.push(value.clone());
        self.ids.insert(value.clone(), self.all.len() - 1);
        self.all.len() - 1
    }

    /// The number of a value, if it is known.
    pub(crate) fn find(&self, value: &T) -> Option<usize> {
        self.ids.get(value).copied()
    }

    /// The value of a number.
    pub(crate) fn get(&self, id: usize) -> &T {
        &self.all[id]
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// All values, by number.
    pub(crate) fn all(&self) -> &[T] {
        &self.all
    }

    /// All values, by number.
    pub(crate) fn into_all(self) -> Vec<T> {
        self.all
    }
}
