//! Finding the API server: an explicit kubeconfig, `KUBECONFIG`, or the service account of a pod.

use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kube::config::{KubeConfigOptions, Kubeconfig};

use super::Client;

/// Where the API server's address and credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `KUBECONFIG` or `~/.kube/config` if there is one, else the pod's service account.
    Infer,
    /// A kubeconfig file, and the context in it; `None` for the current context.
    File {
        /// The file.
        path: PathBuf,
        /// The context.
        context: Option<String>,
    },
    /// The pod's service account.
    InCluster,
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig file can't be used.
    #[error("reading kubeconfig {path}, {cause}")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// Neither a kubeconfig nor a service account was found.
    #[error(
        "no cluster to connect to, {0}; set KUBECONFIG, pass --kubeconfig FILE, or run in a pod"
    )]
    NotFound(String),
    /// The credentials or certificates can't be used.
    #[error("preparing the connection, {0}")]
    Client(String),
}

/// Where a pod finds the certificates of the API server.
const POD_CA_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";

impl Source {
    /// The certificates that the API server is trusted by, as a kubeconfig says them: PEM in
    /// base64. Empty if none are named or they can't be read; connecting then says why.
    pub fn ca_bundle(&self) -> String {
        let of_pod = || {
            std::fs::read(POD_CA_FILE)
                .ok()
                .map(|pem| BASE64_STANDARD.encode(pem))
        };
        let found = match self {
            Self::InCluster => of_pod(),
            Self::File { path, context } => {
                let file = Kubeconfig::read_from(path).ok();
                file.and_then(|file| ca_of(&file, context.as_deref()))
            }
            Self::Infer => match Kubeconfig::read() {
                Ok(file) => ca_of(&file, None),
                Err(_) => of_pod(),
            },
        };
        found.unwrap_or_default()
    }
}

/// The certificates of the cluster of a context; of the current one, if none is named.
fn ca_of(file: &Kubeconfig, context: Option<&str>) -> Option<String> {
    let context = context.or(file.current_context.as_deref())?;
    let mut contexts = file.contexts.iter();
    let context = contexts.find(|one| one.name == context)?;
    let name = &context.context.as_ref()?.cluster;
    let mut clusters = file.clusters.iter();
    let cluster = clusters.find(|one| one.name == *name)?.cluster.as_ref()?;
    if let Some(data) = &cluster.certificate_authority_data {
        return Some(data.split_whitespace().collect());
    }
    let path = cluster.certificate_authority.as_ref()?;
    let pem = std::fs::read(path).ok()?;
    Some(BASE64_STANDARD.encode(pem))
}

impl Client {
    /// Prepares a connection; nothing is sent yet. A process that calls this over TLS has installed
    /// its rustls provider.
    pub async fn connect(source: &Source, user_agent: &str) -> Result<Self, ConnectError> {
        let mut config = config(source).await?;
        // Repetition is ours: it must follow the world's clock and the verb.
        config.default_retry = false;
        let agent = http::HeaderValue::from_str(user_agent)
            .map_err(|cause| ConnectError::Client(cause.to_string()))?;
        config.headers.push((http::header::USER_AGENT, agent));
        // Watches are idle for minutes; their time limit is the watcher's.
        config.read_timeout = None;
        let http = kube::Client::try_from(config)
            .map_err(|cause| ConnectError::Client(cause.to_string()))?;
        Ok(Self::from_kube(http))
    }
}

async fn config(source: &Source) -> Result<kube::Config, ConnectError> {
    match source {
        Source::Infer => kube::Config::infer()
            .await
            .map_err(|cause| ConnectError::NotFound(cause.to_string())),
        Source::InCluster => {
            kube::Config::incluster().map_err(|cause| ConnectError::NotFound(cause.to_string()))
        }
        Source::File { path, context } => {
            let failed = |cause: kube::config::KubeconfigError| ConnectError::Kubeconfig {
                path: path.clone(),
                cause: cause.to_string(),
            };
            let file = Kubeconfig::read_from(path).map_err(failed)?;
            let options = KubeConfigOptions {
                context: context.clone(),
                ..Default::default()
            };
            kube::Config::from_custom_kubeconfig(file, &options)
                .await
                .map_err(failed)
        }
    }
}
