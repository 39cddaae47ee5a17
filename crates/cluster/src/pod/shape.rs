//! Shapes, and pods as records with a shape.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use api::labels::{BUFFER_FAKE_POD, BUFFER_NAME};
use model::k8s::{LabelSelector, PodKey};

use super::{PodContent, PodFacts};
use crate::{HostPort, PodProblem, ResourceVec};

/// Names a shape for as long as any pod has it. Given in order of first sight, so it must not
/// decide between candidates: order by content or by pod instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShapeId(pub u32);

/// What pods have in common that cannot be told apart by any rule. Equal content, same shape, same
/// id, same allocation.
#[derive(Debug)]
pub struct PodShape {
    /// Id.
    pub id: ShapeId,
    /// What is written in the pods. The shape dereferences to it.
    pub content: Arc<PodContent>,
    /// What one such pod takes of a node, with one `pods`.
    pub requests: ResourceVec,
    /// Ports of the node that it takes.
    pub host_ports: Vec<HostPort>,
    /// Why such pods are left alone although the scheduler finds no place for them; mostly empty.
    pub problems: Vec<PodProblem>,
}

impl Deref for PodShape {
    type Target = PodContent;

    fn deref(&self) -> &PodContent {
        &self.content
    }
}

/// A pod of the cluster.
#[derive(Clone, Debug)]
pub struct PodRecord {
    /// What is its own. The record dereferences to it.
    pub facts: PodFacts,
    /// What it shares.
    pub shape: Arc<PodShape>,
}

impl Deref for PodRecord {
    type Target = PodFacts;

    fn deref(&self) -> &PodFacts {
        &self.facts
    }
}

impl PodShape {
    /// Whether such pods only stand for room that a capacity buffer keeps. They are no objects:
    /// nobody is told about them, and they must not take room from pods that are.
    pub fn is_virtual(&self) -> bool {
        self.content.annotations.contains_key(BUFFER_FAKE_POD)
    }

    /// The capacity buffer that such pods stand for, in their namespace.
    pub fn buffer(&self) -> Option<&str> {
        let name = self.content.annotations.get(BUFFER_NAME)?;
        self.is_virtual().then_some(name.as_str())
    }
}

impl PodRecord {
    /// Whether it only stands for room that a capacity buffer keeps. See [`PodShape::is_virtual`].
    pub fn is_virtual(&self) -> bool {
        self.shape.is_virtual()
    }

    /// Namespace.
    pub fn namespace(&self) -> &str {
        &self.shape.content.namespace
    }

    /// Namespace and name.
    pub fn key(&self) -> PodKey {
        PodKey {
            namespace: self.namespace().to_owned(),
            name: self.facts.name.as_ref().to_owned(),
        }
    }

    /// The value of a label, whether shared or the pod's own.
    pub fn label(&self, key: &str) -> Option<&str> {
        let own = self.facts.own.as_ref().and_then(|own| own.labels.get(key));
        own.or_else(|| self.shape.content.labels.get(key))
            .map(String::as_str)
    }

    /// All labels, shared ones and the pod's own.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.shape.content.labels.clone();
        if let Some(own) = &self.facts.own {
            labels.extend(own.labels.clone());
        }
        labels
    }

    /// Whether a selector matches the pod's labels.
    pub fn matches(&self, selector: &LabelSelector) -> bool {
        match &self.facts.own {
            Some(own) if !own.labels.is_empty() => selector.matches(&self.labels()),
            _ => selector.matches(&self.shape.content.labels),
        }
    }
}
