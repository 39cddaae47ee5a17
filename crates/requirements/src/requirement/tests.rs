use proptest::prelude::*;

use super::*;

fn requirement(operator: Operator, values: &[&str]) -> Requirement {
    Requirement::new("key", operator, values.iter().copied(), None)
}

use Operator::{DoesNotExist, Exists, Gt, Gte, In, Lt, Lte, NotIn};

/// SCH-31: the requirements of the scenario's matrix.
fn matrix() -> Vec<Requirement> {
    [
        (Exists, &[][..]),
        (DoesNotExist, &[]),
        (In, &["A"]),
        (In, &["B"]),
        (In, &["A", "B"]),
        (NotIn, &["A"]),
        (In, &["1"]),
        (In, &["9"]),
        (In, &["1", "9"]),
        (NotIn, &["1", "2"]),
        (Gt, &["1"]),
        (Gt, &["9"]),
        (Lt, &["1"]),
        (Lt, &["9"]),
    ]
    .into_iter()
    .map(|(operator, values)| requirement(operator, values))
    .collect()
}

/// Label values (and absence) that tell all requirements of these tests apart.
fn universe() -> Vec<Option<&'static str>> {
    let values = [
        "A", "B", "-1", "0", "1", "2", "3", "5", "8", "9", "10", "99", "1.5", "x-1",
    ];
    values.into_iter().map(Some).chain([None]).collect()
}

fn admitted(requirement: &Requirement) -> Vec<Option<&'static str>> {
    universe()
        .into_iter()
        .filter(|value| requirement.admits(*value))
        .collect()
}

#[test]
fn worked_intersections_read_as_documented() {
    let cases = [
        (
            (NotIn, &["1", "2"][..]),
            (Gt, &["1"][..]),
            "key NotIn [2] >=2",
        ),
        ((NotIn, &["1", "2"]), (Gt, &["9"]), "key Exists >=10"),
        ((Lt, &["9"]), (Gt, &["1"]), "key Exists >=2 <=8"),
        ((Gt, &["1"]), (Lt, &["1"]), "key In []"),
        ((In, &["1", "9"]), (Gt, &["1"]), "key In [9]"),
        ((In, &["A"]), (Exists, &[]), "key In [A]"),
        ((In, &["A"]), (In, &["B"]), "key In []"),
        ((NotIn, &["A"]), (DoesNotExist, &[]), "key DoesNotExist"),
        ((NotIn, &["A"]), (NotIn, &["B"]), "key NotIn [A B]"),
        ((Exists, &[]), (DoesNotExist, &[]), "key In []"),
    ];
    for (left, right, expected) in cases {
        let (left, right) = (requirement(left.0, left.1), requirement(right.0, right.1));
        assert_eq!(
            left.intersect(&right).to_string(),
            expected,
            "{left} and {right}"
        );
        assert_eq!(
            right.intersect(&left).to_string(),
            expected,
            "{right} and {left}"
        );
    }
}

/// The table of which pairs go together, in the order Exists, DoesNotExist, In A, In B, NotIn A,
/// Gt 1, Lt 1.
#[test]
fn pairs_go_together_as_the_table_says() {
    let incoming = [
        requirement(Exists, &[]),
        requirement(DoesNotExist, &[]),
        requirement(In, &["A"]),
        requirement(In, &["B"]),
        requirement(NotIn, &["A"]),
        requirement(Gt, &["1"]),
        requirement(Lt, &["1"]),
    ];
    let table = [
        (
            requirement(Exists, &[]),
            [true, false, true, true, true, true, true],
        ),
        (
            requirement(DoesNotExist, &[]),
            [false, true, false, false, true, false, false],
        ),
        (
            requirement(In, &["A"]),
            [true, false, true, false, false, false, false],
        ),
        (
            requirement(NotIn, &["A"]),
            [true, true, false, true, true, true, true],
        ),
        (
            requirement(Gt, &["1"]),
            [true, false, false, false, true, true, false],
        ),
    ];
    for (existing, row) in &table {
        for (incoming, expected) in incoming.iter().zip(row) {
            assert_eq!(
                existing.intersects(incoming),
                *expected,
                "{existing} and {incoming}"
            );
        }
    }
    assert!(requirement(In, &["5"]).intersects(&requirement(Gt, &["1"])));
}

#[test]
fn an_impossible_requirement_is_not_met_by_absence() {
    let impossible = requirement(In, &["A"]).intersect(&requirement(In, &["B"]));
    assert!(impossible.is_impossible());
    assert!(!impossible.admits(None));
    assert!(!impossible.intersects(&requirement(DoesNotExist, &[])));
    assert!(!impossible.intersects(&requirement(NotIn, &["A"])));
    assert!(requirement(In, &[]).is_impossible());
    assert!(!requirement(DoesNotExist, &[]).is_impossible());
}

#[test]
fn presence_that_was_demanded_stays_demanded() {
    let both = requirement(NotIn, &["A"]).intersect(&requirement(Exists, &[]));
    assert!(!both.admits(None));
    assert!(!both.intersects(&requirement(DoesNotExist, &[])));
}

/// SCH-32, except that nothing is admitted, not even absence.
#[test]
fn bounds_beyond_the_integers_admit_nothing() {
    let max = i64::MAX.to_string();
    let min = i64::MIN.to_string();
    assert!(requirement(Gt, &[&max]).is_impossible());
    assert!(requirement(Lt, &[&min]).is_impossible());
    assert!(requirement(Gte, &[&max]).has(&max));
    assert!(requirement(Lte, &[&min]).has(&min));
}

#[test]
fn an_operand_that_is_no_integer_admits_nothing() {
    for operator in [Gt, Lt, Gte, Lte] {
        assert!(
            requirement(operator, &["many"]).is_impossible(),
            "{operator}"
        );
        assert!(requirement(operator, &[]).is_impossible(), "{operator}");
    }
}

/// SCH-33.
#[test]
fn two_bounds_are_written_as_two_entries_with_the_min_values_each() {
    let both = Requirement::new("key", Gt, ["1"], Some(1)).intersect(&Requirement::new(
        "key",
        Lt,
        ["9"],
        Some(2),
    ));
    let items: Vec<_> = both
        .to_items()
        .into_iter()
        .map(|i| (i.operator.parse(), i.values, i.min_values))
        .collect();
    assert_eq!(
        items,
        [
            (Ok(Gte), vec!["2".to_owned()], Some(2)),
            (Ok(Lte), vec!["8".to_owned()], Some(2))
        ]
    );
}

/// SCH-36, SCH-76, SCH-77.
#[test]
fn the_larger_min_values_stays() {
    let one = Requirement::new("key", In, ["a", "b"], Some(1));
    let two = Requirement::new("key", NotIn, ["c"], Some(2));
    assert_eq!(one.intersect(&two).min_values(), Some(2));
    assert_eq!(
        two.intersect(&requirement(Exists, &[])).min_values(),
        Some(2)
    );
    let none = one.intersect(&requirement(In, &["z"]));
    assert_eq!((none.is_impossible(), none.min_values()), (true, Some(1)));
}

/// SCH-35.
#[test]
fn deprecated_keys_become_the_usual_ones() {
    for (alias, key) in [
        (
            "failure-domain.beta.kubernetes.io/zone",
            "topology.kubernetes.io/zone",
        ),
        (
            "failure-domain.beta.kubernetes.io/region",
            "topology.kubernetes.io/region",
        ),
        ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
        ("beta.kubernetes.io/os", "kubernetes.io/os"),
        (
            "beta.kubernetes.io/instance-type",
            "node.kubernetes.io/instance-type",
        ),
        ("kubernetes.io/arch", "kubernetes.io/arch"),
    ] {
        assert_eq!(&**Requirement::exists(alias).key(), key);
    }
}

#[test]
fn long_lists_are_shortened_in_texts() {
    let values = ["g", "f", "e", "d", "c", "b", "a"];
    let requirement = Requirement::new("key", In, values, Some(3));
    assert_eq!(
        requirement.to_string(),
        "key In [a b c d e and 2 others] minValues 3"
    );
    assert_eq!(Requirement::exists("key").to_string(), "key Exists");
    assert_eq!(
        Requirement::does_not_exist("key").to_string(),
        "key DoesNotExist"
    );
}

#[test]
fn a_value_that_is_made_up_is_admitted() {
    assert_eq!(requirement(In, &["b", "a"]).pick(7).as_deref(), Some("a"));
    assert_eq!(requirement(DoesNotExist, &[]).pick(7), None);
    assert_eq!(requirement(Exists, &[]).pick(7).as_deref(), Some("7"));
    let narrow = requirement(Gte, &["3"]).intersect(&requirement(Lte, &["5"]));
    let narrow = narrow.intersect(&requirement(NotIn, &["3", "4"]));
    for seed in [0, 1, 2, 3, u64::MAX] {
        assert_eq!(narrow.pick(seed).as_deref(), Some("5"), "{seed}");
    }
    let full = narrow.intersect(&requirement(NotIn, &["5"]));
    assert_eq!(full.pick(1), None);
}

#[test]
fn entries_say_the_same_as_the_requirement() {
    for left in matrix() {
        for right in matrix() {
            let both = left.intersect(&right);
            let items = both.to_items();
            let again = items
                .iter()
                .map(Requirement::from)
                .reduce(|a, b| a.intersect(&b))
                .unwrap_or_else(|| panic!("{both} has no entry"));
            assert_eq!(again, both, "{items:?}");
        }
    }
}

fn any_requirement() -> impl Strategy<Value = Requirement> {
    let value = prop::sample::select(vec!["A", "B", "-1", "1", "2", "5", "9", "10", "x-1"]);
    let number = prop::sample::select(vec!["-1", "0", "1", "2", "5", "8", "9", "99"]);
    let listed = (
        prop::sample::select(vec![In, NotIn]),
        prop::collection::vec(value, 0..4),
        prop::option::of(1_u32..5),
    )
        .prop_map(|(operator, values, min)| Requirement::new("key", operator, values, min));
    let bounded = (prop::sample::select(vec![Gt, Lt, Gte, Lte]), number)
        .prop_map(|(operator, value)| Requirement::new("key", operator, [value], None));
    let plain = prop::sample::select(vec![Exists, DoesNotExist])
        .prop_map(|operator| Requirement::new("key", operator, NO_VALUES, None));
    let one = prop_oneof![4 => listed, 3 => bounded, 2 => plain];
    prop::collection::vec(one, 1..4).prop_map(|all| {
        all.into_iter()
            .reduce(|a, b| a.intersect(&b))
            .unwrap_or_else(|| Requirement::exists("key"))
    })
}

proptest! {
    #[test]
    fn intersection_is_commutative(a in any_requirement(), b in any_requirement()) {
        prop_assert_eq!(a.intersect(&b), b.intersect(&a));
    }

    #[test]
    fn intersection_is_associative(
        a in any_requirement(), b in any_requirement(), c in any_requirement(),
    ) {
        prop_assert_eq!(a.intersect(&b).intersect(&c), a.intersect(&b.intersect(&c)));
    }

    #[test]
    fn intersection_is_idempotent(a in any_requirement()) {
        prop_assert_eq!(a.intersect(&a), a);
    }

    #[test]
    fn intersection_only_narrows(a in any_requirement(), b in any_requirement()) {
        let both = a.intersect(&b);
        prop_assert_eq!(both.intersect(&a), both.clone());
        for value in admitted(&both) {
            prop_assert!(a.admits(value) && b.admits(value), "{:?}", value);
        }
    }

    #[test]
    fn membership_in_the_intersection_is_membership_in_both(
        a in any_requirement(), b in any_requirement(),
    ) {
        let both = a.intersect(&b);
        for value in universe() {
            prop_assert_eq!(both.admits(value), a.admits(value) && b.admits(value), "{:?}", value);
        }
    }

    #[test]
    fn two_go_together_if_and_only_if_the_intersection_is_possible(
        a in any_requirement(), b in any_requirement(),
    ) {
        prop_assert_eq!(a.intersects(&b), !a.intersect(&b).is_impossible());
        prop_assert_eq!(a.intersects(&b), b.intersects(&a));
    }

    #[test]
    fn entries_lose_nothing(a in any_requirement()) {
        let again = a.to_items().iter().map(Requirement::from).reduce(|a, b| a.intersect(&b));
        prop_assert_eq!(again, Some(a));
    }

    #[test]
    fn picks_are_admitted(a in any_requirement(), seed: u64) {
        if let Some(value) = a.pick(seed) {
            prop_assert!(a.has(&value));
            prop_assert_eq!(a.pick(seed), Some(value));
        }
    }
}
