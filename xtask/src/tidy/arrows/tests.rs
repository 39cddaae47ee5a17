use std::collections::BTreeSet;

use super::{ALLOWED, BELOW, Metadata, check};

/// A workspace, of "user -> used used" lines; names in capitals are not ours.
fn workspace(lines: &[&str]) -> Metadata {
    let mut packages = Vec::new();
    let mut nodes = Vec::new();
    let mut members = Vec::new();
    for line in lines {
        let (name, used) = line.split_once(" -> ").unwrap_or((line, ""));
        let ours = !name.starts_with(char::is_uppercase);
        let used: Vec<String> = used
            .split(' ')
            .filter(|n| !n.is_empty())
            .map(lower)
            .collect();
        let name = lower(name);
        if ours {
            members.push(name.clone());
        }
        let kind = serde_json::Value::Null;
        let dependencies: Vec<_> = used
            .iter()
            .map(|name| serde_json::json!({"name": name, "kind": kind}))
            .collect();
        let edges: Vec<_> = used
            .iter()
            .map(|name| serde_json::json!({"pkg": name, "dep_kinds": [{"kind": kind}]}))
            .collect();
        packages.push(serde_json::json!({
            "id": name, "name": name, "dependencies": dependencies,
            "manifest_path": format!("/r/crates/{name}/Cargo.toml"),
        }));
        nodes.push(serde_json::json!({"id": name, "deps": edges}));
    }
    serde_json::from_value(serde_json::json!({
        "packages": packages, "workspace_members": members,
        "resolve": {"nodes": nodes}, "workspace_root": "/r",
    }))
    .unwrap()
}

fn lower(name: &str) -> String {
    name.to_lowercase()
}

fn found(lines: &[&str]) -> Vec<(String, &'static str, String)> {
    let problems = check(&workspace(lines));
    problems
        .into_iter()
        .map(|problem| (problem.file, problem.rule, problem.advice))
        .collect()
}

#[test]
fn arrows_that_point_down_are_fine() {
    assert_eq!(found(&["model", "api -> model Serde", "Serde"]), []);
}

#[test]
fn an_arrow_that_points_up_is_found() {
    let problems = found(&["model -> api", "api"]);
    let [(file, rule, advice)] = problems.as_slice() else {
        panic!("{problems:?}")
    };
    assert_eq!(
        (file.as_str(), *rule),
        ("crates/model/Cargo.toml", "arrows")
    );
    assert!(advice.contains("may not use api"), "{advice}");
}

#[test]
fn io_is_found_below_the_line_through_any_number_of_crates() {
    let problems = found(&["model -> Middle", "Middle -> Tokio-util", "Tokio-util"]);
    let [(_, rule, advice)] = problems.as_slice() else {
        panic!("{problems:?}")
    };
    assert_eq!(*rule, "io-line");
    assert!(
        advice.ends_with("model -> middle -> tokio-util"),
        "{advice}"
    );
}

#[test]
fn above_the_line_io_is_fine_but_the_tool_has_no_cloud_in_it() {
    assert_eq!(found(&["runtime -> Tokio", "Tokio"]), []);
    assert_eq!(found(&["karp -> Aws-config", "Aws-config"])[0].1, "io-line");
}

#[test]
fn an_unknown_crate_needs_a_line_in_the_table() {
    assert!(found(&["newcomer"])[0].2.contains("arrows.rs"));
}

#[test]
fn the_table_has_each_crate_after_those_that_it_uses() {
    let mut known = BTreeSet::new();
    for (name, used) in ALLOWED.iter().filter(|(name, _)| *name != "testkit") {
        let later: Vec<_> = used.iter().filter(|n| !known.contains(*n)).collect();
        assert_eq!(later, Vec::<&&str>::new(), "{name}");
        known.insert(*name);
    }
    assert!(BELOW.iter().all(|name| known.contains(name)));
}
