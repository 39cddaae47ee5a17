//! Which rule about other pods stops a pod.

use std::sync::Arc;

use cluster::NodeState;

use super::Case;
use crate::index::Index;
use crate::index::topology::counts_declarers;
use crate::index::topology::rules::Place;
use crate::index::topology::terms::declared;
use crate::mask::Mask;
use crate::pack::Packed;
use crate::problem::bits_have;
use crate::reason::{Rejection, TopologyKind, TopologyRefusal};
use crate::topology::DomainRule;

/// The first rule over domains that leaves none of those that a candidate has open.
pub(super) fn domains(
    index: &Index<'_>,
    packed: &Packed,
    case: &Case<'_>,
    candidate: &[Mask],
) -> Option<Rejection> {
    let keys = &index.problem.keys;
    let own = &index.problem.demands[case.demand as usize].masks;
    case.rules.domains.iter().find_map(|rule| {
        let counter = rule.counter() as usize;
        let key = index.problem.topology.domains[counter].key;
        let counts = &packed.domains[counter];
        let mut mask = candidate[key].clone();
        for (_, own) in own.iter().filter(|(id, _)| *id == key) {
            mask = mask.and(own);
        }
        let mut open: Vec<usize> = (0..=counts.len())
            .filter(|domain| keys.has_domain(key, &mask, *domain))
            .collect();
        // What can have the label has it.
        if open.len() > 1 {
            open.retain(|domain| *domain < counts.len());
        }
        if open.iter().any(|domain| rule.addable(counts, *domain) > 0) {
            return None;
        }
        let value = |domain: usize| keys.domain_value(key, domain).clone();
        Some(Rejection::Topology(TopologyRefusal {
            kind: kind(rule),
            topology_key: keys.key(key).clone(),
            counts: (0..counts.len()).map(|d| (value(d), counts[d])).collect(),
            open: open
                .into_iter()
                .filter(|d| *d < counts.len())
                .map(value)
                .collect(),
        }))
    })
}

fn kind(rule: &DomainRule) -> TopologyKind {
    match rule {
        DomainRule::Spread(spread) => TopologyKind::Spread {
            max_skew: spread.max_skew,
            min_domains: spread.min_domains,
        },
        DomainRule::Together { .. } => TopologyKind::Affinity,
        DomainRule::Apart { .. } => TopologyKind::AntiAffinity,
    }
}

/// The rule over host names that keeps a pod from a node, or from every new node.
pub(super) fn hosts(
    index: &Index<'_>,
    case: &Case<'_>,
    bits: &[u64],
    node: Option<(&Packed, usize, &NodeState)>,
) -> Option<Rejection> {
    index.thresholds.iter().find_map(|(counter, most, bit)| {
        let Place::Host(host) = index.places[*counter] else {
            return None;
        };
        let misses = bits_have(&case.rules.set, *bit) && !bits_have(bits, *bit);
        let full = bits_have(&case.rules.clear, *bit) && bits_have(bits, *bit);
        if !misses && !full {
            return None;
        }
        let key = index.counted.keys.get(*counter);
        if let (true, Some((_, _, state))) = (counts_declarers(key), node) {
            return Some(unwelcome(index, *counter, state));
        }
        let own_cap = case.rules.caps.iter().find(|(cap, _)| *cap == host);
        let kind = if misses {
            TopologyKind::Affinity
        } else if *most == 0 && own_cap.is_none_or(|(_, cap)| *cap == 1) {
            TopologyKind::AntiAffinity
        } else {
            TopologyKind::Spread {
                max_skew: own_cap.map_or(*most, |(_, cap)| *cap),
                min_domains: 0,
            }
        };
        let count = |(packed, at, state): (&Packed, usize, &NodeState)| {
            (Arc::from(state.hostname()), packed.nodes.count(at, host))
        };
        Some(Rejection::Topology(TopologyRefusal {
            kind,
            topology_key: key.topology_key.clone(),
            counts: node.into_iter().map(count).collect(),
            open: node
                .into_iter()
                .map(|(_, _, state)| state.hostname().into())
                .collect(),
        }))
    })
}

fn unwelcome(index: &Index<'_>, counter: usize, state: &NodeState) -> Rejection {
    let key = index.counted.keys.get(counter);
    let declares = |pod: &&Arc<cluster::PodRecord>| {
        declared(crate::index::topology::running::declarer(&pod.shape)).contains(key)
    };
    Rejection::UnwelcomeBeside {
        pod: state.pods.iter().find(declares).map_or_else(
            || "placed in this pass".to_owned(),
            |pod| pod.key().to_string(),
        ),
        topology_key: key.topology_key.to_string(),
    }
}
