//! Values as numbers.

use std::hash::{BuildHasher, Hash};

use rustc_hash::{FxBuildHasher, FxHashMap};

/// Distinct values in order of first sight. Each is kept once.
#[derive(Debug)]
pub(crate) struct Interner<T> {
    all: Vec<T>,
    /// By hash the last value that has it.
    last: FxHashMap<u64, usize>,
    /// By value the one before it that has the same hash.
    before: Vec<Option<usize>>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            last: FxHashMap::default(),
            before: Vec::new(),
        }
    }
}

impl<T: Eq + Hash> Interner<T> {
    /// The number of a value, made now if it is new.
    pub(crate) fn intern(&mut self, value: T) -> usize {
        let hash = FxBuildHasher.hash_one(&value);
        if let Some(id) = self.with_hash(hash, &value) {
            return id;
        }
        let id = self.all.len();
        self.all.push(value);
        self.before.push(self.last.insert(hash, id));
        id
    }

    /// The number of a value, if it is known.
    pub(crate) fn find(&self, value: &T) -> Option<usize> {
        self.with_hash(FxBuildHasher.hash_one(value), value)
    }

    fn with_hash(&self, hash: u64, value: &T) -> Option<usize> {
        let mut at = self.last.get(&hash).copied();
        while let Some(id) = at.filter(|id| self.all[*id] != *value) {
            at = self.before[id];
        }
        at
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

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use super::*;

    /// A value whose hash tells nothing.
    #[derive(Debug, PartialEq, Eq)]
    struct Alike(u8);

    impl Hash for Alike {
        fn hash<H: Hasher>(&self, _: &mut H) {}
    }

    #[test]
    fn values_with_the_same_hash_are_told_apart() {
        let mut interner = Interner::default();
        let ids: Vec<usize> = [3, 1, 2, 1, 3, 2].map(|n| interner.intern(Alike(n))).into();
        assert_eq!(ids, [0, 1, 2, 1, 0, 2]);
        assert_eq!(interner.find(&Alike(1)), Some(1));
        assert_eq!(interner.find(&Alike(4)), None);
        assert_eq!((interner.len(), interner.get(2)), (3, &Alike(2)));
    }
}
