//! Finds out whether a claim's node has drifted, and asks the cloud no more than it must.

use std::time::Duration;

use ::lifecycle::drift::{AGAIN, Drift, Known, by_objects, is_type_gone, must_look_at_types};
use api::{NodeClaim, NodePool};
use model::Timestamp;
use runtime::Next;

use crate::calls;
use crate::cloud::CloudError;
use crate::nodeclaim::found::Found;
use crate::shared::Shared;

/// For how long the first answer after a change of the node class counts. Providers follow node
/// classes by watches of their own, so that it may still be about the class as it was.
const AT_FIRST: Duration = Duration::from_secs(10);

/// What the cloud has answered, by claim.
pub(crate) type Answers = Found<Answer>;

/// What the cloud has answered about one claim.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// When the claim's type was last found among what is sold.
    sold: Option<Timestamp>,
    /// What was said about the instance.
    instance: Option<Said>,
}

/// What was said about an instance.
#[derive(Clone, Debug)]
struct Said {
    at: Timestamp,
    /// The version of the node class that it was compared with.
    class: String,
    drift: Option<Drift>,
    /// For how long it counts.
    holds: Duration,
}

/// What is known about drift.
pub(super) enum Look {
    /// What the condition should be, and when to look again.
    Known {
        /// Why it has drifted, if it has.
        drift: Option<Drift>,
        /// When to look again.
        again: Next,
    },
    /// Nothing: the condition stays as it is.
    Unclear {
        /// When to look again.
        again: Next,
    },
}

impl Look {
    fn known(drift: Option<Drift>, again: Duration) -> Self {
        let again = Next::After(again);
        Self::Known { drift, again }
    }

    fn failed() -> Self {
        let again = Next::Failed;
        Self::Unclear { again }
    }
}

/// Looks at one claim.
pub(super) async fn look(shared: &Shared, claim: &NodeClaim, pool: &NodePool) -> Look {
    match by_objects(claim, pool, &shared.vocabulary) {
        Known::NotLaunched => Look::Known {
            drift: None,
            again: Next::AwaitChange,
        },
        Known::Drifted(drift) => Look::known(Some(drift), AGAIN),
        Known::Open => match is_sold(shared, claim, pool).await {
            None => Look::failed(),
            Some(false) => Look::known(Some(Drift::InstanceType), AGAIN),
            Some(true) => instance(shared, claim).await,
        },
    }
}

/// Whether the claim's machine is still sold, as far as that has to be known; none if the cloud
/// could not be asked. Only a yes is remembered.
async fn is_sold(shared: &Shared, claim: &NodeClaim, pool: &NodePool) -> Option<bool> {
    let mut answer = shared.answers.get(claim).unwrap_or_default();
    let now = shared.now();
    if !must_look_at_types(claim, answer.sold, now) {
        return Some(true);
    }
    let types = calls::types_for_drift(shared, pool).await?;
    if is_type_gone(claim, &types, &shared.vocabulary) {
        return Some(false);
    }
    answer.sold = Some(now);
    shared.answers.put(claim, answer);
    Some(true)
}

/// What the provider says about the instance: asked anew when its last answer is old, or was about
/// another version of the node class.
async fn instance(shared: &Shared, claim: &NodeClaim) -> Look {
    let class = shared.class(&claim.spec.node_class_ref);
    let class = class.map_or_else(String::new, |class| class.metadata.resource_version);
    let mut answer = shared.answers.get(claim).unwrap_or_default();
    let now = shared.now();
    if let Some(said) = answer.instance.as_ref().filter(|said| said.class == class) {
        let left = said.holds.saturating_sub(now.since(said.at));
        if !left.is_zero() {
            return Look::known(said.drift.clone(), left);
        }
    }
    match calls::is_drifted(shared, claim).await {
        Ok(reason) => {
            let drift = reason.map(|reason| Drift::Provider(reason.0));
            let is_first = answer.instance.is_some_and(|said| said.class != class);
            let holds = if is_first { AT_FIRST } else { AGAIN };
            answer.instance = Some(Said {
                at: now,
                class,
                drift: drift.clone(),
                holds,
            });
            shared.answers.put(claim, answer);
            Look::known(drift, holds)
        }
        // What follows from that is decided elsewhere; the claim may also be too young to be seen.
        Err(CloudError::NotFound(_)) => Look::Unclear {
            again: Next::After(AGAIN),
        },
        Err(error) => {
            let nodeclaim = claim.metadata.name.as_str();
            tracing::warn!(nodeclaim, %error, "asking whether an instance has drifted failed");
            Look::failed()
        }
    }
}
