//! What a new account has in it: the environment of the specification's scenarios.

use aws::Tags;
use aws::ec2::{Image, SecurityGroup, Subnet, TypeOffering};

use super::state::{FakeGroup, FakeImage, FakeSubnet, State};
use crate::calls::EksCluster;

/// Zones, with their ids.
const ZONES: [(&str, &str); 3] = [
    ("test-zone-1a", "tstz1-1a"),
    ("test-zone-1b", "tstz1-1b"),
    ("test-zone-1c", "tstz1-1c"),
];

/// Types that are offered, in all zones.
const TYPES: &[&str] = &[
    "c5.large",
    "c6g.large",
    "g4dn.8xlarge",
    "g5.12xlarge",
    "inf2.24xlarge",
    "inf2.xlarge",
    "m5.large",
    "m5.metal",
    "m5.xlarge",
    "m5.2xlarge",
    "m6g.large",
    "m6idn.32xlarge",
    "m7i-flex.large",
    "p5.48xlarge",
    "t3.large",
    "t4g.medium",
    "trn1.2xlarge",
];

/// Fills an empty account.
pub(super) fn fill(state: &mut State) {
    for (at, (zone, zone_id)) in ZONES.iter().enumerate() {
        let number = at + 1;
        let mut tags = tags(&[("Name", &format!("test-subnet-{number}")), ("foo", "bar")]);
        if number == 3 {
            tags.insert("TestTag".to_owned(), String::new());
        }
        let group_tags = tags
            .iter()
            .map(|(key, value)| (key.clone(), value.replace("subnet", "security-group")));
        state.groups.push(FakeGroup {
            group: SecurityGroup {
                id: format!("sg-test{number}"),
                name: format!("securityGroup-test{number}"),
            },
            tags: group_tags.collect(),
        });
        state.subnets.push(FakeSubnet {
            subnet: Subnet {
                id: format!("subnet-test{number}"),
                zone: (*zone).to_owned(),
                zone_id: (*zone_id).to_owned(),
                free_addresses: 100,
            },
            tags,
        });
    }
    state.subnets.push(FakeSubnet {
        subnet: Subnet {
            id: "subnet-test4".to_owned(),
            zone: "test-zone-1a-local".to_owned(),
            zone_id: "tstz1-1alocal".to_owned(),
            free_addresses: 100,
        },
        tags: tags(&[("Name", "test-subnet-4")]),
    });
    let machines = catalog::ec2::bundled_machines().into_iter();
    state.machines = machines
        .filter(|machine| TYPES.contains(&machine.name.as_str()))
        .collect();
    for machine in &state.machines {
        let zones = ZONES.iter().map(|(zone, _)| *zone);
        state.offerings.extend(zones.map(|zone| TypeOffering {
            instance_type: machine.name.clone(),
            zone: zone.to_owned(),
        }));
    }
    images(state);
    state.clusters.insert(
        "test-cluster".to_owned(),
        EksCluster {
            arn: "arn:aws:eks:us-west-2:123456789012:cluster/test-cluster".to_owned(),
            endpoint: "https://test-cluster".to_owned(),
            version: "1.30".to_owned(),
            service_ipv4_cidr: "10.100.0.0/16".to_owned(),
            service_ipv6_cidr: String::new(),
        },
    );
}

/// Images of Amazon Linux 2023, and the parameters that name them.
fn images(state: &mut State) {
    let variants = [
        ("x86_64", "standard", "ami-test1"),
        ("x86_64", "nvidia", "ami-test2"),
        ("x86_64", "neuron", "ami-test3"),
        ("arm64", "standard", "ami-test4"),
        ("arm64", "nvidia", "ami-test5"),
    ];
    for (architecture, variant, id) in variants {
        state.images.push(FakeImage {
            image: Image {
                id: id.to_owned(),
                name: format!("amazon-eks-node-al2023-{architecture}-{variant}-1.30-v20260101"),
                architecture: architecture.to_owned(),
                created: "2026-01-01T00:00:00Z".parse().ok(),
                deprecated: None,
            },
            owner: "amazon".to_owned(),
            tags: Tags::new(),
        });
        let path = format!(
            "/aws/service/eks/optimized-ami/1.30/amazon-linux-2023/{architecture}/{variant}/recommended/image_id"
        );
        state.parameters.insert(path, id.to_owned());
    }
}

fn tags(tags: &[(&str, &str)]) -> Tags {
    let tags = tags.iter();
    tags.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}
