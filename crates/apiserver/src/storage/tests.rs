use serde_json::json;

use super::*;

fn store() -> (Store, ShelfId) {
    let mut store = Store::new(3);
    let shelf = store.add_shelf();
    (store, shelf)
}

fn object(namespace: &str, name: &str) -> Value {
    json!({ "metadata": { "namespace": namespace, "name": name, "uid": format!("uid-{name}") } })
}

fn names<'a>(items: impl Iterator<Item = &'a Arc<Stored>>) -> Vec<String> {
    items.map(|s| meta::name(&s.value).to_owned()).collect()
}

#[test]
fn every_change_has_a_later_version() {
    let (mut store, shelf) = store();
    let first = store.put(shelf, object("ns", "a"));
    let second = store.put(shelf, object("ns", "a"));
    let gone = store.remove(shelf, "ns", "a", None).unwrap();
    assert!(first.version < second.version && second.version < gone.version);
    assert_eq!(
        meta::resource_version(&gone.value),
        gone.version.to_string()
    );
    let kinds: Vec<ChangeKind> = store
        .log(shelf)
        .since(first.version - 1)
        .unwrap()
        .map(|c| c.kind)
        .collect();
    assert_eq!(
        kinds,
        [ChangeKind::Added, ChangeKind::Modified, ChangeKind::Deleted]
    );
}

#[test]
fn the_log_forgets_and_says_so() {
    let (mut store, shelf) = store();
    let versions: Vec<u64> = ["a", "b", "c", "d", "e"]
        .map(|n| store.put(shelf, object("ns", n)).version)
        .to_vec();
    assert_eq!(store.log(shelf).since(versions[1]).unwrap().count(), 3);
    let too_old = store.log(shelf).since(versions[0]).err().unwrap();
    assert_eq!(too_old.oldest, versions[1]);
    store.compact();
    assert!(store.log(shelf).since(versions[3]).is_err());
    assert_eq!(store.log(shelf).since(versions[4]).unwrap().count(), 0);
}

#[test]
fn lists_come_in_order_of_namespace_and_name() {
    let (mut store, shelf) = store();
    for (namespace, name) in [("b", "x"), ("a", "z"), ("a", "y"), ("b", "a")] {
        store.put(shelf, object(namespace, name));
    }
    assert_eq!(names(store.list(shelf, None)), ["y", "z", "a", "x"]);
    assert_eq!(names(store.list(shelf, Some("b"))), ["a", "x"]);
    assert_eq!(
        names(store.list_after(shelf, None, ("a", "y"))),
        ["z", "a", "x"]
    );
    assert_eq!(names(store.list_after(shelf, Some("b"), ("b", "a"))), ["x"]);
}

#[test]
fn the_index_follows_owners_and_nodes() {
    let (mut store, shelf) = store();
    let mut pod = object("ns", "p");
    pod["metadata"]["ownerReferences"] = json!([{ "uid": "uid-o" }]);
    pod["spec"] = json!({ "nodeName": "n1" });
    store.put(shelf, pod.clone());
    assert_eq!(store.index().on_node("n1").count(), 1);
    assert_eq!(store.index().dependents("uid-o").count(), 1);
    // The owner was never there, so the collector has to look.
    assert!(store.index_mut().take_absent_owners().contains("uid-o"));
    pod["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("ownerReferences");
    pod["spec"]["nodeName"] = "n2".into();
    store.put(shelf, pod);
    assert_eq!(store.index().on_node("n1").count(), 0);
    assert_eq!(store.index().on_node("n2").count(), 1);
    assert_eq!(store.index().dependents("uid-o").count(), 0);
    store.remove(shelf, "ns", "p", None);
    assert_eq!(store.index().on_node("n2").count(), 0);
    assert!(!store.index().is_live("uid-p"));
}
