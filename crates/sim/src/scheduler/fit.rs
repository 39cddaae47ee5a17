//! Whether a node takes a pod, whatever other pods there are elsewhere: the filters of
//! kube-scheduler about one node, written from its documentation and independent of Karpenter's
//! own solver.

use std::collections::BTreeMap;
use std::fmt;

use model::ResourceList;
use model::k8s::selector::NodeSelector;
use model::k8s::{
    Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSpec, Taint, TaintEffect, Toleration,
};
use model::resources;
use requirements::taints::tolerates_any;

/// The first filter that keeps a pod from a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Misfit {
    /// The node is cordoned and the pod does not tolerate it.
    Unschedulable,
    /// A taint is not tolerated.
    Taint,
    /// Node selector or affinity do not match.
    Affinity,
    /// A host port is taken.
    Port,
    /// Not enough is left of some resource.
    Resources,
    /// A volume cannot be reached from there.
    VolumeAway,
    /// No volume can be had for a claim there.
    NoVolume,
    /// The driver attaches no further volume.
    VolumeLimit,
    /// The node lacks the label of a spread constraint.
    SpreadLabel,
    /// The skew would become too large.
    Spread,
    /// No pod is near that the pod must be near to.
    PodAffinity,
    /// A pod is near that the pod must be away from.
    PodAntiAffinity,
    /// A pod is near that must be away from the pod.
    ExistingAntiAffinity,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unschedulable => "were unschedulable",
            Self::Taint => "had untolerated taint",
            Self::Affinity => "didn't match Pod's node affinity/selector",
            Self::Resources => "had insufficient resources",
            Self::Port => "didn't have free ports for the requested pod ports",
            Self::VolumeAway => "had volume node affinity conflict",
            Self::NoVolume => "had no persistent volume to bind",
            Self::VolumeLimit => "had no room for another volume attachment",
            Self::SpreadLabel => "lacked the label of a topology spread constraint",
            Self::Spread => "didn't match pod topology spread constraints",
            Self::PodAffinity => "didn't match pod affinity rules",
            Self::PodAntiAffinity => "didn't match pod anti-affinity rules",
            Self::ExistingAntiAffinity => "didn't satisfy existing pods anti-affinity rules",
        })
    }
}

/// Address, protocol and number of a host port.
pub(super) type HostPort = (String, String, i32);

/// What a pod asks of one node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Needs {
    /// Labels that the node must have.
    pub(super) node_selector: BTreeMap<String, String>,
    /// Terms, one of which the node must match.
    pub(super) required: Option<NodeSelector>,
    /// What the pod tolerates.
    pub(super) tolerations: Vec<Toleration>,
    /// What it takes.
    pub(super) requests: ResourceList,
    /// Host ports.
    pub(super) ports: Vec<HostPort>,
}

impl Needs {
    /// Of a pod with this spec.
    pub(super) fn of(spec: &PodSpec) -> Self {
        Self {
            node_selector: spec.node_selector.clone(),
            required: required_terms(spec).cloned(),
            tolerations: spec.tolerations.clone(),
            requests: cluster::requests::effective(spec),
            ports: host_ports(spec),
        }
    }

    /// Whether the node takes the pod, next to what is used of it.
    pub(super) fn check(
        &self,
        node: &Node,
        used: &ResourceList,
        ports: &BTreeMap<HostPort, usize>,
    ) -> Result<(), Misfit> {
        if node.spec.unschedulable && !tolerates_any(&self.tolerations, &cordon()) {
            return Err(Misfit::Unschedulable);
        }
        if !tolerates_node(&self.tolerations, node) {
            return Err(Misfit::Taint);
        }
        if !selects(&self.node_selector, self.required.as_ref(), node) {
            return Err(Misfit::Affinity);
        }
        if self.ports.iter().any(|port| is_taken(port, ports)) {
            return Err(Misfit::Port);
        }
        let short = self.requests.iter().any(|(resource, amount)| {
            let taken = *amount + resources::get(used, resource);
            *amount > model::Quantity::ZERO
                && taken > resources::get(&node.status.allocatable, resource)
        });
        if short {
            Err(Misfit::Resources)
        } else {
            Ok(())
        }
    }
}

/// The required node affinity of a pod.
pub(super) fn required_terms(spec: &PodSpec) -> Option<&NodeSelector> {
    let affinity = spec.affinity.as_ref()?.node_affinity.as_ref()?;
    affinity.required.as_ref()
}

/// Whether the node takes the pod at all, whatever is on it.
pub(crate) fn node_admits(pod: &Pod, node: &Node) -> bool {
    let tolerations = &pod.spec.tolerations;
    (!node.spec.unschedulable || tolerates_any(tolerations, &cordon()))
        && tolerates_node(tolerations, node)
        && selects(&pod.spec.node_selector, required_terms(&pod.spec), node)
}

/// The taint that stands for a cordon.
fn cordon() -> Taint {
    let key = "node.kubernetes.io/unschedulable";
    Taint::new(key, "", TaintEffect::NoSchedule)
}

/// Whether all taints that keep pods away are tolerated.
pub(super) fn tolerates_node(tolerations: &[Toleration], node: &Node) -> bool {
    let hard = |effect| matches!(effect, TaintEffect::NoSchedule | TaintEffect::NoExecute);
    let mut taints = node.spec.taints.iter().filter(|taint| hard(taint.effect));
    taints.all(|taint| tolerates_any(tolerations, taint))
}

/// Whether the node has the labels and matches a term.
pub(super) fn selects(
    node_selector: &BTreeMap<String, String>,
    required: Option<&NodeSelector>,
    node: &Node,
) -> bool {
    let labels = &node.metadata.labels;
    node_selector
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
        && required.is_none_or(|selector| selector_matches(selector, node))
}

/// Whether a node matches one of the terms.
pub(super) fn selector_matches(selector: &NodeSelector, node: &Node) -> bool {
    selector
        .node_selector_terms
        .iter()
        .any(|term| term_matches(term, node))
}

/// A term without conditions matches nothing.
pub(super) fn term_matches(term: &NodeSelectorTerm, node: &Node) -> bool {
    if term.match_expressions.is_empty() && term.match_fields.is_empty() {
        return false;
    }
    let meta = &node.metadata;
    term.match_fields
        .iter()
        .all(|wanted| wanted.key == "metadata.name" && condition_holds(wanted, Some(&meta.name)))
        && term
            .match_expressions
            .iter()
            .all(|wanted| condition_holds(wanted, meta.labels.get(&wanted.key)))
}

fn condition_holds(wanted: &NodeSelectorRequirement, value: Option<&String>) -> bool {
    let compare = |holds: fn(i64, i64) -> bool| {
        let number = value.and_then(|value| value.parse::<i64>().ok());
        let bound = wanted.values.first();
        let bound = bound.and_then(|value| value.parse::<i64>().ok());
        number
            .zip(bound)
            .is_some_and(|(number, bound)| holds(number, bound))
    };
    match wanted.operator.as_str() {
        "In" => value.is_some_and(|value| wanted.values.contains(value)),
        "NotIn" => value.is_none_or(|value| !wanted.values.contains(value)),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compare(|number, bound| number > bound),
        "Lt" => compare(|number, bound| number < bound),
        _ => false,
    }
}

const ANY_IP: &str = "0.0.0.0";

fn is_taken((ip, protocol, port): &HostPort, taken: &BTreeMap<HostPort, usize>) -> bool {
    taken.keys().any(|(other_ip, other_protocol, other_port)| {
        let same_address = ip == other_ip || ip == ANY_IP || other_ip == ANY_IP;
        same_address && protocol == other_protocol && port == other_port
    })
}

/// The host ports of a pod.
pub(super) fn host_ports(spec: &PodSpec) -> Vec<HostPort> {
    let or = |text: &str, default: &str| {
        if text.is_empty() {
            default.to_owned()
        } else {
            text.to_owned()
        }
    };
    // Init containers run before the others and give their ports back, unless they are sidecars.
    let sidecars = spec
        .init_containers
        .iter()
        .filter(|container| cluster::requests::is_sidecar(container));
    let containers = spec.containers.iter().chain(sidecars);
    containers
        .flat_map(|container| &container.ports)
        .filter_map(|port| {
            let number = if spec.host_network {
                port.container_port
            } else {
                port.host_port
            };
            (number > 0).then(|| (or(&port.host_ip, ANY_IP), or(&port.protocol, "TCP"), number))
        })
        .collect()
}
