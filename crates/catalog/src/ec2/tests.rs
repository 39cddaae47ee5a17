use model::ResourceList;
use requirements::Requirements;

use super::*;
use crate::CapacityType;

fn machine(name: &str) -> Machine {
    table::rows()
        .find(|row| row.name() == name)
        .map(|row| row.machine())
        .unwrap()
}

fn family(family: AmiFamily) -> NodeSettings {
    NodeSettings {
        family,
        ..NodeSettings::default()
    }
}

fn with_kubelet(kubelet: Kubelet) -> NodeSettings {
    NodeSettings {
        kubelet,
        ..NodeSettings::default()
    }
}

fn text(list: &ResourceList, resource: &str) -> String {
    list.get(resource)
        .map_or_else(|| "absent".to_owned(), ToString::to_string)
}

fn labels_of(catalog: &Catalog, name: &str) -> Requirements {
    catalog.get(name).unwrap().requirements.clone()
}

fn label(requirements: &Requirements, key: &str) -> String {
    let key = if key.contains('/') {
        key.to_owned()
    } else {
        format!("karpenter.k8s.aws/{key}")
    };
    let requirement = requirements
        .get(&key)
        .unwrap_or_else(|| panic!("no requirement on {key}"));
    let values: Vec<&str> = requirement.values().iter().map(|value| &**value).collect();
    if requirement.admits_absence() {
        "absent".to_owned()
    } else {
        values.join(",")
    }
}

#[test]
fn the_table_is_whole_and_sorted() {
    assert_eq!(table::header(), table::COLUMNS);
    let machines = bundled_machines();
    assert_eq!(machines.len(), 1386);
    assert!(machines.is_sorted_by(|a, b| a.name < b.name));
    for machine in &machines {
        assert!(
            matches!(machine.architecture.as_str(), "amd64" | "arm64"),
            "{machine:?}"
        );
        assert!(machine.vcpus > 0 && machine.memory_mib > 0, "{machine:?}");
        assert!(
            machine.interfaces > 0 && machine.ipv4_per_interface > 0,
            "{machine:?}"
        );
        assert!(machine.usage.on_demand || machine.usage.spot, "{machine:?}");
        assert!(machine.category_and_generation().is_some(), "{machine:?}");
        assert!(machine.size().is_some(), "{machine:?}");
    }
    assert_eq!(
        machines
            .iter()
            .filter(|machine| !machine.gpus.is_empty())
            .count(),
        65
    );
    assert_eq!(
        machines
            .iter()
            .filter(|machine| !machine.neuron.is_empty())
            .count(),
        13
    );
    assert_eq!(
        machines
            .iter()
            .filter(|machine| !machine.inference.is_empty())
            .count(),
        9
    );
    assert_eq!(bundled_on_demand_prices("us-west-2").len(), 1367);
}

#[test]
fn every_region_of_the_table_has_a_catalog() {
    let regions = bundled_regions();
    assert_eq!(regions.len(), 30);
    for region in regions {
        let catalog = bundled(&Ec2Options {
            region: region.clone(),
            ..Ec2Options::default()
        });
        let catalog = catalog.unwrap();
        assert!(
            catalog.types.len() > 250,
            "{region}: {}",
            catalog.types.len()
        );
        assert!(
            catalog.zones().iter().all(|zone| zone.starts_with(&region)),
            "{region}"
        );
        let m5 = catalog
            .get("m5.large")
            .or_else(|| catalog.get("m6i.large"))
            .unwrap();
        assert!(m5.available_offerings().count() > 0, "{region}");
    }
}

#[test]
fn the_default_is_us_west_2_with_its_four_zones() {
    let catalog = bundled(&Ec2Options::default()).unwrap();
    let zones: Vec<_> = catalog.zones().into_iter().collect();
    assert_eq!(
        zones,
        ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d"].map(Arc::from)
    );
    let large = catalog.get("m5.large").unwrap();
    assert_eq!(large.offerings.len(), 8);
    assert!(large.offerings.iter().all(|offering| offering.available));
    assert!(
        catalog
            .types
            .is_sorted_by_key(|instance_type| instance_type.name.clone())
    );
}

#[test]
fn unknown_regions_and_zones_are_refused_with_what_there_is() {
    let options = Ec2Options {
        region: "us-gov-west-1".to_owned(),
        ..Ec2Options::default()
    };
    let error = bundled(&options).unwrap_err().to_string();
    assert!(error.starts_with("region \"us-gov-west-1\" is not in the bundled table; it has af-"));
    let zones = BTreeSet::from(["us-west-2e".to_owned()]);
    let error = bundled(&Ec2Options {
        zones,
        ..Ec2Options::default()
    })
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "zone \"us-west-2e\" is not in region us-west-2; it has us-west-2a, us-west-2b, \
         us-west-2c, us-west-2d"
    );
}

/// The worked example: two vCPUs, 8192 MiB, 29 pods.
#[test]
fn an_m5_large_has_the_capacity_of_the_worked_example() {
    let catalog = bundled(&Ec2Options::default()).unwrap();
    let large = catalog.get("m5.large").unwrap();
    let expected = [
        ("cpu", "2", "1930m"),
        ("memory", "7577Mi", "6903Mi"),
        ("pods", "29", "29"),
        ("ephemeral-storage", "20Gi", "17Gi"),
        ("vpc.amazonaws.com/pod-eni", "9", "9"),
        ("nvidia.com/gpu", "0", "0"),
        ("vpc.amazonaws.com/efa", "0", "0"),
        ("vpc.amazonaws.com/PrivateIPv4Address", "absent", "absent"),
    ];
    let allocatable = large.allocatable();
    for (resource, capacity, free) in expected {
        assert_eq!(text(&large.capacity, resource), capacity, "{resource}");
        assert_eq!(text(&allocatable, resource), free, "{resource}");
    }
    assert_eq!(text(&large.overhead.kube_reserved, "cpu"), "70m");
    assert_eq!(text(&large.overhead.kube_reserved, "memory"), "574Mi");
}

/// IT-15, IT-20.
#[test]
fn other_worked_examples_agree() {
    let settings = NodeSettings::default();
    let xlarge = capacity::overhead(&machine("m5.xlarge"), &settings);
    let reserved = ["cpu", "memory", "ephemeral-storage"];
    assert_eq!(
        reserved.map(|r| text(&xlarge.kube_reserved, r)),
        ["80m", "893Mi", "1Gi"]
    );
    assert!(xlarge.system_reserved.is_empty());
    let arm = capacity::capacity(&machine("c6g.large"), &settings);
    assert_eq!(text(&arm, "memory"), "3729Mi");
    let big = capacity::overhead(&machine("m5.24xlarge"), &settings);
    assert_eq!(text(&big.kube_reserved, "cpu"), "310m");
}

/// IT-11, IT-12.
#[test]
fn pods_follow_the_interfaces_and_the_kubelet() {
    let t3 = machine("t3.large");
    let reserving = |reserved_enis| NodeSettings {
        reserved_enis,
        ..NodeSettings::default()
    };
    assert_eq!(pods(&t3, &reserving(0)), 35);
    assert_eq!(pods(&t3, &reserving(1)), 24);
    assert_eq!(pods(&t3, &reserving(1_000_000)), 0);
    assert_eq!(pods(&t3, &family(AmiFamily::Windows2022)), 110);
    assert_eq!(pods(&machine("m6idn.32xlarge"), &reserving(0)), 394);
    assert_eq!(pods(&machine("m6idn.32xlarge"), &reserving(1)), 345);
    let kubelet = |max_pods, pods_per_core| {
        with_kubelet(Kubelet {
            max_pods,
            pods_per_core,
            ..Kubelet::default()
        })
    };
    assert_eq!(pods(&t3, &kubelet(Some(10), None)), 10);
    assert_eq!(pods(&t3, &kubelet(None, Some(4))), 8);
    assert_eq!(pods(&t3, &kubelet(Some(10), Some(20))), 10);
    assert_eq!(pods(&t3, &kubelet(None, Some(0))), 35);
    let mut bottlerocket = kubelet(None, Some(1));
    bottlerocket.family = AmiFamily::Bottlerocket;
    assert_eq!(pods(&t3, &bottlerocket), 35);
}

/// IT-13, IT-14.
#[test]
fn memory_for_the_kubelet_depends_on_the_family() {
    use AmiFamily::{Al2, Al2023, Bottlerocket, Custom, Windows2019};
    let reserved = |settings: &NodeSettings| {
        text(
            &capacity::overhead(&machine("t3.large"), settings).kube_reserved,
            "memory",
        )
    };
    for (of, ten_pods, one_reserved) in [
        (Al2, "640Mi", "640Mi"),
        (Al2023, "640Mi", "640Mi"),
        (Custom, "640Mi", "640Mi"),
        (Bottlerocket, "365Mi", "519Mi"),
        (Windows2019, "365Mi", "1465Mi"),
    ] {
        let mut settings = family(of);
        settings.kubelet.max_pods = Some(10);
        assert_eq!(reserved(&settings), ten_pods, "{of:?}");
        let settings = NodeSettings {
            reserved_enis: 1,
            ..family(of)
        };
        assert_eq!(reserved(&settings), one_reserved, "{of:?}");
    }
}

/// IT-15, IT-16.
#[test]
fn the_kubelet_can_reserve_and_evict_as_it_is_told() {
    let memory = |amount: &str| {
        ResourceList::from([("memory".to_owned(), amount.parse::<Quantity>().unwrap())])
    };
    let mut settings = with_kubelet(Kubelet {
        kube_reserved: memory("1Gi"),
        system_reserved: memory("50Mi"),
        ..Kubelet::default()
    });
    settings.memory_overhead = Quantity::ZERO;
    let overhead = capacity::overhead(&machine("m5.large"), &settings);
    assert_eq!(text(&overhead.kube_reserved, "memory"), "1Gi");
    assert_eq!(text(&overhead.kube_reserved, "cpu"), "70m");
    assert_eq!(text(&overhead.system_reserved, "memory"), "50Mi");
    for (threshold, expected) in [
        ("500Mi", "500Mi"),
        ("10%", "858993460"),
        ("100%", "0"),
        ("0%", "0"),
        ("2.5%", "214748365"),
    ] {
        let hard = BTreeMap::from([("memory.available".to_owned(), threshold.parse().unwrap())]);
        settings.kubelet.eviction_hard = hard;
        let overhead = capacity::overhead(&machine("m5.large"), &settings);
        assert_eq!(
            text(&overhead.eviction_threshold, "memory"),
            expected,
            "{threshold}"
        );
        assert_eq!(
            text(&overhead.eviction_threshold, "ephemeral-storage"),
            "2Gi"
        );
    }
    for bad in ["101%", "-1%", "-1Mi", "%", "much", "1m%", "1e1%"] {
        assert!(bad.parse::<Threshold>().is_err(), "{bad}");
    }
}

/// IT-18.
#[test]
fn efa_only_interfaces_on_the_default_card_take_room_for_pods() {
    let with = |on_default_card| NodeSettings {
        efa_only: Some(EfaOnly {
            total: 1,
            on_default_card,
        }),
        ..NodeSettings::default()
    };
    let big = machine("m6idn.32xlarge");
    assert_eq!(pods(&big, &with(1)), 345);
    assert_eq!(pods(&big, &with(0)), 394);
    assert_eq!(
        text(&capacity::capacity(&big, &with(1)), "vpc.amazonaws.com/efa"),
        "1"
    );
    let all = capacity::capacity(&big, &NodeSettings::default());
    assert_eq!(text(&all, "vpc.amazonaws.com/efa"), "2");
}

/// IT-19.
#[test]
fn pods_files_are_on_the_volume_or_on_the_local_disks() {
    let storage = |settings: &NodeSettings, name: &str| {
        text(
            &capacity::capacity(&machine(name), settings),
            "ephemeral-storage",
        )
    };
    assert_eq!(
        storage(&family(AmiFamily::Bottlerocket), "m5.large"),
        "20Gi"
    );
    assert_eq!(storage(&family(AmiFamily::Windows2025), "m5.large"), "50Gi");
    let mut settings = NodeSettings {
        volume: "40Gi".parse().ok(),
        ..NodeSettings::default()
    };
    assert_eq!(storage(&settings, "m6idn.32xlarge"), "40Gi");
    settings.instance_store = InstanceStore::Raid0;
    assert_eq!(storage(&settings, "m6idn.32xlarge"), "7600G");
    assert_eq!(storage(&settings, "m5.large"), "40Gi");
}

/// IT-6.
#[test]
fn accelerators_are_resources() {
    let settings = NodeSettings::default();
    for (name, resource, amount) in [
        ("g4dn.8xlarge", "nvidia.com/gpu", "1"),
        ("p5.48xlarge", "nvidia.com/gpu", "8"),
        ("p5.48xlarge", "vpc.amazonaws.com/efa", "32"),
        ("inf2.24xlarge", "aws.amazon.com/neuron", "6"),
        ("inf2.24xlarge", "aws.amazon.com/neuroncore", "12"),
        ("trn1.32xlarge", "aws.amazon.com/neuroncore", "32"),
        ("t3.large", "vpc.amazonaws.com/pod-eni", "0"),
    ] {
        let capacity = capacity::capacity(&machine(name), &settings);
        assert_eq!(text(&capacity, resource), amount, "{name} {resource}");
    }
    let windows = capacity::capacity(&machine("m5.large"), &family(AmiFamily::Windows2022));
    assert_eq!(text(&windows, "vpc.amazonaws.com/PrivateIPv4Address"), "9");
}

/// IT-1, IT-3.
#[test]
fn labels_say_what_the_machine_is() {
    let catalog = bundled(&Ec2Options::default()).unwrap();
    let g4dn = labels_of(&catalog, "g4dn.8xlarge");
    for (key, expected) in [
        ("node.kubernetes.io/instance-type", "g4dn.8xlarge"),
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/os", "linux"),
        ("node.kubernetes.io/windows-build", "absent"),
        ("topology.kubernetes.io/region", "us-west-2"),
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
        ("instance-hypervisor", "nitro"),
        ("instance-encryption-in-transit-supported", "true"),
        ("nitro-sandbox", "true"),
        ("instance-tenancy", "dedicated,default"),
        ("capacity-reservation-id", "absent"),
        ("placement-group-id", "absent"),
    ] {
        assert_eq!(label(&g4dn, key), expected, "{key}");
    }
    let inf2 = labels_of(&catalog, "inf2.xlarge");
    let names = ["name", "manufacturer", "count"];
    let accelerator = names.map(|name| label(&inf2, &format!("instance-accelerator-{name}")));
    assert_eq!(accelerator, ["inferentia2", "aws", "1"]);
    assert_eq!(
        label(
            &labels_of(&catalog, "m7i-flex.large"),
            "instance-capability-flex"
        ),
        "true"
    );
    assert_eq!(
        label(&labels_of(&catalog, "m5.metal"), "instance-hypervisor"),
        ""
    );
}

#[test]
fn every_well_known_label_is_defined_for_every_type() {
    let catalog = bundled(&Ec2Options::default()).unwrap();
    let vocabulary = catalog.vocabulary();
    for instance_type in &catalog.types {
        for key in vocabulary
            .well_known_labels()
            .filter(|key| &***key != "karpenter.sh/nodepool")
        {
            assert!(
                instance_type.requirements.contains(key),
                "{} {key}",
                instance_type.name
            );
        }
        for key in instance_type.requirements.keys() {
            assert!(vocabulary.is_well_known(key), "{key}");
        }
    }
}

#[test]
fn families_and_generations_are_read_from_names() {
    for (name, family, category, generation) in [
        ("m5.large", "m5", "m", "5"),
        ("u-6tb1.56xlarge", "u-6tb1", "u", "1"),
        ("u7i-12tb.224xlarge", "u7i-12tb", "u", "7"),
        ("m7i-flex.large", "m7i-flex", "m", "7"),
        ("hpc6a.48xlarge", "hpc6a", "hpc", "6"),
        ("p6-b200.48xlarge", "p6-b200", "p", "6"),
    ] {
        let machine = Machine {
            name: name.to_owned(),
            ..Machine::default()
        };
        assert_eq!(machine.family(), family);
        assert_eq!(
            machine.category_and_generation(),
            Some((category, generation)),
            "{name}"
        );
    }
    for name in ["large", "5m.large", "m.large", "-6tb1.metal"] {
        let machine = Machine {
            name: name.to_owned(),
            ..Machine::default()
        };
        assert_eq!(machine.category_and_generation(), None, "{name}");
    }
}

/// OFF-1, OFF-2.
#[test]
fn there_is_one_offering_per_zone_and_capacity_type() {
    let zones = BTreeSet::from(["us-west-2a".to_owned(), "us-west-2d".to_owned()]);
    let catalog = bundled(&Ec2Options {
        zones,
        ..Ec2Options::default()
    })
    .unwrap();
    let large = catalog.get("m5.large").unwrap();
    let offered: Vec<_> = large
        .offerings
        .iter()
        .map(|o| (&*o.zone, o.capacity_type.as_str(), o.available))
        .collect();
    assert_eq!(
        offered,
        [
            ("us-west-2a", "on-demand", true),
            ("us-west-2a", "spot", true),
            ("us-west-2b", "on-demand", false),
            ("us-west-2b", "spot", false),
            ("us-west-2c", "on-demand", false),
            ("us-west-2c", "spot", false),
            ("us-west-2d", "on-demand", true),
            ("us-west-2d", "spot", true),
        ]
    );
    assert_eq!(
        label(&large.requirements, "topology.k8s.aws/zone-id"),
        "usw2-az2,usw2-az4"
    );
    assert_eq!(
        large.offerings[0].requirements.to_string(),
        "karpenter.k8s.aws/capacity-reservation-id DoesNotExist, \
         karpenter.k8s.aws/capacity-reservation-interruptible DoesNotExist, \
         karpenter.k8s.aws/capacity-reservation-type DoesNotExist, \
         karpenter.sh/capacity-type In [on-demand], topology.k8s.aws/zone-id In [usw2-az2], \
         topology.kubernetes.io/zone In [us-west-2a]"
    );
    assert!(
        !large.offerings[2]
            .requirements
            .contains("topology.k8s.aws/zone-id")
    );
}

#[test]
fn types_without_price_or_that_the_image_does_not_run_on_are_not_available() {
    let catalog = bundled(&Ec2Options::default()).unwrap();
    let available = |catalog: &Catalog, name: &str| {
        catalog.get(name).unwrap().available_offerings().count() > 0
    };
    assert!(
        catalog
            .get("t8i.nano")
            .is_none_or(|t| t.available_offerings().count() == 0)
    );
    assert!(!available(&catalog, "a1.large"), "IT-29");
    let node = family(AmiFamily::Bottlerocket);
    let catalog = bundled(&Ec2Options {
        node,
        ..Ec2Options::default()
    })
    .unwrap();
    assert!(available(&catalog, "a1.large"), "IT-29");
    let node = family(AmiFamily::Windows2022);
    let catalog = bundled(&Ec2Options {
        node,
        ..Ec2Options::default()
    })
    .unwrap();
    assert!(!available(&catalog, "m6g.large"));
    assert!(available(&catalog, "m5.large"));
    let windows = labels_of(&catalog, "m5.large");
    assert_eq!(label(&windows, "kubernetes.io/os"), "windows");
    assert_eq!(
        label(&windows, "node.kubernetes.io/windows-build"),
        "10.0.20348"
    );
}

#[test]
fn spot_prices_are_a_part_of_the_list_price_that_depends_on_family_and_zone() {
    let hundred = Price::from_dollars(100.0);
    let price = |name: &str, zone: &str| spot_price(name, zone, hundred);
    assert_eq!(
        price("m5.large", "us-west-2a"),
        price("m5.metal", "us-west-2a")
    );
    assert_ne!(
        price("m5.large", "us-west-2a"),
        price("m5.large", "us-west-2b")
    );
    assert_ne!(
        price("m5.large", "us-west-2a"),
        price("m6i.large", "us-west-2a")
    );
    let catalog = bundled(&Ec2Options::default()).unwrap();
    let mut parts = BTreeSet::new();
    for offering in catalog.types.iter().flat_map(|t| t.available_offerings()) {
        assert!(offering.price > Price::ZERO);
    }
    for instance_type in &catalog.types {
        let of = |capacity_type| {
            let mut offerings = instance_type.available_offerings();
            offerings
                .find(|o| o.capacity_type == capacity_type)
                .map(|o| o.price.dollars())
        };
        if let (Some(list), Some(spot)) = (of(CapacityType::OnDemand), of(CapacityType::Spot)) {
            assert!(
                (0.2499..=0.5001).contains(&(spot / list)),
                "{}",
                instance_type.name
            );
            parts.insert((spot / list * 1000.0) as u32);
        }
    }
    assert!(parts.len() > 50, "{parts:?}");
    assert!(catalog.price_source.is_simulated(CapacityType::Spot));
    assert!(!catalog.price_source.is_simulated(CapacityType::OnDemand));
    assert_eq!(
        catalog.price_source.to_string(),
        "on-demand list prices of us-east-1 on 2026-07-20; spot prices simulated"
    );
}

#[test]
fn regions_with_a_price_list_of_their_own_use_it() {
    let price = |region: &str| bundled_on_demand_prices(region)["m5.large"].to_string();
    assert_eq!(price("us-east-1"), "0.0960");
    assert_eq!(price("eu-west-1"), "0.0960");
    assert_eq!(price("us-gov-west-1"), "0.1210");
    assert_eq!(price("cn-north-1"), "1.0130");
}
