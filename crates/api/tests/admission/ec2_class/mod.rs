//! EC2NodeClasses: `spec` of v1, and the looser spellings.

mod images;
mod machine;
mod networks;

use serde_json::{Value, json};

use crate::case::{Case, merged};
use crate::world::object;

pub(crate) use images::{FAMILIES, aliases, families, terms};
pub(crate) use machine::{disks, interfaces, kubelet, metadata, others};
pub(crate) use networks::{groups, placement, reservations, subnets};

fn class(patch: &Value) -> Value {
    let base = json!({
        "role": "r",
        "amiSelectorTerms": [{"alias": "al2023@latest"}],
        "subnetSelectorTerms": [{"tags": {"a": "*"}}],
        "securityGroupSelectorTerms": [{"tags": {"a": "*"}}],
    });
    object("karpenter.k8s.aws/v1", "EC2NodeClass", merged(base, patch))
}

pub(crate) fn cases() -> Vec<Case> {
    let tables = [
        identity(),
        tags(),
        families(),
        aliases(),
        terms(),
        subnets(),
        groups(),
        reservations(),
        placement(),
        disks(),
        metadata(),
        interfaces(),
        kubelet(),
        others(),
    ];
    tables.into_iter().flatten().collect()
}

/// What instances are to AWS.
pub(crate) fn identity() -> Vec<Case> {
    let one_of = "must specify exactly one of ['role', 'instanceProfile']";
    let role = |role: &str| class(&json!({"role": role}));
    let profile = || class(&json!({"role": null, "instanceProfile": "p"}));
    let neither = || class(&json!({"role": null}));
    let both = || class(&json!({"instanceProfile": "p"}));
    vec![
        Case::accepted("a role", role("r")),
        Case::accepted("a profile", profile()),
        Case::accepted("neither role nor profile", neither()),
        Case::refused("role and profile", both(), one_of),
        Case::refused("an empty role", role(""), "role cannot be empty"),
        Case::refused(
            "an empty profile",
            class(&json!({"role": null, "instanceProfile": ""})),
            "instanceProfile cannot be empty",
        ),
        Case::accepted("another role", role("r")).then(role("s")),
        Case::accepted("role to profile", role("r")).then(profile()),
        Case::accepted("profile to role", profile()).then(role("r")),
        Case::refused("a profile beside the role", role("r"), one_of).then(both()),
        Case::accepted("role to neither", role("r")).then(neither()),
    ]
}

/// Tags of what is made.
pub(crate) fn tags() -> Vec<Case> {
    let tag = |key: &str| class(&json!({"tags": {key: "v"}}));
    let matching = |key: &str| format!("tag contains a restricted tag matching {key}");
    let mut cases = vec![
        Case::accepted("an own tag", tag("karpenter.sh/discovery")),
        Case::accepted("a plain tag", tag("team")),
        Case::refused("an empty tag", tag(""), "empty tag keys aren't supported"),
        Case::refused(
            "the cluster's tag",
            tag("kubernetes.io/cluster/x"),
            &matching("kubernetes.io/cluster/"),
        ),
    ];
    for key in [
        "eks:eks-cluster-name",
        "karpenter.sh/nodepool",
        "karpenter.sh/nodeclaim",
        "karpenter.k8s.aws/ec2nodeclass",
    ] {
        cases.push(Case::refused(key, tag(key), &matching(key)));
    }
    cases
}
