//! The plan as a document: version 1 of the output contract (`docs/plan.md`). Fields may be added,
//! none is renamed or removed. It borrows from the placement, and is written as it is made.

mod claim;

use std::rc::Rc;
use std::sync::Arc;

use catalog::Price;
use cluster::{PodRecord, Snapshot};
use model::Timestamp;
use scheduling::Placement;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

pub(crate) use claim::{Claim, Claims, PodName, Pods, Shown};

/// Spaces before the fields of a claim in `provisioning.newNodeClaims`.
const NEW_CLAIM_INDENT: usize = 8;
/// Spaces before the fields of a claim in `disruption.commands[].replacements`.
const REPLACEMENT_INDENT: usize = 12;

/// Everything that `karp plan -o json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document<'a> {
    version: u32,
    now: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provisioning: Option<Provisioning<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disruption: Option<Disruption<'a>>,
    pub(crate) stats: Stats,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Provisioning<'a> {
    pub(crate) new_node_claims: Vec<Claim<'a>>,
    pub(crate) existing_nodes: Vec<ExistingNode<'a>>,
    pub(crate) unschedulable: Vec<Unschedulable<'a>>,
    pub(crate) price_per_hour: f64,
    pub(crate) lower_bound_per_hour: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ExistingNode<'a> {
    pub(crate) name: &'a str,
    pub(crate) pods: Pods<'a>,
}

#[derive(Debug)]
pub(crate) struct Unschedulable<'a> {
    pub(crate) pod: PodName<'a>,
    pub(crate) why: Rc<Why>,
}

impl Serialize for Unschedulable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pod = serializer.serialize_struct("Unschedulable", 3)?;
        pod.serialize_field("pod", &Shown(self.pod))?;
        pod.serialize_field("reason", &self.why.reason)?;
        pod.serialize_field("rejections", &self.why.rejections)?;
        pod.end()
    }
}

/// Why pods have no place; shared by pods that are alike.
#[derive(Debug)]
pub(crate) struct Why {
    pub(crate) reason: String,
    pub(crate) rejections: Vec<Rejection>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Rejection {
    pub(crate) candidate: String,
    pub(crate) reason: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Disruption<'a> {
    pub(crate) commands: Vec<Command<'a>>,
    pub(crate) kept: Vec<Kept<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Command<'a> {
    pub(crate) reason: &'static str,
    pub(crate) decision: &'static str,
    pub(crate) candidates: Vec<&'a str>,
    pub(crate) replacements: Vec<Claim<'a>>,
    pub(crate) moves: Vec<Move<'a>>,
    pub(crate) price_per_hour_before: f64,
    pub(crate) price_per_hour_after: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Move<'a> {
    pod: Shown<PodName<'a>>,
    to: &'a str,
}

#[derive(Debug, Serialize)]
pub(crate) struct Kept<'a> {
    pub(crate) node: &'a str,
    pub(crate) reason: String,
}

/// The only part that may differ from run to run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    pub(crate) pods: usize,
    pub(crate) nodes: usize,
    pub(crate) decode_ms: f64,
    pub(crate) solve_ms: f64,
    pub(crate) disruption_ms: f64,
    pub(crate) peak_rss_bytes: u64,
}

/// Whether the document will be written as JSON, so that shared parts are worth rendering ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// It will.
    Json,
    /// It will not.
    Other,
}

/// What was decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decided<'a> {
    pub(crate) placement: Option<&'a Placement>,
    pub(crate) plan: Option<&'a disruption::Plan>,
    pub(crate) snapshot: &'a Snapshot,
}

impl<'a> Document<'a> {
    pub(crate) fn new(now: Timestamp, decided: Decided<'a>, form: Form, stats: Stats) -> Self {
        let claims = |indent| match form {
            Form::Json => Claims::json(indent),
            Form::Other => Claims::plain(),
        };
        let Decided {
            placement,
            plan,
            snapshot,
        } = decided;
        let mut new = claims(NEW_CLAIM_INDENT);
        let mut replacements = claims(REPLACEMENT_INDENT);
        Self {
            version: 1,
            now,
            provisioning: placement.map(|placement| provisioning(placement, snapshot, &mut new)),
            disruption: plan.map(|plan| disruption(plan, &mut replacements)),
            stats,
        }
    }

    /// How many pods have no place.
    pub(crate) fn unplaced(&self) -> usize {
        self.provisioning
            .as_ref()
            .map_or(0, |part| part.unschedulable.len())
    }
}

fn provisioning<'a>(
    placement: &'a Placement,
    snapshot: &'a Snapshot,
    claims: &mut Claims,
) -> Provisioning<'a> {
    let new_claims = placement.new_claims.iter();
    let existing = placement.existing.iter().map(|node| ExistingNode {
        name: &node.node,
        pods: Pods(&node.pods),
    });
    Provisioning {
        new_node_claims: new_claims.map(|planned| claims.claim(planned)).collect(),
        existing_nodes: existing.collect(),
        unschedulable: unschedulable(placement, snapshot),
        price_per_hour: placement.price().dollars(),
        lower_bound_per_hour: placement.lower_bound.map(Price::dollars),
    }
}

/// Pods without a place, and those that ask for what cannot be or keep away from our nodes.
fn unschedulable<'a>(placement: &'a Placement, snapshot: &'a Snapshot) -> Vec<Unschedulable<'a>> {
    let mut all: Vec<(&'a PodRecord, Rc<Why>)> = Vec::new();
    let mut last: Option<(*const scheduling::Refusal, Rc<Why>)> = None;
    for unplaced in &placement.unplaced {
        let address = unplaced.refusals.as_ptr();
        let why = match &last {
            Some((known, why)) if *known == address => why.clone(),
            _ => Rc::new(Why::of(&unplaced.refusals)),
        };
        last = Some((address, why.clone()));
        all.push((&unplaced.pod, why));
    }
    for group in snapshot.ignored.iter() {
        let problems = group.shape.problems.iter().map(ToString::to_string);
        let why = Rc::new(Why {
            reason: problems.collect::<Vec<_>>().join("; "),
            rejections: Vec::new(),
        });
        all.extend(group.pods.iter().map(|pod| (&**pod, why.clone())));
    }
    let name = |pod: &PodRecord| (Arc::clone(&pod.shape.namespace), pod.name.clone());
    all.sort_by_cached_key(|(pod, _)| name(pod));
    all.dedup_by(|(left, _), (right, _)| name(left) == name(right));
    all.into_iter()
        .map(|(pod, why)| Unschedulable {
            pod: PodName(pod),
            why,
        })
        .collect()
}

impl Why {
    /// What refusals say.
    pub(crate) fn of(refusals: &[scheduling::Refusal]) -> Self {
        let rejections: Vec<Rejection> = refusals
            .iter()
            .map(|refusal| Rejection {
                candidate: refusal.candidate.to_string(),
                reason: refusal.rejection.to_string(),
            })
            .collect();
        let reason = match rejections.as_slice() {
            [] => "no candidate".to_owned(),
            [only] => format!("{}: {}", only.candidate, only.reason),
            [first, rest @ ..] => {
                let more = rest.len();
                format!("{}: {} (and {more} more)", first.candidate, first.reason)
            }
        };
        Self { reason, rejections }
    }
}

fn disruption<'a>(plan: &'a disruption::Plan, claims: &mut Claims) -> Disruption<'a> {
    let commands = plan.commands.iter().map(|command| Command {
        reason: command.reason.as_str(),
        decision: command.decision().as_str(),
        candidates: command.candidates.iter().map(|node| &*node.node).collect(),
        replacements: command
            .replacements
            .iter()
            .map(|planned| claims.claim(planned))
            .collect(),
        moves: command
            .moves
            .iter()
            .map(|moved| Move {
                pod: Shown(PodName(&moved.pod)),
                to: &moved.to,
            })
            .collect(),
        price_per_hour_before: command.price_before.dollars(),
        price_per_hour_after: command.price_after.dollars(),
    });
    let kept = plan.kept.iter().map(|kept| Kept {
        node: &kept.node,
        reason: kept.reason.to_string(),
    });
    Disruption {
        commands: commands.collect(),
        kept: kept.collect(),
    }
}
