//! The cloud that the settings name, put together for one term of leadership.
//!
//! What is *not* here: the clouds themselves (`provider-*`).

use std::sync::Arc;

use anyhow::Context;
use controllers::CloudProvider;
use provider_kwok::{Kwok, load_catalog};
use runtime::options::{Options, Provider};
use runtime::{Client, Clock, Metrics, Recorder, Shutdown};

use crate::start::VERSION;

/// What a cloud needs before anybody leads: connections that outlast terms.
pub(crate) enum Connection {
    /// Nothing: nodes are objects.
    Kwok,
    /// AWS, and the certificates that nodes trust the API server by.
    Aws {
        /// The services, and where they are.
        connected: Box<provider_aws::sdk::Connected>,
        /// In base64; empty if there are none.
        ca_bundle: String,
    },
}

/// What a term works with.
pub(crate) struct Term<'a> {
    pub(crate) client: &'a Client,
    pub(crate) clock: &'a Clock,
    pub(crate) recorder: &'a Recorder,
    pub(crate) metrics: &'a Metrics,
    pub(crate) options: &'a Arc<Options>,
    pub(crate) seed: u64,
}

/// A cloud with loops of its own.
pub(crate) enum Cloud {
    Kwok(Arc<Kwok>),
    Aws(Box<provider_aws::provider::Provider>),
}

impl Connection {
    /// Finds out how the cloud is called.
    pub(crate) async fn find(
        options: &Options,
        metrics: &Metrics,
        ca_bundle: String,
    ) -> anyhow::Result<Self> {
        match options.provider {
            Provider::Kwok => Ok(Self::Kwok),
            Provider::Aws => {
                let settings = provider_aws::sdk::Settings {
                    version: VERSION.to_owned(),
                    metrics: metrics.clone(),
                };
                let connected = provider_aws::sdk::connect(&settings).await;
                let connected = Box::new(connected.context("connecting to AWS")?);
                tracing::debug!(region = connected.region, "discovered region");
                Ok(Self::Aws {
                    connected,
                    ca_bundle,
                })
            }
        }
    }

    /// The cloud for a term.
    pub(crate) async fn cloud(&self, term: Term<'_>) -> anyhow::Result<Cloud> {
        match self {
            Self::Kwok => {
                let catalog = load_catalog(&term.options.kwok.instance_types_file_path);
                let kwok = Kwok::new(term.client.clone(), term.clock.clone(), catalog);
                Ok(Cloud::Kwok(Arc::new(kwok)))
            }
            Self::Aws {
                connected,
                ca_bundle,
            } => {
                let start = provider_aws::start::Start {
                    calls: connected.calls.clone(),
                    region: connected.region.clone(),
                    client: term.client.clone(),
                    clock: term.clock.clone(),
                    recorder: term.recorder.clone(),
                    metrics: term.metrics.clone(),
                    options: term.options.clone(),
                    ca_bundle: ca_bundle.clone(),
                    seed: term.seed,
                };
                let provider = Box::pin(start.start())
                    .await
                    .context("starting the AWS provider")?;
                Ok(Cloud::Aws(Box::new(provider)))
            }
        }
    }
}

impl Cloud {
    /// The cloud as the loops call it.
    pub(crate) fn provider(&self) -> Arc<dyn CloudProvider> {
        match self {
            Self::Kwok(kwok) => kwok.clone(),
            Self::Aws(aws) => aws.cloud(),
        }
    }

    /// Waits until what it answers from has been read, which [`Cloud::run`] does.
    pub(crate) async fn synced(&self) {
        match self {
            Self::Kwok(_) => (),
            Self::Aws(aws) => aws.synced().await,
        }
    }

    /// Its own loops, until `shutdown`.
    pub(crate) async fn run(&self, shutdown: Shutdown) {
        match self {
            Self::Kwok(kwok) => kwok.run(shutdown).await,
            Self::Aws(aws) => aws.run(shutdown).await,
        }
    }
}
