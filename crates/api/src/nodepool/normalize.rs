//! From what a user wrote to the one strict form.

use std::time::Duration;

use serde_json::Value;

use super::{ConsolidationPolicy, DEFAULT_EXPIRE_AFTER, NodePool};
use crate::{NillableDuration, ProviderDefaults, labels};

impl NodePool {
    /// The strict form: the node class reference is whole, `expireAfter` and `maxPodGracePeriod`
    /// stand in the template and nowhere else, and the policy is one of today's.
    #[must_use]
    pub fn normalized(mut self, defaults: &ProviderDefaults) -> Self {
        let expire_after = self.claimed_expire_after();
        let grace = self.max_pod_grace_period();
        let spec = &mut self.spec.template.spec;
        spec.node_class_ref = spec.node_class_ref.or_default(defaults);
        spec.expire_after = Some(expire_after);
        spec.max_pod_grace_period = grace;
        self.spec.max_pod_grace_period = None;
        self.spec.disruption.expire_after = None;
        self.spec.disruption.consolidation_policy = self.consolidation_policy();
        self
    }

    /// Age at which nodes are replaced; none for never.
    pub fn expire_after(&self) -> Option<Duration> {
        self.claimed_expire_after().get()
    }

    /// `expireAfter` as a claim of the pool carries it: what the template says, else what
    /// `disruption` says, else 30 days.
    ///
    /// The API server writes the default of 30 days into a template that says nothing. So a
    /// template of exactly 30 days beside an `expireAfter` in `disruption` counts as that default,
    /// unless the configuration that was last applied, which kubectl keeps in an annotation, has
    /// it.
    pub fn claimed_expire_after(&self) -> NillableDuration {
        let template = self.spec.template.spec.expire_after.as_ref();
        let older = self.spec.disruption.expire_after.as_ref();
        let written = match (template, older) {
            (Some(template), Some(older)) => {
                let default = template.get() == Some(DEFAULT_EXPIRE_AFTER);
                Some(if default && !self.template_was_applied() {
                    older
                } else {
                    template
                })
            }
            _ => template.or(older),
        };
        written
            .cloned()
            .unwrap_or_else(|| NillableDuration::of(DEFAULT_EXPIRE_AFTER))
    }

    fn template_was_applied(&self) -> bool {
        let applied = self.metadata.annotations.get(labels::LAST_APPLIED);
        let applied = applied.and_then(|text| serde_json::from_str::<Value>(text).ok());
        applied.is_some_and(|object| object.pointer("/spec/template/spec/expireAfter").is_some())
    }

    /// How long a node must be left alone before it may be consolidated; none for never.
    pub fn consolidate_after(&self) -> Option<Duration> {
        self.spec.disruption.consolidate_after.get()
    }

    /// Which nodes may be consolidated, in today's spelling.
    pub fn consolidation_policy(&self) -> ConsolidationPolicy {
        match self.spec.disruption.consolidation_policy {
            ConsolidationPolicy::WhenUnderutilized => ConsolidationPolicy::WhenEmptyOrUnderutilized,
            policy => policy,
        }
    }

    /// Cap on the grace period of any one pod in a voluntary drain, in seconds.
    pub fn max_pod_grace_period(&self) -> Option<i64> {
        let spec = &self.spec;
        spec.template
            .spec
            .max_pod_grace_period
            .or(spec.max_pod_grace_period)
    }

    /// Whether the pool has a fixed number of nodes.
    pub fn is_static(&self) -> bool {
        self.spec.replicas.is_some()
    }
}
