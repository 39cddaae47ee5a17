//! What a computation is told as: events of pods, metrics, log lines, and how long pods waited.
//!
//! What is *not* here: what pools are good for (`pools`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cluster::{PodRecord, Snapshot};
use lifecycle::conditions::is_true;
use runtime::metrics::{Metrics, names};
use scheduling::{Placement, Refusal, Rejection};

use crate::latency::{Place, PoolHealth};
use crate::shared::{Shared, lock};
use crate::tell;

/// Who computes, as metrics say it.
const CONTROLLER: &str = "provisioner";
/// Refusals that are told in one message; the others are counted.
const MOST_REFUSALS: usize = 10;
/// Longest text of one refusal, in bytes.
const LONGEST_REFUSAL: usize = 240;
/// Longest text of all refusals, in bytes. An event holds 1024.
const LONGEST: usize = 900;

/// A computation that runs: its series exist as long as this value.
pub(super) struct Running<'a> {
    metrics: &'a Metrics,
    id: String,
}

impl<'a> Running<'a> {
    /// A computation with this id begins on so many pods.
    pub(super) fn begin(metrics: &'a Metrics, id: String, pods: usize) -> Self {
        let running = Self { metrics, id };
        running.show(pods, 0.0);
        running
    }

    /// So many pods are left after so many seconds.
    pub(super) fn show(&self, pods: usize, seconds: f64) {
        let labels = [CONTROLLER, &self.id];
        let depth = pods as f64;
        self.metrics
            .set(&names::SCHEDULER_QUEUE_DEPTH, &labels, depth);
        self.metrics
            .set(&names::SCHEDULER_UNFINISHED_SECONDS, &labels, seconds);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let labels = [CONTROLLER, &*self.id];
        for metric in [
            &names::SCHEDULER_QUEUE_DEPTH,
            &names::SCHEDULER_UNFINISHED_SECONDS,
        ] {
            self.metrics.remove_first(metric, &labels);
        }
    }
}

/// Pods that ask for what can't be; gives how many there are.
pub(super) fn ignored(shared: &Shared, snapshot: &Snapshot) -> usize {
    let mut count = 0;
    for group in snapshot.ignored.iter() {
        count += group.pods.len();
        let problems = &group.shape.problems;
        let why = problems.iter().map(ToString::to_string);
        let why = why.collect::<Vec<_>>().join("; ");
        // Who opted out knows, whatever else is wrong.
        let is_told = problems.iter().all(cluster::PodProblem::is_reported);
        for pod in group.pods.iter() {
            tracing::debug!(pod = %pod.key(), why, "ignoring pod");
            failed(shared, pod);
            if is_told {
                tell::unplaced(shared, pod, &why);
            }
        }
    }
    shared
        .world
        .metrics
        .set(&names::SCHEDULER_IGNORED_PODS, &[], count as f64);
    count
}

/// What has come of a computation.
pub(super) fn placement(shared: &Shared, snapshot: &Snapshot, placement: &Placement) {
    unplaced(shared, placement);
    let now = shared.now();
    let mut measures = Vec::new();
    let mut latency = lock(&shared.latency);
    for existing in &placement.existing {
        let node = snapshot.node(&existing.node);
        let claim = node.and_then(|node| node.claim.as_ref());
        let place = Place {
            pool: health(snapshot, node.and_then(|node| node.pool())),
            claim: claim.map(|claim| claim.metadata.name.as_str().into()),
        };
        let pods = existing.pods.iter();
        measures.extend(pods.filter_map(|pod| latency.placed(pod, place.clone(), now)));
    }
    for planned in &placement.new_claims {
        let place = Place {
            pool: health(snapshot, Some(&planned.pool)),
            claim: None,
        };
        let pods = planned.pods.iter();
        measures.extend(pods.filter_map(|pod| latency.placed(pod, place.clone(), now)));
    }
    drop(latency);
    for measure in &measures {
        shared.world.metrics.apply(measure);
    }
    summarize(snapshot, placement);
}

/// Pods that got no place.
fn unplaced(shared: &Shared, placement: &Placement) {
    let pods = placement.unplaced.iter();
    let real = pods.filter(|unplaced| !unplaced.pod.is_virtual());
    let mut count = 0;
    // Pods that are alike share their refusals, and with them the text.
    let mut last: Option<(Arc<[Refusal]>, String)> = None;
    for unplaced in real {
        count += 1;
        let why = match last {
            Some((refusals, why)) if Arc::ptr_eq(&refusals, &unplaced.refusals) => why,
            _ => why(&unplaced.refusals),
        };
        let pod: &PodRecord = &unplaced.pod;
        if are_ignored(&unplaced.refusals) {
            tracing::info!(pod = %pod.key(), why, "ignoring pod");
        } else {
            tracing::error!(pod = %pod.key(), why, "could not schedule pod");
        }
        failed(shared, pod);
        tell::unplaced(shared, pod, &why);
        last = Some((unplaced.refusals.clone(), why));
    }
    unschedulable(shared, count);
}

/// Whether a pod is left because its resource claims are ignored by the settings.
fn are_ignored(refusals: &[Refusal]) -> bool {
    let mut reasons = refusals.iter().map(|refusal| &refusal.rejection);
    reasons.any(|reason| *reason == Rejection::ClaimsIgnored)
}

/// So many pods could not be placed.
pub(super) fn unschedulable(shared: &Shared, count: usize) {
    let metric = &names::SCHEDULER_UNSCHEDULABLE_PODS;
    shared
        .world
        .metrics
        .set(metric, &[CONTROLLER], count as f64);
}

/// A computation took so long.
pub(super) fn took(shared: &Shared, seconds: f64) {
    let metric = &names::SCHEDULING_SECONDS;
    shared.world.metrics.observe(metric, &[CONTROLLER], seconds);
}

/// Where pending pods could go before a pass.
pub(super) fn zones(shared: &Shared, snapshot: &Snapshot, placement: &Placement) {
    let mut ruled = BTreeMap::new();
    for alike in &placement.effective_zones {
        ruled.extend(alike.pods.iter().map(|pod| (pod.key(), &alike.zones)));
    }
    let counts = super::zones::count(snapshot, |pod| {
        ruled.get(&pod.key()).map(|zones| BTreeSet::clone(zones))
    });
    let series = counts.iter().map(|(zone, &count)| {
        let labels = vec![CONTROLLER.to_owned(), zone.as_str().to_owned()];
        (labels, count as f64)
    });
    let metric = &names::SCHEDULER_PENDING_BY_ZONE;
    shared.world.metrics.replace(metric, series);
}

fn failed(shared: &Shared, pod: &PodRecord) {
    let measure = lock(&shared.latency).failed(pod, shared.now());
    if let Some(measure) = measure {
        shared.world.metrics.apply(&measure);
    }
}

fn health(snapshot: &Snapshot, pool: Option<&str>) -> PoolHealth {
    let proven = pool
        .and_then(|pool| snapshot.pool(pool))
        .is_some_and(|state| {
            let healthy = api::nodepool::conditions::NODE_REGISTRATION_HEALTHY;
            is_true(&state.pool.status.conditions, healthy)
        });
    if proven {
        PoolHealth::Healthy
    } else {
        PoolHealth::Unproven
    }
}

fn summarize(snapshot: &Snapshot, placement: &Placement) {
    let claims = placement.new_claims.len();
    if claims == 0 {
        return;
    }
    let of = |pods: &[Arc<PodRecord>]| pods.len();
    let pods: usize = placement.new_claims.iter().map(|new| of(&new.pods)).sum();
    tracing::info!(
        nodeclaims = claims,
        pods,
        "computed new nodeclaim(s) to fit pod(s)"
    );
    let unready = placement.existing.iter().filter(|existing| {
        let node = snapshot.node(&existing.node);
        node.is_some_and(|node| !node.is_initialized())
    });
    let (nodes, pods) = unready.fold((0, 0), |(nodes, pods), existing| {
        (nodes + 1, pods + existing.pods.len())
    });
    if nodes > 0 {
        tracing::info!(nodes, pods, "computed unready node(s) will fit pod(s)");
    }
}

/// All refusals, each with who refused: pools first, as they come. Bounded in number and length.
fn why(refusals: &[Refusal]) -> String {
    let mut text = String::new();
    for (told, refusal) in refusals.iter().enumerate() {
        let mut one = format!("{}: {}", refusal.candidate, refusal.rejection);
        shorten(&mut one, LONGEST_REFUSAL);
        if told == MOST_REFUSALS || text.len() + one.len() > LONGEST {
            let left = refusals.len() - told;
            text.push_str("; and ");
            text.push_str(&left.to_string());
            text.push_str(" more");
            break;
        }
        if told > 0 {
            text.push_str("; ");
        }
        text.push_str(&one);
    }
    text
}

fn shorten(text: &mut String, longest: usize) {
    if text.len() > longest {
        let mut end = longest - 3;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str("...");
    }
}

/// The first names, and how many there are besides.
pub(super) fn some_of<T: AsRef<str>>(names: &[T], most: usize) -> String {
    let first: Vec<&str> = names.iter().take(most).map(AsRef::as_ref).collect();
    let text = first.join(", ");
    if names.len() > most {
        format!("{text} and {} other(s)", names.len() - most)
    } else {
        text
    }
}

/// A node as events name it: `nodeclaim/<name>, node/<name>`, as far as these exist.
pub(super) fn where_it_is(shared: &Shared, name: &str) -> String {
    let node = shared.with(|cluster| cluster.node(name).cloned());
    let Some(node) = node else {
        return format!("nodeclaim/{name}");
    };
    let claim = node
        .claim
        .as_ref()
        .map(|claim| format!("nodeclaim/{}", claim.metadata.name));
    let object = node
        .node
        .as_ref()
        .map(|node| format!("node/{}", node.metadata.name));
    claim
        .into_iter()
        .chain(object)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests;
