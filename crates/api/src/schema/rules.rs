//! The rules of schemas, as CEL with their messages.

use serde_json::{Value, json};

use crate::labels::{AWS_WELL_KNOWN, EC2NODECLASS, KWOK_WELL_KNOWN, KWOKNODECLASS};

/// A rule and what is said where it does not hold.
pub(crate) fn rule(rule: &str, message: &str) -> Value {
    json!({"rule": rule, "message": message})
}

/// CEL: a list of texts.
fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(|text| format!("'{text}'")).collect();
    format!("[{}]", quoted.join(", "))
}

/// CEL: the key is one of these, or not of the domain.
fn of_domain<'a>(key: &str, domain: &str, allowed: impl IntoIterator<Item = &'a str>) -> String {
    format!(
        "{key} in {} || !{key}.find('^([^/]+)').endsWith('{domain}')",
        texts(allowed)
    )
}

fn restricted_domain(domain: &str) -> String {
    format!("label domain \"{domain}\" is restricted")
}

fn restricted_label(label: &str) -> String {
    format!("label \"{label}\" is restricted")
}

const OWN_KEYS: [&str; 2] = ["karpenter.sh/capacity-type", "karpenter.sh/nodepool"];

fn own_domain(key: &str) -> String {
    of_domain(key, "karpenter.sh", OWN_KEYS)
}

fn aws_domain(key: &str, allowed: impl Fn(&str) -> bool) -> String {
    let known = AWS_WELL_KNOWN.iter().copied().chain([EC2NODECLASS]);
    let known = known.filter(|known| known.starts_with("karpenter.k8s.aws/"));
    of_domain(
        key,
        "karpenter.k8s.aws",
        known.filter(|known| allowed(known)),
    )
}

fn kwok_domain(key: &str) -> String {
    let known = KWOK_WELL_KNOWN.iter().copied().chain([KWOKNODECLASS]);
    of_domain(key, "karpenter.kwok.sh", known)
}

/// What overlays can't select by: what an instance gets only when it is launched.
fn known_before_launch(key: &str) -> bool {
    let name = key.trim_start_matches("karpenter.k8s.aws/");
    name != "instance-tenancy"
        && !name.starts_with("capacity-reservation-")
        && !name.starts_with("placement-group-")
}

/// Keys of template labels.
pub(crate) fn label_keys() -> Value {
    let all = |condition: &str| format!("self.all(x, {condition})");
    json!([
        rule(&all(&own_domain("x")), &restricted_domain("karpenter.sh")),
        rule(
            &all("x != 'karpenter.sh/nodepool'"),
            &restricted_label("karpenter.sh/nodepool")
        ),
        rule(
            &all("x != 'kubernetes.io/hostname'"),
            &restricted_label("kubernetes.io/hostname")
        ),
        rule(
            &all(&aws_domain("x", |_| true)),
            &restricted_domain("karpenter.k8s.aws")
        ),
    ])
}

fn hostname() -> Value {
    rule(
        "self != 'kubernetes.io/hostname'",
        &restricted_label("kubernetes.io/hostname"),
    )
}

/// Keys of a NodePool's requirements.
pub(crate) fn pool_requirement_keys() -> Value {
    json!([
        rule(&own_domain("self"), &restricted_domain("karpenter.sh")),
        rule(
            "self != 'karpenter.sh/nodepool'",
            &restricted_label("karpenter.sh/nodepool")
        ),
        hostname(),
        rule(
            &aws_domain("self", |_| true),
            &restricted_domain("karpenter.k8s.aws")
        ),
        rule(
            &kwok_domain("self"),
            &restricted_domain("karpenter.kwok.sh")
        ),
    ])
}

/// Keys of a NodeClaim's requirements.
pub(crate) fn claim_requirement_keys() -> Value {
    json!([
        rule(&own_domain("self"), &restricted_domain("karpenter.sh")),
        hostname(),
        rule(
            &aws_domain("self", |_| true),
            &restricted_domain("karpenter.k8s.aws")
        ),
        rule(
            &kwok_domain("self"),
            &restricted_domain("karpenter.kwok.sh")
        ),
    ])
}

/// Keys of a NodeOverlay's requirements.
pub(crate) fn overlay_requirement_keys() -> Value {
    json!([
        rule(&own_domain("self"), &restricted_domain("karpenter.sh")),
        hostname(),
        rule(
            &aws_domain("self", known_before_launch),
            &restricted_domain("karpenter.k8s.aws")
        ),
    ])
}

fn has_values(operator: &str) -> Value {
    rule(
        &format!("self.all(x, x.operator == '{operator}' ? x.values.size() != 0 : true)"),
        &format!("requirements with operator '{operator}' must have a value defined"),
    )
}

const ONE_INTEGER: &str = "self.all(x, x.operator in ['Gt', 'Lt', 'Gte', 'Lte'] ? \
    (x.values.size() == 1 ? int(x.values[0]) >= 0 : false) : true)";

/// Requirements of a NodePool or NodeClaim, all together.
pub(crate) fn requirement_list() -> Value {
    json!([
        has_values("In"),
        rule(
            ONE_INTEGER,
            "requirements operator 'Gt', 'Lt', 'Gte', or 'Lte' must have a single positive integer value",
        ),
        rule(
            "self.all(x, (x.operator == 'In' && has(x.minValues)) ? x.values.size() >= x.minValues : true)",
            "requirements with 'minValues' must have at least that many values specified in the 'values' field",
        ),
    ])
}

/// Requirements of a NodeOverlay, all together.
pub(crate) fn overlay_requirement_list() -> Value {
    json!([
        has_values("In"),
        has_values("NotIn"),
        rule(
            ONE_INTEGER,
            "requirements operator 'Gt', 'Lt', 'Gte' or 'Lte' must have a single positive integer value",
        ),
    ])
}

/// CEL: what a class reference says about the group, with a slash at its end; nothing if it says
/// nothing.
fn group_of(of: &str) -> String {
    format!(
        "(has({of}.group) ? {of}.group + '/' : (has({of}.apiVersion) ? {of}.apiVersion.find('^[^/]+/') : ''))"
    )
}

/// CEL: what a class reference says about the kind; nothing if it says nothing.
fn kind_of(of: &str) -> String {
    format!("(has({of}.kind) ? {of}.kind : '')")
}

const OWN_GROUPS: &str = "['', 'karpenter.k8s.aws/', 'karpenter.kwok.sh/']";
const OWN_KINDS: &str = "['', 'EC2NodeClass', 'KWOKNodeClass']";

/// A class reference keeps its group and kind. Saying what was left to the provider before, or the
/// other way round, is no change.
pub(crate) fn class_ref_transitions() -> Vec<Value> {
    let same = |old: &str, new: &str, own: &str| {
        format!(
            "{new} == {old} || ({old} == '' && {new} in {own}) || ({new} == '' && {old} in {own})"
        )
    };
    vec![
        rule(
            &same(&group_of("oldSelf"), &group_of("self"), OWN_GROUPS),
            "nodeClassRef.group is immutable",
        ),
        rule(
            &same(&kind_of("oldSelf"), &kind_of("self"), OWN_KINDS),
            "nodeClassRef.kind is immutable",
        ),
    ]
}

/// A class reference comes or goes: it may only say what holds without it.
pub(crate) fn template_transitions() -> Value {
    let kept = |of: fn(&str) -> String, own: &str| {
        format!(
            "has(self.nodeClassRef) == has(oldSelf.nodeClassRef) || (has(self.nodeClassRef) ? {} in {own} : {} in {own})",
            of("self.nodeClassRef"),
            of("oldSelf.nodeClassRef"),
        )
    };
    json!([
        rule(
            &kept(group_of, OWN_GROUPS),
            "nodeClassRef.group is immutable"
        ),
        rule(&kept(kind_of, OWN_KINDS), "nodeClassRef.kind is immutable"),
    ])
}

/// A NodePool's spec, as a whole.
pub(crate) fn pool_spec() -> Value {
    json!([
        rule(
            "has(self.replicas) == has(oldSelf.replicas)",
            "Cannot transition NodePool between static (replicas set) and dynamic (replicas unset) provisioning modes",
        ),
        rule(
            "!has(self.replicas) || (!has(self.limits) || size(self.limits) == 0 || (size(self.limits) == 1 && 'nodes' in self.limits))",
            "only 'limits.nodes' is supported on static NodePools",
        ),
        rule(
            "!has(self.replicas) || !has(self.weight)",
            "'weight' is not supported on static NodePools",
        ),
    ])
}

/// Disruption budgets, all together.
pub(crate) fn budgets() -> Value {
    json!([rule(
        "self.all(x, has(x.schedule) == has(x.duration))",
        "'schedule' must be set with 'duration'",
    )])
}

/// A NodeClaim's spec, as a whole.
pub(crate) fn claim_spec() -> Value {
    json!([rule("self == oldSelf", "spec is immutable")])
}

/// A NodeOverlay's spec, as a whole.
pub(crate) fn overlay_spec() -> Value {
    json!([rule(
        "!has(self.price) || !has(self.priceAdjustment)",
        "cannot set both 'price' and 'priceAdjustment'",
    )])
}

/// Capacity that a NodeOverlay may add.
pub(crate) fn overlay_capacity() -> Value {
    json!([rule(
        "self.all(x, !(x in ['cpu', 'memory', 'ephemeral-storage', 'pods']))",
        "invalid resource restricted",
    )])
}

/// A CapacityBuffer's spec, as a whole.
pub(crate) fn buffer_spec() -> Value {
    json!([
        rule(
            "!has(self.podTemplateRef) || has(self.replicas) || has(self.limits)",
            "If podTemplateRef is set, replicas or limits must also be set",
        ),
        rule(
            "!(has(self.podTemplateRef) && has(self.scalableRef))",
            "You must define either PodTemplateRef or ScalableRef, but not both",
        ),
    ])
}
