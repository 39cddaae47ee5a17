//! What a fleet is asked.

use std::sync::Arc;

use api::labels;
use catalog::{CapacityType, InstanceType, Price};
use requirements::{Requirement, Vocabulary};

use crate::Tags;
use crate::ec2::{FleetCapacity, FleetRequest, ResourceType};
use crate::fleet::fixture::{
    choices, class, everywhere, item, machine, offering, shared, tags, template, wanted,
};
use crate::fleet::{Terms, Wanted, configs, partition, ready, request, tenancy, token};

fn asked(wanted: &Wanted, capacity_type: CapacityType) -> FleetRequest {
    let types = [shared("m5.large", everywhere(0.1, 0.05))];
    let choices = choices(&types, capacity_type);
    let templates = [template("t", &types)];
    let vocabulary = Vocabulary::aws();
    let configs = configs(
        &templates,
        &choices,
        wanted,
        capacity_type,
        None,
        &vocabulary,
    );
    let terms = Terms {
        capacity_type,
        reservation: None,
    };
    let mut class = class();
    class.spec.context = Some("context-1".to_owned());
    request(&class, wanted, &terms, configs, &tags(&[("team", "a")]))
}

/// FL-11: overlay annotation: on-demand `prioritized`, spot `capacity-optimized-prioritized`;
/// without: `lowest-price`, `price-capacity-optimized`.
#[test]
fn prices_of_overlays_decide_where_there_are_some() {
    let mut plain = wanted(&["on-demand", "spot"], &[]);
    let strategies = |wanted: &Wanted| {
        let on_demand = asked(wanted, CapacityType::OnDemand);
        let spot = asked(wanted, CapacityType::Spot);
        assert_eq!(on_demand.capacity_type, FleetCapacity::OnDemand);
        assert_eq!(spot.capacity_type, FleetCapacity::Spot);
        assert_eq!(
            (&on_demand.spot_strategy, &spot.on_demand_strategy),
            (&None, &None)
        );
        let on_demand = on_demand.on_demand_strategy.expect("a strategy");
        (on_demand, spot.spot_strategy.expect("a strategy"))
    };
    let (on_demand, spot) = strategies(&plain);
    assert_eq!(
        (&*on_demand, &*spot),
        ("lowest-price", "price-capacity-optimized")
    );
    plain.has_overlay_prices = true;
    let (on_demand, spot) = strategies(&plain);
    assert_eq!(
        (&*on_demand, &*spot),
        ("prioritized", "capacity-optimized-prioritized")
    );
}

/// FL-12: spec.context set / Context sent; min-values-relaxed annotation / not sent; unset /
/// not sent.
#[test]
fn the_context_is_passed_on_unless_min_values_were_given_up() {
    let vocabulary = Vocabulary::aws();
    let mut claim = api::NodeClaim::default();
    let by = |claim: &api::NodeClaim| Wanted::by(claim, &vocabulary);
    let context = |wanted: &Wanted| asked(wanted, CapacityType::OnDemand).context;
    assert_eq!(context(&by(&claim)).as_deref(), Some("context-1"));
    let annotations = &mut claim.metadata.annotations;
    annotations.insert(labels::MIN_VALUES_RELAXED.to_owned(), "true".to_owned());
    annotations.insert(labels::PRICE_OVERLAY_APPLIED.to_owned(), "true".to_owned());
    assert_eq!(context(&by(&claim)), None);
    assert!(by(&claim).has_overlay_prices);
    let terms = Terms {
        capacity_type: CapacityType::OnDemand,
        reservation: None,
    };
    let none = request(
        &class(),
        &Wanted::default(),
        &terms,
        Vec::new(),
        &Tags::new(),
    );
    assert_eq!(none.context, None);
}

#[test]
fn a_fleet_is_asked_for_one_instance_with_its_tags() {
    let request = asked(&wanted(&["spot"], &[]), CapacityType::Spot);
    assert_eq!((request.capacity, request.dry_run), (1, false));
    let kinds: Vec<ResourceType> = request.tags.iter().map(|one| one.resource).collect();
    let expected = [
        ResourceType::Instance,
        ResourceType::Volume,
        ResourceType::Fleet,
    ];
    assert_eq!(kinds, expected);
    assert!(request.tags.iter().all(|one| one.tags["team"] == "a"));
    let overrides = &request.configs[0].overrides;
    assert_eq!(overrides.len(), 3, "one for each zone");
    let first = &overrides[0];
    assert_eq!(first.zone.as_deref(), Some("zone-a"));
    assert_eq!(first.subnet_id.as_deref(), Some("subnet-zone-a"));
    assert_eq!(first.image_id.as_deref(), Some("ami-1"));
    assert_eq!(first.priority, Some(Price::from_dollars(0.05)));
}

#[test]
fn zones_without_a_subnet_and_templates_without_a_zone_are_left_out() {
    let here = shared(
        "m5.large",
        vec![offering("zone-a", CapacityType::Spot, 0.1)],
    );
    let nowhere = shared(
        "m6.large",
        vec![offering("zone-z", CapacityType::Spot, 0.1)],
    );
    let types = [here.clone(), nowhere.clone()];
    let choices = choices(&types, CapacityType::Spot);
    let templates = [template("here", &[here]), template("nowhere", &[nowhere])];
    let wanted = wanted(&["spot"], &[]);
    let vocabulary = Vocabulary::aws();
    let configs = configs(
        &templates,
        &choices,
        &wanted,
        CapacityType::Spot,
        None,
        &vocabulary,
    );
    assert_eq!(configs.len(), 1);
    assert_eq!(configs[0].template, "here");
}

#[test]
fn a_template_of_one_zone_says_its_subnet_itself() {
    let types = [shared("m5.large", everywhere(0.1, 0.05))];
    let mut template = template("t", &types);
    template.zone = Some("zone-b".to_owned());
    let how = CapacityType::Spot;
    let (choices, wanted) = (choices(&types, how), wanted(&["spot"], &[]));
    let vocabulary = Vocabulary::aws();
    let configs = configs(&[template], &choices, &wanted, how, None, &vocabulary);
    assert_eq!(configs[0].overrides.len(), 1);
    let only = &configs[0].overrides[0];
    assert_eq!(
        (only.zone.as_deref(), only.subnet_id.as_deref()),
        (Some("zone-b"), None)
    );
}

fn partitioned(name: &str, full: &[&str]) -> Arc<InstanceType> {
    let mut machine = machine(name, Vec::new());
    let key = labels::PLACEMENT_GROUP_PARTITION;
    machine
        .requirements
        .add(Requirement::any_of(key, ["1", "2", "10"]));
    for number in ["1", "2", "10"] {
        let mut one = offering("zone-a", CapacityType::OnDemand, 0.1);
        let mut requirements = (*one.requirements).clone();
        requirements.add(Requirement::single(key, number));
        one.requirements = Arc::new(requirements);
        one.available = !full.contains(&number);
        machine.offerings.push(one);
    }
    Arc::new(machine)
}

#[test]
fn the_first_partition_in_which_something_can_be_had_is_used() {
    let vocabulary = Vocabulary::aws();
    let key = labels::PLACEMENT_GROUP_PARTITION;
    let of = |full: &[&str], values: &[&str]| {
        let items = match values {
            [] => vec![],
            values => vec![item(key, "In", values, None)],
        };
        let types = [partitioned("m5.large", full)];
        partition(&types, &wanted(&["on-demand"], &items), &vocabulary)
    };
    assert_eq!(
        of(&[], &["2", "10"]).as_deref(),
        Some("10"),
        "alphabetically"
    );
    assert_eq!(of(&["10"], &["2", "10"]).as_deref(), Some("2"));
    assert_eq!(of(&["2", "10"], &["2", "10"]).as_deref(), Some("10"));
    assert_eq!(of(&[], &[]), None);
    let types = [partitioned("m5.large", &[])];
    let (how, wanted) = (CapacityType::OnDemand, wanted(&["on-demand"], &[]));
    let (choices, templates) = (choices(&types, how), [template("t", &types)]);
    let configs = configs(&templates, &choices, &wanted, how, None, &vocabulary);
    assert_eq!(configs[0].overrides.len(), 1, "partitions are one place");
}

#[test]
fn machines_are_shared_with_others_unless_that_is_not_wanted() {
    let key = labels::AWS_INSTANCE_TENANCY;
    let of = |values: &[&str]| tenancy(&wanted(&[], &[item(key, "In", values, None)]));
    assert_eq!(of(&["dedicated"]), "dedicated");
    assert_eq!(of(&["dedicated", "default"]), "default");
    assert_eq!(tenancy(&Wanted::default()), "default");
}

#[test]
fn a_token_is_that_of_a_request_for_claims() {
    let request = asked(&wanted(&["spot"], &[]), CapacityType::Spot);
    let of = |request: &FleetRequest, claims: &[&str], round| {
        token(request, claims.iter().copied(), round)
    };
    let first = of(&request, &["a", "b"], 0);
    assert_eq!(first, of(&request, &["b", "a"], 0));
    assert!(first.len() <= 64 && first.is_ascii());
    let mut turned = request.clone();
    turned.configs[0].overrides.reverse();
    turned.capacity = 2;
    turned.client_token = Some(first.clone());
    assert_eq!(first, of(&turned, &["a", "b"], 0), "order means nothing");
    let mut other = request.clone();
    other.configs[0].overrides.pop();
    let others = [
        of(&request, &["a"], 0),
        of(&request, &["a", "b"], 1),
        of(&other, &["a", "b"], 0),
    ];
    assert!(others.iter().all(|other| *other != first), "{others:?}");
}

/// LT-5: status profile empty or NodeClass not ready / no launch.
#[test]
fn nothing_is_launched_from_a_class_that_is_not_ready() {
    let condition = |status: &str, observed_generation| api::Condition {
        r#type: "Ready".to_owned(),
        status: status.to_owned(),
        message: "why".to_owned(),
        observed_generation,
        ..api::Condition::default()
    };
    let with = |condition: Option<api::Condition>, profile: &str| {
        let mut class = class();
        class.metadata.generation = 2;
        class.status.conditions.extend(condition);
        profile.clone_into(&mut class.status.instance_profile);
        ready(&class).map_err(|error| error.to_string())
    };
    assert_eq!(with(Some(condition("True", 2)), "profile"), Ok(()));
    let refused = |result: Result<(), String>| result.expect_err("not ready");
    let text = refused(with(Some(condition("True", 1)), "profile"));
    assert!(text.contains("not been reconciled"), "{text}");
    assert_eq!(refused(with(Some(condition("False", 2)), "profile")), "why");
    for unknown in [None, Some(condition("Unknown", 2))] {
        let text = refused(with(unknown, "profile"));
        assert_eq!(text, "NodeClass is in Ready=Unknown");
    }
    let text = refused(with(Some(condition("True", 2)), ""));
    assert!(text.contains("instance profile"), "{text}");
}
