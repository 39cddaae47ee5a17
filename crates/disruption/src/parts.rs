//! A placement of the pods of several nodes, cut into what hangs together: nodes whose pods come to
//! one new node go together, and any other goes by itself.

use std::sync::Arc;

use catalog::Price;
use cluster::{NodeState, PodRecord, Snapshot};
use rustc_hash::FxHashMap;
use scheduling::{Placement, PlannedClaim};

use crate::Reason;
use crate::balanced::Verdict;
use crate::command::{Candidate, Command, Move};

/// Commands of a placement, in the order of their first nodes.
pub(crate) fn commands(
    snapshot: &Snapshot,
    candidates: &[Candidate],
    placement: &Placement,
    reason: Reason,
) -> Vec<Command> {
    let owner = owners(snapshot, candidates);
    let mut groups = Groups::new(candidates.len());
    for claim in &placement.new_claims {
        let mut nodes = claim.pods.iter().filter_map(|pod| owner.get(&address(pod)));
        if let Some(first) = nodes.next() {
            nodes.for_each(|node| groups.join(*first, *node));
        }
    }
    let mut commands: Vec<Command> = Vec::new();
    let mut of_group: FxHashMap<usize, usize> = FxHashMap::default();
    let mut command_of = vec![0; candidates.len()];
    for (at, candidate) in candidates.iter().enumerate() {
        let command = *of_group.entry(groups.root(at)).or_insert_with(|| {
            commands.push(empty(reason));
            commands.len() - 1
        });
        command_of[at] = command;
        commands[command].candidates.push(candidate.clone());
    }
    for claim in &placement.new_claims {
        let first = claim.pods.iter().find_map(|pod| owner.get(&address(pod)));
        if let Some(node) = first {
            let replacements = &mut commands[command_of[*node]].replacements;
            replacements.push(PlannedClaim::clone(claim));
        }
    }
    for existing in &placement.existing {
        for pod in &existing.pods {
            if let Some(node) = owner.get(&address(pod)) {
                commands[command_of[*node]].moves.push(Move {
                    pod: pod.clone(),
                    to: existing.node.clone(),
                });
            }
        }
    }
    for command in &mut commands {
        price(command);
    }
    commands
}

/// Says what a command costs before and after.
pub(crate) fn price(command: &mut Command) {
    let candidates = command.candidates.iter();
    command.price_before = candidates.filter_map(|candidate| candidate.price).sum();
    let replacements = command.replacements.iter();
    command.price_after = replacements.map(|claim| claim.launch.price).sum();
}

fn empty(reason: Reason) -> Command {
    Command {
        reason,
        candidates: Vec::new(),
        replacements: Vec::new(),
        moves: Vec::new(),
        price_before: Price::ZERO,
        price_after: Price::ZERO,
        verdict: Verdict::default(),
    }
}

/// Which candidate each pod is on, by address of the pod.
fn owners(snapshot: &Snapshot, candidates: &[Candidate]) -> FxHashMap<usize, usize> {
    let mut owners = FxHashMap::default();
    for (at, candidate) in candidates.iter().enumerate() {
        let node: Option<&Arc<NodeState>> = snapshot.node(&candidate.node);
        let pods = node.into_iter().flat_map(|node| &node.pods);
        owners.extend(pods.map(|pod| (address(pod), at)));
    }
    owners
}

fn address(pod: &Arc<PodRecord>) -> usize {
    Arc::as_ptr(pod).addr()
}

/// Sets of candidates that hang together.
struct Groups(Vec<usize>);

impl Groups {
    fn new(len: usize) -> Self {
        Self((0..len).collect())
    }

    /// The first of a candidate's group.
    fn root(&mut self, at: usize) -> usize {
        let mut at = at;
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}
