//! Required pod affinity: there is an order of arrival in which each pod finds those that it must
//! be near.
//!
//! A pod is counted if *all* terms of the arriving pod are about it, and a term is met where such a
//! pod is in the same domain. If no such pod is anywhere, a pod that its own terms are about may
//! begin the group, once.

use std::collections::{BTreeMap, BTreeSet};

use model::k8s::affinity::PodAffinityTerm;

use super::picture::{Picture, State};
use super::terms;
use super::violation::Violation;

/// Pods with the same terms.
struct Group {
    terms: Vec<PodAffinityTerm>,
    /// Placed pods that have them.
    members: Vec<usize>,
    /// Pods that all terms are about.
    wanted: Vec<usize>,
}

/// Checks that such an order exists.
pub(super) fn check(picture: &Picture<'_>, violations: &mut Vec<Violation>) {
    let groups = groups(picture);
    let mut arrived: Vec<bool> = picture
        .seats
        .iter()
        .map(|seat| !seat.placed || terms::near(&seat.pod.shape.content.spec).is_empty())
        .collect();
    for group in &groups {
        let mut anyway = arrived.clone();
        arrive(picture, &groups, &mut anyway);
        if let Some(first) = group.first(picture, &anyway) {
            arrived[first] = true;
        }
    }
    arrive(picture, &groups, &mut arrived);
    for group in &groups {
        let left: Vec<usize> = group
            .members
            .iter()
            .copied()
            .filter(|at| !arrived[*at])
            .collect();
        let met = group.met(picture, &arrived);
        violations.extend(
            left.into_iter()
                .filter_map(|at| group.violation(picture, at, &met)),
        );
    }
}

/// Lets all arrive that find whom they must be near.
fn arrive(picture: &Picture<'_>, groups: &[Group], arrived: &mut [bool]) {
    let mut waiting = true;
    while waiting {
        waiting = false;
        for group in groups {
            for member in group.satisfied(picture, arrived) {
                arrived[member] = true;
                waiting = true;
            }
        }
    }
}

fn groups(picture: &Picture<'_>) -> Vec<Group> {
    let mut members: BTreeMap<(&str, Vec<PodAffinityTerm>), Vec<usize>> = BTreeMap::new();
    for (at, seat) in picture
        .seats
        .iter()
        .enumerate()
        .filter(|(_, seat)| seat.placed)
    {
        let near = terms::near(&seat.pod.shape.content.spec);
        if !near.is_empty() {
            let terms = near
                .iter()
                .map(|term| terms::complete(seat.pod, term))
                .collect();
            members
                .entry((seat.pod.namespace(), terms))
                .or_default()
                .push(at);
        }
    }
    let group = |((namespace, terms), members): ((&str, Vec<PodAffinityTerm>), _)| {
        let about = |at: &usize| {
            let pod = picture.seats[*at].pod;
            !pod.is_terminating()
                && terms
                    .iter()
                    .all(|term| terms::is_about(picture.snapshot, namespace, term, pod))
        };
        Group {
            wanted: (0..picture.seats.len()).filter(about).collect(),
            terms,
            members,
        }
    };
    members.into_iter().map(group).collect()
}

impl Group {
    /// The member that begins the group, before any pod that it could join: the first of those
    /// that would not find one later. `anyway` are pods that arrive if nobody begins.
    fn first(&self, picture: &Picture<'_>, anyway: &[bool]) -> Option<usize> {
        let stands = |at: &usize| {
            let seat = &picture.seats[*at];
            !seat.placed && picture.sites[seat.site].state == State::Staying
        };
        if self.wanted.iter().any(stands) {
            return None;
        }
        let own: BTreeSet<usize> = self.wanted.iter().copied().collect();
        let has_domains = |at: usize| {
            let seat = &picture.seats[at];
            let mut keys = self.terms.iter().map(|term| &term.topology_key);
            keys.all(|key| picture.domain(seat, key).is_some())
        };
        let mut members = self.members.iter().copied();
        members.find(|at| own.contains(at) && has_domains(*at) && !anyway[*at])
    }

    /// Domains of wanted pods that have arrived, by term.
    fn met<'p>(&self, picture: &'p Picture<'_>, arrived: &[bool]) -> Vec<BTreeSet<&'p str>> {
        let there: Vec<usize> = self
            .wanted
            .iter()
            .copied()
            .filter(|at| arrived[*at])
            .collect();
        let domains = |term: &PodAffinityTerm| {
            let seats = there.iter().map(|at| &picture.seats[*at]);
            seats
                .filter_map(|seat| picture.pinned(seat, &term.topology_key))
                .collect()
        };
        self.terms.iter().map(domains).collect()
    }

    fn is_met(&self, picture: &Picture<'_>, member: usize, met: &[BTreeSet<&str>]) -> bool {
        self.terms.iter().zip(met).all(|(term, met)| {
            let domain = picture.domain(&picture.seats[member], &term.topology_key);
            domain.is_some_and(|domain| met.contains(domain))
        })
    }

    /// Members that have not arrived and now can.
    fn satisfied(&self, picture: &Picture<'_>, arrived: &[bool]) -> Vec<usize> {
        let waiting: Vec<usize> = self
            .members
            .iter()
            .copied()
            .filter(|at| !arrived[*at])
            .collect();
        if waiting.is_empty() {
            return waiting;
        }
        let met = self.met(picture, arrived);
        waiting
            .into_iter()
            .filter(|at| self.is_met(picture, *at, &met))
            .collect()
    }

    /// The first term that is not met.
    fn violation(
        &self,
        picture: &Picture<'_>,
        at: usize,
        met: &[BTreeSet<&str>],
    ) -> Option<Violation> {
        let seat = &picture.seats[at];
        let node = picture.sites[seat.site].name.to_owned();
        let pod = seat.pod.key().to_string();
        let (term, domain) = self.terms.iter().zip(met).find_map(|(term, met)| {
            let domain = picture.domain(seat, &term.topology_key);
            let unmet = domain.is_none_or(|domain| !met.contains(domain));
            unmet.then_some((term, domain))
        })?;
        let topology_key = term.topology_key.clone();
        Some(match domain {
            None => Violation::NoDomain {
                node,
                pod,
                topology_key,
            },
            Some(domain) => Violation::Affinity {
                node,
                pod,
                topology_key,
                domain: domain.to_owned(),
            },
        })
    }
}
