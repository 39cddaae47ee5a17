//! moto with our additions, as AWS would answer. What the product sends and reads is tested with
//! the product (`provider-aws`); here is what tests rely on beside it.

use anyhow::Result;
use moto::{Fault, Moto, Network, text_between};
use serde_json::json;

const REGION: &str = "us-west-2";
const NODE_FILTER: [(&str, &str); 2] = [
    ("Filter.1.Name", "tag-key"),
    ("Filter.1.Value.1", "karpenter.sh/nodepool"),
];

/// A template that fleets of this file launch from.
fn template(moto: &Moto, region: &str, name: &str, network: &Network, more: &[(&str, &str)]) {
    let group = "LaunchTemplateData.NetworkInterface.1.SecurityGroupId.1";
    let mut fields = vec![
        ("LaunchTemplateName", name),
        ("LaunchTemplateData.ImageId", "ami-1"),
        ("LaunchTemplateData.NetworkInterface.1.DeviceIndex", "0"),
        (group, network.security_group.as_str()),
    ];
    fields.extend_from_slice(more);
    moto.ec2(region, "CreateLaunchTemplate", &fields)
        .expect("a template");
}

/// Launches from a template; overrides are type and subnet.
fn fleet(
    moto: &Moto,
    region: &str,
    template: &str,
    kind: &str,
    count: &str,
    overrides: &[(&str, &str)],
    more: &[(&str, &str)],
) -> Result<String> {
    let config = "LaunchTemplateConfigs.1";
    let mut owned: Vec<(String, &str)> = vec![
        ("Type".to_owned(), "instant"),
        (
            format!("{config}.LaunchTemplateSpecification.LaunchTemplateName"),
            template,
        ),
        (
            format!("{config}.LaunchTemplateSpecification.Version"),
            "$Latest",
        ),
        (
            "TargetCapacitySpecification.TotalTargetCapacity".to_owned(),
            count,
        ),
        (
            "TargetCapacitySpecification.DefaultTargetCapacityType".to_owned(),
            kind,
        ),
    ];
    for (at, (instance_type, subnet)) in overrides.iter().enumerate() {
        let at = at + 1;
        owned.push((
            format!("{config}.Overrides.{at}.InstanceType"),
            instance_type,
        ));
        owned.push((format!("{config}.Overrides.{at}.SubnetId"), subnet));
    }
    owned.extend(
        more.iter()
            .map(|(name, value)| ((*name).to_owned(), *value)),
    );
    let fields: Vec<(&str, &str)> = owned
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    moto.ec2(region, "CreateFleet", &fields)
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[test]
fn spot_fleets_take_the_cheapest_pool_until_it_is_empty_and_tell_what_was_missing() {
    let moto = Moto::shared().expect("moto");
    let region = "eu-west-1";
    let network = moto.network(region, "a", "b").expect("a network");
    template(moto, region, "pools", &network, &[]);
    let [first, second] = [&network.subnets[0], &network.subnets[1]];
    moto.spot_price("m5.large", &first.zone, 0.01).expect("set");
    moto.spot_price("m5.large", &second.zone, 0.02)
        .expect("set");
    moto.pool("m5.large", &first.zone, "spot", 2).expect("set");
    let overrides = [
        ("m5.large", second.id.as_str()),
        ("m5.large", first.id.as_str()),
    ];
    let strategy = [("SpotOptions.AllocationStrategy", "price-capacity-optimized")];
    let fleet = fleet(moto, region, "pools", "spot", "3", &overrides, &strategy).expect("a fleet");
    assert_eq!(count(&fleet, "<lifecycle>spot</lifecycle>"), 3, "{fleet}");
    assert_eq!(
        text_between(&fleet, "errorCode"),
        "InsufficientInstanceCapacity"
    );
    let instances = moto.instances(region).expect("a list");
    assert_eq!(instances.len(), 3);
    let told = moto.ec2(region, "DescribeInstances", &[]).expect("a list");
    assert_eq!(count(&told, "<spotInstanceRequestId>sir-"), 3);
    assert_eq!(
        count(&told, "<groupId>"),
        6,
        "the group of each instance and interface: {told}"
    );
    assert!(told.contains(&format!("<availabilityZoneId>{}<", first.zone_id)));
}

#[test]
fn a_fleet_that_is_asked_again_by_its_token_is_the_same_fleet() {
    let moto = Moto::shared().expect("moto");
    let region = "eu-west-2";
    let network = moto.network(region, "a", "b").expect("a network");
    template(moto, region, "token", &network, &[]);
    let overrides = [("c5.large", network.subnets[0].id.as_str())];
    let token = [("ClientToken", "once")];
    let ask = || fleet(moto, region, "token", "on-demand", "1", &overrides, &token);
    let first = text_between(&ask().expect("a fleet"), "fleetId");
    let again = text_between(&ask().expect("a fleet"), "fleetId");
    assert_eq!(first, again);
    assert_eq!(moto.instances(region).expect("a list").len(), 1);
}

#[test]
fn reservations_are_used_up_and_given_back() {
    let moto = Moto::shared().expect("moto");
    let region = "eu-central-1";
    let network = moto.network(region, "a", "b").expect("a network");
    let subnet = &network.subnets[0];
    let reservation = json!([{
        "CapacityReservationId": "cr-used",
        "InstanceType": "m5.large",
        "AvailabilityZone": subnet.zone,
        "AvailableInstanceCount": 1,
    }]);
    moto.reservations(&reservation).expect("set");
    let target = "LaunchTemplateData.CapacityReservationSpecification";
    let preference = format!("{target}.CapacityReservationPreference");
    let id = format!("{target}.CapacityReservationTarget.CapacityReservationId");
    let asked = [
        (preference.as_str(), "capacity-reservations-only"),
        (id.as_str(), "cr-used"),
    ];
    template(moto, region, "reserved", &network, &asked);
    let overrides = [("m5.large", subnet.id.as_str())];
    let launched = fleet(moto, region, "reserved", "on-demand", "2", &overrides, &[]);
    let launched = launched.expect("a fleet");
    assert_eq!(
        text_between(&launched, "errorCode"),
        "ReservationCapacityExceeded"
    );
    let ids = moto.instances(region).expect("a list");
    let wanted = [("CapacityReservationId.1", "cr-used")];
    let left = || {
        let told = moto.ec2(region, "DescribeCapacityReservations", &wanted);
        text_between(&told.expect("a list"), "availableInstanceCount")
    };
    assert_eq!((ids.len(), left()), (1, "0".to_owned()));
    moto.terminate(region, &ids[0]).expect("terminated");
    assert_eq!(left(), "1");
}

#[test]
fn an_end_takes_the_time_that_was_set_and_gives_the_address_back() {
    let moto = Moto::start().expect("moto");
    let network = moto.network(REGION, "a", "b").expect("a network");
    let subnet = [("SubnetId.1", network.subnets[0].id.as_str())];
    let free = || {
        let told = moto
            .ec2(REGION, "DescribeSubnets", &subnet)
            .expect("a list");
        text_between(&told, "availableIpAddressCount")
    };
    let before = free();
    // No test waits for as long.
    moto.transitions(1000.0, 1000.0).expect("set");
    template(&moto, REGION, "slow", &network, &[]);
    let overrides = [("m5.large", network.subnets[0].id.as_str())];
    fleet(&moto, REGION, "slow", "on-demand", "1", &overrides, &[]).expect("a fleet");
    let state = || {
        let told = moto.ec2(REGION, "DescribeInstances", &[]).expect("a list");
        let state = told.split_once("<instanceState>").expect("a state").1;
        text_between(state, "name")
    };
    assert_eq!(state(), "pending");
    assert_ne!(free(), before);
    let ids = moto.instances(REGION).expect("a list");
    moto.terminate(REGION, &ids[0]).expect("terminated");
    assert_eq!((state(), free()), ("shutting-down".to_owned(), before));
}

#[test]
fn of_two_filters_with_one_name_both_must_hold() {
    let moto = Moto::shared().expect("moto");
    let region = "eu-north-1";
    let network = moto.network(region, "a", "b").expect("a network");
    template(moto, region, "tagged", &network, &[]);
    let overrides = [("m5.large", network.subnets[0].id.as_str())];
    let tags = [
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "karpenter.sh/nodepool"),
        ("TagSpecification.1.Tag.1.Value", "default"),
    ];
    fleet(moto, region, "tagged", "on-demand", "1", &overrides, &tags).expect("a fleet");
    let found = |filters: &[(&str, &str)]| {
        let told = moto.ec2(region, "DescribeInstances", filters);
        count(&told.expect("a list"), "<instanceId>")
    };
    assert_eq!(found(&NODE_FILTER), 1);
    let other = [("Filter.2.Name", "tag-key"), ("Filter.2.Value.1", "other")];
    assert_eq!(found(&[NODE_FILTER, other].concat()), 0);
}

#[test]
fn faults_hit_as_many_calls_as_they_should_and_calls_are_listed() {
    let moto = Moto::start().expect("moto");
    let fault = Fault::on("ec2", "DescribeVpcs").code("RequestLimitExceeded");
    moto.fault(&fault.status(503).times(1)).expect("set");
    moto.fault(&Fault::on("ec2", "DescribeVpcs").cut().times(1))
        .expect("set");
    let error = moto.ec2(REGION, "DescribeVpcs", &[]).expect_err("a fault");
    assert!(
        error.to_string().contains("RequestLimitExceeded"),
        "{error}"
    );
    moto.ec2(REGION, "DescribeVpcs", &[]).expect_err("a cut");
    moto.ec2(REGION, "DescribeVpcs", &[]).expect("an answer");
    let calls = moto.calls_of("DescribeVpcs", REGION).expect("calls");
    let statuses: Vec<_> = calls.iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(503), Some(0), Some(200)]);
    assert_eq!(calls[0].field("Version"), Some("2016-11-15"));
    moto.forget_calls().expect("forgotten");
    assert!(moto.calls().expect("calls").is_empty());
}

#[test]
fn a_server_is_gone_with_its_guard() {
    let moto = Moto::start().expect("moto");
    let endpoint = moto.endpoint();
    let address = endpoint.trim_start_matches("http://").to_owned();
    std::net::TcpStream::connect(&address).expect("it listens");
    drop(moto);
    std::net::TcpStream::connect(&address).expect_err("nobody listens");
}
