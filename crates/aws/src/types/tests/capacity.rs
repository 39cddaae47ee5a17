//! What machines have and what their labels are, as types of a class.

use serde_json::json;

use super::*;

/// IT-1: every well-known label has the value that the machine has; what live data lack comes from
/// built-in figures.
#[test]
fn every_label_has_its_value() {
    let g4dn = Scene::new().get("g4dn.8xlarge");
    for (key, value) in [
        ("node.kubernetes.io/instance-type", "g4dn.8xlarge"),
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/os", "linux"),
        ("node.kubernetes.io/windows-build", "absent"),
        ("topology.kubernetes.io/region", "us-west-2"),
        ("topology.kubernetes.io/zone", "test-zone-1a,test-zone-1b"),
        ("topology.k8s.aws/zone-id", "tstz1-1a,tstz1-1b"),
        ("karpenter.sh/capacity-type", "on-demand,spot"),
        ("instance-category", "g"),
        ("instance-generation", "4"),
        ("instance-family", "g4dn"),
        ("instance-size", "8xlarge"),
        ("instance-capability-flex", "false"),
        ("instance-cpu", "32"),
        ("instance-cpu-manufacturer", "intel"),
        ("instance-cpu-sustained-clock-speed-mhz", "2500"),
        ("instance-memory", "131072"),
        ("instance-ebs-bandwidth", "9500"),
        ("instance-network-bandwidth", "50000"),
        ("instance-local-nvme", "900"),
        ("instance-gpu-name", "t4"),
        ("instance-gpu-manufacturer", "nvidia"),
        ("instance-gpu-count", "1"),
        ("instance-gpu-memory", "16384"),
        ("instance-accelerator-name", "absent"),
        ("instance-accelerator-manufacturer", "absent"),
        ("instance-accelerator-count", "absent"),
        ("instance-hypervisor", "nitro"),
        ("instance-encryption-in-transit-supported", "true"),
        ("nitro-sandbox", "true"),
        ("instance-tenancy", "dedicated,default"),
        ("capacity-reservation-id", "absent"),
        ("capacity-reservation-type", "absent"),
        ("capacity-reservation-interruptible", "absent"),
        ("placement-group-id", "absent"),
        ("placement-group-partition", "absent"),
    ] {
        assert_eq!(label(&g4dn, key), value, "{key}");
    }
}

/// IT-1: no type lacks a well-known label or has one that is none.
#[test]
fn every_type_defines_every_well_known_label() {
    let vocabulary = requirements::Vocabulary::aws();
    for ty in Scene::new().list().iter() {
        for key in vocabulary.well_known_labels() {
            let of_the_pool = &**key == "karpenter.sh/nodepool";
            // A type that no zone with a subnet offers has no zone ids either.
            let nowhere = &**key == "topology.k8s.aws/zone-id" && ty.name.starts_with("t4g");
            assert_eq!(
                ty.requirements.contains(key),
                !of_the_pool && !nowhere,
                "{} {key}",
                ty.name
            );
        }
        assert!(
            ty.requirements
                .keys()
                .all(|key| vocabulary.is_well_known(key))
        );
    }
    let t4g = Scene::new().get("t4g.small");
    assert_eq!(label(&t4g, "topology.kubernetes.io/zone"), "");
}

/// IT-3: accelerators of AWS.
#[test]
fn neuron_devices_are_accelerators() {
    let inf2 = Scene::new().get("inf2.xlarge");
    let of = |name: &str| label(&inf2, &format!("instance-accelerator-{name}"));
    assert_eq!(
        ["name", "manufacturer", "count"].map(of),
        ["inferentia2", "aws", "1"]
    );
}

/// IT-21: whether enclaves run on a machine.
#[test]
fn enclaves_are_a_label() {
    let scene = Scene::new();
    let of = |name: &str| label(&scene.get(name), "nitro-sandbox");
    assert_eq!([of("m5.xlarge"), of("m5.large")], ["true", "false"]);
}

/// IT-11, IT-12, IT-13, IT-14: pods, and what the kubelet reserves for them, through the settings
/// of a class and of the process.
#[test]
fn settings_of_the_class_and_of_the_process_decide_about_pods() {
    let of = |spec: Value, reserved_enis: u64| {
        let mut scene = Scene::with(spec);
        scene.options.reserved_enis = reserved_enis;
        let t3 = scene.get("t3.large");
        let memory = t3.overhead.kube_reserved["memory"].to_string();
        (amount(&t3, "pods"), memory)
    };
    let family = |name: &str| json!({"amiFamily": name});
    let ten = |name: &str| json!({"amiFamily": name, "kubelet": {"maxPods": 10}});
    let pods = |pods: &str, memory: &str| (pods.to_owned(), memory.to_owned());
    assert_eq!(of(json!({}), 0), pods("35", "640Mi"));
    assert_eq!(of(json!({}), 1), pods("24", "640Mi"));
    assert_eq!(of(json!({}), 1_000_000), pods("0", "640Mi"));
    for name in ["AL2", "AL2023", "Custom"] {
        assert_eq!(of(ten(name), 0), pods("10", "640Mi"), "{name}");
        assert_eq!(of(family(name), 1), pods("24", "640Mi"), "{name}");
    }
    assert_eq!(of(ten("Bottlerocket"), 0), pods("10", "365Mi"));
    assert_eq!(of(ten("Windows2022"), 0), pods("10", "365Mi"));
    assert_eq!(of(family("Bottlerocket"), 1), pods("24", "519Mi"));
    assert_eq!(of(family("Windows2022"), 1), pods("110", "1465Mi"));
    let kubelet = |settings: Value| json!({"kubelet": settings});
    let number = |spec: Value| of(spec, 0).0;
    assert_eq!(number(kubelet(json!({"podsPerCore": 4}))), "8");
    assert_eq!(
        number(kubelet(json!({"podsPerCore": 20, "maxPods": 10}))),
        "10"
    );
    assert_eq!(number(kubelet(json!({"podsPerCore": 0}))), "35");
    let bottlerocket = json!({"amiFamily": "Bottlerocket", "kubelet": {"podsPerCore": 1}});
    assert_eq!(number(bottlerocket), "35");
}

/// IT-12: `maxPods` holds for every type.
#[test]
fn max_pods_holds_for_every_type() {
    let scene = Scene::with(json!({"kubelet": {"maxPods": 10}}));
    assert!(scene.list().iter().all(|ty| amount(ty, "pods") == "10"));
}

/// IT-15, IT-16: what is kept from pods.
#[test]
fn reserved_resources_and_thresholds_are_as_the_class_says() {
    let overhead = |spec: Value, overhead: &str| {
        let mut scene = Scene::with(spec);
        scene.options.memory_overhead = overhead.parse().expect("a quantity");
        scene.get("m5.xlarge").overhead.clone()
    };
    let of = |list: &model::ResourceList, name: &str| list.get(name).map(ToString::to_string);
    let plain = overhead(json!({}), "0.075");
    let all = ["cpu", "memory", "ephemeral-storage"].map(|name| of(&plain.kube_reserved, name));
    let expected = ["80m", "893Mi", "1Gi"].map(|amount| Some(amount.to_owned()));
    assert_eq!(all, expected);
    assert!(plain.system_reserved.is_empty());
    assert_eq!(
        of(&plain.eviction_threshold, "memory").as_deref(),
        Some("100Mi")
    );

    let kubelet = json!({"kubelet": {
        "kubeReserved": {"cpu": "3"}, "systemReserved": {"memory": "20Gi"},
        "evictionSoft": {"memory.available": "50%"},
        "evictionSoftGracePeriod": {"memory.available": "1m"},
    }});
    let own = overhead(kubelet, "0.075");
    assert_eq!(of(&own.kube_reserved, "cpu").as_deref(), Some("3"));
    assert_eq!(of(&own.kube_reserved, "memory").as_deref(), Some("893Mi"));
    assert_eq!(of(&own.system_reserved, "memory").as_deref(), Some("20Gi"));
    assert_eq!(
        of(&own.eviction_threshold, "memory").as_deref(),
        Some("100Mi")
    );

    for (threshold, expected) in [
        ("500Mi", "500Mi"),
        // A tenth of 16 GiB, rounded up to bytes.
        ("10%", "1717986919"),
        ("100%", "0"),
    ] {
        let hard = json!({"kubelet": {"evictionHard": {"memory.available": threshold}}});
        let found = overhead(hard, "0").eviction_threshold;
        assert_eq!(
            of(&found, "memory").as_deref(),
            Some(expected),
            "{threshold}"
        );
    }
}

/// IT-17: what nodes were seen to report, by their owners: `kubectl describe node` of an m5.large
/// and an m5.xlarge, and the allocatable memory of an i4i.32xlarge.
#[test]
fn no_more_is_promised_than_nodes_were_seen_to_have() {
    let mut scene = Scene::new();
    scene.add("i4i.32xlarge");
    for (name, capacity, allocatable) in [
        ("m5.large", Some("7867456Ki"), None),
        ("m5.xlarge", Some("15921668Ki"), Some("14904836Ki")),
        ("i4i.32xlarge", None, Some("1007423Mi")),
    ] {
        let ty = scene.get(name);
        let quantity = |text: &str| text.parse::<model::Quantity>().expect("a quantity");
        for (ours, seen) in [
            (ty.capacity.get("memory").copied(), capacity),
            (ty.allocatable_amount("memory"), allocatable),
        ] {
            let Some(seen) = seen else { continue };
            assert!(
                ours.expect("memory") <= quantity(seen),
                "{name}: {ours:?} {seen}"
            );
        }
    }
    let xlarge = scene.get("m5.xlarge").allocatable_amount("cpu");
    assert_eq!(xlarge.map(|cpu| cpu.to_string()).as_deref(), Some("3920m"));
}

/// IT-18: interfaces that the class gives to EFA take room for pods on their card.
#[test]
fn efa_only_interfaces_take_room_for_pods() {
    let interface = |card: u32, device: u32, kind: &str| json!({"networkCardIndex": card, "deviceIndex": device, "interfaceType": kind});
    let of = |second: Value| {
        let interfaces = json!([interface(0, 0, "interface"), second]);
        let scene = Scene::with(json!({"networkInterfaces": interfaces}));
        let ty = scene.get("m6idn.32xlarge");
        (amount(&ty, "pods"), amount(&ty, "vpc.amazonaws.com/efa"))
    };
    assert_eq!(of(interface(0, 1, "efa-only")), ("345".into(), "1".into()));
    assert_eq!(of(interface(1, 1, "efa-only")), ("394".into(), "1".into()));
    let plain = Scene::new().get("m6idn.32xlarge");
    assert_eq!(amount(&plain, "vpc.amazonaws.com/efa"), "2");
}

/// IT-19: where pods' files are.
#[test]
fn ephemeral_storage_is_that_of_the_right_volume() {
    let of = |spec: Value, name: &str| amount(&Scene::with(spec).get(name), "ephemeral-storage");
    let family =
        |name: &str, devices: Value| json!({"amiFamily": name, "blockDeviceMappings": devices});
    let unsized_root = json!([{"rootVolume": true, "ebs": {}}]);
    assert_eq!(
        of(family("Custom", json!([{"ebs": {}}])), "m5.large"),
        "20Gi"
    );
    for name in ["AL2", "AL2023", "Bottlerocket"] {
        assert_eq!(
            of(family(name, unsized_root.clone()), "m5.large"),
            "20Gi",
            "{name}"
        );
    }
    let root = json!([
        {"deviceName": "/dev/xvda", "ebs": {"volumeSize": "20Gi"}},
        {"deviceName": "/dev/xvdb", "rootVolume": true, "ebs": {"volumeSize": "40Gi"}},
    ]);
    assert_eq!(of(family("AL2023", root), "m5.large"), "40Gi");
    let raid = json!({"instanceStorePolicy": "RAID0"});
    assert_eq!(of(raid.clone(), "m6idn.32xlarge"), "7600G");
    assert_eq!(of(raid, "m5.large"), "20Gi");
}

/// IT-20: firmware of ARM machines takes 64 MiB before the overhead is counted.
#[test]
fn memory_is_an_estimate_with_less_on_arm() {
    let scene = Scene::new();
    assert_eq!(amount(&scene.get("c6g.large"), "memory"), "3729Mi");
    assert_eq!(amount(&scene.get("m5.large"), "memory"), "7577Mi");
}

/// IT-33: memory that a node was seen to have holds at once, as long as the image is the same.
#[test]
fn memory_that_was_seen_replaces_the_estimate() {
    let mut scene = Scene::new();
    let mut types = scene.types();
    let of = |scene: &Scene, types: &mut ClassTypes, name: &str| {
        amount(&find(&scene.update(types), name), "memory")
    };
    assert_eq!(of(&scene, &mut types, "m5.large"), "7577Mi");
    let see = |scene: &mut Scene, name: &str, image: &str, memory: &str| {
        let memory = memory.parse().expect("a quantity");
        scene.memory.observe(name, image, memory, NOW);
    };
    let before = scene.update(&mut types);
    see(&mut scene, "m5.large", "ami-test1", "7700Mi");
    assert_eq!(of(&scene, &mut types, "m5.large"), "7700Mi");
    let after = scene.update(&mut types);
    let same = |name: &str| Arc::ptr_eq(&find(&before, name), &find(&after, name));
    assert!(
        same("m5.xlarge") && !same("m5.large"),
        "only that type changes"
    );
    let evicts =
        |list: &[Arc<InstanceType>]| find(list, "m5.large").overhead.eviction_threshold.clone();
    assert_eq!(evicts(&before), evicts(&after));

    see(&mut scene, "m5.large", "ami-test1", "7600Mi");
    assert_eq!(of(&scene, &mut types, "m5.large"), "7600Mi");
    see(&mut scene, "m5.large", "ami-test1", "7650Mi");
    assert_eq!(of(&scene, &mut types, "m5.large"), "7600Mi");
    // The image of ARM machines is the last one of the class.
    see(&mut scene, "c6g.large", "ami-test4", "3700Mi");
    assert_eq!(of(&scene, &mut types, "c6g.large"), "3700Mi");

    scene.class.status.amis[0].id = "ami-newer".to_owned();
    let mut types = scene.types();
    assert_eq!(of(&scene, &mut types, "m5.large"), "7577Mi");
    assert_eq!(of(&scene, &mut types, "c6g.large"), "3700Mi");
}
