//! Whether the nodes of a pool do join: the last outcomes, and the condition that follows from
//! them.

use std::collections::VecDeque;

use api::{NodeClaim, NodePool};
use model::Timestamp;

use crate::claim::Health;
use crate::conditions::{AWAITING, Conditions, Status, find, is_true, status};

/// How many outcomes are remembered.
const REMEMBERED: usize = 4;
/// The condition.
const CONDITION: &str = "NodeRegistrationHealthy";

/// The last outcomes of a pool's claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    outcomes: VecDeque<Health>,
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing yet.
    Unknown,
    /// Nodes join.
    Healthy,
    /// Half of the outcomes that are remembered, or more, are failures.
    Unhealthy,
}

impl Record {
    /// What the record says.
    pub fn verdict(&self) -> Verdict {
        let failures = self
            .outcomes
            .iter()
            .filter(|outcome| **outcome == Health::Failed)
            .count();
        if self.outcomes.is_empty() {
            Verdict::Unknown
        } else if 2 * failures >= REMEMBERED {
            Verdict::Unhealthy
        } else {
            Verdict::Healthy
        }
    }

    /// Adds an outcome; the oldest is forgotten.
    pub fn add(&mut self, outcome: Health) {
        if self.outcomes.len() == REMEMBERED {
            self.outcomes.pop_front();
        }
        self.outcomes.push_back(outcome);
    }

    /// A record that says what the condition says, for after a restart.
    fn seeded(pool: &NodePool) -> Self {
        let outcomes = match status(&pool.status.conditions, CONDITION) {
            Status::True => vec![Health::Registered],
            Status::False => vec![Health::Failed; 2],
            Status::Unknown => Vec::new(),
        };
        Self {
            outcomes: outcomes.into(),
        }
    }
}

/// Notes an outcome of a claim, and gives the pool with the condition that follows.
pub fn noted(
    record: &mut Record,
    pool: &NodePool,
    claim: &NodeClaim,
    outcome: Health,
    now: Timestamp,
) -> NodePool {
    record.add(outcome);
    let mut changed = pool.clone();
    let mut conditions = Conditions::of_pool(&mut changed, now);
    match (outcome, record.verdict()) {
        (Health::Registered, Verdict::Healthy) => conditions.set_true(CONDITION),
        (Health::Failed, Verdict::Unhealthy) => {
            let (reason, message) = blame(claim);
            conditions.set(CONDITION, Status::False, &reason, &message);
        }
        _ => {}
    }
    changed
}

/// Why a claim failed: it did not join, or what its launch says.
fn blame(claim: &NodeClaim) -> (String, String) {
    let conditions = &claim.status.conditions;
    match find(conditions, "Launched") {
        Some(launched) if !is_true(conditions, "Launched") => {
            (launched.reason.clone(), launched.message.clone())
        }
        _ => (
            "RegistrationFailed".to_owned(),
            "Failed to register node".to_owned(),
        ),
    }
}

/// Starts the record anew when pool or class have changed since the condition was set, and seeds it
/// from the condition after a restart. Gives the pool as it should be.
pub fn reviewed(
    record: &mut Record,
    pool: &NodePool,
    class_generation: i64,
    now: Timestamp,
) -> NodePool {
    if record.verdict() == Verdict::Unknown {
        *record = Record::seeded(pool);
    }
    let condition = find(&pool.status.conditions, CONDITION);
    let stale = condition.is_none_or(|held| held.observed_generation != pool.metadata.generation)
        || pool.status.node_class_observed_generation != Some(class_generation);
    let mut changed = pool.clone();
    if stale {
        *record = Record::default();
        let message = "object is awaiting reconciliation";
        Conditions::of_pool(&mut changed, now).set(CONDITION, Status::Unknown, AWAITING, message);
    }
    changed.status.node_class_observed_generation = Some(class_generation);
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, claim, launched_claim, pool};

    fn condition(pool: &NodePool) -> (Status, String) {
        let reason = find(&pool.status.conditions, CONDITION).map(|held| held.reason.clone());
        (
            status(&pool.status.conditions, CONDITION),
            reason.unwrap_or_default(),
        )
    }

    /// NP-09, LC-26, LC-27.
    #[test]
    fn two_failures_of_four_are_unhealthy() {
        let mut record = Record::default();
        assert_eq!(record.verdict(), Verdict::Unknown);
        record.add(Health::Failed);
        assert_eq!(record.verdict(), Verdict::Healthy);
        record.add(Health::Failed);
        assert_eq!(record.verdict(), Verdict::Unhealthy);
        record.add(Health::Registered);
        assert_eq!(record.verdict(), Verdict::Unhealthy);
        for _ in 0..2 {
            record.add(Health::Registered);
        }
        assert_eq!(record.verdict(), Verdict::Healthy);
    }

    /// LV-07, LV-08.
    #[test]
    fn the_condition_names_what_failed() {
        let mut record = Record::default();
        let joined = launched_claim("a");
        let pool = noted(&mut record, &pool("p"), &joined, Health::Failed, at(1));
        assert_eq!(condition(&pool).0, Status::Unknown);
        let pool = noted(&mut record, &pool, &joined, Health::Failed, at(2));
        assert_eq!(
            condition(&pool),
            (Status::False, "RegistrationFailed".to_owned())
        );
        let mut failed = claim("b");
        let mut conditions = Conditions::of_claim(&mut failed, at(1));
        conditions.set("Launched", Status::Unknown, "NoSubnet", "none found");
        let pool = noted(&mut record, &pool, &failed, Health::Failed, at(3));
        assert_eq!(condition(&pool), (Status::False, "NoSubnet".to_owned()));
    }

    /// NP-07.
    #[test]
    fn the_record_starts_anew_when_pool_or_class_change() {
        let mut record = Record::default();
        let first = reviewed(&mut record, &pool("p"), 3, at(1));
        assert_eq!(condition(&first).0, Status::Unknown);
        assert_eq!(first.status.node_class_observed_generation, Some(3));
        assert_eq!(
            reviewed(&mut record, &first, 3, at(9)),
            first,
            "nothing is written twice"
        );
        let healthy = noted(
            &mut record,
            &first,
            &launched_claim("a"),
            Health::Registered,
            at(10),
        );
        let mut restarted = Record::default();
        assert_eq!(reviewed(&mut restarted, &healthy, 3, at(11)), healthy);
        assert_eq!(restarted.verdict(), Verdict::Healthy);
        let moved = reviewed(&mut restarted, &healthy, 4, at(12));
        assert_eq!(condition(&moved).0, Status::Unknown);
        assert_eq!(restarted.verdict(), Verdict::Unknown);
    }
}
