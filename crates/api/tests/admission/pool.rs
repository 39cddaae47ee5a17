//! NodePools: `spec` of v1, and the looser spellings.

use serde_json::{Value, json};

use crate::case::{Case, merged};
use crate::world::object;

/// A plain pool.
pub(crate) fn pool() -> Value {
    let class = json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"});
    let spec = json!({"template": {"spec": {"requirements": [], "nodeClassRef": class}}});
    object("karpenter.sh/v1", "NodePool", spec)
}

fn with(patch: Value) -> Value {
    merged(pool(), &json!({"spec": patch}))
}

fn with_template(patch: Value) -> Value {
    with(json!({"template": {"spec": patch}}))
}

fn with_requirement(requirement: Value) -> Value {
    with_template(json!({"requirements": [requirement]}))
}

fn with_key(key: &str) -> Value {
    with_requirement(json!({"key": key, "operator": "Exists"}))
}

fn with_budget(budget: Value) -> Value {
    with(json!({"disruption": {"budgets": [budget]}}))
}

pub(crate) fn cases() -> Vec<Case> {
    [
        shape(),
        requirements(),
        templates(),
        disruption(),
        statics(),
        class_refs(),
        updates(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn shape() -> Vec<Case> {
    vec![
        Case::accepted("a plain pool", pool())
            .with("/spec/disruption/consolidateAfter", json!("0s"))
            .with(
                "/spec/disruption/consolidationPolicy",
                json!("WhenEmptyOrUnderutilized"),
            )
            .with("/spec/disruption/budgets", json!([{"nodes": "10%"}]))
            .with("/spec/template/spec/expireAfter", json!("720h")),
        Case::refused(
            "a pool without spec",
            merged(pool(), &json!({"spec": null})),
            "spec",
        ),
        Case::refused(
            "no template",
            with(json!({"template": null})),
            "spec.template",
        ),
        Case::refused(
            "no requirements",
            with_template(json!({"requirements": null})),
            "requirements",
        ),
        Case::refused(
            "an unknown field",
            with(json!({"wieght": 1})),
            "spec.wieght",
        ),
        Case::accepted("weight 100", with(json!({"weight": 100}))),
        Case::refused("weight 0", with(json!({"weight": 0})), "spec.weight"),
        Case::refused("weight 101", with(json!({"weight": 101})), "spec.weight"),
        Case::accepted(
            "limits",
            with(json!({"limits": {"cpu": 100, "memory": "1Ti", "pods": "10"}})),
        ),
        Case::refused(
            "a bad limit",
            with(json!({"limits": {"cpu": "1Q"}})),
            "spec.limits.cpu",
        ),
    ]
}

/// Labels of EC2 in requirements and in the template's labels.
pub(crate) fn labels_of_ec2() -> Vec<Case> {
    let label = |key: &str| with(json!({"template": {"metadata": {"labels": {key: "a"}}}}));
    let restricted = "label domain \"karpenter.k8s.aws\" is restricted";
    let unknown = "karpenter.k8s.aws/unknown";
    let mut cases = vec![
        Case::refused("an unknown requirement", with_key(unknown), restricted),
        Case::refused("an unknown label", label(unknown), restricted),
    ];
    let known = api::labels::AWS_WELL_KNOWN.iter();
    let known: Vec<&&str> = known.filter(|key| key.contains("k8s.aws/")).collect();
    assert!(known.len() > 20, "{known:?}");
    for key in known {
        cases.push(Case::accepted(&format!("required: {key}"), with_key(key)));
        cases.push(Case::accepted(&format!("label: {key}"), label(key)));
    }
    cases
}

fn requirements() -> Vec<Case> {
    let one = |operator: &str, values: Value| {
        with_requirement(json!({"key": "example.com/a", "operator": operator, "values": values}))
    };
    let in_message = "requirements with operator 'In' must have a value defined";
    let number = "requirements operator 'Gt', 'Lt', 'Gte', or 'Lte' must have a single positive integer value";
    let least = "requirements with 'minValues' must have at least that many values specified in the 'values' field";
    let own = "label domain \"karpenter.sh\" is restricted";
    let least_of = |least: u32, values: Value| {
        with_requirement(
            json!({"key": "node.kubernetes.io/instance-type", "operator": "In",
            "values": values, "minValues": least}),
        )
    };
    let many: Vec<Value> = (0..101)
        .map(|n| json!({"key": format!("k{n}"), "operator": "Exists"}))
        .collect();
    vec![
        Case::accepted("In with a value", one("In", json!(["a"]))),
        Case::refused("In without values", one("In", json!([])), in_message),
        Case::accepted("NotIn without values", one("NotIn", json!([]))),
        Case::refused(
            "an unknown operator",
            one("in", json!(["a"])),
            "Unsupported value",
        ),
        Case::accepted("Gt 5", one("Gt", json!(["5"]))),
        Case::accepted("Gte 0", one("Gte", json!(["0"]))),
        Case::refused("Gt -1", one("Gt", json!(["-1"])), number),
        Case::refused("Lt with two values", one("Lt", json!(["1", "2"])), number),
        Case::refused("Lte without values", one("Lte", json!([])), number),
        Case::refused("Gt with a word", one("Gt", json!(["many"])), "requirements"),
        Case::accepted("minValues met", least_of(2, json!(["a", "b"]))),
        Case::refused("minValues not met", least_of(2, json!(["a"])), least),
        Case::refused("minValues 0", least_of(0, json!(["a"])), "minValues"),
        Case::refused("minValues 51", least_of(51, json!(["a"])), "minValues"),
        Case::refused(
            "101 requirements",
            with_template(json!({"requirements": many})),
            "100",
        ),
        Case::accepted("capacity type", with_key("karpenter.sh/capacity-type")),
        Case::refused(
            "the pool's label",
            with_key("karpenter.sh/nodepool"),
            "label \"karpenter.sh/nodepool\" is restricted",
        ),
        Case::refused(
            "the host name",
            with_key("kubernetes.io/hostname"),
            "label \"kubernetes.io/hostname\" is restricted",
        ),
        Case::refused("an own label", with_key("karpenter.sh/anything"), own),
        Case::refused("a subdomain", with_key("foo.karpenter.sh/x"), own),
        Case::refused(
            "a domain that ends alike",
            with_key("notkarpenter.sh/x"),
            own,
        ),
        Case::accepted(
            "a known label of EC2",
            with_key("karpenter.k8s.aws/instance-cpu"),
        ),
        Case::refused(
            "another label of EC2",
            with_key("karpenter.k8s.aws/unknown"),
            "label domain \"karpenter.k8s.aws\" is restricted",
        ),
        Case::accepted(
            "a known label of KWOK",
            with_key("karpenter.kwok.sh/instance-family"),
        ),
        Case::refused(
            "another label of KWOK",
            with_key("karpenter.kwok.sh/unknown"),
            "label domain \"karpenter.kwok.sh\" is restricted",
        ),
        Case::accepted("kubernetes.io", with_key("kubernetes.io/os")),
        Case::accepted("another domain", with_key("example.com/team")),
        Case::accepted("a device", with_key("nvidia.com/gpu")),
        Case::refused("no label key", with_key("???"), "should match"),
        Case::refused("a long key", with_key(&"a".repeat(317)), "316"),
        Case::accepted(
            "a value that only the run-time check refuses",
            one("In", json!(["???"])),
        ),
    ]
}

fn templates() -> Vec<Case> {
    let label =
        |key: &str, value: &str| with(json!({"template": {"metadata": {"labels": {key: value}}}}));
    let taint = |taint: Value| with_template(json!({"taints": [taint]}));
    vec![
        Case::accepted("a label", label("team", "a")),
        Case::accepted(
            "annotations",
            with(json!({"template": {"metadata": {"annotations": {"a": "b c"}}}})),
        ),
        Case::refused(
            "a label of ours",
            label("karpenter.sh/anything", "a"),
            "label domain \"karpenter.sh\" is restricted",
        ),
        Case::refused(
            "the pool's label",
            label("karpenter.sh/nodepool", "a"),
            "label \"karpenter.sh/nodepool\" is restricted",
        ),
        Case::refused(
            "the host name",
            label("kubernetes.io/hostname", "a"),
            "label \"kubernetes.io/hostname\" is restricted",
        ),
        Case::refused(
            "an unknown label of EC2",
            label("karpenter.k8s.aws/unknown", "a"),
            "label domain \"karpenter.k8s.aws\" is restricted",
        ),
        Case::refused("a bad label value", label("team", "a b"), "should match"),
        Case::accepted(
            "a taint",
            taint(json!({"key": "a/b", "value": "c", "effect": "NoExecute"})),
        ),
        Case::accepted(
            "a taint without value",
            taint(json!({"key": "a", "effect": "NoSchedule"})),
        ),
        Case::refused(
            "a taint without effect",
            taint(json!({"key": "a"})),
            "effect",
        ),
        Case::refused(
            "an unknown effect",
            taint(json!({"key": "a", "effect": "Never"})),
            "Unsupported value",
        ),
        Case::refused(
            "a taint without key",
            taint(json!({"key": "", "effect": "NoSchedule"})),
            "key",
        ),
        Case::accepted(
            "startup taints",
            with_template(json!({"startupTaints": [{"key": "a", "effect": "NoSchedule"}]})),
        ),
        Case::accepted(
            "grace period",
            with_template(json!({"terminationGracePeriod": "1h30m"})),
        ),
        Case::refused(
            "no grace period",
            with_template(json!({"terminationGracePeriod": "Never"})),
            "should match",
        ),
        Case::accepted("expiry", with_template(json!({"expireAfter": "1h60m"})))
            .with("/spec/template/spec/expireAfter", json!("1h60m")),
        Case::accepted("no expiry", with_template(json!({"expireAfter": "Never"}))),
        Case::refused(
            "a fraction",
            with_template(json!({"expireAfter": "1.5h"})),
            "should match",
        ),
        Case::refused(
            "days",
            with_template(json!({"expireAfter": "30d"})),
            "should match",
        ),
    ]
}

fn disruption() -> Vec<Case> {
    let disruption = |patch: Value| with(json!({"disruption": patch}));
    let paired = "'schedule' must be set with 'duration'";
    let many: Vec<Value> = (0..51).map(|_| json!({"nodes": "1"})).collect();
    vec![
        Case::accepted(
            "expiry in its older place",
            disruption(json!({"expireAfter": "720h"})),
        )
        .with("/spec/disruption/expireAfter", json!("720h"))
        .with("/spec/disruption/consolidateAfter", json!("0s")),
        Case::accepted(
            "an older policy",
            disruption(json!({"consolidationPolicy": "WhenUnderutilized"})),
        ),
        Case::accepted(
            "Balanced",
            disruption(json!({"consolidationPolicy": "Balanced"})),
        ),
        Case::refused(
            "an unknown policy",
            disruption(json!({"consolidationPolicy": "Always"})),
            "Unsupported value",
        ),
        Case::accepted(
            "consolidateAfter Never",
            disruption(json!({"consolidateAfter": "Never"})),
        ),
        Case::refused(
            "consolidateAfter -1s",
            disruption(json!({"consolidateAfter": "-1s"})),
            "should match",
        ),
        Case::accepted(
            "a budget",
            with_budget(json!({"nodes": "100%", "reasons": ["Empty", "Drifted"]})),
        ),
        Case::accepted(
            "a budget that gets its nodes",
            with_budget(json!({"reasons": ["Empty"]})),
        )
        .with("/spec/disruption/budgets/0/nodes", json!("10%")),
        Case::refused(
            "101%",
            with_budget(json!({"nodes": "101%"})),
            "should match",
        ),
        Case::refused(
            "a negative budget",
            with_budget(json!({"nodes": "-1"})),
            "should match",
        ),
        Case::refused("a number", with_budget(json!({"nodes": 1})), "nodes"),
        Case::refused(
            "an unknown reason",
            with_budget(json!({"nodes": "1", "reasons": ["Bored"]})),
            "Unsupported value",
        ),
        Case::accepted(
            "a schedule",
            with_budget(json!({"nodes": "0", "schedule": "0 9 * * 1-5", "duration": "8h"})),
        ),
        Case::accepted(
            "a descriptor",
            with_budget(json!({"nodes": "0", "schedule": "@daily", "duration": "1h30m"})),
        ),
        Case::refused(
            "a schedule alone",
            with_budget(json!({"nodes": "0", "schedule": "@daily"})),
            paired,
        ),
        Case::refused(
            "a duration alone",
            with_budget(json!({"nodes": "0", "duration": "1h"})),
            paired,
        ),
        Case::refused(
            "an unknown descriptor",
            with_budget(json!({"nodes": "0", "schedule": "@never", "duration": "1h"})),
            "should match",
        ),
        Case::refused(
            "seconds",
            with_budget(json!({"nodes": "0", "schedule": "@daily", "duration": "30s"})),
            "should match",
        ),
        Case::refused("51 budgets", disruption(json!({"budgets": many})), "50"),
    ]
}

fn statics() -> Vec<Case> {
    let only = "only 'limits.nodes' is supported on static NodePools";
    vec![
        Case::accepted(
            "replicas",
            with(json!({"replicas": 3, "limits": {"nodes": 5}})),
        ),
        Case::accepted("no replicas", with(json!({"replicas": 0}))),
        Case::refused(
            "negative replicas",
            with(json!({"replicas": -1})),
            "spec.replicas",
        ),
        Case::refused(
            "replicas and cpu",
            with(json!({"replicas": 3, "limits": {"cpu": 5}})),
            only,
        ),
        Case::refused(
            "replicas and weight",
            with(json!({"replicas": 3, "weight": 5})),
            "'weight' is not supported on static NodePools",
        ),
    ]
}

fn class_refs() -> Vec<Case> {
    let class = |class: Value| with_template(json!({"nodeClassRef": class}));
    let group = "karpenter.k8s.aws";
    vec![
        Case::accepted("no class", class(Value::Null)),
        Case::accepted(
            "a name",
            class(json!({"group": null, "kind": null, "name": "x"})),
        ),
        Case::accepted(
            "apiVersion",
            class(json!({"group": null, "apiVersion": "karpenter.k8s.aws/v1",
            "kind": "EC2NodeClass", "name": "x"})),
        )
        .with(
            "/spec/template/spec/nodeClassRef/apiVersion",
            json!("karpenter.k8s.aws/v1"),
        ),
        Case::refused(
            "an empty group",
            class(json!({"group": ""})),
            "group may not be empty",
        ),
        Case::refused(
            "an empty kind",
            class(json!({"kind": ""})),
            "kind may not be empty",
        ),
        Case::refused(
            "an empty name",
            class(json!({"name": ""})),
            "name may not be empty",
        ),
        Case::refused(
            "a group with version",
            class(json!({"group": format!("{group}/v1")})),
            "should match",
        ),
        Case::accepted(
            "a cap on pods' grace",
            with_template(json!({"maxPodGracePeriod": 300})),
        ),
        Case::accepted(
            "the same beside the template",
            with(json!({"maxPodGracePeriod": 300})),
        ),
        Case::refused(
            "a negative cap",
            with(json!({"maxPodGracePeriod": -1})),
            "maxPodGracePeriod",
        ),
    ]
}

fn updates() -> Vec<Case> {
    let class = |class: Value| with_template(json!({"nodeClassRef": class}));
    let group = "nodeClassRef.group is immutable";
    let kind = "nodeClassRef.kind is immutable";
    let switch = "Cannot transition NodePool between static (replicas set) and dynamic (replicas unset) provisioning modes";
    let none = || class(Value::Null);
    vec![
        Case::accepted("another name", pool()).then(class(json!({"name": "other"}))),
        Case::refused("another group", pool(), group)
            .then(class(json!({"group": "karpenter.k8s.aws"}))),
        Case::refused("another kind", pool(), kind).then(class(json!({"kind": "EC2NodeClass"}))),
        Case::accepted("the group said otherwise", pool()).then(class(
            json!({"group": null, "apiVersion": "karpenter.kwok.sh/v1alpha1"}),
        )),
        Case::refused("another group said otherwise", pool(), group).then(class(
            json!({"group": null, "apiVersion": "karpenter.k8s.aws/v1"}),
        )),
        Case::accepted("the class added", none()).then(pool()),
        Case::accepted("the class removed", pool()).then(none()),
        Case::refused("a strange group added", none(), group)
            .then(class(json!({"group": "example.com"}))),
        Case::refused("a strange kind added", none(), kind).then(class(json!({"kind": "Other"}))),
        Case::refused("dynamic to static", pool(), switch).then(with(json!({"replicas": 1}))),
        Case::refused("static to dynamic", with(json!({"replicas": 1})), switch).then(pool()),
        Case::accepted("more replicas", with(json!({"replicas": 1})))
            .then(with(json!({"replicas": 2}))),
    ]
}
