//! The Kubernetes version of the cluster, from EKS or from the API server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws::Failure;
use aws::version::{Incompatible, KubernetesVersion};
use runtime::Client;
use runtime::client::ApiError;

use crate::calls::Eks;

/// How often the version is asked for.
const INTERVAL: Duration = Duration::from_mins(5);

/// Who knows the version.
#[derive(Clone)]
pub enum Source {
    /// EKS, of a cluster by name (`EKS_CONTROL_PLANE`).
    Eks(Arc<dyn Eks>, String),
    /// The API server.
    Server(Client),
}

/// The version as it was told last. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Versions {
    source: Source,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    version: KubernetesVersion,
    checked: Option<KubernetesVersion>,
}

/// Why the version is not known, or no good.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// EKS did not say.
    #[error("getting kubernetes version, {0}")]
    Eks(#[from] Failure),
    /// The API server did not say.
    #[error("getting kubernetes version, {0}")]
    Server(#[from] ApiError),
    /// It is not supported.
    #[error(transparent)]
    Incompatible(#[from] Incompatible),
}

impl Versions {
    /// Not known yet: [`Versions::update`] asks.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            state: Arc::default(),
        }
    }

    /// The version as it was told last.
    pub fn get(&self) -> KubernetesVersion {
        self.state().version.clone()
    }

    /// Asks for the version. If there is no answer, the one before stays.
    pub async fn update(&self) -> Result<KubernetesVersion, VersionError> {
        let version = match &self.source {
            Source::Eks(eks, cluster) => {
                KubernetesVersion::new(eks.cluster(cluster).await?.version)
            }
            Source::Server(client) => {
                let version = client.server_version().await?;
                KubernetesVersion::of_server(&version.major, &version.minor)
            }
        };
        self.state().version = version.clone();
        Ok(version)
    }

    /// Asks for the version; a new one that is not supported is told once.
    pub async fn refresh(&self) -> Result<(), VersionError> {
        let version = self.update().await?;
        if self.state().checked.replace(version.clone()) == Some(version.clone()) {
            return Ok(());
        }
        tracing::debug!(%version, "discovered kubernetes version");
        Ok(version.check()?)
    }

    /// One round of the loop `providers.version`. Says when the next one is due.
    pub async fn round(&self) -> Result<Duration, VersionError> {
        self.refresh().await.map(|()| INTERVAL)
    }

    /// Changes are single assignments, so a panic elsewhere while the lock was held does no harm.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
