//! The bounded log of changes of one resource, from which watches are served.

use std::{collections::VecDeque, sync::Arc};

use super::Stored;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One change; `object.version` is when it happened.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) kind: ChangeKind,
    pub(crate) object: Arc<Stored>,
    pub(crate) previous: Option<Arc<Stored>>,
}

/// The log no longer holds everything after the version asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooOld {
    /// The oldest version that can still be asked for.
    pub(crate) oldest: u64,
}

/// Changes in order of resource version.
#[derive(Debug)]
pub(crate) struct Log {
    changes: VecDeque<Arc<Change>>,
    capacity: usize,
    /// Changes at or below this version may be missing.
    compacted: u64,
}

impl Log {
    /// Empty: before its first change there is nothing to miss.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            changes: VecDeque::new(),
            capacity: capacity.max(1),
            compacted: 0,
        }
    }

    pub(crate) fn push(&mut self, change: Change) {
        if self.changes.len() == self.capacity
            && let Some(dropped) = self.changes.pop_front()
        {
            self.compacted = dropped.object.version;
        }
        self.changes.push_back(Arc::new(change));
    }

    /// Whether a client that knows the state at `version` can be told all that followed.
    pub(crate) fn reaches(&self, version: u64) -> Result<(), TooOld> {
        if self.compacted <= version {
            return Ok(());
        }
        Err(TooOld {
            oldest: self.compacted,
        })
    }

    /// Changes after `version`, oldest first.
    pub(crate) fn since(&self, version: u64) -> Result<impl Iterator<Item = &Arc<Change>>, TooOld> {
        self.reaches(version)?;
        let from = self
            .changes
            .partition_point(|c| c.object.version <= version);
        Ok(self.changes.range(from..))
    }

    /// Forgets everything so far, as a compaction of the real store does.
    pub(crate) fn compact(&mut self, version: u64) {
        self.changes.clear();
        self.compacted = version;
    }
}
