use super::*;

fn spec(json: &str) -> PodSpec {
    serde_json::from_str(json).unwrap()
}

fn cpu(json: &str) -> String {
    resources::get(&effective(&spec(json)), CPU).to_string()
}

#[test]
fn containers_add_up_and_each_pod_is_one_pod() {
    let requests = effective(&spec(
        r#"{"containers":[{"resources":{"requests":{"cpu":"1","memory":"1Gi"}}},
            {"resources":{"requests":{"cpu":"500m"}}}]}"#,
    ));
    assert_eq!(requests["cpu"].to_string(), "1500m");
    assert_eq!(requests["memory"].to_string(), "1Gi");
    assert_eq!(requests["pods"].to_string(), "1");
}

#[test]
fn the_largest_init_container_counts_if_it_is_larger() {
    assert_eq!(
        cpu(
            r#"{"initContainers":[{"resources":{"requests":{"cpu":"3"}}},
            {"resources":{"requests":{"cpu":"2"}}}],
            "containers":[{"resources":{"requests":{"cpu":"1"}}}]}"#
        ),
        "3"
    );
}

#[test]
fn sidecars_run_beside_containers_and_later_init_containers_only() {
    let init_first = r#"{"initContainers":[{"resources":{"requests":{"cpu":"4"}}},
        {"restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}}],
        "containers":[{"resources":{"requests":{"cpu":"2"}}}]}"#;
    assert_eq!(cpu(init_first), "4");
    let sidecar_first = r#"{"initContainers":[
        {"restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}},
        {"resources":{"requests":{"cpu":"4"}}}],
        "containers":[{"resources":{"requests":{"cpu":"2"}}}]}"#;
    assert_eq!(cpu(sidecar_first), "5");
    let only_sidecar = r#"{"initContainers":[
        {"restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}}],
        "containers":[{"resources":{"requests":{"cpu":"2"}}}]}"#;
    assert_eq!(cpu(only_sidecar), "3");
}

#[test]
fn overhead_comes_on_top_of_everything() {
    assert_eq!(
        cpu(
            r#"{"overhead":{"cpu":"250m"},"initContainers":[{"resources":{"requests":{"cpu":"3"}}}],
            "containers":[{"resources":{"requests":{"cpu":"1"}}}]}"#
        ),
        "3250m"
    );
}

fn filled(json: &str) -> ResourceList {
    let mut spec = spec(json);
    fill_in(&mut spec);
    effective(&spec)
}

#[test]
fn resources_of_the_whole_pod_replace_those_of_containers() {
    let requests = filled(
        r#"{"resources":{"requests":{"cpu":"2"},"limits":{"memory":"4Gi"}},
            "overhead":{"cpu":"100m"},
            "containers":[{"resources":{"requests":{"cpu":"3","example.com/gpu":"1"}}}]}"#,
    );
    assert_eq!(requests["cpu"].to_string(), "2100m");
    assert_eq!(requests["memory"].to_string(), "4Gi");
    assert_eq!(requests["example.com/gpu"].to_string(), "1");
}

#[test]
fn a_pod_level_limit_gives_way_to_what_containers_request() {
    let requests = filled(
        r#"{"resources":{"limits":{"memory":"4Gi"}},
            "containers":[{"resources":{"requests":{"memory":"1Gi"}}}]}"#,
    );
    assert_eq!(requests["memory"].to_string(), "1Gi");
}

#[test]
fn a_limit_is_a_request_once_it_has_been_filled_in() {
    let json = r#"{"containers":[{"resources":{"limits":{"cpu":"700m"}}}]}"#;
    assert_eq!(filled(json)["cpu"].to_string(), "700m");
    assert!(
        !effective(&spec(json)).contains_key("cpu"),
        "the scheduler counts requests alone"
    );
}
