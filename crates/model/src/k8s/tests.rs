use super::{Node, Pod, Resource};

#[test]
fn a_pod_as_the_server_prints_it_keeps_what_decides_and_drops_the_rest() {
    let text = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n","uid":"u",
        "managedFields":[{"manager":"x"}],"labels":null},"spec":{"nodeName":"","dnsPolicy":"Default",
        "containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"100m"}},
        "ports":[{"containerPort":80,"hostPort":8080}]}],"tolerations":[{"operator":"Exists"}]},
        "status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False",
        "reason":"Unschedulable"}]}}"#;
    let pod: Pod = serde_json::from_str(text).unwrap();
    assert_eq!(pod.key().to_string(), "n/a");
    assert!(!pod.is_bound() && !pod.is_terminal());
    assert_eq!(pod.spec.containers[0].ports[0].host_port, 8080);
    assert_eq!(
        pod.spec.containers[0].resources.requests["cpu"].to_string(),
        "100m"
    );
    assert_eq!(
        pod.status.condition("PodScheduled").unwrap().reason,
        "Unschedulable"
    );
}

#[test]
fn the_controlling_owner_is_told_by_group_and_kind() {
    let text = r#"{"metadata":{"ownerReferences":[{"apiVersion":"apps/v1","kind":"DaemonSet",
        "name":"d","uid":"u","controller":true}]}}"#;
    let pod: Pod = serde_json::from_str(text).unwrap();
    assert!(pod.is_owned_by("apps", "DaemonSet"));
    assert!(!pod.is_owned_by("batch", "DaemonSet"));
}

#[test]
fn api_versions_leave_the_core_group_out() {
    assert_eq!(Node::api_version(), "v1");
    assert_eq!(super::DaemonSet::api_version(), "apps/v1");
}
