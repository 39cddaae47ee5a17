//! Random problems, from a seed: pools, instance types, nodes with running pods, and pending pods
//! with every kind of demand.
//!
//! [`cluster()`] makes clusters for disruption.
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
mod extras;
mod pods;
mod rounds;

use std::sync::Arc;

use ::cluster::{Cluster, Event, ObjectKey, PodUpdate, Snapshot};
use catalog::{InstanceType, kwok};
use model::Timestamp;
use scheduling::{
    Batch, Effort, MinValuesPolicy, Options, PreferencePolicy, Reserved, TaintLabels, solve,
};
use serde_json::Value;

use crate::referee::{self, Violation};
use dice::Dice;
pub use rounds::{RandomCluster, cluster};

/// A random problem.
#[derive(Clone, Debug)]
pub struct RandomProblem {
    /// The objects.
    pub items: Vec<Value>,
    /// What all pools can launch: some of the types of the KWOK provider.
    pub types: Arc<[Arc<InstanceType>]>,
    /// Pods of a capacity buffer, which are no objects.
    pub buffer: Vec<Value>,
    /// Which pods are to be placed.
    pub batch: Batch,
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
    items.extend(extras::budgets(&mut dice));
    RandomProblem {
        items,
        types: types(&mut dice),
        buffer: extras::buffer(&mut dice),
        batch: extras::batch(&mut dice, &nodes.names),
        options: options(&mut dice),
        now: Timestamp::EPOCH,
    }
}

impl RandomProblem {
    /// The cluster.
    pub fn snapshot(&self) -> Snapshot {
        let vocabulary = kwok::standard().vocabulary();
        let mut cluster = crate::world::cluster_of(&self.items, vocabulary, &self.types);
        self.keep_buffer(&mut cluster);
        cluster.snapshot()
    }

    /// Tells a cluster of the capacity buffer.
    ///
    /// # Panics
    /// If its pods are not valid.
    pub fn keep_buffer(&self, cluster: &mut Cluster) {
        let decoded = self.buffer.iter().map(|pod| {
            let pod = serde_json::from_value(pod.clone()).expect("the pod is valid");
            PodUpdate::virtual_of(&pod)
        });
        let pods: Vec<PodUpdate> = decoded.collect();
        if !pods.is_empty() {
            let buffer = ObjectKey::new("default", "b");
            cluster.apply(Event::VirtualPods { buffer, pods });
        }
    }

    /// What is wrong with the solver's answer.
    pub fn violations(&self) -> Vec<Violation> {
        let snapshot = self.snapshot();
        let placement = solve(&snapshot, &self.batch, &self.options, self.now, 1);
        referee::check(&snapshot, &self.batch, self.now, &placement)
    }

    /// The same problem, whose objects come in another order.
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Self {
        let mut shuffled = self.clone();
        Dice::new(seed).shuffle(&mut shuffled.items);
        Dice::new(seed).shuffle(&mut shuffled.buffer);
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
    extras::reserve(dice, &mut types);
    types.into()
}

fn options(dice: &mut Dice) -> Options {
    Options {
        preference_policy: dice.one(&[PreferencePolicy::Respect, PreferencePolicy::Ignore]),
        min_values_policy: dice.one(&[MinValuesPolicy::Strict, MinValuesPolicy::BestEffort]),
        effort: dice.one(&[Effort::Portfolio, Effort::Portfolio, Effort::Single]),
        reserved: dice.one(&[Reserved::Used, Reserved::Used, Reserved::Ignored]),
        taint_labels: dice.one(&[TaintLabels::FromTaints, TaintLabels::Off]),
        ..Options::default()
    }
}
