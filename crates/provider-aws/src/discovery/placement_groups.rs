//! Placement groups of node classes.
//!
//! What EC2 said last is used while it does not answer, for a day: also that there is no such
//! group.

use std::sync::Arc;
use std::time::Duration;

use api::Ec2NodeClass;
use aws::Failure;
use aws::ec2::{PlacementGroup, PlacementGroupQuery};
use aws::placement::{self, Resolved};
use model::Timestamp;
use runtime::Clock;
use tokio::sync::Mutex;

use crate::cache::Cache;
use crate::calls::Ec2;

/// How long an answer is good without asking again.
const FRESH: Duration = Duration::from_mins(1);
/// How long an answer is good while there is no other.
const KEPT: Duration = Duration::from_hours(24);

/// Finds placement groups.
pub struct PlacementGroups {
    ec2: Arc<dyn Ec2>,
    clock: Clock,
    known: Cache<PlacementGroupQuery, Answer>,
    round: Mutex<()>,
}

/// What EC2 has said of a selector, and when.
#[derive(Clone, Debug)]
struct Answer {
    group: Option<PlacementGroup>,
    told: Timestamp,
}

/// What is known of the group that a class selects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The group.
    pub resolved: Resolved,
    /// Why it is not known how it is now, if so.
    pub failure: Option<Failure>,
}

impl From<Option<PlacementGroup>> for Resolution {
    fn from(group: Option<PlacementGroup>) -> Self {
        Self {
            resolved: group.map_or(Resolved::Missing, Resolved::Group),
            failure: None,
        }
    }
}

impl PlacementGroups {
    /// Nothing is known yet.
    pub fn new(ec2: Arc<dyn Ec2>, clock: Clock) -> Self {
        Self {
            ec2,
            known: Cache::new(clock.clone(), KEPT),
            clock,
            round: Mutex::new(()),
        }
    }

    /// The group that a class selects.
    pub async fn resolve(&self, class: &Ec2NodeClass) -> Resolution {
        let selector = class.spec.placement_group_selector.as_ref();
        let Some(query) = selector.and_then(placement::query) else {
            return Resolution::default();
        };
        let _round = self.round.lock().await;
        let known = self.known.get(&query);
        let now = self.clock.now();
        if let Some(answer) = &known
            && now.since(answer.told) < FRESH
        {
            return answer.group.clone().into();
        }
        let group = match self.ec2.placement_groups(&query).await {
            Ok(found) => found.into_iter().next(),
            Err(failure) if failure.is_not_found() => None,
            Err(failure) => {
                let before = known.map(|answer| Resolution::from(answer.group).resolved);
                return Resolution {
                    resolved: before.unwrap_or(Resolved::Unknown),
                    failure: Some(failure),
                };
            }
        };
        let told = self.clock.now();
        self.known.sweep();
        let answer = Answer {
            group: group.clone(),
            told,
        };
        self.known.put(query, answer);
        group.into()
    }
}
