//! Random problems, from a seed: pools, instance types, nodes with running pods, and pending pods
//! with every kind of demand.
//!
//! Small numbers, few labels and few domains, so that demands meet often. Most problems have pods
//! that can't be placed. A problem is a function of its seed and size, on every machine.
//!
//! ```
//! let problem = testkit::random::problem(7, 30);
//! let snapshot = problem.snapshot();
//! assert!(snapshot.pending_count() > 0);
//! ```

mod cluster;
mod demand;
mod dice;
mod pods;

use std::sync::Arc;

use ::cluster::Snapshot;
use catalog::{InstanceType, kwok};
use model::Timestamp;
use scheduling::{MinValuesPolicy, Options, PreferencePolicy};
use serde_json::Value;

use dice::Dice;

/// A random problem.
#[derive(Clone, Debug)]
pub struct RandomProblem {
    /// The objects.
    pub items: Vec<Value>,
    /// What all pools can launch: some of the types of the KWOK provider.
    pub types: Arc<[Arc<InstanceType>]>,
    /// The options.
    pub options: Options,
    /// The clock.
    pub now: Timestamp,
}

/// The problem of this seed with about `size` pods, a few at the least.
pub fn problem(seed: u64, size: usize) -> RandomProblem {
    let mut dice = Dice::new(seed);
    let mut items = cluster::pools(&mut dice);
    let nodes = cluster::nodes(&mut dice, size);
    items.extend(cluster::daemons(&mut dice));
    items.extend(cluster::namespaces());
    items.extend(pods::pods(&mut dice, size, &nodes.names));
    items.extend(nodes.items);
    RandomProblem {
        items,
        types: types(&mut dice),
        options: options(&mut dice),
        now: Timestamp::EPOCH,
    }
}

impl RandomProblem {
    /// The cluster.
    pub fn snapshot(&self) -> Snapshot {
        let vocabulary = kwok::standard().vocabulary();
        crate::world::cluster_of(&self.items, vocabulary, &self.types).snapshot()
    }

    /// The same problem, whose objects come in another order.
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Self {
        let mut shuffled = self.clone();
        Dice::new(seed).shuffle(&mut shuffled.items);
        shuffled
    }
}

/// Some types, in every architecture and size.
fn types(dice: &mut Dice) -> Arc<[Arc<InstanceType>]> {
    let all = kwok::standard().types;
    let share = dice.one(&[10, 40, 100]);
    let mut types: Vec<_> = all.iter().filter(|_| dice.chance(share)).cloned().collect();
    if types.is_empty() {
        types.push(all[dice.below(all.len())].clone());
    }
    types.into()
}

fn options(dice: &mut Dice) -> Options {
    Options {
        preference_policy: dice.one(&[PreferencePolicy::Respect, PreferencePolicy::Ignore]),
        min_values_policy: dice.one(&[MinValuesPolicy::Strict, MinValuesPolicy::BestEffort]),
        ..Options::default()
    }
}
