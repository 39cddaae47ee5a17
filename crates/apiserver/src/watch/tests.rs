use serde_json::json;

use super::*;
use crate::{Config, DeleteOptions, LabelSelector, NODES, WriteOptions};

fn server() -> Server {
    Server::new(Config {
        event_log_capacity: 2,
        ..Config::frozen(jiff::Timestamp::UNIX_EPOCH, 1)
    })
}

fn node(name: &str) -> Value {
    json!({ "metadata": { "name": name, "labels": { "on": "yes" } } })
}

#[test]
fn a_watch_that_fell_behind_is_told_so() {
    let server = server();
    let mut watch = server
        .watch(NODES, None, Selectors::default(), None)
        .unwrap();
    for name in ["a", "b", "c"] {
        server.create(NODES, "", node(name)).unwrap();
    }
    assert_eq!(watch.try_next().unwrap_err().reason, Reason::Expired);
}

#[test]
fn an_object_that_leaves_the_selection_is_deleted_as_it_was() {
    let server = server();
    let selectors = Selectors {
        labels: LabelSelector::parse("on=yes").unwrap(),
        ..Selectors::default()
    };
    let mut watch = server.watch(NODES, None, selectors, None).unwrap();
    server.create(NODES, "", node("a")).unwrap();
    assert_eq!(watch.try_next().unwrap().unwrap().kind, EventKind::Added);
    let change = |on: &'static str| {
        let options = WriteOptions::default();
        server
            .modify(NODES, "", "a", &options, |n| {
                n["metadata"]["labels"]["on"] = on.into();
            })
            .unwrap()
    };
    let changed = change("no");
    let event = watch.try_next().unwrap().unwrap();
    assert_eq!(event.kind, EventKind::Deleted);
    assert_eq!(event.object()["metadata"]["labels"]["on"], "yes");
    assert_eq!(
        meta::resource_version(event.object()),
        meta::resource_version(&changed)
    );
    server
        .delete(NODES, "", "a", &DeleteOptions::default())
        .unwrap();
    assert!(watch.try_next().unwrap().is_none());
}

#[test]
fn events_of_other_resources_do_not_age_a_watch() {
    let server = server();
    let mut watch = server
        .watch(NODES, None, Selectors::default(), None)
        .unwrap();
    for i in 0..10 {
        let name = json!({ "metadata": { "name": format!("ns-{i}") } });
        server.create(crate::NAMESPACES, "", name).unwrap();
    }
    server.create(NODES, "", node("a")).unwrap();
    assert_eq!(watch.drain().unwrap().len(), 1);
    assert_eq!(watch.seen(), server.resource_version());
}
