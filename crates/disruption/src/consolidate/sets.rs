//! Sets of nodes that save most when they go together.
//!
//! From all nodes that budgets allow, and from the better half, quarter and so on, those are given
//! up that cost less than their pods would elsewhere, until none is left of that kind. What remains
//! goes to new nodes, or into room that is there; then nodes are added that could go by themselves,
//! those first that save most for what they disturb.

use std::collections::BTreeSet;

use catalog::Price;
use scheduling::what_if::{Answer, Asked, NewUpTo, WhatIf};

use crate::command::Candidate;
use crate::quota::Quota;
use crate::{Reason, SpotToSpot, threads};

use super::singles::Single;
use super::worth::{Worth, price};

/// How often a set is looked at again after nodes were given up.
const MOST_ROUNDS: usize = 6;

/// So many spot nodes may join others in a set where spot nodes are not replaced by spot nodes.
const MOST_JOINING: usize = 100;

/// So many sets that go at once are gone on with.
const MOST_TOGETHER: usize = 2;

/// Nodes that go together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Proposal {
    /// By position among the candidates, ascending.
    pub(super) nodes: Vec<usize>,
    /// What is saved an hour, once it is paid for; billionths of a dollar.
    pub(super) saves: f64,
}

/// What may come for nodes that go one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum New {
    /// Cheaper nodes.
    Cheaper,
    /// Nothing.
    Nothing,
}

/// A search.
struct Search<'a, 's> {
    what_if: &'a WhatIf<'s>,
    candidates: &'a [Candidate],
    singles: &'a [Single],
    worth: Worth,
    quota: &'a Quota<'a>,
    reason: Reason,
    spot_to_spot: SpotToSpot,
}

/// Sets that save something, the best first.
pub(super) fn search(
    what_if: &WhatIf<'_>,
    candidates: &[Candidate],
    (singles, worth): (&[Single], Worth),
    (quota, reason, spot_to_spot): (&Quota<'_>, Reason, SpotToSpot),
    threads: usize,
) -> Vec<Proposal> {
    let search = Search {
        what_if,
        candidates,
        singles,
        worth,
        quota,
        reason,
        spot_to_spot,
    };
    let (mut proposals, mut together) = search.begin(threads);
    together.retain(|proposal| proposal.saves > 0.0);
    together.sort_by(|a, b| b.saves.total_cmp(&a.saves));
    together.dedup_by(|a, b| a.nodes == b.nodes);
    together.truncate(MOST_TOGETHER);
    let more = threads::share(threads, together.len(), |pieces| {
        pieces
            .map(|at| (at, search.add_singles(&together[at])))
            .collect()
    });
    proposals.extend(more);
    proposals.extend(together);
    proposals.retain(|proposal| proposal.saves > 0.0);
    proposals.sort_by(|a, b| {
        b.saves
            .total_cmp(&a.saves)
            .then_with(|| a.nodes.cmp(&b.nodes))
    });
    proposals.dedup_by(|a, b| a.nodes == b.nodes);
    proposals
}

impl Search<'_, '_> {
    /// Candidates that could go by themselves, those first that save most for what they disturb.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.candidates.len())
            .filter(|at| self.singles[*at].saves > 0.0)
            .collect();
        let ratio = |at: usize| self.singles[at].saves / self.candidates[at].cost;
        order.sort_by(|a, b| ratio(*b).total_cmp(&ratio(*a)).then(a.cmp(b)));
        order
    }

    /// Candidates that go one after the other, also without any new nodes; and sets that go at
    /// once, from all nodes down to the best few.
    fn begin(&self, threads: usize) -> (Vec<Proposal>, Vec<Proposal>) {
        let (order, allowed) = (self.order(), self.allowed());
        let halves = std::iter::successors(Some(allowed.len()), |count| Some(count / 2));
        let counts: Vec<usize> = halves.take_while(|count| *count >= 2).collect();
        let one_by_one: &[New] = match order.as_slice() {
            [] => &[],
            _ => &[New::Cheaper, New::Nothing],
        };
        let from = Proposal::default();
        let pieces = one_by_one.len() + counts.len();
        let mut found = threads::share(threads, pieces, |pieces| {
            self.what_if.ask(|asked| {
                let mut find = |piece: usize| {
                    if let Some(new) = one_by_one.get(piece) {
                        // What it keeps is not to be seen by others.
                        let what_if = self.what_if;
                        return what_if.ask(|asked| self.extend(asked, &from, (&order, *new)));
                    }
                    let count = counts[piece - one_by_one.len()];
                    let best = self.prune(asked, allowed[..count].to_vec());
                    best.unwrap_or_default()
                };
                pieces.map(|piece| (piece, find(piece))).collect()
            })
        });
        let together = found.split_off(one_by_one.len());
        (found, together)
    }

    /// A set, and candidates that can go by themselves once the set is gone.
    fn add_singles(&self, proposal: &Proposal) -> Proposal {
        let mut order = self.order();
        let mut quota = self.quota.clone();
        for at in &proposal.nodes {
            let _taken = quota.take(&self.candidates[*at], self.reason);
        }
        order.retain(|at| {
            let is_new = proposal.nodes.binary_search(at).is_err();
            is_new && quota.left(&self.candidates[*at].pool, self.reason) > 0
        });
        if order.is_empty() {
            return proposal.clone();
        }
        self.what_if.ask(|asked| {
            let all = NewUpTo::Price(Price::MAX);
            match asked.without(&proposal.nodes, all) {
                Answer::Placed { .. } => {
                    asked.keep();
                    self.extend(asked, proposal, (&order, New::Cheaper))
                }
                Answer::Stuck { .. } => proposal.clone(),
            }
        })
    }

    fn extend(
        &self,
        asked: &mut Asked<'_, '_>,
        from: &Proposal,
        (order, new): (&[usize], New),
    ) -> Proposal {
        let mut quota = self.quota.clone();
        let mut nodes: BTreeSet<usize> = from.nodes.iter().copied().collect();
        for at in &nodes {
            let _taken = quota.take(&self.candidates[*at], self.reason);
        }
        let mut saves = from.saves;
        for at in order {
            let candidate = &self.candidates[*at];
            if nodes.contains(at) || quota.left(&candidate.pool, self.reason) == 0 {
                continue;
            }
            let most = match self.worth.most(candidate) {
                most if new == New::Cheaper && most > Price::ZERO => NewUpTo::Price(most),
                _ => NewUpTo::Nothing,
            };
            let Answer::Placed { price, new_nodes } = asked.without(&[*at], most) else {
                asked.forget();
                continue;
            };
            let one = std::iter::once(candidate);
            let net = self.worth.net(one, (price.nanos() as f64, new_nodes));
            if net <= 0.0 {
                asked.forget();
                continue;
            }
            asked.keep();
            saves += net;
            nodes.insert(*at);
            let _taken = quota.take(candidate, self.reason);
        }
        Proposal {
            nodes: nodes.into_iter().collect(),
            saves,
        }
    }

    /// Candidates in their order, of each pool as many as budgets allow.
    fn allowed(&self) -> Vec<usize> {
        let mut quota = self.quota.clone();
        let mut allowed = Vec::new();
        let others = self.candidates.iter().filter(|one| !one.is_spot).count();
        // Spot nodes that are not replaced by spot nodes can only join others.
        let mut spot = match self.spot_to_spot {
            SpotToSpot::On => usize::MAX,
            SpotToSpot::Off if others == 0 => 0,
            SpotToSpot::Off => others.max(MOST_JOINING),
        };
        for (at, candidate) in self.candidates.iter().enumerate() {
            let can_go = self.what_if.refused(at).is_none();
            if candidate.is_spot {
                if spot == 0 {
                    continue;
                }
                spot -= 1;
            }
            if can_go && quota.take(candidate, self.reason).is_ok() {
                allowed.push(at);
            }
        }
        allowed
    }

    /// The best of a set and what is left of it as nodes are given up that cost less than their
    /// pods would elsewhere.
    fn prune(&self, asked: &mut Asked<'_, '_>, set: Vec<usize>) -> Option<Proposal> {
        let mut set = set;
        let mut best: Option<Proposal> = None;
        for _ in 0..MOST_ROUNDS {
            if set.len() < 2 {
                break;
            }
            let answer = asked.without(&set, NewUpTo::Price(Price::MAX));
            let next: Vec<usize> = match answer {
                Answer::Stuck { nodes, .. } => {
                    asked.forget();
                    let stuck = |at: &usize| nodes.binary_search(at).is_ok();
                    set.iter().copied().filter(|at| !stuck(at)).collect()
                }
                Answer::Placed {
                    price: after,
                    new_nodes,
                } => {
                    let shares = asked.shares(&set);
                    asked.forget();
                    let nodes = set.iter().map(|at| &self.candidates[*at]);
                    let saves = self.worth.net(nodes, (after.nanos() as f64, new_nodes));
                    if best.as_ref().is_none_or(|best| saves > best.saves) {
                        let mut nodes = set.clone();
                        nodes.sort_unstable();
                        best = Some(Proposal { nodes, saves });
                    }
                    let worth_it = |(at, share): (&usize, &f64)| {
                        let dear = self.worth.is_dear(&self.candidates[*at], *share);
                        dear.then_some(*at)
                    };
                    set.iter().zip(&shares).filter_map(worth_it).collect()
                }
            };
            if next.len() == set.len() {
                break;
            }
            set = next;
        }
        let cost = |at: &usize| price(&self.candidates[*at]);
        best.filter(|best| best.saves > 0.0 && best.nodes.iter().map(cost).sum::<f64>() > 0.0)
    }
}
