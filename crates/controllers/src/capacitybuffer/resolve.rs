//! Reading what a buffer's pods look like.

use api::CapacityBuffer;
use lifecycle::buffer::{Resolved, Source, Unresolved, WorkloadKind, source};
use model::k8s::workload::WorkloadSpec;
use model::k8s::{Deployment, PodTemplate, ReplicaSet, Resource, StatefulSet};
use runtime::client::ObjectKey;
use serde::de::DeserializeOwned;

use crate::shared::Shared;

/// What a buffer's pods look like, or why that is not known.
pub(super) async fn resolve(
    shared: &Shared,
    buffer: &CapacityBuffer,
) -> Result<Resolved, Unresolved> {
    let namespace = buffer.metadata.namespace();
    match source(&buffer.spec)? {
        Source::Template(name) => {
            let template: Option<PodTemplate> = read(shared, namespace, &name).await?;
            let template = template.ok_or(Unresolved::TemplateNotFound(name))?;
            let meta = template.metadata;
            Ok(Resolved {
                template: template.template,
                template_ref: Some((meta.name, meta.generation)),
                replicas: None,
            })
        }
        Source::Workload { kind, name } => {
            let spec = workload(shared, namespace, kind, &name).await?;
            let spec = spec.ok_or(Unresolved::WorkloadNotFound { kind, name })?;
            Ok(Resolved {
                template: spec.template,
                template_ref: None,
                replicas: Some(spec.replicas.unwrap_or(1)),
            })
        }
    }
}

async fn workload(
    shared: &Shared,
    namespace: &str,
    kind: WorkloadKind,
    name: &str,
) -> Result<Option<WorkloadSpec>, Unresolved> {
    Ok(match kind {
        WorkloadKind::Deployment => read(shared, namespace, name)
            .await?
            .map(|found: Deployment| found.spec),
        WorkloadKind::StatefulSet => read(shared, namespace, name)
            .await?
            .map(|found: StatefulSet| found.spec),
        WorkloadKind::ReplicaSet => read(shared, namespace, name)
            .await?
            .map(|found: ReplicaSet| found.spec),
    })
}

async fn read<T>(shared: &Shared, namespace: &str, name: &str) -> Result<Option<T>, Unresolved>
where
    T: Resource + DeserializeOwned,
{
    let key = ObjectKey::namespaced(namespace, name);
    let found = shared.world.client.find::<T>(&key).await;
    found.map_err(|error| Unresolved::Failed(error.to_string()))
}
