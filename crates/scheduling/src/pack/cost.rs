//! What room costs, to be compared by pod.

/// What room costs: a sum for a number of pods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Billionths of a dollar an hour.
    pub(crate) price: u64,
    /// For so many pods.
    pub(crate) count: u32,
}

impl Cost {
    /// Compares prices per pod.
    pub(crate) fn cmp(self, other: Self) -> std::cmp::Ordering {
        let left = u128::from(self.price) * u128::from(other.count);
        left.cmp(&(u128::from(other.price) * u128::from(self.count)))
    }
}
