//! Who talks to the API server: tokens and kubeconfigs.
//!
//! Tests act as [`Identity::Admin`]; the product runs as [`Identity::Karpenter`], whose rights are
//! those that its chart grants, so that every test is a test of these too.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A user of the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// May do everything.
    Admin,
    /// kube-controller-manager, with all rights.
    ControllerManager,
    /// kube-scheduler, with the rights of its built-in role.
    Scheduler,
    /// kwok, with all rights.
    Kwok,
    /// The service account `kube-system/karpenter`, without any right of its own.
    Karpenter,
}

impl Identity {
    /// All of them.
    pub const ALL: [Identity; 5] = [
        Identity::Admin,
        Identity::ControllerManager,
        Identity::Scheduler,
        Identity::Kwok,
        Identity::Karpenter,
    ];

    /// Its name in file names.
    pub fn name(self) -> &'static str {
        match self {
            Identity::Admin => "admin",
            Identity::ControllerManager => "controller-manager",
            Identity::Scheduler => "scheduler",
            Identity::Kwok => "kwok",
            Identity::Karpenter => "karpenter",
        }
    }

    /// The user name that the API server sees.
    pub fn user(self) -> &'static str {
        match self {
            Identity::Admin => "admin",
            Identity::ControllerManager => "system:kube-controller-manager",
            Identity::Scheduler => "system:kube-scheduler",
            Identity::Kwok => "kwok",
            Identity::Karpenter => "system:serviceaccount:kube-system:karpenter",
        }
    }

    fn groups(self) -> &'static str {
        match self {
            Identity::Admin | Identity::ControllerManager | Identity::Kwok => "system:masters",
            Identity::Scheduler => "",
            Identity::Karpenter => "system:serviceaccounts,system:serviceaccounts:kube-system",
        }
    }
}

/// The API server's file of static tokens.
pub(crate) fn token_file(tokens: &BTreeMap<Identity, String>) -> String {
    tokens
        .iter()
        .fold(String::new(), |mut text, (identity, token)| {
            let (user, name, groups) = (identity.user(), identity.name(), identity.groups());
            let _ = write!(text, "{token},{user},{name}");
            let _ = if groups.is_empty() {
                writeln!(text)
            } else {
                writeln!(text, ",\"{groups}\"")
            };
            text
        })
}

/// A kubeconfig with one cluster and one user.
pub(crate) fn kubeconfig(name: Identity, token: &str, server: &str, ca: &Path) -> String {
    let (name, ca) = (name.name(), ca.display());
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         current-context: {name}\n\
         clusters:\n\
         - name: local\n\
         \x20 cluster: {{server: {server:?}, certificate-authority: \"{ca}\"}}\n\
         users:\n\
         - name: {name}\n\
         \x20 user: {{token: {token:?}}}\n\
         contexts:\n\
         - name: {name}\n\
         \x20 context: {{cluster: local, user: {name}}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{Identity, token_file};

    #[test]
    fn groups_are_one_quoted_column_and_absent_if_there_are_none() {
        let tokens = Identity::ALL
            .map(|identity| (identity, "t".to_owned()))
            .into();
        let text = token_file(&tokens);
        assert!(
            text.contains("t,system:kube-scheduler,scheduler\n"),
            "{text}"
        );
        assert!(
            text.contains("karpenter,\"system:serviceaccounts,system:"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 5);
    }
}
