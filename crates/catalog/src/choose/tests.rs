use super::*;
use crate::{Catalog, kwok};

fn with(key: &str, values: &[&str]) -> Requirements {
    [Requirement::any_of(key, values.iter().copied())]
        .into_iter()
        .collect()
}

fn names(types: &[Arc<InstanceType>]) -> Vec<&str> {
    types
        .iter()
        .map(|instance_type| &*instance_type.name)
        .collect()
}

/// The smallest two sizes for Linux on amd64, dearest first.
fn few() -> (Catalog, Vec<Arc<InstanceType>>) {
    let catalog = kwok::standard();
    let types = [
        "m-2x-amd64-linux",
        "c-2x-amd64-linux",
        "m-1x-amd64-linux",
        "c-1x-amd64-linux",
    ];
    let types = types
        .map(|name| catalog.get(name).unwrap().clone())
        .to_vec();
    (catalog, types)
}

#[test]
fn the_cheapest_offering_is_that_of_the_capacity_type_asked_for() {
    let (catalog, types) = few();
    let vocabulary = catalog.vocabulary();
    let any = cheapest_offering(&types[0], &Requirements::new(), &vocabulary).unwrap();
    assert_eq!(
        (&*any.zone, any.capacity_type),
        ("test-zone-a", CapacityType::Spot)
    );
    let wanted = with("karpenter.sh/capacity-type", &["on-demand"])
        .intersect(&with("topology.kubernetes.io/zone", &["test-zone-c"]));
    let found = cheapest_offering(&types[0], &wanted, &vocabulary).unwrap();
    assert_eq!(
        (&*found.zone, found.capacity_type),
        ("test-zone-c", CapacityType::OnDemand)
    );
    let nowhere = with("topology.kubernetes.io/zone", &["elsewhere"]);
    assert_eq!(cheapest_offering(&types[0], &nowhere, &vocabulary), None);
}

#[test]
fn unavailable_offerings_are_not_chosen() {
    let (catalog, types) = few();
    let mut one = (*types[0]).clone();
    for offering in &mut one.offerings {
        offering.available = offering.capacity_type == CapacityType::OnDemand;
    }
    let found = cheapest_offering(&one, &Requirements::new(), &catalog.vocabulary()).unwrap();
    assert_eq!(found.capacity_type, CapacityType::OnDemand);
}

#[test]
fn types_are_ordered_by_price_then_name_and_those_without_offering_come_last() {
    let (catalog, mut types) = few();
    let mut gone = (*types[3]).clone();
    gone.offerings.clear();
    gone.name = "a-gone".into();
    let mut twin = (*types[3]).clone();
    twin.name = "b-twin".into();
    types.extend([Arc::new(gone), Arc::new(twin)]);
    order_by_price(&mut types, &Requirements::new(), &catalog.vocabulary());
    assert_eq!(
        names(&types),
        [
            "b-twin",
            "c-1x-amd64-linux",
            "m-1x-amd64-linux",
            "c-2x-amd64-linux",
            "m-2x-amd64-linux",
            "a-gone"
        ]
    );
}

#[test]
fn the_worst_launch_price_is_of_the_first_capacity_type_that_has_any() {
    let (catalog, types) = few();
    let vocabulary = catalog.vocabulary();
    let worst =
        |requirements: &Requirements| worst_launch_price(&types[0], requirements, &vocabulary);
    let key = "karpenter.sh/capacity-type";
    assert_eq!(worst(&Requirements::new()), worst(&with(key, &["spot"])));
    assert!(worst(&with(key, &["on-demand"])) > worst(&with(key, &["spot"])));
    assert_eq!(worst(&with(key, &["reserved"])), None);
}

fn min_values(entries: &[(&str, u32)]) -> Requirements {
    entries
        .iter()
        .map(|(key, min)| {
            let mut requirement = Requirement::exists(*key);
            requirement.set_min_values(Some(*min));
            requirement
        })
        .collect()
}

/// SCH-74, SCH-78, SCH-80, SCH-85.
#[test]
fn min_values_are_counted_from_the_front_of_the_list() {
    let (_, types) = few();
    let count = |requirements: &Requirements| {
        types_for_min_values(types.iter().map(AsRef::as_ref), requirements)
    };
    let family = "karpenter.kwok.sh/instance-family";
    let cpu = "karpenter.kwok.sh/instance-cpu";
    assert_eq!(count(&Requirements::new()), Ok(0));
    assert_eq!(count(&min_values(&[(family, 1)])), Ok(1));
    assert_eq!(count(&min_values(&[(family, 2)])), Ok(2));
    assert_eq!(count(&min_values(&[(family, 2), (cpu, 2)])), Ok(3));
    assert_eq!(
        count(&min_values(&[("node.kubernetes.io/instance-type", 4)])),
        Ok(4)
    );
    assert_eq!(
        count(&min_values(&[("topology.kubernetes.io/zone", 4)])),
        Ok(1)
    );
    let unmet = count(&min_values(&[(family, 3), (cpu, 2), ("absent", 1)])).unwrap_err();
    let achieved: Vec<_> = unmet
        .achieved
        .iter()
        .map(|(key, count)| (&**key, *count))
        .collect();
    assert_eq!(achieved, [("absent", 0), (family, 2)]);
    assert_eq!(
        unmet.to_string(),
        "minValues requirement is not met for label(s) \
         (label(s)=[absent karpenter.kwok.sh/instance-family])"
    );
}
