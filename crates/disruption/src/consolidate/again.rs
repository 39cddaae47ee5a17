//! A second look at commands that move pods.
//!
//! What was planned is checked, not planned anew: the nodes may still go, replacements can still be
//! had, and every pod that is to go to nodes that are there still has room.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cluster::pod::Uid;
use scheduling::what_if::{Answer, Asked, NewUpTo};

use crate::command::{Candidate, Command, Kept};
use crate::stage::{Receiving, Stage};
use crate::validate::{Because, Rejected};
use crate::{Memory, Options, Reason, Why};

use super::{Stays, candidates, prices};

/// Looks at commands again, each after those before it; those that still hold are added.
pub(crate) fn validate(
    stage: &mut Stage<'_>,
    memory: &mut Memory,
    options: &Options,
    (commands, rejected): (Vec<Command>, &mut Vec<Rejected>),
) {
    if commands.is_empty() {
        return;
    }
    let (known, kept) = candidates::look(stage, options);
    let known: BTreeMap<&str, &Candidate> = known
        .iter()
        .map(|known| (&*known.provider_id, known))
        .collect();
    let kept: BTreeMap<Arc<str>, Why> = kept.into_iter().collect();
    let mut left: Vec<(Command, Vec<Candidate>)> = Vec::new();
    for command in commands {
        match still(stage, &command, (&known, &kept)) {
            Ok(candidates) => left.push((command, candidates)),
            Err(kept) => rejected.push(Rejected {
                because: Because::of(&kept),
                command,
                kept,
            }),
        }
    }
    let all: Vec<&Candidate> = left.iter().flat_map(|(_, candidates)| candidates).collect();
    let replaced = on_replacements(&left);
    let leaving = all.iter().filter_map(|one| {
        let mut leaving = stage.leaving(one, Receiving::Settled)?;
        leaving.pods.retain(|pod| !replaced.contains(&pod.uid));
        Some(leaving)
    });
    let leaving: Vec<_> = leaving.collect();
    // The stage changes while questions are asked of it as it was.
    let asked_of = stage.clone();
    let what_if = asked_of.what_if(memory, options, (&leaving, Receiving::Settled));
    let mut hold = Vec::new();
    what_if.ask(|asked| {
        let mut first = 0;
        for (command, candidates) in left {
            let own: Vec<usize> = (first..first + candidates.len()).collect();
            first += candidates.len();
            let holds = holds(asked, &own).and_then(|()| can_be_had(stage, &command));
            match holds {
                Ok(()) => {
                    asked.keep();
                    hold.push(command);
                }
                Err(why) => {
                    asked.forget();
                    for candidate in &candidates {
                        stage.quota.give_back(candidate);
                    }
                    rejected.push(refuse(command, &why));
                }
            }
        }
    });
    stage.add(hold);
}

fn refuse(command: Command, why: &Why) -> Rejected {
    let kept = command.candidates.iter().map(|candidate| Kept {
        node: candidate.node.clone(),
        reason: why.clone(),
    });
    Rejected {
        kept: kept.collect(),
        because: Because::Scheduling,
        command,
    }
}

/// The nodes of a command as they are now, if all of them still may go.
fn still(
    stage: &mut Stage<'_>,
    command: &Command,
    (known, kept): (&BTreeMap<&str, &Candidate>, &BTreeMap<Arc<str>, Why>),
) -> Result<Vec<Candidate>, Vec<Kept>> {
    let mut candidates = Vec::new();
    let mut stays = Vec::new();
    for old in &command.candidates {
        let reason = match known.get(&*old.provider_id) {
            Some(now) => match stage.quota.take(now, Reason::Underutilized) {
                Ok(()) => {
                    candidates.push(Candidate::clone(now));
                    continue;
                }
                Err(why) => Some(why),
            },
            None => kept.get(&old.node).cloned(),
        };
        stays.extend(reason.map(|reason| Kept {
            node: old.node.clone(),
            reason,
        }));
    }
    if candidates.len() == command.candidates.len() {
        return Ok(candidates);
    }
    for candidate in &candidates {
        stage.quota.give_back(candidate);
    }
    Err(stays)
}

/// Whether the pods of a command that go to nodes that are there still have room. The answer
/// stands.
fn holds(asked: &mut Asked<'_, '_>, own: &[usize]) -> Result<(), Why> {
    match asked.without(own, NewUpTo::Nothing) {
        Answer::Placed { .. } => Ok(()),
        Answer::Stuck { pod, .. } => Err(Why::Stays(Stays::NowhereToGo { pod: pod.key() })),
    }
}

/// Whether every replacement can still be launched as one of its types.
fn can_be_had(stage: &Stage<'_>, command: &Command) -> Result<(), Why> {
    let all = command.replacements.iter().all(|claim| {
        let Some(pool) = stage.snapshot.pool(&claim.pool) else {
            return false;
        };
        claim.instance_types.iter().any(|ty| {
            let now = pool.instance_type(&ty.name);
            now.is_some_and(|now| prices::worst_price(now, &claim.requirements).is_some())
        })
    });
    if all {
        Ok(())
    } else {
        Err(Why::Stays(Stays::NoCheaper {
            price: Some(command.price_before),
        }))
    }
}

/// Pods that are to go to replacements.
fn on_replacements(left: &[(Command, Vec<Candidate>)]) -> BTreeSet<Uid> {
    let claims = left.iter().flat_map(|(command, _)| &command.replacements);
    let pods = claims.flat_map(|claim| &claim.pods);
    pods.map(|pod| pod.uid.clone()).collect()
}
