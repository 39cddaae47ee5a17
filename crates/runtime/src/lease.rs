//! Leader election by a Lease, in the manner of Kubernetes' own controllers.
//!
//! A lease is taken or renewed by an update that carries the resource version it was read with, so
//! two candidates can't both win. Whether somebody else's lease has run out is judged by when
//! *this* process last saw it change, never by comparing clocks.
//!
//! What is *not* here: what a leader does. Losing the lease must end its work at once; a clean stop
//! releases the lease when the work is done, so that a standby takes over within a second.

mod record;

use std::time::Duration;

use tokio::{sync::watch, task::JoinHandle, time::Instant};

pub use record::{Lease, LeaseSpec};
use record::{Observed, Step, decide};

use crate::{
    client::{ApiError, Client, ObjectKey},
    clock::Clock,
    metrics::{Metrics, names},
    shutdown::Shutdown,
};

/// Which lease, on whose behalf, and how fast.
#[derive(Clone, Debug)]
pub struct Config {
    /// The Lease's name.
    pub name: String,
    /// The Lease's namespace.
    pub namespace: String,
    /// Who we are: unique per process, such as `<hostname>_<uuid>`.
    pub identity: String,
    /// How long a lease is good after its last renewal.
    pub duration: Duration,
    /// How long renewals may fail before we step down; shorter than `duration`.
    pub renew_deadline: Duration,
    /// Time between renewals.
    pub renew_period: Duration,
    /// Time between looks at a lease that somebody else holds.
    pub poll_period: Duration,
    /// Where leadership is shown.
    pub metrics: Option<Metrics>,
}

impl Config {
    /// The durations that Kubernetes' controllers use: 15 s, 10 s, 2 s; a standby looks every
    /// second.
    pub fn standard(
        name: impl Into<String>,
        namespace: impl Into<String>,
        identity: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            namespace: namespace.into(),
            identity: identity.into(),
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            renew_period: Duration::from_secs(2),
            poll_period: Duration::from_secs(1),
            metrics: None,
        }
    }
}

/// Whether we lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leadership {
    /// Somebody else does, or nobody yet.
    Waiting,
    /// We do.
    Leading,
    /// We did, and could not renew in time: stop working at once.
    Lost,
    /// We did, and gave it back.
    Released,
}

/// A candidacy that runs on a task of its own.
#[derive(Debug)]
pub struct Election {
    status: watch::Receiver<Leadership>,
    task: JoinHandle<()>,
}

impl Election {
    /// Starts to run for the lease. Triggering `release` ends the candidacy, giving the lease back
    /// if we hold it: trigger it when the work that leadership protects has stopped.
    pub fn start(client: Client, clock: Clock, config: Config, release: Shutdown) -> Self {
        let (sender, status) = watch::channel(Leadership::Waiting);
        let candidate = Candidate {
            client,
            clock,
            config,
            observed: None,
        };
        let task = tokio::spawn(candidate.run(sender, release));
        Self { status, task }
    }

    /// Whether we lead now.
    pub fn leadership(&self) -> Leadership {
        *self.status.borrow()
    }

    /// Changes of leadership.
    pub fn watch(&self) -> watch::Receiver<Leadership> {
        self.status.clone()
    }

    /// Completes when we lead. `false` when the candidacy ended before.
    pub async fn elected(&mut self) -> bool {
        let status = self
            .status
            .wait_for(|status| *status != Leadership::Waiting)
            .await;
        status.is_ok_and(|status| *status == Leadership::Leading)
    }

    /// Completes when leadership was lost against our will; never otherwise.
    pub async fn lost(&mut self) {
        if self
            .status
            .wait_for(|status| *status == Leadership::Lost)
            .await
            .is_err()
        {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for the end of the candidacy.
    pub async fn ended(self) {
        // The task can only fail by a panic of ours, which has been reported where it happened.
        let _ = self.task.await;
    }
}

struct Candidate {
    client: Client,
    clock: Clock,
    config: Config,
    observed: Option<Observed>,
}

impl Candidate {
    async fn run(mut self, status: watch::Sender<Leadership>, release: Shutdown) {
        self.show(0.0);
        if release.or_stop(self.acquire()).await.is_none() {
            return;
        }
        tracing::info!(
            lease = self.config.name,
            identity = self.config.identity,
            "became leader"
        );
        self.show(1.0);
        status.send_replace(Leadership::Leading);
        let lost = release.or_stop(self.keep()).await.is_some();
        if lost {
            tracing::error!(lease = self.config.name, "lost the lease");
            status.send_replace(Leadership::Lost);
        } else {
            self.release().await;
            status.send_replace(Leadership::Released);
        }
        self.show(0.0);
    }

    /// Looks at the lease until it is ours.
    async fn acquire(&mut self) {
        loop {
            match self.attempt().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "taking the lease"),
            }
            // Not to come a whole period late when the holder is gone.
            let left = self.observed.as_ref().map(|seen| seen.left(Instant::now()));
            let wait = left
                .filter(|left| !left.is_zero())
                .unwrap_or(self.config.poll_period);
            tokio::time::sleep(wait.min(self.config.poll_period)).await;
        }
    }

    /// Renews until that has failed for too long.
    async fn keep(&mut self) {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep_until(
                (renewed + self.config.renew_deadline)
                    .min(Instant::now() + self.config.renew_period),
            )
            .await;
            let left = self.config.renew_deadline.saturating_sub(renewed.elapsed());
            if left.is_zero() {
                return;
            }
            let began = Instant::now();
            match tokio::time::timeout(left, self.attempt()).await {
                Ok(Ok(true)) => renewed = began,
                Ok(Ok(false)) if self.held_by_other() => return,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => tracing::warn!(%error, "renewing the lease"),
                Err(_elapsed) => return,
            }
        }
    }

    /// One look at the lease, and an update if it is ours to take or renew. Whether we hold it now.
    async fn attempt(&mut self) -> Result<bool, ApiError> {
        let key = ObjectKey::namespaced(&self.config.namespace, &self.config.name);
        let lease: Option<Lease> = self.client.find(&key).await?;
        let Some(lease) = lease else {
            let fresh = record::fresh(&self.config, self.clock.now());
            return self.written(self.client.create(&fresh).await);
        };
        let observed = Observed::see(self.observed.take(), lease, Instant::now());
        let step = decide(&observed, &self.config, Instant::now());
        let next = match step {
            Step::Wait => None,
            Step::Take => Some(record::taken(
                &observed.lease,
                &self.config,
                self.clock.now(),
            )),
            Step::Renew => Some(record::renewed(
                &observed.lease,
                &self.config,
                self.clock.now(),
            )),
        };
        self.observed = Some(observed);
        match next {
            None => Ok(false),
            Some(lease) => self.written(self.client.replace(&lease).await),
        }
    }

    fn written(&mut self, result: Result<Lease, ApiError>) -> Result<bool, ApiError> {
        match result {
            Ok(lease) => {
                self.observed = Some(Observed::see(None, lease, Instant::now()));
                Ok(true)
            }
            // Somebody was faster; the next look shows who.
            Err(ApiError::Conflict(_) | ApiError::AlreadyExists(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn held_by_other(&self) -> bool {
        self.observed.as_ref().is_some_and(|seen| {
            !seen.lease.spec.holder().is_empty() && seen.lease.spec.holder() != self.config.identity
        })
    }

    /// Gives the lease back, if it is still ours.
    async fn release(&mut self) {
        let key = ObjectKey::namespaced(&self.config.namespace, &self.config.name);
        let given_back = async {
            let lease: Lease = self.client.get(&key).await?;
            if lease.spec.holder() == self.config.identity {
                self.client
                    .replace(&record::released(&lease, self.clock.now()))
                    .await?;
            }
            Ok::<_, ApiError>(())
        };
        match tokio::time::timeout(self.config.renew_deadline, given_back).await {
            Ok(Ok(())) => tracing::info!(lease = self.config.name, "released the lease"),
            Ok(Err(error)) => tracing::warn!(%error, "releasing the lease"),
            Err(_elapsed) => tracing::warn!("releasing the lease took too long"),
        }
    }

    fn show(&self, leading: f64) {
        if let Some(metrics) = &self.config.metrics {
            metrics.set(&names::LEADER, &[&self.config.name], leading);
        }
    }
}

#[cfg(test)]
mod tests;
