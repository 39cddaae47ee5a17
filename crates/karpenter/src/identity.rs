//! Who this process is: host name, a unique id, and the namespace it runs in.

use std::{collections::BTreeMap, fs, path::Path};

/// Where Kubernetes tells a pod its namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/// A fresh unique id at each reading (Linux).
const UUID_FILE: &str = "/proc/sys/kernel/random/uuid";

/// Leader election needs a namespace, and none is known.
#[derive(Debug, thiserror::Error)]
#[error(
    "unable to find leader election namespace: not running in-cluster, please specify \
     LEADER_ELECTION_NAMESPACE (or --disable-leader-election true for a single process)"
)]
pub(crate) struct NoNamespace;

/// The namespace of the lease: the setting, or else the pod's own.
pub(crate) fn lease_namespace(setting: &str) -> Result<String, NoNamespace> {
    namespace_from(setting, Path::new(NAMESPACE_FILE))
}

fn namespace_from(setting: &str, file: &Path) -> Result<String, NoNamespace> {
    if !setting.is_empty() {
        return Ok(setting.to_owned());
    }
    let text = fs::read_to_string(file).unwrap_or_default();
    match text.trim() {
        "" => Err(NoNamespace),
        namespace => Ok(namespace.to_owned()),
    }
}

/// `<hostname>_<unique id>`: two processes never share it, not even two lives of one pod.
pub(crate) fn identity(env: &BTreeMap<String, String>) -> String {
    let read = |path: &str| {
        fs::read_to_string(path)
            .ok()
            .map(|text| text.trim().to_owned())
    };
    let host = read("/proc/sys/kernel/hostname")
        .or_else(|| env.get("HOSTNAME").cloned())
        .unwrap_or_else(|| "karpenter".into());
    // Elsewhere the process id tells processes of one host apart.
    let unique = read(UUID_FILE).unwrap_or_else(|| std::process::id().to_string());
    format!("{host}_{unique}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_differ_in_each_life() {
        let env = BTreeMap::new();
        let (one, two) = (identity(&env), identity(&env));
        assert!(one.contains('_'));
        assert_ne!(one, two);
    }

    #[test]
    fn the_setting_wins_over_the_pods_namespace_and_neither_is_an_error() {
        let file = std::env::temp_dir().join(format!("namespace-{}", std::process::id()));
        fs::write(&file, "kube-system\n").expect("a temporary file");
        let own = namespace_from("", &file);
        fs::remove_file(&file).expect("removes");
        assert_eq!(own.expect("the pod's"), "kube-system");
        assert_eq!(namespace_from("apps", &file).expect("the setting"), "apps");
        let error = namespace_from("", &file).expect_err("nothing").to_string();
        assert!(error.contains("LEADER_ELECTION_NAMESPACE"), "{error}");
    }
}
