use serde_json::json;

use super::*;
use crate::ec2::Threshold;

fn settings(spec: serde_json::Value) -> NodeSettings {
    let class = json!({"metadata": {"name": "default"}, "spec": spec});
    NodeSettings::from_class(&serde_json::from_value(class).unwrap())
}

#[test]
fn an_ordinary_class_means_the_defaults() {
    let spec = json!({"amiSelectorTerms": [{"alias": "al2023@latest"}], "role": "r"});
    assert_eq!(settings(spec), NodeSettings::default());
}

#[test]
fn the_kubelet_is_read_as_far_as_it_is_resolved() {
    let kubelet = settings(json!({
        "amiSelectorTerms": [{"alias": "bottlerocket@latest"}],
        "kubelet": {
            "maxPods": 42,
            "podsPerCore": 4,
            "kubeReserved": {"cpu": "200m", "memory": "memory_mib / 100"},
            "systemReserved": {"memory": "100Mi", "pid": 100},
            "evictionHard": {"memory.available": "5%", "nodefs.available": "1Gi"},
        },
    }))
    .kubelet;
    assert_eq!(
        (kubelet.max_pods, kubelet.pods_per_core),
        (Some(42), Some(4))
    );
    let names = |list: &model::ResourceList| {
        list.iter()
            .map(|(name, amount)| format!("{name}={amount}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&kubelet.kube_reserved), ["cpu=200m"]);
    assert_eq!(names(&kubelet.system_reserved), ["memory=100Mi", "pid=100"]);
    let part = Threshold::Part("0.05".parse().unwrap());
    assert_eq!(kubelet.eviction_hard["memory.available"], part);
    let amount = Threshold::Amount("1Gi".parse().unwrap());
    assert_eq!(kubelet.eviction_hard["nodefs.available"], amount);
    let expression = settings(json!({"kubelet": {"maxPods": "vcpus * 8"}}));
    assert_eq!(expression.kubelet.max_pods, None);
}

/// IT-19.
#[test]
fn the_volume_is_the_root_or_the_last_or_the_one_on_the_familys_device() {
    let mapping = |device: &str, size: &str, root: bool| json!({"deviceName": device, "ebs": {"volumeSize": size}, "rootVolume": root});
    let volume = |alias: Option<&str>, mappings: &[serde_json::Value]| {
        let term = alias.map_or_else(|| json!({"id": "ami-1"}), |alias| json!({"alias": alias}));
        let spec = json!({"amiSelectorTerms": [term], "blockDeviceMappings": mappings});
        settings(spec).volume.map(|size| size.to_string())
    };
    let (first, second) = (
        mapping("/dev/xvda", "30Gi", false),
        mapping("/dev/xvdb", "40Gi", false),
    );
    let both = [first.clone(), second.clone()];
    assert_eq!(
        volume(Some("al2023@latest"), &both).as_deref(),
        Some("30Gi")
    );
    assert_eq!(
        volume(Some("bottlerocket@latest"), &both).as_deref(),
        Some("40Gi")
    );
    assert_eq!(volume(Some("windows2022@latest"), &both), None);
    assert_eq!(volume(None, &both).as_deref(), Some("40Gi"));
    let root = [first, second, mapping("/dev/xvdc", "50Gi", true)];
    assert_eq!(
        volume(Some("al2023@latest"), &root).as_deref(),
        Some("50Gi")
    );
    assert_eq!(volume(None, &[]), None);
}

#[test]
fn local_disks_and_efa_interfaces_are_read() {
    let settings = settings(json!({
        "instanceStorePolicy": "RAID0",
        "networkInterfaces": [
            {"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"},
            {"networkCardIndex": 0, "deviceIndex": 1, "interfaceType": "efa-only"},
            {"networkCardIndex": 1, "deviceIndex": 0, "interfaceType": "efa-only"},
        ],
    }));
    assert_eq!(settings.instance_store, InstanceStore::Raid0);
    assert_eq!(
        settings.efa_only,
        Some(EfaOnly {
            total: 2,
            on_default_card: 1
        })
    );
}

#[test]
fn families_are_known_by_their_names() {
    let names = [
        "AL2",
        "AL2023",
        "Bottlerocket",
        "Ubuntu",
        "Windows2019",
        "Windows2022",
        "Windows2025",
        "Custom",
    ];
    for name in names {
        assert_eq!(AmiFamily::from_name(name).name(), name);
    }
    assert_eq!(AmiFamily::from_name("Plan9"), AmiFamily::Al2);
}

#[test]
fn ubuntu_has_the_capacity_of_al2_and_its_own_root_device() {
    let machine = crate::ec2::bundled_machines().remove(0);
    let with = |family| NodeSettings {
        family,
        ..NodeSettings::default()
    };
    let (ubuntu, al2) = (with(AmiFamily::Ubuntu), with(AmiFamily::Al2));
    let capacity = |settings| crate::ec2::capacity::capacity(&machine, settings);
    let overhead = |settings| crate::ec2::capacity::overhead(&machine, settings);
    assert_eq!(capacity(&ubuntu), capacity(&al2));
    assert_eq!(overhead(&ubuntu), overhead(&al2));
    let volumes = json!([
        {"deviceName": "/dev/xvda", "ebs": {"volumeSize": "100Gi"}},
        {"deviceName": "/dev/sda1", "ebs": {"volumeSize": "30Gi"}},
    ]);
    let settings = settings(json!({"amiFamily": "Ubuntu", "blockDeviceMappings": volumes}));
    assert_eq!(settings.volume, Some("30Gi".parse().unwrap()));
}
