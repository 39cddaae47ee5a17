//! What a pod takes: requests and host ports, moment by moment of its life.

use std::collections::BTreeSet;

use cluster::PodContent;
use model::k8s::pod::{Container, ContainerPort};
use model::{Quantity, ResourceList};

/// What a pod takes of each resource, with one `pods`.
pub(super) fn of_pod(pod: &PodContent) -> ResourceList {
    let spec = &pod.spec;
    let whole = spec.resources.as_ref();
    let containers = spec.containers.iter().chain(&spec.init_containers);
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for list in containers
        .map(|container| &container.resources)
        .chain(whole)
    {
        names.extend(list.requests.keys().map(String::as_str));
    }
    names.extend(spec.overhead.keys().map(String::as_str));
    let mut taken: ResourceList = names
        .into_iter()
        .map(|name| (name.to_owned(), amount(pod, name)))
        .collect();
    for (name, held) in &pod.held {
        let amount = taken.entry(name.clone()).or_default();
        *amount = (*amount).max(*held);
    }
    taken.insert("pods".to_owned(), Quantity::from_units(1));
    taken
}

fn amount(pod: &PodContent, name: &str) -> Quantity {
    let spec = &pod.spec;
    let of = |container: &Container| container.resources.requests.get(name).copied();
    let sum = |containers: &mut dyn Iterator<Item = &Container>| -> Quantity {
        containers.filter_map(of).sum()
    };
    let is_sidecar = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
    let init = &spec.init_containers;
    // While the pod runs: all containers and all sidecars.
    let mut most = sum(&mut spec.containers.iter().chain(init.iter().filter(is_sidecar)));
    // While the init container at `at` runs: it and the sidecars before it.
    for (at, container) in init.iter().enumerate() {
        let before = sum(&mut init[..at].iter().filter(is_sidecar));
        most = most.max(before + of(container).unwrap_or_default());
    }
    if name == "cpu" || name == "memory" || name.starts_with("hugepages-") {
        let whole = spec.resources.as_ref();
        let request = whole.and_then(|whole| whole.requests.get(name));
        most = request.copied().unwrap_or(most);
    }
    most + spec.overhead.get(name).copied().unwrap_or_default()
}

/// Ports of the node that a pod takes: number, protocol, address.
pub(super) fn ports(pod: &PodContent) -> Vec<(i32, String, String)> {
    let spec = &pod.spec;
    let sidecars = spec
        .init_containers
        .iter()
        .filter(|c| c.restart_policy.as_deref() == Some("Always"));
    let number = |port: &ContainerPort| match port.host_port {
        0 if spec.host_network => port.container_port,
        number => number,
    };
    spec.containers
        .iter()
        .chain(sidecars)
        .flat_map(|container| &container.ports)
        .filter(|port| number(port) != 0)
        .map(|port| {
            let protocol = if port.protocol.is_empty() {
                "TCP"
            } else {
                &port.protocol
            };
            let ip = if port.host_ip.is_empty() {
                "0.0.0.0"
            } else {
                &port.host_ip
            };
            (number(port), protocol.to_owned(), ip.to_owned())
        })
        .collect()
}

/// The port that two pods cannot both have on one node.
pub(super) fn clash(one: &PodContent, other: &PodContent) -> Option<i32> {
    let everywhere = |ip: &str| ip == "0.0.0.0" || ip == "::";
    let others = ports(other);
    ports(one).into_iter().find_map(|(port, protocol, ip)| {
        others
            .iter()
            .any(|(p, proto, address)| {
                *p == port
                    && *proto == protocol
                    && (*address == ip || everywhere(address) || everywhere(&ip))
            })
            .then_some(port)
    })
}
