//! What is counted during a run, and the report at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::Timestamp;
use model::k8s::Pod;
use serde_json::Value;

use super::Engine;
use super::absorb::owner_title;
use crate::report::{NodeRow, Report, WaitingPod, WorkloadRow};

/// Counts that outlive the objects they are about.
#[derive(Debug, Default)]
pub(super) struct Records {
    ended: BTreeSet<String>,
    waits: BTreeMap<String, Vec<Duration>>,
    started: BTreeSet<String>,
    most_pods: BTreeMap<String, usize>,
}

impl Records {
    pub(super) fn has_ended(&self, provider_id: &str) -> bool {
        self.ended.contains(provider_id)
    }

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
        let nodes = self.node_rows();
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
            nodes,
            workloads,
            waiting,
            timeline: std::mem::take(&mut self.timeline).into_entries(),
            price_source: self.config.catalogs.default.price_source.to_string(),
            notes: std::mem::take(&mut self.notes),
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

/// The pool of a claim, from its generated name: all but the last part.
fn pool_of(claim: &str) -> String {
    claim
        .rsplit_once('-')
        .map_or(claim, |(pool, _)| pool)
        .to_owned()
}
