//! Which types a launch asks for.

use std::sync::Arc;

use api::{NodeRequirement, labels};
use catalog::{CapacityType, InstanceType, Overrides};
use requirements::Vocabulary;

use crate::fleet::fixture::{
    amounts, choices, everywhere, item, machine, offering, shared, template, wanted, with,
};
use crate::fleet::{LaunchError, MinValues, Rule, Wanted, capacity_type, configs, filter};

fn names(types: &[Arc<InstanceType>]) -> Vec<&str> {
    types.iter().map(|one| &*one.name).collect()
}

fn filtered(types: &[Arc<InstanceType>], wanted: &Wanted) -> Vec<Arc<InstanceType>> {
    filter(types, wanted, &Vocabulary::aws(), MinValues::Strict)
        .expect("something is left")
        .types
}

fn at_least(key: &str, min: u32) -> NodeRequirement {
    item(key, "Exists", &[], Some(min))
}

const ANY: &[&str] = &["on-demand", "spot", "reserved"];

/// FL-1: compatible filter: requirement mismatch, requests too big, no available offering /
/// rejected; override group fits / kept.
#[test]
fn what_does_not_fit_or_can_not_be_had_is_left_out() {
    let mut gone = machine("gone.large", everywhere(0.1, 0.05));
    for offering in &mut gone.offerings {
        offering.available = false;
    }
    let mut special = machine("special.large", everywhere(0.1, 0.05));
    let more = Overrides {
        capacity: amounts(&[("cpu", "8")]),
        ..Overrides::default()
    };
    special.offerings[0].overrides = more.shared();
    let types = [
        with(
            machine("fits.large", everywhere(0.1, 0.05)),
            &[("cpu", "4")],
        ),
        shared("small.large", everywhere(0.1, 0.05)),
        Arc::new(gone),
        Arc::new(special),
    ];
    let mut wanted = wanted(ANY, &[]);
    wanted.requests = amounts(&[("cpu", "3")]);
    assert_eq!(
        names(&filtered(&types, &wanted)),
        ["fits.large", "special.large"]
    );
    let arm = item(labels::ARCH, "In", &["arm64"], None);
    let mismatch = super::super::fixture::wanted(ANY, &[arm]);
    let error = filter(&types, &mismatch, &Vocabulary::aws(), MinValues::Strict);
    let text = "all requested instance types were unavailable during launch";
    assert_eq!(
        error.expect_err("nothing is left"),
        LaunchError::InsufficientCapacity(text.to_owned())
    );
}

/// IT-7: many types / launch / at most 60, cheapest first.
#[test]
fn at_most_sixty_types_are_asked_for_the_cheapest_first() {
    let types: Vec<Arc<InstanceType>> = (0..100)
        .rev()
        .map(|at| {
            shared(
                &format!("m{at:02}.large"),
                everywhere(1.0 + f64::from(at), 0.5),
            )
        })
        .collect();
    let left = filtered(&types, &wanted(&["on-demand"], &[]));
    let expected: Vec<String> = (0..60).map(|at| format!("m{at:02}.large")).collect();
    assert_eq!(names(&left), expected);
}

/// IT-8: mixed spot/OD claim / spot offerings dearer than the cheapest OD are not sent.
///
/// FL-8: spot filter: drops dear spot offerings; type with nothing left rejected; no OD offerings,
/// single capacity type or minValues / no-op.
#[test]
fn spot_that_is_dearer_than_on_demand_is_not_asked_for() {
    let spot_only = |name: &str, dollars: f64| {
        shared(name, vec![offering("zone-a", CapacityType::Spot, dollars)])
    };
    let types = [
        shared("m5.large", everywhere(0.10, 0.04)),
        shared("m5.xlarge", everywhere(0.20, 0.15)),
        spot_only("dear.large", 0.11),
        spot_only("cheap.large", 0.09),
    ];
    let vocabulary = Vocabulary::aws();
    let both = wanted(&["on-demand", "spot"], &[]);
    let result = filter(&types, &both, &vocabulary, MinValues::Strict).expect("types");
    assert_eq!(
        names(&result.types),
        ["m5.large", "cheap.large", "m5.xlarge"]
    );
    let xlarge = &result.types[2];
    let spot = |one: &&catalog::Offering| one.capacity_type == CapacityType::Spot;
    assert_eq!(xlarge.offerings.iter().filter(spot).count(), 0);
    assert_eq!(result.rejected.len(), 1);
    assert_eq!(result.rejected[0].rule, Rule::Spot);
    assert_eq!(*result.rejected[0].types[0], *"dear.large");

    let spot_only_claim = wanted(&["spot"], &[]);
    assert_eq!(
        filtered(&types, &spot_only_claim).len(),
        4,
        "one capacity type"
    );
    let diverse = wanted(
        &["on-demand", "spot"],
        &[at_least(labels::INSTANCE_TYPE, 2)],
    );
    assert_eq!(filtered(&types, &diverse).len(), 4, "minValues");
    assert_eq!(filtered(&types[2..], &both).len(), 2, "nothing on demand");
}

/// IT-9: metal and GPU types / not sent unless required or the only ones, or minValues used.
///
/// FL-7: exotic: metal and GPU dropped; kept if alone; kept with minValues.
#[test]
fn devices_and_metal_are_for_those_who_ask() {
    let plain = shared("m5.large", everywhere(0.1, 0.05));
    let metal = shared("m5.metal-24xl", everywhere(0.1, 0.05));
    let gpu = machine("g4dn.large", everywhere(0.1, 0.05));
    let gpu = with(gpu, &[("nvidia.com/gpu", "1")]);
    let efa = machine("c5n.large", everywhere(0.1, 0.05));
    let efa = with(efa, &[("vpc.amazonaws.com/efa", "1")]);
    let types = [plain, metal, gpu, efa];
    let any = wanted(ANY, &[]);
    assert_eq!(names(&filtered(&types, &any)), ["c5n.large", "m5.large"]);
    assert_eq!(
        filtered(&types[1..3], &any).len(),
        2,
        "nothing else is left"
    );
    let mut asks = any.clone();
    asks.requests = amounts(&[("nvidia.com/gpu", "1")]);
    assert_eq!(names(&filtered(&types, &asks)), ["g4dn.large"], "required");
    let diverse = wanted(ANY, &[at_least(labels::INSTANCE_TYPE, 2)]);
    assert_eq!(filtered(&types, &diverse).len(), 4, "minValues");
}

/// FL-9: minValues cannot be met after truncation / ICE error; BestEffort handled by core.
#[test]
fn too_few_values_after_truncation_are_no_launch() {
    let types: Vec<Arc<InstanceType>> = (0..70)
        .map(|at| shared(&format!("m{at:02}.large"), everywhere(1.0, 0.5)))
        .collect();
    let wanted = wanted(ANY, &[at_least(labels::INSTANCE_TYPE, 61)]);
    let result = |policy| filter(&types, &wanted, &Vocabulary::aws(), policy);
    let error = result(MinValues::Strict).expect_err("too few");
    let text = error.to_string();
    assert!(matches!(error, LaunchError::InsufficientCapacity(_)));
    assert!(
        text.starts_with("truncating instance types based on the passed-in requirements, "),
        "{text}"
    );
    let relaxed = result(MinValues::BestEffort).expect("types");
    assert_eq!(relaxed.types.len(), 60);
}

/// FL-10: minValues In, Exists, several keys / CreateFleet overrides contain enough distinct
/// values.
#[test]
fn a_fleet_has_as_many_values_as_are_asked_for() {
    let sizes = ["large", "xlarge", "2xlarge"];
    let families = ["m5", "c5"];
    let all = families.iter().flat_map(|family| {
        let one = move |size: &&str| shared(&format!("{family}.{size}"), everywhere(0.1, 0.05));
        sizes.iter().map(one)
    });
    let types: Vec<Arc<InstanceType>> = all.collect();
    let family = "karpenter.k8s.aws/instance-family";
    let cases = [
        vec![item(family, "In", &["m5", "c5"], Some(2))],
        vec![at_least(labels::INSTANCE_TYPE, 6)],
        vec![at_least(family, 2), at_least(labels::AWS_INSTANCE_SIZE, 3)],
    ];
    for case in cases {
        let wanted = wanted(&["on-demand"], &case);
        let types = filtered(&types, &wanted);
        let how = CapacityType::OnDemand;
        let choices = choices(&types, how);
        let templates = [template("t", &types)];
        let vocabulary = Vocabulary::aws();
        let configs = configs(&templates, &choices, &wanted, how, None, &vocabulary);
        let mut sent: Vec<&str> = configs[0]
            .overrides
            .iter()
            .map(|one| one.instance_type.as_str())
            .collect();
        sent.sort_unstable();
        sent.dedup();
        assert_eq!(sent.len(), 6, "{case:?}");
    }
}

/// FL-17: capacity type choice: reserved available / reserved; spot and OD / spot; spot
/// unavailable / on-demand; default / on-demand.
#[test]
fn reservations_go_before_spot_and_spot_before_on_demand() {
    let vocabulary = Vocabulary::aws();
    let mut offerings = everywhere(0.1, 0.05);
    let plain = [shared("m5.large", offerings.clone())];
    offerings.push(super::super::fixture::reserved(
        "zone-a", "cr-1", "default", 1, 0.0,
    ));
    let with_reservation = [shared("m5.large", offerings)];
    let on_demand = [shared(
        "m5.large",
        vec![offering("zone-a", CapacityType::OnDemand, 0.1)],
    )];
    let any = wanted(ANY, &[]);
    let choose = |types: &[Arc<InstanceType>], wanted| capacity_type(types, wanted, &vocabulary);
    assert_eq!(choose(&with_reservation, &any), CapacityType::Reserved);
    assert_eq!(choose(&plain, &any), CapacityType::Spot);
    assert_eq!(choose(&on_demand, &any), CapacityType::OnDemand);
    let default = wanted(&["on-demand"], &[]);
    assert_eq!(choose(&plain, &default), CapacityType::OnDemand);
    assert_eq!(
        choose(&with_reservation, &default),
        CapacityType::OnDemand,
        "not allowed"
    );
}
