//! A planned node as the document shows it. What many of them have in common is rendered once.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use catalog::InstanceType;
use cluster::PodRecord;
use requirements::Requirements;
use scheduling::{Launch, PlannedClaim};
use serde::ser::{SerializeSeq as _, SerializeStruct as _};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A planned node.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) planned: &'a PlannedClaim,
    rendered: Option<Rendered>,
}

/// The parts that planned nodes share, as JSON.
#[derive(Clone, Debug)]
struct Rendered {
    instance_types: Arc<RawValue>,
    requirements: Arc<RawValue>,
    labels: Arc<RawValue>,
    annotations: Arc<RawValue>,
    taints: Arc<RawValue>,
    startup_taints: Arc<RawValue>,
}

/// Makes claims of planned nodes.
#[derive(Debug)]
pub(crate) struct Claims {
    json: Option<Memo>,
}

/// Parts that were rendered already, by the address of what is shared: the placement that the
/// claims borrow from keeps it alive.
#[derive(Debug, Default)]
struct Memo {
    /// Spaces before the fields of a claim.
    indent: usize,
    by_address: [BTreeMap<usize, Arc<RawValue>>; 6],
}

impl Claims {
    /// For JSON with this many spaces before a claim's fields.
    pub(crate) fn json(indent: usize) -> Self {
        let json = Memo {
            indent,
            ..Memo::default()
        };
        Self { json: Some(json) }
    }

    /// For any other form: nothing is rendered ahead.
    pub(crate) fn plain() -> Self {
        Self { json: None }
    }

    /// A claim of a planned node.
    pub(crate) fn claim<'a>(&mut self, planned: &'a PlannedClaim) -> Claim<'a> {
        let rendered = self
            .json
            .as_mut()
            .and_then(|memo| memo.render(planned).ok());
        Claim { planned, rendered }
    }
}

impl Memo {
    fn render(&mut self, planned: &PlannedClaim) -> Result<Rendered, serde_json::Error> {
        let indent = self.indent;
        let [types, requirements, labels, annotations, taints, startup] = &mut self.by_address;
        Ok(Rendered {
            // On one line: there may be hundreds, and they are the bulk of a plan.
            instance_types: once(types, planned.instance_types.as_ptr().addr(), || {
                serde_json::to_string(&Types(&planned.instance_types))
            })?,
            requirements: once(requirements, address(&planned.requirements), || {
                pretty(&Items(&planned.requirements), indent)
            })?,
            labels: once(labels, address(&planned.labels), || {
                pretty(&*planned.labels, indent)
            })?,
            annotations: once(annotations, address(&planned.annotations), || {
                pretty(&*planned.annotations, indent)
            })?,
            taints: once(taints, planned.taints.as_ptr().addr(), || {
                pretty(&*planned.taints, indent)
            })?,
            startup_taints: once(startup, planned.startup_taints.as_ptr().addr(), || {
                pretty(&*planned.startup_taints, indent)
            })?,
        })
    }
}

fn address<T>(shared: &Arc<T>) -> usize {
    Arc::as_ptr(shared).addr()
}

fn once(
    known: &mut BTreeMap<usize, Arc<RawValue>>,
    address: usize,
    render: impl FnOnce() -> Result<String, serde_json::Error>,
) -> Result<Arc<RawValue>, serde_json::Error> {
    if let Some(text) = known.get(&address) {
        return Ok(text.clone());
    }
    let text: Arc<RawValue> = RawValue::from_string(render()?)?.into();
    known.insert(address, text.clone());
    Ok(text)
}

/// A value over several lines, all but the first of them indented. No JSON text holds a line feed.
fn pretty(value: &(impl Serialize + ?Sized), indent: usize) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(text.replace('\n', &format!("\n{}", " ".repeat(indent))))
}

impl Serialize for Claim<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let planned = self.planned;
        let rendered = self.rendered.as_ref();
        let mut claim = serializer.serialize_struct("Claim", 11)?;
        claim.serialize_field("name", &planned.name)?;
        claim.serialize_field("nodePool", &*planned.pool)?;
        claim.serialize_field("pods", &Pods(&planned.pods))?;
        if let Some(parts) = rendered {
            claim.serialize_field("instanceTypes", &*parts.instance_types)?;
            claim.serialize_field("requirements", &*parts.requirements)?;
            claim.serialize_field("requests", &*planned.requests)?;
            claim.serialize_field("labels", &*parts.labels)?;
            claim.serialize_field("annotations", &*parts.annotations)?;
            claim.serialize_field("taints", &*parts.taints)?;
            claim.serialize_field("startupTaints", &*parts.startup_taints)?;
        } else {
            claim.serialize_field("instanceTypes", &Types(&planned.instance_types))?;
            claim.serialize_field("requirements", &Items(&planned.requirements))?;
            claim.serialize_field("requests", &*planned.requests)?;
            claim.serialize_field("labels", &*planned.labels)?;
            claim.serialize_field("annotations", &*planned.annotations)?;
            claim.serialize_field("taints", &*planned.taints)?;
            claim.serialize_field("startupTaints", &*planned.startup_taints)?;
        }
        // Where no types are listed, what is launched is the provider's choice.
        let launch = (!planned.instance_types.is_empty()).then_some(LaunchOf(&planned.launch));
        claim.serialize_field("launch", &launch)?;
        claim.end()
    }
}

/// Pods by namespace and name.
#[derive(Debug)]
pub(crate) struct Pods<'a>(pub(crate) &'a [Arc<PodRecord>]);

impl Serialize for Pods<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        let mut name = String::new();
        for pod in self.0 {
            name.clear();
            name.extend([pod.namespace(), "/", &pod.name]);
            list.serialize_element(&name)?;
        }
        list.end()
    }
}

/// Namespace and name of a pod.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PodName<'a>(pub(crate) &'a PodRecord);

impl Display for PodName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.namespace())?;
        f.write_str("/")?;
        f.write_str(&self.0.name)
    }
}

/// Something as the text that it shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<T>(pub(crate) T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

struct Types<'a>(&'a [Arc<InstanceType>]);

impl Serialize for Types<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|ty| &*ty.name))
    }
}

/// Requirements as a NodeClaim lists them.
struct Items<'a>(&'a Requirements);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    key: String,
    operator: String,
    values: Vec<String>,
    min_values: Option<u32>,
}

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let items = self.0.to_items().into_iter().map(|item| Item {
            key: item.key,
            operator: item.operator.clone(),
            values: item.values,
            min_values: item.min_values,
        });
        serializer.collect_seq(items)
    }
}

struct LaunchOf<'a>(&'a Launch);

impl Serialize for LaunchOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut launch = serializer.serialize_struct("Launch", 4)?;
        launch.serialize_field("instanceType", &*self.0.instance_type)?;
        launch.serialize_field("zone", &*self.0.zone)?;
        launch.serialize_field("capacityType", &Shown(self.0.capacity_type))?;
        launch.serialize_field("pricePerHour", &self.0.price.dollars())?;
        launch.end()
    }
}
