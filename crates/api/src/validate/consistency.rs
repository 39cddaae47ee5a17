//! What several fields of an object say together, and what only makes sense to us.

use serde_json::Value;

use super::{Finding, contradiction};
use crate::nodepool::validate::{LabelRules, requirement, validate};
use crate::{CapacityBuffer, Ec2NodeClass, NodeOverlay, NodePool, NodeRequirement, labels};

/// All that is wrong with an object whose structure is right.
pub(super) fn check(kind: &str, object: &Value) -> Vec<Finding> {
    fn decode<T: serde::de::DeserializeOwned>(
        object: &Value,
        check: impl Fn(&T) -> Vec<Finding>,
    ) -> Vec<Finding> {
        match serde_json::from_value::<T>(without_nulls(object.clone())) {
            Ok(decoded) => check(&decoded),
            Err(error) => vec![Finding::error("spec", format!("can't be read: {error}"))],
        }
    }
    match kind {
        "NodePool" => decode(object, pool),
        "NodeOverlay" => decode(object, overlay),
        "CapacityBuffer" => decode(object, buffer),
        "EC2NodeClass" => {
            let mut findings = decode(object, |class: &Ec2NodeClass| class_of(class));
            findings.extend(super::terms::check(object));
            findings
        }
        _ => Vec::new(),
    }
}

/// The object as the API server keeps it: without nulls.
fn without_nulls(mut object: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|_, value| !value.is_null());
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut object);
    object
}

fn rules_of(pool: &NodePool) -> LabelRules {
    match pool.spec.template.spec.node_class_ref.group.as_str() {
        labels::KWOK_GROUP => LabelRules::kwok([labels::AWS_ZONE_ID]),
        "" | labels::AWS_GROUP => LabelRules::aws(),
        _ => LabelRules::core(),
    }
}

fn pool(pool: &NodePool) -> Vec<Finding> {
    let mut findings: Vec<Finding> = validate(pool, &rules_of(pool))
        .into_iter()
        .map(|wrong| Finding::error(&wrong.path, wrong.message))
        .collect();
    findings.extend(statics(pool));
    for (index, budget) in pool.spec.disruption.budgets.iter().enumerate() {
        if budget.schedule.is_some() != budget.duration.is_some() {
            let path = format!("spec.disruption.budgets[{index}]");
            let missing = if budget.schedule.is_some() {
                "duration"
            } else {
                "schedule"
            };
            let finding = Finding::error(&path, "'schedule' must be set with 'duration'");
            findings.push(finding.fix(format!("add {missing}, or remove the other")));
        }
    }
    for (resource, limit) in &pool.spec.limits {
        if limit.is_zero() || limit.is_negative() {
            let path = format!("spec.limits.{resource}");
            let finding = Finding::warning(&path, "allows no node at all");
            findings.push(finding.fix("raise it, or remove it"));
        }
    }
    let requirements = &pool.spec.template.spec.requirements;
    for found in contradiction::find(pool) {
        let said: Vec<String> = requirements
            .iter()
            .filter(|item| labels::normalize(&item.key) == found.key)
            .map(contradiction::text)
            .chain(
                pool.spec
                    .template
                    .metadata
                    .labels
                    .get(&found.key)
                    .map(|v| format!("label {}={v}", found.key)),
            )
            .collect();
        let path = match found.last {
            Some(index) => format!("spec.template.spec.requirements[{index}]"),
            None => format!("spec.template.metadata.labels[{}]", found.key),
        };
        let message = format!(
            "no node can meet {}: the pool can never launch one",
            said.join(" and ")
        );
        findings.push(Finding::error(&path, message).fix("leave values that all of them allow"));
    }
    findings
}

fn statics(pool: &NodePool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !pool.is_static() {
        return findings;
    }
    if pool
        .spec
        .limits
        .keys()
        .any(|resource| resource != model::resources::NODES)
    {
        let message = "only 'limits.nodes' is supported on static NodePools";
        findings.push(
            Finding::error("spec.limits", message).fix("keep nodes, or remove spec.replicas"),
        );
    }
    if pool.spec.weight.is_some() {
        let message = "'weight' is not supported on static NodePools";
        findings
            .push(Finding::error("spec.weight", message).fix("remove it, or remove spec.replicas"));
    }
    findings
}

fn overlay(overlay: &NodeOverlay) -> Vec<Finding> {
    let spec = &overlay.spec;
    let mut findings = Vec::new();
    if spec.price.is_some() && spec.price_adjustment.is_some() {
        let message = "cannot set both 'price' and 'priceAdjustment'";
        findings.push(Finding::error("spec", message).fix("remove one of them"));
    }
    for resource in spec
        .capacity
        .keys()
        .filter(|name| labels::KNOWN_RESOURCES.contains(&name.as_str()))
    {
        let path = format!("spec.capacity.{resource}");
        findings.push(Finding::error(&path, "invalid resource restricted").fix("remove it"));
    }
    for (index, item) in spec.requirements.iter().enumerate() {
        let item = NodeRequirement {
            key: item.key.clone(),
            operator: item.operator.clone(),
            values: item.values.clone(),
            min_values: None,
        };
        let path = format!("spec.requirements[{index}]");
        let faults = requirement(&item, &LabelRules::aws());
        findings.extend(faults.into_iter().map(|fault| Finding::error(&path, fault)));
        if item.operator == "NotIn" && item.values.is_empty() {
            let message = format!(
                "key {} with operator NotIn must have a value defined",
                item.key
            );
            findings.push(Finding::error(&path, message));
        }
    }
    findings
}

fn buffer(buffer: &CapacityBuffer) -> Vec<Finding> {
    let spec = &buffer.spec;
    let mut findings = Vec::new();
    match (&spec.pod_template_ref, &spec.scalable_ref) {
        (Some(_), Some(_)) => {
            let message = "You must define either PodTemplateRef or ScalableRef, but not both";
            findings.push(Finding::error("spec", message).fix("remove one of them"));
        }
        (None, None) => {
            let message = "names neither podTemplateRef nor scalableRef: nothing is kept";
            findings.push(Finding::warning("spec", message).fix("add one of them"));
        }
        (Some(_), None) if spec.replicas.is_none() && spec.limits.is_empty() => {
            let message = "If podTemplateRef is set, replicas or limits must also be set";
            findings.push(Finding::error("spec", message).fix("add replicas"));
        }
        _ => {}
    }
    findings
}

fn class_of(class: &Ec2NodeClass) -> Vec<Finding> {
    let spec = &class.spec;
    let mut findings = Vec::new();
    if spec.role.is_some() && spec.instance_profile.is_some() {
        let message = "must specify exactly one of ['role', 'instanceProfile']";
        findings.push(Finding::error("spec", message).fix("remove one of them"));
    }
    if spec.role.is_none() && spec.instance_profile.is_none() {
        let message = "names neither role nor instanceProfile: it only works where the settings have a default instance profile";
        findings.push(Finding::warning("spec", message).fix("add role"));
    }
    let has_alias = spec
        .ami_selector_terms
        .iter()
        .any(|term| !term.alias.is_empty());
    if spec.ami_family.is_none() && !has_alias {
        let message = "must specify amiFamily if amiSelectorTerms does not contain an alias";
        findings.push(Finding::error("spec.amiFamily", message).fix("add amiFamily: AL2023"));
    }
    if spec.ami_family.as_deref() == Some("Custom") && spec.ami_selector_terms.is_empty() {
        let message = "Custom has no images of its own";
        findings.push(
            Finding::error("spec.amiSelectorTerms", message).fix("add terms that select images"),
        );
    }
    if has_alias && spec.ami_selector_terms.len() > 1 {
        let message = "'alias' is mutually exclusive, cannot be set with a combination of other amiSelectorTerms";
        findings.push(Finding::error("spec.amiSelectorTerms", message).fix("keep the alias alone"));
    }
    for (name, empty) in [
        ("subnetSelectorTerms", spec.subnet_selector_terms.is_empty()),
        (
            "securityGroupSelectorTerms",
            spec.security_group_selector_terms.is_empty(),
        ),
    ] {
        if empty {
            let path = format!("spec.{name}");
            let finding = Finding::error(&path, format!("{name} cannot be empty"));
            findings.push(finding.fix("add a term with tags or ids"));
        }
    }
    findings.extend(restricted_tags(class));
    findings
}

fn restricted_tags(class: &Ec2NodeClass) -> Vec<Finding> {
    const OURS: [&str; 4] = [
        "eks:eks-cluster-name",
        "karpenter.sh/nodepool",
        "karpenter.sh/nodeclaim",
        "karpenter.k8s.aws/ec2nodeclass",
    ];
    let restricted =
        |key: &String| OURS.contains(&key.as_str()) || key.starts_with("kubernetes.io/cluster");
    let keys = class.spec.tags.keys().filter(|key| restricted(key));
    keys.map(|key| {
        let message = format!("tag contains a restricted tag matching {key}");
        Finding::error(&format!("spec.tags[{key}]"), message).fix("remove it: we set it")
    })
    .collect()
}
