//! Rules about other pods, in numbers: what is counted, and what pods demand of the counts.
//!
//! A rule over host names asks whether a count on a node is at most some number. Each such question
//! is a bit that nodes carry, so a node is checked by an AND whatever the number of rules. A rule
//! over any other label (a *domain*: a zone, a rack) is decided before nodes are looked at.
//!
//! What is *not* here: which pods are counted (`index::topology`), how domains are chosen
//! (`pack::domains`).

use crate::mask::{KeyId, Mask};
use crate::problem::{Masks, Problem};

/// Index of a host counter in [`Topology::hosts`].
pub(crate) type HostId = u32;
/// Index of a domain counter in [`Topology::domains`].
pub(crate) type DomainId = u32;
/// Index of [`Rules`] in [`Topology::rules`].
pub(crate) type RulesId = u32;

/// All counters and rules of a problem.
#[derive(Debug, Default)]
pub(crate) struct Topology {
    /// Counters per node.
    pub(crate) hosts: Vec<HostCounter>,
    /// Counters per domain.
    pub(crate) domains: Vec<DomainCounter>,
    /// What variants of classes demand.
    pub(crate) rules: Vec<Rules>,
    /// Which nodes a counter looks at.
    pub(crate) filters: Vec<Filter>,
}

/// Pods of some kind on each node.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostCounter {
    /// Counts that matter, ascending, each with the bit that a node has as soon as it has more.
    pub(crate) thresholds: Vec<(u32, usize)>,
    /// How many such pods run anywhere.
    pub(crate) running: u32,
    /// Whether somebody wants to be on one node with such pods.
    pub(crate) followed: bool,
}

/// Pods of some kind in each domain.
#[derive(Clone, Debug, Default)]
pub(crate) struct DomainCounter {
    /// The label that makes a domain.
    pub(crate) key: KeyId,
    /// Running pods by domain, which is a position in the key's list of values.
    pub(crate) running: Vec<u32>,
    /// How many such pods run anywhere, on nodes without the label too.
    pub(crate) anywhere: u32,
    /// Which nodes count; all if there is none.
    pub(crate) filter: Option<usize>,
    /// Whether it counts pods that keep others away, not pods that are looked for.
    pub(crate) of_declarers: bool,
}

/// Nodes that a spread constraint counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Filter {
    /// Alternatives of node selector and required node affinity. None: all nodes.
    pub(crate) alternatives: Option<Vec<Masks>>,
    /// Row of tolerations that must tolerate the node's taints.
    pub(crate) tolerations: Option<usize>,
}

/// What a variant of a class demands of the pods beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Rules {
    /// Bits that must be clear on a node, host ports included.
    pub(crate) clear: Vec<u64>,
    /// Bits that must be set.
    pub(crate) set: Vec<u64>,
    /// A node may hold so many in all of what a counter counts; the class counts itself.
    pub(crate) caps: Vec<(HostId, u32)>,
    /// The class takes a host port, so a node holds one of its pods.
    pub(crate) single: bool,
    /// Rules over domains.
    pub(crate) domains: Vec<DomainRule>,
    /// Keys of which a node must have one value as soon as a pod of the class is on it.
    pub(crate) pins: Vec<KeyId>,
    /// Counters of pods to be together with, over host names.
    pub(crate) together: Vec<HostId>,
    /// The rules of the first pod of a group that wants to be together and is nowhere yet. None if
    /// the pods that are wanted are others.
    pub(crate) first: Option<RulesId>,
}

impl Rules {
    /// Whether a node must hold other pods before one of the class may join them.
    pub(crate) fn joins_others(&self) -> bool {
        self.set.iter().any(|word| *word != 0)
    }
}

/// A rule over domains.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DomainRule {
    /// Topology spread that must hold.
    Spread(Spread),
    /// Near pods that are counted.
    Together {
        /// Which.
        counter: DomainId,
    },
    /// Away from pods that are counted.
    Apart {
        /// Which.
        counter: DomainId,
        /// Whether the class counts itself.
        own: bool,
    },
}

/// Topology spread.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Spread {
    /// What is counted.
    pub(crate) counter: DomainId,
    /// How uneven domains may be.
    pub(crate) max_skew: u32,
    /// With fewer domains than this the smallest count is taken to be 0.
    pub(crate) min_domains: u32,
    /// Whether the class counts itself.
    pub(crate) own: bool,
    /// Domains whose counts make the minimum.
    pub(crate) eligible: Vec<bool>,
}

/// Whether a counter looks at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    /// It does, whatever the node is launched as.
    Surely,
    /// That is not decided yet.
    Perhaps,
    /// It does not.
    Never,
}

impl Filter {
    /// Whether a node with these taints and labels is looked at.
    pub(crate) fn looks(&self, problem: &Problem, taints: usize, masks: &[Mask]) -> Looks {
        if self
            .tolerations
            .is_some_and(|row| !problem.tolerates(row, taints))
        {
            return Looks::Never;
        }
        let Some(alternatives) = &self.alternatives else {
            return Looks::Surely;
        };
        let all = |set: &Masks, test: fn(&Mask, &Mask) -> bool| {
            set.iter().all(|(id, mask)| test(&masks[*id], mask))
        };
        if alternatives.iter().any(|set| all(set, Mask::is_within)) {
            Looks::Surely
        } else if alternatives.iter().any(|set| all(set, Mask::meets)) {
            Looks::Perhaps
        } else {
            Looks::Never
        }
    }
}

impl DomainRule {
    /// What is counted.
    pub(crate) fn counter(&self) -> DomainId {
        match self {
            Self::Spread(spread) => spread.counter,
            Self::Together { counter } | Self::Apart { counter, .. } => *counter,
        }
    }

    /// How many pods of the class a domain may still get as the counts are; `u32::MAX` if the rule
    /// does not count the class. A domain beyond the last stands for nodes without the label.
    pub(crate) fn addable(&self, counts: &[u32], domain: usize) -> u32 {
        self.addable_to(counts, domain, counts.get(domain).copied())
    }

    /// The same with another count for the domain itself.
    pub(crate) fn addable_to(&self, counts: &[u32], domain: usize, count: Option<u32>) -> u32 {
        match (self, count) {
            (Self::Spread(spread), Some(count)) => spread.addable(counts, domain, count),
            (Self::Apart { .. }, None)
            | (Self::Together { .. }, Some(1..))
            | (Self::Apart { own: false, .. }, Some(0)) => u32::MAX,
            (Self::Apart { own: true, .. }, Some(0)) => 1,
            (Self::Spread(_), None) | (Self::Together { .. } | Self::Apart { .. }, _) => 0,
        }
    }
}

impl Spread {
    /// The smallest count of the domains that matter.
    pub(crate) fn least(&self, counts: &[u32]) -> u32 {
        let eligible = || counts.iter().zip(&self.eligible).filter(|(_, yes)| **yes);
        if (eligible().count() as u32) < self.min_domains {
            return 0;
        }
        eligible().map(|(count, _)| *count).min().unwrap_or(0)
    }

    /// How far the fullest domain is beyond the skew that is allowed.
    pub(crate) fn excess(&self, counts: &[u32]) -> u32 {
        let eligible = counts.iter().zip(&self.eligible).filter(|(_, yes)| **yes);
        let most = eligible.map(|(count, _)| *count).max().unwrap_or(0);
        most.saturating_sub(self.least(counts) + self.max_skew)
    }

    fn addable(&self, counts: &[u32], domain: usize, count: u32) -> u32 {
        if !self.eligible[domain] {
            return 0;
        }
        let most = self.least(counts) + self.max_skew;
        match (self.own, count <= most) {
            (false, true) => u32::MAX,
            (true, true) => most - count,
            (_, false) => 0,
        }
    }
}

/// Deals `pods` to the open domains so that counts become as level as can be, none above
/// `ceiling`: how many each gets.
pub(crate) fn level(counts: &[u32], open: &[bool], pods: u32, ceiling: u32) -> Vec<u32> {
    let mut quotas = vec![0_u32; counts.len()];
    let mut by_count: Vec<usize> = (0..counts.len())
        .filter(|domain| open[*domain] && counts[*domain] < ceiling)
        .collect();
    by_count.sort_by_key(|domain| (counts[*domain], *domain));
    let mut left = u64::from(pods);
    let mut raised = 0;
    while raised < by_count.len() && left > 0 {
        raised += 1;
        let now = u64::from(counts[by_count[raised - 1]]);
        let low: Vec<usize> = by_count[..raised].to_vec();
        let next = by_count.get(raised).map_or(ceiling, |d| counts[*d]);
        let height = u64::from(next.min(ceiling)) - now;
        let each = height.min(left / raised as u64);
        for domain in &low {
            quotas[*domain] += each as u32;
        }
        left -= each * raised as u64;
        if each < height {
            for domain in low.iter().take(left as usize) {
                quotas[*domain] += 1;
            }
            break;
        }
    }
    quotas
}

#[cfg(test)]
mod tests;
