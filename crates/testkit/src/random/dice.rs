//! Random numbers from a seed: `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom
//! number generators, 2014). The same on every machine and in every version.

/// A source of random choices.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        // The bias is far below what any test could notice.
        (self.next() % end as u64) as usize
    }

    /// A number from `start` to `last`.
    pub(super) fn between(&mut self, start: usize, last: usize) -> usize {
        start + self.below(last - start + 1)
    }

    /// One of the choices.
    pub(super) fn one<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Some of the choices, at least one, in their order.
    pub(super) fn some<T: Copy>(&mut self, choices: &[T]) -> Vec<T> {
        let mut some: Vec<T> = choices
            .iter()
            .copied()
            .filter(|_| self.chance(50))
            .collect();
        if some.is_empty() {
            some.push(self.one(choices));
        }
        some
    }

    /// True in so many of a hundred cases.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// The same things in another order.
    pub(super) fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last + 1));
        }
    }
}
