//! A pod's JSON cut into pieces that are not looked into.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use model::Timestamp;
use model::k8s::pod::PodResourceClaimStatus;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::time;
use crate::pod::{Readiness, SchedulingStatus, decisive_annotation};

/// Text that borrows from the JSON unless it has escapes.
type Text<'a> = Option<Borrowed<'a>>;
/// A text that borrows where it can. (`Cow` alone would copy inside an `Option` or as a map's key.)
#[derive(Deserialize)]
pub(super) struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Borrowed<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A piece of JSON as it stands.
pub(super) type Piece<'a> = Option<&'a RawValue>;

/// A collection.
#[derive(Deserialize)]
pub(super) struct RawList<'a> {
    #[serde(borrow, default)]
    pub(super) items: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct RawPod<'a> {
    #[serde(borrow, default)]
    pub(super) metadata: RawMeta<'a>,
    #[serde(borrow, default)]
    pub(super) spec: RawSpec<'a>,
    #[serde(borrow, default)]
    pub(super) status: RawStatus<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawMeta<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    pub(super) namespace: Text<'a>,
    #[serde(borrow)]
    pub(super) uid: Text<'a>,
    #[serde(borrow)]
    resource_version: Text<'a>,
    #[serde(deserialize_with = "time::quickly")]
    pub(super) creation_timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "time::quickly")]
    pub(super) deletion_timestamp: Option<Timestamp>,
    #[serde(borrow)]
    pub(super) labels: Option<Pairs<'a>>,
    #[serde(borrow)]
    pub(super) annotations: Option<DecisivePairs<'a>>,
    #[serde(borrow)]
    pub(super) owner_references: Option<Vec<RawOwner<'a>>>,
}

impl RawMeta<'_> {
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    pub(super) fn resource_version(&self) -> u64 {
        self.resource_version
            .as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawOwner<'a> {
    #[serde(borrow, default)]
    pub(super) api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    #[serde(default)]
    pub(super) controller: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawSpec<'a> {
    #[serde(borrow)]
    pub(super) node_name: Text<'a>,
    #[serde(borrow)]
    pub(super) scheduler_name: Piece<'a>,
    #[serde(borrow)]
    pub(super) node_selector: Piece<'a>,
    #[serde(borrow)]
    pub(super) affinity: Piece<'a>,
    #[serde(borrow)]
    pub(super) tolerations: Piece<'a>,
    #[serde(borrow)]
    pub(super) topology_spread_constraints: Piece<'a>,
    #[serde(borrow)]
    pub(super) containers: Option<Vec<RawContainer<'a>>>,
    #[serde(borrow)]
    pub(super) init_containers: Option<Vec<RawContainer<'a>>>,
    #[serde(borrow)]
    pub(super) resources: Piece<'a>,
    #[serde(borrow)]
    pub(super) overhead: Piece<'a>,
    #[serde(borrow)]
    pub(super) volumes: Option<Vec<RawVolume<'a>>>,
    #[serde(borrow)]
    pub(super) resource_claims: Piece<'a>,
    #[serde(borrow)]
    pub(super) scheduling_gates: Piece<'a>,
    #[serde(borrow)]
    pub(super) host_network: Piece<'a>,
    #[serde(borrow)]
    pub(super) priority: Piece<'a>,
    #[serde(borrow)]
    pub(super) priority_class_name: Piece<'a>,
    #[serde(borrow)]
    pub(super) preemption_policy: Piece<'a>,
    #[serde(borrow)]
    pub(super) termination_grace_period_seconds: Piece<'a>,
    #[serde(borrow)]
    pub(super) restart_policy: Piece<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawContainer<'a> {
    #[serde(borrow, default)]
    pub(super) name: Piece<'a>,
    #[serde(borrow, default)]
    pub(super) resources: Piece<'a>,
    #[serde(borrow, default)]
    pub(super) ports: Piece<'a>,
    #[serde(borrow, default)]
    pub(super) restart_policy: Piece<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawVolume<'a> {
    #[serde(borrow, default)]
    pub(super) name: Piece<'a>,
    #[serde(borrow, default)]
    pub(super) persistent_volume_claim: Option<RawClaim<'a>>,
    #[serde(borrow, default)]
    pub(super) ephemeral: Piece<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawClaim<'a> {
    #[serde(borrow, default)]
    pub(super) claim_name: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawStatus<'a> {
    #[serde(borrow)]
    pub(super) phase: Text<'a>,
    #[serde(borrow)]
    pub(super) nominated_node_name: Text<'a>,
    #[serde(deserialize_with = "time::quickly")]
    pub(super) start_time: Option<Timestamp>,
    #[serde(borrow)]
    conditions: Option<Vec<RawCondition<'a>>>,
    #[serde(borrow)]
    pub(super) container_statuses: Option<Vec<RawContainerStatus<'a>>>,
    pub(super) resource_claim_statuses: Option<Vec<PodResourceClaimStatus>>,
}

#[derive(Deserialize)]
struct RawCondition<'a> {
    #[serde(borrow, default)]
    r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    reason: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawContainerStatus<'a> {
    #[serde(borrow, default)]
    pub(super) name: Piece<'a>,
    #[serde(borrow, default)]
    pub(super) allocated_resources: Piece<'a>,
    #[serde(borrow, default)]
    pub(super) resources: Piece<'a>,
}

impl RawStatus<'_> {
    /// What the conditions `PodScheduled` and `Ready` say; of several of a type the first counts.
    pub(super) fn conditions(&self) -> (SchedulingStatus, Readiness) {
        let mut scheduling = None;
        let mut ready = None;
        for condition in self.conditions.iter().flatten() {
            match &*condition.r#type {
                "PodScheduled" if scheduling.is_none() => {
                    let reason = condition.reason.as_deref().unwrap_or_default();
                    scheduling = Some(SchedulingStatus::from_reason(reason));
                }
                "Ready" if ready.is_none() => {
                    ready = Some(Readiness::from_status(&condition.status));
                }
                _ => {}
            }
        }
        (scheduling.unwrap_or_default(), ready.unwrap_or_default())
    }
}

/// A map from text to text, in the order of the JSON.
pub(super) struct Pairs<'a>(pub(super) Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// The same, but only those annotations that decide anything.
pub(super) struct DecisivePairs<'a>(pub(super) Vec<(Cow<'a, str>, Cow<'a, str>)>);

struct PairsVisitor(fn(&str) -> bool);

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Vec<(Cow<'de, str>, Cow<'de, str>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from text to text")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::with_capacity(8);
        while let Some(Borrowed(key)) = map.next_key()? {
            if (self.0)(&key) {
                let Borrowed(value) = map.next_value()?;
                pairs.push((key, value));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(pairs)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(PairsVisitor(|_| true))
            .map(Self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for DecisivePairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(PairsVisitor(decisive_annotation))
            .map(Self)
    }
}
