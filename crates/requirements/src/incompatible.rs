//! Why two sets of requirements do not go together.

use std::fmt;

use crate::{Key, Requirement};

/// Why something cannot be met, with what was compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Incompatible {
    /// A label is asked for that the other side does not have.
    Undefined {
        /// The label.
        key: Key,
        /// A key that was perhaps meant.
        meant: Option<Key>,
    },
    /// The two sides want different values of these labels.
    Conflicts(Vec<Conflict>),
    /// One side alone asks for what cannot be, such as two zones at once.
    Impossible(Requirement),
}

/// Two requirements on one label that admit nothing in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Conflict {
    /// What is asked for.
    pub incoming: Requirement,
    /// What is there.
    pub existing: Requirement,
}

impl fmt::Display for Incompatible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined { key, meant } => {
                write!(f, "label {:?} does not have known values", &**key)?;
                match meant {
                    Some(meant) => write!(f, " (typo of {:?}?)", &**meant),
                    None => Ok(()),
                }
            }
            Self::Conflicts(conflicts) => {
                for (index, conflict) in conflicts.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}{conflict}")?;
                }
                Ok(())
            }
            Self::Impossible(requirement) => {
                write!(
                    f,
                    "key {}, no value can satisfy {requirement}",
                    requirement.key()
                )
            }
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "key {}, {} not in {}",
            self.incoming.key(),
            self.incoming,
            self.existing
        )
    }
}

impl std::error::Error for Incompatible {}

/// The candidate that `key` is most likely a misspelling of: one that contains it, or has the same
/// name in another domain, or differs in few letters.
pub(crate) fn typo_hint<'a>(key: &str, candidates: impl Iterator<Item = &'a Key>) -> Option<Key> {
    candidates
        .filter(|candidate| ***candidate != *key)
        .filter_map(|candidate| Some((likeness(key, candidate)?, candidate)))
        .min_by(|(a, _), (b, _)| a.cmp(b))
        .map(|(_, candidate)| candidate.clone())
}

/// Smaller is more alike; none if the two have nothing to do with each other.
fn likeness(key: &str, candidate: &str) -> Option<usize> {
    let name = key.split_once('/').map_or(key, |(_, name)| name);
    if !key.is_empty()
        && candidate
            .split_once('/')
            .is_some_and(|(_, other)| other == name)
    {
        return Some(0);
    }
    if !key.is_empty() && candidate.contains(key) {
        return Some(1);
    }
    let distance = edit_distance(key, candidate);
    (distance < candidate.len() / 5).then_some(1 + distance)
}

/// How many letters must be put in, taken out or replaced.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}
