//! Hashes that are the same in every process: names of launch templates, tokens of launches.
//!
//! What is *not* here: the hashes that claims carry in annotations (`api`), which have to be
//! those of existing clusters.

use std::hash::{Hash, Hasher};

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// FNV-1a with 128 bits.
#[derive(Clone, Debug)]
pub struct Digest {
    state: u128,
}

impl Default for Digest {
    fn default() -> Self {
        Self { state: OFFSET }
    }
}

impl Digest {
    /// The digest of one value.
    pub fn of<T: Hash + ?Sized>(value: &T) -> u128 {
        let mut digest = Self::default();
        value.hash(&mut digest);
        digest.value()
    }

    /// Adds values whose order and number of repetitions mean nothing.
    pub fn add_set<T: Hash>(&mut self, values: impl IntoIterator<Item = T>) {
        let mut digests: Vec<u128> = values.into_iter().map(|value| Self::of(&value)).collect();
        digests.sort_unstable();
        digests.dedup();
        digests.hash(self);
    }

    /// All of the digest.
    pub const fn value(&self) -> u128 {
        self.state
    }
}

impl Hasher for Digest {
    /// Half of the digest: both halves, laid over each other.
    fn finish(&self) -> u64 {
        (self.state >> 64) as u64 ^ self.state as u64
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.state = (self.state ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }

    fn write_usize(&mut self, value: usize) {
        self.write(&(value as u64).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_standard() {
        let mut digest = Digest::default();
        digest.write(b"foobar");
        assert_eq!(digest.value(), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }

    #[test]
    fn sets_have_no_order() {
        let of = |values: &[&str]| {
            let mut digest = Digest::default();
            digest.add_set(values);
            digest.finish()
        };
        assert_eq!(of(&["a", "b", "a"]), of(&["b", "a"]));
        assert_ne!(of(&["a", "b"]), of(&["ab"]));
        assert_ne!(of(&[]), of(&[""]));
    }
}
