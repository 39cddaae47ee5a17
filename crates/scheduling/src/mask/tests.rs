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

/// Whether some label value, or none, is acceptable to all: by trying.
fn agree(all: &[&Requirement]) -> bool {
    let integers = (-1..20).map(|n| n.to_string());
    let texts = ["a", "b", "c"].map(str::to_owned);
    let mut labels = integers.chain(texts).map(Some).chain([None]);
    labels.any(|label| {
        all.iter()
            .all(|requirement| requirement.admits(label.as_deref()))
    })
}

proptest! {
    /// SCH-31: requirements have a common bit exactly if some label value, or none, is acceptable
    /// to all. Three at once, since a planned node's mask is narrowed pod by pod.
    #[test]
    fn masks_meet_exactly_where_some_label_is_acceptable_to_all(
        all in prop::collection::vec(any_requirement(), 3..5)
    ) {
        let keys = keys(&all);
        let masks: Vec<Mask> = all.iter().map(|r| keys.mask(0, r)).collect();
        for (a, mask_a) in all.iter().zip(&masks) {
            for (b, mask_b) in all.iter().zip(&masks) {
                prop_assert_eq!(mask_a.meets(mask_b), agree(&[a, b]), "{} and {}", a, b);
                prop_assert_eq!(!mask_a.and(mask_b).is_empty(), agree(&[a, b]));
            }
        }
        let three = [&all[0], &all[1], &all[2]];
        prop_assert_eq!(masks[0].and(&masks[1]).meets(&masks[2]), agree(&three));
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
    assert!(!above.and(&below).meets(&exists));
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
