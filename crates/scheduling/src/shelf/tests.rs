use proptest::prelude::*;

use super::*;

fn candidates() -> impl Strategy<Value = Vec<(u64, Vec<i64>)>> {
    prop::collection::vec((1_u64..20, prop::collection::vec(0_i64..8, 3)), 0..150)
}

fn shelf(types: &[(u64, Vec<i64>)], keep: Keep) -> Shelf {
    let mut candidates = Candidates::new(3);
    for (kind, (price, room)) in types.iter().enumerate() {
        let slot = Slot {
            kind: kind as u32,
            price: *price,
        };
        candidates.push(slot, room.iter().copied());
    }
    Shelf::new(&candidates, keep)
}

proptest! {
    /// SCH-70, SCH-71: the type found is large enough, and none that is large enough is cheaper.
    #[test]
    fn the_cheapest_type_is_the_one_a_search_of_all_finds(
        types in candidates(),
        need in prop::collection::vec(0_i64..9, 3),
    ) {
        let large_enough = types.iter().filter(|(_, room)| at_least(room, &need));
        let expected = large_enough.map(|(price, _)| *price).min();
        for keep in [Keep::Frontier, Keep::All] {
            let shelf = shelf(&types, keep);
            let found = shelf.cheapest(&need);
            prop_assert_eq!(found.map(|index| shelf.slot(index).price), expected);
            if let Some(index) = found {
                prop_assert!(at_least(shelf.room(index), &need));
            }
        }
    }

    /// A claim lists every type that holds its pods, cheapest first.
    #[test]
    fn holding_lists_all_types_that_are_large_enough(
        types in candidates(),
        need in prop::collection::vec(0_i64..9, 3),
    ) {
        let shelf = shelf(&types, Keep::All);
        let holding: Vec<usize> = shelf.holding(&need).collect();
        let expected = types.iter().filter(|(_, room)| at_least(room, &need)).count();
        prop_assert_eq!(holding.len(), expected);
        prop_assert!(holding.is_sorted_by_key(|index| shelf.slot(*index).price));
    }
}

#[test]
fn a_request_of_nothing_does_not_limit_the_count() {
    assert_eq!(times(&[10, 0], &[3, 0], 100), 3);
    assert_eq!(times(&[10, 5], &[3, 0], 2), 2);
    assert_eq!(times(&[2, 5], &[3, 0], 2), 0);
}

#[test]
fn a_type_that_daemons_overfill_is_not_on_the_shelf() {
    let shelf = shelf(&[(1, vec![4, -1, 4]), (2, vec![4, 0, 4])], Keep::All);
    assert_eq!(shelf.slots().len(), 1);
}
