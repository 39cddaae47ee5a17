//! What instances have: disks, interfaces, and settings.

use serde_json::{Value, json};

use super::class;
use crate::case::Case;

/// Disks.
pub(crate) fn disks() -> Vec<Case> {
    let ebs = |ebs: Value| {
        class(&json!({"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": ebs}]}))
    };
    let size = |size: &str| ebs(json!({"volumeSize": size}));
    let rate = |rate: u32| ebs(json!({"snapshotID": "snap-1", "volumeInitializationRate": rate}));
    let disk = |root: bool| json!({"rootVolume": root});
    let mut cases = vec![
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
        Case::refused("99 MiB/s", rate(99), "100"),
        Case::accepted("100 MiB/s", rate(100)),
        Case::accepted("300 MiB/s", rate(300)),
        Case::refused("301 MiB/s", rate(301), "300"),
        Case::refused(
            "two roots",
            class(&json!({"blockDeviceMappings": [disk(true), disk(true)]})),
            "must have only one blockDeviceMappings with rootVolume",
        ),
        Case::accepted(
            "a root and another one",
            class(&json!({"blockDeviceMappings": [disk(true), disk(false)]})),
        ),
    ];
    for good in ["1Gi", "58Ti", "64T", "59000Gi", "64000G"] {
        cases.push(Case::accepted(good, size(good)));
    }
    for bad in [
        "0Gi", "0.5Gi", "59Ti", "59001Gi", "65T", "65000G", "64001G", "100Mi", "a",
    ] {
        cases.push(Case::refused(bad, size(bad), "should match"));
    }
    cases
}

/// How instances ask about themselves.
pub(crate) fn metadata() -> Vec<Case> {
    let options = |options: Value| class(&json!({"metadataOptions": options}));
    let hops = |hops: i32| options(json!({"httpPutResponseHopLimit": hops}));
    let defaults = json!({"httpEndpoint": "enabled", "httpProtocolIPv6": "disabled",
        "httpPutResponseHopLimit": 1, "httpTokens": "required"});
    let mut cases = vec![
        Case::accepted("no metadata options", class(&json!({})))
            .with("/spec/metadataOptions", defaults.clone()),
        Case::accepted("empty metadata options", options(json!({})))
            .with("/spec/metadataOptions", defaults),
        Case::accepted(
            "part of the metadata options",
            options(json!({"httpTokens": "optional"})),
        )
        .with("/spec/metadataOptions/httpEndpoint", json!("enabled"))
        .with("/spec/metadataOptions/httpTokens", json!("optional")),
        Case::refused("-5 hops", hops(-5), "greater than or equal to 1"),
        Case::refused("0 hops", hops(0), "greater than or equal to 1"),
        Case::accepted("64 hops", hops(64)),
        Case::refused("65 hops", hops(65), "less than or equal to 64"),
    ];
    for field in ["httpEndpoint", "httpProtocolIPv6", "httpTokens"] {
        let name = format!("another {field}");
        let given = options(json!({field: "test"}));
        cases.push(Case::refused(&name, given, "Unsupported value"));
    }
    cases
}

/// Network interfaces and their connections.
pub(crate) fn interfaces() -> Vec<Case> {
    let interfaces = |list: Value| class(&json!({"networkInterfaces": list}));
    let card = |card: i32, device: i32, kind: &str| json!({"networkCardIndex": card, "deviceIndex": device, "interfaceType": kind});
    let primary = card(0, 0, "interface");
    let tracking = |options: Value| class(&json!({"connectionTracking": options}));
    let no_primary =
        "networkInterfaces must include a primary interface with interfaceType='interface'";
    let doubled = "networkInterfaces must not have duplicate networkCardIndex and deviceIndex pairs, and can have at most one efa device per network card";
    let with = |other: Value| interfaces(json!([primary, other]));
    let mut cases = vec![
        Case::accepted("no interfaces", interfaces(json!([]))),
        Case::accepted(
            "interfaces",
            interfaces(json!([
                primary,
                card(0, 1, "efa-only"),
                card(1, 0, "efa-only")
            ])),
        ),
        Case::refused("efa", with(card(0, 1, "efa")), "Unsupported value"),
        Case::refused(
            "a negative card",
            with(card(-1, 0, "interface")),
            "greater than or equal to 0",
        ),
        Case::refused(
            "a negative device",
            with(card(0, -1, "interface")),
            "greater than or equal to 0",
        ),
        Case::refused(
            "no primary interface",
            interfaces(json!([card(0, 1, "interface")])),
            no_primary,
        ),
        Case::refused(
            "a primary interface for EFA only",
            interfaces(json!([card(0, 0, "efa-only")])),
            no_primary,
        ),
        Case::refused("two interfaces alike", with(primary.clone()), doubled),
        Case::refused(
            "two EFA on a card",
            interfaces(json!([
                primary,
                card(0, 1, "efa-only"),
                card(0, 2, "efa-only")
            ])),
            doubled,
        ),
        Case::refused(
            "no connection tracking",
            tracking(json!({})),
            "at least one of tcpEstablishedTimeout, udpStreamTimeout, or udpTimeout must be set",
        ),
    ];
    for (field, least, most) in [
        ("tcpEstablishedTimeout", 60, 432_000),
        ("udpStreamTimeout", 60, 180),
        ("udpTimeout", 30, 60),
    ] {
        let case = |seconds: i32| {
            (
                format!("{field} {seconds}"),
                tracking(json!({field: seconds})),
            )
        };
        for good in [least, most] {
            let (name, given) = case(good);
            cases.push(Case::accepted(&name, given));
        }
        for (bad, message) in [
            (least - 1, format!("greater than or equal to {least}")),
            (most + 1, format!("less than or equal to {most}")),
        ] {
            let (name, given) = case(bad);
            cases.push(Case::refused(&name, given, &message));
        }
    }
    cases
}

/// Settings of the kubelet.
pub(crate) fn kubelet() -> Vec<Case> {
    let settings = json!({"maxPods": 110, "registryPullQPS": 10, "unknown": [1, {"a": null}],
        "any": {"thing": true, "deeper": {"list": ["a", 1.5]}}});
    vec![
        Case::accepted("no kubelet setting", class(&json!({"kubelet": {}}))),
        Case::accepted("any kubelet setting", with_kubelet(&settings))
            .with("/spec/kubelet", settings),
    ]
}

/// Not merged, so that nulls stay.
fn with_kubelet(settings: &Value) -> Value {
    let mut class = class(&json!({}));
    class["spec"]["kubelet"] = settings.clone();
    class
}

/// The rest.
pub(crate) fn others() -> Vec<Case> {
    let cpu = |options: Value| class(&json!({"cpuOptions": options}));
    let nested = |value: &str| cpu(json!({"nestedVirtualization": value}));
    vec![
        Case::accepted("nested virtualization", nested("enabled")),
        Case::accepted("no nested virtualization", nested("disabled")),
        Case::refused(
            "other nested virtualization",
            nested("invalid"),
            "Unsupported value",
        ),
        Case::accepted("empty options of the processor", cpu(json!({}))),
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
