use proptest::prelude::*;

use super::*;
use crate::Operator;

const ZONE: &str = "topology.kubernetes.io/zone";

fn set(entries: &[(&str, Operator, &[&str])]) -> Requirements {
    entries
        .iter()
        .map(|(key, operator, values)| {
            Requirement::new(*key, *operator, values.iter().copied(), None)
        })
        .collect()
}

fn labels(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn adding_to_a_key_intersects() {
    let requirements = set(&[
        ("a", Operator::In, &["1", "2"]),
        ("a", Operator::NotIn, &["1"]),
    ]);
    assert_eq!(requirements.to_string(), "a In [2]");
    assert_eq!(requirements.len(), 1);
}

#[test]
fn the_text_leaves_the_host_name_out() {
    let requirements = set(&[
        ("kubernetes.io/hostname", Operator::In, &["n"]),
        (ZONE, Operator::In, &["z"]),
        ("a", Operator::Exists, &[]),
    ]);
    assert_eq!(
        requirements.to_string(),
        "a Exists, topology.kubernetes.io/zone In [z]"
    );
}

/// SCH-17, SCH-18, SCH-19.
#[test]
fn a_custom_label_must_be_defined_unless_absence_is_fine() {
    let vocabulary = Vocabulary::core();
    let pool = Requirements::new();
    for (operator, values, expected) in [
        (Operator::In, &["v"][..], false),
        (Operator::Exists, &[], false),
        (Operator::Gt, &["1"], false),
        (Operator::NotIn, &["v"], true),
        (Operator::DoesNotExist, &[], true),
    ] {
        let pod = set(&[("example.com/team", operator, values)]);
        for allowed in [
            AllowUndefined::Nothing,
            AllowUndefined::WellKnown(&vocabulary),
        ] {
            assert_eq!(pool.is_compatible(&pod, &allowed), expected, "{operator}");
            assert_eq!(
                pool.compatible(&pod, &allowed).is_ok(),
                expected,
                "{operator}"
            );
        }
    }
}

/// SCH-20.
#[test]
fn a_label_of_the_pool_is_compared_with_the_pod() {
    let pool = Requirements::from_labels(&labels(&[("k", "v")]));
    for (operator, values, expected) in [
        (Operator::In, &["v"][..], true),
        (Operator::Exists, &[], true),
        (Operator::NotIn, &["other"], true),
        (Operator::NotIn, &["v"], false),
        (Operator::DoesNotExist, &[], false),
        (Operator::In, &["other"], false),
    ] {
        let pod = set(&[("k", operator, values)]);
        assert_eq!(
            pool.is_compatible(&pod, &AllowUndefined::Nothing),
            expected,
            "{operator}"
        );
    }
}

#[test]
fn well_known_labels_may_be_undefined_in_plans_but_not_on_nodes() {
    let vocabulary = Vocabulary::core();
    let pod = set(&[(ZONE, Operator::In, &["z"])]);
    let none = Requirements::new();
    assert!(none.is_compatible(&pod, &AllowUndefined::WellKnown(&vocabulary)));
    assert!(!none.is_compatible(&pod, &AllowUndefined::Nothing));
}

/// SCH-34.
#[test]
fn a_misspelt_key_gets_a_hint() {
    let vocabulary = Vocabulary::aws();
    let pool = set(&[("example.com/team", Operator::In, &["a"])]);
    for (key, meant) in [
        ("zone", Some(ZONE)),
        ("region", Some("topology.kubernetes.io/region")),
        ("nodepool", Some("karpenter.sh/nodepool")),
        ("example.org/zone", Some(ZONE)),
        ("topology.kubernetesio/zone", Some(ZONE)),
        ("kubernetes.io/arhc", Some("kubernetes.io/arch")),
        (
            "karpenter.k8s.aws/instance-familly",
            Some("karpenter.k8s.aws/instance-family"),
        ),
        ("team", Some("example.com/team")),
        ("example.com/nothing-like-it", None),
    ] {
        let pod = set(&[(key, Operator::Exists, &[])]);
        let reason = pool
            .compatible(&pod, &AllowUndefined::WellKnown(&vocabulary))
            .unwrap_err();
        let expected = Incompatible::Undefined {
            key: key.into(),
            meant: meant.map(Key::from),
        };
        assert_eq!(reason, expected);
    }
}

#[test]
fn reasons_read_well() {
    let vocabulary = Vocabulary::core();
    let allowed = AllowUndefined::WellKnown(&vocabulary);
    let pool = set(&[
        (ZONE, Operator::In, &["a", "b"]),
        ("k", Operator::DoesNotExist, &[]),
    ]);
    let pod = set(&[(ZONE, Operator::In, &["c"]), ("k", Operator::In, &["v"])]);
    assert_eq!(
        pool.compatible(&pod, &allowed).unwrap_err().to_string(),
        "key k, k In [v] not in k DoesNotExist; key topology.kubernetes.io/zone, \
         topology.kubernetes.io/zone In [c] not in topology.kubernetes.io/zone In [a b]"
    );
    let pod = set(&[("zone", Operator::In, &["c"])]);
    assert_eq!(
        pool.compatible(&pod, &allowed).unwrap_err().to_string(),
        "label \"zone\" does not have known values (typo of \"topology.kubernetes.io/zone\"?)"
    );
    let pod = set(&[(ZONE, Operator::In, &["a"]), (ZONE, Operator::In, &["b"])]);
    assert_eq!(
        Requirements::new()
            .compatible(&pod, &allowed)
            .unwrap_err()
            .to_string(),
        "key topology.kubernetes.io/zone, no value can satisfy topology.kubernetes.io/zone In []"
    );
}

/// SCH-22, SCH-140, SCH-141 and the rules of which labels a claim gets. A pod that only excludes a
/// value asks for no label; a pool that does has nodes with another value.
#[test]
fn claims_get_labels_for_custom_keys_only() {
    let vocabulary = Vocabulary::core();
    let requirements = set(&[
        (ZONE, Operator::In, &["z"]),
        ("kubernetes.io/hostname", Operator::In, &["n"]),
        ("karpenter.sh/registered", Operator::In, &["true"]),
        ("one", Operator::Exists, &[]),
        ("one", Operator::In, &["v"]),
        ("several", Operator::In, &["b", "a"]),
        ("open", Operator::Exists, &[]),
        ("not", Operator::NotIn, &["v"]),
        ("never", Operator::DoesNotExist, &[]),
    ]);
    let expected = labels(&[("one", "v"), ("several", "a"), ("open", "42")]);
    let nothing = Requirements::default();
    assert_eq!(requirements.labels(&nothing, &vocabulary, 42), expected);
    let pool = set(&[
        ("not", Operator::NotIn, &["v"]),
        ("never", Operator::NotIn, &["v"]),
        ("elsewhere", Operator::NotIn, &["v"]),
    ]);
    let expected = labels(&[
        ("one", "v"),
        ("several", "a"),
        ("open", "42"),
        ("not", "42"),
    ]);
    assert_eq!(requirements.labels(&pool, &vocabulary, 42), expected);
    assert!(requirements.single_values().contains_key(ZONE));
}

#[test]
fn entries_round_trip_through_json() {
    let requirements = set(&[
        (ZONE, Operator::In, &["b", "a"]),
        ("n", Operator::Gt, &["1"]),
        ("n", Operator::Lt, &["9"]),
        ("n", Operator::NotIn, &["5"]),
    ]);
    let json = serde_json::to_value(&requirements).unwrap();
    assert_eq!(
        json,
        serde_json::json!([
            {"key": "n", "operator": "Gte", "values": ["2"]},
            {"key": "n", "operator": "Lte", "values": ["8"]},
            {"key": "n", "operator": "NotIn", "values": ["5"]},
            {"key": ZONE, "operator": "In", "values": ["a", "b"]},
        ])
    );
    assert_eq!(
        serde_json::from_value::<Requirements>(json).unwrap(),
        requirements
    );
}

fn any_set() -> impl Strategy<Value = Requirements> {
    let key = prop::sample::select(vec!["a", "b", "c"]);
    let value = prop::sample::select(vec!["1", "2", "x"]);
    let operator = prop::sample::select(Operator::ALL.to_vec());
    let entry = (key, operator, prop::collection::vec(value, 0..3));
    prop::collection::vec(entry, 0..5).prop_map(|entries| {
        entries
            .into_iter()
            .map(|(key, operator, values)| Requirement::new(key, operator, values, None))
            .collect()
    })
}

fn any_labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    let key = prop::sample::select(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]);
    let value = prop::sample::select(vec!["1".to_owned(), "2".to_owned(), "x".to_owned()]);
    prop::collection::btree_map(key, value, 0..4)
}

/// A hint is only where to look first: one that leads astray or beyond the end changes no answer.
#[test]
fn a_requirement_is_found_whatever_the_hint() {
    let labels = [("a", "1"), ("b", "2"), ("c", "3")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let set = Requirements::from_labels(&labels.into());
    for key in ["a", "b", "c", "d"] {
        for mut hint in 0..5 {
            let found = set.get_near(key, &mut hint);
            assert_eq!(found, set.get(key), "{key}");
            if found.is_some() {
                assert_eq!(Some(hint), set.position(key));
            }
        }
    }
}

proptest! {
    #[test]
    fn sets_intersect_whatever_the_order(a in any_set(), b in any_set(), c in any_set()) {
        prop_assert_eq!(a.intersect(&b), b.intersect(&a));
        prop_assert_eq!(a.intersect(&b).intersect(&c), a.intersect(&b.intersect(&c)));
        prop_assert_eq!(a.intersect(&a), a);
    }

    #[test]
    fn sets_go_together_if_and_only_if_their_intersection_is_possible(
        a in any_set(), b in any_set(),
    ) {
        prop_assert_eq!(a.overlaps(&b), a.intersect(&b).impossible().is_none());
        prop_assert_eq!(a.overlaps(&b), a.intersects(&b).is_ok());
        prop_assert_eq!(a.overlaps(&b), b.overlaps(&a));
    }

    /// What kube-scheduler would say of a real node is what we say of it.
    #[test]
    fn a_node_meets_a_set_if_and_only_if_its_labels_are_compatible(
        node in any_labels(), pod in any_set(),
    ) {
        let node_set = Requirements::from_labels(&node);
        let strict = AllowUndefined::Nothing;
        prop_assert_eq!(node_set.is_compatible(&pod, &strict), pod.admit_labels(&node));
        prop_assert_eq!(node_set.compatible(&pod, &strict).is_ok(), pod.admit_labels(&node));
    }

    #[test]
    fn more_demands_are_never_easier(a in any_set(), b in any_set(), node in any_labels()) {
        if a.intersect(&b).admit_labels(&node) {
            prop_assert!(a.admit_labels(&node) && b.admit_labels(&node));
        }
    }
}
