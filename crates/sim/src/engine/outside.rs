//! Steps of a scenario that come from outside of the cluster: load curves, rollouts, instances that
//! the cloud takes back, nodes that fail, new images.

use apiserver::{Resource, WriteOptions};
use serde_json::{Value, json};

use super::Engine;
use super::referee::INTERRUPTED;
use super::timers::Timer;
use crate::kubelet::lost;
use crate::scenario::{Change, Curve, Failure, Named, Reclaim};
use crate::timeline::Happening;

const DEPLOYMENTS: Resource<'static> = Resource::new("apps", "v1", "deployments");
const CLAIMS: Resource<'static> = Resource::new("karpenter.sh", "v1", "nodeclaims");
/// What `kubectl rollout restart` writes, so that pods are replaced although nothing else changes.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

impl Engine {
    /// Scales a workload to what its curve says now, unless it has that size.
    pub(super) fn follow(&mut self, workload: &Named, curve: &Curve) {
        let wanted = curve.at(self.offset());
        let key = crate::state::WorkloadKey {
            kind: workload.kind.clone(),
            namespace: workload.namespace.clone(),
            name: workload.name.clone(),
        };
        let held = self.state.workloads.get(&key);
        let has = held.and_then(|held| held.pointer("/spec/replicas")?.as_u64());
        if has != Some(u64::from(wanted)) {
            self.scale(workload, wanted);
        }
    }

    /// Changes a Deployment's template.
    pub(super) fn roll_out(&mut self, workload: &Named, set: &Change) {
        let Named {
            kind,
            namespace,
            name,
        } = workload;
        self.note(Happening::Step {
            text: format!("rolled out {kind} {namespace}/{name}"),
        });
        let now = self.clock.now().to_string();
        let mut found = true;
        let outcome = self.server.modify(
            DEPLOYMENTS,
            namespace,
            name,
            &WriteOptions::default(),
            |deployment| found = change(&mut deployment["spec"]["template"], set, &now),
        );
        if let Err(error) = outcome {
            let text = format!("rolling out {kind} {namespace}/{name}: {error}");
            self.note(Happening::Problem { text });
        } else if !found {
            let text = format!(
                "rolling out {kind} {namespace}/{name}: there is no container {}",
                set.container
            );
            self.note(Happening::Problem { text });
        }
    }

    /// The cloud takes instances back. If it says so before, what watches for such messages in a
    /// cluster deletes their claims at once, so that they drain.
    pub(super) fn reclaim(&mut self, reclaim: &Reclaim) {
        let mut found: Vec<(String, String, String)> = self.cloud.look(|machines| {
            let alive = machines.values().filter(|machine| machine.gone.is_none());
            let hit = alive.filter(|machine| {
                let is = |wanted: &str, have: &str| wanted.is_empty() || wanted == have;
                is(&reclaim.capacity_type, machine.capacity_type.as_str())
                    && is(&reclaim.zone, &machine.zone)
                    && is(&reclaim.instance_type, &machine.instance_type.name)
            });
            let parts = hit.map(|machine| &machine.instance);
            parts
                .map(|instance| {
                    (
                        instance.provider_id.clone(),
                        instance.node_name.clone(),
                        instance.claim_name.clone(),
                    )
                })
                .collect()
        });
        let total = found.len();
        found.sort_by_key(|(id, ..)| self.lot(id));
        found.truncate(reclaim.share.of(total));
        let notice = if reclaim.notice.is_zero() {
            "without notice".to_owned()
        } else {
            format!("in {} s", reclaim.notice.as_secs())
        };
        let kind = match reclaim.capacity_type.as_str() {
            "" => String::new(),
            kind => format!("{kind} "),
        };
        self.note(Happening::Step {
            text: format!(
                "the cloud takes back {} of {total} {kind}instances, {notice}",
                found.len()
            ),
        });
        let end = self.clock.now() + reclaim.notice;
        for (id, node, claim) in found {
            self.cloud.end(&id, end);
            self.broken.insert(node, "Reclaimed");
            if !reclaim.notice.is_zero() {
                self.referee.cause(&claim, INTERRUPTED);
                // A claim that is gone by now needs nothing any more.
                let options = apiserver::DeleteOptions::default();
                let _ = self.server.delete(CLAIMS, "", &claim, &options);
            }
        }
    }

    /// Nodes fail, and stay so.
    pub(super) fn fail(&mut self, failure: &Failure) {
        let nodes = self.state.nodes.values().filter(|node| {
            let meta = &node.metadata;
            let labels = &failure.selector;
            (failure.node.is_empty() || failure.node == meta.name)
                && labels
                    .iter()
                    .all(|(key, value)| meta.labels.get(key) == Some(value))
                && !meta.is_deleting()
                && !self.broken.contains_key(&meta.name)
        });
        let mut names: Vec<String> = nodes.map(|node| node.metadata.name.clone()).collect();
        let total = names.len();
        names.sort_by_key(|name| self.lot(name));
        names.truncate(failure.share.of(total));
        let Failure {
            condition, status, ..
        } = failure;
        self.note(Happening::Step {
            text: format!(
                "{} of {total} nodes fail: {condition} is {status}",
                names.len()
            ),
        });
        let now = self.clock.now();
        for name in names {
            self.broken.insert(name.clone(), "Failed");
            match (condition.as_str(), status.as_str()) {
                ("Ready", "Unknown") => {
                    self.silent.insert(name.clone());
                    self.timers.set(now + lost::GRACE, Timer::NodeLost(name));
                }
                ("Ready", status) => self.lose_node(&name, status),
                (condition, status) => {
                    if let Some(node) = self.state.nodes.get(&name).cloned() {
                        self.perform(vec![lost::reported(&node, condition, status, now)]);
                    }
                }
            }
        }
    }

    /// A node class gets another image.
    pub(super) fn image(&mut self, class: &str, id: &str) {
        self.cloud.set_image(class, id);
        self.note(Happening::Step {
            text: format!("node class {class} has the image {id}"),
        });
    }

    /// A number that follows from the seed, the time and a name: the order of drawing lots.
    fn lot(&self, name: &str) -> u64 {
        let mut hash = self.config.seed ^ 0xcbf2_9ce4_8422_2325;
        let now = self.offset().as_millis().to_le_bytes();
        for byte in now.into_iter().chain(name.bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        // The last byte has reached the low bits only.
        hash ^= hash >> 32;
        hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// Changes a template. Returns whether there is the container.
fn change(template: &mut Value, set: &Change, now: &str) -> bool {
    template["metadata"]["annotations"][RESTARTED] = json!(now);
    for (key, value) in &set.annotations {
        template["metadata"]["annotations"][key] = json!(value);
    }
    let containers = template["spec"]["containers"].as_array_mut();
    let mut containers = containers.into_iter().flatten();
    let name = set.container.as_str();
    let wanted = |container: &&mut Value| name.is_empty() || container["name"] == name;
    let Some(container) = containers.find(wanted) else {
        return false;
    };
    for (resource, amount) in [("cpu", &set.cpu), ("memory", &set.memory)] {
        if let Some(amount) = amount {
            container["resources"]["requests"][resource] = json!(amount);
        }
    }
    if let Some(image) = &set.image {
        container["image"] = json!(image);
    }
    true
}
