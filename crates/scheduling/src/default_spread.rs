//! Topology spread for pods that declare none: constraints of the configuration, with a selector
//! that is deduced from the Services that select a pod and from the workload that manages it.
//!
//! [`applied`] writes them into the pods of a batch, so that all that follows takes them for the
//! pods' own.
//!
//! What is *not* here: reading the configuration (`runtime`), and spreading.

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::{
    NodeState, ObjectKey, OwnerKind, PendingGroup, PodContent, PodRecord, PodShape, Selectors,
    ShapeId, Snapshot,
};
use model::k8s::LabelSelector;
use model::k8s::affinity::TopologySpreadConstraint;
use model::k8s::selector::LabelSelectorRequirement;

use crate::options::Batch;

/// A snapshot in which the pods that are to be placed declare the defaults as theirs: pending ones
/// and those of nodes that go. The pods of the cluster itself are left as they are.
pub fn applied(
    snapshot: &Snapshot,
    batch: &Batch,
    defaults: &[TopologySpreadConstraint],
) -> Snapshot {
    let goes = |node: &NodeState| node.is_marked() || batch.without.contains(node.name().as_ref());
    declared(snapshot, defaults, goes)
}

/// The same where any node may be asked about: all pods declare the defaults.
pub fn applied_everywhere(snapshot: &Snapshot, defaults: &[TopologySpreadConstraint]) -> Snapshot {
    declared(snapshot, defaults, |_| true)
}

/// Pods that are pending, and those of some nodes, declare the defaults.
fn declared(
    snapshot: &Snapshot,
    defaults: &[TopologySpreadConstraint],
    goes: impl Fn(&NodeState) -> bool,
) -> Snapshot {
    let mut spread = snapshot.clone();
    if defaults.is_empty() {
        return spread;
    }
    let mut shapes = Shapes::new(snapshot, defaults);
    spread.pending = snapshot
        .pending
        .iter()
        .flat_map(|group| shapes.groups(group))
        .collect();
    if snapshot.nodes.iter().any(|node| goes(node)) {
        spread.nodes = snapshot
            .nodes
            .iter()
            .map(|node| {
                if !goes(node) {
                    return node.clone();
                }
                let mut node = NodeState::clone(node);
                node.pods = node.pods.iter().map(|pod| shapes.pod(pod)).collect();
                Arc::new(node)
            })
            .collect();
    }
    spread
}

/// Shapes that differ from those of the cluster by their constraints.
struct Shapes<'s> {
    selectors: &'s Selectors,
    defaults: &'s [TopologySpreadConstraint],
    /// By the shape that they were made from, and the constraints.
    made: BTreeMap<(ShapeId, Vec<TopologySpreadConstraint>), Arc<PodShape>>,
    next: u32,
}

impl<'s> Shapes<'s> {
    fn new(snapshot: &'s Snapshot, defaults: &'s [TopologySpreadConstraint]) -> Self {
        let groups = snapshot.pending.iter().chain(snapshot.ignored.iter());
        let pods = snapshot.nodes.iter().flat_map(|node| &node.pods);
        let ids = groups
            .map(|group| group.shape.id)
            .chain(pods.chain(snapshot.waiting.iter()).map(|pod| pod.shape.id))
            .chain(snapshot.daemons.iter().map(|daemon| daemon.shape.id));
        Self {
            selectors: &snapshot.selectors,
            defaults,
            made: BTreeMap::new(),
            next: ids.max().map_or(0, |id| id.0 + 1),
        }
    }

    /// A group, apart where labels of single pods make a difference.
    fn groups(&mut self, group: &Arc<PendingGroup>) -> Vec<Arc<PendingGroup>> {
        if !group.shape.spec.topology_spread_constraints.is_empty() {
            return vec![group.clone()];
        }
        let mut parts: BTreeMap<ShapeId, (Arc<PodShape>, Vec<Arc<PodRecord>>)> = BTreeMap::new();
        let mut alike: Option<Arc<PodShape>> = None;
        for pod in &*group.pods {
            let has_labels = pod.own.as_ref().is_some_and(|own| !own.labels.is_empty());
            let shape = match &alike {
                Some(shape) if !has_labels => shape.clone(),
                _ => self.shape(pod),
            };
            if !has_labels {
                alike = Some(shape.clone());
            }
            let part = parts.entry(shape.id);
            let (_, pods) = part.or_insert_with(|| (shape.clone(), Vec::new()));
            pods.push(with_shape(pod, shape));
        }
        parts
            .into_values()
            .map(|(shape, pods)| {
                let pods = pods.into();
                Arc::new(PendingGroup { shape, pods })
            })
            .collect()
    }

    fn pod(&mut self, pod: &Arc<PodRecord>) -> Arc<PodRecord> {
        let shape = self.shape(pod);
        with_shape(pod, shape)
    }

    fn shape(&mut self, pod: &PodRecord) -> Arc<PodShape> {
        let constraints = constraints(pod, self.selectors, self.defaults);
        if constraints.is_empty() {
            return pod.shape.clone();
        }
        let key = (pod.shape.id, constraints);
        if let Some(shape) = self.made.get(&key) {
            return shape.clone();
        }
        let mut content = PodContent::clone(&pod.shape.content);
        content.spec.topology_spread_constraints.clone_from(&key.1);
        let shape = Arc::new(PodShape {
            id: ShapeId(self.next),
            content: Arc::new(content),
            requests: pod.shape.requests.clone(),
            host_ports: pod.shape.host_ports.clone(),
            problems: pod.shape.problems.clone(),
        });
        self.next += 1;
        self.made.insert(key, shape.clone());
        shape
    }
}

fn with_shape(pod: &Arc<PodRecord>, shape: Arc<PodShape>) -> Arc<PodRecord> {
    if Arc::ptr_eq(&pod.shape, &shape) {
        return pod.clone();
    }
    let facts = pod.facts.clone();
    Arc::new(PodRecord { facts, shape })
}

/// The constraints that a pod is placed with although it declares none: each default with the pod's
/// own selector. None if the pod has constraints, or nothing says which pods it belongs with.
///
/// Pods of one shape that have no labels of their own (`PodFacts.own`) get the same.
pub fn constraints(
    pod: &PodRecord,
    selectors: &Selectors,
    defaults: &[TopologySpreadConstraint],
) -> Vec<TopologySpreadConstraint> {
    if defaults.is_empty() || !pod.shape.spec.topology_spread_constraints.is_empty() {
        return Vec::new();
    }
    let selector = deduce(pod, selectors);
    if selector.is_empty() {
        return Vec::new();
    }
    let with_selector = |default: &TopologySpreadConstraint| TopologySpreadConstraint {
        label_selector: Some(selector.clone()),
        ..default.clone()
    };
    defaults.iter().map(with_selector).collect()
}

/// Which pods a pod belongs with; empty if nothing says.
fn deduce(pod: &PodRecord, selectors: &Selectors) -> LabelSelector {
    let mut deduced = LabelSelector::default();
    for service in selectors.services_in(&pod.shape.namespace) {
        let wanted = &service.spec.selector;
        if wanted.iter().all(|(k, v)| pod.label(k) == Some(v)) {
            add(&mut deduced.match_labels, wanted);
        }
    }
    let owner = &pod.shape.owner;
    if !owner.controls {
        return deduced;
    }
    let key = ObjectKey {
        namespace: pod.shape.namespace.clone(),
        name: Arc::from(&*owner.name),
    };
    let workload = match owner.kind {
        OwnerKind::ReplicationController => {
            if let Some(controller) = selectors.replication_controllers.get(&key) {
                add(&mut deduced.match_labels, &controller.spec.selector);
            }
            None
        }
        OwnerKind::ReplicaSet => selectors
            .replica_sets
            .get(&key)
            .and_then(|set| set.spec.selector.as_ref()),
        OwnerKind::StatefulSet => selectors
            .stateful_sets
            .get(&key)
            .and_then(|set| set.spec.selector.as_ref()),
        _ => None,
    };
    if let Some(workload) = workload {
        let equal = workload.match_labels.iter();
        let equal = equal.map(|(key, value)| LabelSelectorRequirement {
            key: key.clone(),
            operator: "In".to_owned(),
            values: vec![value.clone()],
        });
        deduced.match_expressions.extend(equal);
        let verbatim = workload.match_expressions.iter().cloned();
        deduced.match_expressions.extend(verbatim);
    }
    deduced
}

fn add(to: &mut BTreeMap<String, String>, labels: &BTreeMap<String, String>) {
    to.extend(labels.iter().map(|(k, v)| (k.clone(), v.clone())));
}

#[cfg(test)]
mod tests;
