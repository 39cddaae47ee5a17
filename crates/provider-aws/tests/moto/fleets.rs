//! Launches: fleets, what comes of them, and the dry runs before.

use api::ec2nodeclass::NetworkInterface;
use aws::ec2::{
    FleetCapacity, FleetConfig, FleetError, FleetInstance, FleetOverride, FleetRequest, Interface,
    LaunchTemplate, ResourceType, RunCheck, TagSpecification, TemplateData,
};
use aws::{Failure, Tags};
use catalog::Price;
use moto::{Fault, Network};
use serde_json::json;

use crate::support::Aws;

fn tags(resource: ResourceType, key: &str, value: &str) -> TagSpecification {
    let tags: Tags = Tags::from([(key.to_owned(), value.to_owned())]);
    TagSpecification { resource, tags }
}

/// A connection, the network of its region, and a template in it.
async fn prepared(name: &str, region: &'static str) -> (Aws, Network) {
    let aws = Aws::new(name, region).await;
    let network = aws.moto.network(region, "a", "b").expect("a network");
    let template = LaunchTemplate {
        name: name.to_owned(),
        tags: Tags::from([("team".to_owned(), name.to_owned())]),
        data: TemplateData {
            image_id: "ami-1".to_owned(),
            instance_profile: String::new(),
            interfaces: vec![Interface {
                groups: vec![network.security_group.clone()],
                ..Interface::default()
            }],
            ..TemplateData::default()
        },
    };
    let made = aws.calls.ec2.create_launch_template(&template).await;
    made.expect("a template");
    (aws, network)
}

fn instance_type(name: &str, subnet: &str, priority: Option<f64>) -> FleetOverride {
    FleetOverride {
        instance_type: name.to_owned(),
        subnet_id: Some(subnet.to_owned()),
        priority: priority.map(Price::from_dollars),
        ..FleetOverride::default()
    }
}

fn config(template: &str, overrides: Vec<FleetOverride>) -> FleetConfig {
    FleetConfig {
        template: template.to_owned(),
        overrides,
    }
}

#[tokio::test]
async fn all_of_a_fleet_is_sent() {
    let (aws, network) = prepared("full-fleet", "sa-east-1").await;
    let subnet = &network.subnets[0];
    let with_all = FleetOverride {
        image_id: Some("ami-2".to_owned()),
        zone: Some(subnet.zone.clone()),
        ..instance_type("m5.large", &subnet.id, Some(0.25))
    };
    let request = FleetRequest {
        context: Some("context".to_owned()),
        configs: vec![
            config("full-fleet", vec![with_all]),
            config(
                "full-fleet",
                vec![instance_type("c5.large", &subnet.id, None)],
            ),
        ],
        capacity: 2,
        capacity_type: FleetCapacity::Spot,
        on_demand_strategy: Some("prioritized".to_owned()),
        spot_strategy: Some("capacity-optimized-prioritized".to_owned()),
        reservation_types: vec!["interruptible-capacity-reservation".to_owned()],
        tags: vec![
            tags(ResourceType::Instance, "Name", "node"),
            tags(ResourceType::Fleet, "team", "a"),
        ],
        dry_run: false,
        client_token: Some("token-of-a-test".to_owned()),
    };
    let launched = aws.calls.ec2.create_fleet(&request).await;
    assert_eq!(launched.expect("a fleet").instances[0].ids.len(), 2);
    let wanted = json!({
        "ClientToken": "token-of-a-test",
        "Context": "context",
        "LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName": "full-fleet",
        "LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version": "$Latest",
        "LaunchTemplateConfigs.1.Overrides.1.AvailabilityZone": subnet.zone,
        "LaunchTemplateConfigs.1.Overrides.1.ImageId": "ami-2",
        "LaunchTemplateConfigs.1.Overrides.1.InstanceType": "m5.large",
        "LaunchTemplateConfigs.1.Overrides.1.Priority": "0.25",
        "LaunchTemplateConfigs.1.Overrides.1.SubnetId": subnet.id,
        "LaunchTemplateConfigs.2.LaunchTemplateSpecification.LaunchTemplateName": "full-fleet",
        "LaunchTemplateConfigs.2.LaunchTemplateSpecification.Version": "$Latest",
        "LaunchTemplateConfigs.2.Overrides.1.InstanceType": "c5.large",
        "LaunchTemplateConfigs.2.Overrides.1.SubnetId": subnet.id,
        "OnDemandOptions.AllocationStrategy": "prioritized",
        "ReservedCapacityOptions.ReservationType.1": "interruptible-capacity-reservation",
        "SpotOptions.AllocationStrategy": "capacity-optimized-prioritized",
        "TagSpecification.1.ResourceType": "instance",
        "TagSpecification.1.Tag.1.Key": "Name",
        "TagSpecification.1.Tag.1.Value": "node",
        "TagSpecification.2.ResourceType": "fleet",
        "TagSpecification.2.Tag.1.Key": "team",
        "TagSpecification.2.Tag.1.Value": "a",
        "TargetCapacitySpecification.DefaultTargetCapacityType": "spot",
        "TargetCapacitySpecification.TotalTargetCapacity": "2",
        "Type": "instant",
    });
    assert_eq!(aws.asked_once("CreateFleet"), wanted);
}

#[tokio::test]
async fn what_a_fleet_launched_and_what_it_could_not_is_told_by_override() {
    let (aws, network) = prepared("fleet", "sa-east-1").await;
    let [first, second] = [&network.subnets[0], &network.subnets[1]];
    let (cheap, dear) = (
        instance_type("r5.large", &first.id, Some(0.1)),
        instance_type("r5.large", &second.id, Some(0.2)),
    );
    let pool = aws.moto.pool("r5.large", &first.zone, "on-demand", 1);
    pool.expect("set");
    let request = FleetRequest {
        configs: vec![config("fleet", vec![dear.clone(), cheap.clone()])],
        capacity: 3,
        on_demand_strategy: Some("prioritized".to_owned()),
        ..FleetRequest::default()
    };
    let output = aws.calls.ec2.create_fleet(&request).await.expect("a fleet");
    assert!(output.fleet_id.starts_with("fleet-"));
    let [one, two] = &output.instances[..] else {
        panic!("two kinds of instances: {output:#?}");
    };
    let told = |ids: &[String], chosen: &FleetOverride| FleetInstance {
        ids: ids.to_vec(),
        instance_type: "r5.large".to_owned(),
        lifecycle: "on-demand".to_owned(),
        platform: String::new(),
        chosen: FleetOverride {
            zone: chosen.zone.clone(),
            ..chosen.clone()
        },
    };
    let zoned = |given: &FleetOverride, zone: &str| FleetOverride {
        zone: Some(zone.to_owned()),
        ..given.clone()
    };
    assert_eq!((one.ids.len(), two.ids.len()), (1, 2));
    assert_eq!(*one, told(&one.ids, &zoned(&cheap, &first.zone)));
    assert_eq!(*two, told(&two.ids, &zoned(&dear, &second.zone)));
    let [error] = &output.errors[..] else {
        panic!("one error: {output:#?}");
    };
    let missing = FleetError {
        code: "InsufficientInstanceCapacity".to_owned(),
        message: error.message.clone(),
        lifecycle: "on-demand".to_owned(),
        failed: cheap,
    };
    assert_eq!(*error, missing);
    assert!(error.message.contains("r5.large"), "{error:?}");
}

#[tokio::test]
async fn a_fleet_that_is_asked_for_again_after_a_cut_connection_launches_once() {
    let (aws, network) = prepared("fleet-again", "sa-east-1").await;
    let request = FleetRequest {
        configs: vec![config(
            "fleet-again",
            vec![instance_type("t3.large", &network.subnets[0].id, None)],
        )],
        capacity: 1,
        ..FleetRequest::default()
    };
    aws.fault(Fault::on("ec2", "CreateFleet").cut_after().times(1));
    let output = aws.calls.ec2.create_fleet(&request).await.expect("a fleet");
    assert_eq!(output.instances[0].ids.len(), 1);
    let asked = aws.asked("CreateFleet");
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0], asked[1]);
    let token = asked[0]["ClientToken"].as_str().expect("a token");
    assert!(!token.is_empty());
    let filter = [
        ("Filter.1.Name", "instance-type"),
        ("Filter.1.Value.1", "t3.large"),
    ];
    let launched = aws.moto.ec2(&aws.region, "DescribeInstances", &filter);
    let launched = launched.expect("a list");
    assert_eq!(launched.matches("<instanceId>").count(), 1, "{launched}");
    // Another fleet is another one.
    aws.calls.ec2.create_fleet(&request).await.expect("a fleet");
    assert_ne!(aws.asked("CreateFleet")[2]["ClientToken"], token);
}

#[tokio::test]
async fn a_fleet_of_an_unknown_template_fails() {
    let (aws, network) = prepared("fleet-unknown", "sa-east-1").await;
    let overrides = vec![instance_type("m5.large", &network.subnets[0].id, None)];
    let request = FleetRequest {
        configs: vec![config("unknown", overrides)],
        capacity: 1,
        ..FleetRequest::default()
    };
    let failure = aws.calls.ec2.create_fleet(&request).await;
    let failure = failure.expect_err("no such template");
    assert!(failure.is_launch_template_not_found(), "{failure}");
    assert_eq!(aws.sent("CreateFleet").len(), 1);
}

fn refused() -> Fault {
    let code = "UnauthorizedOperation";
    Fault::on("ec2", "")
        .code(code)
        .status(403)
        .message("You are not authorized")
}

fn throttled() -> Fault {
    Fault::on("ec2", "")
        .code("RequestLimitExceeded")
        .status(503)
}

#[tokio::test]
async fn a_dry_run_of_a_fleet_is_told_by_its_code_and_never_repeated() {
    let (aws, network) = prepared("fleet-dry", "sa-east-1").await;
    let request = FleetRequest {
        configs: vec![config(
            "fleet-dry",
            vec![instance_type("m5.large", &network.subnets[0].id, None)],
        )],
        capacity: 1,
        dry_run: true,
        ..FleetRequest::default()
    };
    let ask = async || -> Failure {
        let failed = aws.calls.ec2.create_fleet(&request).await;
        failed.expect_err("a dry run")
    };
    let success = ask().await;
    assert!(success.is_dry_run_success(), "{success}");
    assert_eq!(aws.asked_once("CreateFleet")["DryRun"], "true");
    aws.fault(refused().times(1));
    assert!(ask().await.is_unauthorized());
    aws.fault(throttled().times(1));
    assert!(ask().await.is_throttled());
    aws.fault(Fault::on("ec2", "").cut().times(1));
    assert!(ask().await.is_transient());
    assert_eq!(aws.sent("CreateFleet").len(), 4);
}

fn check(template: &str, subnet: &str) -> RunCheck {
    RunCheck {
        template: template.to_owned(),
        instance_type: "m5.large".to_owned(),
        interfaces: Vec::new(),
        subnet_id: subnet.to_owned(),
        tags: vec![tags(ResourceType::Volume, "team", "a")],
    }
}

#[tokio::test]
async fn a_dry_run_of_run_instances_is_sent_with_the_interfaces_in_the_subnet() {
    let (aws, network) = prepared("run", "sa-east-1").await;
    let subnet = network.subnets[0].id.as_str();
    let one = check("run", subnet);
    assert_eq!(aws.calls.ec2.check_run(&one).await, Ok(()));
    let interface = |card, device, kind: &str| NetworkInterface {
        network_card_index: card,
        device_index: device,
        interface_type: kind.to_owned(),
    };
    let two = RunCheck {
        interfaces: vec![interface(0, 0, "interface"), interface(1, 2, "efa-only")],
        ..one
    };
    assert_eq!(aws.calls.ec2.check_run(&two).await, Ok(()));
    let asked = aws.asked("RunInstances");
    let common = json!({
        "DryRun": "true",
        "MinCount": "1",
        "MaxCount": "1",
        "LaunchTemplate.LaunchTemplateName": "run",
        "LaunchTemplate.Version": "$Latest",
        "InstanceType": "m5.large",
        "TagSpecification.1.ResourceType": "volume",
        "TagSpecification.1.Tag.1.Key": "team",
        "TagSpecification.1.Tag.1.Value": "a",
        "NetworkInterface.1.SubnetId": subnet,
        "NetworkInterface.1.DeviceIndex": "0",
    });
    for (mut asked, interfaces) in asked.into_iter().zip([
        json!({}),
        json!({
            "NetworkInterface.1.NetworkCardIndex": "0",
            "NetworkInterface.1.InterfaceType": "interface",
            "NetworkInterface.2.SubnetId": subnet,
            "NetworkInterface.2.NetworkCardIndex": "1",
            "NetworkInterface.2.DeviceIndex": "2",
            "NetworkInterface.2.InterfaceType": "efa-only",
        }),
    ]) {
        let mut wanted = common.as_object().expect("fields").clone();
        wanted.extend(interfaces.as_object().expect("fields").clone());
        let fields = asked.as_object_mut().expect("fields");
        fields.remove("ClientToken").expect("a token");
        assert_eq!(*fields, wanted);
    }
}

#[tokio::test]
async fn a_dry_run_of_run_instances_fails_as_the_launch_would_and_is_never_repeated() {
    let (aws, network) = prepared("run-dry", "sa-east-1").await;
    let subnet = network.subnets[0].id.as_str();
    let ec2 = &aws.calls.ec2;
    let failure = ec2.check_run(&check("unknown", subnet)).await;
    let failure = failure.expect_err("no such template");
    assert!(failure.is_launch_template_not_found(), "{failure}");
    let known = check("run-dry", subnet);
    aws.fault(refused().times(1));
    let failure = ec2.check_run(&known).await.expect_err("refused");
    assert!(failure.is_unauthorized(), "{failure}");
    aws.fault(throttled().times(1));
    let failure = ec2.check_run(&known).await.expect_err("throttled");
    assert!(failure.is_throttled(), "{failure}");
    assert_eq!(aws.sent("RunInstances").len(), 3);
    assert_eq!(ec2.check_run(&known).await, Ok(()));
}
