//! The Node object that stands for a launched claim.
//!
//! Its name follows from the claim alone, so a creation that is repeated after a crash or a
//! time-out finds its own Node instead of making a second.

use std::collections::BTreeMap;

use api::labels;
use model::k8s::{Node, NodeSpec, NodeStatus, Taint, TaintEffect};
use model::{ObjectMeta, ResourceList};
use requirements::Requirements;

use crate::choose::{Choice, INSTANCE_TYPE};

/// Scheme of our provider ids.
const SCHEME: &str = "kwok://";
/// Marks nodes that the kwok controller keeps alive: label and annotation.
const FAKE: (&str, &str) = ("kwok.x-k8s.io/node", "fake");
/// Which of several kwok controllers keeps the node alive.
const PARTITION: (&str, &str) = ("kwok-partition", "a");
/// Hourly price, for `eks-node-viewer`.
const PRICE: &str = "eks-node-viewer/instance-price";
/// Name of the node class.
const NODE_CLASS: &str = "karpenter.kwok.sh/kwoknodeclass";
/// Annotations that lead from a Node to its claim: name and uid.
const CLAIM: (&str, &str) = (
    "karpenter.kwok.sh/nodeclaim",
    "karpenter.kwok.sh/nodeclaim-uid",
);

/// What of a claim decides about its Node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Claim<'a> {
    /// Name.
    pub(crate) name: &'a str,
    /// Uid.
    pub(crate) uid: &'a str,
    /// Labels.
    pub(crate) labels: &'a BTreeMap<String, String>,
    /// Requirements.
    pub(crate) requirements: &'a Requirements,
    /// Requested resources.
    pub(crate) requests: &'a ResourceList,
    /// Name of the node class.
    pub(crate) node_class: &'a str,
}

/// A number that follows from the claim: FNV-1a, 64 bits, over its uid.
pub fn seed(uid: &str) -> u64 {
    uid.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The name of the claim's Node.
pub(crate) fn node_name(claim: &str, uid: &str) -> String {
    format!("kwok-{claim}-{:08x}", seed(uid) >> 32)
}

/// The provider id of a Node.
pub(crate) fn provider_id(node: &str) -> String {
    format!("{SCHEME}{node}")
}

/// The Node that a provider id names; `None` if it is not one of ours.
pub(crate) fn node_of(provider_id: &str) -> Option<&str> {
    provider_id
        .strip_prefix(SCHEME)
        .filter(|node| !node.is_empty())
}

/// Whether a Node stands for a claim: its id says so, and it has a pool. Other users of kwok have
/// nodes too.
pub(crate) fn is_ours(node: &Node) -> bool {
    node_of(&node.spec.provider_id).is_some()
        && (knows_claim(node) || node.metadata.labels.contains_key(labels::NODEPOOL))
}

/// Whether the Node says which claim it is for; those of other programs do not.
pub(crate) fn knows_claim(node: &Node) -> bool {
    !claim_uid(node).is_empty()
}

/// Uid of the claim that the Node is for; empty where that is not known.
pub(crate) fn claim_uid(node: &Node) -> &str {
    node.metadata
        .annotations
        .get(CLAIM.1)
        .map_or("", String::as_str)
}

/// Name of the claim that the Node is for, by annotation or host name; empty where that is not
/// known.
pub(crate) fn claim_name(node: &Node) -> &str {
    let annotated = node.metadata.annotations.get(CLAIM.0);
    let host = || node.metadata.labels.get(labels::HOSTNAME);
    annotated.or_else(host).map_or("", String::as_str)
}

/// The labels of the Node, which the claim gets too.
fn labels_of(claim: &Claim<'_>, choice: Choice<'_>) -> BTreeMap<String, String> {
    let Choice {
        instance_type,
        offering,
    } = choice;
    let mut labels = claim.labels.clone();
    labels.extend(claim.requirements.single_values());
    labels.insert(INSTANCE_TYPE.into(), instance_type.name.to_string());
    labels.extend(instance_type.requirements.single_values());
    labels.extend(offering.requirements.single_values());
    labels.insert(NODE_CLASS.into(), claim.node_class.into());
    labels.insert(PRICE.into(), format!("{:.6}", offering.price.dollars()));
    for (key, value) in [FAKE, PARTITION, (labels::HOSTNAME, claim.name)] {
        labels.insert(key.into(), value.into());
    }
    labels
}

/// What the Node has, and what of that pods can have: the type's resources, and what else the claim
/// asks for. (The reference gives requests for capacity, so that its nodes can allocate more than
/// they have and limits count too little.)
fn resources(claim: &Claim<'_>, choice: Choice<'_>) -> (ResourceList, ResourceList) {
    let (mut capacity, mut allocatable) = (claim.requests.clone(), claim.requests.clone());
    let (of, offering) = (choice.instance_type, choice.offering);
    capacity.extend(of.capacity_of(offering).into_owned());
    allocatable.extend(of.allocatable_of(offering));
    (capacity, allocatable)
}

/// The Node itself.
pub(crate) fn node(claim: &Claim<'_>, choice: Choice<'_>) -> Node {
    let name = node_name(claim.name, claim.uid);
    let (capacity, allocatable) = resources(claim, choice);
    Node {
        spec: NodeSpec {
            provider_id: provider_id(&name),
            unschedulable: false,
            taints: vec![Taint::new(
                labels::UNREGISTERED_TAINT,
                "",
                TaintEffect::NoExecute,
            )],
        },
        metadata: ObjectMeta {
            name,
            labels: labels_of(claim, choice),
            annotations: [FAKE, (CLAIM.0, claim.name), (CLAIM.1, claim.uid)]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            ..ObjectMeta::default()
        },
        status: NodeStatus {
            capacity,
            allocatable,
            conditions: Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use model::{Quantity, resources};
    use requirements::Requirement;

    use super::*;
    use crate::choose::choose;

    fn made() -> Node {
        let catalog = catalog::kwok::standard();
        let requirements: Requirements = [
            Requirement::single(INSTANCE_TYPE, "c-2x-amd64-linux"),
            Requirement::single("topology.kubernetes.io/zone", "test-zone-b"),
            Requirement::single("team", "blue"),
            Requirement::any_of("tier", ["a", "b"]),
        ]
        .into_iter()
        .collect();
        let requests = ResourceList::from([
            ("cpu".to_owned(), Quantity::from_millis(1500)),
            ("example.com/thing".to_owned(), Quantity::from_units(2)),
        ]);
        let labels = BTreeMap::from([("karpenter.sh/nodepool".to_owned(), "default".to_owned())]);
        let claim = Claim {
            name: "default-x7",
            uid: "0b1c",
            labels: &labels,
            requirements: &requirements,
            requests: &requests,
            node_class: "fake-class",
        };
        let asked = (&requirements, &requests);
        let choice = choose(&catalog, &catalog.vocabulary(), asked, 0);
        node(&claim, choice.expect("a choice"))
    }

    #[test]
    fn the_node_carries_the_labels_of_claim_type_and_offering() {
        let node = made();
        for (key, value) in [
            ("karpenter.sh/nodepool", "default"),
            ("node.kubernetes.io/instance-type", "c-2x-amd64-linux"),
            ("kubernetes.io/arch", "amd64"),
            ("kubernetes.io/os", "linux"),
            ("karpenter.sh/capacity-type", "spot"),
            ("topology.kubernetes.io/zone", "test-zone-b"),
            ("team", "blue"),
            ("karpenter.kwok.sh/instance-cpu", "2"),
            ("karpenter.kwok.sh/kwoknodeclass", "fake-class"),
            ("kwok.x-k8s.io/node", "fake"),
            ("kwok-partition", "a"),
            ("eks-node-viewer/instance-price", "0.038006"),
            ("kubernetes.io/hostname", "default-x7"),
        ] {
            assert_eq!(
                node.metadata.labels.get(key).map(String::as_str),
                Some(value),
                "{key}"
            );
        }
        assert!(
            !node.metadata.labels.contains_key("tier"),
            "two values are no label"
        );
        assert_eq!(node.metadata.annotations["kwok.x-k8s.io/node"], "fake");
    }

    #[test]
    fn the_node_has_what_its_type_has_and_never_less_than_pods_can_have() {
        let status = made().status;
        assert_eq!(status.capacity["cpu"], Quantity::from_units(2));
        assert_eq!(status.allocatable["cpu"], Quantity::from_millis(1900));
        assert_eq!(status.capacity["pods"], Quantity::from_units(32));
        assert_eq!(
            status.allocatable["example.com/thing"],
            Quantity::from_units(2)
        );
        assert!(resources::fits(&status.allocatable, &status.capacity));
    }

    #[test]
    fn one_claim_has_one_node_name_and_the_provider_id_leads_back_to_it() {
        let (one, two) = (
            node_name("default-x7", "0b1c"),
            node_name("default-x7", "0b1d"),
        );
        assert_eq!(one, node_name("default-x7", "0b1c"));
        assert_ne!(one, two, "a claim of the same name is another claim");
        assert!(one.starts_with("kwok-default-x7-"), "{one}");
        assert_eq!(node_of(&provider_id(&one)), Some(&*one));
        assert_eq!(node_of("aws:///us-west-2a/i-0"), None);
        assert_eq!(node_of("kwok://"), None);
    }

    #[test]
    fn the_node_is_closed_to_pods_until_it_is_registered() {
        let node = made();
        assert_eq!(node.spec.taints.len(), 1);
        assert_eq!(node.spec.taints[0].key, "karpenter.sh/unregistered");
        assert_eq!(node.spec.taints[0].effect, TaintEffect::NoExecute);
        assert_eq!(
            node.spec.provider_id,
            format!("kwok://{}", node.metadata.name)
        );
    }
}
