use testkit::random;

use super::*;
use crate::index::index;
use crate::memory::Memory;
use crate::options::Batch;

/// The reference's own policy is one of those that are tried, so no answer is worse.
#[test]
fn no_more_pods_are_left_than_the_reference_would_leave() {
    for seed in 0..100 {
        let problem = random::problem(seed, 5 + (seed % 40) as usize);
        let (snapshot, options) = (problem.snapshot(), Options::default());
        let mut memory = Memory::default();
        let index = index(
            &mut memory,
            &snapshot,
            &Batch::default(),
            &options,
            problem.now,
        );
        let mut views = Views::new(&index.problem);
        let reference = few_nodes(balanced(&options))[1];
        assert!(reference.first_fit);
        let left = pack(&index.problem, &mut views, &reference).unplaced();
        let (best, _) = best(&index.problem, &mut views, &options);
        assert!(best.unplaced() <= left, "seed {seed}");
    }
}
