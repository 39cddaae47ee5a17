use api::NodeRequirement;
use api::ec2nodeclass::Subnet;
use catalog::Overhead;
use requirements::Requirement;

use super::*;

fn instance() -> Instance {
    let mut instance = Instance {
        id: "i-1".to_owned(),
        instance_type: "m5.large".to_owned(),
        zone: "us-west-2a".to_owned(),
        ..Instance::default()
    };
    let tags = &mut instance.tags;
    tags.insert(tags::NODEPOOL.to_owned(), "default".to_owned());
    instance
}

fn in_reservation(lifecycle: &str) -> Instance {
    Instance {
        reservation_id: Some("cr-1".to_owned()),
        reservation_preference: Some(ReservationPreference::Only.as_str().to_owned()),
        lifecycle: lifecycle.to_owned(),
        ..instance()
    }
}

const ON: Context<'_> = Context {
    instance_type: None,
    class: None,
    claim: None,
    partitioned: false,
    reserved_capacity: true,
};

fn machine() -> InstanceType {
    let quantity = |text: &str| text.parse().expect("a quantity");
    InstanceType {
        name: "m5.large".into(),
        requirements: [
            Requirement::single("kubernetes.io/arch", "amd64"),
            Requirement::any_of(ZONE, ["us-west-2a", "us-west-2b"]),
            Requirement::single(CAPACITY_RESERVATION_TYPE, "default"),
        ]
        .into_iter()
        .collect(),
        offerings: Vec::new(),
        capacity: [("cpu", "2"), (EFA, "1"), ("nvidia.com/gpu", "0")]
            .map(|(resource, amount)| (resource.to_owned(), quantity(amount)))
            .into(),
        overhead: Overhead::default(),
        capacity_overlaid: false,
        dynamic_resources: None,
    }
}

/// CR-13: an instance that only happens to be in an open reservation, or any while the gate is off,
/// is on demand.
#[test]
fn an_instance_is_reserved_only_on_purpose() {
    let mut open = in_reservation("");
    open.reservation_preference = Some("open".to_owned());
    let mut requested = in_reservation("");
    requested.spot_request_id = "sir-1".to_owned();
    let spot = in_reservation("spot");
    let off = Context {
        reserved_capacity: false,
        ..ON
    };
    for (instance, context, expected) in [
        (&instance(), ON, CapacityType::OnDemand),
        (&in_reservation(""), ON, CapacityType::Reserved),
        (&in_reservation(""), off, CapacityType::OnDemand),
        (&open, ON, CapacityType::OnDemand),
        (&requested, ON, CapacityType::Spot),
        (&spot, ON, CapacityType::Spot),
        (&spot, off, CapacityType::Spot),
    ] {
        assert_eq!(capacity_type(instance, &context), expected, "{instance:?}");
        let labels = labels(instance, &context);
        let says = labels.contains_key(CAPACITY_RESERVATION_ID);
        assert_eq!(says, expected == CapacityType::Reserved, "{instance:?}");
    }
}

/// CR-11: labels of a reserved instance.
#[test]
fn labels_of_a_reservation_follow_from_the_lifecycle() {
    for (lifecycle, kind, interruptible) in [
        ("", "default", "false"),
        ("capacity-block", "capacity-block", "false"),
        ("interruptible-capacity-reservation", "default", "true"),
    ] {
        let labels = labels(&in_reservation(lifecycle), &ON);
        assert_eq!(labels[CAPACITY_TYPE], "reserved");
        assert_eq!(labels[CAPACITY_RESERVATION_ID], "cr-1");
        assert_eq!(labels[CAPACITY_RESERVATION_TYPE], kind);
        assert_eq!(labels[CAPACITY_RESERVATION_INTERRUPTIBLE], interruptible);
    }
}

#[test]
fn labels_come_from_type_class_and_instance() {
    let mut class = Ec2NodeClass::default();
    class.status.subnets = vec![Subnet {
        id: "subnet-1".to_owned(),
        zone: "us-west-2a".to_owned(),
        zone_id: "usw2-az1".to_owned(),
    }];
    let machine = machine();
    let context = Context {
        instance_type: Some(&machine),
        class: Some(&class),
        ..ON
    };
    let labels = labels(&instance(), &context);
    let expected = [
        ("karpenter.k8s.aws/instance-tenancy", "default"),
        ("karpenter.sh/capacity-type", "on-demand"),
        ("karpenter.sh/nodepool", "default"),
        ("kubernetes.io/arch", "amd64"),
        ("node.kubernetes.io/instance-type", "m5.large"),
        ("topology.k8s.aws/zone-id", "usw2-az1"),
        ("topology.kubernetes.io/zone", "us-west-2a"),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(labels, expected.into());
}

#[test]
fn without_a_class_the_zone_is_as_ec2_says() {
    let mut instance = instance();
    instance.zone_id = "usw2-az9".to_owned();
    instance.tenancy = "dedicated".to_owned();
    let labels = labels(&instance, &ON);
    assert_eq!(labels[AWS_ZONE_ID], "usw2-az9");
    assert_eq!(labels[AWS_INSTANCE_TENANCY], "dedicated");
}

#[test]
fn the_partition_is_the_instances_own_or_the_only_one_or_still_open() {
    let claim = |values: &[&str]| {
        let mut claim = NodeClaim::default();
        claim.spec.requirements = vec![NodeRequirement {
            key: PLACEMENT_GROUP_PARTITION.to_owned(),
            operator: "In".to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            min_values: None,
        }];
        claim
    };
    let (one, two) = (claim(&["3"]), claim(&["3", "5"]));
    let mut placed = instance();
    placed.placement_group_id = Some("pg-1".to_owned());
    let mut told = placed.clone();
    told.partition = Some(5);
    for (instance, claim, partitioned, expected) in [
        (&told, &two, true, Some("5")),
        (&placed, &one, true, Some("3")),
        (&placed, &two, true, Some("")),
        (&placed, &NodeClaim::default(), true, Some("")),
        (&placed, &one, false, None),
        (&self::instance(), &one, true, None),
    ] {
        let context = Context {
            claim: Some(claim),
            partitioned,
            ..ON
        };
        let labels = labels(instance, &context);
        let partition = labels.get(PLACEMENT_GROUP_PARTITION).map(String::as_str);
        assert_eq!(partition, expected);
        let group = labels.contains_key(PLACEMENT_GROUP_ID);
        assert_eq!(group, instance.placement_group_id.is_some());
    }
}

#[test]
fn what_an_instance_does_not_have_is_no_capacity() {
    let mut instance = instance();
    let cpu = |amounts: ResourceList| amounts.into_keys().collect::<Vec<_>>();
    assert_eq!(cpu(capacity(&instance, &machine())), ["cpu"]);
    assert_eq!(cpu(allocatable(&instance, &machine())), ["cpu"]);
    instance.interfaces = ["interface", "efa", "efa-only"].map(str::to_owned).to_vec();
    assert_eq!(efa_count(&instance), 2);
    assert_eq!(cpu(capacity(&instance, &machine())), ["cpu", EFA]);
}
