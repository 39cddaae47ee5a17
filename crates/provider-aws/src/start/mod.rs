//! The start: what is asked of AWS and of the cluster before anything else.
//!
//! What is *not* here: connecting to AWS (`sdk`), and the provider's loops ([`crate::provider`]).

mod parts;

use std::sync::Arc;

use aws::Failure;
use aws::userdata::ClusterAccess;
use model::ObjectMeta;
use runtime::{Client, Clock, Metrics, ObjectKey, Options, Recorder};
use serde::{Deserialize, Serialize};

use crate::calls::Calls;
use crate::cluster;
use crate::provider::Provider;
use crate::version::{self, Versions};
use crate::zonal_shift::ZonalShifts;

/// What the provider is made from.
pub struct Start {
    /// AWS.
    pub calls: Calls,
    /// The region.
    pub region: String,
    /// The Kubernetes API.
    pub client: Client,
    /// The time.
    pub clock: Clock,
    /// Where events go.
    pub recorder: Recorder,
    /// Where measurements go.
    pub metrics: Metrics,
    /// Settings.
    pub options: Arc<Options>,
    /// The cluster's certificates in base64, where no setting says them; empty if there are none.
    pub ca_bundle: String,
    /// Makes names differ from those of other processes.
    pub seed: u64,
}

/// Why the provider can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// EC2 can't be reached, or may not be asked.
    #[error("ec2 api connectivity check failed, {0}")]
    Connectivity(Failure),
    /// Where nodes find the API server is not known.
    #[error(
        "unable to detect the cluster endpoint, set CLUSTER_ENDPOINT or allow eks:DescribeCluster, {0}"
    )]
    Endpoint(Failure),
    /// The version of Kubernetes is not known.
    #[error(transparent)]
    Version(#[from] version::VersionError),
    /// What EC2 offers is not known.
    #[error("discovering instance types, {0}")]
    Types(Failure),
    /// The zonal shifts of the cluster are not known.
    #[error("unable to read the zonal shifts of cluster {cluster}, {failure}")]
    ZonalShift {
        /// The cluster.
        cluster: String,
        /// Why.
        failure: Failure,
    },
}

impl Start {
    /// Asks AWS what must be known before anything else, and puts the provider together.
    pub async fn start(self) -> Result<Provider, StartError> {
        self.calls
            .ec2
            .check()
            .await
            .map_err(StartError::Connectivity)?;
        let aws = &self.options.aws;
        let endpoint =
            cluster::endpoint(&*self.calls.eks, &aws.cluster_name, &aws.cluster_endpoint).await;
        let endpoint = endpoint.map_err(StartError::Endpoint)?;
        let versions = Versions::new(self.version_source());
        versions.update().await?;
        let shifts = self.zonal_shifts().await?;
        let access = ClusterAccess {
            name: aws.cluster_name.clone(),
            endpoint,
            ca_bundle: self.ca_bundle(),
            cidr: None,
            dns: self.cluster_dns().await,
        };
        let provider = self.provider(access, versions, shifts);
        provider.types.update().await.map_err(StartError::Types)?;
        Ok(provider)
    }

    fn version_source(&self) -> version::Source {
        let aws = &self.options.aws;
        if aws.eks_control_plane {
            version::Source::Eks(self.calls.eks.clone(), aws.cluster_name.clone())
        } else {
            version::Source::Server(self.client.clone())
        }
    }

    fn ca_bundle(&self) -> String {
        match self.options.aws.cluster_ca_bundle.as_str() {
            "" => self.ca_bundle.clone(),
            given => given.to_owned(),
        }
    }

    async fn zonal_shifts(&self) -> Result<ZonalShifts, StartError> {
        let aws = &self.options.aws;
        if !aws.enable_zonal_shift {
            return Ok(ZonalShifts::off());
        }
        let shifts = ZonalShifts::new(&self.calls, self.clock.clone(), &aws.cluster_name);
        match shifts.update().await {
            Ok(()) => Ok(shifts),
            Err(failure) => Err(StartError::ZonalShift {
                cluster: aws.cluster_name.clone(),
                failure,
            }),
        }
    }

    /// Address of the cluster's name service, if it has one under the usual name.
    async fn cluster_dns(&self) -> Option<String> {
        let key = ObjectKey::namespaced("kube-system", "kube-dns");
        match self.client.find::<ClusterDns>(&key).await {
            Ok(service) => service
                .map(|service| service.spec.cluster_ip)
                .filter(|address| address.parse::<std::net::IpAddr>().is_ok()),
            Err(error) => {
                tracing::debug!(%error, "unable to detect the IP of the kube-dns service");
                None
            }
        }
    }
}

/// The Service of the cluster's name service, as far as it is looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct ClusterDns {
    metadata: ObjectMeta,
    spec: ClusterDnsSpec,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct ClusterDnsSpec {
    #[serde(rename = "clusterIP")]
    cluster_ip: String,
}

model::resource!(ClusterDns, "", "v1", "Service", "services", true);

#[cfg(test)]
mod tests;
