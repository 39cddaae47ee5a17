//! Pods from JSON, quickly and in little memory.
//!
//! Almost all pods of a cluster are copies of few templates. So the decoder cuts the texts of the
//! fields that decide anything out of the JSON, and looks the whole of them up in a memo of
//! contents it has seen; only a text it has never seen is parsed. The JSON itself is scanned once,
//! and `managedFields` and everything else that decides nothing is skipped over.
//!
//! Fields that differ from pod to pod of one workload never enter the key: node name, token
//! volumes, hostname, ordinal labels, names of claims, the node that a DaemonSet pod is pinned to
//! (see [`crate::pod`]). Texts that differ but mean the same (`1000m` and `1`) meet one step later,
//! where contents are shared by value.
//!
//! What is *not* here: watches and lists as such, and what pods mean.

mod key;
mod many;
mod raw;
mod time;

use std::collections::hash_map::Entry;
use std::sync::Arc;

use model::Timestamp;
use model::k8s::pod::Pod;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::pod::{OwnParts, Phase, PodContent, PodFacts, PodUpdate, Uid};
use key::Key;
pub use many::NotAPod;
use raw::{RawList, RawPod};

/// Bytes of texts that the memo holds before it starts again from nothing. A cluster of 2,000
/// workloads needs about 4 MiB.
const MEMO_BYTES: usize = 16 << 20;
/// Contents, or names of nodes, below which nothing is swept.
const SWEEP_MIN: usize = 1024;

/// A text is not a pod.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are no UTF-8.
    #[error("pod is not UTF-8: {0}")]
    Utf8(#[from] std::str::Utf8Error),
    /// The text is no JSON, or some field has the wrong type.
    #[error("pod cannot be decoded: {0}")]
    Json(#[from] serde_json::Error),
}

/// Decodes pods, sharing what they have in common among all that one decoder has seen.
#[derive(Debug)]
pub struct PodDecoder {
    memo: FxHashMap<Box<[u8]>, Arc<PodContent>>,
    memo_bytes: usize,
    #[expect(
        clippy::zero_sized_map_values,
        reason = "an entry of a map is found or made with one look, one of a set with two"
    )]
    contents: FxHashMap<Arc<PodContent>, ()>,
    sweep_at: usize,
    nodes: FxHashSet<Arc<str>>,
    nodes_sweep_at: usize,
    key: Key,
}

impl Default for PodDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl PodDecoder {
    /// A decoder that has seen nothing.
    #[expect(
        clippy::zero_sized_map_values,
        reason = "an entry of a map is found or made with one look, one of a set with two"
    )]
    pub fn new() -> Self {
        Self {
            memo: FxHashMap::default(),
            memo_bytes: 0,
            contents: FxHashMap::default(),
            sweep_at: SWEEP_MIN,
            nodes: FxHashSet::default(),
            nodes_sweep_at: SWEEP_MIN,
            key: Key::default(),
        }
    }

    /// Decodes one pod.
    pub fn decode(&mut self, json: &[u8]) -> Result<PodUpdate, DecodeError> {
        let text = std::str::from_utf8(json)?;
        let raw: RawPod<'_> = serde_json::from_str(text)?;
        let own = self.key.fill(&raw)?;
        let content = match self.memo.get(self.key.bytes()) {
            Some(content) => content.clone(),
            None => self.learn(text)?,
        };
        let facts = self.facts(&raw, own);
        Ok(PodUpdate { content, facts })
    }

    /// Decodes a list of pods, as a collection is answered.
    pub fn decode_list(&mut self, json: &[u8]) -> Result<Vec<PodUpdate>, DecodeError> {
        let list: RawList<'_> = serde_json::from_str(std::str::from_utf8(json)?)?;
        list.items
            .iter()
            .map(|item| self.decode(item.get().as_bytes()))
            .collect()
    }

    /// Takes a pod that is decoded already, sharing its content with all others.
    pub fn share(&mut self, pod: &Pod) -> PodUpdate {
        let (content, own) = PodContent::split(pod);
        let mut facts = PodFacts::of(pod, own);
        facts.node = facts.node.map(|name| self.node(&name));
        PodUpdate {
            content: self.share_content(content),
            facts,
        }
    }

    /// How many different contents are held.
    pub fn contents(&self) -> usize {
        self.contents.len()
    }

    fn learn(&mut self, text: &str) -> Result<Arc<PodContent>, DecodeError> {
        let pod: Pod = serde_json::from_str(text)?;
        let (content, _) = PodContent::split(&pod);
        let content = self.share_content(content);
        let key: Box<[u8]> = self.key.bytes().into();
        self.remember(key, content.clone());
        Ok(content)
    }

    /// Notes what a text means.
    fn remember(&mut self, key: Box<[u8]>, content: Arc<PodContent>) {
        if self.memo_bytes + key.len() > MEMO_BYTES {
            self.memo.clear();
            self.memo_bytes = 0;
        }
        self.memo_bytes += key.len();
        self.memo.insert(key, content);
    }

    fn share_content(&mut self, content: PodContent) -> Arc<PodContent> {
        self.share_arc(Arc::new(content))
    }

    /// The content that is held for all that are equal to this one.
    fn share_arc(&mut self, content: Arc<PodContent>) -> Arc<PodContent> {
        self.sweep();
        match self.contents.entry(content) {
            Entry::Occupied(known) => known.key().clone(),
            Entry::Vacant(new) => {
                let content = new.key().clone();
                new.insert(());
                content
            }
        }
    }

    /// Forgets contents that nobody uses, once there are twice as many as after the last time.
    fn sweep(&mut self) {
        if self.contents.len() < self.sweep_at {
            return;
        }
        self.memo
            .retain(|_, content| Arc::strong_count(content) > 2);
        self.memo_bytes = self.memo.keys().map(|key| key.len()).sum();
        self.contents
            .retain(|content, ()| Arc::strong_count(content) > 1);
        self.sweep_at = SWEEP_MIN.max(2 * self.contents.len());
    }

    fn facts(&mut self, raw: &RawPod<'_>, own: Option<Box<OwnParts>>) -> PodFacts {
        let meta = &raw.metadata;
        let status = &raw.status;
        let (scheduling, ready) = status.conditions();
        PodFacts {
            name: meta.name().into(),
            uid: Uid::new(meta.uid.as_deref().unwrap_or_default()),
            resource_version: meta.resource_version(),
            node: raw
                .spec
                .node_name
                .as_deref()
                .filter(|n| !n.is_empty())
                .map(|n| self.node(n)),
            created: meta.creation_timestamp.unwrap_or(Timestamp::EPOCH),
            deletion: meta.deletion_timestamp,
            started: status.start_time,
            phase: Phase::parse(status.phase.as_deref().unwrap_or_default()),
            scheduling,
            ready,
            preempting: status
                .nominated_node_name
                .as_deref()
                .is_some_and(|n| !n.is_empty()),
            own,
        }
    }

    fn node(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.nodes.get(name) {
            return known.clone();
        }
        if self.nodes.len() >= self.nodes_sweep_at {
            self.nodes.retain(|name| Arc::strong_count(name) > 1);
            self.nodes_sweep_at = SWEEP_MIN.max(2 * self.nodes.len());
        }
        let name: Arc<str> = name.into();
        self.nodes.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests;
