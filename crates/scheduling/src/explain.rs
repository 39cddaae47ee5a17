//! Why pods have no place: for each pool and for nodes that are there, the first thing that would
//! have to change.
//!
//! A pod is explained by what is left of its wishes once all preferences have been given up; of
//! several required affinity terms by the last one tried.

mod devices;
mod node;
mod pool;
mod topology;

use std::sync::Arc;

use cluster::PodRecord;
use model::k8s::Toleration;
use requirements::Requirements;

use crate::index::Index;
use crate::index::variants::tolerate_soft;
use crate::options::{Batch, NewNodes};
use crate::pack::Packed;
use crate::placement::{Candidate, Refusal, Unplaced};
use crate::problem::DemandId;
use crate::reason::Rejection;
use crate::topology::Rules;
use crate::view::Views;

/// How many different reasons of nodes are told.
const MOST_NODE_REASONS: usize = 12;

/// A class that is explained.
struct Case<'a> {
    class: usize,
    demand: DemandId,
    rules: &'a Rules,
    /// A pod of the class.
    pod: &'a PodRecord,
    requirements: &'a Requirements,
    tolerations: Vec<Toleration>,
}

/// Pods without a place, with their reasons, by namespace and name.
pub(crate) fn unplaced(
    index: &Index<'_>,
    views: &mut Views<'_>,
    packed: &Packed,
    batch: &Batch,
) -> Vec<Unplaced> {
    let mut all: Vec<Unplaced> = Vec::new();
    for (pods, rejection) in &index.refused {
        let refusal = Refusal {
            candidate: Candidate::Anywhere,
            rejection: rejection.clone(),
        };
        add(&mut all, pods, [refusal].into());
    }
    for (class, left) in packed.left.iter().enumerate() {
        let pods = &index.pods[class];
        let without_place = &pods[pods.len() - *left as usize..];
        if let Some(pod) = without_place.first() {
            let mut refusals = refusals(index, views, packed, batch, (class, pod));
            devices::told(index, class, &mut refusals);
            add(&mut all, without_place, refusals.into());
        }
    }
    all.sort_by(|a, b| name(a).cmp(&name(b)));
    all
}

fn add(all: &mut Vec<Unplaced>, pods: &[Arc<PodRecord>], refusals: Arc<[Refusal]>) {
    all.extend(pods.iter().map(|pod| Unplaced {
        pod: pod.clone(),
        refusals: refusals.clone(),
    }));
}

fn name(unplaced: &Unplaced) -> (&str, &str) {
    (unplaced.pod.namespace(), &unplaced.pod.name)
}

fn refusals(
    index: &Index<'_>,
    views: &mut Views<'_>,
    packed: &Packed,
    batch: &Batch,
    (class, pod): (usize, &PodRecord),
) -> Vec<Refusal> {
    let Some(variant) = index.problem.classes[class].variants.last().copied() else {
        return Vec::new();
    };
    let mut tolerations = pod.shape.spec.tolerations.clone();
    tolerations.push(tolerate_soft());
    let demand = variant.demand;
    let case = Case {
        class,
        demand,
        rules: &index.problem.topology.rules[variant.rules as usize],
        pod,
        requirements: &index.requirements[demand as usize],
        tolerations,
    };
    let mut all = Vec::new();
    if batch.new_nodes == NewNodes::Forbidden {
        all.push(anywhere(Rejection::NewNodesForbidden));
    } else if index.snapshot.pools.is_empty() {
        all.push(anywhere(Rejection::NoNodePools));
    } else {
        pool::refusals(index, views, packed, &case, &mut all);
    }
    let nodes = node::refusals(index, packed, &case);
    all.extend(nodes.into_iter().take(MOST_NODE_REASONS));
    all
}

fn anywhere(rejection: Rejection) -> Refusal {
    Refusal {
        candidate: Candidate::Anywhere,
        rejection,
    }
}
