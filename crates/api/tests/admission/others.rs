//! NodeClaims, NodeOverlays, CapacityBuffers and KWOKNodeClasses.

use serde_json::{Value, json};

use crate::case::{Case, merged};
use crate::world::object;

pub(crate) fn cases() -> Vec<Case> {
    [claims(), overlays(), buffers(), kwok_classes()]
        .into_iter()
        .flatten()
        .collect()
}

fn claim(patch: &Value) -> Value {
    let class = json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"});
    let base = json!({"requirements": [], "nodeClassRef": class});
    object("karpenter.sh/v1", "NodeClaim", merged(base, patch))
}

fn claims() -> Vec<Case> {
    let required =
        |key: &str| claim(&json!({"requirements": [{"key": key, "operator": "Exists"}]}));
    vec![
        Case::accepted("a plain claim", claim(&json!({}))).with("/spec/expireAfter", json!("720h")),
        Case::accepted("a claim of a pool", required("karpenter.sh/nodepool")),
        Case::refused(
            "a claim for a host",
            required("kubernetes.io/hostname"),
            "label \"kubernetes.io/hostname\" is restricted",
        ),
        Case::refused(
            "an own label",
            required("karpenter.sh/x"),
            "label domain \"karpenter.sh\" is restricted",
        ),
        Case::refused(
            "a claim without class",
            claim(&json!({"nodeClassRef": null})),
            "nodeClassRef",
        ),
        Case::refused(
            "a class without kind",
            claim(&json!({"nodeClassRef": {"kind": null}})),
            "kind",
        ),
        Case::accepted(
            "requests",
            claim(&json!({"resources": {"requests": {"cpu": "100m", "pods": 3}}})),
        )
        .with("/spec/resources/requests/pods", json!(3)),
        Case::refused("a changed claim", claim(&json!({})), "spec is immutable")
            .then(claim(&json!({"expireAfter": "1h"}))),
        Case::accepted("an unchanged claim", claim(&json!({}))).then(merged(
            claim(&json!({"expireAfter": "720h"})),
            &json!({"metadata": {"labels": {"a": "b"}}}),
        )),
    ]
}

fn overlay(patch: &Value) -> Value {
    let base = json!({"requirements": []});
    object("karpenter.sh/v1alpha1", "NodeOverlay", merged(base, patch))
}

fn overlays() -> Vec<Case> {
    let required = |requirement: Value| overlay(&json!({"requirements": [requirement]}));
    let adjusted = |text: &str| overlay(&json!({"priceAdjustment": text}));
    vec![
        Case::accepted(
            "a plain overlay",
            overlay(&json!({"price": "0.5", "weight": 10000})),
        ),
        Case::refused(
            "weight 10001",
            overlay(&json!({"weight": 10001})),
            "spec.weight",
        ),
        Case::refused(
            "a negative price",
            overlay(&json!({"price": "-1"})),
            "should match",
        ),
        Case::accepted("+10%", adjusted("+10%")),
        Case::accepted("-100%", adjusted("-100%")),
        Case::accepted("-0.25", adjusted("-0.25")),
        Case::refused("-101%", adjusted("-101%"), "should match"),
        Case::refused("10%", adjusted("10%"), "should match"),
        Case::refused(
            "two prices",
            overlay(&json!({"price": "1", "priceAdjustment": "+1"})),
            "cannot set both 'price' and 'priceAdjustment'",
        ),
        Case::accepted(
            "a device",
            overlay(&json!({"capacity": {"example.com/disk": "2"}})),
        ),
        Case::refused(
            "cpu",
            overlay(&json!({"capacity": {"cpu": "2"}})),
            "invalid resource restricted",
        ),
        Case::refused(
            "NotIn without values",
            required(json!({"key": "a", "operator": "NotIn", "values": []})),
            "requirements with operator 'NotIn' must have a value defined",
        ),
        Case::refused(
            "Gt with a bad number",
            required(json!({"key": "a", "operator": "Gt", "values": ["-1"]})),
            "requirements operator 'Gt', 'Lt', 'Gte' or 'Lte' must have a single positive integer value",
        ),
        Case::refused(
            "minValues",
            required(json!({"key": "a", "operator": "Exists", "minValues": 1})),
            "minValues",
        ),
        Case::accepted(
            "by pool",
            required(json!({"key": "karpenter.sh/nodepool", "operator": "In", "values": ["a"]})),
        ),
        Case::refused(
            "by tenancy",
            required(json!({"key": "karpenter.k8s.aws/instance-tenancy", "operator": "Exists"})),
            "label domain \"karpenter.k8s.aws\" is restricted",
        ),
    ]
}

fn buffer(spec: Value) -> Value {
    let object = object("autoscaling.x-k8s.io/v1beta1", "CapacityBuffer", spec);
    merged(object, &json!({"metadata": {"namespace": "default"}}))
}

fn buffers() -> Vec<Case> {
    let template = json!({"name": "t"});
    let deployment = json!({"kind": "Deployment", "name": "d"});
    vec![
        Case::accepted(
            "a buffer of a template",
            buffer(json!({"podTemplateRef": template, "replicas": 2})),
        )
        .with(
            "/spec/provisioningStrategy",
            json!("buffer.x-k8s.io/active-capacity"),
        ),
        Case::accepted(
            "a buffer of a workload",
            buffer(json!({"scalableRef": deployment, "percentage": 10})),
        ),
        Case::accepted("an empty buffer", buffer(json!({}))),
        Case::refused(
            "no size",
            buffer(json!({"podTemplateRef": template})),
            "If podTemplateRef is set, replicas or limits must also be set",
        ),
        Case::refused(
            "both",
            buffer(json!({"podTemplateRef": template, "scalableRef": deployment, "replicas": 1})),
            "You must define either PodTemplateRef or ScalableRef, but not both",
        ),
        Case::refused(
            "a negative size",
            buffer(json!({"scalableRef": deployment, "replicas": -1})),
            "spec.replicas",
        ),
        Case::refused(
            "no name",
            buffer(json!({"podTemplateRef": {"name": ""}, "replicas": 1})),
            "podTemplateRef.name",
        ),
        Case::refused(
            "no kind",
            buffer(json!({"scalableRef": {"name": "d"}})),
            "scalableRef.kind",
        ),
    ]
}

fn kwok_classes() -> Vec<Case> {
    let class = |spec: Value| object("karpenter.kwok.sh/v1alpha1", "KWOKNodeClass", spec);
    let bare = merged(class(json!({})), &json!({"spec": null}));
    vec![
        Case::accepted("a class", class(json!({"nodeRegistrationDelay": "30s"}))),
        Case::accepted("a class without spec", bare),
        Case::refused(
            "a delay without unit",
            class(json!({"nodeRegistrationDelay": "30"})),
            "should match",
        ),
    ]
}
