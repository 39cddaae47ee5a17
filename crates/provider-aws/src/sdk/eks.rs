//! EKS.

use async_trait::async_trait;
use aws::Failure;

use super::failure::OrFailure;
use super::values::text;
use crate::calls::{Eks, EksCluster};

/// EKS by the SDK.
pub(super) struct Client(aws_sdk_eks::Client);

impl Client {
    pub(super) fn new(config: aws_sdk_eks::Config) -> Self {
        Self(aws_sdk_eks::Client::from_conf(config))
    }
}

#[async_trait]
impl Eks for Client {
    async fn cluster(&self, name: &str) -> Result<EksCluster, Failure> {
        let call = self.0.describe_cluster().name(name);
        let output = call.send().await.or_failure()?;
        let Some(cluster) = output.cluster else {
            return Ok(EksCluster::default());
        };
        let network = cluster.kubernetes_network_config;
        Ok(EksCluster {
            arn: text(cluster.arn),
            endpoint: text(cluster.endpoint),
            version: text(cluster.version),
            service_ipv4_cidr: text(network.as_ref().and_then(|n| n.service_ipv4_cidr())),
            service_ipv6_cidr: text(network.as_ref().and_then(|n| n.service_ipv6_cidr())),
        })
    }
}
