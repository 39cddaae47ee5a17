//! What a pod asks of the scheduler, made ready once for all pods that look alike.

use std::collections::BTreeMap;

use model::k8s::affinity::{PodAffinity, TopologySpreadConstraint};
use model::k8s::{Pod, PodSpec};

use super::domains::{Counted, NodeFilter, ViewKey};
use super::fit::Needs;
use super::selection::{Selection, with_keys};

/// Everything about a pod that the scheduler looks at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LookKey {
    namespace: String,
    labels: BTreeMap<String, String>,
    spec: PodSpec,
}

impl LookKey {
    pub(super) fn of(pod: &Pod) -> Self {
        let mut spec = pod.spec.clone();
        spec.node_name.clear();
        Self {
            namespace: pod.metadata.namespace().to_owned(),
            labels: pod.metadata.labels.clone(),
            spec,
        }
    }
}

/// A rule that a pod has about pods that come after it, wherever they are in the same domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bond {
    /// The pods that it is about.
    pub(super) selection: Selection,
    /// The node label that makes a domain.
    pub(super) topology_key: String,
    /// What it does.
    pub(super) effect: Effect,
}

/// What a [`Bond`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    /// Required anti-affinity: keeps the other pod away.
    Forbids,
    /// A preference, or required affinity, of which one side is there already: so much better.
    Attracts(i64),
}

/// A spread constraint.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    /// Counts by domain.
    pub(super) view: ViewKey,
    /// How uneven domains may be.
    pub(super) max_skew: i64,
    /// Domains below which the minimum counts as zero.
    pub(super) min_domains: usize,
    /// The pods that are counted.
    pub(super) selection: Selection,
}

/// What a pod asks for, in terms of views and bonds that the index has yet to number.
#[derive(Debug)]
pub(super) struct Wishes {
    pub(super) needs: Needs,
    pub(super) hard: Vec<Spread>,
    pub(super) soft: Vec<Spread>,
    /// Required affinity: one view for each topology key, all terms together.
    pub(super) near: Vec<ViewKey>,
    /// The selections of its required affinity.
    pub(super) near_to: Vec<Selection>,
    /// Required anti-affinity.
    pub(super) away: Vec<ViewKey>,
    /// Preferred affinity and anti-affinity, with weights.
    pub(super) liked: Vec<(ViewKey, i64)>,
    pub(super) bonds: Vec<Bond>,
}

/// [`Wishes`] with numbers of views and bonds.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) namespace: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) spec: PodSpec,
    /// Number of the room.
    pub(super) room: usize,
    /// Spread constraints that must hold, with the numbers of their views.
    pub(super) hard: Vec<(usize, Spread)>,
    /// Spread constraints that should hold.
    pub(super) soft: Vec<(usize, Spread)>,
    pub(super) near: Vec<usize>,
    pub(super) near_to: Vec<Selection>,
    pub(super) away: Vec<usize>,
    pub(super) liked: Vec<(usize, i64)>,
    /// Bonds that it declares.
    pub(super) bonds: Vec<usize>,
    /// Bonds of others that are about it, with the views of who declares them.
    pub(super) met: Vec<(usize, Effect)>,
    /// How many bonds have been looked at for `met`.
    pub(super) met_of: usize,
}

impl Look {
    /// Whether a placement elsewhere can make room for it.
    pub(super) fn depends_on_others(&self) -> bool {
        !(self.hard.is_empty() && self.near.is_empty())
    }
}

/// Weight that Kubernetes gives by default to required affinity of pods that are there, toward
/// pods that come.
const HARD_AFFINITY_WEIGHT: i64 = 1;

/// A topology key, and the pods that a term is about.
type Term = (String, Selection);

/// What a pod asks for.
pub(super) fn wishes(key: &LookKey) -> Wishes {
    let (hard, soft): (Vec<_>, Vec<_>) = key
        .spec
        .topology_spread_constraints
        .iter()
        .partition(|constraint| constraint.when_unsatisfiable != "ScheduleAnyway");
    let spreads = |all: &[&TopologySpreadConstraint]| -> Vec<Spread> {
        all.iter().map(|one| spread_of(one, all, key)).collect()
    };
    let affinity = key.spec.affinity.clone().unwrap_or_default();
    let near = affinity.pod_affinity.unwrap_or_default();
    let away = affinity.pod_anti_affinity.unwrap_or_default();
    let (near_terms, away_terms) = (required(&near, key), required(&away, key));
    let near_to: Vec<Selection> = near_terms.iter().map(|term| term.1.clone()).collect();
    let mut liked = preferred(&near, key, 1);
    liked.extend(preferred(&away, key, -1));
    let forbids = away_terms.iter().map(|term| (term, Effect::Forbids));
    let keeps = near_terms
        .iter()
        .map(|term| (term, Effect::Attracts(HARD_AFFINITY_WEIGHT)));
    let likes = liked
        .iter()
        .map(|(term, weight)| (term, Effect::Attracts(*weight)));
    let bonds = forbids
        .chain(keeps)
        .chain(likes)
        .map(|(term, effect)| Bond {
            selection: term.1.clone(),
            topology_key: term.0.clone(),
            effect,
        });
    Wishes {
        needs: Needs::of(&key.spec),
        hard: spreads(&hard),
        soft: spreads(&soft),
        bonds: bonds.collect(),
        near: near_terms
            .iter()
            .map(|term| view_of(&term.0, near_to.clone()))
            .collect(),
        near_to,
        away: away_terms
            .into_iter()
            .map(|(topology_key, selection)| view_of(&topology_key, vec![selection]))
            .collect(),
        liked: liked
            .into_iter()
            .map(|((topology_key, selection), weight)| {
                (view_of(&topology_key, vec![selection]), weight)
            })
            .collect(),
    }
}

/// Counts of the pods that are in all of the selections.
fn view_of(topology_key: &str, selections: Vec<Selection>) -> ViewKey {
    ViewKey {
        topology_key: topology_key.to_owned(),
        counted: Counted::Selected(selections),
        nodes: None,
    }
}

fn required(part: &PodAffinity, key: &LookKey) -> Vec<Term> {
    let terms = part.required.iter().map(|term| {
        let selection = Selection::of_term(term, &key.namespace, &key.labels);
        (term.topology_key.clone(), selection)
    });
    terms.collect()
}

fn preferred(part: &PodAffinity, key: &LookKey, sign: i64) -> Vec<(Term, i64)> {
    part.preferred
        .iter()
        .map(|wanted| {
            let term = &wanted.pod_affinity_term;
            let selection = Selection::of_term(term, &key.namespace, &key.labels);
            let weight = sign * i64::from(wanted.weight);
            ((term.topology_key.clone(), selection), weight)
        })
        .collect()
}

/// A constraint counts nodes that have the labels of all constraints of its sort.
fn spread_of(
    constraint: &TopologySpreadConstraint,
    all: &[&TopologySpreadConstraint],
    key: &LookKey,
) -> Spread {
    let honors =
        |policy: &Option<String>, default: &str| policy.as_deref().unwrap_or(default) == "Honor";
    let selector = with_keys(
        constraint.label_selector.as_ref(),
        &constraint.match_label_keys,
        "In",
        &key.labels,
    );
    let selection = Selection::within(&key.namespace, selector);
    let terms = super::fit::required_terms(&key.spec).cloned();
    let affinity = (key.spec.node_selector.clone(), terms);
    let nodes = NodeFilter {
        keys: all.iter().map(|one| one.topology_key.clone()).collect(),
        affinity: honors(&constraint.node_affinity_policy, "Honor").then_some(affinity),
        tolerations: honors(&constraint.node_taints_policy, "Ignore")
            .then(|| key.spec.tolerations.clone()),
    };
    Spread {
        view: ViewKey {
            topology_key: constraint.topology_key.clone(),
            counted: Counted::Staying(selection.clone()),
            nodes: Some(nodes),
        },
        max_skew: i64::from(constraint.max_skew.max(1)),
        min_domains: usize::try_from(constraint.min_domains.unwrap_or(1)).unwrap_or(1),
        selection,
    }
}

impl LookKey {
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(super) fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    pub(super) fn spec(&self) -> &PodSpec {
        &self.spec
    }
}
