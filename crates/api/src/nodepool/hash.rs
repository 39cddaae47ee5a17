//! The hash of what a pool's nodes are made from: claims with another one have drifted.

use model::k8s::Taint;

use super::{NodeClaimTemplateSpec, NodePool};
use crate::hash::{Structure, filled, int64, list, map, text};
use crate::{NillableDuration, NodeClassRef};

/// The algorithm of [`NodePool::hash`], as the annotation names it.
pub const NODEPOOL_HASH_VERSION: &str = "v3";

impl NodePool {
    /// The hash of the template without its requirements. Call it on the strict form: what is left
    /// to defaults counts as absent otherwise.
    pub fn hash(&self) -> String {
        let template = &self.spec.template;
        let meta = &template.metadata;
        let labelled = !meta.labels.is_empty() || !meta.annotations.is_empty();
        let metadata = labelled.then(|| {
            Structure::new("ObjectMeta")
                .field("Labels", map(&meta.labels))
                .field("Annotations", map(&meta.annotations))
                .hash()
        });
        let hash = Structure::new("NodeClaimTemplate")
            .field("ObjectMeta", metadata)
            .field("Spec", Some(spec(&template.spec)));
        hash.hash().to_string()
    }
}

fn spec(spec: &NodeClaimTemplateSpec) -> u64 {
    Structure::new("NodeClaimTemplateSpec")
        .field("Taints", list(spec.taints.iter().map(taint)))
        .field("StartupTaints", list(spec.startup_taints.iter().map(taint)))
        .field("NodeClassRef", Some(class_ref(&spec.node_class_ref)))
        .field(
            "TerminationGracePeriod",
            spec.termination_grace_period
                .as_ref()
                .map(|period| duration("Duration", period)),
        )
        // `Never` counts as absent.
        .field(
            "ExpireAfter",
            spec.expire_after
                .as_ref()
                .filter(|after| after.get().is_some())
                .map(|after| duration("NillableDuration", after)),
        )
        .hash()
}

/// The hash of a duration in a structure of this type.
fn duration(name: &str, duration: &NillableDuration) -> u64 {
    let nanos = duration
        .get()
        .map(|length| i64::try_from(length.as_nanos()).unwrap_or(i64::MAX));
    // A zero behind a pointer counts, a plain zero does not.
    let nanos = nanos.filter(|nanos| *nanos != 0 || name == "NillableDuration");
    Structure::new(name)
        .field("Duration", nanos.map(int64))
        .hash()
}

fn class_ref(class: &NodeClassRef) -> u64 {
    Structure::new("NodeClassReference")
        .field("Kind", filled(&class.kind))
        .field("Name", filled(&class.name))
        .field("Group", filled(&class.group))
        .hash()
}

/// `timeAdded` does not count: users do not set it in templates.
fn taint(taint: &Taint) -> u64 {
    Structure::new("Taint")
        .field("Key", filled(&taint.key))
        .field("Value", filled(taint.value()))
        .field("Effect", Some(text(taint.effect.as_str())))
        .hash()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn hash(template: &Value) -> String {
        let pool = json!({"spec": {"template": template}});
        serde_json::from_value::<NodePool>(pool)
            .expect("a pool")
            .hash()
    }

    fn with(extra: &Value) -> Value {
        let class =
            json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"});
        let mut spec = json!({"nodeClassRef": class, "expireAfter": "720h"});
        for (key, value) in extra.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        json!({"spec": spec})
    }

    /// The vectors of the specification.
    #[test]
    fn hashes_equal_those_that_clusters_have() {
        let mut labelled = with(&json!({}));
        labelled["metadata"] = json!({"labels": {"team": "a"}});
        let gpu = json!({"key": "dedicated", "value": "gpu", "effect": "NoSchedule"});
        let key = json!({"key": "key", "effect": "NoExecute"});
        let class =
            json!({"group": "karpenter.test.sh", "kind": "TestNodeClass", "name": "default"});
        let mut full = with(
            &json!({"nodeClassRef": class, "taints": [key], "startupTaints": [key],
            "terminationGracePeriod": "5m", "expireAfter": "5m"}),
        );
        full["metadata"] = json!({"labels": {"keyLabel": "valueLabel"}, "annotations":
            {"keyAnnotation": "valueAnnotation", "keyAnnotation2": "valueAnnotation2"}});
        for (template, expected) in [
            (with(&json!({})), "6821555240594823858"),
            (
                with(&json!({"expireAfter": "Never"})),
                "17369979337536258260",
            ),
            (labelled, "1617844334411263980"),
            (with(&json!({"taints": [gpu]})), "13579916569126205748"),
            (
                with(&json!({"terminationGracePeriod": "1h"})),
                "14948894070871102041",
            ),
            (full, "3811377905641173263"),
        ] {
            assert_eq!(hash(&template), expected, "{template}");
        }
    }

    #[test]
    fn the_spelling_of_a_duration_and_requirements_do_not_count() {
        let plain = hash(&with(&json!({})));
        assert_eq!(hash(&with(&json!({"expireAfter": "719h60m"}))), plain);
        let requirements = json!([{"key": "a", "operator": "Exists"}]);
        assert_eq!(hash(&with(&json!({"requirements": requirements}))), plain);
    }
}
