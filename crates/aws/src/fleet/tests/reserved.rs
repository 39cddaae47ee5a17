//! Launches into reservations.

use std::sync::Arc;

use api::labels;
use catalog::{CapacityType, InstanceType};
use requirements::Vocabulary;

use crate::ec2::{FleetCapacity, FleetInstance, FleetOutput, Placement};
use crate::fleet::fixture::{
    choices, chosen, class, everywhere, failed, item, now, reserved, shared, wanted,
};
use crate::fleet::{
    Asked, LaunchError, MinValues, TemplateUse, Terms, Wanted, capacity_type, configs, effects,
    filter, outcome, request,
};
use crate::instance::{self, Context};
use crate::template::{Needs, Reservation, groups};
use crate::{Tags, failure};

fn with_offerings(name: &str, reservations: &[(&str, &str, &str, u32, f64)]) -> Arc<InstanceType> {
    let mut offerings = everywhere(0.1, 0.05);
    let more = reservations
        .iter()
        .map(|(zone, id, kind, room, dollars)| reserved(zone, id, kind, *room, *dollars));
    offerings.extend(more);
    shared(name, offerings)
}

fn any() -> Wanted {
    wanted(&["on-demand", "spot", "reserved"], &[])
}

fn left(types: &[Arc<InstanceType>], wanted: &Wanted) -> Vec<(String, Vec<String>)> {
    let filtered = filter(types, wanted, &Vocabulary::aws(), MinValues::Strict).expect("types");
    let one = |one: &Arc<InstanceType>| {
        let ids = one.offerings.iter().map(|offering| {
            let id = offering.reservation_id().map(ToString::to_string);
            id.unwrap_or_else(|| offering.capacity_type.to_string())
        });
        (one.name.to_string(), ids.collect())
    };
    filtered.types.iter().map(one).collect()
}

fn only(name: &str, id: &str) -> Vec<(String, Vec<String>)> {
    vec![(name.to_owned(), vec![id.to_owned()])]
}

/// FL-2: reserved types default vs capacity-block / cheapest partition kept; equal price / default
/// before block before interruptible; offerings of other partitions removed.
#[test]
fn one_kind_of_reservations_is_used_the_cheapest() {
    let both = |default: f64, block: f64, interruptible: f64| {
        [
            with_offerings("a.large", &[("zone-a", "cr-d", "default", 1, default)]),
            with_offerings(
                "b.large",
                &[
                    ("zone-b", "cr-b", "capacity-block", 1, block),
                    ("zone-c", "cr-i", "interruptible", 1, interruptible),
                ],
            ),
        ]
    };
    assert_eq!(left(&both(0.2, 0.1, 0.3), &any()), only("b.large", "cr-b"));
    assert_eq!(left(&both(0.2, 0.3, 0.1), &any()), only("b.large", "cr-i"));
    assert_eq!(left(&both(0.1, 0.1, 0.1), &any()), only("a.large", "cr-d"));
    assert_eq!(left(&both(0.2, 0.1, 0.1), &any()), only("b.large", "cr-b"));
}

/// FL-3: claim without reserved / reservation filters are no-ops.
#[test]
fn claims_that_want_no_reservations_get_none() {
    let types = [with_offerings(
        "a.large",
        &[("zone-a", "cr-d", "default", 1, 0.0)],
    )];
    let on_demand = wanted(&["on-demand"], &[]);
    let left = left(&types, &on_demand);
    assert_eq!(left[0].1.len(), 7, "all offerings are there: {left:?}");
    let how = capacity_type(&types, &on_demand, &Vocabulary::aws());
    assert_eq!(how, CapacityType::OnDemand);
}

/// FL-4: several blocks / single cheapest.
#[test]
fn one_capacity_block_is_used() {
    let types = [
        with_offerings(
            "a.large",
            &[
                ("zone-a", "cr-1", "capacity-block", 9, 0.3),
                ("zone-b", "cr-2", "capacity-block", 9, 0.2),
            ],
        ),
        with_offerings("b.large", &[("zone-c", "cr-3", "capacity-block", 9, 0.1)]),
    ];
    assert_eq!(left(&types, &any()), only("b.large", "cr-3"));
}

/// FL-5: two reservations in one pool / the larger count kept.
#[test]
fn of_two_reservations_in_a_zone_the_one_with_more_room_is_used() {
    let types = [with_offerings(
        "a.large",
        &[
            ("zone-a", "cr-1", "default", 2, 0.0),
            ("zone-a", "cr-2", "default", 5, 0.0),
            ("zone-b", "cr-3", "default", 1, 0.0),
        ],
    )];
    let expected = vec![(
        "a.large".to_owned(),
        vec!["cr-2".to_owned(), "cr-3".to_owned()],
    )];
    assert_eq!(left(&types, &any()), expected);
}

/// FL-6: reserved allowed but none available / all kept (falls to spot/OD).
#[test]
fn without_room_in_reservations_the_launch_is_an_ordinary_one() {
    let mut full = InstanceType::clone(&with_offerings(
        "a.large",
        &[("zone-a", "cr-1", "default", 0, 0.0)],
    ));
    for offering in &mut full.offerings {
        offering.available = offering.capacity_type != CapacityType::Reserved;
    }
    let types = [Arc::new(full), shared("b.large", everywhere(0.1, 0.05))];
    assert_eq!(left(&types, &any()).len(), 2);
    let how = capacity_type(&types, &any(), &Vocabulary::aws());
    assert_eq!(how, CapacityType::Spot);
}

/// A type with two reservations, and the templates of a launch into them.
fn templates(types: &[Arc<InstanceType>]) -> Vec<TemplateUse> {
    let class = class();
    let needs = Needs {
        class: &class,
        images: types
            .iter()
            .map(|one| (one.clone(), "ami-1".to_owned()))
            .collect(),
        requests: &model::ResourceList::new(),
        capacity_type: CapacityType::Reserved,
    };
    let groups = groups(&needs, |_| ()).expect("groups");
    groups
        .into_iter()
        .enumerate()
        .map(|(at, group)| TemplateUse {
            name: format!("template-{at}"),
            image_id: group.image_id,
            types: group.types,
            reservation: group.reservation,
            zone: None,
        })
        .collect()
}

fn asked<'a>(
    templates: &'a [TemplateUse],
    choices: &'a crate::subnets::Choices,
    placement: &'a Placement,
    tags: &'a Tags,
) -> Asked<'a> {
    Asked {
        capacity_type: CapacityType::Reserved,
        templates,
        choices,
        placement,
        group: None,
        tags,
        has_efa: false,
    }
}

/// CR-9: NodeClass with default reservation / launch / one launch template per reservation id,
/// preference reservations-only with target id.
#[test]
fn each_reservation_has_its_own_template() {
    let types = [with_offerings(
        "a.large",
        &[
            ("zone-a", "cr-1", "default", 2, 0.0),
            ("zone-b", "cr-2", "default", 5, 0.0),
        ],
    )];
    let templates = templates(&types);
    let ids = templates.iter().map(|one| one.reservation.as_ref());
    let ids: Vec<&str> = ids.flatten().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["cr-1", "cr-2"]);
    let how = CapacityType::Reserved;
    let choices = choices(&types, how);
    let vocabulary = Vocabulary::aws();
    let configs = configs(&templates, &choices, &any(), how, None, &vocabulary);
    let zones: Vec<&str> = configs
        .iter()
        .map(|one| one.overrides[0].zone.as_deref().unwrap_or_default())
        .collect();
    assert_eq!(
        zones,
        ["zone-a", "zone-b"],
        "each only where its reservation is"
    );
    assert!(configs.iter().all(|config| config.overrides.len() == 1));
    // What the template itself says is in the tests of templates.
}

#[test]
fn each_kind_of_reservation_has_its_own_capacity() {
    let case = |kind: &str, interruptible| {
        let reservation = Reservation {
            id: "cr-1".to_owned(),
            kind: kind.to_owned(),
            interruptible,
        };
        let terms = Terms {
            capacity_type: CapacityType::Reserved,
            reservation: Some(&reservation),
        };
        let request = request(&class(), &any(), &terms, Vec::new(), &Tags::new());
        let strategy = request.on_demand_strategy;
        (request.capacity_type, strategy, request.reservation_types)
    };
    let lowest = Some("lowest-price".to_owned());
    assert_eq!(
        case("default", false),
        (FleetCapacity::OnDemand, lowest, vec![])
    );
    assert_eq!(
        case("capacity-block", false),
        (FleetCapacity::CapacityBlock, None, vec![])
    );
    let kinds = vec!["interruptible-capacity-reservation".to_owned()];
    assert_eq!(
        case("default", true),
        (FleetCapacity::ReservedCapacity, None, kinds)
    );
}

/// CR-11: pod selecting reservation type and interruptible / claim labels reserved, id, type,
/// interruptible.
#[test]
fn nodes_say_which_reservation_they_come_from() {
    let types = [with_offerings(
        "a.large",
        &[
            ("zone-a", "cr-d", "default", 2, 0.0),
            ("zone-b", "cr-i", "interruptible", 2, 0.0),
        ],
    )];
    let selecting = [
        item(labels::CAPACITY_RESERVATION_TYPE, "In", &["default"], None),
        item(
            labels::CAPACITY_RESERVATION_INTERRUPTIBLE,
            "In",
            &["true"],
            None,
        ),
    ];
    let wanted = wanted(&["reserved"], &selecting);
    let filtered = filter(&types, &wanted, &Vocabulary::aws(), MinValues::Strict);
    let types = filtered.expect("types").types;
    let templates = templates(&types);
    let (choices, placement) = (
        choices(&types, CapacityType::Reserved),
        Placement::default(),
    );
    let tags = Tags::new();
    let output = FleetOutput {
        instances: vec![FleetInstance {
            ids: vec!["i-1".to_owned()],
            instance_type: "a.large".to_owned(),
            chosen: chosen("a.large", "zone-b"),
            ..FleetInstance::default()
        }],
        ..FleetOutput::default()
    };
    let asked = asked(&templates, &choices, &placement, &tags);
    let launched = outcome(&output, &asked, now()).expect("an instance");
    let context = Context {
        reserved_capacity: true,
        ..Context::default()
    };
    let of = instance::labels(&launched.instance, &context);
    assert_eq!(of[labels::CAPACITY_TYPE], "reserved");
    assert_eq!(of[labels::CAPACITY_RESERVATION_ID], "cr-i");
    assert_eq!(of[labels::CAPACITY_RESERVATION_TYPE], "default");
    assert_eq!(of[labels::CAPACITY_RESERVATION_INTERRUPTIBLE], "true");
}

/// CR-14: all reserved pools exhausted / ICE error, reservations set to 0.
#[test]
fn a_full_reservation_is_emptied_and_nothing_else_is_marked() {
    let types = [with_offerings(
        "a.large",
        &[
            ("zone-a", "cr-1", "default", 2, 0.0),
            ("zone-b", "cr-2", "default", 5, 0.0),
        ],
    )];
    let templates = templates(&types);
    let (choices, placement) = (
        choices(&types, CapacityType::Reserved),
        Placement::default(),
    );
    let tags = Tags::new();
    let asked = asked(&templates, &choices, &placement, &tags);
    let full = |zone| failed("ReservationCapacityExceeded", "no room", "a.large", zone);
    let output = FleetOutput {
        errors: vec![full("zone-a"), full("zone-b")],
        ..FleetOutput::default()
    };
    let effects = effects(&output.errors, &asked);
    let emptied: Vec<&str> = effects.emptied.iter().map(String::as_str).collect();
    assert_eq!(emptied, ["cr-1", "cr-2"]);
    assert!(effects.marks.is_empty());
    assert_eq!(effects.failures[0].capacity_type, CapacityType::Reserved);
    let error = outcome(&output, &asked, now()).expect_err("no instance");
    let text = "with fleet error(s), ReservationCapacityExceeded: no room";
    assert_eq!(error, LaunchError::InsufficientCapacity(text.to_owned()));
}

/// CR-15: RequestLimitExceeded / reservations untouched.
#[test]
fn a_throttled_fleet_says_nothing_about_reservations() {
    let types = [with_offerings(
        "a.large",
        &[("zone-a", "cr-1", "default", 2, 0.0)],
    )];
    let templates = templates(&types);
    let (choices, placement) = (
        choices(&types, CapacityType::Reserved),
        Placement::default(),
    );
    let tags = Tags::new();
    let asked = asked(&templates, &choices, &placement, &tags);
    let throttled = failed("RequestLimitExceeded", "slow down", "a.large", "zone-a");
    let output = FleetOutput {
        errors: vec![throttled],
        ..FleetOutput::default()
    };
    let effects = effects(&output.errors, &asked);
    assert!(effects.emptied.is_empty() && effects.marks.is_empty());
    let error = outcome(&output, &asked, now()).expect_err("no instance");
    let explained = failure::explain("RequestLimitExceeded: slow down");
    assert_eq!(error, LaunchError::explained("", explained));
}
