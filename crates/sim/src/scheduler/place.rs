//! Finds the node for one pod: filters, then scores.

use std::collections::BTreeMap;
use std::fmt;

use model::k8s::{Node, Pod};

use super::fit::Misfit;
use super::index::Index;
use super::look::{Effect, Look};
use super::score::{Candidate, best};
use super::volumes::{Plan, Wanted, wanted};
use crate::storage::Storage;

/// Where a pod goes.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) slot: usize,
    /// What becomes of its claims.
    pub(super) plans: Vec<Plan>,
}

/// Why a pod goes nowhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Something about the pod itself.
    Pod(String),
    /// Every node is kept from it by some filter.
    Nodes(BTreeMap<Misfit, usize>, usize),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(why) => f.write_str(why),
            Self::Nodes(misfits, nodes) => {
                write!(f, "0/{nodes} nodes are available")?;
                let mut sign = ": ";
                for (misfit, count) in misfits {
                    write!(f, "{sign}{count} node(s) {misfit}")?;
                    sign = ", ";
                }
                f.write_str(".")
            }
        }
    }
}

/// The best node for a pod of this look.
pub(super) fn find(
    index: &mut Index,
    storage: &Storage,
    pod: &Pod,
    look: usize,
) -> Result<Found, Refusal> {
    if !pod.spec.resource_claims.is_empty() {
        let why = "the simulated scheduler does not place pods with resource claims";
        return Err(Refusal::Pod(why.to_owned()));
    }
    index.refresh(look);
    let volumes = wanted(pod, storage, index).map_err(Refusal::Pod)?;
    let look = &index.looks[look];
    let room = &index.rooms[look.room];
    let rules = Rules::new(index, look);
    let mut misfits: BTreeMap<Misfit, usize> = BTreeMap::new();
    let mut candidates: Vec<Candidate<'_>> = Vec::new();
    for &slot in &room.open {
        let Some(node) = index.nodes[slot].node.as_deref() else {
            continue;
        };
        match check(index, storage, &volumes, &rules, (slot, node)) {
            Ok(plans) => candidates.push(Candidate { slot, node, plans }),
            Err(misfit) => *misfits.entry(misfit).or_default() += 1,
        }
    }
    if let Some(best) = best(index, look, candidates) {
        return Ok(Found {
            slot: best.slot,
            plans: best.plans,
        });
    }
    for misfit in room.closed.values() {
        *misfits.entry(*misfit).or_default() += 1;
    }
    Err(Refusal::Nodes(misfits, index.node_count()))
}

fn check(
    index: &Index,
    storage: &Storage,
    volumes: &Wanted,
    rules: &Rules<'_>,
    (slot, node): (usize, &Node),
) -> Result<Vec<Plan>, Misfit> {
    let plans = volumes.check(node, &index.nodes[slot], storage)?;
    rules.check(node)?;
    Ok(plans)
}

/// The rules about other pods, with what is the same for every node.
struct Rules<'a> {
    index: &'a Index,
    look: &'a Look,
    /// The smallest count of each spread constraint, and whether the pod itself counts.
    spread: Vec<(i64, i64)>,
    /// Whether the pod may be the first of those that it must be near to.
    may_be_first: bool,
}

impl<'a> Rules<'a> {
    fn new(index: &'a Index, look: &'a Look) -> Self {
        let is_in = |selection: &super::selection::Selection| {
            selection.matches(&look.namespace, &look.labels, &index.namespaces)
        };
        let spread = look.hard.iter().map(|(view, spread)| {
            let domains = index.views[*view].domains();
            let least = if domains.len() < spread.min_domains {
                0
            } else {
                domains.map(|(_, domain)| domain.pods).min().unwrap_or(0)
            };
            (least, i64::from(is_in(&spread.selection)))
        });
        let nobody = || look.near.iter().all(|view| index.views[*view].is_empty());
        Self {
            index,
            look,
            spread: spread.collect(),
            may_be_first: nobody() && look.near_to.iter().all(is_in),
        }
    }

    fn check(&self, node: &Node) -> Result<(), Misfit> {
        let views = &self.index.views;
        for ((view, spread), (least, own)) in self.look.hard.iter().zip(&self.spread) {
            let have = views[*view].near(node).ok_or(Misfit::SpreadLabel)?;
            if have + own - least > spread.max_skew {
                return Err(Misfit::Spread);
            }
        }
        let near = self.look.near.iter().map(|view| views[*view].near(node));
        for have in near {
            match have {
                None => return Err(Misfit::PodAffinity),
                Some(0) if !self.may_be_first => return Err(Misfit::PodAffinity),
                Some(_) => {}
            }
        }
        let somebody = |view: usize| views[view].near(node).is_some_and(|have| have > 0);
        if self.look.away.iter().any(|view| somebody(*view)) {
            return Err(Misfit::PodAntiAffinity);
        }
        let mut met = self.look.met.iter();
        if met.any(|(view, effect)| *effect == Effect::Forbids && somebody(*view)) {
            return Err(Misfit::ExistingAntiAffinity);
        }
        Ok(())
    }
}
