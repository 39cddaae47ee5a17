//! From where devices can be used: alternatives, one of which a node must meet.
//!
//! The terms of a node selector are alternatives in the API, and stay that here.

use model::k8s::selector::NodeSelector;
use requirements::{AllowUndefined, Requirement, Requirements, Vocabulary, pod};

/// Stands for the name of the node, which is no label.
pub(crate) const NODE_NAME: &str = "metadata.name";

/// More alternatives than this are not followed. The first are kept.
const MOST: usize = 64;

/// Alternatives. None at all: nowhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Places(Vec<Requirements>);

/// A candidate as the place of devices.
#[derive(Clone, Debug)]
pub(crate) struct Site<'a> {
    /// Its requirements, and its name.
    requirements: Requirements,
    undefined: AllowUndefined<'a>,
}

impl<'a> Site<'a> {
    /// A candidate, which has a name if it is there already.
    pub(crate) fn new(
        requirements: &Requirements,
        node: Option<&str>,
        undefined: AllowUndefined<'a>,
    ) -> Self {
        let mut requirements = requirements.clone();
        requirements.set(match node {
            Some(name) => Requirement::single(NODE_NAME, name),
            None => Requirement::does_not_exist(NODE_NAME),
        });
        Self {
            requirements,
            undefined,
        }
    }

    fn admits(&self, place: &Requirements) -> bool {
        self.requirements.is_compatible(place, &self.undefined)
    }
}

impl Places {
    /// Everywhere.
    pub(crate) fn anywhere() -> Self {
        Self(vec![Requirements::new()])
    }

    /// One node.
    pub(crate) fn node(name: &str) -> Self {
        Self(vec![
            [Requirement::single(NODE_NAME, name)].into_iter().collect(),
        ])
    }

    /// What a node selector admits. A term without conditions matches nothing.
    pub(crate) fn of(selector: &NodeSelector, vocabulary: &Vocabulary) -> Self {
        let terms = selector.node_selector_terms.iter();
        let terms = terms
            .filter(|term| !term.match_expressions.is_empty() || !term.match_fields.is_empty())
            .map(|term| {
                let mut place = pod::term(term, vocabulary);
                for field in &term.match_fields {
                    let values = field.values.iter().map(String::as_str);
                    place.add(vocabulary.written(&field.key, &field.operator, values, None));
                }
                place
            });
        Self(terms.collect())
    }

    /// What both admit and a candidate can meet; none if nothing is left.
    pub(crate) fn and(&self, other: &Self, site: &Site<'_>) -> Option<Self> {
        let both = self.product(other, |place| site.admits(place));
        (!both.0.is_empty()).then_some(both)
    }

    /// What both admit.
    pub(crate) fn both(&self, other: &Self) -> Self {
        self.product(other, |place| place.impossible().is_none())
    }

    /// Whether a candidate can meet one of them.
    pub(crate) fn meet(&self, site: &Site<'_>) -> bool {
        self.0.iter().any(|place| site.admits(place))
    }

    fn product(&self, other: &Self, keep: impl Fn(&Requirements) -> bool) -> Self {
        let mut both: Vec<Requirements> = Vec::new();
        for left in &self.0 {
            for right in &other.0 {
                let place = left.intersect(right);
                if both.len() < MOST && keep(&place) && !both.contains(&place) {
                    both.push(place);
                }
            }
        }
        Self(both)
    }

    /// The alternatives as requirements on a node's labels.
    pub(crate) fn into_alternatives(self) -> Vec<Requirements> {
        let mut alternatives = self.0;
        for place in &mut alternatives {
            place.remove(NODE_NAME);
        }
        alternatives.dedup();
        alternatives
    }
}
