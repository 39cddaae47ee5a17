use serde_json::{Value, json};

use super::*;
use crate::{CapacityType, Price, kwok};

fn overlay(name: &str, spec: Value) -> NodeOverlay {
    let mut spec = spec;
    if spec["requirements"].is_null() {
        spec["requirements"] = json!([]);
    }
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).expect("an overlay")
}

fn is(key: &str, values: &[&str]) -> Value {
    json!({"key": key, "operator": "In", "values": values})
}

const ZONE: &str = "topology.kubernetes.io/zone";
const TYPE: &str = "node.kubernetes.io/instance-type";
const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
/// A type of the KWOK set.
const C4: &str = "c-4x-amd64-linux";
/// Another one.
const C8: &str = "c-8x-amd64-linux";

/// Pools `p` (template label `team=a`) and `q`, with the KWOK types.
struct Scene {
    pools: Vec<NodePool>,
    types: Arc<[Arc<InstanceType>]>,
    vocabulary: Vocabulary,
}

impl Scene {
    fn new() -> Self {
        let catalog = kwok::standard();
        let pool = |name: &str, labels: Value| {
            let pool = json!({"metadata": {"name": name}, "spec": {"template":
                {"metadata": {"labels": labels}, "spec": {"requirements": [],
                    "nodeClassRef": {"group": "g", "kind": "Class", "name": "default"}}}}});
            serde_json::from_value(pool).expect("a pool")
        };
        Self {
            pools: vec![pool("p", json!({"team": "a"})), pool("q", json!({}))],
            vocabulary: catalog.vocabulary(),
            types: catalog.types.into(),
        }
    }

    fn evaluate(&self, overlays: &[NodeOverlay]) -> Evaluation {
        let pools = self.pools.iter().map(|pool| PoolTypes {
            pool,
            types: &self.types,
        });
        let pools: Vec<PoolTypes<'_>> = pools.collect();
        evaluate(overlays, &pools, &self.vocabulary)
    }

    fn with(&self, overlays: &[NodeOverlay], pool: &str) -> Arc<[Arc<InstanceType>]> {
        let evaluation = self.evaluate(overlays);
        evaluation
            .overlays
            .apply(pool, &self.types)
            .expect("a pool that was looked at")
    }

    /// The names of the overlays that contradict others.
    fn conflicts(&self, overlays: &[NodeOverlay]) -> Vec<String> {
        let verdicts = self.evaluate(overlays).verdicts;
        assert_eq!(verdicts.len(), overlays.len());
        let conflicts = verdicts.into_iter().filter(|(_, verdict)| {
            assert!(!matches!(verdict, Verdict::Invalid(_)), "{verdict:?}");
            *verdict == Verdict::Conflict
        });
        conflicts.map(|(name, _)| name).collect()
    }
}

fn named<'a>(types: &'a [Arc<InstanceType>], name: &str) -> &'a Arc<InstanceType> {
    types.iter().find(|ty| &*ty.name == name).expect("the type")
}

fn price(
    types: &[Arc<InstanceType>],
    name: &str,
    zone: &str,
    capacity_type: CapacityType,
) -> Price {
    let mut offerings = named(types, name).offerings.iter();
    let found = offerings.find(|o| &*o.zone == zone && o.capacity_type == capacity_type);
    found.expect("the offering").price
}

/// SCH-271.
#[test]
fn without_overlays_types_are_what_they_are() {
    let scene = Scene::new();
    assert!(Arc::ptr_eq(&scene.with(&[], "p"), &scene.types));
    let none = [overlay(
        "unused",
        json!({"requirements": [is(TYPE, &["z-1"])], "price": "1"}),
    )];
    assert_eq!(scene.evaluate(&none).verdicts["unused"], Verdict::Accepted);
    assert!(Arc::ptr_eq(&scene.with(&none, "p"), &scene.types));
}

/// SCH-272.
#[test]
fn what_the_schema_cannot_check_is_checked() {
    let scene = Scene::new();
    let aws = Vocabulary::aws();
    let wrong = |spec: Value, vocabulary: &Vocabulary| {
        let overlays = [overlay("o", spec)];
        let evaluation = evaluate(&overlays, &[], vocabulary);
        match &evaluation.verdicts["o"] {
            Verdict::Invalid(invalid) => invalid.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let bad_value = json!({"requirements": [is(ZONE, &["???"])], "price": "1"});
    let text = wrong(bad_value.clone(), &scene.vocabulary);
    assert!(
        text.starts_with("invalid value: ") && text.ends_with(" in requirements, restricted"),
        "{text}"
    );
    let unknown = json!({"requirements": [{"key": ZONE, "operator": "Like", "values": ["a"]}]});
    assert!(wrong(unknown, &scene.vocabulary).contains("Like"));
    let empty = json!({"requirements": [{"key": ZONE, "operator": "NotIn", "values": []}]});
    let expected = format!("key {ZONE} with operator NotIn must have a value defined");
    assert_eq!(wrong(empty, &scene.vocabulary), expected);
    for resource in ["cpu", "memory", "ephemeral-storage", "pods"] {
        let text = wrong(json!({"capacity": {resource: "1"}}), &scene.vocabulary);
        assert_eq!(
            text,
            format!("invalid capacity: {resource} in resource, restricted")
        );
    }
    let efa = json!({"capacity": {"vpc.amazonaws.com/efa": "1"}});
    assert!(wrong(efa.clone(), &aws).contains("vpc.amazonaws.com/efa"));
    let elsewhere = scene.evaluate(&[overlay("o", efa)]);
    assert_eq!(elsewhere.verdicts["o"], Verdict::Accepted);
    assert!(Arc::ptr_eq(
        &scene.with(&[overlay("o", bad_value)], "p"),
        &scene.types
    ));
}

/// SCH-273: prices.
#[test]
fn equals_that_price_the_same_offering_contradict_each_other() {
    let scene = Scene::new();
    let of = |name: &str, requirements: Value, field: &str, value: &str, weight: Option<i32>| {
        let mut spec = json!({"requirements": requirements});
        spec[field] = value.into();
        if let Some(weight) = weight {
            spec["weight"] = weight.into();
        }
        overlay(name, spec)
    };
    let c4 = || json!([is(TYPE, &[C4])]);
    let in_zone = |zone: &str| json!([is(TYPE, &[C4]), is(ZONE, &[zone])]);
    let sold = |capacity_type: &str| json!([is(TYPE, &[C4]), is(CAPACITY_TYPE, &[capacity_type])]);
    let a = |requirements| of("a", requirements, "price", "1", None);
    for (what, one, other, conflict) in [
        (
            "same type",
            a(c4()),
            of("b", c4(), "price", "2", None),
            true,
        ),
        (
            "equal prices",
            a(c4()),
            of("b", c4(), "price", "1", None),
            true,
        ),
        (
            "adjustment",
            a(c4()),
            of("b", c4(), "priceAdjustment", "+1", None),
            true,
        ),
        (
            "one has no requirement",
            a(json!([])),
            of("b", c4(), "price", "2", None),
            true,
        ),
        (
            "same zone",
            a(in_zone("test-zone-a")),
            of("b", c4(), "price", "2", None),
            true,
        ),
        (
            "other zone",
            a(in_zone("test-zone-a")),
            of("b", in_zone("test-zone-b"), "price", "2", None),
            false,
        ),
        (
            "other capacity type",
            a(sold("spot")),
            of("b", sold("on-demand"), "price", "2", None),
            false,
        ),
        (
            "other type",
            a(c4()),
            of("b", json!([is(TYPE, &[C8])]), "price", "2", None),
            false,
        ),
        (
            "other weight",
            a(c4()),
            of("b", c4(), "price", "2", Some(1)),
            false,
        ),
        (
            "same weight",
            of("a", c4(), "price", "1", Some(7)),
            of("b", c4(), "price", "2", Some(7)),
            true,
        ),
        (
            "only one prices",
            a(c4()),
            overlay(
                "b",
                json!({"requirements": c4(), "capacity": {"x.com/y": "1"}}),
            ),
            false,
        ),
    ] {
        let expected: &[&str] = if conflict { &["a"] } else { &[] };
        assert_eq!(
            scene.conflicts(&[one.clone(), other.clone()]),
            expected,
            "{what}"
        );
        assert_eq!(
            scene.conflicts(&[other, one]),
            expected,
            "{what}, the other way round"
        );
    }
}

/// SCH-274: capacities. Unlike the reference every overlay in force is compared with, not only the
/// latest.
#[test]
fn equals_that_add_the_same_resource_contradict_each_other() {
    let scene = Scene::new();
    let adds = |name: &str, resources: &[&str], weight: i32| {
        let capacity: serde_json::Map<String, Value> = resources
            .iter()
            .map(|r| (format!("x.com/{r}"), json!("1")))
            .collect();
        overlay(
            name,
            json!({"requirements": [is(TYPE, &[C4])], "capacity": capacity, "weight": weight}),
        )
    };
    for (overlays, conflicts) in [
        (vec![adds("a", &["y"], 1), adds("b", &["y"], 1)], vec!["a"]),
        (vec![adds("a", &["y"], 1), adds("b", &["z"], 1)], vec![]),
        (vec![adds("a", &["y"], 1), adds("b", &["y"], 2)], vec![]),
        (
            vec![
                adds("a", &["z"], 1),
                adds("b", &["z"], 1),
                adds("c", &["y"], 1),
            ],
            vec!["a"],
        ),
        (
            vec![
                adds("a", &["y"], 1),
                adds("b", &["z"], 1),
                adds("c", &["y"], 1),
            ],
            vec!["a"],
        ),
        (
            vec![
                adds("a", &["y", "z"], 1),
                adds("b", &["z"], 1),
                adds("c", &["y"], 2),
            ],
            vec!["a"],
        ),
    ] {
        assert_eq!(scene.conflicts(&overlays), conflicts, "{overlays:?}");
    }
}

/// SCH-275: the new price of one offering, and those of all others.
#[test]
fn prices_are_replaced_or_adjusted_where_they_are_selected() {
    let scene = Scene::new();
    let (zone, spot) = ("test-zone-a", CapacityType::Spot);
    let before = price(&scene.types, C4, zone, spot);
    for (field, value, after) in [
        ("price", "0.25", Price::from_dollars(0.25)),
        ("price", "0", Price::ZERO),
        (
            "priceAdjustment",
            "+0.01",
            Price::from_nanos(before.nanos() + 10_000_000),
        ),
        (
            "priceAdjustment",
            "-0.01",
            Price::from_nanos(before.nanos() - 10_000_000),
        ),
        ("priceAdjustment", "+10%", before.scaled(110, 100)),
        ("priceAdjustment", "-25%", before.scaled(75, 100)),
        ("priceAdjustment", "-100%", Price::ZERO),
        ("priceAdjustment", "-1000", Price::ZERO),
    ] {
        let mut spec = json!({"requirements":
            [is(TYPE, &[C4]), is(ZONE, &[zone]), is(CAPACITY_TYPE, &["spot"])]});
        spec[field] = value.into();
        let types = scene.with(&[overlay("o", spec)], "p");
        assert_eq!(price(&types, C4, zone, spot), after, "{value}");
        let touched = |o: &&crate::Offering| o.price_overlaid;
        assert_eq!(
            named(&types, C4).offerings.iter().filter(touched).count(),
            1
        );
        let (ours, theirs) = (named(&types, C4), named(&scene.types, C4));
        for (ours, theirs) in ours.offerings.iter().zip(&theirs.offerings) {
            assert!(ours.price_overlaid || ours == theirs);
            // What is not changed is shared, in what is changed too.
            assert!(Arc::ptr_eq(&ours.requirements, &theirs.requirements));
        }
        assert!(!ours.capacity_overlaid);
    }
}

/// SCH-275, SCH-280: capacity is added to a type as soon as one offering is selected; what is not
/// selected stays the same object.
#[test]
fn capacity_is_added_to_selected_types_and_others_are_shared() {
    let scene = Scene::new();
    let spec = json!({"requirements": [is(TYPE, &[C4]), is(ZONE, &["test-zone-a"])],
        "capacity": {"x.com/device": "4"}});
    let overlays = [overlay("o", spec)];
    let types = scene.with(&overlays, "p");
    let ours = named(&types, C4);
    assert!(ours.capacity_overlaid);
    assert_eq!(
        ours.allocatable()["x.com/device"],
        "4".parse().expect("an amount")
    );
    assert_eq!(
        ours.capacity["cpu"],
        named(&scene.types, C4).capacity["cpu"]
    );
    for (ours, theirs) in types.iter().zip(scene.types.iter()) {
        assert_eq!(
            Arc::ptr_eq(ours, theirs),
            &*ours.name != C4,
            "{}",
            ours.name
        );
    }
    let evaluation = scene.evaluate(&overlays);
    let added = evaluation
        .overlays
        .capacity("p", C4)
        .expect("what was added");
    assert_eq!(added.len(), 1);
    assert_eq!(evaluation.overlays.capacity("p", C8), None);
    assert!(!evaluation.overlays.knows("r"));
    assert_eq!(
        evaluation.overlays.apply("r", &scene.types),
        None,
        "not looked at"
    );
}

/// SCH-276.
#[test]
fn pools_types_and_offerings_are_selected_by_their_labels() {
    let scene = Scene::new();
    let count = |requirement: Value, pool: &str| {
        let spec = json!({"requirements": [requirement], "price": "9"});
        let types = scene.with(&[overlay("o", spec)], pool);
        let offerings = types.iter().flat_map(|ty| &ty.offerings);
        let leaks = |ty: &Arc<InstanceType>| {
            ty.requirements.contains("team") || ty.requirements.contains(labels::NODEPOOL)
        };
        assert!(
            !types.iter().any(leaks),
            "the pool's labels are not the types'"
        );
        offerings.filter(|o| o.price_overlaid).count()
    };
    let all = scene
        .types
        .iter()
        .map(|ty| ty.offerings.len())
        .sum::<usize>();
    assert_eq!(count(is("karpenter.sh/nodepool", &["p"]), "p"), all);
    assert_eq!(count(is("karpenter.sh/nodepool", &["p"]), "q"), 0);
    assert_eq!(count(is("team", &["a"]), "p"), all);
    assert_eq!(count(is("team", &["a"]), "q"), 0);
    assert_eq!(count(is("team", &["b"]), "p"), 0);
    assert_eq!(count(is(ZONE, &["test-zone-b"]), "p"), all / 4);
    assert_eq!(count(is(CAPACITY_TYPE, &["spot"]), "p"), all / 2);
    assert_eq!(count(is(TYPE, &[C4, C8]), "p"), 16);
    assert_eq!(count(is("kubernetes.io/arch", &["arm64"]), "p"), all / 2);
    assert_eq!(
        count(
            json!({"key": TYPE, "operator": "NotIn", "values": [C4]}),
            "p"
        ),
        all - 8
    );
}

/// SCH-277.
#[test]
fn heavier_overlays_decide_and_lighter_ones_fill_the_rest() {
    let scene = Scene::new();
    let c4 = || is(TYPE, &[C4]);
    let overlays = [
        overlay(
            "light",
            json!({"requirements": [c4()], "price": "1", "weight": 1,
            "capacity": {"x.com/a": "1", "x.com/b": "1"}}),
        ),
        overlay(
            "heavy",
            json!({"requirements": [c4(), is(ZONE, &["test-zone-a"])], "price": "5",
            "weight": 10, "capacity": {"x.com/b": "7"}}),
        ),
        overlay(
            "none",
            json!({"requirements": [c4()], "capacity": {"x.com/c": "1", "x.com/a": "9"}}),
        ),
    ];
    assert_eq!(scene.conflicts(&overlays), Vec::<String>::new());
    let types = scene.with(&overlays, "p");
    let spot = CapacityType::Spot;
    assert_eq!(
        price(&types, C4, "test-zone-a", spot),
        Price::from_dollars(5.0)
    );
    assert_eq!(
        price(&types, C4, "test-zone-b", spot),
        Price::from_dollars(1.0)
    );
    let capacity = &named(&types, C4).capacity;
    for (name, amount) in [("x.com/a", "1"), ("x.com/b", "7"), ("x.com/c", "1")] {
        assert_eq!(capacity[name], amount.parse().expect("an amount"), "{name}");
    }
}

/// SCH-278.
#[test]
fn what_contradicts_in_one_pool_is_in_force_in_none() {
    let scene = Scene::new();
    let only = |pool: &str| is("karpenter.sh/nodepool", &[pool]);
    let overlays = [
        overlay(
            "a",
            json!({"requirements": [is(TYPE, &[C4])], "price": "1", "capacity": {"x.com/a": "1"}}),
        ),
        overlay(
            "b",
            json!({"requirements": [is(TYPE, &[C4]), only("p")], "price": "2"}),
        ),
    ];
    assert_eq!(scene.conflicts(&overlays), ["a"]);
    assert!(Arc::ptr_eq(&scene.with(&overlays, "q"), &scene.types));
    let types = scene.with(&overlays, "p");
    assert!(!named(&types, C4).capacity_overlaid);
    let two = price(&types, C4, "test-zone-c", CapacityType::OnDemand);
    assert_eq!(two, Price::from_dollars(2.0));
}

/// Prices move; an adjustment is of the price that is charged then.
#[test]
fn an_adjustment_is_of_the_price_of_the_day() {
    let scene = Scene::new();
    let spec = json!({"requirements": [is(TYPE, &[C4])], "priceAdjustment": "+100%"});
    let evaluation = scene.evaluate(&[overlay("o", spec)]);
    let mut dearer: Vec<Arc<InstanceType>> = scene.types.to_vec();
    for ty in &mut dearer {
        for offering in &mut Arc::make_mut(ty).offerings {
            offering.price = Price::from_dollars(3.0);
        }
    }
    let types = evaluation
        .overlays
        .apply("p", &dearer.into())
        .expect("a pool");
    let now = price(&types, C4, "test-zone-a", CapacityType::Spot);
    assert_eq!(now, Price::from_dollars(6.0));
}
