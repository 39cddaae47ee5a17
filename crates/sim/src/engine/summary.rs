//! What is counted during a run, and the report at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::Timestamp;
use model::k8s::Pod;
use serde_json::Value;

use super::Engine;
use super::absorb::owner_title;
use super::timers::Timer;
use crate::report::{NodeRow, PoolRow, Report, Sample, Tally, WaitingPod, Waits, WorkloadRow};

/// Counts that outlive the objects they are about.
#[derive(Debug, Default)]
pub(super) struct Records {
    ended: BTreeSet<String>,
    waits: BTreeMap<String, Vec<Duration>>,
    started: BTreeSet<String>,
    most_pods: BTreeMap<String, usize>,
}

impl Records {
    /// Whether this is the first time that the instance ends.
    pub(super) fn end(&mut self, provider_id: &str) -> bool {
        self.ended.insert(provider_id.to_owned())
    }

    /// A pod runs for the first time.
    pub(super) fn pod_runs(&mut self, pod: &Pod, owner: &str, now: Timestamp) {
        if self.started.insert(pod.metadata.uid.clone()) {
            let wait = now.since(crate::state::created(pod));
            self.waits.entry(owner.to_owned()).or_default().push(wait);
        }
    }

    pub(super) fn pod_gone(&mut self, pod: &Pod) {
        self.started.remove(&pod.metadata.uid);
    }

    pub(super) fn node_has(&mut self, node: &str, pods: usize) {
        let most = self.most_pods.entry(node.to_owned()).or_default();
        *most = pods.max(*most);
    }
}

impl Engine {
    /// The report of the run as it stands.
    pub(super) fn report(&mut self, settled: bool) -> Report {
        self.sample();
        let nodes = self.node_rows();
        let tally = self.tally(&nodes);
        let waiting = self.waiting_pods();
        let workloads = self.workload_rows();
        Report {
            version: 1,
            scenario: self.config.scenario.name.clone(),
            seed: self.config.seed,
            elapsed_ms: self.offset().as_millis() as u64,
            settled,
            // From zero up: the sum of nothing would be minus zero.
            cost: nodes.iter().fold(0.0, |sum, node| sum + node.cost),
            tally,
            nodes,
            workloads,
            waiting,
            timeline: std::mem::take(&mut self.timeline).into_entries(),
            price_source: self.config.catalogs.default.price_source.to_string(),
            notes: std::mem::take(&mut self.notes),
        }
    }

    /// Writes down the figures of the cluster.
    pub(super) fn sample(&mut self) {
        let now = self.clock.now();
        let alive = |gone: Option<Timestamp>| gone.is_none_or(|gone| gone > now);
        let price = self.cloud.look(|machines| {
            let machines = machines.values().filter(|machine| alive(machine.gone));
            machines.fold(0.0, |sum, machine| sum + machine.price.dollars())
        });
        self.samples.add(Sample {
            at_ms: self.offset().as_millis() as u64,
            nodes: self.state.nodes.len(),
            pods: self.state.pods.len(),
            waiting: self.state.pending.len(),
            price_per_hour: price,
        });
        self.timers
            .set(now + self.samples.interval(), Timer::Sample);
    }

    fn tally(&mut self, nodes: &[NodeRow]) -> Tally {
        let hours = |node: &NodeRow| {
            let end = node.gone_ms.unwrap_or(self.offset().as_millis() as u64);
            end.saturating_sub(node.launched_ms) as f64 / 3_600_000.0
        };
        let mut pools: BTreeMap<&str, PoolRow> = BTreeMap::new();
        for node in nodes {
            let pool = pools.entry(&node.node_pool).or_default();
            pool.launched += 1;
            pool.node_hours += hours(node);
            pool.cost += node.cost;
        }
        let (looks, reconciles) = (self.looks(), self.reconciles());
        let referee = &mut self.referee;
        for (name, counts) in &mut referee.pools {
            let pool = pools.entry(name).or_default();
            pool.most_nodes = counts.most_nodes;
            pool.removed = std::mem::take(&mut counts.removed);
            pool.most_going = counts.most_going;
            pool.allowed_then = counts.allowed_then;
        }
        let pools = pools.into_iter().map(|(name, pool)| PoolRow {
            node_pool: name.to_owned(),
            ..pool
        });
        let pools: Vec<PoolRow> = pools.collect();
        let writes = self.wire.writes();
        let offset = |at: Timestamp| at.since(self.config.start).as_millis() as u64;
        Tally {
            node_hours: pools.iter().fold(0.0, |sum, pool| sum + pool.node_hours),
            evicted: std::mem::take(&mut referee.evicted),
            forced: std::mem::take(&mut referee.forced),
            refused: referee.refused,
            lost: std::mem::take(&mut referee.lost),
            waits: waits(self.records.waits.values().flatten().copied().collect()),
            pools,
            writes: writes.counts,
            last_write_ms: writes.last.map(offset),
            looks,
            reconciles,
            breaches: std::mem::take(&mut referee.breaches),
            samples: std::mem::take(&mut self.samples).taken,
        }
    }

    fn node_rows(&self) -> Vec<NodeRow> {
        let now = self.clock.now();
        let machines = self.cloud.machines();
        let mut machines: Vec<_> = machines.values().collect();
        machines.sort_by_key(|machine| machine.number);
        let offset = |at: Timestamp| at.since(self.config.start).as_millis() as u64;
        machines
            .into_iter()
            .map(|machine| {
                let end = machine.gone.unwrap_or(now).min(now);
                let hours = end.since(machine.launched).as_secs_f64() / 3600.0;
                let node = &machine.instance.node_name;
                NodeRow {
                    node: node.clone(),
                    claim: machine.instance.claim_name.clone(),
                    node_pool: pool_of(&machine.instance.claim_name),
                    instance_type: machine.instance_type.name.to_string(),
                    zone: machine.zone.clone(),
                    capacity_type: machine.capacity_type.to_string(),
                    price_per_hour: machine.price.dollars(),
                    launched_ms: offset(machine.launched),
                    gone_ms: machine.gone.filter(|gone| *gone <= now).map(offset),
                    cost: machine.price.dollars() * hours,
                    most_pods: self.records.most_pods.get(node).copied().unwrap_or(0),
                }
            })
            .collect()
    }

    fn workload_rows(&self) -> Vec<WorkloadRow> {
        let mut waiting: BTreeMap<String, usize> = BTreeMap::new();
        for pod in self
            .state
            .pending
            .iter()
            .filter_map(|key| self.state.pods.get(key))
        {
            *waiting.entry(owner_title(pod)).or_default() += 1;
        }
        let names: BTreeSet<&String> = self.records.waits.keys().chain(waiting.keys()).collect();
        names
            .into_iter()
            .map(|name| {
                let mut waits = self.records.waits.get(name).cloned().unwrap_or_default();
                waits.sort_unstable();
                let at = |index: usize| waits.get(index).map_or(0, |wait| wait.as_millis() as u64);
                WorkloadRow {
                    workload: name.clone(),
                    started: waits.len(),
                    waiting: waiting.get(name).copied().unwrap_or(0),
                    wait_min_ms: at(0),
                    wait_median_ms: at(waits.len().saturating_sub(1) / 2),
                    wait_max_ms: at(waits.len().saturating_sub(1)),
                }
            })
            .collect()
    }

    fn waiting_pods(&self) -> Vec<WaitingPod> {
        let reasons = self.reasons();
        self.state
            .pending
            .iter()
            .map(|key| {
                let pod = key.to_string();
                let reason = reasons.get(&pod).cloned().unwrap_or_default();
                WaitingPod { pod, reason }
            })
            .collect()
    }

    /// The last reason that Karpenter gave for each pod, from its events.
    fn reasons(&self) -> BTreeMap<String, String> {
        let selectors = apiserver::Selectors::default();
        let Ok(events) = self.server.list(apiserver::EVENTS, None, &selectors) else {
            return BTreeMap::new();
        };
        let text = |event: &Value, pointer: &str| {
            event
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let mut reasons = BTreeMap::new();
        for event in events.items {
            if text(&event, "/reason") == "FailedScheduling" {
                let pod = format!(
                    "{}/{}",
                    text(&event, "/involvedObject/namespace"),
                    text(&event, "/involvedObject/name")
                );
                reasons.insert(pod, text(&event, "/message"));
            }
        }
        reasons
    }
}

fn waits(mut waits: Vec<Duration>) -> Waits {
    waits.sort_unstable();
    let ms = |wait: Duration| wait.as_millis() as u64;
    // The least wait that so many per cent of the pods did not exceed.
    let percent = |percent: usize| {
        let place = (waits.len() * percent).div_ceil(100).max(1) - 1;
        waits.get(place).copied().map_or(0, ms)
    };
    let sum: Duration = waits.iter().sum();
    Waits {
        pods: waits.len(),
        mean_ms: ms(sum) / (waits.len() as u64).max(1),
        p50_ms: percent(50),
        p99_ms: percent(99),
        max_ms: percent(100),
    }
}

/// Figures over time: so many that they can be drawn, however long the run is.
#[derive(Debug, Default)]
pub(super) struct Samples {
    taken: Vec<Sample>,
    /// How often the interval has been doubled.
    doubled: u32,
}

impl Samples {
    const MOST: usize = 600;
    const FIRST: Duration = Duration::from_secs(10);

    fn interval(&self) -> Duration {
        Self::FIRST * 2_u32.pow(self.doubled)
    }

    fn add(&mut self, sample: Sample) {
        if self
            .taken
            .last()
            .is_some_and(|last| last.at_ms == sample.at_ms)
        {
            self.taken.pop();
        }
        self.taken.push(sample);
        if self.taken.len() > Self::MOST {
            let mut number = 0;
            self.taken.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.doubled += 1;
        }
    }
}

/// The pool of a claim, from its generated name: all but the last part.
fn pool_of(claim: &str) -> String {
    claim
        .rsplit_once('-')
        .map_or(claim, |(pool, _)| pool)
        .to_owned()
}
