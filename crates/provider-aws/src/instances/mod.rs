//! Instances of the cluster: found, listed, ended and tagged, and remembered.
//!
//! In a zone that is to be left nothing is touched: its instances are as they were known.
//! What is *not* here: what an instance means (`aws::instance`), and batches of calls
//! ([`crate::batch`] or whatever else is behind [`Batched`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws::ec2::{Filter, Instance, InstanceState, TerminatedInstance};
use aws::{Failure, Tags, tags};
use controllers::CloudError;
use runtime::metrics::names;

use crate::calls::Ec2;
use crate::world::World;
use crate::zonal_shift::ZonalShifts;

/// Calls about single instances, which may be gathered into few.
#[async_trait]
pub trait Batched: Send + Sync {
    /// DescribeInstances of one id: the instance, if it matches.
    async fn describe(&self, id: &str, filters: &[Filter]) -> Result<Vec<Instance>, Failure>;
    /// TerminateInstances of one id.
    async fn terminate(&self, id: &str) -> Result<Vec<TerminatedInstance>, Failure>;
}

/// A call for each.
pub struct Single(pub Arc<dyn Ec2>);

#[async_trait]
impl Batched for Single {
    async fn describe(&self, id: &str, filters: &[Filter]) -> Result<Vec<Instance>, Failure> {
        self.0.instances_by_id(&[id.to_owned()], filters).await
    }

    async fn terminate(&self, id: &str) -> Result<Vec<TerminatedInstance>, Failure> {
        self.0.terminate(&[id.to_owned()]).await
    }
}

/// How old an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// What was seen last, whenever that was.
    Known,
    /// EC2 is asked.
    Fresh,
}

/// Why something about an instance can't be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not exist (any more).
    #[error("instance {id} not found")]
    NotFound {
        /// Its id.
        id: String,
    },
    /// EC2 knows several instances with one id.
    #[error("expected a single instance with id {id}, found {count}")]
    Several {
        /// The id.
        id: String,
        /// How many.
        count: usize,
    },
    /// It is in a zone that is to be left alone.
    #[error("instance {id} is in zonally shifted availability zone {zone}, skipping {what}")]
    Shifted {
        /// Its id.
        id: String,
        /// Its zone.
        zone: String,
        /// What is not done.
        what: &'static str,
    },
    /// The call failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Error {
    /// Whether the instance does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

impl From<Error> for CloudError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NotFound { .. } => Self::NotFound(text),
            Error::Failed(failure) if failure.is_throttled() => Self::Throttled(text),
            Error::Several { .. } | Error::Shifted { .. } | Error::Failed(_) => Self::Other(text),
        }
    }
}

/// Instances. Cheap to clone; clones share what is remembered.
#[derive(Clone)]
pub struct Instances {
    world: World,
    shifts: ZonalShifts,
    batched: Arc<dyn Batched>,
    seen: Arc<Mutex<BTreeMap<String, Arc<Instance>>>>,
}

impl Instances {
    /// None are known yet.
    pub fn new(world: World, shifts: ZonalShifts, batched: Arc<dyn Batched>) -> Self {
        Self {
            world,
            shifts,
            batched,
            seen: Arc::default(),
        }
    }

    /// One instance.
    ///
    /// # Errors
    /// It does not exist, or the call failed.
    pub async fn get(&self, id: &str, freshness: Freshness) -> Result<Arc<Instance>, Error> {
        if let Some(known) = self.known(id)
            && (freshness == Freshness::Known || self.is_shifted(&known).await)
        {
            return Ok(known);
        }
        let found = match self.batched.describe(id, &[visible()]).await {
            Err(failure) if failure.is_not_found() => Vec::new(),
            other => other?,
        };
        let count = found.len();
        let mut found = found.into_iter();
        match (found.next(), count) {
            (Some(instance), 1) => {
                let instance = Arc::new(instance);
                self.seen().insert(id.to_owned(), instance.clone());
                Ok(instance)
            }
            (None, _) => {
                self.seen().remove(id);
                Err(not_found(id))
            }
            (Some(_), count) => Err(Error::Several {
                id: id.to_owned(),
                count,
            }),
        }
    }

    /// All instances of the cluster.
    ///
    /// # Errors
    /// The call failed.
    pub async fn list(&self) -> Result<Vec<Arc<Instance>>, Error> {
        let filters = [
            Filter::new("tag-key", [tags::NODEPOOL]),
            Filter::new("tag-key", [tags::NODE_CLASS]),
            Filter::new(
                format!("tag:{}", tags::CLUSTER_NAME),
                [self.world.cluster.name.as_str()],
            ),
            visible(),
        ];
        let listed = self.world.calls.ec2.instances(&filters).await?;
        let listed: Vec<Arc<Instance>> = listed.into_iter().map(Arc::new).collect();
        let shifted = self.shifts.zones().await;
        let ids: BTreeSet<&str> = listed.iter().map(|instance| instance.id.as_str()).collect();
        let mut seen = self.seen();
        seen.retain(|id, instance| {
            ids.contains(id.as_str()) || shifted.contains(self.zone_id(instance).as_str())
        });
        for instance in &listed {
            seen.insert(instance.id.clone(), instance.clone());
        }
        drop(seen);
        Ok(listed)
    }

    /// Asks for the end of an instance.
    ///
    /// # Errors
    /// It does not exist (any more), it is in a zone that is to be left alone, or the call failed.
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        let instance = self.get(id, Freshness::Fresh).await?;
        if self.is_shifted(&instance).await {
            return Err(shifted(&instance, "termination"));
        }
        if instance.state == InstanceState::ShuttingDown {
            return Ok(());
        }
        match self.batched.terminate(id).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_not_found() => {
                self.seen().remove(id);
                Err(not_found(id))
            }
            Err(failure) => {
                let labels = [instance.zone.as_str(), &self.zone_id(&instance)];
                let metrics = &self.world.metrics;
                metrics.add(&names::TERMINATION_FAILURES, &labels, 1.0);
                Err(failure.into())
            }
        }
    }

    /// Adds tags to an instance.
    ///
    /// # Errors
    /// It does not exist, it is in a zone that is to be left alone, or the call failed.
    pub async fn tag(&self, id: &str, tags: &Tags) -> Result<(), Error> {
        if let Some(known) = self.known(id)
            && self.is_shifted(&known).await
        {
            return Err(shifted(&known, "tagging"));
        }
        match self.world.calls.ec2.tag(id, tags).await {
            Ok(()) => {
                if let Some(instance) = self.seen().get_mut(id) {
                    Arc::make_mut(instance).tags.extend(tags.clone());
                }
                Ok(())
            }
            Err(failure) if failure.is_not_found() => Err(not_found(id)),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Remembers an instance that was just launched.
    pub fn note(&self, instance: Instance) {
        self.seen().insert(instance.id.clone(), Arc::new(instance));
    }

    async fn is_shifted(&self, instance: &Instance) -> bool {
        self.shifts.is_shifted(&self.zone_id(instance)).await
    }

    /// Id of an instance's zone, as EC2 or else some class knows it; empty if nobody does.
    fn zone_id(&self, instance: &Instance) -> String {
        if !instance.zone_id.is_empty() {
            return instance.zone_id.clone();
        }
        self.world
            .objects
            .zone_id(&instance.zone)
            .unwrap_or_default()
    }

    fn known(&self, id: &str) -> Option<Arc<Instance>> {
        self.seen().get(id).cloned()
    }

    /// A panic elsewhere while the lock was held leaves whole instances.
    fn seen(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Instance>>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Only those that are not terminated.
fn visible() -> Filter {
    let states = InstanceState::VISIBLE.map(InstanceState::as_str);
    Filter::new("instance-state-name", states)
}

fn not_found(id: &str) -> Error {
    Error::NotFound { id: id.to_owned() }
}

fn shifted(instance: &Instance, what: &'static str) -> Error {
    Error::Shifted {
        id: instance.id.clone(),
        zone: instance.zone.clone(),
        what,
    }
}

#[cfg(test)]
mod tests;
