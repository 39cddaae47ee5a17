//! Folding of similar events, without I/O: the same event again raises a count, many events that
//! differ only in their text become one, and an object that talks too much is muted.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;

use super::Notice;
use crate::limit::Bucket;

/// Different messages of one reason about one object, within the window, before they are combined.
const COMBINE_AFTER: usize = 10;
/// The window of combining.
const COMBINE_WINDOW: Duration = Duration::from_mins(10);
/// Events about one object at once.
const BURST: u32 = 25;
/// Events about one object per second, after the burst: one in five minutes.
const RATE: f64 = 1.0 / 300.0;
/// Objects and events that are remembered.
const REMEMBERED: usize = 4_096;

/// What is to be written for a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Mute,
    /// A new event with this message.
    Create(String),
    /// One more of an event that was written under this name.
    Again {
        name: String,
        count: u32,
        message: String,
    },
}

/// What was written so far.
#[derive(Debug, Default)]
pub(super) struct Correlator {
    buckets: BTreeMap<String, (Bucket, Instant)>,
    similar: BTreeMap<String, Similar>,
    written: BTreeMap<String, Written>,
}

#[derive(Debug)]
struct Similar {
    messages: BTreeSet<String>,
    last: Instant,
}

#[derive(Debug)]
struct Written {
    name: String,
    count: u32,
    last: Instant,
}

impl Correlator {
    /// What to write for `notice`.
    pub(super) fn judge(&mut self, notice: &Notice, now: Instant) -> Verdict {
        let object = object_key(notice);
        let (bucket, last) = self
            .buckets
            .entry(object)
            .or_insert_with(|| (Bucket::new(RATE, BURST, now), now));
        *last = now;
        let allowed = bucket.try_take(now);
        trim(&mut self.buckets, |(_, last)| *last);
        if !allowed {
            return Verdict::Mute;
        }
        let message = self.combined(notice, now);
        match self.written.get_mut(&event_key(notice, &message)) {
            None => Verdict::Create(message),
            Some(written) => {
                written.count += 1;
                written.last = now;
                Verdict::Again {
                    name: written.name.clone(),
                    count: written.count,
                    message,
                }
            }
        }
    }

    /// Remembers that an event was created as `name`.
    pub(super) fn created(&mut self, notice: &Notice, message: &str, name: &str, now: Instant) {
        let written = Written {
            name: name.to_owned(),
            count: 1,
            last: now,
        };
        self.written.insert(event_key(notice, message), written);
        trim(&mut self.written, |written| written.last);
    }

    /// The message, marked when it stands for many. Marked ones share their entry in `written`.
    fn combined(&mut self, notice: &Notice, now: Instant) -> String {
        let similar = self
            .similar
            .entry(reason_key(notice))
            .or_insert_with(|| Similar {
                messages: BTreeSet::new(),
                last: now,
            });
        if now.saturating_duration_since(similar.last) > COMBINE_WINDOW {
            similar.messages.clear();
        }
        similar.last = now;
        if similar.messages.len() < COMBINE_AFTER {
            similar.messages.insert(notice.message.clone());
        }
        let known = similar.messages.contains(&notice.message);
        trim(&mut self.similar, |similar| similar.last);
        if known {
            notice.message.clone()
        } else {
            format!("{COMBINED}{}", notice.message)
        }
    }
}

/// What a message that stands for many begins with; the text that Kubernetes' tools know.
const COMBINED: &str = "(combined from similar events): ";

fn object_key(notice: &Notice) -> String {
    let about = &notice.about;
    [
        &*about.api_version,
        &about.kind,
        &about.namespace,
        &about.name,
        &about.uid,
    ]
    .join("/")
}

fn reason_key(notice: &Notice) -> String {
    format!(
        "{}/{}/{}",
        object_key(notice),
        notice.severity.as_str(),
        notice.reason
    )
}

fn event_key(notice: &Notice, message: &str) -> String {
    let message = if message.starts_with(COMBINED) {
        COMBINED
    } else {
        message
    };
    format!("{}/{message}", reason_key(notice))
}

/// Drops the half that was not used for longest once too much is remembered.
fn trim<V>(map: &mut BTreeMap<String, V>, last: impl Fn(&V) -> Instant) {
    if map.len() <= REMEMBERED {
        return;
    }
    let mut ages: Vec<Instant> = map.values().map(&last).collect();
    ages.sort_unstable();
    let middle = ages[ages.len() / 2];
    let mut excess = map.len() - REMEMBERED / 2;
    map.retain(|_, value| {
        let drop = excess > 0 && last(value) <= middle;
        excess -= usize::from(drop);
        !drop
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::ObjectRef;

    fn notice(object: &str, message: &str) -> Notice {
        let about = ObjectRef {
            kind: "Node".into(),
            name: object.into(),
            ..ObjectRef::default()
        };
        Notice::normal(about, "Reason", message)
    }

    fn write(correlator: &mut Correlator, notice: &Notice, now: Instant) -> Verdict {
        let verdict = correlator.judge(notice, now);
        if let Verdict::Create(message) = &verdict {
            correlator.created(notice, message, "name", now);
        }
        verdict
    }

    #[test]
    fn the_same_event_again_raises_its_count() {
        let (mut correlator, now) = (Correlator::default(), Instant::now());
        assert_eq!(
            write(&mut correlator, &notice("a", "m"), now),
            Verdict::Create("m".into())
        );
        for count in 2..5 {
            let again = Verdict::Again {
                name: "name".into(),
                count,
                message: "m".into(),
            };
            assert_eq!(write(&mut correlator, &notice("a", "m"), now), again);
        }
        assert_eq!(
            write(&mut correlator, &notice("b", "m"), now),
            Verdict::Create("m".into())
        );
    }

    #[test]
    fn many_texts_of_one_reason_are_combined_until_it_is_quiet() {
        let (mut correlator, now) = (Correlator::default(), Instant::now());
        for number in 0..10 {
            let verdict = write(&mut correlator, &notice("a", &number.to_string()), now);
            assert_eq!(verdict, Verdict::Create(number.to_string()));
        }
        let combined = "(combined from similar events): 10".to_owned();
        let verdict = write(&mut correlator, &notice("a", "10"), now);
        assert_eq!(verdict, Verdict::Create(combined));
        let verdict = write(&mut correlator, &notice("a", "11"), now);
        assert!(
            matches!(verdict, Verdict::Again { count: 2, .. }),
            "{verdict:?}"
        );
        let later = now + Duration::from_secs(700);
        assert_eq!(
            write(&mut correlator, &notice("a", "12"), later),
            Verdict::Create("12".into())
        );
    }

    #[test]
    fn an_object_that_talks_too_much_is_muted_alone() {
        let (mut correlator, now) = (Correlator::default(), Instant::now());
        let muted = (0..40)
            .filter(|_| write(&mut correlator, &notice("a", "m"), now) == Verdict::Mute)
            .count();
        assert_eq!(muted, 15);
        assert_eq!(
            write(&mut correlator, &notice("b", "m"), now),
            Verdict::Create("m".into())
        );
        let later = now + Duration::from_secs(301);
        assert!(matches!(
            write(&mut correlator, &notice("a", "m"), later),
            Verdict::Again { .. }
        ));
    }

    #[test]
    fn memory_is_bounded_however_many_objects_there_are() {
        let (mut correlator, now) = (Correlator::default(), Instant::now());
        for number in 0..10_000 {
            let _ = write(&mut correlator, &notice(&number.to_string(), "m"), now);
        }
        for size in [
            correlator.buckets.len(),
            correlator.similar.len(),
            correlator.written.len(),
        ] {
            assert!(size <= REMEMBERED, "{size}");
        }
    }
}
