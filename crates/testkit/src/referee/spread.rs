//! Topology spread: there is an order of arrival in which no pod that demands it makes domains too
//! uneven.
//!
//! Judged for pods with one constraint and one set of nodes that count. When the last of those in a
//! domain comes, all of them in this domain are there, beside what runs; other pods that merely
//! match may come later. Nowhere are fewer than there are in the end. So what is there at the least
//! in the domain, less what is there at the most where there are fewest, must not exceed the skew;
//! and if it does not, an order exists.

use std::collections::{BTreeMap, BTreeSet};

use model::k8s::Toleration;
use model::k8s::affinity::TopologySpreadConstraint;
use model::k8s::selector::NodeSelector;
use scheduling::Batch;

use super::labels::{repelled_by, required, selected};
use super::picture::{Picture, Site, State};
use super::violation::Violation;
use super::{reach, terms};

/// What decides how a constraint is counted. The order means nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rule<'a> {
    namespace: &'a str,
    pub(super) constraint: TopologySpreadConstraint,
    /// Keys of all hard constraints of the pod: nodes that lack one don't count.
    pub(super) keys: BTreeSet<&'a str>,
    selector: &'a BTreeMap<String, String>,
    required: Option<&'a NodeSelector>,
    tolerations: &'a [Toleration],
}

/// Matching pods in a domain.
#[derive(Clone, Copy, Default)]
struct Count {
    /// That run there and stay.
    standing: i64,
    /// That are placed there and have the rule.
    members: i64,
    /// Others.
    others: i64,
}

/// Checks every hard constraint.
pub(super) fn check(picture: &Picture<'_>, batch: &Batch, violations: &mut Vec<Violation>) {
    let mut rules: BTreeMap<Rule<'_>, Vec<usize>> = BTreeMap::new();
    for (at, seat) in picture
        .seats
        .iter()
        .enumerate()
        .filter(|(_, seat)| seat.placed)
    {
        let spec = &seat.pod.shape.content.spec;
        for constraint in terms::spread(spec) {
            let rule = Rule {
                namespace: seat.pod.namespace(),
                constraint: terms::complete_spread(seat.pod, constraint),
                keys: terms::spread(spec).map(|c| &*c.topology_key).collect(),
                selector: &spec.node_selector,
                required: required(spec),
                tolerations: &spec.tolerations,
            };
            rules.entry(rule).or_default().push(at);
        }
    }
    for (rule, members) in rules {
        check_rule(picture, batch, &rule, &members, violations);
    }
}

fn check_rule(
    picture: &Picture<'_>,
    batch: &Batch,
    rule: &Rule<'_>,
    members: &[usize],
    violations: &mut Vec<Violation>,
) {
    let topology_key = &rule.constraint.topology_key;
    let counts = count(picture, rule, members);
    let enough = i64::try_from(counts.len()).unwrap_or(i64::MAX)
        >= i64::from(rule.constraint.min_domains.unwrap_or(1));
    let most = |count: &Count| count.standing + count.members + count.others;
    let fewest = counts.iter().min_by_key(|(_, count)| most(count));
    let (least_domain, least) = match fewest {
        Some((domain, count)) if enough => ((*domain).to_owned(), most(count)),
        _ => (format!("one of too few domains ({})", counts.len()), 0),
    };
    let mut told = BTreeSet::new();
    for at in members {
        let seat = &picture.seats[*at];
        let node = picture.sites[seat.site].name.to_owned();
        let pod = seat.pod.key().to_string();
        let Some(domain) = picture.domain(seat, topology_key) else {
            violations.push(Violation::NoDomain {
                node,
                pod,
                topology_key: topology_key.clone(),
            });
            continue;
        };
        let there = counts.get(domain).copied().unwrap_or_default();
        let own = terms::counts(rule.namespace, &rule.constraint, seat.pod);
        let count = there.standing + if own { there.members } else { 0 };
        let max_skew = i64::from(rule.constraint.max_skew);
        let unused = || {
            reach::unused(picture, batch, rule, seat, |domain| {
                counts.contains_key(domain)
            })
        };
        let fewer = if count - least > max_skew {
            Some((least, least_domain.clone()))
        } else if count > max_skew && !told.contains(domain) {
            unused().map(|domain| (0, format!("{domain}, where a node could be planned")))
        } else {
            None
        };
        if let Some((least, least_domain)) = fewer
            && told.insert(domain)
        {
            violations.push(Violation::Spread {
                node,
                pod,
                topology_key: topology_key.clone(),
                domain: domain.to_owned(),
                count,
                least,
                least_domain,
                max_skew,
            });
        }
    }
}

/// Matching pods by domain, of all domains that count.
fn count<'p>(
    picture: &'p Picture<'_>,
    rule: &Rule<'_>,
    members: &[usize],
) -> BTreeMap<&'p str, Count> {
    let topology_key = &rule.constraint.topology_key;
    let passes: Vec<bool> = picture
        .sites
        .iter()
        .map(|site| rule.node_counts(picture, site))
        .collect();
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for (site, passes) in picture.sites.iter().zip(&passes) {
        // The domains of a node that goes are there only if another node has them.
        if *passes
            && site.state != State::Going
            && let Some(domain) = site.domain(topology_key, picture.snapshot)
        {
            counts.entry(domain).or_default();
        }
    }
    let members: BTreeSet<usize> = members.iter().copied().collect();
    for (at, seat) in picture.seats.iter().enumerate() {
        let matches = || terms::counts(rule.namespace, &rule.constraint, seat.pod);
        if !passes[seat.site] || seat.pod.is_terminating() || !matches() {
            continue;
        }
        let domain = picture.domain(seat, topology_key);
        let Some(count) = domain.and_then(|domain| counts.get_mut(domain)) else {
            continue;
        };
        let going = picture.sites[seat.site].state == State::Going;
        if members.contains(&at) {
            count.members += 1;
        } else if seat.placed || going {
            count.others += 1;
        } else {
            count.standing += 1;
        }
    }
    counts
}

impl Rule<'_> {
    /// Whether pods on a node count: it has all keys, and the policies let it.
    fn node_counts(&self, picture: &Picture<'_>, site: &Site<'_>) -> bool {
        let has = |key: &&str| site.domain(key, picture.snapshot).is_some();
        let is = |policy: &Option<String>, value: &str| policy.as_deref() == Some(value);
        let vocabulary = &picture.snapshot.vocabulary;
        let affinity = is(&self.constraint.node_affinity_policy, "Ignore")
            || selected(self.selector, self.required, &site.labels, vocabulary);
        let taints = !is(&self.constraint.node_taints_policy, "Honor")
            || repelled_by(self.tolerations, site.taints).is_none();
        affinity && taints && self.keys.iter().all(has)
    }
}
