//! The official SDK behind the traits of [`crate::calls`]: one file for each service, which turns
//! our values into requests and answers into our values.
//!
//! Credentials, regions and endpoints are found as every program of AWS finds them: environment,
//! shared files, web identity, container credentials, instance metadata. Retries are the SDK's.
//! What is *not* here: batching, caches and limits, and what answers mean (`aws`).

mod ec2;
mod eks;
mod failure;
mod iam;
mod meter;
mod operations;
mod pricing;
mod sqs;
mod ssm;
mod values;
mod zonal_shift;

use std::sync::Arc;
use std::time::Duration;

use aws::Service;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use runtime::metrics::Metrics;

use crate::calls::Calls;
use meter::Meter;

/// How long one attempt of a call may take.
const ATTEMPT: Duration = Duration::from_mins(4);

/// What the SDK is told by us. The rest it finds in its environment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our version; AWS sees it in the user agent.
    pub version: String,
    /// Where calls are counted.
    pub metrics: Metrics,
}

/// All services, and where they are.
#[derive(Clone)]
pub struct Connected {
    /// The services.
    pub calls: Calls,
    /// The region.
    pub region: String,
}

/// Why there are no services.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Neither environment nor shared files nor instance metadata name a region.
    #[error(
        "unable to determine region from IMDS: it names none, and neither do AWS_REGION, \
         AWS_DEFAULT_REGION and the shared configuration"
    )]
    NoRegion,
}

/// Finds configuration and region. No service is called yet, but instance metadata may be.
pub async fn connect(settings: &Settings) -> Result<Connected, Error> {
    connect_as(settings, aws_config::defaults(BehaviorVersion::latest())).await
}

/// The same for who knows some of it already: what `known` does not say is found.
pub async fn connect_as(settings: &Settings, known: ConfigLoader) -> Result<Connected, Error> {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT)
        .build();
    let config = known
        .http_client(http)
        .timeout_config(timeouts)
        .load()
        .await;
    let region = config.region().ok_or(Error::NoRegion)?.to_string();
    let calls = calls(settings, &config, &region);
    Ok(Connected { calls, region })
}

fn calls(settings: &Settings, config: &SdkConfig, region: &str) -> Calls {
    let meter = |service| SharedInterceptor::new(Meter::new(service, settings));
    let prices = Region::new(aws::pricing::endpoint_region(region));
    Calls {
        ec2: Arc::new(ec2::Client::new(
            aws_sdk_ec2::config::Builder::from(config)
                .interceptor(meter(Service::Ec2))
                .build(),
        )),
        eks: Arc::new(eks::Client::new(
            aws_sdk_eks::config::Builder::from(config)
                .interceptor(meter(Service::Eks))
                .build(),
        )),
        iam: Arc::new(iam::Client::new(
            aws_sdk_iam::config::Builder::from(config)
                .interceptor(meter(Service::Iam))
                .build(),
        )),
        ssm: Arc::new(ssm::Client::new(
            aws_sdk_ssm::config::Builder::from(config)
                .interceptor(meter(Service::Ssm))
                .build(),
        )),
        pricing: Arc::new(pricing::Client::new(
            aws_sdk_pricing::config::Builder::from(config)
                .region(prices)
                .interceptor(meter(Service::Pricing))
                .build(),
        )),
        sqs: Arc::new(sqs::Client::new(
            aws_sdk_sqs::config::Builder::from(config)
                .interceptor(meter(Service::Sqs))
                .build(),
        )),
        zonal_shift: Arc::new(zonal_shift::Client::new(
            aws_sdk_arczonalshift::config::Builder::from(config)
                .interceptor(meter(Service::ArcZonalShift))
                .build(),
        )),
    }
}

/// For calls that are not made again by the SDK.
fn once() -> RetryConfig {
    RetryConfig::disabled()
}
