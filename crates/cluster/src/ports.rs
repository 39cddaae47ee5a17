//! Ports of the node that a pod takes for itself.

use std::fmt;

use model::k8s::pod::PodSpec;

/// A port on a node, as a container asks for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// Port number.
    pub port: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Box<str>,
    /// Address on the node; `0.0.0.0` where nothing is said.
    pub ip: Box<str>,
}

impl HostPort {
    /// Whether the two cannot be on one node: same port and protocol, and the same address or one
    /// of them on all addresses.
    pub fn conflicts_with(&self, other: &Self) -> bool {
        self.port == other.port
            && self.protocol == other.protocol
            && (self.ip == other.ip || self.is_everywhere() || other.is_everywhere())
    }

    fn is_everywhere(&self) -> bool {
        matches!(&*self.ip, "0.0.0.0" | "::")
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.ip, self.port, self.protocol)
    }
}

/// The host ports of a pod, sorted, each once.
///
/// On the node's own network every container port is a host port, which the API server writes into
/// the pod; manifests may lack it. Sidecars hold their ports as long as the pod runs, so they count
/// too; other init containers do not.
pub fn of_pod(spec: &PodSpec) -> Vec<HostPort> {
    let sidecars = spec
        .init_containers
        .iter()
        .filter(|c| crate::requests::is_sidecar(c));
    let mut ports: Vec<HostPort> = spec
        .containers
        .iter()
        .chain(sidecars)
        .flat_map(|container| &container.ports)
        .filter_map(|port| {
            let implied = if spec.host_network {
                port.container_port
            } else {
                0
            };
            let number = if port.host_port == 0 {
                implied
            } else {
                port.host_port
            };
            let number = u16::try_from(number).ok().filter(|number| *number != 0)?;
            let or = |text: &str, default: &str| -> Box<str> {
                if text.is_empty() {
                    default.into()
                } else {
                    text.into()
                }
            };
            Some(HostPort {
                port: number,
                protocol: or(&port.protocol, "TCP"),
                ip: or(&port.host_ip, "0.0.0.0"),
            })
        })
        .collect();
    ports.sort();
    ports.dedup();
    ports
}

/// The first pair that cannot be together.
pub fn conflict<'a>(
    wanted: &'a [HostPort],
    taken: &'a [HostPort],
) -> Option<(&'a HostPort, &'a HostPort)> {
    wanted.iter().find_map(|want| {
        taken
            .iter()
            .find(|have| want.conflicts_with(have))
            .map(|have| (want, have))
    })
}

#[cfg(test)]
mod tests;
