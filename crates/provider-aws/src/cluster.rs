//! Facts about the cluster that EKS tells once: its endpoint and the addresses of its services.
//!
//! What is *not* here: its version, which changes ([`crate::version`]).

use std::sync::Arc;

use aws::Failure;
use tokio::sync::OnceCell;

use crate::calls::{Eks, EksCluster};

/// The URL of the API server: the one of the settings (`CLUSTER_ENDPOINT`), or else as EKS tells
/// it.
pub async fn endpoint(eks: &dyn Eks, cluster: &str, configured: &str) -> Result<String, Failure> {
    if !configured.is_empty() {
        return Ok(configured.to_owned());
    }
    Ok(eks.cluster(cluster).await?.endpoint)
}

/// The addresses of services. Asked for when they are needed first, and kept.
pub struct ServiceCidr {
    eks: Arc<dyn Eks>,
    cluster: String,
    known: OnceCell<String>,
}

/// Why the addresses of services are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// EKS did not say.
    #[error("resolving cluster CIDR, {0}")]
    Failed(#[from] Failure),
    /// EKS says that there are none.
    #[error("resolving cluster CIDR, cluster {0:?} has none")]
    Missing(String),
}

impl ServiceCidr {
    /// Those of a cluster, not asked for yet.
    pub fn new(eks: Arc<dyn Eks>, cluster: impl Into<String>) -> Self {
        Self {
            eks,
            cluster: cluster.into(),
            known: OnceCell::new(),
        }
    }

    /// The addresses, if they have been asked for.
    pub fn known(&self) -> Option<&str> {
        self.known.get().map(String::as_str)
    }

    /// The addresses.
    pub async fn resolve(&self) -> Result<&str, CidrError> {
        let ask = || async {
            let cluster = self.eks.cluster(&self.cluster).await?;
            let cidr = service_cidr(&cluster).map(str::to_owned);
            let cidr = cidr.ok_or_else(|| CidrError::Missing(self.cluster.clone()))?;
            tracing::debug!(cidr, "discovered cluster CIDR");
            Ok(cidr)
        };
        self.known.get_or_try_init(ask).await.map(String::as_str)
    }
}

/// Those of version 4 of the protocol, or else those of version 6.
fn service_cidr(cluster: &EksCluster) -> Option<&str> {
    let both = [&cluster.service_ipv4_cidr, &cluster.service_ipv6_cidr];
    both.into_iter()
        .map(String::as_str)
        .find(|cidr| !cidr.is_empty())
}

#[cfg(test)]
mod tests;
