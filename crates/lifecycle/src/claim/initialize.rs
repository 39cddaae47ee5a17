//! Initialization: the node is complete, so pods may rely on all that it promised.

use model::Timestamp;
use model::k8s::Node;
use requirements::taints::is_ephemeral;

use super::{ClaimFacts, ClaimStep, drivers, overdue};
use crate::conditions::{Conditions, Status, is_true, status};
use crate::keys;

/// What a node still lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Missing {
    Node,
    Ready,
    StartupTaint(String),
    EphemeralTaint(String),
    Resource(String),
    Driver(String),
}

impl Missing {
    fn reason(&self) -> &'static str {
        match self {
            Self::Node => "NodeNotFound",
            Self::Ready => "NodeNotReady",
            Self::StartupTaint(_) => "StartupTaintsExist",
            Self::EphemeralTaint(_) => "KnownEphemeralTaintsExist",
            Self::Resource(_) => "ResourceNotRegistered",
            Self::Driver(_) => "DRADriverPoolsNotPublished",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Node => "Node not registered with cluster".to_owned(),
            Self::Ready => "Node status is NotReady".to_owned(),
            Self::StartupTaint(taint) => format!("StartupTaint \"{taint}\" still exists"),
            Self::EphemeralTaint(taint) => {
                format!("KnownEphemeralTaint \"{taint}\" still exists")
            }
            Self::Resource(name) => format!("Resource \"{name}\" was requested but not registered"),
            Self::Driver(name) => {
                format!("DRA driver \"{name}\" has not published a complete resource pool")
            }
        }
    }
}

/// Initializes the claim if its registered node is complete; otherwise says what that lacks.
pub(super) fn initialize(
    step: &mut ClaimStep,
    facts: &ClaimFacts<'_>,
    now: Timestamp,
) -> Option<String> {
    if status(&step.claim.status.conditions, "Initialized") != Status::Unknown {
        Conditions::of_claim(&mut step.claim, now).refresh("Initialized");
        return None;
    }
    if !is_true(&step.claim.status.conditions, "Registered") {
        return None;
    }
    // What registration has just changed counts already.
    let node = match (step.node.take(), facts.nodes) {
        (Some(changed), _) => Some(changed),
        (None, [node]) => Some(Node::clone(node)),
        (None, _) => None,
    };
    let missing = match &node {
        None => Some(Missing::Node),
        Some(node) => missing(step, node).or_else(|| {
            let annotations = &step.claim.metadata.annotations;
            let missing = drivers::missing(annotations, &node.metadata.name, facts.slices?);
            missing.map(Missing::Driver)
        }),
    };
    if let Some(missing) = missing {
        let lacks = missing.message();
        let message = overdue::explain(&step.claim, &lacks, now);
        let mut conditions = Conditions::of_claim(&mut step.claim, now);
        conditions.set("Initialized", Status::Unknown, missing.reason(), &message);
        step.node = node;
        return Some(lacks);
    }
    Conditions::of_claim(&mut step.claim, now).set_true("Initialized");
    step.node = node.map(|mut node| {
        node.metadata
            .labels
            .insert(keys::INITIALIZED.to_owned(), "true".to_owned());
        node
    });
    None
}

/// The first thing that the node lacks.
fn missing(step: &ClaimStep, node: &Node) -> Option<Missing> {
    if !node.is_ready() {
        return Some(Missing::Ready);
    }
    let spec = &step.claim.spec;
    // A startup taint that Kubernetes lifts by itself is one of the ephemeral ones as well.
    let on_node = |wanted: &&model::k8s::Taint| {
        node.spec
            .taints
            .iter()
            .any(|held| held.same_identity(wanted))
    };
    if let Some(taint) = spec.startup_taints.iter().find(on_node) {
        return Some(Missing::StartupTaint(taint.to_string()));
    }
    if let Some(taint) = node.spec.taints.iter().find(|taint| is_ephemeral(taint)) {
        return Some(Missing::EphemeralTaint(taint.to_string()));
    }
    let lacks = |name: &str| {
        node.status
            .allocatable
            .get(name)
            .is_none_or(|has| has.is_zero())
    };
    let wanted = spec
        .resources
        .requests
        .iter()
        .filter(|(_, amount)| !amount.is_zero());
    let mut wanted = wanted.map(|(name, _)| name);
    wanted
        .find(|name| lacks(name))
        .cloned()
        .map(Missing::Resource)
}
