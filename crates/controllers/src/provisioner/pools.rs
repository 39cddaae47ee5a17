//! What is said about pools that can't be used: in the log, when it changes, and as events.
//!
//! What is *not* here: why single pods get no place (`report`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use catalog::InstanceType;
use catalog::choose::{compatible_offerings, types_for_min_values};
use cluster::{PoolProblem, PoolState, Snapshot};
use requirements::Vocabulary;
use runtime::Notice;
use runtime::options::MinValuesPolicy;
use runtime::recorder::ObjectRef;

use crate::shared::Shared;

/// A repetition of the event is dropped for this long.
const WINDOW: Duration = Duration::from_mins(1);

/// What was found about each pool, so that it is found, and said, once.
#[derive(Default)]
pub(super) struct Pools {
    seen: BTreeMap<String, Seen>,
    usable: Option<Usable>,
}

struct Seen {
    generation: i64,
    types: Arc<[Arc<InstanceType>]>,
    verdict: Verdict,
}

/// Whether any pool may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usable {
    Some,
    None,
}

/// What a pool is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// It can launch something.
    Usable,
    /// It is not to be used.
    Problem(PoolProblem),
    /// Its own requirements leave no instance type that can be had.
    AdmitsNothing,
    /// They leave some, but too few different ones for its `minValues`.
    TooFewValues,
}

impl Pools {
    /// Looks at all pools before a pass.
    pub(super) fn review(&mut self, shared: &Shared, snapshot: &Snapshot) {
        let there = |name: &String| snapshot.pool(name).is_some();
        self.seen.retain(|name, _| there(name));
        let policy = shared.world.options.min_values_policy;
        let mut usable = Usable::None;
        for pool in snapshot.pools.iter() {
            let verdict = self.verdict(pool, &snapshot.vocabulary, policy);
            if !matches!(verdict, Verdict::Problem(_)) {
                usable = Usable::Some;
            }
            if let Some(why) = filtered_out(&verdict) {
                let about = ObjectRef::of(&*pool.pool);
                let notice = Notice::warning(about, "NoCompatibleInstanceTypes", why);
                shared.world.recorder.publish(notice.window(WINDOW));
            }
        }
        if self.usable != Some(usable) && usable == Usable::None {
            tracing::info!("no dynamic nodepools found");
        }
        self.usable = Some(usable);
    }

    /// Looks at one pool, if it has changed.
    fn verdict(
        &mut self,
        pool: &PoolState,
        vocabulary: &Vocabulary,
        policy: MinValuesPolicy,
    ) -> Verdict {
        let generation = pool.pool.metadata.generation;
        let seen = self.seen.get(pool.name());
        let same = seen
            .filter(|seen| seen.generation == generation && Arc::ptr_eq(&seen.types, &pool.types));
        let verdict = match (&pool.problem, same) {
            (Some(problem), _) => Verdict::Problem(problem.clone()),
            (None, Some(same)) if !matches!(same.verdict, Verdict::Problem(_)) => {
                same.verdict.clone()
            }
            (None, _) => judge(pool, vocabulary, policy),
        };
        if seen.is_none_or(|seen| seen.verdict != verdict) {
            say(pool.name(), &verdict);
        }
        let now = Seen {
            generation,
            types: pool.types.clone(),
            verdict: verdict.clone(),
        };
        self.seen.insert(pool.name().to_owned(), now);
        verdict
    }
}

/// What the pool's own requirements leave.
fn judge(pool: &PoolState, vocabulary: &Vocabulary, policy: MinValuesPolicy) -> Verdict {
    let template = &pool.pool.spec.template;
    let wanted = vocabulary
        .item_requirements(&template.spec.requirements)
        .intersect(&vocabulary.label_requirements(&template.metadata.labels));
    let admitted = pool.types.iter().filter(|ty| {
        ty.requirements.overlaps(&wanted)
            && compatible_offerings(ty, &wanted, vocabulary)
                .next()
                .is_some()
    });
    let admitted: Vec<&InstanceType> = admitted.map(|ty| &**ty).collect();
    if admitted.is_empty() {
        return Verdict::AdmitsNothing;
    }
    let few = types_for_min_values(admitted, &wanted).is_err();
    match policy {
        MinValuesPolicy::Strict if few => Verdict::TooFewValues,
        MinValuesPolicy::Strict | MinValuesPolicy::BestEffort => Verdict::Usable,
    }
}

/// The text of the event about a pool that admits nothing.
fn filtered_out(verdict: &Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::AdmitsNothing => {
            Some("NodePool requirements filtered out all compatible available instance types")
        }
        Verdict::TooFewValues => Some(
            "NodePool requirements filtered out all compatible available instance types due to \
             minValues incompatibility",
        ),
        Verdict::Usable | Verdict::Problem(_) => None,
    }
}

fn say(nodepool: &str, verdict: &Verdict) {
    match verdict {
        // Meant so.
        Verdict::Usable
        | Verdict::Problem(
            PoolProblem::Deleting | PoolProblem::Static | PoolProblem::OtherProvider { .. },
        ) => {}
        Verdict::Problem(PoolProblem::NoTypes) => {
            tracing::info!(nodepool, "skipping, no resolved instance types found");
        }
        Verdict::Problem(problem) => {
            tracing::error!(nodepool, %problem, "ignoring nodepool, not ready");
        }
        Verdict::AdmitsNothing | Verdict::TooFewValues => tracing::info!(
            nodepool,
            "skipping, nodepool requirements filtered out all instance types"
        ),
    }
}
