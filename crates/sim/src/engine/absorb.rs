//! Takes in what has changed: keeps the index, marks what must react, and writes down what a person
//! wants to know.

use std::sync::Arc;

use api::{NodeClaim, NodePool};
use apiserver::EventKind;
use model::k8s::{Namespace, Node, Pod, PodDisruptionBudget};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::timers::Timer;
use super::watches::Stream;
use super::{Engine, SimError};
use crate::state::WorkloadKey;
use crate::timeline::Happening;
use crate::{classes, kubelet};

impl Engine {
    /// Takes in everything that has changed by now. Returns whether anything has.
    pub(super) fn absorb(&mut self) -> Result<bool, SimError> {
        let events = self.watches.drain()?;
        let any = !events.is_empty();
        for (stream, event) in events {
            let (object, gone) = (event.object().clone(), event.kind == EventKind::Deleted);
            match stream {
                Stream::Pods => {
                    let pod: Pod = read(&object);
                    self.pod(&pod, gone);
                    let new = !gone && !pod.metadata.is_deleting() && !pod.is_bound();
                    if new && pod.spec.volumes.iter().any(|one| one.ephemeral.is_some()) {
                        self.ephemeral_claims(&object);
                    }
                }
                Stream::Nodes => self.node_event(read(&object), gone),
                Stream::Storage(kind) => self.stored(kind, &object, gone),
                Stream::Namespaces => self.namespace(&read(&object), gone),
                Stream::Workloads(kind) => self.workload(kind, &object, gone),
                Stream::Budgets => self.budget(read(&object), gone),
                Stream::Claims => self.claim(read(&object), gone),
                Stream::Pools => self.pool(read(&object), gone),
                Stream::Classes(kind) => {
                    let now = self.clock.now();
                    if !gone && let Some(write) = classes::reconcile(kind, &object, now) {
                        self.perform(vec![write]);
                    }
                }
            }
        }
        Ok(any)
    }

    fn pod(&mut self, pod: &Pod, gone: bool) {
        let key = pod.key();
        let before = if gone {
            self.state.remove_pod(&key)
        } else {
            self.state.put_pod(pod.clone())
        };
        self.budgets_due = true;
        self.mark_owner(pod);
        let owner = owner_title(pod);
        let was_running = before
            .as_ref()
            .is_some_and(|pod| pod.status.phase == "Running");
        if gone {
            self.scheduling_due = true;
            self.records.pod_gone(pod);
            self.note(Happening::PodsGone {
                workload: owner,
                pods: 1,
            });
            self.note_if_empty(pod);
            return;
        }
        if before.is_none() && !pod.is_bound() {
            self.scheduling_due = true;
            if !is_daemon(pod) {
                self.note(Happening::PodsWaiting {
                    workload: owner.clone(),
                    pods: 1,
                });
            }
        }
        let uid = pod.metadata.uid.clone();
        let (now, timing) = (self.clock.now(), &self.config.timing);
        if pod.metadata.is_deleting() {
            if let Some(end) = kubelet::pod_end(pod, timing) {
                self.timers.set(end.max(now), Timer::PodEnds(key, uid));
            }
        } else if pod.is_bound() && matches!(pod.status.phase.as_str(), "" | "Pending") {
            if before.is_none_or(|before| !before.is_bound()) {
                self.timers
                    .set(now + timing.pod_start, Timer::PodRuns(key, uid));
            }
        } else if pod.status.phase == "Running" && !was_running {
            if kubelet::runs_to_its_end(pod) {
                self.timers.set(now + timing.job, Timer::PodDone(key, uid));
            }
            self.pod_runs(pod, owner);
        } else if pod.is_terminal() && was_running {
            self.scheduling_due = true;
            self.note_if_empty(pod);
        }
    }

    fn pod_runs(&mut self, pod: &Pod, owner: String) {
        if is_daemon(pod) {
            return;
        }
        self.records.pod_runs(pod, &owner, self.clock.now());
        let node = &pod.spec.node_name;
        let running = self.state.pods_on(node).filter(|pod| is_work(pod)).count();
        self.records.node_has(node, running);
        let node = node.clone();
        self.note(Happening::PodsRunning {
            workload: owner,
            node,
            pods: 1,
        });
    }

    /// Notes that a node has become empty, if the pod was the last that is no daemon.
    fn note_if_empty(&mut self, pod: &Pod) {
        let node = &pod.spec.node_name;
        let ours = self
            .state
            .nodes
            .get(node)
            .is_some_and(|node| !node.metadata.is_deleting());
        if ours && !is_daemon(pod) && !self.state.pods_on(node).any(|pod| is_work(pod)) {
            self.note(Happening::Empty { node: node.clone() });
        }
    }

    /// Workloads that look at the pods they own look again.
    fn mark_owner(&mut self, pod: &Pod) {
        let Some(owner) = pod.metadata.controller() else {
            return;
        };
        let key = WorkloadKey {
            kind: owner.kind.clone(),
            namespace: pod.metadata.namespace().to_owned(),
            name: owner.name.clone(),
        };
        self.mark_with_owner(key);
    }

    fn mark_with_owner(&mut self, key: WorkloadKey) {
        if let Some(object) = self.state.workloads.get(&key)
            && let Some(owners) = object.pointer("/metadata/ownerReferences")
        {
            for owner in owners.as_array().into_iter().flatten() {
                self.dirty.insert(WorkloadKey {
                    kind: owner["kind"].as_str().unwrap_or_default().to_owned(),
                    namespace: key.namespace.clone(),
                    name: owner["name"].as_str().unwrap_or_default().to_owned(),
                });
            }
        }
        self.dirty.insert(key);
    }

    fn workload(&mut self, kind: &str, object: &Value, gone: bool) {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let key = WorkloadKey {
            kind: kind.to_owned(),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
        };
        if gone {
            self.state.remove_workload(&key);
            return;
        }
        let before = self.state.put_workload(key.clone(), object.clone());
        let replicas = |object: &Value| object.pointer("/spec/replicas").and_then(Value::as_u64);
        let owned = crate::state::controller_uid(object).is_some();
        if let Some(to) = replicas(object).filter(|_| !owned) {
            let from = before.as_deref().and_then(replicas).unwrap_or(0);
            if from != to {
                let workload = format!("{kind} {}/{}", key.namespace, key.name);
                self.note(Happening::Scaled { workload, from, to });
            }
        }
        self.mark_with_owner(key);
    }

    fn namespace(&mut self, namespace: &Namespace, gone: bool) {
        let labels = (!gone).then(|| namespace.metadata.labels.clone());
        let name = &namespace.metadata.name;
        self.state.index.put_namespace(name, labels);
        self.scheduling_due = true;
    }

    fn budget(&mut self, budget: PodDisruptionBudget, gone: bool) {
        let key = (
            budget.metadata.namespace().to_owned(),
            budget.metadata.name.clone(),
        );
        self.budgets_due = true;
        if gone {
            self.state.budgets.remove(&key);
        } else {
            self.state.budgets.insert(key, Arc::new(budget));
        }
    }

    fn node_event(&mut self, node: Node, gone: bool) {
        let name = node.metadata.name.clone();
        self.scheduling_due = true;
        let daemon_sets = self
            .state
            .workloads
            .keys()
            .filter(|key| key.kind == "DaemonSet");
        self.dirty.extend(daemon_sets.cloned());
        if gone {
            self.state.remove_node(&name);
            self.collect_orphans(&name);
            return;
        }
        let before = self.state.nodes.get(&name).cloned();
        let has = |node: &Node, label: &str| node.metadata.labels.contains_key(label);
        if before.is_none() {
            self.note_join(&node);
        }
        let ready = api::labels::INITIALIZED;
        if has(&node, ready) && before.as_ref().is_some_and(|before| !has(before, ready)) {
            self.note(Happening::Ready { node: name.clone() });
        }
        self.watch_node(&node);
        self.referee.node(&name, node.is_ready(), self.clock.now());
        self.state.put_node(node);
    }

    fn note_join(&mut self, node: &Node) {
        if let Some(machine) = self.cloud.machine(&node.spec.provider_id) {
            let after = self.clock.now().since(machine.launched);
            self.note(Happening::Joined {
                node: node.metadata.name.clone(),
                claim: machine.instance.claim_name.clone(),
                after_ms: after.as_millis() as u64,
            });
        }
    }

    fn pool(&mut self, pool: NodePool, gone: bool) {
        let name = pool.metadata.name.clone();
        if gone {
            self.pools.remove(&name);
        } else {
            self.pools.insert(name, Arc::new(pool));
        }
    }

    fn claim(&mut self, claim: NodeClaim, gone: bool) {
        use api::nodeclaim::conditions::DISRUPTION_REASON;
        let name = claim.metadata.name.clone();
        if gone {
            if claim.status.provider_id.is_empty() {
                self.note(Happening::ClaimGone {
                    claim: name.clone(),
                });
            }
            self.claim_gone(&claim);
            self.claims.remove(&name);
            return;
        }
        let before = self.claims.get(&name).cloned();
        self.judge_claim(before.as_deref(), &claim);
        if before.is_none() {
            let requests = claim.spec.resources.requests.iter();
            let types = claim.spec.requirements.iter();
            self.note(Happening::ClaimCreated {
                claim: name.clone(),
                pool: claim.pool().unwrap_or_default().to_owned(),
                requests: requests
                    .map(|(name, amount)| (name.clone(), amount.to_string()))
                    .collect(),
                instance_types: types
                    .filter(|item| item.key == api::labels::INSTANCE_TYPE)
                    .map(|item| item.values.len())
                    .sum(),
            });
        }
        let reason = |claim: &NodeClaim| {
            let condition = claim
                .condition(DISRUPTION_REASON)
                .filter(|found| found.is_true());
            condition.map(|condition| condition.reason.clone())
        };
        if let Some(reason) = reason(&claim)
            && before.as_deref().and_then(reason_of(&reason)).is_none()
        {
            let node = claim.status.node_name.clone();
            self.note(Happening::Disrupted { node, reason });
        }
        self.claims.insert(name, Arc::new(claim));
    }
}

/// The reason that a claim gave before, if it is the same.
fn reason_of(reason: &str) -> impl Fn(&NodeClaim) -> Option<()> {
    move |claim| {
        let condition = claim.condition(api::nodeclaim::conditions::DISRUPTION_REASON)?;
        (condition.is_true() && condition.reason == reason).then_some(())
    }
}

/// Reads an object that the server holds. What cannot be read counts as empty: the server has
/// checked it, and a run must not stop for a field that nobody looks at.
pub(super) fn read<T: DeserializeOwned + Default>(object: &Value) -> T {
    T::deserialize(object).unwrap_or_default()
}

pub(super) fn is_daemon(pod: &Pod) -> bool {
    pod.is_owned_by("apps", "DaemonSet")
}

fn is_work(pod: &Pod) -> bool {
    !is_daemon(pod) && !pod.is_terminal()
}

/// `Kind namespace/name` of the workload that a person knows: the Deployment behind a ReplicaSet.
pub(super) fn owner_title(pod: &Pod) -> String {
    let namespace = pod.metadata.namespace();
    let Some(owner) = pod.metadata.controller() else {
        return format!("Pod {namespace}/{}", pod.metadata.name);
    };
    let hash = pod.metadata.labels.get("pod-template-hash");
    let deployment = hash.and_then(|hash| owner.name.strip_suffix(&format!("-{hash}")));
    match deployment {
        Some(deployment) => format!("Deployment {namespace}/{deployment}"),
        None => format!("{} {namespace}/{}", owner.kind, owner.name),
    }
}
