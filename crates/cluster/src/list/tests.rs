use proptest::prelude::*;

use super::*;

fn of(items: &[u32]) -> List<u32> {
    items.iter().copied().collect()
}

fn all(list: &List<u32>) -> Vec<u32> {
    list.iter().copied().collect()
}

#[test]
fn a_copy_does_not_see_later_changes() {
    let mut list = of(&[1, 3]);
    let copy = list.clone();
    list.put(2, |item| item.cmp(&2));
    assert_eq!(list.take(|item| item.cmp(&1)), Some(1));
    assert_eq!(all(&list), [2, 3]);
    assert_eq!(all(&copy), [1, 3]);
}

#[test]
fn a_change_leaves_all_other_chunks_shared() {
    let items: Vec<u32> = (0..10_000).map(|n| 2 * n).collect();
    let mut list = of(&items);
    let copy = list.clone();
    list.put(5_001, |item| item.cmp(&5_001));
    let shared = |chunk: &&Arc<Vec<u32>>| copy.spine.chunks.iter().any(|c| Arc::ptr_eq(c, chunk));
    let chunks = &list.spine.chunks;
    assert_eq!(chunks.iter().filter(|chunk| !shared(chunk)).count(), 1);
    assert!(chunks.len() > 100);
}

#[test]
fn an_empty_list_has_no_item_anywhere() {
    let list = List::<u32>::default();
    assert!(list.is_empty());
    assert_eq!(list.get(0), None);
    assert_eq!(list.binary_search_by(|item| item.cmp(&1)), Err(0));
    assert_eq!(List::<u32>::from([]).len(), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Put(u32),
    Take(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0_u32..2_000).prop_map(Step::Put),
        1 => (0_u32..2_000).prop_map(Step::Take),
    ]
}

proptest! {
    #[test]
    fn a_list_holds_what_a_sorted_vector_does(
        steps in proptest::collection::vec(step(), 0..1_500),
    ) {
        let mut list = List::default();
        let mut model: Vec<u32> = Vec::new();
        for step in steps {
            match step {
                Step::Put(item) => {
                    list.put(item, |other| other.cmp(&item));
                    if let Err(at) = model.binary_search(&item) {
                        model.insert(at, item);
                    }
                }
                Step::Take(item) => {
                    let taken = list.take(|other| other.cmp(&item));
                    let at = model.binary_search(&item).ok();
                    prop_assert_eq!(taken, at.map(|at| model.remove(at)));
                }
            }
        }
        prop_assert_eq!(all(&list), model.clone());
        prop_assert_eq!(list.len(), model.len());
        for (at, item) in model.iter().enumerate() {
            prop_assert_eq!(list[at], *item);
            prop_assert_eq!(list.binary_search_by(|other| other.cmp(item)), Ok(at));
        }
        prop_assert!(list.spine.chunks.iter().all(|c| !c.is_empty() && c.len() <= CHUNK));
    }
}
