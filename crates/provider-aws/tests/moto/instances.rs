//! Instances: found, ended, tagged, and how they are.

use aws::Tags;
use aws::ec2::{
    Filter, FleetCapacity, FleetConfig, FleetOverride, FleetRequest, ImpairedCheck, Instance,
    InstanceState, InstanceStatus, Interface, InterfaceType, LaunchTemplate, Placement,
    ReservationPreference, ReservationTarget, ResourceType, ScheduledEvent, StatusCategory,
    StatusFilter, TagSpecification, TemplateData, TerminatedInstance,
};
use model::Timestamp;
use moto::Network;
use serde_json::json;

use crate::support::Aws;

fn tags(key: &str, value: &str) -> Tags {
    Tags::from([(key.to_owned(), value.to_owned())])
}

fn template(name: &str, network: &Network) -> LaunchTemplate {
    LaunchTemplate {
        name: name.to_owned(),
        tags: tags("team", name),
        data: TemplateData {
            image_id: "ami-1".to_owned(),
            interfaces: vec![Interface {
                groups: vec![network.security_group.clone()],
                ..Interface::default()
            }],
            ..TemplateData::default()
        },
    }
}

/// Launches from a template into the first subnet; the ids.
async fn launch(
    aws: &Aws,
    network: &Network,
    template: &LaunchTemplate,
    capacity_type: FleetCapacity,
    capacity: u32,
) -> Vec<String> {
    let made = aws.calls.ec2.create_launch_template(template).await;
    made.expect("a template");
    let request = FleetRequest {
        configs: vec![FleetConfig {
            template: template.name.clone(),
            overrides: vec![FleetOverride {
                instance_type: "m5.large".to_owned(),
                subnet_id: Some(network.subnets[0].id.clone()),
                ..FleetOverride::default()
            }],
        }],
        capacity,
        capacity_type,
        tags: vec![TagSpecification {
            resource: ResourceType::Instance,
            tags: tags("of", &template.name),
        }],
        ..FleetRequest::default()
    };
    let output = aws.calls.ec2.create_fleet(&request).await.expect("a fleet");
    let instances = output.instances.into_iter();
    instances.flat_map(|one| one.ids).collect()
}

/// Only instances that are tagged with the name of a template.
fn of(name: &str) -> Vec<Filter> {
    vec![Filter::new("tag:of", [name])]
}

/// A time in these years, which is what launches tell.
fn is_recent(time: Option<Timestamp>) -> bool {
    time > Timestamp::parse("2025-01-01T00:00:00Z").ok()
}

#[tokio::test]
async fn an_ordinary_instance_is_told_as_it_is() {
    let aws = Aws::new("ordinary", "eu-west-3").await;
    let network = aws.moto.network(&aws.region, "a", "b").expect("set");
    let template = template("ordinary", &network);
    let ids = launch(&aws, &network, &template, FleetCapacity::OnDemand, 1).await;
    let found = aws.calls.ec2.instances(&of("ordinary")).await;
    let mut found = found.expect("a list");
    assert_eq!(found.len(), 1);
    let mut instance = found.remove(0);
    assert!(is_recent(instance.launched), "{instance:?}");
    instance.launched = None;
    instance.tags.retain(|key, _| !key.starts_with("aws:"));
    let subnet = &network.subnets[0];
    let wanted = Instance {
        id: ids[0].clone(),
        instance_type: "m5.large".to_owned(),
        image_id: "ami-1".to_owned(),
        state: InstanceState::Running,
        launched: None,
        zone: subnet.zone.clone(),
        zone_id: subnet.zone_id.clone(),
        subnet_id: subnet.id.clone(),
        security_groups: vec![network.security_group.clone()],
        lifecycle: String::new(),
        spot_request_id: String::new(),
        reservation_id: None,
        reservation_preference: None,
        tenancy: "default".to_owned(),
        placement_group_id: None,
        partition: None,
        interfaces: vec!["interface".to_owned()],
        tags: tags("of", "ordinary"),
    };
    assert_eq!(instance, wanted);
}

#[tokio::test]
async fn what_a_spot_instance_and_one_in_a_reservation_have_of_their_own_is_told() {
    let aws = Aws::new("special", "eu-west-3").await;
    let network = aws.moto.network(&aws.region, "a", "b").expect("set");
    let mut spot = template("special-spot", &network);
    spot.data.placement = Placement {
        tenancy: "dedicated".to_owned(),
        group_id: Some("pg-7".to_owned()),
        partition: Some(3),
    };
    spot.data.interfaces.push(Interface {
        device: 1,
        kind: InterfaceType::EfaOnly,
        groups: vec![network.security_group.clone()],
        ..Interface::default()
    });
    launch(&aws, &network, &spot, FleetCapacity::Spot, 1).await;
    let found = aws.calls.ec2.instances(&of("special-spot")).await;
    let instance = found.expect("a list").remove(0);
    assert_eq!(instance.lifecycle, "spot");
    assert!(instance.spot_request_id.starts_with("sir-"));
    assert_eq!(instance.tenancy, "dedicated");
    assert_eq!(instance.placement_group_id.as_deref(), Some("pg-7"));
    assert_eq!(instance.partition, Some(3));
    assert_eq!(instance.interfaces, ["interface", "efa-only"]);
    let reservation = json!([{
        "CapacityReservationId": "cr-special",
        "InstanceType": "m5.large",
        "AvailabilityZone": network.subnets[0].zone,
        "AvailableInstanceCount": 1,
    }]);
    aws.moto.reservations(&reservation).expect("set");
    let mut reserved = template("special-reserved", &network);
    reserved.data.reservation = Some(ReservationTarget {
        preference: ReservationPreference::Only,
        id: Some("cr-special".to_owned()),
    });
    launch(&aws, &network, &reserved, FleetCapacity::OnDemand, 1).await;
    let found = aws.calls.ec2.instances(&of("special-reserved")).await;
    let instance = found.expect("a list").remove(0);
    assert_eq!(instance.reservation_id.as_deref(), Some("cr-special"));
    let preference = instance.reservation_preference.as_deref();
    assert_eq!(preference, Some("capacity-reservations-only"));
}

#[tokio::test]
async fn instances_are_listed_by_filters_that_all_hold_page_by_page() {
    let aws = Aws::new("listed", "eu-west-3").await;
    let network = aws.moto.network(&aws.region, "a", "b").expect("set");
    let template = template("listed", &network);
    let mut ids = launch(&aws, &network, &template, FleetCapacity::OnDemand, 3).await;
    aws.pages(1);
    let filters = [
        Filter::new("tag-key", ["of"]),
        Filter::new("tag-key", ["aws:ec2:fleet-id"]),
        Filter::new("tag:of", ["listed"]),
        Filter::new("instance-state-name", ["pending", "running"]),
    ];
    let found = aws.calls.ec2.instances(&filters).await.expect("a list");
    let mut found: Vec<_> = found.into_iter().map(|one| one.id).collect();
    ids.sort();
    found.sort();
    assert_eq!(found, ids);
    let asked = aws.asked("DescribeInstances");
    assert_eq!(asked.len(), 3);
    let first = json!({
        "Filter.1.Name": "tag-key",
        "Filter.1.Value.1": "of",
        "Filter.2.Name": "tag-key",
        "Filter.2.Value.1": "aws:ec2:fleet-id",
        "Filter.3.Name": "tag:of",
        "Filter.3.Value.1": "listed",
        "Filter.4.Name": "instance-state-name",
        "Filter.4.Value.1": "pending",
        "Filter.4.Value.2": "running",
        "MaxResults": "1000",
    });
    assert_eq!(asked[0], first);
    assert!(asked[1]["NextToken"].is_string(), "{asked:?}");
}

#[tokio::test]
async fn instances_are_found_by_ids_without_a_page_size() {
    let aws = Aws::new("by-id", "eu-west-3").await;
    let network = aws.moto.network(&aws.region, "a", "b").expect("set");
    let template = template("by-id", &network);
    let ids = launch(&aws, &network, &template, FleetCapacity::OnDemand, 3).await;
    aws.moto.terminate(&aws.region, &ids[2]).expect("ended");
    aws.pages(1);
    let ec2 = &aws.calls.ec2;
    let filters = [Filter::new("instance-state-name", ["running"])];
    let found = ec2.instances_by_id(&ids, &filters).await.expect("a list");
    let mut found: Vec<_> = found.into_iter().map(|one| one.id).collect();
    let mut running = ids[..2].to_vec();
    running.sort();
    found.sort();
    assert_eq!(found, running);
    let asked = aws.asked("DescribeInstances");
    let wanted = json!({
        "InstanceId.1": ids[0],
        "InstanceId.2": ids[1],
        "InstanceId.3": ids[2],
        "Filter.1.Name": "instance-state-name",
        "Filter.1.Value.1": "running",
    });
    assert_eq!(asked.len(), 2, "also these lists have pages");
    assert_eq!(asked[0], wanted);
    let unknown = [ids[0].clone(), "i-0123456789abcdef0".to_owned()];
    let failure = ec2.instances_by_id(&unknown, &[]).await;
    let failure = failure.expect_err("one is unknown");
    assert_eq!(failure.code, "InvalidInstanceID.NotFound");
    assert!(failure.is_not_found());
}

#[tokio::test]
async fn terminated_instances_are_told_with_their_state() {
    let aws = Aws::new("ended", "eu-west-3").await;
    let network = aws.moto.network(&aws.region, "a", "b").expect("set");
    let template = template("ended", &network);
    let ids = launch(&aws, &network, &template, FleetCapacity::OnDemand, 2).await;
    let told = aws.calls.ec2.terminate(&ids).await.expect("ended");
    let mut told: Vec<TerminatedInstance> = told;
    told.sort_by(|one, other| one.id.cmp(&other.id));
    assert!(told.iter().all(|one| one.state.is_ending()), "{told:?}");
    let mut wanted = ids.clone();
    wanted.sort();
    let told: Vec<_> = told.into_iter().map(|one| one.id).collect();
    assert_eq!(told, wanted);
    let asked = json!({ "InstanceId.1": ids[0], "InstanceId.2": ids[1] });
    assert_eq!(aws.asked_once("TerminateInstances"), asked);
    let found = aws.calls.ec2.instances(&of("ended")).await.expect("a list");
    let states: Vec<_> = found.into_iter().map(|one| one.state).collect();
    assert_eq!(states, [InstanceState::Terminated; 2]);
    let unknown = ["i-0123456789abcdef0".to_owned()];
    let failure = aws.calls.ec2.terminate(&unknown).await.expect_err("none");
    assert!(failure.is_not_found(), "{failure}");
}

#[tokio::test]
async fn an_instance_is_tagged() {
    let aws = Aws::new("tagged", "eu-west-3").await;
    let network = aws.moto.network(&aws.region, "a", "b").expect("set");
    let template = template("tagged", &network);
    let ids = launch(&aws, &network, &template, FleetCapacity::OnDemand, 1).await;
    let more = Tags::from([
        ("Name".to_owned(), "a node".to_owned()),
        ("karpenter.sh/nodeclaim".to_owned(), "default-1".to_owned()),
    ]);
    aws.calls.ec2.tag(&ids[0], &more).await.expect("tagged");
    let asked = json!({
        "ResourceId.1": ids[0],
        "Tag.1.Key": "Name",
        "Tag.1.Value": "a node",
        "Tag.2.Key": "karpenter.sh/nodeclaim",
        "Tag.2.Value": "default-1",
    });
    assert_eq!(aws.asked_once("CreateTags"), asked);
    let found = aws.calls.ec2.instances(&of("tagged")).await;
    let instance = found.expect("a list").remove(0);
    assert!(more.iter().all(|tag| instance.tags.contains_key(tag.0)));
    let failure = aws.calls.ec2.tag("i-0123456789abcdef0", &more).await;
    let failure = failure.expect_err("no such instance");
    assert!(failure.is_not_found(), "{failure}");
}

#[tokio::test]
async fn impaired_instances_and_planned_events_are_found_page_by_page() {
    let aws = Aws::new("status", "eu-south-2").await;
    let network = aws.moto.network(&aws.region, "a", "b").expect("set");
    let template = template("status", &network);
    let ids = launch(&aws, &network, &template, FleetCapacity::OnDemand, 4).await;
    let event = json!({
        "Code": "instance-retirement", "Description": "The instance is old",
        "NotBefore": "2026-12-24T18:00:00Z",
    });
    for (id, how) in [
        (&ids[0], json!({ "instance": 60 })),
        (&ids[1], json!({ "system": 60, "ebs": 60 })),
        (&ids[2], json!({ "events": [event] })),
    ] {
        aws.moto.impair(id, &how).expect("set");
    }
    aws.pages(1);
    let find = async |filter| -> Vec<InstanceStatus> {
        let found = aws.calls.ec2.instance_status(filter).await;
        found.expect("a list")
    };
    let impaired = find(StatusFilter::InstanceImpaired).await;
    assert_eq!(
        told(&impaired),
        [(ids[0].as_str(), vec![StatusCategory::Instance])]
    );
    let impaired = find(StatusFilter::SystemImpaired).await;
    let categories = vec![StatusCategory::System, StatusCategory::Ebs];
    assert_eq!(told(&impaired), [(ids[1].as_str(), categories)]);
    let planned = find(StatusFilter::Event).await;
    let event = ScheduledEvent {
        code: "instance-retirement".to_owned(),
        description: "The instance is old".to_owned(),
        not_before: Timestamp::parse("2026-12-24T18:00:00Z").ok(),
    };
    assert_eq!(planned.len(), 1);
    assert_eq!(
        (&planned[0].id, &planned[0].events),
        (&ids[2], &vec![event])
    );
    aws.moto
        .impair(&ids[3], &json!({ "instance": 1 }))
        .expect("set");
    assert_eq!(find(StatusFilter::InstanceImpaired).await.len(), 2);
    let asked = aws.asked("DescribeInstanceStatus");
    assert_eq!(asked.len(), 5, "the last list has two pages");
    let wanted = json!({
        "Filter.1.Name": "event.code",
        "Filter.1.Value.1": "instance-reboot",
        "Filter.1.Value.2": "system-reboot",
        "Filter.1.Value.3": "system-maintenance",
        "Filter.1.Value.4": "instance-retirement",
        "Filter.1.Value.5": "instance-stop",
    });
    assert_eq!(asked[2], wanted);
}

/// Ids, with the checks that fail and since when is told.
fn told(statuses: &[InstanceStatus]) -> Vec<(&str, Vec<StatusCategory>)> {
    let fails = |check: &&ImpairedCheck| check.status == "failed" && is_recent(check.since);
    let one = |status: &InstanceStatus| -> Vec<StatusCategory> {
        let failing = status.checks.iter().filter(fails);
        failing.map(|check| check.category).collect()
    };
    statuses
        .iter()
        .map(|status| (status.id.as_str(), one(status)))
        .collect()
}
