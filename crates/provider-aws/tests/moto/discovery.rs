//! What exists in the account: subnets, groups, images, reservations, placement groups.

use aws::ec2::{
    Filter, Image, ImageQuery, PlacementGroup, PlacementGroupQuery, Reservation, ReservationQuery,
    SecurityGroup, Subnet,
};
use model::Timestamp;
use moto::Fault;
use serde_json::json;

use crate::support::Aws;

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

#[tokio::test]
async fn subnets_are_found_by_filters_page_by_page() {
    let aws = Aws::new("subnets", "ap-northeast-1").await;
    let network = aws.moto.network(&aws.region, "team", "a b&c").expect("set");
    aws.pages(1);
    let filters = [
        Filter::new("tag:team", ["other", "a b&c"]),
        Filter::new("tag-key", ["team"]),
    ];
    let mut found = aws.calls.ec2.subnets(&filters).await.expect("a list");
    let mut subnets = network.subnets.clone();
    subnets.sort_by(|one, other| one.id.cmp(&other.id));
    let wanted: Vec<_> = subnets
        .iter()
        .map(|subnet| Subnet {
            id: subnet.id.clone(),
            zone: subnet.zone.clone(),
            zone_id: subnet.zone_id.clone(),
            free_addresses: 4091,
        })
        .collect();
    assert!(wanted.len() > 2);
    found.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(found, wanted);
    let asked = aws.asked("DescribeSubnets");
    assert_eq!(asked.len(), wanted.len(), "a call for each page");
    let first = json!({
        "Filter.1.Name": "tag:team",
        "Filter.1.Value.1": "other",
        "Filter.1.Value.2": "a b&c",
        "Filter.2.Name": "tag-key",
        "Filter.2.Value.1": "team",
        "MaxResults": "500",
    });
    assert_eq!(asked[0], first);
    let mut second = first;
    second["NextToken"] = "1".into();
    assert_eq!(asked[1], second);
}

#[tokio::test]
async fn an_empty_page_is_not_the_last_one() {
    let aws = Aws::new("empty-page", "ap-northeast-2").await;
    aws.moto.network(&aws.region, "a", "b").expect("set");
    let empty = "<DescribeSubnetsResponse><subnetSet/><nextToken>0</nextToken>\
                 </DescribeSubnetsResponse>";
    let fault = Fault::on("ec2", "DescribeSubnets").answer(empty).times(1);
    aws.fault(fault);
    let found = aws.calls.ec2.subnets(&[]).await.expect("a list");
    assert!(!found.is_empty());
    let asked = aws.asked("DescribeSubnets");
    let second = json!({ "MaxResults": "500", "NextToken": "0" });
    assert_eq!(asked[1..], [second]);
}

#[tokio::test]
async fn security_groups_are_found_by_filters_page_by_page() {
    let aws = Aws::new("groups", "ap-northeast-3").await;
    let network = aws.moto.network(&aws.region, "a", "b").expect("set");
    for name in ["first", "second"] {
        let fields = [
            ("GroupName", name),
            ("GroupDescription", "of a test"),
            ("VpcId", &network.vpc),
        ];
        let made = aws.moto.ec2(&aws.region, "CreateSecurityGroup", &fields);
        made.expect("a group");
    }
    aws.pages(1);
    let filters = [Filter::new("vpc-id", [&network.vpc])];
    let found = aws.calls.ec2.security_groups(&filters).await;
    let mut found = found.expect("a list");
    found.sort_by(|one, other| one.name.cmp(&other.name));
    let names: Vec<_> = found.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["default", "first", "second"]);
    let default = SecurityGroup {
        id: network.security_group,
        name: "default".to_owned(),
    };
    assert_eq!(found[0], default);
    assert!(found.iter().all(|group| group.id.starts_with("sg-")));
    let asked = aws.asked("DescribeSecurityGroups");
    assert_eq!(asked.len(), 3);
    let last = json!({
        "Filter.1.Name": "vpc-id",
        "Filter.1.Value.1": network.vpc,
        "MaxResults": "500",
        "NextToken": "2",
    });
    assert_eq!(asked[2], last);
}

#[tokio::test]
async fn images_are_told_with_their_times_the_deprecated_ones_among_them() {
    let aws = Aws::new("images", "ap-south-1").await;
    let images = json!([
        {
            "id": "ami-old", "name": "of-a-test-1", "architecture": "arm64", "region": aws.region,
            "created": "2024-03-01T10:20:30Z", "deprecated": "2025-03-01T00:00:00.000Z",
        },
        { "id": "ami-new", "name": "of-a-test-2", "region": aws.region, "owner": "111122223333",
            "created": "2026-03-01T00:00:00Z", "tags": { "team": "a" } },
        { "id": "ami-other", "name": "other", "region": aws.region,
            "created": "2026-03-01T00:00:00Z" },
    ]);
    aws.moto.images(&images).expect("set");
    aws.pages(1);
    let query = ImageQuery {
        filters: vec![Filter::new("name", ["of-a-test-*"])],
        owners: Vec::new(),
    };
    let mut found = aws.calls.ec2.images(&query).await.expect("a list");
    found.sort_by(|one, other| one.name.cmp(&other.name));
    let old = Image {
        id: "ami-old".to_owned(),
        name: "of-a-test-1".to_owned(),
        architecture: "arm64".to_owned(),
        created: Some(time("2024-03-01T10:20:30Z")),
        deprecated: Some(time("2025-03-01T00:00:00Z")),
    };
    let new = Image {
        id: "ami-new".to_owned(),
        name: "of-a-test-2".to_owned(),
        architecture: "x86_64".to_owned(),
        created: Some(time("2026-03-01T00:00:00Z")),
        deprecated: None,
    };
    assert_eq!(found, [old, new.clone()]);
    let of_owner = ImageQuery {
        filters: vec![Filter::new("tag:team", ["a"])],
        owners: vec!["self".to_owned(), "111122223333".to_owned()],
    };
    let found = aws.calls.ec2.images(&of_owner).await.expect("a list");
    assert_eq!(found, [new]);
    let asked = aws.asked("DescribeImages");
    assert_eq!(asked.len(), 3);
    let by_name = json!({
        "Filter.1.Name": "name",
        "Filter.1.Value.1": "of-a-test-*",
        "Filter.2.Name": "state",
        "Filter.2.Value.1": "available",
        "IncludeDeprecated": "true",
        "MaxResults": "1000",
    });
    assert_eq!(asked[0], by_name);
    let by_owner = json!({
        "Filter.1.Name": "tag:team",
        "Filter.1.Value.1": "a",
        "Filter.2.Name": "state",
        "Filter.2.Value.1": "available",
        "IncludeDeprecated": "true",
        "MaxResults": "1000",
        "Owner.1": "self",
        "Owner.2": "111122223333",
    });
    assert_eq!(asked[2], by_owner);
}

fn reservation(id: &str) -> Reservation {
    Reservation {
        id: id.to_owned(),
        owner_id: "123456789012".to_owned(),
        instance_type: "hpc7g.4xlarge".to_owned(),
        zone: "ap-south-2a".to_owned(),
        instance_match_criteria: "targeted".to_owned(),
        reservation_type: None,
        interruptible: None,
        ends: None,
        available: 3,
    }
}

#[tokio::test]
async fn active_reservations_are_found_by_ids_or_by_filters() {
    let aws = Aws::new("reservations", "ap-south-2").await;
    let common = json!({
        "InstanceType": "hpc7g.4xlarge", "AvailabilityZone": "ap-south-2a",
        "AvailableInstanceCount": 3,
    });
    let with = |more: serde_json::Value| {
        let mut all = common.as_object().expect("an object").clone();
        all.extend(more.as_object().expect("an object").clone());
        serde_json::Value::from(all)
    };
    let block = with(json!({
        "CapacityReservationId": "cr-block", "ReservationType": "capacity-block",
        "EndDate": "2027-01-02T03:04:05Z", "InstanceMatchCriteria": "open",
        "OwnerId": "111122223333", "Interruptible": true,
    }));
    let plain = with(json!({ "CapacityReservationId": "cr-plain" }));
    let over = with(json!({ "CapacityReservationId": "cr-over", "State": "expired" }));
    let all = json!([block, plain, over]);
    aws.moto.reservations(&all).expect("set");
    aws.pages(1);
    let block = Reservation {
        owner_id: "111122223333".to_owned(),
        instance_match_criteria: "open".to_owned(),
        reservation_type: Some("capacity-block".to_owned()),
        interruptible: Some(true),
        ends: Some(time("2027-01-02T03:04:05Z")),
        ..reservation("cr-block")
    };
    let plain = reservation("cr-plain");
    let filters = vec![Filter::new("instance-type", ["hpc7g.4xlarge"])];
    let by_filters = ReservationQuery::Filters(filters);
    let found = aws.calls.ec2.reservations(&by_filters).await;
    assert_eq!(found, Ok(vec![block.clone(), plain]));
    let ids = ["cr-block", "cr-over"].map(str::to_owned).to_vec();
    let by_ids = ReservationQuery::Ids(ids);
    let found = aws.calls.ec2.reservations(&by_ids).await;
    assert_eq!(found, Ok(vec![block]));
    let asked = aws.asked("DescribeCapacityReservations");
    let by_filters = json!({
        "Filter.1.Name": "instance-type",
        "Filter.1.Value.1": "hpc7g.4xlarge",
        "Filter.2.Name": "state",
        "Filter.2.Value.1": "active",
        "MaxResults": "1000",
    });
    let by_ids = json!({
        "CapacityReservationId.1": "cr-block",
        "CapacityReservationId.2": "cr-over",
        "Filter.1.Name": "state",
        "Filter.1.Value.1": "active",
    });
    assert_eq!((&asked[0], &asked[2]), (&by_filters, &by_ids));
    let unknown = ReservationQuery::Ids(vec!["cr-unknown".to_owned()]);
    let failed = aws.calls.ec2.reservations(&unknown).await;
    let failure = failed.expect_err("no such reservation");
    assert!(failure.is_not_found(), "{failure}");
}

#[tokio::test]
async fn the_placement_group_of_an_id_or_a_name_is_told_if_it_is_available() {
    let aws = Aws::new("placement-groups", "ap-southeast-1").await;
    let groups = json!([
        { "GroupId": "pg-1", "GroupName": "apart", "Strategy": "spread", "SpreadLevel": "host" },
        { "GroupId": "pg-2", "GroupName": "parts", "Strategy": "partition", "PartitionCount": 7 },
        { "GroupId": "pg-3", "GroupName": "going", "Strategy": "cluster", "State": "deleting" },
    ]);
    aws.moto.placement_groups(&groups).expect("set");
    let find = async |query| aws.calls.ec2.placement_groups(&query).await;
    let apart = PlacementGroup {
        id: "pg-1".to_owned(),
        name: "apart".to_owned(),
        strategy: "spread".to_owned(),
        partitions: 0,
        spread_level: Some("host".to_owned()),
    };
    let parts = PlacementGroup {
        id: "pg-2".to_owned(),
        name: "parts".to_owned(),
        strategy: "partition".to_owned(),
        partitions: 7,
        spread_level: None,
    };
    let by_name = PlacementGroupQuery::Name("apart".to_owned());
    assert_eq!(find(by_name).await, Ok(vec![apart]));
    let by_id = PlacementGroupQuery::Id("pg-2".to_owned());
    assert_eq!(find(by_id).await, Ok(vec![parts]));
    let going = PlacementGroupQuery::Id("pg-3".to_owned());
    assert_eq!(find(going).await, Ok(vec![]));
    let unknown = PlacementGroupQuery::Name("unknown".to_owned());
    let failure = find(unknown).await.expect_err("no such group");
    assert_eq!(failure.code, "InvalidPlacementGroup.Unknown");
    assert!(failure.is_not_found());
    let asked = aws.asked("DescribePlacementGroups");
    let state = json!({ "Filter.1.Name": "state", "Filter.1.Value.1": "available" });
    let mut by_name = state.clone();
    by_name["GroupName.1"] = "apart".into();
    let mut by_id = state;
    by_id["GroupId.1"] = "pg-2".into();
    assert_eq!(asked[..2], [by_name, by_id]);
}
