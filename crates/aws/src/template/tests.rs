use std::collections::BTreeMap;
use std::sync::Arc;

use api::ec2nodeclass::{
    Ami, BlockDevice, BlockDeviceMapping, ConnectionTracking, CpuOptions, MetadataOptions,
    NetworkInterface, SecurityGroup,
};
use catalog::InstanceType;
use model::ResourceList;

use super::*;
use crate::Cluster;
use crate::ec2::{InterfaceType, TagSpecification};
use crate::fleet::fixture::{amounts, class, everywhere, machine, shared, tags, with};

/// A template of a class, after the inputs were changed.
fn made<'a>(class: &'a Ec2NodeClass, change: impl FnOnce(&mut Inputs<'a>)) -> LaunchTemplate {
    try_made(class, change).expect("a template")
}

fn try_made<'a>(
    class: &'a Ec2NodeClass,
    change: impl FnOnce(&mut Inputs<'a>),
) -> Result<LaunchTemplate, InvalidDisk> {
    let cluster = Cluster {
        name: "test-cluster".to_owned(),
        region: "us-west-2".to_owned(),
    };
    // As long-lived as whatever a test puts in.
    let tags = Box::leak(Box::new(cluster.tags(class, "pool").expect("tags")));
    let mut inputs = Inputs {
        tags,
        region: "us-west-2",
        addresses: AddressFamily::V4,
        image_id: "ami-1",
        efa: 0,
        user_data: "dXNlciBkYXRh".to_owned(),
        capacity_type: CapacityType::OnDemand,
        reservation: None,
        reservations: Reservations::AsAsked,
        placement: placement("default", None, None),
        enclave: false,
    };
    change(&mut inputs);
    request(class, inputs)
}

fn plain(class: &Ec2NodeClass) -> LaunchTemplate {
    made(class, |_| {})
}

fn reservation(kind: &str, interruptible: bool) -> Reservation {
    Reservation {
        id: "cr-1".to_owned(),
        kind: kind.to_owned(),
        interruptible,
    }
}

fn mapping(device: &str, ebs: BlockDevice) -> BlockDeviceMapping {
    BlockDeviceMapping {
        device_name: Some(device.to_owned()),
        ebs: Some(ebs),
        root_volume: false,
    }
}

/// LT-3: differing security groups, tags, profile, block devices, metadata, AMI, EFA count,
/// tenancy, reservation, kubelet (managed or passthrough), taints, custom data / different
/// names; differing instance types, static CA option, label option / same name when the user
/// data inputs are equal.
#[test]
fn what_is_in_a_template_decides_its_name() {
    let name = |change: &dyn Fn(&mut Ec2NodeClass)| {
        let mut class = class();
        change(&mut class);
        plain(&class).name
    };
    let dedicated = placement("dedicated", None, None);
    let block = reservation("capacity-block", false);
    let names = [
        name(&|_| {}),
        name(&|class| {
            let more = SecurityGroup {
                id: "sg-2".to_owned(),
                name: String::new(),
            };
            class.status.security_groups.push(more);
        }),
        name(&|class| class.spec.tags = tags(&[("team", "b")])),
        name(&|class| "other".clone_into(&mut class.status.instance_profile)),
        name(&|class| {
            let disk = mapping("/dev/xvda", BlockDevice::default());
            class.spec.block_device_mappings.push(disk);
        }),
        name(&|class| {
            let options = MetadataOptions {
                http_tokens: Some("optional".to_owned()),
                ..MetadataOptions::default()
            };
            class.spec.metadata_options = Some(options);
        }),
        name(&|class| class.spec.detailed_monitoring = Some(true)),
        made(&class(), |inputs| inputs.image_id = "ami-2").name,
        made(&class(), |inputs| inputs.efa = 1).name,
        made(&class(), |inputs| inputs.efa = 2).name,
        made(&class(), |inputs| inputs.placement = dedicated).name,
        made(&class(), |inputs| inputs.reservation = Some(&block)).name,
        made(&class(), |inputs| inputs.enclave = true).name,
        made(&class(), |inputs| inputs.capacity_type = CapacityType::Spot).name,
        // Kubelet, taints and custom data are in the user data.
        made(&class(), |inputs| inputs.user_data = "b3RoZXI=".to_owned()).name,
    ];
    for (at, name) in names.iter().enumerate() {
        let number = name.strip_prefix(NAME_PREFIX).expect("the prefix");
        assert!(number.parse::<u64>().is_ok(), "{name}");
        assert!(!names[..at].contains(name), "{at}: {name}");
    }
    // Types and options that are not in the template have no part in its name.
    assert_eq!(names[0], name(&|class| class.status.subnets.clear()));
}

#[test]
fn order_has_no_part_in_a_name() {
    let group = |id: &str| SecurityGroup {
        id: id.to_owned(),
        name: String::new(),
    };
    let named = |groups: [&str; 2], disks: [&str; 2]| {
        let mut class = class();
        class.status.security_groups = groups.map(group).into();
        let disk = |device: &str| mapping(device, BlockDevice::default());
        class.spec.block_device_mappings = disks.map(disk).into();
        plain(&class).name
    };
    let one = named(["a", "b"], ["/dev/xvda", "/dev/xvdb"]);
    assert_eq!(one, named(["b", "a"], ["/dev/xvdb", "/dev/xvda"]));
}

/// LT-1: same constraints twice / one template. (That it is made once is tested with EC2.)
#[test]
fn equal_inputs_have_one_name_in_every_process() {
    assert_eq!(plain(&class()), plain(&class()));
    let pinned = name(&Tags::new(), &TemplateData::default());
    assert_eq!(pinned, "karpenter.k8s.aws/11016992698070434499");
}

/// LT-4: identical NodeClasses with different names / different templates (tags).
#[test]
fn classes_do_not_share_templates() {
    let mut other = class();
    "other".clone_into(&mut other.metadata.name);
    assert_ne!(plain(&class()).name, plain(&other).name);
}

/// LT-6: tags on template, instance, volume, fleet, network interface; spot adds
/// spot-instances-request; on-demand does not.
#[test]
fn everything_that_comes_from_a_template_has_its_tags() {
    let kinds = |template: &LaunchTemplate| -> Vec<ResourceType> {
        let data = &template.data;
        let tagged = |one: &TagSpecification| one.tags == template.tags;
        assert!(data.tags.iter().all(tagged));
        data.tags.iter().map(|one| one.resource).collect()
    };
    let on_demand = plain(&class());
    assert_eq!(kinds(&on_demand), [ResourceType::NetworkInterface]);
    for key in [
        "kubernetes.io/cluster/test-cluster",
        "karpenter.sh/nodepool",
        "eks:eks-cluster-name",
        "karpenter.k8s.aws/ec2nodeclass",
    ] {
        assert!(on_demand.tags.contains_key(key), "{key}");
    }
    let spot = made(&class(), |inputs| inputs.capacity_type = CapacityType::Spot);
    let both = [
        ResourceType::NetworkInterface,
        ResourceType::SpotInstancesRequest,
    ];
    assert_eq!(kinds(&spot), both);
    // Instance, volume and fleet are tagged by the fleet: see the tests of its request.
}

/// LT-7: user `Name` tag / overrides nothing else and is kept.
#[test]
fn a_name_of_the_users_is_kept() {
    let mut class = class();
    let unnamed = plain(&class).tags;
    class.spec.tags = tags(&[("Name", "mine")]);
    let mut named = plain(&class).tags;
    assert_eq!(named.remove("Name").as_deref(), Some("mine"));
    assert_eq!(named, unnamed);
}

/// LT-8: volumeSize 40G / 38 GiB requested (rounded up); 10Gi / 10; iops, throughput, kms,
/// snapshot, rate passed.
#[test]
fn disks_are_asked_for_as_the_class_says() {
    let mut class = class();
    let sized = |size: &str| BlockDevice {
        volume_size: Some(size.parse().expect("a size")),
        ..BlockDevice::default()
    };
    let full = BlockDevice {
        delete_on_termination: Some(true),
        encrypted: Some(true),
        iops: Some(10_000),
        kms_key_id: Some("key".to_owned()),
        snapshot_id: Some("snap-1".to_owned()),
        throughput: Some(250),
        volume_initialization_rate: Some(200),
        volume_type: Some("io2".to_owned()),
        volume_size: None,
    };
    class.spec.block_device_mappings = vec![
        mapping("/dev/xvda", sized("40G")),
        mapping("/dev/xvdb", sized("10Gi")),
        mapping("/dev/xvdc", full),
    ];
    let disks = plain(&class).data.block_devices;
    let sizes: Vec<Option<i32>> = disks.iter().map(|disk| disk.size_gib).collect();
    assert_eq!(sizes, [Some(38), Some(10), None]);
    let expected = crate::ec2::BlockDevice {
        device_name: "/dev/xvdc".to_owned(),
        delete_on_termination: Some(true),
        encrypted: Some(true),
        volume_type: Some("io2".to_owned()),
        iops: Some(10_000),
        throughput: Some(250),
        kms_key_id: Some("key".to_owned()),
        snapshot_id: Some("snap-1".to_owned()),
        initialization_rate: Some(200),
        size_gib: None,
    };
    assert_eq!(disks[2], expected);
}

#[test]
fn a_disk_that_says_too_little_is_refused() {
    let with = |mapping: BlockDeviceMapping| {
        let mut class = class();
        class.spec.block_device_mappings = vec![mapping];
        try_made(&class, |_| {}).expect_err("refused")
    };
    let mut unnamed = mapping("", BlockDevice::default());
    assert_eq!(with(unnamed.clone()), InvalidDisk::NoName(0));
    unnamed.device_name = None;
    assert_eq!(with(unnamed), InvalidDisk::NoName(0));
    let mut nothing = mapping("/dev/xvda", BlockDevice::default());
    nothing.ebs = None;
    assert_eq!(with(nothing), InvalidDisk::NoVolume(0));
}

/// LT-9: defaults per family as §12.2; Custom / no mappings.
#[test]
fn every_family_has_its_disks() {
    let disks = |family: &str| {
        let mut class = class();
        class.spec.ami_family = Some(family.to_owned());
        let disks = plain(&class).data.block_devices;
        let plain = |disk: &crate::ec2::BlockDevice| {
            disk.encrypted == Some(true) && disk.volume_type.as_deref() == Some("gp3")
        };
        assert!(disks.iter().all(plain));
        disks
            .iter()
            .map(|disk| (disk.device_name.clone(), disk.size_gib.unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    let one = |device: &str, size| (device.to_owned(), size);
    assert_eq!(disks("AL2"), [one("/dev/xvda", 20)]);
    assert_eq!(disks("AL2023"), [one("/dev/xvda", 20)]);
    let bottlerocket = [one("/dev/xvda", 4), one("/dev/xvdb", 20)];
    assert_eq!(disks("Bottlerocket"), bottlerocket);
    for family in ["Windows2019", "Windows2022", "Windows2025"] {
        assert_eq!(disks(family), [one("/dev/sda1", 50)]);
    }
    assert_eq!(disks("Custom"), []);
}

/// LT-10: monitoring default false; true when set.
#[test]
fn monitoring_is_for_those_who_ask() {
    let mut class = class();
    assert!(!plain(&class).data.monitoring);
    class.spec.detailed_monitoring = Some(true);
    assert!(plain(&class).data.monitoring);
}

/// LT-11: metadata defaults enabled/disabled/1/required; instance metadata tags always disabled.
///
/// (That tags are not shown in metadata is not a choice: the request of the SDK always says so.)
#[test]
fn metadata_is_as_the_class_says() {
    let mut class = class();
    class.spec.metadata_options = Some(MetadataOptions::default());
    let expected = Metadata {
        endpoint: Some("enabled".to_owned()),
        protocol_ipv6: Some("disabled".to_owned()),
        hop_limit: Some(1),
        tokens: Some("required".to_owned()),
    };
    assert_eq!(plain(&class).data.metadata, expected);
    let iso = made(&class, |inputs| inputs.region = "us-iso-east-1");
    assert_eq!(iso.data.metadata.protocol_ipv6, None);
    assert_eq!(iso.data.metadata.hop_limit, Some(1));
    class.spec.metadata_options = None;
    let absent = made(&class, |inputs| inputs.addresses = AddressFamily::V6)
        .data
        .metadata;
    assert_eq!(absent.endpoint.as_deref(), Some("enabled"));
    assert_eq!(absent.protocol_ipv6.as_deref(), Some("enabled"));
    assert_eq!(absent.hop_limit, Some(2));
}

/// AMI-15
#[test]
fn where_metadata_is_not_told_by_ipv6_nothing_is_said_of_it() {
    let families = [
        "AL2",
        "AL2023",
        "Bottlerocket",
        "Ubuntu",
        "Windows2019",
        "Windows2022",
        "Windows2025",
        "Custom",
    ];
    let without = [
        "us-iso-east-1",
        "us-iso-west-1",
        "us-isob-east-1",
        "us-isob-west-1",
        "us-isof-south-1",
        "us-isof-east-1",
    ];
    for family in families {
        let mut class = class();
        class.spec.ami_family = Some(family.to_owned());
        for options in [Some(MetadataOptions::default()), None] {
            class.spec.metadata_options = options;
            let told = |region: &'static str| {
                let template = made(&class, |inputs| inputs.region = region);
                template.data.metadata.protocol_ipv6
            };
            for region in without {
                assert_eq!(told(region), None, "{family} in {region}");
            }
            for region in ["us-west-2", "us-gov-west-1", "cn-north-1", "eu-isoe-west-1"] {
                let expected = Some("disabled".to_owned());
                assert_eq!(told(region), expected, "{family} in {region}");
            }
        }
    }
}

/// LT-18: tenancy requirement dedicated / placement dedicated; both or none / default.
///
/// (Which of them a claim means is in the tests of fleets.)
#[test]
fn machines_of_ones_own_are_asked_for() {
    let dedicated = placement("dedicated", None, None);
    let template = made(&class(), |inputs| inputs.placement = dedicated);
    assert_eq!(template.data.placement.tenancy, "dedicated");
    assert_eq!(plain(&class()).data.placement.tenancy, "default");
}

#[test]
fn processor_options_and_enclaves_are_passed_on() {
    let mut class = class();
    let options = CpuOptions {
        nested_virtualization: Some("enabled".to_owned()),
    };
    class.spec.cpu_options = Some(options);
    let data = made(&class, |inputs| inputs.enclave = true).data;
    assert_eq!(data.nested_virtualization.as_deref(), Some("enabled"));
    assert!(data.enclave);
    assert_eq!(data.user_data, "dXNlciBkYXRh");
    assert_eq!(data.instance_profile, "profile");
}

/// CR-10: on-demand launch with gate on / preference none; gate off / no specification.
///
/// LT-21: capacity block / market type capacity-block; interruptible / interruptible type; gate
/// off / absent.
#[test]
fn reservations_are_used_only_where_one_is_asked_for() {
    let none = ReservationTarget {
        preference: ReservationPreference::None,
        id: None,
    };
    let data = plain(&class()).data;
    assert_eq!((data.reservation, data.market), (Some(none), None));
    let of = |kind, interruptible, gate| {
        let reservation = reservation(kind, interruptible);
        let template = made(&class(), |inputs| {
            inputs.reservations = gate;
            inputs.capacity_type = CapacityType::Reserved;
            inputs.reservation = Some(&reservation);
        });
        (template.data.reservation, template.data.market)
    };
    let target = Some(ReservationTarget {
        preference: ReservationPreference::Only,
        id: Some("cr-1".to_owned()),
    });
    let on = Reservations::AsAsked;
    assert_eq!(of("default", false, on), (target.clone(), None));
    let block = Some(Market::CapacityBlock);
    assert_eq!(of("capacity-block", false, on), (target.clone(), block));
    let interruptible = Some(Market::InterruptibleReservation);
    assert_eq!(of("default", true, on), (target, interruptible));
    let off = Reservations::AsTheAccount;
    assert_eq!(of("capacity-block", false, off), (None, None));
}

mod grouping;
mod networks;
