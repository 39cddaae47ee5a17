//! Required anti-affinity, in both directions, against placed and running pods.

use std::collections::BTreeMap;

use model::k8s::affinity::PodAffinityTerm;

use super::picture::{Picture, Seat};
use super::terms;
use super::violation::Violation;

/// Who is in a domain: those that declare a term, and those that it is about.
#[derive(Default)]
struct Company {
    declarers: Vec<usize>,
    others: Vec<usize>,
}

/// No pod is, or may come to be, in a domain with another one that one of them does not want there.
pub(super) fn check(picture: &Picture<'_>, violations: &mut Vec<Violation>) {
    let mut rules: BTreeMap<(&str, PodAffinityTerm), Vec<usize>> = BTreeMap::new();
    for (at, seat) in picture.seats.iter().enumerate() {
        for term in terms::apart(&seat.pod.shape.content.spec) {
            let key = (seat.pod.namespace(), terms::complete(seat.pod, term));
            rules.entry(key).or_default().push(at);
        }
    }
    for ((namespace, term), declarers) in rules {
        let mut domains: BTreeMap<&str, Company> = BTreeMap::new();
        for at in declarers {
            for domain in picture.domains(&picture.seats[at], &term.topology_key) {
                domains.entry(domain).or_default().declarers.push(at);
            }
        }
        for (at, seat) in picture.seats.iter().enumerate() {
            if terms::is_about(picture.snapshot, namespace, &term, seat.pod) {
                for domain in picture.domains(seat, &term.topology_key) {
                    if let Some(company) = domains.get_mut(domain) {
                        company.others.push(at);
                    }
                }
            }
        }
        for (domain, company) in domains {
            violations.extend(clash(picture, &term.topology_key, domain, &company));
        }
    }
}

/// The first two in a domain of whom one does not want the other and one is placed.
fn clash(
    picture: &Picture<'_>,
    topology_key: &str,
    domain: &str,
    company: &Company,
) -> Option<Violation> {
    let seat = |at: &usize| -> &Seat<'_> { &picture.seats[*at] };
    let pairs = company
        .declarers
        .iter()
        .flat_map(|declarer| company.others.iter().map(move |other| (declarer, other)));
    let (declarer, other) = pairs
        .filter(|(declarer, other)| declarer != other)
        .map(|(declarer, other)| (seat(declarer), seat(other)))
        .find(|(declarer, other)| {
            // A running pod that ends will have left.
            other.placed || declarer.placed && !other.pod.is_terminating()
        })?;
    let (pod, second) = if declarer.placed {
        (declarer, other)
    } else {
        (other, declarer)
    };
    Some(Violation::AntiAffinity {
        node: picture.sites[pod.site].name.to_owned(),
        pod: pod.pod.key().to_string(),
        other: second.pod.key().to_string(),
        declarer: declarer.pod.key().to_string(),
        topology_key: topology_key.to_owned(),
        domain: domain.to_owned(),
    })
}
