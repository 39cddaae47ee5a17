//! A watch as a response body: one JSON document per line, bookmarks, an end.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Event, EventKind, Watch};
use crate::{ApiError, service::Form};

/// How often a quiet watch tells how far it has seen.
const BOOKMARK_EVERY: Duration = Duration::from_mins(1);
/// How long a watch lasts that doesn't say.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(45);

/// What the client asked of the stream.
#[derive(Debug)]
pub(crate) struct WatchParams {
    pub(crate) form: Form,
    pub(crate) bookmarks: Bookmarks,
    pub(crate) timeout: Option<Duration>,
}

/// When bookmarks are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bookmarks {
    Never,
    Periodic,
    /// Also one, marked, after the objects that were there at the beginning.
    AfterInitial,
}

struct Streaming {
    watch: Result<Watch, ApiError>,
    params: WatchParams,
    deadline: Instant,
    next_bookmark: Instant,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Objects that were there have not been sent yet.
    Initial,
    Following,
    Ended,
}

/// The body of a watch response. A watch that could not start sends its error and ends.
pub(crate) fn stream(
    watch: Result<Watch, ApiError>,
    params: WatchParams,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
    let now = Instant::now();
    let start = Streaming {
        watch,
        deadline: now + params.timeout.unwrap_or(DEFAULT_TIMEOUT),
        next_bookmark: now + BOOKMARK_EVERY,
        params,
        phase: Phase::Initial,
    };
    futures::stream::unfold(start, |mut s| async move {
        let chunk = s.next_chunk().await?;
        Some((Ok(Bytes::from(chunk)), s))
    })
}

impl Streaming {
    async fn next_chunk(&mut self) -> Option<Vec<u8>> {
        loop {
            if self.phase == Phase::Ended {
                return None;
            }
            let watch = match &mut self.watch {
                Ok(watch) => watch,
                Err(error) => {
                    self.phase = Phase::Ended;
                    return Some(error_line(error));
                }
            };
            let changed = watch.changed();
            let mut notified = std::pin::pin!(changed.notified());
            notified.as_mut().enable();
            let events = match watch.drain() {
                Ok(events) => events,
                Err(error) => {
                    self.phase = Phase::Ended;
                    return Some(error_line(&error));
                }
            };
            let mut chunk = Vec::new();
            for event in &events {
                self.params
                    .form
                    .write_event(event_name(event), event, &mut chunk);
            }
            if self.phase == Phase::Initial {
                self.phase = Phase::Following;
                if self.params.bookmarks == Bookmarks::AfterInitial {
                    chunk.extend(self.bookmark(&json!({"k8s.io/initial-events-end": "true"})));
                }
            }
            if !chunk.is_empty() {
                return Some(chunk);
            }
            let wants_bookmarks = self.params.bookmarks != Bookmarks::Never;
            tokio::select! {
                biased;
                () = &mut notified => {}
                () = tokio::time::sleep_until(self.deadline) => {
                    self.phase = Phase::Ended;
                    return wants_bookmarks.then(|| self.bookmark(&Value::Null));
                }
                () = tokio::time::sleep_until(self.next_bookmark), if wants_bookmarks => {
                    self.next_bookmark += BOOKMARK_EVERY;
                    return Some(self.bookmark(&Value::Null));
                }
            }
        }
    }

    fn bookmark(&self, annotations: &Value) -> Vec<u8> {
        let Ok(watch) = &self.watch else {
            return Vec::new();
        };
        self.params.form.bookmark(watch.seen(), annotations)
    }
}

fn event_name(event: &Event) -> &'static str {
    match event.kind {
        EventKind::Added => "ADDED",
        EventKind::Modified => "MODIFIED",
        EventKind::Deleted => "DELETED",
    }
}

fn error_line(error: &ApiError) -> Vec<u8> {
    format!(
        "{}\n",
        json!({ "type": "ERROR", "object": error.to_status() })
    )
    .into_bytes()
}
