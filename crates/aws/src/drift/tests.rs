//! Scenarios of drift.

use serde_json::json;

use super::*;
use crate::ec2::PlacementGroup;

fn class() -> Ec2NodeClass {
    serde_json::from_value(json!({
        "metadata": {"name": "default", "annotations": {
            "karpenter.k8s.aws/ec2nodeclass-hash": "1",
            "karpenter.k8s.aws/ec2nodeclass-hash-version": "v6"}},
        "status": {
            "amis": [{"id": "ami-1", "requirements": []}],
            "subnets": [{"id": "subnet-1", "zone": "a"}, {"id": "subnet-2", "zone": "b"}],
            "securityGroups": [{"id": "sg-1"}, {"id": "sg-2"}],
            "capacityReservations": [{"id": "cr-1", "availabilityZone": "a",
                "instanceMatchCriteria": "open", "instanceType": "m5.large",
                "ownerID": "123456789012"}]},
    }))
    .expect("a class")
}

fn claim() -> NodeClaim {
    serde_json::from_value(json!({
        "metadata": {"name": "claim", "annotations": {
            "karpenter.k8s.aws/ec2nodeclass-hash": "1",
            "karpenter.k8s.aws/ec2nodeclass-hash-version": "v6"}},
        "status": {"imageID": "ami-1"},
    }))
    .expect("a claim")
}

fn instance() -> Instance {
    Instance {
        id: "i-1".to_owned(),
        subnet_id: "subnet-2".to_owned(),
        security_groups: vec!["sg-2".to_owned(), "sg-1".to_owned()],
        ..Instance::default()
    }
}

fn drift_of(class: &Ec2NodeClass, instance: &Instance) -> Result<Option<Drift>, Undecided> {
    of_instance(class, &claim(), instance, &Resolved::Unselected)
}

/// DR-1
#[test]
fn what_is_as_its_class_says_has_not_drifted() {
    assert_eq!(of_class(&class(), &claim()), None);
    assert_eq!(of_image(&class(), &claim(), Some("ami-1")), Ok(None));
    assert_eq!(drift_of(&class(), &instance()), Ok(None));
}

/// A fleet's answer names no security groups: it must not be taken for drift.
#[test]
fn what_is_only_known_from_its_launch_is_looked_at_again() {
    let known = instance();
    assert!(!needs_a_second_look(&class(), &known));
    let launched = Instance {
        security_groups: Vec::new(),
        ..known
    };
    assert!(needs_a_second_look(&class(), &launched));
}

/// DR-2
#[test]
fn another_image_for_the_type_or_none_is_drift() {
    let ami = Ok(Some(Drift::Ami));
    assert_eq!(of_image(&class(), &claim(), Some("ami-2")), ami);
    assert_eq!(of_image(&class(), &claim(), None), ami);
    let mut empty = class();
    empty.status.amis.clear();
    let undecided = of_image(&empty, &claim(), Some("ami-1"));
    assert_eq!(undecided, Err(Undecided::NoImages));
    let mut claim = claim();
    claim.status.image_id.clear();
    let undecided = of_image(&class(), &claim, Some("ami-1"));
    assert_eq!(undecided, Err(Undecided::NoImage));
}

/// DR-3
#[test]
fn a_subnet_that_is_not_of_the_class_is_drift() {
    let mut elsewhere = instance();
    elsewhere.subnet_id = "subnet-3".to_owned();
    assert_eq!(drift_of(&class(), &elsewhere), Ok(Some(Drift::Subnet)));
    let mut empty = class();
    empty.status.subnets.clear();
    assert_eq!(drift_of(&empty, &instance()), Err(Undecided::NoSubnets));
}

/// DR-4
#[test]
fn more_or_fewer_security_groups_are_drift() {
    let expected = Ok(Some(Drift::SecurityGroup));
    let mut fewer = instance();
    fewer.security_groups.pop();
    assert_eq!(drift_of(&class(), &fewer), expected);
    let mut more = instance();
    more.security_groups.push("sg-3".to_owned());
    assert_eq!(drift_of(&class(), &more), expected);
    let mut empty = class();
    empty.status.security_groups.clear();
    let undecided = drift_of(&empty, &instance());
    assert_eq!(undecided, Err(Undecided::NoSecurityGroups));
}

/// DR-6
#[test]
fn changes_of_hashed_fields_are_drift_and_those_of_selectors_are_not() {
    let hashed = |spec: serde_json::Value| {
        let mut class = class();
        class.spec = serde_json::from_value(spec).expect("a spec");
        let hash = class.hash("ca");
        let annotations = &mut class.metadata.annotations;
        annotations.insert(EC2NODECLASS_HASH.to_owned(), hash);
        class
    };
    let base = json!({"role": "role-1", "amiFamily": "AL2023"});
    let mut claim = claim();
    let hash = hashed(base.clone()).metadata.annotations[EC2NODECLASS_HASH].clone();
    claim
        .metadata
        .annotations
        .insert(EC2NODECLASS_HASH.to_owned(), hash);
    assert_eq!(of_class(&hashed(base.clone()), &claim), None);
    for (field, value) in [
        ("placementGroupSelector", json!({"name": "group"})),
        ("associatePublicIPAddress", json!(true)),
        ("amiFamily", json!("Bottlerocket")),
        ("userData", json!("text")),
        ("role", json!("role-2")),
        ("tags", json!({"a": "b"})),
        ("kubelet", json!({"maxPods": 10})),
        ("blockDeviceMappings", json!([{"deviceName": "/dev/xvda"}])),
        ("instanceStorePolicy", json!("RAID0")),
        (
            "networkInterfaces",
            json!([{"networkCardIndex": 0, "deviceIndex": 0,
            "interfaceType": "interface"}]),
        ),
        ("detailedMonitoring", json!(true)),
        ("metadataOptions", json!({"httpTokens": "optional"})),
        ("connectionTracking", json!({"udpTimeout": 45})),
        ("context", json!("context")),
        ("cpuOptions", json!({"nestedVirtualization": "enabled"})),
    ] {
        let mut spec = base.clone();
        spec[field] = value;
        let found = of_class(&hashed(spec), &claim);
        assert_eq!(found, Some(Drift::NodeClass), "{field}");
    }
    for (field, value) in [
        ("subnetSelectorTerms", json!([{"id": "subnet-9"}])),
        ("securityGroupSelectorTerms", json!([{"id": "sg-9"}])),
        ("capacityReservationSelectorTerms", json!([{"id": "cr-9"}])),
        ("amiSelectorTerms", json!([{"id": "ami-9"}])),
        ("ipPrefixCount", json!(2)),
    ] {
        let mut spec = base.clone();
        spec[field] = value;
        assert_eq!(of_class(&hashed(spec), &claim), None, "{field}");
    }
}

/// DR-7
#[test]
fn hashes_are_compared_where_both_have_one_of_the_same_algorithm() {
    let mut changed = class();
    let annotations = &mut changed.metadata.annotations;
    annotations.insert(EC2NODECLASS_HASH.to_owned(), "2".to_owned());
    assert_eq!(of_class(&changed, &claim()), Some(Drift::NodeClass));
    for key in [EC2NODECLASS_HASH, EC2NODECLASS_HASH_VERSION] {
        let mut without = changed.clone();
        without.metadata.annotations.remove(key);
        assert_eq!(of_class(&without, &claim()), None);
        let mut bare = claim();
        bare.metadata.annotations.remove(key);
        assert_eq!(of_class(&changed, &bare), None);
    }
    let mut older = claim();
    let annotations = &mut older.metadata.annotations;
    annotations.insert(EC2NODECLASS_HASH_VERSION.to_owned(), "v5".to_owned());
    assert_eq!(of_class(&changed, &older), None);
}

/// DR-8
#[test]
fn a_reservation_that_is_not_of_the_class_is_drift_unless_the_instance_left_it() {
    let mut reserved = instance();
    reserved.reservation_preference = Some("capacity-reservations-only".to_owned());
    reserved.reservation_id = Some("cr-1".to_owned());
    assert_eq!(drift_of(&class(), &reserved), Ok(None));
    reserved.reservation_id = Some("cr-2".to_owned());
    let expected = Ok(Some(Drift::CapacityReservation));
    assert_eq!(drift_of(&class(), &reserved), expected);
    reserved.reservation_id = None;
    assert_eq!(drift_of(&class(), &reserved), Ok(None));
}

/// PG-8
#[test]
fn a_placement_group_that_was_added_removed_or_changed_is_drift() {
    let mut grouped = claim();
    let label = PLACEMENT_GROUP_ID.to_owned();
    grouped.metadata.labels.insert(label, "pg-1".to_owned());
    let found = |claim: &NodeClaim, group: &Resolved| {
        of_instance(&class(), claim, &instance(), group).expect("an answer")
    };
    let is = |id: &str| {
        Resolved::Group(PlacementGroup {
            id: id.to_owned(),
            ..PlacementGroup::default()
        })
    };
    let drifted = Some(Drift::PlacementGroup);
    assert_eq!(found(&claim(), &is("pg-1")), drifted);
    assert_eq!(found(&grouped, &Resolved::Unselected), drifted);
    assert_eq!(found(&grouped, &is("pg-2")), drifted);
    assert_eq!(found(&grouped, &is("pg-1")), None);
    assert_eq!(found(&grouped, &Resolved::Unknown), None);
    assert_eq!(found(&claim(), &Resolved::Unknown), None);
}
