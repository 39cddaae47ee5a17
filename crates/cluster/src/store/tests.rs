use model::k8s::Namespace;

use super::*;

fn namespace(name: &str, uid: &str, version: u64) -> Namespace {
    let mut object = Namespace::default();
    object.metadata.name = name.to_owned();
    object.metadata.uid = uid.to_owned();
    object.metadata.resource_version = version.to_string();
    object
}

fn versions(store: &Store<Namespace>) -> Vec<(&str, u64)> {
    store
        .objects()
        .values()
        .map(|o| (&*o.metadata.uid, version(&o.metadata)))
        .collect()
}

#[test]
fn a_late_version_changes_nothing() {
    let mut store = Store::default();
    store.apply(Change::Applied(namespace("a", "1", 5)));
    assert!(
        store
            .apply(Change::Applied(namespace("a", "1", 4)))
            .is_empty()
    );
    assert_eq!(versions(&store), [("1", 5)]);
}

#[test]
fn a_deleted_object_does_not_come_back_with_a_late_event() {
    let mut store = Store::default();
    store.apply(Change::Deleted(Gone::of(&namespace("a", "1", 6).metadata)));
    assert!(
        store
            .apply(Change::Applied(namespace("a", "1", 5)))
            .is_empty()
    );
    store.apply(Change::Applied(namespace("a", "2", 7)));
    assert_eq!(versions(&store), [("2", 7)]);
}

#[test]
fn deleting_an_object_leaves_a_newer_one_of_the_same_name_alone() {
    let mut store = Store::default();
    store.apply(Change::Applied(namespace("a", "2", 7)));
    store.apply(Change::Deleted(Gone::of(&namespace("a", "1", 6).metadata)));
    assert_eq!(versions(&store), [("2", 7)]);
}

#[test]
fn a_relist_drops_what_it_lacks() {
    let mut store = Store::default();
    store.apply(Change::Reset(vec![
        namespace("a", "1", 1),
        namespace("b", "2", 2),
    ]));
    let diffs = store.apply(Change::Reset(vec![namespace("b", "2", 3)]));
    assert_eq!(diffs.len(), 2);
    assert!(diffs[0].new.is_none());
    assert_eq!(versions(&store), [("2", 3)]);
}

#[test]
fn what_we_have_just_created_survives_a_relist_that_may_be_older() {
    let mut store = Store::default();
    store.put_unconfirmed(namespace("mine", "9", 9));
    store.apply(Change::Reset(vec![namespace("b", "2", 8)]));
    assert_eq!(store.objects().len(), 2);
    store.apply(Change::Reset(vec![namespace("b", "2", 10)]));
    assert_eq!(versions(&store), [("2", 10)]);
}

#[test]
fn a_creation_that_the_watch_has_overtaken_is_not_taken_in_again() {
    let mut store = Store::default();
    store.apply(Change::Applied(namespace("mine", "9", 9)));
    assert!(store.put_unconfirmed(namespace("mine", "9", 9)).is_none());
    store.apply(Change::Deleted(Gone::of(
        &namespace("mine", "9", 9).metadata,
    )));
    assert!(store.put_unconfirmed(namespace("mine", "9", 9)).is_none());
    assert!(store.objects().is_empty());
}
