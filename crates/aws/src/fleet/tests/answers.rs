//! What the answer of a fleet means.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::labels;
use catalog::{CapacityType, InstanceType};

use crate::Tags;
use crate::ec2::{
    FleetError, FleetInstance, FleetOutput, InstanceState, Placement, PlacementGroup,
};
use crate::fleet::fixture::{
    choices, chosen, class, everywhere, failed, machine, now, shared, tags, template, with,
};
use crate::fleet::{Asked, Effects, LaunchError, Launched, TemplateUse, effects, outcome};
use crate::instance::{self, Context};
use crate::resources::EFA;
use crate::subnets::Choices;
use crate::template::{Limits, Needs, groups, placement};
use crate::unavailable::{Group, Mark};

/// A launch, as its answer is read by.
struct Case {
    how: CapacityType,
    templates: Vec<TemplateUse>,
    choices: Choices,
    placement: Placement,
    group: Option<PlacementGroup>,
    tags: Tags,
    has_efa: bool,
}

impl Case {
    fn new(how: CapacityType) -> Self {
        let types = [
            shared("m5.large", everywhere(0.1, 0.05)),
            shared("m5.xlarge", everywhere(0.2, 0.1)),
        ];
        Self::of(how, &types)
    }

    fn of(how: CapacityType, types: &[Arc<InstanceType>]) -> Self {
        Self {
            how,
            templates: vec![template("t", types)],
            choices: choices(types, how),
            placement: placement("default", None, None),
            group: None,
            tags: tags(&[("team", "a")]),
            has_efa: false,
        }
    }

    fn within(mut self, strategy: &str, partition: Option<&str>) -> Self {
        let group = PlacementGroup {
            id: "pg-1".to_owned(),
            strategy: strategy.to_owned(),
            partitions: 7,
            ..PlacementGroup::default()
        };
        self.placement = placement("default", Some(&group), partition);
        self.group = Some(group);
        self
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            capacity_type: self.how,
            templates: &self.templates,
            choices: &self.choices,
            placement: &self.placement,
            group: self.group.as_ref(),
            tags: &self.tags,
            has_efa: self.has_efa,
        }
    }

    fn effects(&self, errors: &[FleetError]) -> Effects {
        effects(errors, &self.asked())
    }

    fn refusal(&self, errors: &[FleetError]) -> LaunchError {
        let output = FleetOutput {
            errors: errors.to_vec(),
            ..FleetOutput::default()
        };
        outcome(&output, &self.asked(), now()).expect_err("no instance")
    }

    fn launched(&self, instance_type: &str, zone: &str) -> Launched {
        let output = FleetOutput {
            instances: vec![FleetInstance {
                ids: vec!["i-1".to_owned()],
                instance_type: instance_type.to_owned(),
                chosen: chosen(instance_type, zone),
                ..FleetInstance::default()
            }],
            errors: vec![ice("zone-b")],
            ..FleetOutput::default()
        };
        outcome(&output, &self.asked(), now()).expect("an instance")
    }

    /// Labels that the claim of a launch gets.
    fn labels(&self, instance_type: &str, zone: &str) -> BTreeMap<String, String> {
        let launched = self.launched(instance_type, zone);
        let context = Context {
            partitioned: launched.has_partitions,
            ..Context::default()
        };
        instance::labels(&launched.instance, &context)
    }
}

fn ice(zone: &str) -> FleetError {
    failed(
        "InsufficientInstanceCapacity",
        "none left",
        "m5.large",
        zone,
    )
}

/// FL-13: all errors ICE / InsufficientCapacity; spot SLR error / same, spot marked unavailable,
/// event; MaxFleetCountExceeded / InsufficientCapacity.
#[test]
fn what_can_be_had_elsewhere_is_insufficient_capacity() {
    let case = Case::new(CapacityType::Spot);
    let both = [ice("zone-a"), ice("zone-b"), ice("zone-a")];
    let text = "with fleet error(s), InsufficientInstanceCapacity: none left";
    assert_eq!(
        case.refusal(&both),
        LaunchError::InsufficientCapacity(text.to_owned()),
        "each text once"
    );
    let marks = case.effects(&both).marks;
    let expected =
        ["zone-a", "zone-b"].map(|zone| Mark::offering(CapacityType::Spot, "m5.large", zone));
    assert_eq!(marks, BTreeSet::from(expected));

    let role = "AuthFailure.ServiceLinkedRoleCreationNotPermitted";
    let missing = [failed(role, "no role", "m5.large", "zone-a")];
    let error = case.refusal(&missing);
    assert!(matches!(error, LaunchError::InsufficientCapacity(_)));
    let effects = case.effects(&missing);
    assert!(effects.is_spot_role_missing);
    let spot = Mark::CapacityType(CapacityType::Spot);
    assert_eq!(effects.marks, BTreeSet::from([spot]));

    let count = failed("MaxFleetCountExceeded", "x", "m5.large", "zone-a");
    let error = case.refusal(&[count]);
    assert!(matches!(error, LaunchError::InsufficientCapacity(_)));
    let error = case.refusal(&[]);
    assert!(
        matches!(error, LaunchError::InsufficientCapacity(_)),
        "no errors"
    );
}

/// FL-14: mixed ICE and UnauthorizedOperation / CreateError Unauthorized.
#[test]
fn one_other_failure_is_what_people_are_told() {
    let case = Case::new(CapacityType::OnDemand);
    let denied = failed("UnauthorizedOperation", "no", "m5.xlarge", "zone-a");
    let error = case.refusal(&[ice("zone-a"), denied]);
    let LaunchError::Create { reason, message } = error else {
        panic!("{error:?}");
    };
    assert_eq!(reason, "Unauthorized");
    assert!(
        message.contains("no identity-based policy allows it"),
        "{message}"
    );
}

/// FL-15: errors in two zones / launch-failure counter per zone, zone id, capacity type, reason;
/// unknown zone / empty zone_id, reason LaunchFailed.
#[test]
fn every_failure_is_counted_by_zone_and_reason() {
    let case = Case::new(CapacityType::OnDemand);
    let errors = [
        failed("VcpuLimitExceeded", "x", "m5.large", "zone-a"),
        failed(
            "InsufficientFreeAddressesInSubnet",
            "x",
            "m5.large",
            "zone-b",
        ),
        ice("zone-z"),
    ];
    let effects = case.effects(&errors);
    let counted: Vec<(&str, &str, CapacityType, &str)> = effects
        .failures
        .iter()
        .map(|one| (&*one.zone, &*one.zone_id, one.capacity_type, one.reason))
        .collect();
    let how = CapacityType::OnDemand;
    let expected = [
        ("zone-a", "id-of-zone-a", how, "VCPULimitExceeded"),
        (
            "zone-b",
            "id-of-zone-b",
            how,
            "InsufficientFreeAddressesInSubnet",
        ),
        ("zone-z", "", how, "LaunchFailed"),
    ];
    assert_eq!(counted, expected);
    let full: Vec<&str> = effects.full_subnets().collect();
    assert_eq!(full, ["subnet-zone-b"]);
}

/// PG-9: spread limit message / all requested types unavailable in that zone for the group only.
#[test]
fn a_full_spread_group_is_full_for_all_types() {
    let message = "You have reached the limit of instances in this spread placement group";
    let full = [failed("Unsupported", message, "m5.large", "zone-a")];
    let group = Group {
        id: "pg-1".to_owned(),
        partition: None,
    };
    let mark =
        |name| Mark::offering(CapacityType::OnDemand, name, "zone-a").within(Some(group.clone()));
    let case = Case::new(CapacityType::OnDemand).within("spread", None);
    let expected = BTreeSet::from([mark("m5.large"), mark("m5.xlarge")]);
    assert_eq!(case.effects(&full).marks, expected);
    let case = Case::new(CapacityType::OnDemand);
    let one = Mark::offering(CapacityType::OnDemand, "m5.large", "zone-a");
    assert_eq!(case.effects(&full).marks, BTreeSet::from([one]), "no group");
}

#[test]
fn what_is_missing_in_a_partition_may_be_in_another() {
    let marked = |partition: Option<&str>| {
        let case = Case::new(CapacityType::OnDemand).within("partition", partition);
        let marks = case.effects(&[ice("zone-a")]).marks;
        let marks = marks.into_iter().filter_map(|mark| match mark {
            Mark::Offering { group, .. } => group,
            _ => None,
        });
        marks.map(|group| group.partition).collect::<Vec<_>>()
    };
    assert_eq!(marked(Some("3")), [Some(3)]);
    assert_eq!(marked(None), [None]);
}

/// PG-6: launch in partition group with requirement In [3] / template partition 3; no requirement /
/// none and claim label empty.
#[test]
fn the_label_says_the_partition_that_was_launched() {
    let case = Case::new(CapacityType::OnDemand).within("partition", Some("3"));
    assert_eq!(case.placement.partition, Some(3));
    let labels = case.labels("m5.large", "zone-a");
    assert_eq!(labels[labels::PLACEMENT_GROUP_ID], "pg-1");
    assert_eq!(labels[labels::PLACEMENT_GROUP_PARTITION], "3");
    let open = Case::new(CapacityType::OnDemand).within("partition", None);
    assert_eq!(open.placement.partition, None);
    let labels = open.labels("m5.large", "zone-a");
    assert_eq!(labels[labels::PLACEMENT_GROUP_PARTITION], "");
    let cluster = Case::new(CapacityType::OnDemand).within("cluster", Some("3"));
    assert_eq!(cluster.placement.partition, None);
    let labels = cluster.labels("m5.large", "zone-a");
    assert!(!labels.contains_key(labels::PLACEMENT_GROUP_PARTITION));
}

#[test]
fn an_instance_counts_whatever_else_went_wrong() {
    let case = Case::new(CapacityType::Spot);
    let launched = case.launched("m5.xlarge", "zone-c");
    let instance = &launched.instance;
    assert_eq!(instance.id, "i-1");
    assert_eq!(instance.instance_type, "m5.xlarge");
    assert_eq!(instance.zone, "zone-c");
    assert_eq!(instance.zone_id, "id-of-zone-c");
    assert_eq!(instance.subnet_id, "subnet-zone-c");
    assert_eq!(instance.image_id, "ami-1");
    assert_eq!(instance.state, InstanceState::Pending);
    assert_eq!(instance.launched, Some(now()));
    assert_eq!(instance.tenancy, "default");
    assert_eq!(instance.tags["team"], "a");
    let labels = case.labels("m5.xlarge", "zone-c");
    assert_eq!(labels[labels::CAPACITY_TYPE], "spot");
}

/// FL-16: claim requests EFA / claim status has efa; not requested / absent; NodeClass efa-only
/// interfaces / present; only ENA interfaces / absent.
#[test]
fn efa_interfaces_are_those_that_instances_get() {
    let efa = |count: &str, has_efa| {
        let machine = machine("p5.large", everywhere(0.1, 0.05));
        // What the type has is, for classes with interfaces of their own, what the class lists.
        let types = [with(machine, &[(EFA, count)])];
        let mut case = Case::of(CapacityType::OnDemand, &types);
        case.has_efa = has_efa;
        let launched = case.launched("p5.large", "zone-a").instance;
        let kept = instance::capacity(&launched, &types[0]);
        let is_kept = kept.contains_key(EFA);
        (instance::efa_count(&launched), is_kept)
    };
    assert_eq!(efa("32", true), (32, true), "the claim requests it");
    assert_eq!(efa("32", false), (0, false), "it does not");
    assert_eq!(
        efa("2", true),
        (2, true),
        "the class lists efa-only interfaces"
    );
    assert_eq!(efa("0", true), (0, false), "the class lists others");
}

/// LT-20: different maxPods per type / several templates.
#[test]
fn types_with_other_limits_have_other_templates() {
    let class = class();
    let types = ["m5.large", "m5.xlarge", "m5.2xlarge"];
    let types: Vec<Arc<InstanceType>> = types
        .iter()
        .map(|name| shared(name, everywhere(0.1, 0.05)))
        .collect();
    let needs = Needs {
        class: &class,
        images: types
            .iter()
            .map(|one| (one.clone(), "ami-1".to_owned()))
            .collect(),
        requests: &model::ResourceList::new(),
        capacity_type: CapacityType::OnDemand,
    };
    let limits = |one: &InstanceType| Limits {
        max_pods: if &*one.name == "m5.large" { 29 } else { 58 },
        ..Limits::default()
    };
    let groups = groups(&needs, limits).expect("groups");
    let served: Vec<(u32, usize)> = groups
        .iter()
        .map(|group| (group.settings.max_pods, group.types.len()))
        .collect();
    assert_eq!(served, [(29, 1), (58, 2)]);
}
