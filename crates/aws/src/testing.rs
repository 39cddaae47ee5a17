//! The region, subnets, types and node class that tests work with (feature `testing`).
//!
//! What is *not* here: answers to calls, which a pretended AWS gives.

use std::collections::BTreeMap;

use api::Ec2NodeClass;
use api::ec2nodeclass as class;
use api::nodeoverlay::OverlayRequirement;
use catalog::ec2::{Gpu, Machine, NetworkCard, UsageClasses, bundled_machines};

use crate::ec2::{Subnet, TypeOffering};

/// The region.
pub const REGION: &str = "us-west-2";
/// The zones, with their ids.
pub const ZONES: [(&str, &str); 4] = [
    ("test-zone-1a", "tstz1-1a"),
    ("test-zone-1b", "tstz1-1b"),
    ("test-zone-1c", "tstz1-1c"),
    ("test-zone-1a-local", "tstz1-1alocal"),
];
/// The types, each with the number of zones, in their order, that offer it.
pub const TYPES: [(&str, usize); 17] = [
    ("c6g.large", 1),
    ("g4ad.16xlarge", 2),
    ("g4dn.8xlarge", 2),
    ("g5.12xlarge", 2),
    ("inf2.24xlarge", 1),
    ("inf2.xlarge", 1),
    ("m5.large", 4),
    ("m5.metal", 2),
    ("m5.xlarge", 2),
    ("m6idn.32xlarge", 3),
    ("m7i-flex.large", 1),
    ("p5.48xlarge", 2),
    ("t3.large", 2),
    ("t4g.medium", 0),
    ("t4g.small", 0),
    ("t4g.xlarge", 0),
    ("trn1.2xlarge", 1),
];

/// The types, as DescribeInstanceTypes tells them.
pub fn machines() -> Vec<Machine> {
    let known: BTreeMap<String, Machine> = bundled_machines()
        .into_iter()
        .map(|machine| (machine.name.clone(), machine))
        .collect();
    let types = TYPES.iter().map(|(name, _)| *name);
    types
        .map(|name| as_told(known.get(name).cloned().unwrap_or_else(g4ad)))
        .collect()
}

/// One of the types. `a1.large` and others that the bundled table has can be had too.
///
/// # Panics
/// If nothing is known of such a type.
pub fn machine(name: &str) -> Machine {
    let told = || bundled_machines().into_iter().map(as_told);
    let mut all = machines().into_iter().chain(told());
    all.find(|machine| machine.name == name)
        .expect("a type that is known")
}

/// Without what EC2 does not tell, and with what the bundled table has not.
fn as_told(mut machine: Machine) -> Machine {
    let cards = match &*machine.name {
        "m6idn.32xlarge" => 2,
        "p5.48xlarge" => 32,
        _ => 1,
    };
    machine.network_cards = (0..cards)
        .map(|index| NetworkCard {
            index,
            interfaces: u32::try_from(machine.interfaces).unwrap_or(u32::MAX),
        })
        .collect();
    machine.network_mbps = None;
    machine.branch_interfaces = 0;
    machine.in_vpc_limits = false;
    machine
}

fn g4ad() -> Machine {
    Machine {
        name: "g4ad.16xlarge".to_owned(),
        architecture: "amd64".to_owned(),
        vcpus: 64,
        memory_mib: 262_144,
        usage: UsageClasses {
            on_demand: true,
            spot: true,
            capacity_block: false,
        },
        hypervisor: "nitro".to_owned(),
        manufacturer: "AMD".to_owned(),
        clock_mhz: Some(3000),
        encryption_in_transit: true,
        enclaves: true,
        ena: true,
        ebs_mbps: Some(6300),
        local_storage_gb: Some(2400),
        local_nvme: true,
        interfaces: 8,
        ipv4_per_interface: 30,
        placement_strategies: ["cluster", "partition", "spread"]
            .map(str::to_owned)
            .to_vec(),
        gpus: vec![Gpu {
            name: "Radeon Pro V520".to_owned(),
            manufacturer: "AMD".to_owned(),
            count: 4,
            memory_mib: 8192,
        }],
        ..Machine::default()
    }
}

/// Where the types are offered, as DescribeInstanceTypeOfferings tells it.
pub fn type_offerings() -> Vec<TypeOffering> {
    let zones = |count: usize| ZONES.iter().take(count).map(|(zone, _)| (*zone).to_owned());
    TYPES
        .iter()
        .flat_map(|(name, count)| {
            zones(*count).map(|zone| TypeOffering {
                instance_type: (*name).to_owned(),
                zone,
            })
        })
        .collect()
}

/// The subnets, one in each zone, as DescribeSubnets tells them.
pub fn subnets() -> Vec<Subnet> {
    let subnet = |(position, (zone, id)): (usize, &(&str, &str))| Subnet {
        id: format!("subnet-test{}", position + 1),
        zone: (*zone).to_owned(),
        zone_id: (*id).to_owned(),
        free_addresses: 100,
    };
    ZONES.iter().enumerate().map(subnet).collect()
}

/// The node class `default`: newest AL2023, with everything found. Its subnets are those of the
/// first three zones.
pub fn node_class() -> Ec2NodeClass {
    let mut node_class = Ec2NodeClass::default();
    node_class.metadata.name = String::from("default");
    node_class.metadata.uid = String::from("uid-default");
    let spec = &mut node_class.spec;
    spec.role = Some("test-role".to_owned());
    spec.ami_selector_terms = vec![class::AmiSelectorTerm {
        alias: "al2023@latest".to_owned(),
        ..class::AmiSelectorTerm::default()
    }];
    let any = BTreeMap::from([("*".to_owned(), "*".to_owned())]);
    spec.subnet_selector_terms = vec![class::SubnetSelectorTerm {
        tags: any.clone(),
        ..class::SubnetSelectorTerm::default()
    }];
    spec.security_group_selector_terms = vec![class::SecurityGroupSelectorTerm {
        tags: any,
        ..class::SecurityGroupSelectorTerm::default()
    }];
    let status = &mut node_class.status;
    status.instance_profile = String::from("test-profile");
    status.amis = amis();
    status.subnets = (1..=3).map(status_subnet).collect();
    status.security_groups = (1..=3)
        .map(|number| class::SecurityGroup {
            id: format!("sg-test{number}"),
            name: format!("securityGroup-test{number}"),
        })
        .collect();
    node_class
}

/// A subnet by its number, from 1 on, as a node class' status has it.
///
/// # Panics
/// If there is no such subnet.
pub fn status_subnet(number: usize) -> class::Subnet {
    let subnet = subnets().swap_remove(number - 1);
    class::Subnet {
        id: subnet.id,
        zone: subnet.zone,
        zone_id: subnet.zone_id,
    }
}

/// Images: for amd64 a plain one, one for NVIDIA and one for Neuron, for arm64 a plain one.
pub fn amis() -> Vec<class::Ami> {
    let requirement = |key: &str, operator: &str, values: &[&str]| OverlayRequirement {
        key: key.to_owned(),
        operator: operator.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let ami = |id: &str, arch: &str, gpus: &str, accelerators: &str| class::Ami {
        id: id.to_owned(),
        name: id.to_owned(),
        deprecated: false,
        requirements: vec![
            requirement(
                "karpenter.k8s.aws/instance-accelerator-count",
                accelerators,
                &[],
            ),
            requirement("karpenter.k8s.aws/instance-gpu-count", gpus, &[]),
            requirement("kubernetes.io/arch", "In", &[arch]),
        ],
    };
    vec![
        ami("ami-test1", "amd64", "DoesNotExist", "DoesNotExist"),
        ami("ami-test2", "amd64", "Exists", "DoesNotExist"),
        ami("ami-test3", "amd64", "DoesNotExist", "Exists"),
        ami("ami-test4", "arm64", "DoesNotExist", "DoesNotExist"),
    ]
}
