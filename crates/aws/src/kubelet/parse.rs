//! From an open object to the settings that mean something.

use std::collections::BTreeMap;
use std::time::Duration;

use model::duration::parse_go;
use serde_json::{Map, Value};

use super::{Managed, MaxPods, Settings};

/// A field that means something to Karpenter cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parsing spec.kubelet, {field} must be {wanted}, not {found}")]
pub struct ParseError {
    /// The field, with the key of its entry.
    pub field: String,
    /// What it must be.
    pub wanted: &'static str,
    /// What it is, in JSON.
    pub found: String,
}

impl Settings {
    /// Reads `spec.kubelet`. Fields that mean nothing to Karpenter may be anything.
    pub fn parse(kubelet: &Map<String, Value>) -> Result<Self, ParseError> {
        let fields = Fields(kubelet);
        let managed = Managed {
            cluster_dns: fields.texts("clusterDNS")?,
            pods_per_core: fields.count("podsPerCore")?,
            eviction_hard: fields.text_map("evictionHard")?,
            eviction_soft: fields.text_map("evictionSoft")?,
            eviction_soft_grace_period: fields.durations("evictionSoftGracePeriod")?,
            eviction_max_pod_grace_period: fields.count("evictionMaxPodGracePeriod")?,
            image_gc_high_percent: fields.number("imageGCHighThresholdPercent")?,
            image_gc_low_percent: fields.number("imageGCLowThresholdPercent")?,
            cpu_cfs_quota: fields.get("cpuCFSQuota", "true or false", Value::as_bool)?,
        };
        Ok(Self {
            verbatim: kubelet.clone(),
            managed,
            max_pods: fields.max_pods()?,
            kube_reserved: fields.text_map("kubeReserved")?,
            system_reserved: fields.text_map("systemReserved")?,
        })
    }

    /// Whether anything is an expression: a `maxPods` in quotes, an amount that is no quantity.
    pub fn has_expressions(&self) -> bool {
        let reserved = self
            .kube_reserved
            .values()
            .chain(self.system_reserved.values());
        matches!(self.max_pods, Some(MaxPods::Expression(_)))
            || reserved.into_iter().any(|text| is_expression(text))
    }
}

/// Whether what is reserved is to be evaluated.
pub(super) fn is_expression(text: &str) -> bool {
    text.parse::<model::Quantity>().is_err()
}

struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// A field that is given; null is as good as nothing.
    fn get<T>(
        &self,
        field: &str,
        wanted: &'static str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ParseError> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| ParseError {
                field: field.to_owned(),
                wanted,
                found: value.to_string(),
            }),
        }
    }

    fn number(&self, field: &str) -> Result<Option<i32>, ParseError> {
        self.get(field, "a whole number of 32 bits", |value| {
            i32::try_from(value.as_i64()?).ok()
        })
    }

    fn count(&self, field: &str) -> Result<Option<u32>, ParseError> {
        self.get(field, "a whole number of 32 bits, not negative", count)
    }

    fn max_pods(&self) -> Result<Option<MaxPods>, ParseError> {
        let wanted = "a whole number of 32 bits, not negative, or an expression";
        self.get("maxPods", wanted, |value| match value {
            Value::String(text) => Some(MaxPods::Expression(text.clone())),
            other => count(other).map(MaxPods::Number),
        })
    }

    fn texts(&self, field: &str) -> Result<Vec<String>, ParseError> {
        let list = self.get(field, "a list of texts", |value| {
            let list = value.as_array()?.iter();
            list.map(|one| one.as_str().map(str::to_owned)).collect()
        });
        list.map(Option::unwrap_or_default)
    }

    fn map<T>(
        &self,
        field: &str,
        wanted: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<BTreeMap<String, T>, ParseError> {
        let map = self.get(field, "a map", Value::as_object)?;
        map.into_iter()
            .flatten()
            .map(|(key, value)| {
                let read = value.as_str().and_then(&read).ok_or_else(|| ParseError {
                    field: format!("{field}[{key}]"),
                    wanted,
                    found: value.to_string(),
                })?;
                Ok((key.clone(), read))
            })
            .collect()
    }

    fn text_map(&self, field: &str) -> Result<BTreeMap<String, String>, ParseError> {
        self.map(field, "a text", |text| Some(text.to_owned()))
    }

    fn durations(&self, field: &str) -> Result<BTreeMap<String, Duration>, ParseError> {
        self.map(field, "a duration such as 1m30s", |text| {
            parse_go(text).ok()
        })
    }
}

fn count(value: &Value) -> Option<u32> {
    // The most that upstream holds.
    let count = i32::try_from(value.as_i64()?).ok()?;
    u32::try_from(count).ok()
}
