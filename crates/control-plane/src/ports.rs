//! The five ports of a cluster, chosen once and then kept, so that kubeconfigs stay valid over a
//! reset.
//!
//! They lie outside the range from which the kernel takes the ports of outgoing connections: a port
//! from within it can be taken by any client while its server restarts.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

use anyhow::{Result, bail};

use crate::keys;
use crate::program::Program;

/// Where ports are looked for if the kernel does not say what it uses.
const USUAL: Range<u16> = 10_000..32_768;

/// A free port for each server.
pub(crate) fn choose() -> Result<BTreeMap<Program, u16>> {
    let range =
        range(&fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default());
    let mut ports = BTreeMap::new();
    let mut taken = Vec::new();
    for program in Program::SERVERS {
        let listener = free(&range)?;
        ports.insert(program, listener.local_addr()?.port());
        taken.push(listener);
    }
    Ok(ports)
}

/// Whether a server can listen on the port now.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn free(range: &Range<u16>) -> Result<TcpListener> {
    let width = u32::from(range.end - range.start);
    for _ in 0..1_000 {
        let offset = keys::random_u32()? % width;
        let port = range.start + u16::try_from(offset)?;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return Ok(listener);
        }
    }
    bail!("no free port between {} and {}", range.start, range.end)
}

/// The ports to draw from, given the kernel's "low high".
fn range(local: &str) -> Range<u16> {
    let mut bounds = local
        .split_whitespace()
        .filter_map(|word| word.parse::<u16>().ok());
    match (bounds.next(), bounds.next()) {
        (Some(low), _) if low >= 11_000 => 10_000..low,
        (Some(_), Some(high)) if high <= 60_000 => high + 1..u16::MAX,
        _ => USUAL,
    }
}

#[cfg(test)]
mod tests {
    use super::{USUAL, choose, range};

    #[test]
    fn ports_lie_outside_the_range_of_outgoing_connections() {
        assert_eq!(range("32768\t60999\n"), 10_000..32_768);
        assert_eq!(range("1024 60000"), 60_001..u16::MAX);
        assert_eq!(range("1024 65535"), USUAL);
        assert_eq!(range(""), USUAL);
    }

    #[test]
    fn five_different_ports_are_chosen() {
        let ports = choose().unwrap();
        let distinct: std::collections::BTreeSet<_> = ports.values().collect();
        assert_eq!(distinct.len(), 5);
    }
}
