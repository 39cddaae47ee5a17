//! Values that shape the objects of the chart.

use super::{ChartValue, Shape};
use Shape::{Bool, Fields, Int, Labels, List, Object, OneOf, Text, Texts};

const fn value(
    path: &'static str,
    shape: Shape,
    default: &'static str,
    help: &'static str,
) -> ChartValue {
    ChartValue {
        path,
        shape,
        default,
        help,
    }
}

/// Node affinity to nodes that Karpenter does not make, and never two replicas on one node.
const AFFINITY: &str = r#"{
  "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
    {"matchExpressions": [{"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"}]}]}},
  "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
    {"topologyKey": "kubernetes.io/hostname"}]}
}"#;
/// Replicas in different zones.
const SPREAD: &str = r#"[{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
    "whenUnsatisfiable": "DoNotSchedule"}]"#;

/// Every value that is no setting of the program.
#[rustfmt::skip]
pub const OBJECTS: &[ChartValue] = &[
    value("provider", OneOf(&["aws", "kwok"]), r#""aws""#,
        "Where nodes come from: aws, or kwok for simulated nodes."),
    value("nameOverride", Text, r#""""#, "In place of the chart's name."),
    value("fullnameOverride", Text, r#""""#, "In place of the name of all objects."),
    value("additionalLabels", Labels, "{}", "Further labels of all objects."),
    value("additionalAnnotations", Labels, "{}", "Further annotations of all objects."),
    value("imagePullPolicy", Text, r#""IfNotPresent""#, "When the image is pulled."),
    value("imagePullSecrets", List, "[]", "Secrets for pulling the image."),
    value("service.annotations", Labels, "{}", "Annotations of the Service."),
    value("serviceAccount.create", Bool, "true", "Whether the ServiceAccount is made."),
    value("serviceAccount.name", Text, r#""""#,
        "Its name; empty for the full name, or for default where none is made."),
    value("serviceAccount.annotations", Labels, "{}",
        "Its annotations, such as eks.amazonaws.com/role-arn."),
    value("additionalClusterRoleRules", List, "[]", "Further rules of the core ClusterRole."),
    value("serviceMonitor.enabled", Bool, "false",
        "Whether a ServiceMonitor is made, where the cluster knows that kind."),
    value("serviceMonitor.additionalLabels", Labels, "{}",
        "Its labels, such as release for a Prometheus stack that selects by it."),
    value("serviceMonitor.relabelings", List, "[]", "Relabelings of its endpoint."),
    value("serviceMonitor.metricRelabelings", List, "[]", "Relabelings of its metrics."),
    value("serviceMonitor.endpointConfig", Object, "{}", "Further fields of its endpoint."),
    value("serviceMonitor.sampleLimit", Int, "null", "Its limit of samples; null for none."),
    value("replicas", Int, "2", "Pods of the controller; one leads, the others stand by."),
    value("revisionHistoryLimit", Int, "10", "Old ReplicaSets that are kept."),
    value("strategy", Object, r#"{"rollingUpdate": {"maxUnavailable": 1}}"#,
        "How pods are replaced."),
    value("podLabels", Labels, "{}", "Further labels of the pods."),
    value("podAnnotations", Labels, "{}", "Annotations of the pods."),
    value("podDisruptionBudget.name", Text, r#""karpenter""#, "Name of the budget."),
    value("podDisruptionBudget.maxUnavailable", Shape::Yaml, "1",
        "How many pods may be away, or what percentage."),
    value("podSecurityContext", Object,
        r#"{"fsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}}"#,
        "Security context of the pods."),
    value("priorityClassName", Text, r#""system-cluster-critical""#, "Priority of the pods."),
    value("terminationGracePeriodSeconds", Int, "null",
        "Grace of the pods; null for that of Kubernetes."),
    value("hostNetwork", Bool, "false", "Whether pods use the network of their node."),
    value("schedulerName", Text, r#""default-scheduler""#, "Who binds the pods."),
    value("dnsPolicy", Text, r#""ClusterFirst""#, "How pods resolve names."),
    value("dnsConfig", Object, "{}", "Further settings of name resolution."),
    value("initContainers", List, "[]", "Containers that run before the controller."),
    value("nodeSelector", Labels, r#"{"kubernetes.io/os": "linux"}"#, "Labels of the pods' nodes."),
    value("affinity", Object, AFFINITY,
        "Affinity of the pods. Terms about pods without a labelSelector are about those of the \
         controller."),
    value("topologySpreadConstraints", List, SPREAD,
        "Spread of the pods; constraints without a labelSelector as with affinity."),
    value("tolerations", List, r#"[{"key": "CriticalAddonsOnly", "operator": "Exists"}]"#,
        "Taints that the pods tolerate."),
    value("extraVolumes", List, "[]", "Further volumes of the pods."),
    value("controller.containerName", Text, r#""controller""#, "Name of the container."),
    value("controller.image.repository", Text, r#""karpenter/controller""#,
        "Repository of the image, with its registry: where you have put the image of the Dockerfile."),
    value("controller.image.tag", Text, r#""""#, "Tag of the image; empty for the chart's version."),
    value("controller.image.digest", Text, r#""""#, "Digest of the image, sha256:...; wins over the tag."),
    value("controller.env", List, "[]", "Further variables; they win over settings."),
    value("controller.envFrom", List, "[]", "Variables from ConfigMaps and Secrets."),
    value("controller.securityContext", Fields(&["appArmorProfile", "seLinuxOptions",
                                                 "seccompProfile"]), "{}",
        "Profiles of the container; the rest of its security context is fixed: no root, no \
         privileges, no capabilities, a read-only file system."),
    value("controller.resources", Fields(&["requests", "limits", "claims"]), "{}",
        "Requests and limits. More CPU is more work at a time; 1 CPU and 1Gi are a good start."),
    value("controller.extraVolumeMounts", List, "[]", "Further mounts of the controller."),
    value("controller.sidecarContainer", List, "[]", "Further containers."),
    value("controller.sidecarVolumeMounts", List, "[]",
        "Mounts of these, beside those of the controller."),
    value("controller.metrics.port", Int, "8080", "Port of /metrics."),
    value("controller.healthProbe.port", Int, "8081", "Port of /healthz and /readyz."),
    value("logLevel", OneOf(&["", "debug", "info", "error"]), r#""info""#, "What is logged."),
    value("logOutputPaths", Texts, r#"["stdout"]"#, "Where log lines go."),
    value("logErrorOutputPaths", Texts, r#"["stderr"]"#, "Where failures of logging go."),
];
