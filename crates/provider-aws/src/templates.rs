//! Launch templates in EC2: made when a launch needs them, deleted when none has for a while.
//!
//! A template is kept for as long as it is used once a minute. What is *not* here: what is in a
//! template and how it is named (`aws::template`).

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use api::Ec2NodeClass;
use aws::ec2::{Filter, LaunchTemplate, StoredTemplate, TemplateKey};
use aws::tags::{CLUSTER_NAME, NODE_CLASS};
use aws::{Failure, Operation};
use runtime::Clock;
use runtime::metrics::{Metrics, names};
use tokio::sync::{Mutex, Semaphore};

use crate::cache::Cache;
use crate::calls::Ec2;

/// For how long a template stays that is not used.
pub const UNUSED: Duration = Duration::from_mins(1);
/// How often it is looked for templates that are no longer used.
pub const SWEEP: Duration = Duration::from_mins(1);
/// How many templates are looked for and made at a time. EC2 lets an account read a hundred
/// times at once, and others read too.
const MAKERS: usize = 10;

/// The launch templates of a cluster. Cheap to clone.
#[derive(Clone)]
pub struct Templates {
    ec2: Arc<dyn Ec2>,
    cluster: Arc<str>,
    clock: Clock,
    metrics: Metrics,
    /// By name.
    known: Arc<Cache<String, StoredTemplate>>,
    /// Held by whoever looks for a template, makes or deletes it, so that nobody else does. By
    /// name.
    busy: Arc<std::sync::Mutex<BTreeMap<String, Weak<Mutex<()>>>>>,
    /// Taken by whoever looks for and makes one.
    makers: Arc<Semaphore>,
}

impl Templates {
    /// None are known yet.
    pub fn new(ec2: Arc<dyn Ec2>, cluster: &str, clock: Clock, metrics: Metrics) -> Self {
        Self {
            ec2,
            cluster: cluster.into(),
            known: Arc::new(Cache::new(clock.clone(), UNUSED)),
            clock,
            metrics,
            busy: Arc::default(),
            makers: Arc::new(Semaphore::new(MAKERS)),
        }
    }

    /// Sees to it that all of these are in EC2. `user_data` is the size of the user data of each,
    /// before its encoding.
    pub async fn ensure(
        &self,
        class: &str,
        templates: &[(LaunchTemplate, usize)],
    ) -> Result<(), Failure> {
        for (template, user_data) in templates {
            let name = &template.name;
            if self.known.get_and_extend(name).is_some() {
                continue;
            }
            let busy = self.busy(name);
            let _busy = busy.lock().await;
            if self.known.get_and_extend(name).is_some() {
                continue;
            }
            // Never closed, so there always is a permit in the end.
            let _maker = self.makers.acquire().await;
            let stored = match self.find(name).await? {
                Some(stored) => stored,
                None => self.make(class, template, *user_data).await?,
            };
            self.known.put(name.clone(), stored);
        }
        Ok(())
    }

    /// The lock of a name. Those that nobody holds any more are forgotten.
    fn busy(&self, name: &str) -> Arc<Mutex<()>> {
        let mut all = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(busy) = all.get(name).and_then(Weak::upgrade) {
            return busy;
        }
        all.retain(|_, busy| busy.strong_count() > 0);
        let busy = Arc::default();
        all.insert(name.to_owned(), Arc::downgrade(&busy));
        busy
    }

    async fn find(&self, name: &str) -> Result<Option<StoredTemplate>, Failure> {
        match self.ec2.launch_template(name).await {
            Ok(found) => match <[StoredTemplate; 1]>::try_from(found) {
                Ok([one]) => Ok(Some(one)),
                Err(other) => {
                    let text = format!("expected one launch template, found {}", other.len());
                    let operation = Operation::DescribeLaunchTemplates;
                    Err(Failure::new(operation, "", &text))
                }
            },
            Err(failure) if failure.is_launch_template_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn make(
        &self,
        class: &str,
        template: &LaunchTemplate,
        user_data: usize,
    ) -> Result<StoredTemplate, Failure> {
        let size = user_data as f64;
        self.metrics.set(&names::USERDATA_BYTES, &[class], size);
        if user_data >= aws::template::USER_DATA_WARNING {
            tracing::warn!(
                class,
                bytes = user_data,
                limit = aws::template::USER_DATA_LIMIT,
                "user data is nearly as large as EC2 takes"
            );
        }
        match self.ec2.create_launch_template(template).await {
            // Somebody else was faster, or EC2 did not show yet what is there.
            Err(failure) if failure.is_already_exists() => {
                self.find(&template.name).await?.ok_or(failure)
            }
            made => made,
        }
    }

    /// EC2 does not have a template of this name, whatever was known.
    pub fn invalidate(&self, name: &str) {
        self.known.remove(&name.to_owned());
    }

    /// Takes on the templates that an earlier process has left, so that they go when nothing uses
    /// them. Once after this process has become the leader.
    pub async fn hydrate(&self) {
        let filters = [self.of_cluster()];
        match self.ec2.launch_templates(&filters).await {
            Ok(found) => {
                for stored in found {
                    if self.known.get(&stored.name).is_none() {
                        self.known.put(stored.name.clone(), stored);
                    }
                }
            }
            Err(failure) => tracing::error!(%failure, "launch templates could not be listed"),
        }
    }

    /// Deletes what nothing has used for a while. What fails is not tried again by this process.
    pub async fn sweep(&self) {
        for (name, stored) in self.known.sweep() {
            let busy = self.busy(&name);
            let _busy = busy.lock().await;
            if self.known.get(&name).is_some() {
                continue;
            }
            match self.delete(TemplateKey::Id(stored.id)).await {
                Ok(()) => tracing::debug!(name, "deleted launch template"),
                Err(failure) => {
                    tracing::error!(%failure, name, "launch template could not be deleted");
                }
            }
        }
    }

    async fn delete(&self, key: TemplateKey) -> Result<(), Failure> {
        match self.ec2.delete_launch_template(&key).await {
            Err(failure) if failure.is_not_found() => Ok(()),
            result => result,
        }
    }

    /// Takes on what is left and sweeps every minute, for as long as this process is the leader.
    pub async fn run(&self) {
        self.hydrate().await;
        loop {
            self.clock.sleep(SWEEP).await;
            self.sweep().await;
        }
    }

    /// Deletes all templates of a node class that goes; all failures.
    pub async fn delete_all(&self, class: &Ec2NodeClass) -> Result<(), Vec<Failure>> {
        let name = class.metadata.name.as_str();
        self.metrics
            .remove(&names::USERDATA_BYTES, &[("nodeclass", name)]);
        let of_class = Filter::new(format!("tag:{NODE_CLASS}"), [name]);
        let filters = [self.of_cluster(), of_class];
        let found = self
            .ec2
            .launch_templates(&filters)
            .await
            .map_err(|failure| vec![failure])?;
        let mut failures = Vec::new();
        for stored in found {
            let key = TemplateKey::Name(stored.name.clone());
            match self.ec2.delete_launch_template(&key).await {
                Ok(()) => self.invalidate(&stored.name),
                Err(failure) => failures.push(failure),
            }
        }
        if failures.is_empty() {
            Ok(())
        } else {
            Err(failures)
        }
    }

    fn of_cluster(&self) -> Filter {
        Filter::new(format!("tag:{CLUSTER_NAME}"), [&*self.cluster])
    }
}

#[cfg(test)]
mod tests;
