use serde_json::Value;

use super::*;
use crate::{Config, request::route};

fn get(path: &str) -> Value {
    let state = State::new(Config::frozen(jiff::Timestamp::UNIX_EPOCH, 1));
    let (_, text) = document(&state, &route(path), "application/json").unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn resources_list_their_subresources() {
    let list = get("/api/v1");
    let names: Vec<&str> = list["resources"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|r| r["name"].as_str())
        .collect();
    for name in [
        "pods",
        "pods/binding",
        "pods/eviction",
        "pods/status",
        "nodes",
        "nodes/status",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(!names.contains(&"configmaps/status"));
}

#[test]
fn groups_prefer_their_newest_version() {
    let groups = get("/apis");
    let autoscaling = groups["groups"]
        .as_array()
        .unwrap()
        .iter()
        .find(|g| g["name"] == "autoscaling")
        .unwrap();
    assert_eq!(
        autoscaling["preferredVersion"]["groupVersion"],
        "autoscaling/v2"
    );
    assert_eq!(get("/apis/autoscaling")["kind"], "APIGroup");
}

#[test]
fn openapi_says_that_the_server_validates_fields() {
    let index = get("/openapi/v3");
    let url = index["paths"]["apis/apps/v1"]["serverRelativeURL"]
        .as_str()
        .unwrap()
        .to_owned();
    let text = get(&url).to_string();
    assert!(text.contains("fieldValidation") && text.contains("\"kind\":\"Deployment\""));
}

#[test]
fn unknown_documents_are_not_found() {
    let state = State::new(Config::frozen(jiff::Timestamp::UNIX_EPOCH, 1));
    for path in [
        "/apis/nope",
        "/apis/apps/v9",
        "/nope",
        "/openapi/v3/apis/nope/v1",
    ] {
        assert!(document(&state, &route(path), "").is_err(), "{path}");
    }
}
