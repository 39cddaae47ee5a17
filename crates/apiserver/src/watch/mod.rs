//! Watches: changes of one resource from a resource version on, filtered by selectors.

mod stream;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc};

use serde_json::Value;
use tokio::sync::Notify;

pub(crate) use self::stream::{Bookmarks, WatchParams, stream};
use crate::{
    ApiError, Reason, Server, meta,
    options::Selectors,
    resource::ResourceInfo,
    state::State,
    storage::{Change, ChangeKind, Stored, TooOld},
};

/// What happened to an object, as seen through the selectors of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// New, or newly selected.
    Added,
    /// Changed.
    Modified,
    /// Gone, or no longer selected.
    Deleted,
}

/// One event of a watch.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    pub(crate) stored: Arc<Stored>,
}

impl Event {
    /// The object after the change; of a deleted one, its last state.
    pub fn object(&self) -> &Arc<Value> {
        &self.stored.value
    }

    /// When it happened.
    pub fn resource_version(&self) -> u64 {
        self.stored.version
    }
}

/// A watch in this process.
#[derive(Debug)]
pub struct Watch {
    server: Server,
    filter: Filter,
    info: Arc<ResourceInfo>,
    changed: Arc<Notify>,
    /// Everything up to here was handed out or is in `pending`.
    seen: u64,
    pending: VecDeque<Event>,
}

#[derive(Debug)]
struct Filter {
    namespace: Option<String>,
    selectors: Selectors,
}

impl Watch {
    pub(crate) fn start(
        server: Server,
        info: Arc<ResourceInfo>,
        namespace: Option<&str>,
        selectors: Selectors,
        from: Option<u64>,
    ) -> Result<Self, ApiError> {
        let filter = Filter {
            namespace: namespace.map(str::to_owned),
            selectors,
        };
        let state = server.lock();
        let changed = state.store.changed(info.shelf);
        let (seen, pending) = match from {
            Some(version) => {
                let log = state.store.log(info.shelf);
                log.reaches(version).map_err(|old| too_old(version, old))?;
                (version, VecDeque::new())
            }
            None => (state.store.version(), present(&state, &info, &filter)),
        };
        drop(state);
        Ok(Self {
            server,
            filter,
            info,
            changed,
            seen,
            pending,
        })
    }

    /// The next event, when there is one. 410 if changes were forgotten before they were read.
    pub async fn next(&mut self) -> Result<Event, ApiError> {
        loop {
            let changed = self.changed.clone();
            let mut notified = std::pin::pin!(changed.notified());
            // Registered before looking, so that no change slips between.
            notified.as_mut().enable();
            if let Some(event) = self.try_next()? {
                return Ok(event);
            }
            notified.await;
        }
    }

    /// Waits until there is an event, or a reason why there will be none, and leaves it to be
    /// taken.
    pub async fn ready(&mut self) {
        loop {
            let changed = self.changed.clone();
            let mut notified = std::pin::pin!(changed.notified());
            notified.as_mut().enable();
            if self.fetch().is_err() || !self.pending.is_empty() {
                return;
            }
            notified.await;
        }
    }

    /// The next event if there is one by now.
    pub fn try_next(&mut self) -> Result<Option<Event>, ApiError> {
        if self.pending.is_empty() {
            self.fetch()?;
        }
        Ok(self.pending.pop_front())
    }

    /// All events there are by now.
    pub fn drain(&mut self) -> Result<Vec<Event>, ApiError> {
        self.fetch()?;
        Ok(self.pending.drain(..).collect())
    }

    /// Everything up to this resource version was handed out, once `drain` is empty.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    pub(crate) fn changed(&self) -> Arc<Notify> {
        self.changed.clone()
    }

    fn fetch(&mut self) -> Result<(), ApiError> {
        let state = self.server.lock();
        let log = state.store.log(self.info.shelf);
        let changes = log
            .since(self.seen)
            .map_err(|old| too_old(self.seen, old))?;
        self.pending
            .extend(changes.filter_map(|change| self.filter.event(change)));
        self.seen = self.seen.max(state.store.version());
        Ok(())
    }
}

fn present(state: &State, info: &ResourceInfo, filter: &Filter) -> VecDeque<Event> {
    let list = state.list(info, filter.namespace.as_deref(), &filter.selectors);
    list.into_iter()
        .map(|stored| Event {
            kind: EventKind::Added,
            stored,
        })
        .collect()
}

fn too_old(version: u64, old: TooOld) -> ApiError {
    let why = format!("too old resource version: {version} ({})", old.oldest);
    ApiError::new(Reason::Expired, why)
}

impl Filter {
    fn selects(&self, stored: &Stored) -> bool {
        self.selectors.is_empty() || self.selectors.matches(&stored.value)
    }

    /// The change as this watch sees it, if it does.
    fn event(&self, change: &Change) -> Option<Event> {
        let namespace = meta::namespace(&change.object.value);
        if self
            .namespace
            .as_deref()
            .is_some_and(|wanted| wanted != namespace)
        {
            return None;
        }
        let was = change.previous.as_ref().filter(|p| self.selects(p));
        let is = change.kind != ChangeKind::Deleted && self.selects(&change.object);
        let (kind, stored) = match (was, is) {
            (None, true) => (EventKind::Added, change.object.clone()),
            (Some(_), true) => (EventKind::Modified, change.object.clone()),
            (Some(_), false) if change.kind == ChangeKind::Deleted => {
                (EventKind::Deleted, change.object.clone())
            }
            (Some(previous), false) => (
                EventKind::Deleted,
                at_version(previous, change.object.version),
            ),
            (None, false) => return None,
        };
        Some(Event { kind, stored })
    }
}

/// The object as it was last selected, at the version at which it no longer was.
fn at_version(previous: &Stored, version: u64) -> Arc<Stored> {
    let mut value = (*previous.value).clone();
    meta::set(&mut value, "resourceVersion", version.to_string().into());
    Arc::new(Stored::new(Arc::new(value), version))
}
