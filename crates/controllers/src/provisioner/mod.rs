//! `provisioner`: from pods without a place to claims.
//!
//! Pods are gathered for a while (`batch`), placed in one computation
//! (`scheduling::solve_with`), and what came of it is told (`report`) and created (`create`).
//!
//! What is *not* here: where pods go (`scheduling`).

mod arrivals;
mod batch;
pub(crate) mod claims;
pub(crate) mod create;
pub(crate) mod names;
mod pools;
mod preferences;
mod report;
pub(crate) mod workloads;
mod zones;

use std::collections::BTreeSet;
use std::time::Duration;

use cluster::pod::Uid;
use cluster::{Intent, Snapshot};
use model::Timestamp;
use runtime::metrics::names as metrics;
use runtime::options;
use scheduling::{
    Batch, LowerBound, Memory, MinValuesPolicy, Options, Placement, PreferencePolicy, Reserved,
    ResourceClaims, TaintLabels, default_spread, solve_with,
};
use tokio::time::Instant;

pub(crate) use arrivals::{Arrivals, Workload};
pub(crate) use batch::{Batcher, Element};

use crate::capacitybuffer;
use crate::nodepool::types;
use crate::shared::{Shared, lock};
use pools::Pools;
use report::Running;

/// How long pods that found no place wait for the next computation, if nothing happens before.
const RETRY: Duration = Duration::from_secs(10);
/// How many pods are named in the log.
const NAMED: usize = 5;
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
        pools: Pools::default(),
        wishes: preferences::Told::default(),
        found: BTreeSet::new(),
        memory: Memory::default(),
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
    /// What was said about pools.
    pools: Pools,
    /// What was said about preferences.
    wishes: preferences::Told,
    /// Pods that were last said to be looked at.
    found: BTreeSet<Uid>,
    /// What passes have in common.
    memory: Memory,
}

impl Provisioner {
    async fn pass(&mut self, shared: &Shared) -> Left {
        let closed = Instant::now();
        refresh_types(shared).await;
        let snapshot = shared.snapshot();
        lock(&shared.claims).keep(&snapshot.unlaunched);
        if let Some(claim) = claims::unknown(shared, &snapshot) {
            tracing::debug!(
                nodeclaim = claim,
                "waiting for a claim of an earlier run to launch"
            );
            return Left::Again(SETTLE);
        }
        let ignored = report::ignored(shared, &snapshot);
        let pods = snapshot.pending_count() + snapshot.displaced(shared.now()).len();
        if pods == 0 {
            report::zones(shared, &snapshot, &Placement::default());
            report::unschedulable(shared, 0);
            capacitybuffer::after_pass(shared, &snapshot, &Placement::default());
            // Who made an ignored pod is told again as time passes.
            return if ignored == 0 {
                Left::Nothing
            } else {
                Left::Pods
            };
        }
        self.pools.review(shared, &snapshot);
        let placement = self.compute(shared, &snapshot, pods).await;
        report::zones(shared, &snapshot, &placement);
        nominate(shared, &placement);
        capacitybuffer::after_pass(shared, &snapshot, &placement);
        let failed = create::all(shared, &snapshot, &placement).await;
        if !placement.new_claims.is_empty() {
            let took = closed.elapsed().as_secs_f64();
            shared
                .world
                .metrics
                .observe(&metrics::LEGACY_SCHEDULING_SECONDS, &[], took);
        }
        if failed > 0 {
            Left::Again(SETTLE)
        } else if has_only_virtual(&snapshot, shared.now()) {
            // Their buffers ask for a pass from time to time.
            Left::Nothing
        } else {
            Left::Pods
        }
    }

    /// Places what is pending and tells what came of it.
    async fn compute(&mut self, shared: &Shared, snapshot: &Snapshot, pods: usize) -> Placement {
        tracing::debug!(
            pods,
            "computing scheduling decision for provisionable pod(s)"
        );
        let now = shared.now();
        let options = options(shared);
        if options.preference_policy == PreferencePolicy::Respect {
            preferences::say(&self.wishes.news(snapshot, now));
        }
        let seed = shared.world.seed ^ snapshot.version;
        let running = Running::begin(&shared.world.metrics, names::pass_id(seed), pods);
        let began = Instant::now();
        let batch = Batch::default();
        let defaults = shared.world.options.scheduler.spread();
        let (mut memory, seen) = (std::mem::take(&mut self.memory), snapshot.clone());
        let work = move || {
            let spread = default_spread::applied(&seen, &batch, &defaults);
            let placement = solve_with(&mut memory, &spread, &batch, &options, now, seed);
            (memory, placement)
        };
        let (memory, placement) = shared.world.clock.compute(work).await;
        self.memory = memory;
        let took = began.elapsed();
        running.show(placement.unplaced.len(), took.as_secs_f64());
        report::took(shared, took.as_secs_f64());
        self.found(snapshot, took);
        report::placement(shared, snapshot, &placement);
        placement
    }

    /// Says which pods were looked at, unless it was said of the same ones before.
    fn found(&mut self, snapshot: &Snapshot, took: Duration) {
        let groups = snapshot.pending.iter();
        let pods = groups.flat_map(|group| group.pods.iter());
        let real: Vec<_> = pods.filter(|pod| !pod.is_virtual()).collect();
        let found: BTreeSet<Uid> = real.iter().map(|pod| pod.uid.clone()).collect();
        if found.is_empty() || self.found == found {
            return;
        }
        self.found = found;
        let first: Vec<String> = real
            .iter()
            .take(NAMED)
            .map(|pod| pod.key().to_string())
            .collect();
        tracing::info!(
            pods = real.len(),
            first = first.join(", "),
            milliseconds = took.as_secs_f64() * 1e3,
            "found provisionable pod(s)"
        );
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

/// Whether all that waits for a place only stands for room that is kept.
fn has_only_virtual(snapshot: &Snapshot, now: Timestamp) -> bool {
    let mut groups = snapshot.pending.iter();
    groups.all(|group| group.shape.is_virtual()) && snapshot.displaced(now).is_empty()
}

/// Keeps nodes that get pods, and tells the pods.
fn nominate(shared: &Shared, placement: &Placement) {
    let longest = shared.world.options.batch_max_duration * 2;
    let until = shared.now() + longest.max(Duration::from_secs(10));
    for existing in &placement.existing {
        if existing.pods.iter().all(|pod| pod.is_virtual()) {
            continue;
        }
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

/// Settings of placing pods.
pub(crate) fn options(shared: &Shared) -> Options {
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
        reserved: if set.feature_gates.reserved_capacity {
            Reserved::Used
        } else {
            Reserved::Ignored
        },
        resource_claims: if set.ignore_dra_requests {
            ResourceClaims::Ignored
        } else {
            ResourceClaims::Allocated
        },
        price_by_cheapest: set.price_by_cheapest,
        lower_bound: LowerBound::None,
        ..Options::default()
    }
}
