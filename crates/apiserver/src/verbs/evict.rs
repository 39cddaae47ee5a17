//! Eviction: a delete that a PodDisruptionBudget may refuse.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    ApiError, LabelSelector, Reason,
    error::Cause,
    meta,
    options::{DeleteOptions, DryRun},
    resource::{PDBS, PODS},
    state::State,
    storage::Stored,
};

/// Evictions that are under way and not yet seen by the controller; more are refused.
const MAX_DISRUPTED_PODS: usize = 2000;

impl State {
    pub(crate) fn evict(
        &mut self,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<(), ApiError> {
        let info = self.find(PODS)?;
        let pod = self.get(&info, namespace, name)?.clone();
        if !is_beyond_budgets(&pod.value) {
            self.take_from_budget(namespace, &pod.value, options.dry_run)?;
        }
        self.delete(&info, namespace, name, options).map(drop)
    }

    fn take_from_budget(
        &mut self,
        namespace: &str,
        pod: &Value,
        dry_run: DryRun,
    ) -> Result<(), ApiError> {
        let budgets = self.budgets_of(namespace, pod)?;
        let budget = match budgets.as_slice() {
            [] => return Ok(()),
            [one] => one,
            _ => {
                return Err(ApiError::internal(
                    "This pod has more than one PodDisruptionBudget, which the eviction \
                     subresource does not support.",
                ));
            }
        };
        if !is_ready(pod) && unhealthy_may_go(&budget.value) {
            return Ok(());
        }
        check_budget(&budget.value)?;
        if dry_run == DryRun::All {
            return Ok(());
        }
        let mut object = (*budget.value).clone();
        let now = self.now_text();
        let status = meta::child_map(&mut object, "status");
        let allowed = status
            .get("disruptionsAllowed")
            .and_then(Value::as_i64)
            .unwrap_or(0)
            - 1;
        status.insert("disruptionsAllowed".into(), allowed.into());
        let disrupted = status.entry("disruptedPods").or_insert_with(|| json!({}));
        meta::as_map(disrupted).insert(meta::name(pod).to_owned(), now.clone().into());
        if allowed == 0 {
            set_insufficient(status, &now);
        }
        let shelf = self.find(PDBS)?.shelf;
        self.store.put(shelf, object);
        Ok(())
    }

    fn budgets_of(&self, namespace: &str, pod: &Value) -> Result<Vec<Arc<Stored>>, ApiError> {
        let info = self.find(PDBS)?;
        let selects = |budget: &Value| {
            let selector = meta::at(budget, &["spec", "selector"]).filter(|s| !s.is_null());
            selector
                .and_then(LabelSelector::from_object)
                .is_some_and(|s| s.matches(pod))
        };
        let all = self.store.list(info.shelf, Some(namespace));
        Ok(all.filter(|b| selects(&b.value)).cloned().collect())
    }
}

/// Pods whose end disturbs nobody: not running yet, or no longer.
fn is_beyond_budgets(pod: &Value) -> bool {
    let phase = meta::text_at(pod, &["status", "phase"]);
    matches!(phase, "Succeeded" | "Failed" | "Pending") || meta::is_deleting(pod)
}

fn is_ready(pod: &Value) -> bool {
    let conditions = meta::at(pod, &["status", "conditions"]).and_then(Value::as_array);
    conditions
        .into_iter()
        .flatten()
        .any(|c| c["type"] == "Ready" && c["status"] == "True")
}

/// Whether `unhealthyPodEvictionPolicy` lets a pod go that is not ready.
fn unhealthy_may_go(budget: &Value) -> bool {
    if meta::text_at(budget, &["spec", "unhealthyPodEvictionPolicy"]) == "AlwaysAllow" {
        return true;
    }
    let count = |field: &str| number(budget, field);
    count("desiredHealthy") > 0 && count("currentHealthy") >= count("desiredHealthy")
}

fn number(budget: &Value, field: &str) -> i64 {
    meta::at(budget, &["status", field])
        .and_then(Value::as_i64)
        .unwrap_or(0)
}

fn check_budget(budget: &Value) -> Result<(), ApiError> {
    let name = meta::name(budget);
    let generation = meta::field(budget, "generation")
        .and_then(Value::as_i64)
        .unwrap_or(0);
    if number(budget, "observedGeneration") < generation {
        let why = format!("The disruption budget {name} is still being processed by the server.");
        return Err(refusal(why, 10));
    }
    let disrupted = meta::at(budget, &["status", "disruptedPods"]).and_then(Value::as_object);
    if disrupted.is_some_and(|d| d.len() > MAX_DISRUPTED_PODS) {
        let why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
        return Err(ApiError::forbidden(
            "policy",
            "poddisruptionbudget",
            name,
            why,
        ));
    }
    if number(budget, "disruptionsAllowed") > 0 {
        return Ok(());
    }
    Err(refusal(
        format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            number(budget, "desiredHealthy"),
            number(budget, "currentHealthy"),
        ),
        0,
    ))
}

fn refusal(cause: String, retry_after_seconds: u32) -> ApiError {
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    let mut error = ApiError::new(Reason::TooManyRequests, message).about("", "", "");
    if let Some(details) = &mut error.details {
        details.retry_after_seconds = retry_after_seconds;
        details.causes = vec![Cause {
            reason: "DisruptionBudget".into(),
            message: cause,
            field: String::new(),
        }];
    }
    error
}

fn set_insufficient(status: &mut serde_json::Map<String, Value>, now: &str) {
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    let Some(list) = conditions.as_array_mut() else {
        return;
    };
    if let Some(condition) = list.iter_mut().find(|c| c["type"] == "DisruptionAllowed") {
        if condition["status"] != "False" {
            condition["lastTransitionTime"] = now.into();
        }
        condition["status"] = "False".into();
        condition["reason"] = "InsufficientPods".into();
    }
}
