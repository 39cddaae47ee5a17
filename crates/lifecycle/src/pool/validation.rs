//! Whether a pool's spec makes sense: what the schema of the API checks, and what it can't check on
//! an older server.

use api::NodePool;
use model::Timestamp;
use model::k8s::Taint;
use requirements::Vocabulary;

use crate::conditions::{Conditions, Status};
use crate::keys;

/// The pool with the condition `ValidationSucceeded`.
pub fn validated(pool: &NodePool, vocabulary: &Vocabulary, now: Timestamp) -> NodePool {
    let wrong = faults(pool, vocabulary);
    let mut changed = pool.clone();
    let mut conditions = Conditions::of_pool(&mut changed, now);
    if wrong.is_empty() {
        conditions.set_true("ValidationSucceeded");
    } else {
        let reason = "NodePoolValidationFailed";
        conditions.set(
            "ValidationSucceeded",
            Status::False,
            reason,
            &wrong.join("; "),
        );
    }
    changed
}

/// Everything that is wrong with a pool: labels, then taints, then requirements.
pub fn faults(pool: &NodePool, vocabulary: &Vocabulary) -> Vec<String> {
    let template = &pool.spec.template;
    let mut faults = Vec::new();
    for (key, value) in &template.metadata.labels {
        if key == keys::NODEPOOL {
            faults.push(format!("invalid key name \"{key}\" in labels, restricted"));
            continue;
        }
        let wrong = vocabulary.validate(key, "In", std::slice::from_ref(value), None);
        faults.extend(
            wrong
                .iter()
                .map(|wrong| format!("label {key}={value}: {wrong}")),
        );
    }
    faults.extend(taint_faults(
        &template.spec.taints,
        &template.spec.startup_taints,
        vocabulary,
    ));
    for item in &template.spec.requirements {
        if item.key == keys::NODEPOOL {
            faults.push(format!(
                "invalid key: \"{}\" in requirements, restricted",
                item.key
            ));
            continue;
        }
        let wrong = vocabulary.validate(&item.key, &item.operator, &item.values, item.min_values);
        let wrong = wrong.iter();
        faults.extend(
            wrong.map(|wrong| format!("invalid value: {wrong} in requirements, restricted")),
        );
    }
    faults
}

/// Taints need a key, and no two may have the same key and effect.
fn taint_faults(taints: &[Taint], startup: &[Taint], vocabulary: &Vocabulary) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen: Vec<&Taint> = Vec::new();
    let fields = [("taints", taints), ("startupTaints", startup)];
    for (field, taint) in fields
        .iter()
        .flat_map(|(field, list)| list.iter().map(move |t| (field, t)))
    {
        if taint.key.is_empty() {
            faults.push(format!("invalid value: a taint needs a key in {field}"));
            continue;
        }
        faults.extend(syntax_faults(field, taint, vocabulary));
        if seen.iter().any(|other| other.same_identity(taint)) {
            faults.push(format!(
                "duplicate taint Key/Effect pair {}={}",
                taint.key, taint.effect
            ));
        }
        seen.push(taint);
    }
    faults
}

/// Keys of taints are spelled as keys of labels are, but none is restricted.
fn syntax_faults(field: &str, taint: &Taint, vocabulary: &Vocabulary) -> Vec<String> {
    let values: Vec<String> = taint.value.iter().cloned().collect();
    let operator = if values.is_empty() { "Exists" } else { "In" };
    let wrong = vocabulary.validate(&taint.key, operator, &values, None);
    wrong
        .into_iter()
        .filter(|wrong| {
            use requirements::InvalidRequirement::{CapacityType, Restricted};
            !matches!(wrong, Restricted(_) | CapacityType { .. })
        })
        .map(|wrong| format!("invalid value: {wrong} in {field}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conditions::is_true;
    use crate::testing::{at, pool};
    use api::NodeRequirement;
    use model::k8s::TaintEffect;

    fn item(key: &str, operator: &str, values: &[&str]) -> NodeRequirement {
        NodeRequirement {
            key: key.to_owned(),
            operator: operator.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            min_values: None,
        }
    }

    fn wrong(change: impl FnOnce(&mut NodePool)) -> String {
        let mut pool = pool("p");
        change(&mut pool);
        faults(&pool, &Vocabulary::core()).join("; ")
    }

    #[test]
    fn each_kind_of_mistake_is_named() {
        assert_eq!(wrong(|_| ()), "");
        let text = wrong(|pool| {
            let labels = &mut pool.spec.template.metadata.labels;
            labels.insert("karpenter.sh/nodepool".to_owned(), "x".to_owned());
        });
        assert!(
            text.contains("\"karpenter.sh/nodepool\" in labels, restricted"),
            "{text}"
        );
        let text = wrong(|pool| {
            let taint = Taint::new("k", "v", TaintEffect::NoSchedule);
            pool.spec.template.spec.taints.push(taint.clone());
            pool.spec.template.spec.startup_taints.push(taint);
        });
        assert_eq!(text, "duplicate taint Key/Effect pair k=NoSchedule");
        let text = wrong(|pool| {
            let item = item("kubernetes.io/arch", "Near", &["amd64"]);
            pool.spec.template.spec.requirements.push(item);
        });
        assert!(text.contains("unsupported operator"), "{text}");
    }

    /// NP-08.
    #[test]
    fn unknown_capacity_types_are_refused_unless_a_known_one_is_among_them() {
        let with = |values: &[&str]| {
            wrong(|pool| {
                let key = "karpenter.sh/capacity-type";
                let item = item(key, "In", values);
                pool.spec.template.spec.requirements.push(item);
            })
        };
        assert!(with(&["bargain"]).contains("no valid value"));
        assert_eq!(with(&["bargain", "spot"]), "");
    }

    #[test]
    fn the_condition_says_all_of_it() {
        let good = validated(&pool("p"), &Vocabulary::core(), at(5));
        assert!(is_true(&good.status.conditions, "ValidationSucceeded"));
        let again = validated(&good, &Vocabulary::core(), at(50));
        assert_eq!(again, good, "nothing is written twice");
    }
}
