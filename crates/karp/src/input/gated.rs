//! What counts only where its feature gate is on: node overlays and capacity buffers.

use anyhow::Context as _;
use api::{CapacityBuffer, NodeOverlay, NodePool};
use catalog::overlay::{PoolTypes, Verdict, evaluate};
use cluster::{Cluster, Event, ObjectKey, PodUpdate};
use lifecycle::buffer::{Resolved, Source, Unresolved, judged, source, virtual_pods};
use manifests::Object;
use model::Timestamp;
use model::k8s::{PodTemplate, StatefulSet};
use runtime::options::FeatureGates;

use super::expand::namespace;
use super::{Chosen, decode};
use crate::cli::PolicyArgs;

/// The gates that the command line turns on and off.
pub(crate) fn gates(args: &PolicyArgs) -> anyhow::Result<FeatureGates> {
    let text = args.feature_gates.as_deref().unwrap_or_default();
    FeatureGates::parse(text).with_context(|| format!("--feature-gates {text:?}"))
}

/// Lets overlays and buffers count; gives what the user should know, one line each.
pub(super) fn apply(
    cluster: &mut Cluster,
    objects: &[Object],
    chosen: &Chosen,
) -> anyhow::Result<Vec<String>> {
    let of = |kind: &str| -> Vec<&Object> {
        let all = objects.iter();
        all.filter(|object| object.kind == kind).collect()
    };
    let (overlays, buffers) = (of("NodeOverlay"), of("CapacityBuffer"));
    let mut warnings = Vec::new();
    for (found, gate, is_on) in [
        (&overlays, "NodeOverlay", chosen.gates.node_overlay),
        (&buffers, "CapacityBuffer", chosen.gates.capacity_buffer),
    ] {
        if !found.is_empty() && !is_on {
            let objects = view::format::count(found.len(), "object");
            warnings.push(format!(
                "{objects} of kind {gate} left out: --feature-gates {gate}=true lets them count"
            ));
        }
    }
    if chosen.gates.node_overlay {
        overlay(cluster, &overlays, chosen, &mut warnings)?;
    }
    if chosen.gates.capacity_buffer {
        for object in buffers {
            warnings.extend(keep(cluster, objects, object)?);
        }
    }
    Ok(warnings)
}

/// Gives pools their types as overlays make them.
fn overlay(
    cluster: &mut Cluster,
    objects: &[&Object],
    chosen: &Chosen,
    warnings: &mut Vec<String>,
) -> anyhow::Result<()> {
    let overlays = objects.iter().map(|object| decode(object));
    let overlays: Vec<NodeOverlay> = overlays.collect::<anyhow::Result<_>>()?;
    let pools: Vec<_> = cluster.pools().cloned().collect();
    let types = |pool: &NodePool| {
        let class = &pool.spec.template.spec.node_class_ref.name;
        &chosen.catalogs.of(class).types
    };
    let inputs: Vec<PoolTypes<'_>> = pools
        .iter()
        .map(|pool| PoolTypes {
            pool,
            types: types(pool),
        })
        .collect();
    let evaluation = evaluate(&overlays, &inputs, &chosen.catalogs.default.vocabulary());
    for (name, verdict) in &evaluation.verdicts {
        match verdict {
            Verdict::Accepted => {}
            Verdict::Invalid(why) => {
                warnings.push(format!("NodeOverlay {name} is not in force: {why}"));
            }
            Verdict::Conflict => warnings.push(format!(
                "NodeOverlay {name} is not in force: conflict with another overlay"
            )),
        }
    }
    for pool in &pools {
        let name = pool.metadata.name.clone();
        let before = types(pool).clone().into();
        if let Some(types) = evaluation.overlays.apply(&name, &before) {
            cluster.apply(Event::PoolTypes { pool: name, types });
        }
    }
    Ok(())
}

/// Adds the pods that a buffer keeps room for; says why there are none.
fn keep(
    cluster: &mut Cluster,
    objects: &[Object],
    object: &Object,
) -> anyhow::Result<Option<String>> {
    let mut buffer: CapacityBuffer = decode(object)?;
    let namespace = namespace(object).to_owned();
    let key = ObjectKey::new(&namespace, &buffer.metadata.name);
    buffer.metadata.namespace = Some(namespace);
    if buffer.metadata.uid.is_empty() {
        buffer.metadata.uid = key.to_string();
    }
    let found = resolve(&buffer, objects, &key.namespace)?;
    let resolved = match found {
        Ok(resolved) => resolved,
        Err(why) => return Ok(Some(format!("CapacityBuffer {key} keeps no room: {why}"))),
    };
    let found = Ok(resolved.clone());
    // Only conditions tell the time, and nobody reads them here.
    let ready = judged(&buffer, &found, Timestamp::EPOCH);
    let pods = virtual_pods(&ready, &resolved);
    cluster.apply(Event::VirtualPods {
        buffer: key,
        pods: pods.iter().map(PodUpdate::virtual_of).collect(),
    });
    Ok(None)
}

/// Finds the pods of a buffer among the objects.
fn resolve(
    buffer: &CapacityBuffer,
    objects: &[Object],
    within: &str,
) -> anyhow::Result<Result<Resolved, Unresolved>> {
    let find = |kind: &str, name: &str| {
        let mut all = objects.iter();
        all.find(|object| object.kind == kind && object.name == name && namespace(object) == within)
    };
    Ok(match source(&buffer.spec) {
        Err(why) => Err(why),
        Ok(Source::Template(name)) => match find("PodTemplate", &name) {
            None => Err(Unresolved::TemplateNotFound(name)),
            Some(object) => {
                let template: PodTemplate = decode(object)?;
                Ok(Resolved {
                    template: template.template,
                    template_ref: Some((name, template.metadata.generation)),
                    replicas: None,
                })
            }
        },
        Ok(Source::Workload { kind, name }) => match find(kind.as_str(), &name) {
            None => Err(Unresolved::WorkloadNotFound { kind, name }),
            Some(object) => {
                // The three kinds have the same form here.
                let workload: StatefulSet = decode(object)?;
                Ok(Resolved {
                    template: workload.spec.template,
                    template_ref: None,
                    replicas: Some(workload.spec.replicas.unwrap_or(1)),
                })
            }
        },
    })
}
