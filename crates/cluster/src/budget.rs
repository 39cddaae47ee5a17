//! PodDisruptionBudgets: which pods they keep from being evicted.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Timestamp;
use model::k8s::PodDisruptionBudget;
use model::k8s::policy::IntOrString;

use crate::disposition;
use crate::pod::{PodRecord, Readiness};
use crate::store::ObjectKey;

/// Which budgets block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocking {
    /// Those that allow no disruption at present.
    Now,
    /// Those that can never allow one: `maxUnavailable` 0 or 0%, `minAvailable` 100%.
    Ever,
}

/// All budgets, by namespace.
#[derive(Clone, Debug, Default)]
pub struct Budgets {
    by_namespace: BTreeMap<Arc<str>, Vec<(ObjectKey, Arc<PodDisruptionBudget>)>>,
}

impl Budgets {
    pub(crate) fn new(objects: &BTreeMap<ObjectKey, Arc<PodDisruptionBudget>>) -> Self {
        let mut by_namespace: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (key, budget) in objects {
            by_namespace
                .entry(key.namespace.clone())
                .or_default()
                .push((key.clone(), budget.clone()));
        }
        Self { by_namespace }
    }

    /// The budgets that select a pod, by name.
    pub fn of<'a>(
        &'a self,
        pod: &'a PodRecord,
    ) -> impl Iterator<Item = &'a (ObjectKey, Arc<PodDisruptionBudget>)> {
        let all = self
            .by_namespace
            .get(pod.namespace())
            .map_or(&[][..], Vec::as_slice);
        all.iter().filter(|(_, budget)| {
            budget
                .spec
                .selector
                .as_ref()
                .is_some_and(|selector| pod.matches(selector))
        })
    }

    /// The budgets that keep the pod from being evicted; none if it may be, or need not be.
    ///
    /// More than one budget over a pod always blocks: the eviction API refuses then.
    pub fn blocking(&self, pod: &PodRecord, blocking: Blocking, now: Timestamp) -> Vec<ObjectKey> {
        if self.by_namespace.is_empty() || !disposition::is_evictable(pod, now) {
            return Vec::new();
        }
        let selecting: Vec<_> = self.of(pod).collect();
        match selecting[..] {
            [] => Vec::new(),
            [(key, budget)] => {
                if blocks(budget, pod, blocking) {
                    vec![key.clone()]
                } else {
                    Vec::new()
                }
            }
            _ => selecting.into_iter().map(|(key, _)| key.clone()).collect(),
        }
    }

    /// Whether the pod can be expected to move when its node goes: it comes back elsewhere, nothing
    /// protects it, and no budget blocks it for good.
    pub fn can_move(&self, pod: &PodRecord, now: Timestamp) -> bool {
        disposition::is_reschedulable(pod)
            && disposition::is_disruptable(pod, now)
            && self.blocking(pod, Blocking::Ever, now).is_empty()
    }
}

fn blocks(budget: &PodDisruptionBudget, pod: &PodRecord, blocking: Blocking) -> bool {
    let always = budget.spec.unhealthy_pod_eviction_policy.as_deref() == Some("AlwaysAllow");
    if always && pod.ready == Readiness::NotReady {
        return false;
    }
    match blocking {
        Blocking::Now => budget.status.disruptions_allowed == 0,
        Blocking::Ever => never_allows(budget),
    }
}

fn never_allows(budget: &PodDisruptionBudget) -> bool {
    let down = budget.spec.max_unavailable.as_ref();
    let up = budget.spec.min_available.as_ref();
    down.is_some_and(|value| match value {
        IntOrString::Int(number) => *number == 0,
        IntOrString::Text(text) => text == "0%",
    }) || up.is_some_and(|value| matches!(value, IntOrString::Text(text) if text == "100%"))
}

#[cfg(test)]
mod tests;
