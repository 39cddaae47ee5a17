//! Status conditions, and the engine that keeps the root condition `Ready` in step with the others.

use model::Timestamp;
use serde::{Deserialize, Serialize};

/// One status condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// Type, unique in the list.
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// When the status changed last.
    pub last_transition_time: Option<Timestamp>,
    /// Machine-readable reason.
    pub reason: String,
    /// Text for people.
    pub message: String,
    /// Generation of the object that the condition speaks of.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
}

impl Condition {
    /// Whether the status is `True`.
    pub fn is_true(&self) -> bool {
        self.status == TRUE
    }

    /// Whether the status is `False`.
    pub fn is_false(&self) -> bool {
        self.status == FALSE
    }

    /// Whether the status is neither `True` nor `False`.
    pub fn is_unknown(&self) -> bool {
        !self.is_true() && !self.is_false()
    }
}

/// The status of a condition that holds.
pub const TRUE: &str = "True";
/// The status of a condition that does not hold.
pub const FALSE: &str = "False";
/// The status of a condition of which nothing is known yet.
pub const UNKNOWN: &str = "Unknown";
/// Longest message, in characters; with a longer one the API server refuses the whole status.
pub const MAX_MESSAGE: usize = 32_768;
/// The root condition of every kind.
pub const READY: &str = "Ready";

/// Which conditions make up `Ready`, and what is needed of the object to stamp them.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Types that `Ready` depends on.
    pub dependents: &'a [&'a str],
    /// Generation of the object.
    pub generation: i64,
    /// When the object was created.
    pub created: Option<Timestamp>,
    /// Whether the object is being deleted.
    pub deleting: bool,
    /// The time of the change.
    pub now: Timestamp,
}

/// The condition of that type.
pub fn find<'a>(conditions: &'a [Condition], r#type: &str) -> Option<&'a Condition> {
    conditions
        .iter()
        .find(|condition| condition.r#type == r#type)
}

/// Whether the condition of that type is there and `True`.
pub fn is_true(conditions: &[Condition], r#type: &str) -> bool {
    find(conditions, r#type).is_some_and(Condition::is_true)
}

/// Adds the root and its dependents as `Unknown` where they are missing.
pub fn initialize(conditions: &mut Vec<Condition>, subject: &Subject<'_>) {
    for r#type in subject.dependents.iter().chain([&READY]) {
        if find(conditions, r#type).is_none() {
            conditions.push(Condition {
                r#type: (*r#type).to_owned(),
                status: UNKNOWN.to_owned(),
                last_transition_time: Some(subject.created.unwrap_or(subject.now)),
                reason: "AwaitingReconciliation".to_owned(),
                message: "object is awaiting reconciliation".to_owned(),
                observed_generation: subject.generation,
            });
        }
    }
    sort(conditions);
}

/// Sets a condition to `True`, with its type as reason. Returns whether anything changed.
pub fn set_true(conditions: &mut Vec<Condition>, subject: &Subject<'_>, r#type: &str) -> bool {
    set(conditions, subject, (r#type, TRUE), r#type, "")
}

/// Sets a condition `(type, status)` with reason and message, and the root after it. Returns
/// whether anything changed.
pub fn set(
    conditions: &mut Vec<Condition>,
    subject: &Subject<'_>,
    (r#type, status): (&str, &str),
    reason: &str,
    message: &str,
) -> bool {
    let before = conditions.clone();
    initialize(conditions, subject);
    put(conditions, subject, (r#type, status), reason, message);
    if subject.deleting {
        for condition in conditions.iter_mut() {
            condition.observed_generation = subject.generation;
        }
    }
    if r#type != READY {
        recompute_root(conditions, subject);
    }
    if is_permutation(conditions, &before) {
        // Another order alone is no reason to write.
        *conditions = before;
        return false;
    }
    sort(conditions);
    true
}

/// Whether two lists hold the same conditions in whatever order.
fn is_permutation(one: &[Condition], other: &[Condition]) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .all(|held| find(other, &held.r#type) == Some(held))
}

/// Removes an independent condition. Returns whether it was there.
pub fn clear(conditions: &mut Vec<Condition>, subject: &Subject<'_>, r#type: &str) -> bool {
    debug_assert!(r#type != READY && !subject.dependents.contains(&r#type));
    let before = conditions.len();
    conditions.retain(|condition| condition.r#type != r#type);
    if conditions.len() == before {
        return false;
    }
    conditions.sort_by(|left, right| left.r#type.cmp(&right.r#type));
    true
}

fn put(
    conditions: &mut Vec<Condition>,
    subject: &Subject<'_>,
    (r#type, status): (&str, &str),
    reason: &str,
    message: &str,
) {
    let belongs = r#type == READY || subject.dependents.contains(&r#type);
    let old = conditions
        .iter()
        .position(|condition| condition.r#type == r#type);
    let since = match old.map(|index| &conditions[index]) {
        Some(old) if old.status == status => old.last_transition_time,
        None if belongs => subject.created,
        _ => Some(subject.now),
    };
    let new = Condition {
        r#type: r#type.to_owned(),
        status: status.to_owned(),
        last_transition_time: since.or(Some(subject.now)),
        reason: reason.to_owned(),
        message: message.chars().take(MAX_MESSAGE).collect(),
        observed_generation: subject.generation,
    };
    match old {
        Some(index) => conditions[index] = new,
        None => conditions.push(new),
    }
}

fn recompute_root(conditions: &mut Vec<Condition>, subject: &Subject<'_>) {
    let mut unhealthy: Vec<&Condition> = subject
        .dependents
        .iter()
        .filter_map(|r#type| find(conditions, r#type))
        .filter(|condition| {
            !condition.is_true() || condition.observed_generation != subject.generation
        })
        .collect();
    if unhealthy.is_empty() {
        put(conditions, subject, (READY, TRUE), READY, "");
        return;
    }
    unhealthy.sort_by_key(|condition| std::cmp::Reverse(condition.last_transition_time));
    let parts: Vec<String> = unhealthy
        .iter()
        .map(|found| format!("{}={}", found.r#type, found.status))
        .collect();
    let message = parts.join(", ");
    let failed = unhealthy
        .iter()
        .any(|found| found.is_false() && found.observed_generation == subject.generation);
    if failed {
        put(
            conditions,
            subject,
            (READY, FALSE),
            "UnhealthyDependents",
            &message,
        );
    } else {
        put(
            conditions,
            subject,
            (READY, UNKNOWN),
            "ReconcilingDependents",
            &message,
        );
    }
}

/// Oldest transition first, the root last.
fn sort(conditions: &mut [Condition]) {
    conditions.sort_by_key(|condition| (condition.r#type == READY, condition.last_transition_time));
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests;
