//! What nodes register with.

use api::{NodeClaim, labels};
use aws::userdata;
use catalog::ec2::AmiFamily;
use serde_json::json;

use crate::{input, text};

fn claim() -> NodeClaim {
    serde_json::from_value(json!({
        "metadata": {"name": "a", "labels": {
            "team": "blue",
            "karpenter.sh/nodepool": "default",
            "kubernetes.io/os": "linux",
            "topology.kubernetes.io/zone": "us-west-2a",
            "topology.k8s.aws/zone-id": "usw2-az1",
            "k8s.io/a": "b",
            "node.k8s.io/a": "b",
            "node-restriction.kubernetes.io/a": "b",
            "sub.node-restriction.kubernetes.io/a": "b",
            "notkubernetes.io/a": "b",
        }},
        "spec": {
            "requirements": [
                {"key": "example.com/single", "operator": "In", "values": ["one"]},
                {"key": "example.com/several", "operator": "In", "values": ["one", "two"]},
                {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["m5.large"]},
                {"key": "team", "operator": "In", "values": ["red"]},
            ],
            "taints": [
                {"key": "dedicated", "value": "web", "effect": "NoSchedule"},
            ],
            "startupTaints": [{"key": "cilium", "effect": "NoExecute"}],
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "a"},
        },
    }))
    .unwrap()
}

/// UD-11: kubelets are only told the labels that they may set.
#[test]
fn labels_that_a_kubelet_may_not_set_are_not_passed() {
    let labels = userdata::labels(&claim(), "spot", AmiFamily::Al2);
    let listed: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(
        listed,
        [
            "example.com/single=one",
            "karpenter.sh/capacity-type=spot",
            "karpenter.sh/do-not-sync-taints=true",
            "karpenter.sh/nodepool=default",
            "notkubernetes.io/a=b",
            "team=blue",
            "topology.k8s.aws/zone-id=usw2-az1",
        ]
    );
}

/// UD-22: images whose user data is ours register with all of their taints.
#[test]
fn taints_are_not_synced_where_they_went_through_user_data() {
    let of = |family| userdata::labels(&claim(), "spot", family);
    for family in [
        AmiFamily::Al2,
        AmiFamily::Al2023,
        AmiFamily::Bottlerocket,
        AmiFamily::Ubuntu,
        AmiFamily::Windows2019,
    ] {
        let labels = of(family);
        assert_eq!(labels[labels::DO_NOT_SYNC_TAINTS], "true");
    }
    assert!(!of(AmiFamily::Custom).contains_key(labels::DO_NOT_SYNC_TAINTS));
}

/// UD-18: taints of the pool, those for the start, and the one that Karpenter lifts.
#[test]
fn nodes_register_with_all_taints() {
    let mut claim = claim();
    let all = "dedicated=web:NoSchedule,cilium:NoExecute,karpenter.sh/unregistered:NoExecute";
    let taints = userdata::taints(&claim);
    let join = |taints: &[model::k8s::Taint]| {
        let texts: Vec<String> = taints.iter().map(ToString::to_string).collect();
        texts.join(",")
    };
    assert_eq!(join(&taints), all);
    claim.spec.startup_taints.push(labels::unregistered_taint());
    assert_eq!(join(&userdata::taints(&claim)), all);

    let mut input = input(AmiFamily::Al2023);
    input.taints = taints;
    let text = text(&input);
    let list = "registerWithTaints:\n      \
                - effect: NoSchedule\n        key: dedicated\n        value: web\n      \
                - effect: NoExecute\n        key: cilium\n      \
                - effect: NoExecute\n        key: karpenter.sh/unregistered\n";
    assert!(text.contains(list), "{text}");
}
