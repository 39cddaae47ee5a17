use super::*;

fn port(ip: &str, port: u16, protocol: &str) -> HostPort {
    HostPort {
        port,
        protocol: protocol.into(),
        ip: ip.into(),
    }
}

#[test]
fn an_address_conflicts_with_itself_and_with_all_addresses() {
    let one = port("10.0.0.1", 80, "TCP");
    assert!(one.conflicts_with(&one));
    assert!(one.conflicts_with(&port("0.0.0.0", 80, "TCP")));
    assert!(port("::", 80, "TCP").conflicts_with(&one));
    assert!(!one.conflicts_with(&port("10.0.0.2", 80, "TCP")));
    assert!(!one.conflicts_with(&port("10.0.0.1", 80, "UDP")));
    assert!(!one.conflicts_with(&port("10.0.0.1", 81, "TCP")));
}

#[test]
fn ports_come_from_containers_and_sidecars_but_not_from_other_init_containers() {
    let spec: PodSpec = serde_json::from_str(
        r#"{"containers":[{"ports":[{"containerPort":1,"hostPort":8080},{"containerPort":2}]}],
            "initContainers":[{"ports":[{"hostPort":1}]},
              {"restartPolicy":"Always","ports":[{"hostPort":2,"protocol":"UDP","hostIP":"::1"}]}]}"#,
    )
    .unwrap();
    assert_eq!(
        of_pod(&spec),
        [port("::1", 2, "UDP"), port("0.0.0.0", 8080, "TCP")]
    );
}

#[test]
fn on_the_hosts_network_every_container_port_is_a_host_port() {
    let spec: PodSpec = serde_json::from_str(
        r#"{"hostNetwork":true,"containers":[{"ports":[{"containerPort":9100}]}]}"#,
    )
    .unwrap();
    assert_eq!(of_pod(&spec), [port("0.0.0.0", 9100, "TCP")]);
}
