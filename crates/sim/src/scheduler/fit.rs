//! Whether a pod may run on a node: the filters of kube-scheduler, written from its documentation
//! and independent of Karpenter's own solver.

use std::collections::BTreeMap;
use std::fmt;

use model::k8s::selector::NodeSelector;
use model::k8s::{Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, TaintEffect};
use model::{ResourceList, resources};
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
    /// Not enough is left of some resource.
    Resources,
    /// A host port is taken.
    Port,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unschedulable => "were unschedulable",
            Self::Taint => "had untolerated taint",
            Self::Affinity => "didn't match Pod's node affinity/selector",
            Self::Resources => "had insufficient resources",
            Self::Port => "didn't have free ports for the requested pod ports",
        })
    }
}

/// What is taken on a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    /// Sum of the requests of its pods.
    pub(crate) requests: ResourceList,
    /// Host ports in use.
    pub(crate) ports: Vec<(String, String, i32)>,
}

impl Usage {
    /// Adds a pod.
    pub(crate) fn add(&mut self, pod: &Pod) {
        resources::add_to(&mut self.requests, &cluster::requests::effective(&pod.spec));
        self.ports.extend(host_ports(pod));
    }
}

/// Whether the pod may run on the node, next to what is there.
pub(crate) fn check(pod: &Pod, node: &Node, usage: &Usage) -> Result<(), Misfit> {
    admits(pod, node)?;
    let free = resources::subtract(&node.status.allocatable, &usage.requests);
    let requests = cluster::requests::effective(&pod.spec);
    if !resources::fits(&requests, &free) {
        return Err(Misfit::Resources);
    }
    let taken = host_ports(pod).into_iter().any(|(ip, protocol, port)| {
        usage
            .ports
            .iter()
            .any(|(other_ip, other_protocol, other_port)| {
                let same_address = ip == *other_ip || ip == ANY_IP || other_ip == ANY_IP;
                same_address && protocol == *other_protocol && port == *other_port
            })
    });
    if taken { Err(Misfit::Port) } else { Ok(()) }
}

/// Whether the node takes the pod at all, whatever is on it.
pub(crate) fn node_admits(pod: &Pod, node: &Node) -> bool {
    admits(pod, node).is_ok()
}

fn admits(pod: &Pod, node: &Node) -> Result<(), Misfit> {
    let tolerations = &pod.spec.tolerations;
    let cordon = model::k8s::Taint::new(
        "node.kubernetes.io/unschedulable",
        "",
        TaintEffect::NoSchedule,
    );
    if node.spec.unschedulable && !tolerates_any(tolerations, &cordon) {
        return Err(Misfit::Unschedulable);
    }
    let hard = |effect| matches!(effect, TaintEffect::NoSchedule | TaintEffect::NoExecute);
    let mut taints = node.spec.taints.iter().filter(|taint| hard(taint.effect));
    if taints.any(|taint| !tolerates_any(tolerations, taint)) {
        return Err(Misfit::Taint);
    }
    let labels = &node.metadata.labels;
    let selected = pod
        .spec
        .node_selector
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value));
    let required = pod
        .spec
        .affinity
        .as_ref()
        .and_then(|affinity| affinity.node_affinity.as_ref())
        .and_then(|affinity| affinity.required.as_ref());
    if selected && required.is_none_or(|selector| selector_matches(selector, node)) {
        Ok(())
    } else {
        Err(Misfit::Affinity)
    }
}

fn selector_matches(selector: &NodeSelector, node: &Node) -> bool {
    selector
        .node_selector_terms
        .iter()
        .any(|term| term_matches(term, node))
}

/// A term without conditions matches nothing.
fn term_matches(term: &NodeSelectorTerm, node: &Node) -> bool {
    if term.match_expressions.is_empty() && term.match_fields.is_empty() {
        return false;
    }
    let name = BTreeMap::from([("metadata.name".to_owned(), node.metadata.name.clone())]);
    term.match_expressions
        .iter()
        .all(|wanted| condition_holds(wanted, &node.metadata.labels))
        && term
            .match_fields
            .iter()
            .all(|wanted| condition_holds(wanted, &name))
}

fn condition_holds(wanted: &NodeSelectorRequirement, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&wanted.key);
    let compare = |holds: fn(i64, i64) -> bool| {
        let number = value.and_then(|value| value.parse::<i64>().ok());
        let bound = wanted
            .values
            .first()
            .and_then(|value| value.parse::<i64>().ok());
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

/// Address, protocol and number of each host port.
fn host_ports(pod: &Pod) -> Vec<(String, String, i32)> {
    let or = |text: &str, default: &str| {
        if text.is_empty() {
            default.to_owned()
        } else {
            text.to_owned()
        }
    };
    let containers = pod.spec.containers.iter().chain(&pod.spec.init_containers);
    containers
        .flat_map(|container| &container.ports)
        .filter_map(|port| {
            let number = if pod.spec.host_network {
                port.container_port
            } else {
                port.host_port
            };
            (number > 0).then(|| (or(&port.host_ip, ANY_IP), or(&port.protocol, "TCP"), number))
        })
        .collect()
}
