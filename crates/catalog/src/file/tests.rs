use proptest::prelude::*;

use super::*;
use crate::Price;

fn json(text: &str) -> Result<Catalog, FileError> {
    parse(text.as_bytes())
}

const ONE: &str = r#"[{
    "Name": "m5.large", "ARCHITECTURE": "amd64", "operatingsystems": ["linux"],
    "resources": {"cpu": "2", "memory": "8Gi", "pods": 29, "ephemeral-storage": "20Gi"},
    "labels": {"example.com/rack": "r1"},
    "overhead": {"cpu": "70m", "memory": "574Mi"},
    "offerings": [
        {"price": 0.096, "available": true, "requirements": [
            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
            {"Key": "topology.kubernetes.io/zone", "Operator": "In", "Values": ["a"]}]},
        {"Price": 0.03, "Available": false, "Requirements": [
            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]},
            {"key": "example.com/pool", "operator": "In", "values": ["p"]},
            {"key": "failure-domain.beta.kubernetes.io/zone", "operator": "In", "values": ["b", "c"]}]}
    ]
}]"#;

#[test]
fn a_type_is_read_whatever_the_case_of_its_keys() {
    let catalog = json(ONE).unwrap();
    let large = catalog.get("m5.large").unwrap();
    assert_eq!(
        large.requirements.to_string(),
        "example.com/rack In [r1], karpenter.kwok.sh/instance-cpu In [2], \
         karpenter.kwok.sh/instance-family In [m5], karpenter.kwok.sh/instance-memory In [8Gi], \
         karpenter.kwok.sh/instance-size In [large], karpenter.sh/capacity-type In [on-demand spot], \
         kubernetes.io/arch In [amd64], kubernetes.io/os In [linux], \
         node.kubernetes.io/instance-type In [m5.large], topology.kubernetes.io/zone In [a b c]"
    );
    let allocatable = large.allocatable();
    assert_eq!(allocatable["cpu"].to_string(), "1930m");
    assert_eq!(allocatable["memory"].to_string(), "7618Mi");
    assert_eq!(allocatable["pods"].to_string(), "29");
}

#[test]
fn an_offering_for_several_zones_is_one_for_each() {
    let catalog = json(ONE).unwrap();
    let offerings: Vec<_> = catalog.types[0]
        .offerings
        .iter()
        .map(|o| {
            (
                &*o.zone,
                o.capacity_type,
                o.price,
                o.available,
                o.requirements.len(),
            )
        })
        .collect();
    assert_eq!(
        offerings,
        [
            (
                "a",
                CapacityType::OnDemand,
                Price::from_dollars(0.096),
                true,
                2
            ),
            ("b", CapacityType::Spot, Price::from_dollars(0.03), false, 3),
            ("c", CapacityType::Spot, Price::from_dollars(0.03), false, 3),
        ]
    );
    assert_eq!(catalog.zones().len(), 3);
}

#[test]
fn labels_and_offering_keys_become_well_known() {
    let vocabulary = json(ONE).unwrap().vocabulary();
    for key in [
        "example.com/rack",
        "example.com/pool",
        "karpenter.kwok.sh/instance-size",
    ] {
        assert!(vocabulary.is_well_known(key), "{key}");
    }
    assert!(!vocabulary.is_well_known("example.com/other"));
}

#[test]
fn what_is_left_out_has_defaults() {
    let catalog = json(
        r#"[{"name": "x", "architecture": "arm64", "operatingSystems": ["linux", "windows"],
            "resources": {"cpu": 4, "memory": "1Gi"},
            "offerings": [{"Price": 1, "ReservationCapacity": 3, "Requirements": [
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["reserved"]},
                {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a"]}]}]}]"#,
    )
    .unwrap();
    let x = &catalog.types[0];
    assert_eq!(x.capacity["pods"].to_string(), "110");
    assert_eq!(x.overhead, kwok::overhead());
    assert!(x.offerings[0].available);
    assert_eq!(x.offerings[0].reservation_capacity, Some(3));
    assert_eq!(x.offerings[0].capacity_type, CapacityType::Reserved);
}

#[test]
fn a_wrong_file_is_refused_with_the_place_and_the_problem() {
    let offering = |text: &str| {
        format!(
            r#"[{{"name": "x", "architecture": "arm64", "operatingSystems": [], "offerings": [{text}]}}]"#
        )
    };
    let zone = r#"{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a"]}"#;
    for (text, expected) in [
        (
            "{}".to_owned(),
            "the file: a list of instance types is expected, not an object",
        ),
        ("[1]".to_owned(), "[0]: an object is expected, not a number"),
        (
            "[{}]".to_owned(),
            "[0].name: a text is expected, not nothing",
        ),
        (
            r#"[{"name": ""}]"#.to_owned(),
            "[0] () .name: must not be empty",
        ),
        (
            r#"[{"name": "x", "architecture": "y", "resources": {"cpu": "lots"}}]"#.to_owned(),
            "[0] (x) .resources: \"lots\" is not a quantity: it has no number",
        ),
        (
            offering("{}"),
            "[0] (x) .offerings[0].Price: a number is expected, not nothing",
        ),
        (
            offering(r#"{"Price": -1}"#),
            "[0] (x) .offerings[0].Price: -1 is not between 0 and 1e9",
        ),
        (
            offering(r#"{"Price": 1}"#),
            "[0] (x) .offerings[0].Requirements: an offering must name its \
             topology.kubernetes.io/zone by operator In",
        ),
        (
            offering(r#"{"Price": 1, "Requirements": [{"key": "a", "operator": "is"}]}"#),
            "[0] (x) .offerings[0].Requirements[0].operator: \"is\" is not an operator; use one \
             of In, NotIn, Exists, DoesNotExist, Gt, Lt, Gte, Lte",
        ),
        (
            offering(&format!(
                r#"{{"Price": 1, "Requirements": [{zone},
                   {{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["free"]}}]}}"#
            )),
            "[0] (x) .offerings[0].Requirements: \"free\" is not a capacity type; use one of \
             reserved, spot, on-demand",
        ),
    ] {
        let error = json(&text).unwrap_err().to_string();
        assert_eq!(error, expected, "{text}");
    }
    assert!(matches!(json("["), Err(FileError::Json(_))));
    let two = r#"[{"name": "x", "architecture": "a"}, {"name": "x", "architecture": "a"}]"#;
    assert!(matches!(json(two), Err(FileError::Duplicate(_))));
}

/// Every value inside of a JSON value, itself included.
fn count_values(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count_values).sum(),
        Value::Object(members) => members.values().map(count_values).sum(),
        _ => 0,
    }
}

/// Puts `new` in the place of the `nth` value.
fn replace(value: &mut Value, nth: &mut usize, new: &Value) {
    if *nth == 0 {
        *value = new.clone();
    }
    *nth = nth.wrapping_sub(1);
    match value {
        Value::Array(values) => values.iter_mut().for_each(|inner| replace(inner, nth, new)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|inner| replace(inner, nth, new)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn a_file_with_one_wrong_value_is_read_or_refused_with_a_place(
        nth in any::<prop::sample::Index>(),
        new in prop::sample::select(vec!["null", "true", "-1", "1e300", "\"\"", "\"x\"", "[]", "[0]", "{}"]),
    ) {
        let mut value: Value = serde_json::from_str(ONE).unwrap();
        let new: Value = serde_json::from_str(new).unwrap();
        let mut nth = nth.index(count_values(&value));
        replace(&mut value, &mut nth, &new);
        match parse(value.to_string().as_bytes()) {
            Ok(catalog) => prop_assert!(catalog.types.len() <= 1),
            Err(FileError::Value { path, problem }) => {
                prop_assert!(!path.is_empty() && !problem.is_empty());
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
