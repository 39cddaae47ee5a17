//! The built-in resources, as a table.

use crate::{
    resource::{Generation, ResourceInfo, ScalePaths, Scope, StatusSubresource, group_version},
    storage::Store,
};

use Generation::{None as Plain, Spec};
use Scope::{Cluster, Namespaced};
use StatusSubresource::{Absent, Present};

/// Kind, plural, short names, scope, status subresource, generation.
struct Row(
    &'static str,
    &'static str,
    &'static [&'static str],
    Scope,
    StatusSubresource,
    Generation,
);

/// Group, versions (served; the first is stored), rows.
struct Group(&'static str, &'static [&'static str], &'static [Row]);

// A table reads best with a line per row.
#[rustfmt::skip]
const GROUPS: &[Group] = &[
Group("", &["v1"], &[
    Row("Pod", "pods", &["po"], Namespaced, Present, Spec),
    Row("Node", "nodes", &["no"], Cluster, Present, Plain),
    Row("Namespace", "namespaces", &["ns"], Cluster, Present, Plain),
    Row("Service", "services", &["svc"], Namespaced, Present, Plain),
    Row("ConfigMap", "configmaps", &["cm"], Namespaced, Absent, Plain),
    Row("Secret", "secrets", &[], Namespaced, Absent, Plain),
    Row("ServiceAccount", "serviceaccounts", &["sa"], Namespaced, Absent, Plain),
    Row("Event", "events", &["ev"], Namespaced, Absent, Plain),
    Row("Endpoints", "endpoints", &["ep"], Namespaced, Absent, Plain),
    Row("PersistentVolume", "persistentvolumes", &["pv"], Cluster, Present, Plain),
    Row("PersistentVolumeClaim", "persistentvolumeclaims", &["pvc"], Namespaced, Present, Plain),
    Row("LimitRange", "limitranges", &["limits"], Namespaced, Absent, Plain),
    Row("ResourceQuota", "resourcequotas", &["quota"], Namespaced, Present, Plain),
    Row("PodTemplate", "podtemplates", &[], Namespaced, Absent, Spec),
    Row("ReplicationController", "replicationcontrollers", &["rc"], Namespaced, Present, Spec),
]),
Group("apps", &["v1"], &[
    Row("Deployment", "deployments", &["deploy"], Namespaced, Present, Spec),
    Row("ReplicaSet", "replicasets", &["rs"], Namespaced, Present, Spec),
    Row("StatefulSet", "statefulsets", &["sts"], Namespaced, Present, Spec),
    Row("DaemonSet", "daemonsets", &["ds"], Namespaced, Present, Spec),
    Row("ControllerRevision", "controllerrevisions", &[], Namespaced, Absent, Plain),
]),
Group("batch", &["v1"], &[
    Row("Job", "jobs", &[], Namespaced, Present, Spec),
    Row("CronJob", "cronjobs", &["cj"], Namespaced, Present, Spec),
]),
Group("policy", &["v1"], &[
    Row("PodDisruptionBudget", "poddisruptionbudgets", &["pdb"], Namespaced, Present, Spec),
]),
Group("scheduling.k8s.io", &["v1"], &[
    Row("PriorityClass", "priorityclasses", &["pc"], Cluster, Absent, Spec),
]),
Group("storage.k8s.io", &["v1"], &[
    Row("StorageClass", "storageclasses", &["sc"], Cluster, Absent, Plain),
    Row("CSINode", "csinodes", &[], Cluster, Absent, Plain),
    Row("CSIDriver", "csidrivers", &[], Cluster, Absent, Plain),
    Row("VolumeAttachment", "volumeattachments", &[], Cluster, Present, Plain),
    Row("CSIStorageCapacity", "csistoragecapacities", &[], Namespaced, Absent, Plain),
]),
Group("coordination.k8s.io", &["v1"], &[
    Row("Lease", "leases", &[], Namespaced, Absent, Plain),
]),
Group("events.k8s.io", &["v1"], &[
    Row("Event", "events", &["ev"], Namespaced, Absent, Plain),
]),
Group("apiextensions.k8s.io", &["v1"], &[
    Row("CustomResourceDefinition", "customresourcedefinitions", &["crd", "crds"],
        Cluster, Present, Spec),
]),
Group("resource.k8s.io", &["v1", "v1beta2", "v1beta1"], &[
    Row("ResourceSlice", "resourceslices", &[], Cluster, Absent, Spec),
    Row("ResourceClaim", "resourceclaims", &[], Namespaced, Present, Plain),
    Row("ResourceClaimTemplate", "resourceclaimtemplates", &[], Namespaced, Absent, Plain),
    Row("DeviceClass", "deviceclasses", &[], Cluster, Absent, Spec),
]),
Group("autoscaling", &["v2", "v1"], &[
    Row("HorizontalPodAutoscaler", "horizontalpodautoscalers", &["hpa"],
        Namespaced, Present, Plain),
]),
Group("rbac.authorization.k8s.io", &["v1"], &[
    Row("ClusterRole", "clusterroles", &[], Cluster, Absent, Plain),
    Row("ClusterRoleBinding", "clusterrolebindings", &[], Cluster, Absent, Plain),
    Row("Role", "roles", &[], Namespaced, Absent, Plain),
    Row("RoleBinding", "rolebindings", &[], Namespaced, Absent, Plain),
]),
];

/// Kinds that `kubectl get all` shows.
const ALL: [&str; 10] = [
    "pods",
    "services",
    "replicationcontrollers",
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "jobs",
    "cronjobs",
    "horizontalpodautoscalers",
];

/// Every built-in resource in every version.
pub(super) fn resources(store: &mut Store) -> Vec<ResourceInfo> {
    let mut out: Vec<ResourceInfo> = Vec::new();
    for Group(group, versions, rows) in GROUPS {
        for row in *rows {
            // Events are one resource under two groups.
            let same = out.iter().find(|i| i.plural == row.1);
            let shared = same.map(|i| (i.shelf, i.storage_api_version.clone()));
            let (shelf, stored_as) =
                shared.unwrap_or_else(|| (store.add_shelf(), group_version(group, versions[0])));
            for version in *versions {
                out.push(ResourceInfo {
                    shelf,
                    storage_api_version: stored_as.clone(),
                    ..describe(group, version, row)
                });
            }
        }
    }
    out
}

fn describe(group: &str, version: &str, row: &Row) -> ResourceInfo {
    let Row(kind, plural, short_names, scope, status, generation) = row;
    ResourceInfo {
        group: group.into(),
        version: version.into(),
        plural: (*plural).into(),
        singular: kind.to_lowercase(),
        kind: (*kind).into(),
        list_kind: format!("{kind}List"),
        short_names: short_names.iter().map(|s| (*s).into()).collect(),
        categories: if ALL.contains(plural) {
            vec!["all".into()]
        } else {
            Vec::new()
        },
        scope: *scope,
        status: *status,
        scale: scale(plural),
        generation: *generation,
        shelf: crate::resource::ShelfId(0),
        storage_api_version: String::new(),
        schema: None,
        columns: Vec::new(),
    }
}

fn scale(plural: &str) -> Option<ScalePaths> {
    let scalable = [
        "deployments",
        "replicasets",
        "statefulsets",
        "replicationcontrollers",
    ]
    .contains(&plural);
    scalable.then(|| ScalePaths {
        spec_replicas: ".spec.replicas".into(),
        status_replicas: ".status.replicas".into(),
        label_selector: None,
    })
}
