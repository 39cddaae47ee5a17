//! Watches.

use serde_json::{Value, json};

use crate::world::{World, config_map};

fn told(events: &[(String, Value)]) -> Vec<(String, String)> {
    let name = |o: &Value| {
        o["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    events
        .iter()
        .filter(|(_, o)| name(o) != "kube-root-ca.crt")
        .map(|(kind, o)| (kind.clone(), name(o)))
        .filter(|(kind, _)| kind != "BOOKMARK")
        .collect()
}

fn pairs(events: &[(&str, &str)]) -> Vec<(String, String)> {
    events
        .iter()
        .map(|(k, n)| ((*k).to_owned(), (*n).to_owned()))
        .collect()
}

fn path(w: &World, query: &str) -> String {
    format!(
        "{}?watch=true&timeoutSeconds=1&{query}",
        w.core("configmaps")
    )
}

/// Creates, changes and deletes; returns the version before all of it.
async fn history(w: &World) -> String {
    let list = w.get(&w.core("configmaps")).await.expect(200);
    let before = list["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut object = config_map("a", &json!({}));
    object["metadata"]["labels"] = json!({"app": "x"});
    w.post(&w.core("configmaps"), &object).await.expect(201);
    w.merge(
        &w.core("configmaps/a"),
        &json!({"metadata": {"labels": {"app": "y"}}}),
    )
    .await
    .expect(200);
    w.post(&w.core("configmaps"), &config_map("b", &json!({})))
        .await
        .expect(201);
    w.delete(&w.core("configmaps/a"), &Value::Null)
        .await
        .expect(200);
    before
}

pub(crate) async fn replays_from_a_resource_version(w: &World) {
    let before = history(w).await;
    let events = w
        .events(&path(w, &format!("resourceVersion={before}")))
        .await;
    assert_eq!(
        told(&events),
        pairs(&[
            ("ADDED", "a"),
            ("MODIFIED", "a"),
            ("ADDED", "b"),
            ("DELETED", "a")
        ])
    );
    let versions: Vec<u64> = events
        .iter()
        .map(|(_, o)| {
            o["metadata"]["resourceVersion"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    assert!(versions.is_sorted(), "{versions:?}");
}

pub(crate) async fn starts_with_what_is_there(w: &World) {
    history(w).await;
    let events = w.events(&path(w, "resourceVersion=0")).await;
    assert_eq!(told(&events), pairs(&[("ADDED", "b")]));
}

pub(crate) async fn follows_selectors(w: &World) {
    let before = history(w).await;
    let x = w
        .events(&path(
            w,
            &format!("labelSelector=app%3Dx&resourceVersion={before}"),
        ))
        .await;
    assert_eq!(told(&x), pairs(&[("ADDED", "a"), ("DELETED", "a")]));
    let y = w
        .events(&path(
            w,
            &format!("labelSelector=app%3Dy&resourceVersion={before}"),
        ))
        .await;
    assert_eq!(told(&y), pairs(&[("ADDED", "a"), ("DELETED", "a")]));
    let b = format!("fieldSelector=metadata.name%3Db&resourceVersion={before}");
    assert_eq!(
        told(&w.events(&path(w, &b)).await),
        pairs(&[("ADDED", "b")])
    );
}

pub(crate) async fn marks_the_end_of_initial_events(w: &World) {
    history(w).await;
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let events = w.events(&path(w, query)).await;
    let mark = events.iter().position(|(kind, o)| {
        kind == "BOOKMARK" && o["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true"
    });
    let added = events
        .iter()
        .position(|(_, o)| o["metadata"]["name"] == "b");
    assert!(mark.is_some() && added < mark, "{events:?}");
    // Without the match rule the request makes no sense.
    let answer = w.get(&path(w, "sendInitialEvents=true")).await;
    answer.refused(422, "Invalid");
}

pub(crate) async fn tells_of_a_version_that_is_gone(w: &World) {
    if w.is_real() {
        // A real server forgets by its own schedule.
        return;
    }
    let server = apiserver::Server::new(apiserver::Config::frozen(jiff::Timestamp::UNIX_EPOCH, 1));
    let made = server
        .create(apiserver::NODES, "", json!({"metadata": {"name": "n"}}))
        .unwrap();
    server.compact();
    let version = made["metadata"]["resourceVersion"].as_str().unwrap();
    let from: u64 = version.parse().unwrap();
    let watch = server.watch(
        apiserver::NODES,
        None,
        apiserver::Selectors::default(),
        Some(from - 1),
    );
    assert_eq!(watch.unwrap_err().reason, apiserver::Reason::Expired);
}
