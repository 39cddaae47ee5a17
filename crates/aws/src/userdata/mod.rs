//! User data: what makes an instance join the cluster, together with what the class's owner wants
//! to happen before.
//!
//! One file for each thing that images read: a shell script (AL2, Ubuntu), a `NodeConfig` (AL2023),
//! settings (Bottlerocket), PowerShell (Windows). What is *not* here: which kubelet settings are
//! allowed and what their expressions come to (`kubelet`), and launch templates.

mod bottlerocket;
mod decode;
mod flags;
mod mime;
mod node;
mod node_config;
mod script;
mod windows;

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use catalog::ec2::{AmiFamily, InstanceStore};
use model::k8s::Taint;

use crate::kubelet::Resolved;

pub use bottlerocket::{binds_by_default, version_of};
pub use mime::MimeError;
pub use node::{labels, taints};

/// The cluster that instances join.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClusterAccess {
    /// Its name.
    pub name: String,
    /// Address of its API server, with scheme.
    pub endpoint: String,
    /// Certificates of its API server in base64; empty: not known.
    pub ca_bundle: String,
    /// Addresses of its services; AL2023 needs it.
    pub cidr: Option<String>,
    /// Address of its name service, for kubelets that are told none.
    pub dns: Option<String>,
}

/// All that user data depends on: equal inputs give equal user data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Input {
    /// Family of the image.
    pub family: AmiFamily,
    /// The cluster.
    pub cluster: ClusterAccess,
    /// Labels that the node registers with, as [`labels`] gives them.
    pub labels: BTreeMap<String, String>,
    /// Taints that the node registers with, as [`taints`] gives them.
    pub taints: Vec<Taint>,
    /// Settings of the kubelet.
    pub kubelet: Resolved,
    /// `userData` of the class.
    pub custom: Option<String>,
    /// What local disks are for.
    pub instance_store: InstanceStore,
    /// Version of the image, for Bottlerocket, as [`version_of`] gives it; empty: not known.
    pub image_version: String,
}

/// Why there is no user data. Nothing is launched then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The addresses of services are not known, and the image needs them: the class is not ready.
    #[error("resolving cluster CIDR")]
    ClusterCidrUnknown,
    /// The cluster's certificates are not base64.
    #[error("decoding the cluster's CA bundle, {0}")]
    CaBundle(String),
    /// The class's user data is a MIME document that cannot be read.
    #[error("parsing custom UserData, {0}")]
    Mime(#[from] MimeError),
    /// The class's user data is not settings for Bottlerocket.
    #[error("invalid UserData, {0}")]
    Settings(String),
    /// The node's configuration cannot be written.
    #[error("writing the node's configuration, {0}")]
    Write(String),
}

impl Input {
    /// Addresses of name services: the kubelet's setting, or else the cluster's.
    fn dns(&self) -> Vec<&str> {
        match &self.kubelet.managed.cluster_dns[..] {
            [] => self.cluster.dns.as_deref().into_iter().collect(),
            given => given.iter().map(String::as_str).collect(),
        }
    }

    /// The class's user data, decoded if it is base64; empty if there is none.
    fn custom(&self) -> String {
        decode::plain(self.custom.as_deref().unwrap_or_default()).into_owned()
    }
}

/// The user data in base64, as EC2 wants it.
pub fn render(input: &Input) -> Result<String, Error> {
    render_text(input).map(|text| BASE64_STANDARD.encode(text))
}

/// The user data as the instance reads it.
pub fn render_text(input: &Input) -> Result<String, Error> {
    match input.family {
        AmiFamily::Al2 | AmiFamily::Ubuntu => script::render(input),
        AmiFamily::Al2023 => node_config::render(input),
        AmiFamily::Bottlerocket => bottlerocket::render(input),
        AmiFamily::Windows2019 | AmiFamily::Windows2022 | AmiFamily::Windows2025 => {
            Ok(windows::render(input))
        }
        AmiFamily::Custom => Ok(input.custom()),
    }
}

/// Names of settings in a class's user data that have no effect: Bottlerocket has none such under
/// `settings.kubernetes`. For the log.
pub fn ignored_settings(input: &Input) -> Vec<String> {
    match input.family {
        AmiFamily::Bottlerocket => bottlerocket::ignored(&input.custom()),
        _ => Vec::new(),
    }
}
