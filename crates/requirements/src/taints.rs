//! Which pods tolerate which taints.
//!
//! What is *not* here: when a `PreferNoSchedule` taint may be ignored, and which taints of a node
//! count at which time of its life, except for the list of [`is_ephemeral`] ones.

use std::fmt;

use model::k8s::{Taint, TaintEffect, Toleration};

/// Taints that a pod does not tolerate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Untolerated(pub Vec<Taint>);

impl fmt::Display for Untolerated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, taint) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}did not tolerate taint (taint={taint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Untolerated {}

/// Whether every taint, of whatever effect, is tolerated by some toleration; else all that are not.
pub fn tolerate_all<'a>(
    tolerations: &[Toleration],
    taints: impl IntoIterator<Item = &'a Taint>,
) -> Result<(), Untolerated> {
    let untolerated: Vec<Taint> = taints
        .into_iter()
        .filter(|taint| !tolerates_any(tolerations, taint))
        .cloned()
        .collect();
    if untolerated.is_empty() {
        Ok(())
    } else {
        Err(Untolerated(untolerated))
    }
}

/// Whether some toleration tolerates the taint.
pub fn tolerates_any(tolerations: &[Toleration], taint: &Taint) -> bool {
    tolerations
        .iter()
        .any(|toleration| tolerates(toleration, taint))
}

/// Whether a toleration tolerates a taint. An absent effect or key matches any; `Gt` and `Lt`
/// compare integers, the taint's against the toleration's, and tolerate nothing that is no integer.
pub fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    if toleration
        .effect
        .is_some_and(|effect| effect != taint.effect)
    {
        return false;
    }
    if !toleration.key.is_empty() && toleration.key != taint.key {
        return false;
    }
    let integers = || Some((decimal(taint.value())?, decimal(&toleration.value)?));
    match toleration.operator.as_str() {
        "" | "Equal" => toleration.value == taint.value(),
        "Exists" => true,
        "Lt" => integers().is_some_and(|(taint, bound)| taint < bound),
        "Gt" => integers().is_some_and(|(taint, bound)| taint > bound),
        _ => false,
    }
}

/// A signed 64-bit decimal integer.
fn decimal(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// Whether a taint is one that a young node loses by itself, by key and effect. On nodes of ours
/// that are not initialized yet such taints do not count.
pub fn is_ephemeral(taint: &Taint) -> bool {
    use TaintEffect::{NoExecute, NoSchedule};
    if taint.key.starts_with("readiness.k8s.io/") {
        return true;
    }
    matches!(
        (taint.key.as_str(), taint.effect),
        (
            "node.kubernetes.io/not-ready"
                | "node.kubernetes.io/unreachable"
                | "node.cloudprovider.kubernetes.io/uninitialized",
            NoSchedule
        ) | (
            "node.kubernetes.io/not-ready" | "karpenter.sh/unregistered",
            NoExecute
        )
    )
}

#[cfg(test)]
mod tests;
