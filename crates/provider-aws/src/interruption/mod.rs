//! Interruptions: what happens to instances, and what becomes of their claims.
//!
//! [`Interruptions::handle`] does what `aws::interruption` decides for the claims of one instance;
//! [`queue`] brings news from the interruption queue, [`crate::instance_status`] from EC2's own
//! checks. What is *not* here: the drain of what was deleted, and the replacement of what was
//! marked (`controllers`).

pub mod queue;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{NodeClaim, labels};
use aws::interruption::{self, Fate, Kind, News, OnRebalance, Severity, Taken};
use aws::unavailable::Mark;
use catalog::CapacityType;
use model::Timestamp;
use model::k8s::Node;
use runtime::client::Preconditions;
use runtime::recorder::ObjectRef;
use runtime::{ApiError, Notice, ObjectKey};
use serde_json::json;

use crate::objects::Change;
use crate::unavailable::{UnavailableOfferings, Why};
use crate::world::World;

/// Where it is noted what can't be had for a while.
pub trait Marks: Send + Sync {
    /// It can't be had.
    fn mark(&self, what: &Taken, why: Kind);
}

/// The marks of this process: offerings that launches leave alone for a while, and reservations in
/// which nothing is left.
pub struct ProcessMarks<R> {
    /// Offerings.
    pub offerings: Arc<UnavailableOfferings>,
    /// Says that nothing is left in the reservation with this id.
    pub empty_reservation: R,
}

impl<R: Fn(&str) + Send + Sync> Marks for ProcessMarks<R> {
    fn mark(&self, what: &Taken, why: Kind) {
        match what {
            Taken::Spot {
                instance_type,
                zone,
            } => {
                let why = Why {
                    reason: why.as_str(),
                    ..Why::default()
                };
                let mark = Mark::offering(CapacityType::Spot, instance_type, zone);
                self.offerings.mark(mark, why);
            }
            Taken::Reservation { id } => (self.empty_reservation)(id),
        }
    }
}

/// What happens to instances is done to their claims here. Cheap to clone.
#[derive(Clone)]
pub struct Interruptions {
    world: World,
    marks: Arc<dyn Marks>,
    on_rebalance: OnRebalance,
    /// Uids of claims whose deletion was asked for and has not been seen yet.
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl Interruptions {
    /// Listens to what becomes of claims.
    pub fn new(world: World, marks: Arc<dyn Marks>, on_rebalance: OnRebalance) -> Self {
        let asked: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let seen = asked.clone();
        world.objects.subscribe(move |change| {
            if let Change::Claim(claim) = change
                && let Some(before) = &claim.before
                && claim
                    .after
                    .as_ref()
                    .is_none_or(|after| after.metadata.is_deleting())
            {
                lock(&seen).remove(&before.metadata.uid);
            }
        });
        Self {
            world,
            marks,
            on_rebalance,
            asked,
        }
    }

    /// Does what is to be done about an instance to which something has happened. Instances of
    /// others have no claim, and nothing is done.
    ///
    /// # Errors
    /// Something could not be written, and is to be tried again as a whole.
    pub async fn handle(&self, kind: Kind, instance: &str) -> Result<(), ApiError> {
        let claims = self.world.objects.claims_of_instance(instance);
        let nodes = self.world.objects.nodes_of_instance(instance);
        let mut result = Ok(());
        for claim in &claims {
            let node = nodes.first().map(|node| &**node);
            if let Err(error) = self.handle_claim(kind, claim, node).await {
                result = Err(error);
            }
        }
        result
    }

    /// Names of the claims of an instance.
    pub fn claims(&self, instance: &str) -> Vec<String> {
        let claims = self.world.objects.claims_of_instance(instance);
        let names = claims.iter().map(|claim| claim.metadata.name.clone());
        names.collect()
    }

    async fn handle_claim(
        &self,
        kind: Kind,
        claim: &NodeClaim,
        node: Option<&Node>,
    ) -> Result<(), ApiError> {
        let now = self.world.clock.now();
        let step = interruption::decide(kind, claim, self.on_rebalance, now);
        if let Some(news) = step.news {
            self.tell(news, claim, node);
        }
        if let Some(taken) = &step.taken {
            self.marks.mark(taken, kind);
        }
        match step.fate {
            Fate::Stays => {}
            Fate::Marked => self.annotate(claim, labels::REPLACE, kind.as_str()).await?,
            Fate::Deleted => self.delete(kind, claim, node).await?,
            Fate::Forced { deadline, delete } => {
                if let Some(deadline) = deadline.as_ref().map(Timestamp::to_string) {
                    self.annotate(claim, labels::TERMINATION_TIMESTAMP, &deadline)
                        .await?;
                }
                if delete {
                    self.delete(kind, claim, node).await?;
                }
            }
        }
        Ok(())
    }

    /// Deletes a claim, unless somebody does already.
    async fn delete(
        &self,
        kind: Kind,
        claim: &NodeClaim,
        node: Option<&Node>,
    ) -> Result<(), ApiError> {
        let uid = &claim.metadata.uid;
        if !lock(&self.asked).insert(uid.clone()) {
            return Ok(());
        }
        let (key, only_if) = (ObjectKey::of(claim), Preconditions::same_object(claim));
        match self.world.client.delete::<NodeClaim>(&key, &only_if).await {
            Ok(()) => {}
            Err(error) => {
                lock(&self.asked).remove(uid);
                return gone_is_fine(Err(error));
            }
        }
        tracing::info!(
            nodeclaim = claim.metadata.name,
            node = claim.status.node_name,
            reason = kind.as_str(),
            "initiating delete from interruption message"
        );
        self.tell(interruption::DELETED, claim, node);
        self.world.count_disrupted(claim, kind.as_str());
        Ok(())
    }

    async fn annotate(&self, claim: &NodeClaim, key: &str, value: &str) -> Result<(), ApiError> {
        let patch = json!({"metadata": {"annotations": {key: value}}});
        let (object, only_if) = (ObjectKey::of(claim), Preconditions::same_object(claim));
        let written = self
            .world
            .client
            .patch::<NodeClaim>(&object, patch, &only_if);
        gone_is_fine(written.await.map(drop))
    }

    fn tell(&self, news: News, claim: &NodeClaim, node: Option<&Node>) {
        let publish = |about: ObjectRef, text: &str| {
            let notice = match news.severity {
                Severity::Normal => Notice::normal(about, news.reason, text),
                Severity::Warning => Notice::warning(about, news.reason, text),
            };
            self.world.recorder.publish(notice);
        };
        publish(ObjectRef::of(claim), news.of_claim);
        if let Some(node) = node {
            publish(ObjectRef::of(node), news.of_node);
        }
    }
}

/// A claim that is gone, or in whose place there is another of its name, needs nothing any more.
fn gone_is_fine(result: Result<(), ApiError>) -> Result<(), ApiError> {
    match result {
        Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
        other => other,
    }
}

/// A panic elsewhere while the lock was held leaves a whole set.
fn lock(asked: &Mutex<BTreeSet<String>>) -> MutexGuard<'_, BTreeSet<String>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests;
