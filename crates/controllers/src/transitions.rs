//! Changes of conditions and finalizers as they are seen, whoever made them: events of the object,
//! and the `operator_*` metrics of its kind.
//!
//! What is *not* here: how long a condition has lasted so far, which would have to be measured all
//! the time.

use std::collections::BTreeMap;

use api::condition::{self, Condition};
use api::{NodeClaim, NodePool};
use model::k8s::{Node, Resource};
use runtime::Notice;
use runtime::metrics::names::{CONDITIONS, ConditionMetrics};
use runtime::recorder::ObjectRef;
use runtime::watch::Event as Watched;

use crate::shared::Shared;

/// A kind whose conditions are worth telling.
pub(crate) trait Told: Resource {
    /// Its conditions, with those that `Ready` depends on as unknown where they are missing.
    fn told(&self) -> Vec<Condition>;
}

impl Told for NodeClaim {
    fn told(&self) -> Vec<Condition> {
        let mut conditions = self.status.conditions.clone();
        let created = self.metadata.creation_timestamp.unwrap_or_default();
        condition::initialize(&mut conditions, &self.subject(created));
        conditions
    }
}

impl Told for NodePool {
    fn told(&self) -> Vec<Condition> {
        let mut conditions = self.status.conditions.clone();
        let created = self.metadata.creation_timestamp.unwrap_or_default();
        condition::initialize(&mut conditions, &self.subject(created));
        conditions
    }
}

impl Told for Node {
    /// Those of nodes that belong to a pool.
    fn told(&self) -> Vec<Condition> {
        if !self.metadata.labels.contains_key(api::labels::NODEPOOL) {
            return Vec::new();
        }
        let conditions = self.status.conditions.iter();
        let told = conditions.map(|held| Condition {
            r#type: held.r#type.clone(),
            status: held.status.clone(),
            reason: held.reason.clone(),
            message: held.message.clone(),
            last_transition_time: held.last_transition_time,
            observed_generation: 0,
        });
        told.collect()
    }
}

/// What has been seen of the objects of one kind.
#[derive(Default)]
pub(crate) struct Transitions {
    seen: BTreeMap<String, Seen>,
}

/// What has been seen of one object.
#[derive(Default)]
struct Seen {
    conditions: Vec<Condition>,
    finalizers: Vec<String>,
}

impl Transitions {
    /// Takes in what a watch says, and tells what has changed. An object that is seen for the first
    /// time has not changed.
    pub(crate) fn note<T: Told>(&mut self, shared: &Shared, watched: &Watched<T>) {
        match watched {
            Watched::Reset(list) => {
                let there = list.iter().map(|object| object.meta().name.as_str());
                let there: std::collections::BTreeSet<&str> = there.collect();
                let gone = self
                    .seen
                    .keys()
                    .filter(|name| !there.contains(name.as_str()));
                for name in gone.cloned().collect::<Vec<_>>() {
                    self.forget::<T>(shared, &name);
                }
                for object in list {
                    self.look(shared, object);
                }
            }
            Watched::Applied(object) => self.look(shared, object),
            Watched::Deleted(object) => {
                self.look(shared, object);
                let meta = object.meta();
                if let (Some(metrics), Some(deleted)) = (of::<T>(), meta.deletion_timestamp) {
                    let took = shared.now().since(deleted).as_secs_f64();
                    shared
                        .world
                        .metrics
                        .observe(&metrics.termination_seconds, &[], took);
                }
                self.forget::<T>(shared, &meta.name);
            }
        }
    }

    fn forget<T: Told>(&mut self, shared: &Shared, name: &str) {
        self.seen.remove(name);
        if let Some(metrics) = of::<T>() {
            shared
                .world
                .metrics
                .remove(&metrics.count, &[("name", name)]);
        }
    }

    fn look<T: Told>(&mut self, shared: &Shared, object: &T) {
        let meta = object.meta();
        let known = self.seen.contains_key(&meta.name);
        let seen = self.seen.entry(meta.name.clone()).or_default();
        for finalizer in seen
            .finalizers
            .iter()
            .filter(|held| !meta.has_finalizer(held))
        {
            publish(
                shared,
                object,
                "Finalized",
                format!("Finalized {finalizer}"),
            );
        }
        seen.finalizers.clone_from(&meta.finalizers);
        let conditions = object.told();
        let same = seen.conditions.len() == conditions.len()
            && conditions.iter().all(|now| {
                condition::find(&seen.conditions, &now.r#type)
                    .is_some_and(|held| (&held.status, &held.reason) == (&now.status, &now.reason))
            });
        if same {
            return;
        }
        for now in &conditions {
            let before = condition::find(&seen.conditions, &now.r#type);
            if before.is_none_or(|held| held.status != now.status) {
                transition(shared, object, before.filter(|_| known), now);
            }
        }
        count(shared, object, &conditions);
        seen.conditions = conditions;
    }
}

/// A condition has another status than before, or is new.
fn transition<T: Told>(shared: &Shared, object: &T, before: Option<&Condition>, now: &Condition) {
    let metrics = of::<T>();
    if let Some(metrics) = metrics {
        let labels = [&*now.r#type, &now.status, &now.reason];
        shared.world.metrics.add(&metrics.transitions, &labels, 1.0);
    }
    let Some(before) = before else { return };
    let times = (before.last_transition_time, now.last_transition_time);
    if let (Some(metrics), (Some(from), Some(to))) = (metrics, times) {
        let (took, labels) = (to.since(from).as_secs_f64(), [&*now.r#type, &before.status]);
        shared
            .world
            .metrics
            .observe(&metrics.transition_seconds, &labels, took);
    }
    let mut message = format!(
        "Status condition transitioned, Type: {}, Status: {} -> {}, Reason: {}",
        now.r#type, before.status, now.status, now.reason
    );
    if !now.message.is_empty() {
        message.push_str(", Message: ");
        message.push_str(&now.message);
    }
    publish(shared, object, &now.r#type, message);
}

fn publish<T: Told>(shared: &Shared, object: &T, reason: &str, message: String) {
    let notice = Notice::normal(ObjectRef::of(object), reason.to_owned(), message).always();
    shared.world.recorder.publish(notice);
}

/// Shows one for each condition with its present status and reason.
fn count<T: Told>(shared: &Shared, object: &T, conditions: &[Condition]) {
    let Some(metrics) = of::<T>() else { return };
    let name = object.meta().name.as_str();
    shared
        .world
        .metrics
        .remove(&metrics.count, &[("name", name)]);
    for now in conditions {
        let labels = [
            object.meta().namespace(),
            name,
            &now.r#type,
            &now.status,
            &now.reason,
        ];
        shared.world.metrics.set(&metrics.count, &labels, 1.0);
    }
}

fn of<T: Resource>() -> Option<&'static ConditionMetrics> {
    CONDITIONS.iter().find(|metrics| metrics.kind == T::KIND)
}
