//! Bits that nodes carry: host ports of the batch, and pods that do not want some pods beside them.

use cluster::{HostPort, NodeState};

/// Gives each host port of the batch a bit. Further bits follow for other rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bits {
    ports: Vec<HostPort>,
    others: usize,
}

impl Bits {
    /// Bits for the host ports that pods of the batch ask for.
    pub(crate) fn of<'a>(ports: impl Iterator<Item = &'a HostPort>) -> Self {
        let mut ports: Vec<HostPort> = ports.cloned().collect();
        ports.sort();
        ports.dedup();
        Self { ports, others: 0 }
    }

    /// A bit that is no host port's.
    pub(crate) fn another(&mut self) -> usize {
        self.others += 1;
        self.ports.len() + self.others - 1
    }

    /// Words of the bit set.
    pub(crate) fn words(&self) -> usize {
        (self.ports.len() + self.others).div_ceil(64)
    }

    /// The bits of exactly these ports.
    pub(crate) fn own(&self, ports: &[HostPort]) -> Vec<usize> {
        ports
            .iter()
            .filter_map(|port| self.ports.binary_search(port).ok())
            .collect()
    }

    /// The bits of the batch's ports that can't be on a node together with any of these.
    pub(crate) fn conflicting(&self, ports: &[HostPort]) -> Vec<usize> {
        (0..self.ports.len())
            .filter(|bit| {
                ports
                    .iter()
                    .any(|port| port.conflicts_with(&self.ports[*bit]))
            })
            .collect()
    }

    /// The bits of the batch's ports that can't be on a node together with any that it has.
    pub(crate) fn conflicting_on(&self, node: &NodeState) -> Vec<usize> {
        // Without ports there is no need to look at the node.
        if self.ports.is_empty() {
            return Vec::new();
        }
        self.conflicting(&node.host_ports)
    }

    /// A bit set with these bits.
    pub(crate) fn set(&self, bits: impl IntoIterator<Item = usize>) -> Vec<u64> {
        let mut set = vec![0_u64; self.words()];
        for bit in bits {
            set[bit / 64] |= 1 << (bit % 64);
        }
        set
    }
}
