//! Many pods at once, on several threads. The result is the same for any number of them.

use std::borrow::Cow;
use std::sync::Arc;
use std::thread;

use rustc_hash::FxHashMap;

use super::{DecodeError, PodDecoder};
use crate::pod::{PodContent, PodUpdate};

/// Pods that are worth a thread of their own.
const PODS_PER_THREAD: usize = 2_000;

/// Which of many texts is not a pod, and why.
#[derive(Debug, thiserror::Error)]
#[error("pod {index} of the list: {error}")]
pub struct NotAPod {
    /// Its position, from 0. The first of several.
    pub index: usize,
    /// What is wrong with it.
    pub error: DecodeError,
}

impl PodDecoder {
    /// Decodes pods, one text each, on up to `threads` threads.
    pub fn decode_many(
        &mut self,
        texts: &[Cow<'_, str>],
        threads: usize,
    ) -> Result<Vec<PodUpdate>, NotAPod> {
        let threads = threads.min(texts.len() / PODS_PER_THREAD).max(1);
        let size = texts.len().div_ceil(threads).max(1);
        let mut chunks = texts.chunks(size);
        let own = chunks.next().unwrap_or_default();
        let (first, others) = thread::scope(|scope| {
            let running: Vec<_> = chunks
                .map(|texts| {
                    scope.spawn(move || {
                        let mut decoder = PodDecoder::new();
                        let pods = decoder.decode_all(texts)?;
                        Ok((decoder, pods))
                    })
                })
                .collect();
            let first = self.decode_all(own);
            let join = |part: thread::ScopedJoinHandle<'_, _>| match part.join() {
                Ok(part) => part,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            let others: Vec<Result<(PodDecoder, Vec<PodUpdate>), NotAPod>> =
                running.into_iter().map(join).collect();
            (first, others)
        });
        let mut pods = first?;
        pods.reserve(texts.len() - pods.len());
        for (chunk, part) in others.into_iter().enumerate() {
            let (decoder, part) = part.map_err(|error| NotAPod {
                index: error.index + (chunk + 1) * size,
                ..error
            })?;
            self.adopt(decoder, part, &mut pods);
        }
        Ok(pods)
    }

    fn decode_all(&mut self, texts: &[Cow<'_, str>]) -> Result<Vec<PodUpdate>, NotAPod> {
        let decode = |(index, text): (usize, &Cow<'_, str>)| {
            self.decode(text.as_bytes())
                .map_err(|error| NotAPod { index, error })
        };
        texts.iter().enumerate().map(decode).collect()
    }

    /// Takes over what another decoder has decoded, so that equal contents are one again.
    fn adopt(&mut self, mut other: Self, part: Vec<PodUpdate>, pods: &mut Vec<PodUpdate>) {
        // By address: the other decoder has shared equal contents already, and holds on to each.
        let mut known: FxHashMap<usize, Arc<PodContent>> = FxHashMap::default();
        let address = |content: &Arc<PodContent>| Arc::as_ptr(content).addr();
        let memo = std::mem::take(&mut other.memo);
        for (key, theirs) in &memo {
            // Equal texts mean the same, which is soon found out.
            if let Some(own) = self.memo.get(key) {
                known.insert(address(theirs), own.clone());
            }
        }
        for (key, theirs) in memo {
            if !self.memo.contains_key(&key) {
                let own = known
                    .entry(address(&theirs))
                    .or_insert_with(|| self.share_arc(theirs.clone()))
                    .clone();
                self.remember(key, own);
            }
        }
        for mut pod in part {
            let own = known
                .entry(address(&pod.content))
                .or_insert_with(|| self.share_arc(pod.content.clone()));
            pod.content = own.clone();
            pod.facts.node = pod.facts.node.map(|name| self.node(&name));
            pods.push(pod);
        }
    }
}
