//! The built-in resources, as a table.

use crate::{
    resource::{Generation, ResourceInfo, ScalePaths, Scope, StatusSubresource, group_version},
    storage::Store,
};

use Generation::{None as NoGeneration, Spec};
use Scope::{Cluster, Namespaced};
use StatusSubresource::{Absent, Present};

/// One row: versions (served; the first is stored), kind, plural, short names, scope, status, generation.
struct Row(
    &'static [&'static str],
    &'static str,
    &'static str,
    &'static [&'static str],
    Scope,
    StatusSubresource,
    Generation,
);

/// Rows of one group.
struct Group(&'static str, &'static [Row]);

const GROUPS: &[Group] = &[
    Group(
        "",
        &[
            Row(&["v1"], "Pod", "pods", &["po"], Namespaced, Present, Spec),
            Row(
                &["v1"],
                "Node",
                "nodes",
                &["no"],
                Cluster,
                Present,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "Namespace",
                "namespaces",
                &["ns"],
                Cluster,
                Present,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "Service",
                "services",
                &["svc"],
                Namespaced,
                Present,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "ConfigMap",
                "configmaps",
                &["cm"],
                Namespaced,
                Absent,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "Secret",
                "secrets",
                &[],
                Namespaced,
                Absent,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "ServiceAccount",
                "serviceaccounts",
                &["sa"],
                Namespaced,
                Absent,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "Event",
                "events",
                &["ev"],
                Namespaced,
                Absent,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "Endpoints",
                "endpoints",
                &["ep"],
                Namespaced,
                Absent,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "PersistentVolume",
                "persistentvolumes",
                &["pv"],
                Cluster,
                Present,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "PersistentVolumeClaim",
                "persistentvolumeclaims",
                &["pvc"],
                Namespaced,
                Present,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "LimitRange",
                "limitranges",
                &["limits"],
                Namespaced,
                Absent,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "ResourceQuota",
                "resourcequotas",
                &["quota"],
                Namespaced,
                Present,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "PodTemplate",
                "podtemplates",
                &[],
                Namespaced,
                Absent,
                Spec,
            ),
            Row(
                &["v1"],
                "ReplicationController",
                "replicationcontrollers",
                &["rc"],
                Namespaced,
                Present,
                Spec,
            ),
        ],
    ),
    Group(
        "apps",
        &[
            Row(
                &["v1"],
                "Deployment",
                "deployments",
                &["deploy"],
                Namespaced,
                Present,
                Spec,
            ),
            Row(
                &["v1"],
                "ReplicaSet",
                "replicasets",
                &["rs"],
                Namespaced,
                Present,
                Spec,
            ),
            Row(
                &["v1"],
                "StatefulSet",
                "statefulsets",
                &["sts"],
                Namespaced,
                Present,
                Spec,
            ),
            Row(
                &["v1"],
                "DaemonSet",
                "daemonsets",
                &["ds"],
                Namespaced,
                Present,
                Spec,
            ),
            Row(
                &["v1"],
                "ControllerRevision",
                "controllerrevisions",
                &[],
                Namespaced,
                Absent,
                NoGeneration,
            ),
        ],
    ),
    Group(
        "batch",
        &[
            Row(&["v1"], "Job", "jobs", &[], Namespaced, Present, Spec),
            Row(
                &["v1"],
                "CronJob",
                "cronjobs",
                &["cj"],
                Namespaced,
                Present,
                Spec,
            ),
        ],
    ),
    Group(
        "policy",
        &[Row(
            &["v1"],
            "PodDisruptionBudget",
            "poddisruptionbudgets",
            &["pdb"],
            Namespaced,
            Present,
            Spec,
        )],
    ),
    Group(
        "scheduling.k8s.io",
        &[Row(
            &["v1"],
            "PriorityClass",
            "priorityclasses",
            &["pc"],
            Cluster,
            Absent,
            Spec,
        )],
    ),
    Group(
        "storage.k8s.io",
        &[
            Row(
                &["v1"],
                "StorageClass",
                "storageclasses",
                &["sc"],
                Cluster,
                Absent,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "CSINode",
                "csinodes",
                &[],
                Cluster,
                Absent,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "CSIDriver",
                "csidrivers",
                &[],
                Cluster,
                Absent,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "VolumeAttachment",
                "volumeattachments",
                &[],
                Cluster,
                Present,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "CSIStorageCapacity",
                "csistoragecapacities",
                &[],
                Namespaced,
                Absent,
                NoGeneration,
            ),
        ],
    ),
    Group(
        "coordination.k8s.io",
        &[Row(
            &["v1"],
            "Lease",
            "leases",
            &[],
            Namespaced,
            Absent,
            NoGeneration,
        )],
    ),
    Group(
        "events.k8s.io",
        &[Row(
            &["v1"],
            "Event",
            "events",
            &["ev"],
            Namespaced,
            Absent,
            NoGeneration,
        )],
    ),
    Group(
        "apiextensions.k8s.io",
        &[Row(
            &["v1"],
            "CustomResourceDefinition",
            "customresourcedefinitions",
            &["crd", "crds"],
            Cluster,
            Present,
            Spec,
        )],
    ),
    Group(
        "resource.k8s.io",
        &[
            Row(
                &["v1", "v1beta2", "v1beta1"],
                "ResourceSlice",
                "resourceslices",
                &[],
                Cluster,
                Absent,
                Spec,
            ),
            Row(
                &["v1", "v1beta2", "v1beta1"],
                "ResourceClaim",
                "resourceclaims",
                &[],
                Namespaced,
                Present,
                NoGeneration,
            ),
            Row(
                &["v1", "v1beta2", "v1beta1"],
                "ResourceClaimTemplate",
                "resourceclaimtemplates",
                &[],
                Namespaced,
                Absent,
                NoGeneration,
            ),
            Row(
                &["v1", "v1beta2", "v1beta1"],
                "DeviceClass",
                "deviceclasses",
                &[],
                Cluster,
                Absent,
                Spec,
            ),
        ],
    ),
    Group(
        "autoscaling",
        &[Row(
            &["v2", "v1"],
            "HorizontalPodAutoscaler",
            "horizontalpodautoscalers",
            &["hpa"],
            Namespaced,
            Present,
            NoGeneration,
        )],
    ),
    Group(
        "rbac.authorization.k8s.io",
        &[
            Row(
                &["v1"],
                "ClusterRole",
                "clusterroles",
                &[],
                Cluster,
                Absent,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "ClusterRoleBinding",
                "clusterrolebindings",
                &[],
                Cluster,
                Absent,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "Role",
                "roles",
                &[],
                Namespaced,
                Absent,
                NoGeneration,
            ),
            Row(
                &["v1"],
                "RoleBinding",
                "rolebindings",
                &[],
                Namespaced,
                Absent,
                NoGeneration,
            ),
        ],
    ),
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
    for Group(group, rows) in GROUPS {
        for row in *rows {
            // Events are one resource under two groups.
            let shared = out
                .iter()
                .find(|i| i.plural == row.2)
                .map(|i| (i.shelf, i.storage_api_version.clone()));
            let (shelf, stored_as) =
                shared.unwrap_or_else(|| (store.add_shelf(), group_version(group, row.0[0])));
            for version in row.0 {
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
    let Row(_, kind, plural, short_names, scope, status, generation) = row;
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
