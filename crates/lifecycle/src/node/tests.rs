use std::collections::BTreeMap;

use cluster::ObjectKey;
use model::k8s::{PersistentVolumeClaim, VolumeAttachment};
use serde_json::json;

use super::*;
use crate::conditions::{Status, find, status};
use crate::testing::{at, bound, daemon, launched_claim, node as joined, pod, shared};

fn going(name: &str) -> Node {
    let mut node = joined(name);
    node.metadata.finalizers.push(keys::TERMINATION.to_owned());
    node.metadata.deletion_timestamp = Some(at(100));
    node.metadata
        .labels
        .insert(keys::NODEPOOL.to_owned(), "p".to_owned());
    node
}

fn going_claim(name: &str) -> NodeClaim {
    let mut claim = launched_claim(name);
    claim.metadata.deletion_timestamp = Some(at(100));
    claim
}

fn critical(name: &str, owner: &str) -> PodRecord {
    pod(
        &json!({"metadata": {"name": name, "uid": name, "ownerReferences":
        [{"apiVersion": "apps/v1", "kind": owner, "name": "o", "uid": "o"}]},
        "spec": {"nodeName": "a", "priorityClassName": "system-node-critical"}}),
    )
}

struct Scene {
    node: Node,
    claim: Option<NodeClaim>,
    pods: Vec<Arc<PodRecord>>,
    volumes: Volumes,
}

impl Scene {
    fn new(pods: impl IntoIterator<Item = PodRecord>) -> Self {
        let claim = Some(going_claim("a"));
        Self {
            node: going("a"),
            claim,
            pods: shared(pods),
            volumes: Volumes::default(),
        }
    }

    fn step(&mut self, now: i64) -> NodeStep {
        let facts = NodeFacts {
            claim: self.claim.as_ref(),
            pods: &self.pods,
            volumes: &self.volumes,
            instance: None,
        };
        let step = decide(&self.node, &facts, at(now));
        if let Some(node) = &step.node {
            self.node = node.clone();
        }
        if let Some(claim) = &step.claim {
            self.claim = Some(claim.clone());
        }
        step
    }

    fn condition(&self, r#type: &str) -> (Status, String) {
        let conditions = &self.claim.as_ref().expect("a claim").status.conditions;
        let reason = find(conditions, r#type).map(|held| held.reason.clone());
        (status(conditions, r#type), reason.unwrap_or_default())
    }
}

fn names(step: &NodeStep) -> Vec<&str> {
    step.leaving.iter().map(|pod| &*pod.name).collect()
}

/// NT-03.
#[test]
fn nodes_that_stay_and_nodes_of_others_are_left_alone() {
    let mut scene = Scene::new([]);
    scene.node.metadata.deletion_timestamp = None;
    assert!(scene.step(101).node.is_none());
    let mut scene = Scene::new([]);
    scene.node.metadata.finalizers.clear();
    let step = scene.step(101);
    assert!(step.node.is_none() && !step.delete_claim);
}

/// NT-01, NT-20, NT-24: taint, drain of at least 5 s, volumes, instance, and only then the
/// finalizer.
#[test]
fn an_empty_node_goes_step_by_step() {
    let mut scene = Scene::new([]);
    let first = scene.step(101);
    assert!(scene.node.spec.taints.contains(&keys::disrupted_taint()));
    assert_eq!(
        scene.node.metadata.labels[keys::EXCLUDE_BALANCERS],
        "karpenter"
    );
    assert_eq!(first.then, NodeThen::Again(Duration::from_secs(1)));
    assert_eq!(
        scene.condition("Drained"),
        (Status::Unknown, "Draining".to_owned())
    );
    let second = scene.step(103);
    assert!(
        second.node.is_none() && second.claim.is_none(),
        "nothing is written twice"
    );
    let third = scene.step(106);
    assert_eq!(third.then, NodeThen::EndInstance);
    assert!(matches!(third.measures[0], Measure::NodeDrained(_)));
    assert_eq!(scene.condition("VolumesDetached").0, Status::True);
    let claim = scene.claim.clone().expect("a claim");
    let wait = ended(&scene.node, &claim, Instance::Going, at(107));
    assert_eq!(wait.then, NodeThen::Again(Duration::from_secs(5)));
    let claim = wait.claim.expect("the condition");
    let gone = ended(&scene.node, &claim, Instance::Gone, at(112));
    assert_eq!(gone.claim, None);
    let released = gone.node.expect("released");
    assert!(!released.metadata.has_finalizer(keys::TERMINATION));
    assert!(
        matches!(gone.measures[0], Measure::NodeTerminated { took, .. }
        if took == Duration::from_secs(12))
    );
}

/// NT-02: without a claim there is no instance to end.
#[test]
fn a_node_without_claim_is_drained_and_released() {
    let mut scene = Scene::new([bound("p", "a")]);
    scene.claim = None;
    assert_eq!(names(&scene.step(101)), ["p"]);
    scene.pods.clear();
    scene.step(102);
    assert!(!scene.node.metadata.has_finalizer(keys::TERMINATION));
}

/// Deleting a node deletes its claim.
#[test]
fn the_claim_of_a_deleted_node_goes_too() {
    let mut scene = Scene::new([]);
    scene.claim = Some(launched_claim("a"));
    assert!(scene.step(101).delete_claim);
}

/// NT-10: tier by tier; a terminating pod keeps its tier open.
#[test]
fn pods_leave_tier_by_tier() {
    let all = [
        critical("critical-daemon", "DaemonSet"),
        daemon("daemon", "a"),
        bound("plain", "a"),
        critical("critical", "ReplicaSet"),
    ];
    let mut scene = Scene::new(all);
    for name in ["plain", "daemon", "critical", "critical-daemon"] {
        let step = scene.step(101);
        assert_eq!(names(&step), [name]);
        let leaving = step.leaving[0].clone();
        let at_pod = scene
            .pods
            .iter()
            .position(|pod| pod.name == leaving.name)
            .expect("there");
        Arc::make_mut(&mut scene.pods[at_pod]).facts.deletion = Some(at(130));
        assert_eq!(names(&scene.step(102)), [name], "it is still leaving");
        scene.pods.remove(at_pod);
    }
    assert_eq!(scene.step(110).then, NodeThen::EndInstance);
}

/// NT-14: who is stuck for a minute is no longer waited for.
#[test]
fn stuck_pods_do_not_hold_a_drain() {
    let mut stuck = bound("p", "a");
    stuck.facts.deletion = Some(at(120));
    let mut scene = Scene::new([stuck]);
    assert_eq!(
        scene.step(180).then,
        NodeThen::Again(Duration::from_secs(1))
    );
    assert_eq!(names(&scene.step(180)), ["p"]);
    assert_eq!(scene.step(186).then, NodeThen::EndInstance);
}

/// NT-19: a pod that is overdue does not wait for its tier.
#[test]
fn overdue_pods_leave_whatever_their_tier() {
    let slow = pod(&json!({"metadata": {"name": "slow", "uid": "slow"},
        "spec": {"nodeName": "a", "priorityClassName": "system-node-critical",
            "terminationGracePeriodSeconds": 250}}));
    let mut scene = Scene::new([bound("plain", "a"), slow]);
    let claim = scene.claim.as_mut().expect("a claim");
    let deadline = (keys::TERMINATION_TIMESTAMP.to_owned(), at(400).to_string());
    claim.metadata.annotations.extend([deadline]);
    let early = scene.step(140);
    assert_eq!(
        (names(&early), early.deadline),
        (vec!["plain"], Some(at(400)))
    );
    assert_eq!(names(&scene.step(160)), ["plain", "slow"]);
}

/// NT-12, NT-13.
#[test]
fn a_dead_node_whose_instance_is_gone_is_released_at_once() {
    let mut dead = going("a");
    assert!(!must_ask(&dead), "a kubelet that answers is believed");
    dead.status.conditions[0].status = "Unknown".to_owned();
    assert!(must_ask(&dead));
    let claim = going_claim("a");
    let pods = shared([bound("p", "a")]);
    let facts = NodeFacts {
        claim: Some(&claim),
        pods: &pods,
        volumes: &Volumes::default(),
        instance: Some(Instance::Gone),
    };
    let step = decide(&dead, &facts, at(101));
    assert!(step.leaving.is_empty() && step.then == NodeThen::Rest);
    assert!(
        !step
            .node
            .expect("released")
            .metadata
            .has_finalizer(keys::TERMINATION)
    );
    let alive = decide(&going("a"), &facts, at(101));
    assert_eq!(names(&alive), ["p"]);
}

fn attached(volume: &str) -> Volumes {
    let attachment: VolumeAttachment = serde_json::from_value(json!({
        "metadata": {"name": "va"},
        "spec": {"nodeName": "a", "source": {"persistentVolumeName": volume}}
    }))
    .expect("an attachment");
    let claim: PersistentVolumeClaim = serde_json::from_value(json!({
        "metadata": {"name": "data", "namespace": "n"}, "spec": {"volumeName": "pv"}
    }))
    .expect("a claim");
    Volumes {
        attachments: Arc::new(BTreeMap::from([(
            ObjectKey::new("", "va"),
            Arc::new(attachment),
        )])),
        claims: Arc::new(BTreeMap::from([(
            ObjectKey::new("n", "data"),
            Arc::new(claim),
        )])),
        ..Volumes::default()
    }
}

/// NT-21, NT-23.
#[test]
fn attached_volumes_are_waited_for_until_the_deadline() {
    let mut scene = Scene::new([]);
    scene.volumes = attached("pv");
    scene.step(101);
    let waiting = scene.step(110);
    assert_eq!(waiting.then, NodeThen::Again(Duration::from_secs(1)));
    let state = (Status::Unknown, "AwaitingVolumeDetachment".to_owned());
    assert_eq!(scene.condition("VolumesDetached"), state);
    assert_eq!(waiting.notices[0].news.reason(), "AwaitingVolumeDetachment");
    let claim = scene.claim.as_mut().expect("a claim");
    let deadline = (keys::TERMINATION_TIMESTAMP.to_owned(), at(120).to_string());
    claim.metadata.annotations.extend([deadline]);
    assert_eq!(
        scene.step(120).then,
        NodeThen::Again(Duration::from_secs(1))
    );
    assert_eq!(scene.step(121).then, NodeThen::EndInstance);
    let state = (Status::False, "TerminationGracePeriodElapsed".to_owned());
    assert_eq!(scene.condition("VolumesDetached"), state);
}

/// NT-22.
#[test]
fn volumes_of_pods_that_stay_are_not_waited_for() {
    let staying = pod(
        &json!({"metadata": {"name": "s", "uid": "s"}, "spec": {"nodeName": "a",
        "tolerations": [{"operator": "Exists"}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}}),
    );
    let mut scene = Scene::new([staying]);
    scene.volumes = attached("pv");
    scene.step(101);
    assert_eq!(scene.step(110).then, NodeThen::EndInstance);
}
