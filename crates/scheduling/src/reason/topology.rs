//! Why a rule about other pods can't be kept.

use std::fmt;
use std::sync::Arc;

/// How many domains are named with their counts.
const MOST_NAMED: usize = 25;

/// What kind of rule it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopologyKind {
    /// Topology spread.
    Spread {
        /// How uneven domains may be.
        max_skew: u32,
        /// With fewer domains the smallest count is taken to be 0.
        min_domains: u32,
    },
    /// Pod affinity.
    Affinity,
    /// Pod anti-affinity.
    AntiAffinity,
}

/// Why a rule about other pods can't be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologyRefusal {
    /// What kind of rule it is.
    pub kind: TopologyKind,
    /// The label that makes a domain.
    pub topology_key: Arc<str>,
    /// Matching pods by domain, those planned in this pass included. Of hosts only the one that is
    /// looked at.
    pub counts: Vec<(Arc<str>, u32)>,
    /// Domains that the candidate and the pod's own node selection leave.
    pub open: Vec<Arc<str>>,
}

impl fmt::Display for TopologyRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            TopologyKind::Spread { .. } => "topology spread",
            TopologyKind::Affinity => "pod affinity",
            TopologyKind::AntiAffinity => "pod anti-affinity",
        };
        let key = &self.topology_key;
        write!(f, "unsatisfiable topology constraint for {kind}, key={key}")?;
        let named = self.counts.iter().take(MOST_NAMED);
        let named: Vec<String> = named
            .map(|(value, count)| format!("{value}: {count}"))
            .collect();
        if named.is_empty() {
            f.write_str(" (no matching pod")?;
        } else {
            write!(f, " (counts = {}", named.join(", "))?;
        }
        if self.open.is_empty() {
            f.write_str(", no domain open")?;
        } else {
            write!(f, ", open = {}", self.open.join(", "))?;
        }
        if let TopologyKind::Spread {
            max_skew,
            min_domains,
        } = self.kind
        {
            write!(f, ", maxSkew = {max_skew}")?;
            if min_domains > 0 {
                write!(f, ", minDomains = {min_domains}")?;
            }
        }
        f.write_str(")")
    }
}
