//! Why nodes that are there do not take a pod.

use std::sync::Arc;

use cluster::NodeState;
use requirements::taints::tolerate_all;
use requirements::{AllowUndefined, Requirement, Requirements};

use super::{Case, topology};
use crate::index::Index;
use crate::pack::Packed;
use crate::placement::{Candidate, Refusal};
use crate::problem::bits_have;
use crate::reason::Rejection;
use crate::volumes::AttachLimit;
use api::labels::HOSTNAME;

/// The reasons of all nodes; those that are alike are one.
pub(super) fn refusals(index: &Index<'_>, packed: &Packed, case: &Case<'_>) -> Vec<Refusal> {
    let mut all: Vec<Refusal> = Vec::new();
    for (at, node) in index.problem.nodes.iter().enumerate() {
        let state = &index.snapshot.nodes[node.source];
        let rejection = rejection(index, packed, case, at, state);
        add(&mut all, state.name(), rejection);
    }
    for (source, id, by) in &index.overcommitted {
        let dimensions = &index.snapshot.dimensions;
        let rejection = Rejection::Overcommitted {
            resource: dimensions.name(*id).into(),
            by: dimensions.quantity(*id, *by),
        };
        add(&mut all, index.snapshot.nodes[*source].name(), rejection);
    }
    all
}

fn add(all: &mut Vec<Refusal>, name: &Arc<str>, rejection: Rejection) {
    for known in all.iter_mut() {
        let Candidate::Nodes { first, others } = &mut known.candidate else {
            continue;
        };
        match (&known.rejection, &rejection) {
            (
                Rejection::NodeFull {
                    resource,
                    available,
                    ..
                },
                Rejection::NodeFull {
                    resource: other,
                    available: more,
                    ..
                },
            ) if resource == other => {
                // The node that is nearest to having room speaks for all.
                if more > available {
                    *first = name.clone();
                    known.rejection = rejection;
                }
            }
            (known, other) if known == other => {}
            _ => continue,
        }
        *others += 1;
        return;
    }
    all.push(Refusal {
        candidate: Candidate::Nodes {
            first: name.clone(),
            others: 0,
        },
        rejection,
    });
}

fn rejection(
    index: &Index<'_>,
    packed: &Packed,
    case: &Case<'_>,
    at: usize,
    state: &NodeState,
) -> Rejection {
    let taints = crate::index::effective_taints(state);
    if let Err(untolerated) = tolerate_all(&case.tolerations, &taints) {
        return Rejection::Taints(untolerated);
    }
    let node = &index.problem.nodes[at];
    let demand = &index.problem.demands[case.demand as usize];
    let mut demanded = demand.masks.iter();
    // Most nodes are told apart by their masks; words are looked for only where these do not meet.
    if !demanded.all(|(key, mask)| mask.meets(&node.masks[*key])) {
        let mut labels = Requirements::from_labels(state.labels());
        labels.set(Requirement::single(HOSTNAME, state.hostname()));
        if let Err(incompatible) = labels.compatible(case.requirements, &AllowUndefined::Nothing) {
            return Rejection::Requirements(incompatible);
        }
    }
    let bits = packed.nodes.bits(at);
    let stopped = ports(index, bits, case)
        .or_else(|| topology::hosts(index, case, bits, Some((packed, at, state))))
        .or_else(|| topology::domains(index, packed, case, &node.masks));
    if let Some(rejection) = stopped {
        return rejection;
    }
    let class = &index.problem.classes[case.class];
    for (dim, (slack, request)) in packed
        .nodes
        .slack(at)
        .iter()
        .zip(&class.request)
        .enumerate()
    {
        let shared = packed.nodes.unattached(at, class);
        let shared = shared.filter(|shared| shared.dim == dim).count() as i64;
        if *slack < request + shared {
            let Some(id) = index.amounts.id(dim) else {
                return no_volume_more(index, state, (dim, request + shared));
            };
            let dimensions = &index.snapshot.dimensions;
            return Rejection::NodeFull {
                resource: dimensions.name(id).into(),
                requested: dimensions.quantity(id, *request),
                available: dimensions.quantity(id, *slack),
            };
        }
    }
    Rejection::Outrun
}

/// The driver of a dimension can attach no further volume.
fn no_volume_more(index: &Index<'_>, state: &NodeState, (dim, request): (usize, i64)) -> Rejection {
    let volumes = &index.snapshot.volumes;
    let driver = index.amounts.driver(dim).cloned().unwrap_or_default();
    let limits = crate::volumes::limits(state, volumes);
    let attached = crate::volumes::attached(state, volumes);
    let used = attached
        .get(&driver)
        .map_or(0, std::collections::BTreeSet::len);
    Rejection::AttachLimit(AttachLimit {
        limit: limits.get(&driver).copied().unwrap_or(0),
        wanted: used + usize::try_from(request).unwrap_or(0),
        driver,
    })
}

/// The host port that the pod can't have.
fn ports(index: &Index<'_>, bits: &[u64], case: &Case<'_>) -> Option<Rejection> {
    let is_set = |bit: usize| bits_have(bits, bit);
    let taken = case.pod.shape.host_ports.iter().find(|port| {
        let conflicting = index.bits.conflicting(std::slice::from_ref(port));
        conflicting.into_iter().any(is_set)
    });
    taken.map(|port| Rejection::HostPort { port: port.clone() })
}
