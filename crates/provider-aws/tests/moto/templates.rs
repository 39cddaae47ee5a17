//! Launch templates: what is in them, and how they are found and deleted.

use std::collections::BTreeMap;

use api::ec2nodeclass::ConnectionTracking;
use aws::Tags;
use aws::ec2::{
    BlockDevice, Filter, Interface, InterfaceType, LaunchTemplate, Market, Metadata, Placement,
    ReservationPreference, ReservationTarget, ResourceType, TagSpecification, TemplateData,
    TemplateKey,
};
use moto::Fault;
use serde_json::{Value, json};

use crate::support::Aws;

fn tags(key: &str, value: &str) -> Tags {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

/// A template with nothing that could be left out.
fn plain(name: &str) -> LaunchTemplate {
    LaunchTemplate {
        name: name.to_owned(),
        tags: tags("team", name),
        data: TemplateData {
            image_id: "ami-1".to_owned(),
            instance_profile: "profile".to_owned(),
            interfaces: vec![Interface {
                groups: vec!["sg-1".to_owned()],
                ..Interface::default()
            }],
            ..TemplateData::default()
        },
    }
}

/// A template with everything that can be in one.
fn full(name: &str) -> LaunchTemplate {
    let text = |text: &str| Some(text.to_owned());
    let disk = BlockDevice {
        device_name: "/dev/xvda".to_owned(),
        delete_on_termination: Some(true),
        encrypted: Some(false),
        volume_type: text("gp3"),
        iops: Some(3000),
        throughput: Some(125),
        kms_key_id: text("key"),
        snapshot_id: text("snap-1"),
        initialization_rate: Some(100),
        size_gib: Some(20),
    };
    let tracking = ConnectionTracking {
        tcp_established_timeout: Some(60),
        udp_stream_timeout: Some(61),
        udp_timeout: Some(30),
    };
    let first = Interface {
        kind: InterfaceType::Interface,
        groups: ["sg-1", "sg-2"].map(str::to_owned).to_vec(),
        public_address: Some(false),
        ipv4_prefixes: Some(1),
        ipv6_prefixes: Some(2),
        primary_ipv6: Some(true),
        ipv6_addresses: Some(3),
        tracking: Some(tracking),
        ..Interface::default()
    };
    let second = Interface {
        card: 1,
        device: 1,
        kind: InterfaceType::EfaOnly,
        groups: vec!["sg-1".to_owned()],
        ..Interface::default()
    };
    let of_instances = TagSpecification {
        resource: ResourceType::Instance,
        tags: tags("Name", "node"),
    };
    let data = TemplateData {
        block_devices: vec![disk],
        nested_virtualization: text("enabled"),
        instance_profile: "profile".to_owned(),
        monitoring: true,
        image_id: "ami-1".to_owned(),
        user_data: "aGVsbG8=".to_owned(),
        metadata: Metadata {
            endpoint: text("enabled"),
            protocol_ipv6: text("disabled"),
            hop_limit: Some(1),
            tokens: text("required"),
        },
        interfaces: vec![first, second],
        placement: Placement {
            tenancy: "dedicated".to_owned(),
            group_id: text("pg-1"),
            partition: Some(2),
        },
        enclave: true,
        tags: vec![of_instances],
        reservation: Some(ReservationTarget {
            preference: ReservationPreference::Only,
            id: text("cr-1"),
        }),
        market: Some(Market::CapacityBlock),
    };
    LaunchTemplate {
        name: name.to_owned(),
        tags: tags("team", name),
        data,
    }
}

/// Fields under a prefix, with the prefix.
fn below(prefix: &str, fields: &[(&str, &str)]) -> Vec<(String, Value)> {
    let named = fields.iter().map(|(name, value)| {
        let name = format!("{prefix}.{name}");
        (name, Value::from(*value))
    });
    named.collect()
}

/// What a call has sent, less the token that makes it safe to repeat.
fn without_token(mut asked: Value) -> Value {
    let fields = asked.as_object_mut().expect("fields");
    fields.remove("ClientToken").expect("a token");
    asked
}

#[tokio::test]
async fn all_of_a_template_is_sent() {
    let aws = Aws::new("full-template", "ca-central-1").await;
    let made = aws.calls.ec2.create_launch_template(&full("full")).await;
    let made = made.expect("a template");
    assert_eq!(made.name, "full");
    assert!(made.id.starts_with("lt-"), "{made:?}");
    let data = "LaunchTemplateData";
    let interface = "LaunchTemplateData.NetworkInterface";
    let tracking = "ConnectionTrackingSpecification";
    let timeouts = [
        ("TcpEstablishedTimeout", "60"),
        ("UdpStreamTimeout", "61"),
        ("UdpTimeout", "30"),
    ];
    let wanted = [
        below("TagSpecification.1", &own_tags("full")),
        vec![("LaunchTemplateName".to_owned(), "full".into())],
        below(data, &DATA),
        below(&format!("{data}.BlockDeviceMapping.1"), &DISK),
        below(&format!("{data}.MetadataOptions"), &METADATA),
        below(&format!("{interface}.1"), &FIRST_INTERFACE),
        below(&format!("{interface}.1.{tracking}"), &timeouts),
        below(&format!("{interface}.2"), &SECOND_INTERFACE),
    ];
    let wanted: serde_json::Map<String, Value> = wanted.into_iter().flatten().collect();
    let asked = without_token(aws.asked_once("CreateLaunchTemplate"));
    assert_eq!(asked, Value::from(wanted));
}

fn own_tags(value: &str) -> [(&str, &str); 3] {
    [
        ("ResourceType", "launch-template"),
        ("Tag.1.Key", "team"),
        ("Tag.1.Value", value),
    ]
}

const DATA: [(&str, &str); 16] = [
    ("CpuOptions.NestedVirtualization", "enabled"),
    ("IamInstanceProfile.Name", "profile"),
    ("Monitoring.Enabled", "true"),
    ("ImageId", "ami-1"),
    ("UserData", "aGVsbG8="),
    ("Placement.Tenancy", "dedicated"),
    ("Placement.GroupId", "pg-1"),
    ("Placement.PartitionNumber", "2"),
    ("EnclaveOptions.Enabled", "true"),
    ("TagSpecification.1.ResourceType", "instance"),
    ("TagSpecification.1.Tag.1.Key", "Name"),
    ("TagSpecification.1.Tag.1.Value", "node"),
    (
        "CapacityReservationSpecification.CapacityReservationPreference",
        "capacity-reservations-only",
    ),
    (
        "CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId",
        "cr-1",
    ),
    ("InstanceMarketOptions.MarketType", "capacity-block"),
    ("MetadataOptions.InstanceMetadataTags", "disabled"),
];
const DISK: [(&str, &str); 10] = [
    ("DeviceName", "/dev/xvda"),
    ("Ebs.DeleteOnTermination", "true"),
    ("Ebs.Encrypted", "false"),
    ("Ebs.VolumeType", "gp3"),
    ("Ebs.Iops", "3000"),
    ("Ebs.Throughput", "125"),
    ("Ebs.KmsKeyId", "key"),
    ("Ebs.SnapshotId", "snap-1"),
    ("Ebs.VolumeInitializationRate", "100"),
    ("Ebs.VolumeSize", "20"),
];
const METADATA: [(&str, &str); 4] = [
    ("HttpEndpoint", "enabled"),
    ("HttpProtocolIpv6", "disabled"),
    ("HttpPutResponseHopLimit", "1"),
    ("HttpTokens", "required"),
];
const FIRST_INTERFACE: [(&str, &str); 10] = [
    ("NetworkCardIndex", "0"),
    ("DeviceIndex", "0"),
    ("InterfaceType", "interface"),
    ("SecurityGroupId.1", "sg-1"),
    ("SecurityGroupId.2", "sg-2"),
    ("AssociatePublicIpAddress", "false"),
    ("Ipv4PrefixCount", "1"),
    ("Ipv6PrefixCount", "2"),
    ("PrimaryIpv6", "true"),
    ("Ipv6AddressCount", "3"),
];
const SECOND_INTERFACE: [(&str, &str); 4] = [
    ("NetworkCardIndex", "1"),
    ("DeviceIndex", "1"),
    ("InterfaceType", "efa-only"),
    ("SecurityGroupId.1", "sg-1"),
];

#[tokio::test]
async fn what_a_template_does_not_say_is_not_sent() {
    let aws = Aws::new("plain-template", "ca-central-1").await;
    let made = aws.calls.ec2.create_launch_template(&plain("plain")).await;
    made.expect("a template");
    let wanted = json!({
        "LaunchTemplateName": "plain",
        "TagSpecification.1.ResourceType": "launch-template",
        "TagSpecification.1.Tag.1.Key": "team",
        "TagSpecification.1.Tag.1.Value": "plain",
        "LaunchTemplateData.IamInstanceProfile.Name": "profile",
        "LaunchTemplateData.Monitoring.Enabled": "false",
        "LaunchTemplateData.EnclaveOptions.Enabled": "false",
        "LaunchTemplateData.ImageId": "ami-1",
        "LaunchTemplateData.UserData": "",
        "LaunchTemplateData.MetadataOptions.InstanceMetadataTags": "disabled",
        "LaunchTemplateData.NetworkInterface.1.NetworkCardIndex": "0",
        "LaunchTemplateData.NetworkInterface.1.DeviceIndex": "0",
        "LaunchTemplateData.NetworkInterface.1.SecurityGroupId.1": "sg-1",
    });
    let asked = without_token(aws.asked_once("CreateLaunchTemplate"));
    assert_eq!(asked, wanted);
}

#[tokio::test]
async fn a_template_that_is_asked_for_again_after_a_cut_connection_is_made_once() {
    let aws = Aws::new("template-again", "ca-central-1").await;
    let create = || Fault::on("ec2", "CreateLaunchTemplate");
    aws.fault(create().cut_after().times(1));
    let template = plain("again");
    let made = aws.calls.ec2.create_launch_template(&template).await;
    assert_eq!(made.expect("a template").name, "again");
    let asked = aws.asked("CreateLaunchTemplate");
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0], asked[1]);
}

#[tokio::test]
async fn templates_are_found_by_name_or_by_filters_page_by_page() {
    let aws = Aws::new("find-templates", "ca-west-1").await;
    let ec2 = &aws.calls.ec2;
    let mut made = Vec::new();
    for name in ["found-1", "found-2", "found-3"] {
        let mut template = plain(name);
        template.tags = tags("team", "found");
        made.push(ec2.create_launch_template(&template).await.expect("made"));
    }
    let other = ec2.create_launch_template(&plain("other")).await;
    other.expect("made");
    aws.pages(1);
    assert_eq!(
        ec2.launch_template("found-2").await,
        Ok(vec![made[1].clone()])
    );
    let filters = [Filter::new("tag:team", ["found"])];
    let mut found = ec2.launch_templates(&filters).await.expect("a list");
    found.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(found, made);
    let failure = ec2.launch_template("unknown").await.expect_err("none");
    assert!(
        failure.is_launch_template_not_found() && failure.is_not_found(),
        "{failure}"
    );
    let asked = aws.asked("DescribeLaunchTemplates");
    assert_eq!(asked.len(), 5);
    assert_eq!(asked[0], json!({ "LaunchTemplateName.1": "found-2" }));
    let last = json!({
        "Filter.1.Name": "tag:team",
        "Filter.1.Value.1": "found",
        "MaxResults": "200",
        "NextToken": "2",
    });
    assert_eq!(asked[3], last);
}

#[tokio::test]
async fn a_template_is_deleted_by_id_or_by_name() {
    let aws = Aws::new("delete-templates", "ca-central-1").await;
    let ec2 = &aws.calls.ec2;
    let by_id = ec2.create_launch_template(&plain("by-id")).await;
    let by_name = ec2.create_launch_template(&plain("by-name")).await;
    let id = TemplateKey::Id(by_id.expect("made").id);
    let name = TemplateKey::Name(by_name.expect("made").name);
    for key in [&id, &name] {
        ec2.delete_launch_template(key).await.expect("deleted");
        let again = ec2.delete_launch_template(key).await;
        let failure = again.expect_err("gone already");
        assert!(failure.is_not_found(), "{failure}");
    }
    let TemplateKey::Id(id) = id else {
        panic!("no id");
    };
    let asked = aws.asked("DeleteLaunchTemplate");
    assert_eq!(asked[0], json!({ "LaunchTemplateId": id }));
    assert_eq!(asked[2], json!({ "LaunchTemplateName": "by-name" }));
}

#[tokio::test]
async fn a_template_that_exists_and_user_data_that_are_too_large_have_failures_of_their_own() {
    let aws = Aws::new("bad-templates", "ca-central-1").await;
    let ec2 = &aws.calls.ec2;
    let twice = plain("twice");
    ec2.create_launch_template(&twice).await.expect("made");
    let failure = ec2.create_launch_template(&twice).await;
    let failure = failure.expect_err("it exists");
    assert!(failure.is_already_exists(), "{failure}");
    let mut large = plain("large");
    large.data.user_data = "A".repeat(24_000);
    let failure = ec2.create_launch_template(&large).await;
    let failure = failure.expect_err("too large");
    assert!(failure.is_user_data_too_large(), "{failure}");
}
