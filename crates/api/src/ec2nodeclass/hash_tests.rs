//! The vectors of the specification.

use serde_json::{Value, json};

use super::*;

fn base() -> Value {
    let ebs = json!({"deleteOnTermination": false, "encrypted": false, "iops": 0,
        "kmsKeyID": "fakeKMSKeyID", "snapshotID": "fakeSnapshot", "throughput": 0,
        "volumeSize": "2G", "volumeType": "standard"});
    json!({
        "role": "role-1", "amiFamily": "Custom", "context": "fake-context",
        "tags": {"keyTag-1": "valueTag-1", "keyTag-2": "valueTag-2"},
        "detailedMonitoring": false, "associatePublicIPAddress": false,
        "userData": "userdata-test-1",
        "metadataOptions": {"httpEndpoint": "disabled", "httpProtocolIPv6": "disabled",
            "httpPutResponseHopLimit": 1, "httpTokens": "optional"},
        "blockDeviceMappings": [
            {"deviceName": "map-device-1", "ebs": ebs}, {"deviceName": "map-device-2"}],
    })
}

fn hash(spec: &Value, ca_bundle: &str) -> String {
    let class: Ec2NodeClass = serde_json::from_value(json!({"spec": spec})).expect("a class");
    class.hash(ca_bundle)
}

/// Base with a value at a place; null removes.
fn changed(pointer: &str, value: Value) -> String {
    let mut spec = base();
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
    let parent = spec.pointer_mut(parent).expect("the parent is there");
    if value.is_null() {
        parent.as_object_mut().expect("a map").remove(field);
    } else {
        parent[field] = value;
    }
    hash(&spec, "test-ca-bundle")
}

/// HASH-1
#[test]
fn hashes_of_changed_fields_equal_those_that_clusters_have() {
    assert_eq!(hash(&base(), "test-ca-bundle"), "11148166120438674859");
    let ebs = "/blockDeviceMappings/0/ebs";
    for (pointer, value, expected) in [
        (
            "/userData",
            json!("userdata-test-2"),
            "11774429238106843388",
        ),
        (
            "/tags/keyTag-test-3",
            json!("valueTag-test-3"),
            "9327338697296909506",
        ),
        ("/context", json!("context-2"), "2279761750428738028"),
        ("/detailedMonitoring", json!(true), "1936848126751988570"),
        (
            "/instanceStorePolicy",
            json!("RAID0"),
            "16697988646989909967",
        ),
        (
            "/associatePublicIPAddress",
            json!(true),
            "16141801171825097963",
        ),
        (
            "/metadataOptions/httpEndpoint",
            json!("enabled"),
            "14969742554812447671",
        ),
        (
            "/metadataOptions/httpProtocolIPv6",
            json!("enabled"),
            "1581716956216772561",
        ),
        (
            "/metadataOptions/httpPutResponseHopLimit",
            json!(10),
            "14046948658064232764",
        ),
        (
            "/metadataOptions/httpTokens",
            json!("required"),
            "1346719102507290084",
        ),
        (
            "/blockDeviceMappings/0/deviceName",
            json!("map-device-test-3"),
            "8979166653850509463",
        ),
        (
            "/blockDeviceMappings/0/rootVolume",
            json!(true),
            "8875796205856543692",
        ),
        (
            "/connectionTracking",
            json!({"tcpEstablishedTimeout": 300}),
            "1619669030802245540",
        ),
        (
            "/connectionTracking",
            json!({"udpStreamTimeout": 120}),
            "13743705849402595405",
        ),
        (
            "/connectionTracking",
            json!({"udpTimeout": 45}),
            "17941926745862994490",
        ),
        (
            "/cpuOptions",
            json!({"nestedVirtualization": "enabled"}),
            "6157846767212910604",
        ),
    ] {
        assert_eq!(changed(pointer, value), expected, "{pointer}");
    }
    for (field, value, expected) in [
        ("deleteOnTermination", json!(true), "1470935115846151531"),
        ("encrypted", json!(true), "5252376125396833097"),
        ("iops", json!(10), "11651419893470054855"),
        ("kmsKeyID", json!("test"), "1488385067008138755"),
        ("snapshotID", json!("test"), "12786013539168652330"),
        ("throughput", json!(10), "1873429003468556999"),
        ("volumeType", json!("io1"), "6743466905516550702"),
        ("volumeSize", json!("10G"), "10372902467896351912"),
    ] {
        assert_eq!(
            changed(&format!("{ebs}/{field}"), value),
            expected,
            "{field}"
        );
    }
}

/// HASH-1: the row of a profile.
#[test]
fn a_profile_in_place_of_a_role_has_its_own_hash() {
    let mut spec = base();
    spec["role"].take();
    spec.as_object_mut().expect("a map").remove("role");
    spec["instanceProfile"] = json!("test-instance-profile");
    assert_eq!(hash(&spec, "test-ca-bundle"), "10323991363677716244");
}

/// HASH-1: further vectors.
#[test]
fn hashes_of_plain_classes_equal_those_that_clusters_have() {
    let plain = |extra: &Value| {
        let mut spec = json!({"role": "KarpenterNodeRole-test", "amiFamily": "AL2023"});
        for (key, value) in extra.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        hash(&spec, "")
    };
    let interfaces = json!([
        {"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"},
        {"networkCardIndex": 0, "deviceIndex": 1, "interfaceType": "efa-only"}]);
    for (extra, expected) in [
        (json!({}), "16720736721164967271"),
        (json!({"kubelet": {"maxPods": 110}}), "3860062853254784374"),
        (
            json!({"networkInterfaces": interfaces}),
            "18158634491834303465",
        ),
        (
            json!({"placementGroupSelector": {"name": "my-pg"}}),
            "3328640840900054147",
        ),
        (json!({"amiFamily": "Bottlerocket"}), "12131203828761288843"),
    ] {
        assert_eq!(plain(&extra), expected, "{extra}");
    }
}

/// HASH-2
#[test]
fn the_order_of_tags_and_disks_does_not_count() {
    let base = base();
    let text = base.to_string();
    let tags = r#"{"keyTag-1":"valueTag-1","keyTag-2":"valueTag-2"}"#;
    let turned = r#"{"keyTag-2":"valueTag-2","keyTag-1":"valueTag-1"}"#;
    assert!(text.contains(tags), "{text}");
    let parsed: Ec2NodeClass =
        serde_json::from_str(&format!("{{\"spec\":{}}}", text.replace(tags, turned)))
            .expect("a class");
    assert_eq!(parsed.hash("test-ca-bundle"), "11148166120438674859");
    let mut disks = base;
    disks["blockDeviceMappings"]
        .as_array_mut()
        .expect("a list")
        .reverse();
    assert_eq!(hash(&disks, "test-ca-bundle"), "11148166120438674859");
}

/// HASH-3
#[test]
fn what_is_selected_does_not_count() {
    for (field, value) in [
        ("/amiSelectorTerms", json!([{"id": "ami-9"}])),
        ("/subnetSelectorTerms", json!([{"id": "subnet-9"}])),
        ("/securityGroupSelectorTerms", json!([{"name": "group"}])),
        ("/capacityReservationSelectorTerms", json!([{"id": "cr-9"}])),
        ("/ipPrefixCount", json!(2)),
    ] {
        assert_eq!(changed(field, value), "11148166120438674859", "{field}");
    }
}

/// HASH-4
#[test]
fn a_family_counts_and_not_how_it_is_said() {
    let plain = json!({"role": "r", "amiFamily": "AL2023"});
    let alias = json!({"role": "r", "amiSelectorTerms": [{"alias": "al2023@latest"}]});
    assert_eq!(hash(&plain, ""), hash(&alias, ""));
    let both = json!({"role": "r", "amiFamily": "AL2023",
        "amiSelectorTerms": [{"alias": "al2023@v20240625"}]});
    assert_eq!(hash(&plain, ""), hash(&both, ""));
    let other = json!({"role": "r", "amiSelectorTerms": [{"alias": "al2@latest"}]});
    assert_ne!(hash(&plain, ""), hash(&other, ""));
}

/// HASH-5
#[test]
fn values_of_the_kubelet_in_another_order_are_other_values() {
    let with = |reserved: Value| hash(&json!({"role": "r", "kubelet": reserved}), "");
    let one = with(json!({"kubeReserved": {"cpu": "12m", "memory": "34Mi"}}));
    let other = with(json!({"kubeReserved": {"cpu": "34m", "memory": "12Mi"}}));
    assert_ne!(one, other);
    assert_ne!(
        with(json!({"clusterDNS": ["10.0.0.1", "10.0.0.2"]})),
        with(json!({"clusterDNS": ["10.0.0.2", "10.0.0.1"]})),
    );
    assert_ne!(with(json!({"maxPods": 12})), with(json!({"maxPods": 21})));
}

/// HASH-6
#[test]
fn no_settings_of_the_kubelet_are_empty_ones() {
    assert_eq!(changed("/kubelet", json!({})), "11148166120438674859");
}
