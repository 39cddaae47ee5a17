use proptest::prelude::*;
use requirements::Operator;

use super::*;

fn requirement(operator: Operator, values: &[&str]) -> Requirement {
    Requirement::new("k", operator, values.iter().copied(), None)
}

fn keys(requirements: &[Requirement]) -> Keys {
    let mut builder = KeysBuilder::default();
    for requirement in requirements {
        builder.mention_one(requirement);
    }
    builder.build()
}

fn any_requirement() -> impl Strategy<Value = Requirement> {
    let value = prop::sample::select(vec!["1", "2", "3", "5", "9", "a", "b"]);
    let lists = (
        prop::sample::select(vec![
            Operator::In,
            Operator::NotIn,
            Operator::Exists,
            Operator::DoesNotExist,
        ]),
        prop::collection::vec(value, 1..4),
    );
    let bounds = (
        prop::sample::select(vec![
            Operator::Gt,
            Operator::Lt,
            Operator::Gte,
            Operator::Lte,
        ]),
        0_i64..8,
    );
    prop_oneof![
        lists.prop_map(|(operator, values)| {
            let values: &[&str] = if matches!(operator, Operator::In | Operator::NotIn) {
                &values
            } else {
                &[]
            };
            requirement(operator, values)
        }),
        bounds.prop_map(|(operator, bound)| requirement(operator, &[&bound.to_string()])),
    ]
}

proptest! {
    /// SCH-31: any two requirements have a common bit exactly if their intersection admits anything.
    #[test]
    fn masks_meet_exactly_where_requirements_intersect(
        all in prop::collection::vec(any_requirement(), 2..5)
    ) {
        let keys = keys(&all);
        for a in &all {
            for b in &all {
                let (mask_a, mask_b) = (keys.mask(0, a), keys.mask(0, b));
                prop_assert_eq!(mask_a.meets(&mask_b), !a.intersect(b).is_impossible(), "{} and {}", a, b);
                prop_assert_eq!(mask_a.and(&mask_b), keys.mask(0, &a.intersect(b)));
            }
        }
    }

    /// Three at once, since a planned node's mask is narrowed pod by pod.
    #[test]
    fn narrowing_twice_is_narrowing_by_the_intersection(
        all in prop::collection::vec(any_requirement(), 3)
    ) {
        let keys = keys(&all);
        let masks: Vec<Mask> = all.iter().map(|r| keys.mask(0, r)).collect();
        let both = all[0].intersect(&all[1]).intersect(&all[2]);
        prop_assert_eq!(masks[0].meets_both(&masks[1], &masks[2]), !both.is_impossible());
    }
}

#[test]
fn an_integer_between_bounds_that_nobody_lists_has_a_bit_of_its_own() {
    let above = requirement(Operator::Gt, &["5"]);
    let below = requirement(Operator::Lt, &["3"]);
    let exists = requirement(Operator::Exists, &[]);
    let keys = keys(&[above.clone(), below.clone(), exists.clone()]);
    let [above, below, exists] = [above, below, exists].map(|r| keys.mask(0, &r));
    assert!(above.meets(&exists) && below.meets(&exists));
    assert!(!above.meets_both(&below, &exists));
}

#[test]
fn more_values_than_a_word_has_bits_are_kept_apart() {
    let values: Vec<String> = (0..300).map(|n| format!("type-{n:03}")).collect();
    let all = Requirement::any_of("k", values.iter().map(String::as_str));
    let keys = keys(&[all]);
    let one = keys.label(0, Some("type-299"));
    let without = Requirement::new("k", Operator::NotIn, ["type-299"], None);
    assert!(!keys.mask(0, &without).meets(&one));
    assert!(keys.anything(0).meets(&one));
    assert!(!keys.label(0, Some("unknown")).meets(&one));
}
