//! `provisioner`: from pods without a place to claims.
//!
//! Pods are gathered for a while (`batch`), placed in one computation (`scheduling::solve`), and
//! what came of it is told (`report`) and created (`create`).
//!
//! What is *not* here: where pods go (`scheduling`).

mod batch;
mod create;
mod names;
mod report;

use std::collections::BTreeSet;
use std::time::Duration;

use cluster::{Intent, Snapshot};
use lifecycle::conditions::find;
use runtime::metrics::names as metrics;
use runtime::options;
use scheduling::{
    Batch, MinValuesPolicy, Options, Placement, PreferencePolicy, TaintLabels, solve,
};
use tokio::time::Instant;

pub(crate) use batch::Batcher;

use crate::nodepool::types;
use crate::shared::Shared;

/// How long pods that found no place wait for the next computation, if nothing happens before.
const RETRY: Duration = Duration::from_secs(10);
/// How long to wait for claims of an earlier run of which it is not known what they are for.
const SETTLE: Duration = Duration::from_secs(1);

/// What a pass leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Nothing.
    Nothing,
    /// Pods that have no place yet, or are not there yet.
    Pods,
    /// All of it: a claim could not be created, or it is too early.
    Again(Duration),
}

/// Provisions for ever.
pub(crate) async fn run(shared: &Shared) {
    shared.gate.wait().await;
    let mut provisioner = Provisioner {
        own: BTreeSet::new(),
        created: 0,
    };
    let mut left = Left::Pods;
    loop {
        let wait = match left {
            Left::Nothing => None,
            Left::Pods => Some(RETRY),
            Left::Again(wait) => Some(wait),
        };
        shared.batcher.gather(shared, wait).await;
        left = provisioner.pass(shared).await;
    }
}

/// What the provisioner remembers.
struct Provisioner {
    /// Claims that this run has created and that have no machine yet, as far as is known.
    own: BTreeSet<String>,
    /// How many names have been given.
    created: u64,
}

impl Provisioner {
    async fn pass(&mut self, shared: &Shared) -> Left {
        let closed = Instant::now();
        refresh_types(shared).await;
        let snapshot = shared.snapshot();
        self.own
            .retain(|name| snapshot.unlaunched.iter().any(|claim| **claim == **name));
        if let Some(claim) = self.unknown_claim(shared, &snapshot) {
            tracing::debug!(
                nodeclaim = claim,
                "waiting for a claim of an earlier run to launch"
            );
            return Left::Again(SETTLE);
        }
        report::ignored(shared, &snapshot);
        let now = shared.now();
        if snapshot.pending_count() == 0 && snapshot.displaced(now).is_empty() {
            let labels = ["provisioner"];
            shared
                .world
                .metrics
                .set(&metrics::SCHEDULER_UNSCHEDULABLE_PODS, &labels, 0.0);
            return Left::Nothing;
        }
        let began = Instant::now();
        let seed = shared.world.seed ^ snapshot.version;
        let placement = solve(&snapshot, &Batch::default(), &options(shared), now, seed);
        let took = began.elapsed().as_secs_f64();
        shared
            .world
            .metrics
            .observe(&metrics::SCHEDULING_SECONDS, &["provisioner"], took);
        report::unplaced(shared, &placement);
        nominate(shared, &placement);
        let failed = create::all(shared, self, &snapshot, &placement).await;
        if !placement.new_claims.is_empty() {
            let took = closed.elapsed().as_secs_f64();
            shared
                .world
                .metrics
                .observe(&metrics::LEGACY_SCHEDULING_SECONDS, &[], took);
        }
        if failed > 0 {
            Left::Again(SETTLE)
        } else {
            Left::Pods
        }
    }

    /// A claim that an earlier run has created and that is still to be launched: which pods it is
    /// for is not known, so another one might be made for them. One whose launch has failed is not
    /// waited for.
    fn unknown_claim(&self, shared: &Shared, snapshot: &Snapshot) -> Option<String> {
        let unknown = snapshot
            .unlaunched
            .iter()
            .filter(|claim| !self.own.contains(&***claim));
        let mut fresh = unknown.filter(|name| {
            shared.claim(name).is_some_and(|claim| {
                let launched = find(&claim.status.conditions, "Launched");
                let untried = launched.is_none_or(|held| held.reason == "AwaitingReconciliation");
                untried && !claim.metadata.is_deleting()
            })
        });
        fresh.next().map(ToString::to_string)
    }
}

/// Asks the cloud what each pool can launch now; providers answer from a cache.
async fn refresh_types(shared: &Shared) {
    let pools: Vec<String> = shared.with(|cluster| {
        cluster
            .pools()
            .map(|pool| pool.metadata.name.clone())
            .collect()
    });
    for pool in pools {
        types::refresh(shared, &pool).await;
    }
}

/// Keeps nodes that get pods, and tells the pods.
fn nominate(shared: &Shared, placement: &Placement) {
    let longest = shared.world.options.batch_max_duration * 2;
    let until = shared.now() + longest.max(Duration::from_secs(10));
    for existing in &placement.existing {
        let node = existing.node.to_string();
        shared.commit(Intent::Nominate {
            node: node.clone(),
            until,
        });
        let on = report::where_it_is(shared, &node);
        for pod in &existing.pods {
            crate::tell::nominated(shared, pod, &on);
        }
    }
}

fn options(shared: &Shared) -> Options {
    let set = &shared.world.options;
    Options {
        preference_policy: match set.preference_policy {
            options::PreferencePolicy::Respect => PreferencePolicy::Respect,
            options::PreferencePolicy::Ignore => PreferencePolicy::Ignore,
        },
        min_values_policy: match set.min_values_policy {
            options::MinValuesPolicy::Strict => MinValuesPolicy::Strict,
            options::MinValuesPolicy::BestEffort => MinValuesPolicy::BestEffort,
        },
        taint_labels: if set.label_nodes_from_taints {
            TaintLabels::FromTaints
        } else {
            TaintLabels::Off
        },
        ..Options::default()
    }
}
