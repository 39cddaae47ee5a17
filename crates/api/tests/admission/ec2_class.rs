//! EC2NodeClasses: `spec` of v1, and the looser spellings.

use serde_json::{Value, json};

use crate::case::{Case, merged};
use crate::world::object;

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
    [shape(), images(), networks(), tags(), disks(), others()]
        .into_iter()
        .flatten()
        .collect()
}

fn shape() -> Vec<Case> {
    let one_of = "must specify exactly one of ['role', 'instanceProfile']";
    vec![
        Case::accepted("a plain class", class(&json!({})))
            .with("/spec/metadataOptions/httpTokens", json!("required"))
            .with("/spec/metadataOptions/httpPutResponseHopLimit", json!(1)),
        Case::accepted(
            "a profile",
            class(&json!({"role": null, "instanceProfile": "p"})),
        ),
        Case::accepted("neither role nor profile", class(&json!({"role": null}))),
        Case::refused(
            "role and profile",
            class(&json!({"instanceProfile": "p"})),
            one_of,
        ),
        Case::refused(
            "an empty role",
            class(&json!({"role": ""})),
            "role cannot be empty",
        ),
        Case::refused(
            "an empty profile",
            class(&json!({"role": null, "instanceProfile": ""})),
            "instanceProfile cannot be empty",
        ),
        Case::accepted("role to profile", class(&json!({})))
            .then(class(&json!({"role": null, "instanceProfile": "p"}))),
    ]
}

fn images() -> Vec<Case> {
    let terms = |terms: Value| class(&json!({"amiSelectorTerms": terms, "amiFamily": "AL2023"}));
    let family = |family: &str| class(&json!({"amiSelectorTerms": null, "amiFamily": family}));
    let alias = |alias: &str| class(&json!({"amiSelectorTerms": [{"alias": alias}]}));
    let mixed = "cannot be set with a combination of other fields in amiSelectorTerms";
    vec![
        Case::accepted("a family alone", family("AL2023")),
        Case::accepted("Ubuntu", family("Ubuntu")),
        Case::accepted("Windows", family("Windows2022")),
        Case::refused(
            "Custom alone",
            family("Custom"),
            "amiSelectorTerms must select some",
        ),
        Case::refused("an unknown family", family("Debian"), "Unsupported value"),
        Case::refused(
            "no family and no terms",
            class(&json!({"amiSelectorTerms": null})),
            "must specify amiFamily if amiSelectorTerms does not contain an alias",
        ),
        Case::refused(
            "no family and no alias",
            class(&json!({"amiSelectorTerms": [{"id": "ami-1"}]})),
            "must specify amiFamily if amiSelectorTerms does not contain an alias",
        ),
        Case::refused("no term", terms(json!([])), "amiSelectorTerms"),
        Case::refused(
            "an empty term",
            terms(json!([{}])),
            "expected at least one, got none, ['tags', 'id', 'name', 'alias', 'ssmParameter']",
        ),
        Case::refused(
            "an owner alone",
            terms(json!([{"owner": "self"}])),
            "expected at least one, got none",
        ),
        Case::accepted(
            "tags",
            terms(json!([{"tags": {"Name": "eks-al2023-*", "b": "c"}}])),
        ),
        Case::accepted(
            "several terms",
            terms(json!([{"id": "ami-1"}, {"name": "n", "owner": "self"}])),
        ),
        Case::refused(
            "id and name",
            terms(json!([{"id": "ami-1", "name": "n"}, {"id": "ami-2"}])),
            &format!("'id' is mutually exclusive, {mixed}"),
        ),
        Case::refused(
            "alias and name",
            terms(json!([{"alias": "al2023@latest", "name": "n"}])),
            &format!("'alias' is mutually exclusive, {mixed}"),
        ),
        Case::refused(
            "alias and another term",
            terms(json!([{"alias": "al2023@latest"}, {"id": "ami-1"}])),
            "'alias' is mutually exclusive, cannot be set with a combination of other amiSelectorTerms",
        ),
        Case::refused(
            "a bad id",
            terms(json!([{"id": "image-1"}])),
            "should match",
        ),
        Case::accepted("a version", alias("bottlerocket@1.20.0")),
        Case::refused(
            "no version",
            alias("al2023"),
            "'alias' is improperly formatted, must match the format 'family@version'",
        ),
        Case::refused(
            "a family in capitals",
            alias("AL2023@latest"),
            "family is not supported, must be one of the following: 'al2', 'al2023', 'bottlerocket', 'windows2019', 'windows2022', 'windows2025'",
        ),
        Case::refused(
            "Windows with a version",
            alias("windows2022@1"),
            "windows families may only specify version 'latest'",
        ),
        Case::refused(
            "an alias of another family",
            class(&json!({"amiFamily": "Bottlerocket"})),
            "if set, amiFamily must be 'AL2023' or 'Custom' when using an AL2023 alias",
        ),
        Case::accepted(
            "an alias and Custom",
            class(&json!({"amiFamily": "Custom"})),
        ),
    ]
}

fn networks() -> Vec<Case> {
    let subnets = |terms: Value| class(&json!({"subnetSelectorTerms": terms}));
    let groups = |terms: Value| class(&json!({"securityGroupSelectorTerms": terms}));
    let reservations = |terms: Value| class(&json!({"capacityReservationSelectorTerms": terms}));
    let placement = |selector: Value| class(&json!({"placementGroupSelector": selector}));
    let interfaces = |list: Value| class(&json!({"networkInterfaces": list}));
    let card = |card: u32, device: u32, kind: &str| json!({"networkCardIndex": card, "deviceIndex": device, "interfaceType": kind});
    let primary = card(0, 0, "interface");
    let of_subnet = "'id' is mutually exclusive, cannot be set with a combination of other fields in a subnet selector term";
    let doubled = "networkInterfaces must not have duplicate networkCardIndex and deviceIndex pairs, and can have at most one efa device per network card";
    vec![
        Case::accepted("two tags", subnets(json!([{"tags": {"a": "b", "c": "d"}}]))),
        Case::accepted(
            "several subnets",
            subnets(json!([{"ids": ["subnet-1", "subnet-2"]}])),
        ),
        Case::refused(
            "no subnets",
            class(&json!({"subnetSelectorTerms": null})),
            "subnetSelectorTerms",
        ),
        Case::refused(
            "no subnet term",
            subnets(json!([])),
            "subnetSelectorTerms cannot be empty",
        ),
        Case::refused(
            "an empty subnet term",
            subnets(json!([{}])),
            "expected at least one, got none, ['tags', 'id']",
        ),
        Case::refused(
            "id and tags",
            subnets(json!([{"id": "subnet-1", "tags": {"a": "b"}}])),
            of_subnet,
        ),
        Case::accepted(
            "one bad term of two",
            subnets(json!([{"id": "subnet-1", "tags": {"a": "b"}}, {"id": "subnet-2"}])),
        ),
        Case::refused(
            "an empty tag value",
            subnets(json!([{"tags": {"a": ""}}])),
            "empty tag keys or values aren't supported",
        ),
        Case::accepted("several groups", groups(json!([{"ids": ["sg-1", "sg-2"]}]))),
        Case::refused(
            "ids and name",
            groups(json!([{"ids": ["sg-1"], "name": "n"}])),
            "'ids' is mutually exclusive",
        ),
        Case::refused(
            "no group term",
            groups(json!([])),
            "securityGroupSelectorTerms cannot be empty",
        ),
        Case::refused(
            "an empty group term",
            groups(json!([{}])),
            "expected at least one, got none, ['tags', 'id', 'name']",
        ),
        Case::refused(
            "name and tags",
            groups(json!([{"name": "n", "tags": {"a": "b"}}])),
            "'name' is mutually exclusive, cannot be set with a combination of other fields in a security group selector term",
        ),
        Case::accepted("a reservation", reservations(json!([{"id": "cr-1"}]))),
        Case::refused(
            "a reservation and more",
            reservations(json!([{"id": "cr-1", "ownerID": "123456789012"}])),
            "'id' is mutually exclusive, cannot be set along with other fields in a capacity reservation selector term",
        ),
        Case::refused(
            "an owner alone",
            reservations(json!([{"ownerID": "123456789012"}])),
            "expected at least one, got none, ['tags', 'id', 'instanceMatchCriteria']",
        ),
        Case::refused(
            "a placement group without name",
            placement(json!({})),
            "expected at least one, got none, ['name', 'id']",
        ),
        Case::refused(
            "a placement group of two names",
            placement(json!({"name": "n", "id": "pg-1"})),
            "'name' and 'id' are mutually exclusive",
        ),
        Case::accepted(
            "interfaces",
            interfaces(json!([primary, card(0, 1, "efa-only")])),
        ),
        Case::refused(
            "no primary interface",
            interfaces(json!([card(0, 1, "interface")])),
            "networkInterfaces must include a primary interface with interfaceType='interface'",
        ),
        Case::refused(
            "two interfaces alike",
            interfaces(json!([primary, primary])),
            doubled,
        ),
        Case::refused(
            "two EFA on a card",
            interfaces(json!([
                primary,
                card(0, 1, "efa-only"),
                card(0, 2, "efa-only")
            ])),
            doubled,
        ),
    ]
}

fn tags() -> Vec<Case> {
    let tag = |key: &str| class(&json!({"tags": {key: "v"}}));
    let matching = |key: &str| format!("tag contains a restricted tag matching {key}");
    let mut cases = vec![
        Case::accepted("an own tag", tag("karpenter.sh/discovery")),
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

fn disks() -> Vec<Case> {
    let ebs = |ebs: Value| {
        class(&json!({"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": ebs}]}))
    };
    let size = |size: &str| ebs(json!({"volumeSize": size}));
    let root = json!({"rootVolume": true});
    vec![
        Case::accepted(
            "a disk",
            ebs(
                json!({"volumeSize": "100Gi", "volumeType": "gp3", "iops": 3000,
            "throughput": 125, "encrypted": true, "deleteOnTermination": true}),
            ),
        ),
        Case::refused(
            "a disk without size",
            ebs(json!({"volumeType": "gp3"})),
            "snapshotID or volumeSize must be defined",
        ),
        Case::accepted("58Ti", size("58Ti")),
        Case::refused("59Ti", size("59Ti"), "should match"),
        Case::refused("megabytes", size("100Mi"), "should match"),
        Case::refused(
            "an unknown type",
            ebs(json!({"volumeSize": "1Gi", "volumeType": "gp9"})),
            "Unsupported value",
        ),
        Case::refused(
            "a rate without snapshot",
            ebs(json!({"volumeSize": "1Gi", "volumeInitializationRate": 100})),
            "snapshotID must be set when volumeInitializationRate is set",
        ),
        Case::refused(
            "two roots",
            class(&json!({"blockDeviceMappings": [root, root]})),
            "must have only one blockDeviceMappings with rootVolume",
        ),
    ]
}

fn others() -> Vec<Case> {
    let tracking = |options: Value| class(&json!({"connectionTracking": options}));
    vec![
        Case::accepted(
            "any kubelet setting",
            class(&json!({"kubelet": {"maxPods": 110, "any": {"thing": true}}})),
        )
        .with("/spec/kubelet/any/thing", json!(true)),
        Case::accepted(
            "part of the metadata options",
            class(&json!({"metadataOptions": {"httpTokens": "optional"}})),
        )
        .with("/spec/metadataOptions/httpEndpoint", json!("enabled")),
        Case::refused(
            "65 hops",
            class(&json!({"metadataOptions": {"httpPutResponseHopLimit": 65}})),
            "64",
        ),
        Case::refused(
            "no connection tracking",
            tracking(json!({})),
            "at least one of tcpEstablishedTimeout, udpStreamTimeout, or udpTimeout must be set",
        ),
        Case::refused(
            "a short time-out",
            tracking(json!({"udpTimeout": 29})),
            "udpTimeout",
        ),
        Case::accepted(
            "nested virtualization",
            class(&json!({"cpuOptions": {"nestedVirtualization": "enabled"}})),
        ),
        Case::refused(
            "negative prefixes",
            class(&json!({"ipPrefixCount": -1})),
            "ipPrefixCount",
        ),
        Case::refused(
            "an unknown store policy",
            class(&json!({"instanceStorePolicy": "RAID5"})),
            "Unsupported value",
        ),
    ]
}
