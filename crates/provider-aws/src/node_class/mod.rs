//! The loop of node classes: what they select is looked for, whether they can be used is tried, and
//! what was made for them goes with them.
//!
//! A class is looked at when it changes, when a claim of it goes, and again after a time that what
//! it selects decides, a minute at most. What is *not* here: the searches ([`crate::discovery`])
//! and the trials ([`validation`]).

mod finalize;
mod hash;
pub mod validation;

use std::sync::Arc;
use std::time::Duration;

use api::{Ec2NodeClass, labels};
use runtime::client::Preconditions;
use runtime::queue::{Backoff, Worker, run_loop};
use runtime::{ApiError, Client, Clock, Next, ObjectKey, Queue, Recorder, Shutdown};
use serde_json::{Value, json};

use crate::discovery::Discovery;
use crate::objects::{Change, Objects};
use crate::templates::Templates;
use validation::Validation;

/// Classes that are looked at at a time.
const CONCURRENCY: usize = 10;
/// How a class is looked at again after a failure.
const BACKOFF: Backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_mins(1));

/// Whether instance profiles can be deleted: without a way to IAM they can't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileCleanup {
    /// They are deleted with their class.
    Done,
    /// They stay (`ISOLATED_VPC`).
    Skipped,
}

/// What the loop works with.
pub struct Parts {
    /// The Kubernetes API.
    pub client: Client,
    /// The time.
    pub clock: Clock,
    /// Where events go.
    pub recorder: Recorder,
    /// Classes and claims as they are.
    pub objects: Objects,
    /// Finds what classes select.
    pub discovery: Arc<Discovery>,
    /// Tries whether classes can be used.
    pub validation: Arc<Validation>,
    /// Launch templates, which go with their class.
    pub templates: Templates,
    /// Whether instance profiles go with their class.
    pub profiles: ProfileCleanup,
    /// The cluster's CA bundle in base64, which is part of a class' hash; empty if there is none.
    pub ca_bundle: String,
}

/// The loop of node classes.
pub struct NodeClasses {
    parts: Parts,
    queue: Queue<String>,
}

impl NodeClasses {
    /// It, listening to changes from now on.
    pub fn new(parts: Parts) -> Self {
        let queue = Queue::new(BACKOFF);
        let changed = queue.clone();
        parts.objects.subscribe(move |change| match change {
            Change::Class(class) => changed.add(class.name().to_owned()),
            Change::Claim(claim) if claim.after.is_none() => {
                if let Some(gone) = &claim.before {
                    changed.add(class_of(gone));
                }
            }
            Change::Claim(_) | Change::Node(_) | Change::Pool(_) => {}
        });
        Self { parts, queue }
    }

    /// Serves the queue until `shutdown`; what has begun is finished first.
    pub async fn run(&self, shutdown: Shutdown) {
        let worker = Worker {
            name: "nodeclass",
            concurrency: CONCURRENCY,
            metrics: None,
        };
        let serving = async {
            self.parts.objects.synced().await;
            run_loop(&self.queue, &worker, |name| async move {
                self.reconcile(&name).await
            })
            .await;
        };
        let stop = async {
            shutdown.wait().await;
            self.queue.shut_down();
        };
        tokio::join!(serving, stop);
    }

    /// Looks at one class.
    pub async fn reconcile(&self, name: &str) -> Next {
        let Some(class) = self.parts.objects.class(name) else {
            self.parts.validation.forget(name);
            return Next::AwaitChange;
        };
        let result = if class.metadata.is_deleting() {
            self.finalize(&class).await
        } else {
            self.update(&class).await
        };
        match result {
            Ok(next) => next,
            // The watch brings what is newer than what was seen.
            Err(Failed::Api(ApiError::Conflict(_))) => Next::After(SOON),
            Err(Failed::Api(error)) if error.is_not_found() => Next::AwaitChange,
            Err(error) => {
                tracing::error!(EC2NodeClass.name = name, %error, "reconciling a node class");
                Next::Failed
            }
        }
    }

    async fn update(&self, class: &Ec2NodeClass) -> Result<Next, Failed> {
        let class = self.metadata(class).await?;
        let mut found = class.clone();
        let outcome = self.parts.discovery.reconcile(&mut found).await;
        let validated = self.parts.validation.reconcile(&mut found).await;
        if found.status != class.status {
            let patch = json!({"status": difference(&class, &found)?});
            let only_if = Preconditions::unchanged(&class);
            let key = ObjectKey::of(&class);
            let client = &self.parts.client;
            let written = client.patch_status::<Ec2NodeClass>(&key, patch, &only_if);
            written.await?;
        }
        for error in &outcome.errors {
            let name = &class.metadata.name;
            tracing::error!(EC2NodeClass.name = name, %error, "reconciling a node class");
        }
        let again = validated?;
        if !outcome.errors.is_empty() {
            return Ok(Next::Failed);
        }
        let again = [outcome.again, again].into_iter().flatten().min();
        Ok(again.map_or(Next::AwaitChange, Next::After))
    }

    /// The class with its finalizer and the annotations of its hash.
    async fn metadata(&self, class: &Ec2NodeClass) -> Result<Ec2NodeClass, Failed> {
        let hash = class.hash(&self.parts.ca_bundle);
        self.migrate(class, &hash).await?;
        let mut metadata = serde_json::Map::new();
        let finalizer = labels::AWS_TERMINATION_FINALIZER;
        if !class.metadata.finalizers.iter().any(|one| one == finalizer) {
            let mut finalizers = class.metadata.finalizers.clone();
            finalizers.push(finalizer.to_owned());
            metadata.insert("finalizers".to_owned(), json!(finalizers));
        }
        if let Some(annotations) = hash::annotations(&class.metadata, &hash) {
            metadata.insert("annotations".to_owned(), annotations);
        }
        if metadata.is_empty() {
            return Ok(class.clone());
        }
        let patch = json!({"metadata": metadata});
        let only_if = Preconditions::unchanged(class);
        let client = &self.parts.client;
        Ok(client.patch(&ObjectKey::of(class), patch, &only_if).await?)
    }
}

/// Until a newer object is there.
const SOON: Duration = Duration::from_millis(100);

/// Why a class could not be looked at to the end.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// The API server refused or did not answer.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// AWS refused or did not answer.
    #[error("{0}")]
    Aws(#[from] aws::Failure),
    /// Several calls of AWS failed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<aws::Failure>),
    /// A trial ended in a way that no condition tells.
    #[error(transparent)]
    Trial(#[from] validation::TrialError),
    /// An object could not be written as JSON.
    #[error("encoding a status, {0}")]
    Encode(#[from] serde_json::Error),
}

fn class_of(claim: &api::NodeClaim) -> String {
    let defaults = api::ProviderDefaults::aws();
    claim.spec.node_class_ref.or_default(&defaults).name
}

/// The status as a merge patch: fields that are no longer there become null.
fn difference(before: &Ec2NodeClass, after: &Ec2NodeClass) -> Result<Value, Failed> {
    let old = serde_json::to_value(&before.status)?;
    let mut new = serde_json::to_value(&after.status)?;
    if let (Some(old), Some(new)) = (old.as_object(), new.as_object_mut()) {
        for gone in old.keys() {
            new.entry(gone.clone()).or_insert(Value::Null);
        }
        new.retain(|field, value| old.get(field) != Some(value));
    }
    Ok(new)
}

#[cfg(test)]
mod tests;
