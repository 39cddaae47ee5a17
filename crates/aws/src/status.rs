//! Which instances are not well, by what DescribeInstanceStatus says.
//!
//! What is *not* here: the calls, and what is done about it ([`crate::interruption`]).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::Timestamp;

use crate::ec2::{InstanceStatus, ScheduledEvent, StatusCategory};
use crate::interruption::Kind;

/// How long a check must have failed.
pub const IMPAIRED_FOR: Duration = Duration::from_mins(2);

/// What is wrong with an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Its own check fails.
    Instance,
    /// The check of its host fails.
    System,
    /// AWS has planned something for it.
    Event,
}

impl Category {
    /// As metrics have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "InstanceStatus",
            Self::System => "SystemStatus",
            Self::Event => "EventStatus",
        }
    }

    /// What that means.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Instance => Kind::InstanceStatus,
            Self::System => Kind::SystemStatus,
            Self::Event => Kind::EventStatus,
        }
    }
}

/// The instances that are not well, each with what is wrong with it, the worst first. Of several
/// answers about one instance the first counts.
pub fn unhealthy<'s>(
    answers: impl IntoIterator<Item = &'s InstanceStatus>,
    now: Timestamp,
) -> BTreeMap<String, Vec<Category>> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut unhealthy = BTreeMap::new();
    for status in answers {
        if !seen.insert(&status.id) {
            continue;
        }
        let wrong = wrong(status, now);
        if !wrong.is_empty() {
            unhealthy.insert(status.id.clone(), wrong);
        }
    }
    unhealthy
}

fn wrong(status: &InstanceStatus, now: Timestamp) -> Vec<Category> {
    let failed = |of: StatusCategory| {
        status.checks.iter().any(|check| {
            let long = |since: Timestamp| now.since(since) >= IMPAIRED_FOR;
            check.category == of && check.status == "failed" && check.since.is_some_and(long)
        })
    };
    let mut wrong = Vec::new();
    if failed(StatusCategory::Instance) {
        wrong.push(Category::Instance);
    }
    if failed(StatusCategory::System) {
        wrong.push(Category::System);
    }
    if status.events.iter().any(is_ahead) {
        wrong.push(Category::Event);
    }
    wrong
}

/// What EC2 begins the description of an event with that is over.
const OVER: [&str; 3] = ["[Completed]", "[Canceled]", "[Cancelled]"];

/// Whether an event is not over yet. EC2 goes on to list events that are, for a week, and says so
/// nowhere else.
fn is_ahead(event: &ScheduledEvent) -> bool {
    let description = event.description.trim_start();
    !OVER.iter().any(|over| description.starts_with(over))
}

/// What has been counted already.
#[derive(Debug, Default)]
pub struct Known(BTreeSet<(String, Category)>);

impl Known {
    /// Takes in what is wrong now; gives what was not wrong the last time.
    pub fn update(&mut self, now: BTreeSet<(String, Category)>) -> Vec<(String, Category)> {
        let new = now.difference(&self.0).cloned().collect();
        self.0 = now;
        new
    }
}

#[cfg(test)]
mod tests;
