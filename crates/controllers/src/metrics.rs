//! Gauges refreshed as time passes: about the cluster's state, its nodes (`metrics.node`), and pods
//! that wait (`metrics.pod`).

use std::collections::BTreeSet;
use std::time::Duration;

use cluster::{NodeState, Snapshot};
use model::{Quantity, ResourceList, Timestamp, resources};
use runtime::metrics::{Definition, names};

use crate::shared::{Shared, lock};

/// How often.
const INTERVAL: Duration = Duration::from_secs(5);

/// How often ages of nodes, which change all the time, are shown anew.
const AGES: Duration = Duration::from_secs(30);

/// How long the first lists may take before it is an error.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is said again.
const WARNING: Duration = Duration::from_secs(10);

/// Series of a gauge: label values and the value.
type Series = Vec<(Vec<String>, f64)>;

/// Refreshes gauges for ever.
pub(crate) async fn run(shared: &Shared) {
    let world = &shared.world;
    let keys = label_keys(&shared.snapshot());
    let labels: Vec<String> = keys.iter().map(|key| label_name(key)).collect();
    for metric in names::NODE_GAUGES {
        world.metrics.extend_labels(metric, &labels);
    }
    let mut sync = Sync {
        began: shared.now(),
        warned: None,
    };
    let mut waiting = 0;
    let mut shown = None;
    let mut aged: Option<(Timestamp, u64)> = None;
    loop {
        let synced = shared.gate.is_open();
        waits(shared, &mut waiting);
        world.metrics.set(
            &names::CLUSTER_STATE_SYNCED,
            &[],
            f64::from(u8::from(synced)),
        );
        sync.note(shared, synced);
        if !world.options.disable_cluster_state_observability {
            let snapshot = shared.snapshot();
            let now = shared.now();
            if aged.is_none_or(|(at, _)| now.since(at) >= AGES) {
                // The same nodes have grown older, and their many labels are as they were.
                if aged.is_some_and(|(_, version)| version == snapshot.version) {
                    ages(shared, &snapshot);
                } else {
                    lifetimes(shared, &snapshot, &keys);
                }
                aged = Some((now, snapshot.version));
            }
            // What nodes have and hold only changes with the state.
            if shown != Some(snapshot.version) {
                shown = Some(snapshot.version);
                world.metrics.set(
                    &names::CLUSTER_STATE_NODES,
                    &[],
                    snapshot.nodes.len() as f64,
                );
                amounts(shared, &snapshot, &keys);
            }
        }
        world.clock.sleep(INTERVAL).await;
    }
}

/// For how long the state has been incomplete.
struct Sync {
    began: Timestamp,
    warned: Option<Timestamp>,
}

impl Sync {
    /// Shows it, and warns when it lasts.
    fn note(&mut self, shared: &Shared, synced: bool) {
        let (unsynced, warning) = self.unsynced(synced, shared.now());
        let seconds = unsynced.as_secs_f64();
        let metric = &names::CLUSTER_STATE_UNSYNCED_SECONDS;
        shared.world.metrics.set(metric, &[], seconds);
        if warning == Warning::Due {
            tracing::error!(seconds, "cluster is waiting on sync for extended duration");
        }
    }

    /// For how long the state has been incomplete, and whether that is to be said now.
    fn unsynced(&mut self, synced: bool, now: Timestamp) -> (Duration, Warning) {
        if synced {
            return (Duration::ZERO, Warning::None);
        }
        let unsynced = now.since(self.began);
        let warned = self.warned.is_some_and(|at| now.since(at) < WARNING);
        if unsynced <= PATIENCE || warned {
            return (unsynced, Warning::None);
        }
        self.warned = Some(now);
        (unsynced, Warning::Due)
    }
}

/// Whether it is said that the state is incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Warning {
    None,
    Due,
}

/// How long each pod has been waiting so far. `waiting` is how many did when this was last shown.
fn waits(shared: &Shared, waiting: &mut usize) {
    let latency = lock(&shared.latency);
    if (latency.len(), *waiting) == (0, 0) {
        return;
    }
    *waiting = latency.len();
    let waits = latency.waits(shared.now());
    drop(latency);
    for (gauge, series) in waits {
        shared.world.metrics.replace(gauge, series);
    }
}

/// Well-known labels with a domain, sorted: each becomes a label of the gauges about nodes.
fn label_keys(snapshot: &Snapshot) -> Vec<String> {
    let keys = snapshot
        .vocabulary
        .well_known_labels()
        .map(ToString::to_string);
    let mut keys: Vec<String> = keys.filter(|key| key.contains('/')).collect();
    keys.sort();
    // Two keys that end alike would become one label; the first keeps it.
    let mut seen = BTreeSet::new();
    keys.retain(|key| seen.insert(label_name(key)));
    keys
}

/// `topology.kubernetes.io/zone` as `zone`.
fn label_name(key: &str) -> String {
    let name = key.rsplit('/').next().unwrap_or(key);
    name.to_lowercase().replace(['-', '.'], "_")
}

/// The first labels of a node's series, and the well-known ones.
fn labels_of(node: &NodeState, keys: &[String]) -> (Vec<String>, Vec<String>) {
    let phase = if node.is_marked() {
        "Terminating"
    } else {
        "Running"
    };
    let managed = node.is_managed().to_string();
    let first = vec![node.name().to_string(), phase.to_owned(), managed];
    let known = keys
        .iter()
        .map(|key| node.label(key).unwrap_or_default().to_owned());
    (first, known.collect())
}

fn age(node: &NodeState, now: Timestamp) -> Option<f64> {
    let created: Timestamp = node.node.as_ref()?.metadata.creation_timestamp?;
    Some(now.since(created).as_secs_f64())
}

/// Shows the ages of nodes that are shown already.
fn ages(shared: &Shared, snapshot: &Snapshot) {
    let now = shared.now();
    let metric = &names::NODES_CURRENT_LIFETIME_SECONDS;
    // The first label is the node's name.
    let value = |labels: &[Box<str>]| age(snapshot.node(labels.first()?)?, now);
    shared.world.metrics.refresh(metric, value);
}

fn lifetimes(shared: &Shared, snapshot: &Snapshot, keys: &[String]) {
    let now = shared.now();
    let series = snapshot.nodes.iter().filter_map(|node| {
        let (first, known) = labels_of(node, keys);
        Some(([first, known].concat(), age(node, now)?))
    });
    shared
        .world
        .metrics
        .replace(&names::NODES_CURRENT_LIFETIME_SECONDS, series);
}

/// What nodes have and what pods on them ask for.
fn amounts(shared: &Shared, snapshot: &Snapshot, keys: &[String]) {
    let gauges: [&'static Definition; 6] = [
        &names::NODES_ALLOCATABLE,
        &names::NODES_SYSTEM_OVERHEAD,
        &names::NODES_POD_REQUESTS,
        &names::NODES_DAEMON_REQUESTS,
        &names::NODES_POD_LIMITS,
        &names::NODES_DAEMON_LIMITS,
    ];
    let mut series: [Series; 6] = std::array::from_fn(|_| Vec::new());
    let mut total = ResourceList::new();
    let mut requested = ResourceList::new();
    for node in snapshot.nodes.iter() {
        let allocatable = node.allocatable_list();
        let requests = snapshot.dimensions.list(&node.requested);
        resources::add_to(&mut total, &allocatable);
        resources::add_to(&mut requested, &requests);
        let (limits, daemon_limits) = limits(node);
        let lists = [
            allocatable.clone(),
            resources::subtract(&node.capacity_list(), &allocatable),
            requests,
            snapshot.dimensions.list(&node.daemon_requested),
            limits,
            daemon_limits,
        ];
        let (first, known) = labels_of(node, keys);
        for (series, list) in series.iter_mut().zip(&lists) {
            for (resource, amount) in list {
                let resource = vec![label_of_resource(resource)];
                series.push((
                    [first.clone(), resource, known.clone()].concat(),
                    base(*amount),
                ));
            }
        }
    }
    for (gauge, series) in gauges.into_iter().zip(series) {
        shared.world.metrics.replace(gauge, series);
    }
    let used = total
        .iter()
        .filter(|(_, amount)| !amount.is_zero())
        .map(|(name, amount)| {
            let percent = 100.0 * base(resources::get(&requested, name)) / base(*amount);
            (vec![label_of_resource(name)], percent)
        });
    shared
        .world
        .metrics
        .replace(&names::CLUSTER_UTILIZATION_PERCENT, used);
}

/// Limits of the containers of a node's pods: of all, and of those that DaemonSets own.
fn limits(node: &NodeState) -> (ResourceList, ResourceList) {
    let mut all = ResourceList::new();
    let mut daemons = ResourceList::new();
    for pod in &node.pods {
        for container in &pod.shape.spec.containers {
            resources::add_to(&mut all, &container.resources.limits);
            if pod.shape.owner.kind == cluster::OwnerKind::DaemonSet {
                resources::add_to(&mut daemons, &container.resources.limits);
            }
        }
    }
    (all, daemons)
}

/// Sets a gauge of a pool for each resource, in base units.
pub(crate) fn of_pool(
    shared: &Shared,
    gauge: &'static Definition,
    pool: &str,
    amounts: &ResourceList,
) {
    for (resource, amount) in amounts {
        let labels = [&*label_of_resource(resource), pool];
        shared.world.metrics.set(gauge, &labels, base(*amount));
    }
}

/// `ephemeral-storage` as `ephemeral_storage`.
fn label_of_resource(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

/// Cores for CPU, bytes for memory, and so on.
fn base(amount: Quantity) -> f64 {
    amount.nanos() as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SCH-249: it grows until everything is there, then it is nothing; it is said every 10 s.
    #[test]
    fn the_time_without_a_complete_state_grows_and_ends() {
        let at = Timestamp::from_seconds;
        let mut sync = Sync {
            began: at(100),
            warned: None,
        };
        for (second, synced, unsynced, warning) in [
            (105, false, 5, Warning::None),
            (130, false, 30, Warning::None),
            (135, false, 35, Warning::Due),
            (140, false, 40, Warning::None),
            (145, false, 45, Warning::Due),
            (150, true, 0, Warning::None),
        ] {
            let expected = (Duration::from_secs(unsynced), warning);
            assert_eq!(sync.unsynced(synced, at(second)), expected, "{second}");
        }
    }
}
