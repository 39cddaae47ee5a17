//! Timers that have come: steps of the scenario, and what kubelets and machines do in their time.

use apiserver::{Patch, Resource, WriteOptions};
use model::k8s::{Pod, PodKey};
use serde_json::{Value, json};

use super::timers::Timer;
use super::{Engine, SimError};
use crate::kubelet;
use crate::scenario::{Action, Named, OutageSpec};
use crate::timeline::Happening;
use crate::{Outage, workloads};

impl Engine {
    pub(super) fn fire_timers(&mut self) -> Result<(), SimError> {
        let now = self.clock.now();
        while let Some(timer) = self.timers.pop(now) {
            self.fire(timer)?;
        }
        Ok(())
    }

    fn fire(&mut self, timer: Timer) -> Result<(), SimError> {
        let now = self.clock.now();
        match timer {
            Timer::Step(number) => {
                self.active = now;
                let step = &self.config.scenario.steps[number];
                let again = step.next(self.offset());
                let action = step.action.clone();
                match again {
                    Some(again) => self
                        .timers
                        .set(self.config.start + again, Timer::Step(number)),
                    None => self.steps_left -= 1,
                }
                self.step(action)?;
            }
            Timer::Boot(provider_id) => self.boot(&provider_id),
            Timer::NodeReady(name) => {
                let speaks = !self.silent.contains(&name);
                if let Some(node) = self.state.nodes.get(&name).cloned().filter(|_| speaks) {
                    self.perform(kubelet::node_ready(&node, now));
                    if !self.state.storage.limits.contains_key(&name) {
                        self.register_drivers(&node);
                    }
                }
            }
            Timer::PodRuns(key, uid) => {
                if let Some(pod) = self.served_pod(&key, &uid)
                    && pod.status.phase == "Pending"
                    && !pod.metadata.is_deleting()
                {
                    self.perform(vec![kubelet::pod_running(&pod, now)]);
                }
            }
            Timer::PodDone(key, uid) => {
                if let Some(pod) = self.served_pod(&key, &uid)
                    && pod.status.phase == "Running"
                {
                    self.perform(vec![kubelet::pod_succeeded(&pod)]);
                }
            }
            Timer::PodEnds(key, uid) => {
                if let Some(pod) = self.served_pod(&key, &uid)
                    && kubelet::pod_end(&pod, &self.config.timing).is_some_and(|end| end <= now)
                {
                    self.perform(vec![kubelet::pod_gone(&pod)]);
                }
            }
            Timer::InstanceGone(provider_id) => self.instance_gone(&provider_id),
            Timer::NodeLost(name) => self.node_lost(&name),
            Timer::PodLeaves(key, uid) => {
                if let Some(pod) = self.same_pod(&key, &uid) {
                    self.pod_leaves(&pod);
                }
            }
            Timer::Sample => self.sample(),
        }
        Ok(())
    }

    /// The pod, if its node's kubelet still does something.
    fn served_pod(&self, key: &PodKey, uid: &str) -> Option<std::sync::Arc<Pod>> {
        self.same_pod(key, uid)
            .filter(|pod| !self.silent.contains(&pod.spec.node_name))
    }

    fn same_pod(&self, key: &PodKey, uid: &str) -> Option<std::sync::Arc<Pod>> {
        self.state
            .pods
            .get(key)
            .filter(|pod| pod.metadata.uid == uid)
            .cloned()
    }

    fn step(&mut self, action: Action) -> Result<(), SimError> {
        match action {
            Action::Scale { workload, replicas } => self.scale(&workload, replicas),
            Action::Follow { workload, curve } => self.follow(&workload, &curve),
            Action::Rollout { workload, set } => self.roll_out(&workload, &set),
            Action::Apply(objects) => {
                for object in objects {
                    let text = format!("applied {}", super::perform::title(&object));
                    self.note(Happening::Step { text });
                    self.apply(&object)?;
                }
            }
            Action::Delete(Named {
                kind,
                namespace,
                name,
            }) => {
                let text = format!("deleted {kind} {namespace}/{name}");
                self.note(Happening::Step {
                    text: text.replace(" /", " "),
                });
                self.delete(&kind, &namespace, &name);
            }
            Action::Reclaim(reclaim) => self.reclaim(&reclaim),
            Action::Fail(failure) => self.fail(&failure),
            Action::Image { class, id } => self.image(&class, &id),
            Action::Outage(outages) => {
                let text = if outages.is_empty() {
                    "all capacity is available again".to_owned()
                } else {
                    format!("{} out of capacity", view_outages(&outages))
                };
                self.note(Happening::Step { text });
                self.cloud.set_outages(outages.iter().map(outage));
            }
        }
        Ok(())
    }

    pub(super) fn scale(&mut self, workload: &Named, replicas: u32) {
        let Named {
            kind,
            namespace,
            name,
        } = workload;
        let Some((_, group, plural)) = workloads::KINDS.iter().find(|known| known.0 == kind) else {
            self.note(Happening::Problem {
                text: format!("cannot scale a {kind}"),
            });
            return;
        };
        let patch = json!({ "spec": { "replicas": replicas } });
        let resource = Resource::new(group, "v1", plural);
        let patch = Patch::Merge(patch);
        let options = WriteOptions::default();
        if let Err(error) = self
            .server
            .patch(resource, namespace, name, &patch, &options)
        {
            let text = format!("scaling {kind} {namespace}/{name}: {error}");
            self.note(Happening::Problem { text });
        }
    }

    /// Creates an object, or merges it into the one that is there.
    fn apply(&mut self, object: &Value) -> Result<(), SimError> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let kind = text("/kind").unwrap_or_default();
        let name = text("/metadata/name").unwrap_or_default();
        let workload = workloads::KINDS.iter().find(|known| known.0 == kind);
        let (resource, namespace) = match workload {
            Some((_, group, plural)) => {
                let namespace = text("/metadata/namespace").unwrap_or("default");
                (Some(Resource::new(group, "v1", plural)), namespace)
            }
            None if kind == "NodePool" => {
                (Some(Resource::new("karpenter.sh", "v1", "nodepools")), "")
            }
            None => (None, ""),
        };
        // What is to be merged need not be whole.
        let there = |resource: &Resource<'_>| self.server.get(*resource, namespace, name).is_ok();
        if let Some(resource) = resource.filter(there) {
            self.merge(resource, namespace, name, object);
            return Ok(());
        }
        match self.put(object) {
            Err(SimError::Refused { error, .. })
                if error.reason == apiserver::Reason::AlreadyExists =>
            {
                let text = format!("{kind} {name} exists already and cannot be changed here");
                self.note(Happening::Problem { text });
                Ok(())
            }
            other => other,
        }
    }

    fn merge(&mut self, resource: Resource<'_>, namespace: &str, name: &str, object: &Value) {
        let patch = Patch::Merge(object.clone());
        let options = WriteOptions::default();
        if let Err(error) = self
            .server
            .patch(resource, namespace, name, &patch, &options)
        {
            self.note(Happening::Problem {
                text: format!("applying {name}: {error}"),
            });
        }
    }

    fn delete(&mut self, kind: &str, namespace: &str, name: &str) {
        let known = workloads::KINDS.iter().find(|known| known.0 == kind);
        let (group, plural) = match (known, kind) {
            (Some((_, group, plural)), _) => (*group, *plural),
            (None, "Pod") => ("", "pods"),
            (None, "Node") => ("", "nodes"),
            (None, "NodePool") => ("karpenter.sh", "nodepools"),
            (None, "NodeClaim") => ("karpenter.sh", "nodeclaims"),
            (None, "PersistentVolumeClaim") => ("", "persistentvolumeclaims"),
            (None, "PodDisruptionBudget") => ("policy", "poddisruptionbudgets"),
            _ => {
                self.note(Happening::Problem {
                    text: format!("cannot delete a {kind}"),
                });
                return;
            }
        };
        let resource = Resource::new(group, "v1", plural);
        let options = apiserver::DeleteOptions::default();
        if let Err(error) = self.server.delete(resource, namespace, name, &options) {
            self.note(Happening::Problem {
                text: format!("deleting {kind} {name}: {error}"),
            });
        }
    }
}

fn outage(spec: &OutageSpec) -> Outage {
    Outage {
        instance_type: spec.instance_type.clone(),
        zone: spec.zone.clone(),
        capacity_type: spec.capacity_type.parse().ok(),
    }
}

fn view_outages(outages: &[OutageSpec]) -> String {
    let one = |spec: &OutageSpec| {
        let parts = [&spec.capacity_type, &spec.instance_type, &spec.zone];
        let parts: Vec<&str> = parts
            .into_iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        if parts.is_empty() {
            "everything".to_owned()
        } else {
            parts.join(" ")
        }
    };
    outages.iter().map(one).collect::<Vec<_>>().join(", ")
}
