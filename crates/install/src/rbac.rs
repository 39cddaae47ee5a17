//! Every right that the controller needs in Kubernetes, once, with who needs it. The roles of the
//! chart are made from this list, and the end-to-end tests run the program with exactly these
//! rights.
//!
//! What is *not* here: discovery (`/version`, `/apis`), which every account may read.

use std::fmt::Write as _;

use serde_json::Value;

use crate::yaml;

/// What may be done with some kinds of a group.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Plural names, with subresources behind a slash.
    pub resources: &'static [&'static str],
    /// Names of single objects; none for all. May be an expression of the chart.
    pub names: &'static [&'static str],
    /// What may be done.
    pub verbs: &'static [&'static str],
    /// Who needs it, for what.
    pub why: &'static str,
}

/// Names and verbs of what is watched and looked up again.
const READ: &[&str] = &["get", "list", "watch"];
/// Groups.
const CORE: &str = "";
const KARPENTER: &str = "karpenter.sh";

const fn rule(
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    why: &'static str,
) -> Rule {
    Rule {
        group,
        resources,
        names: &[],
        verbs,
        why,
    }
}

/// What the loops need, whatever the provider; everywhere in the cluster.
#[rustfmt::skip]
pub const LOOPS: &[Rule] = &[
    rule(KARPENTER, &["nodepools"], &["get", "list", "watch", "patch"],
        "All loops read pools; their hash stands in an annotation."),
    rule(KARPENTER, &["nodeclaims"], &["get", "list", "watch", "create", "patch", "delete"],
        "Claims are made for pods, get labels, annotations and a finalizer, and are deleted."),
    rule(KARPENTER, &["nodeoverlays"], READ, "Prices and resources of instance types."),
    rule(KARPENTER, &["nodepools/status", "nodeclaims/status", "nodeoverlays/status"], &["patch"],
        "Conditions, and what pools and claims have."),
    rule("autoscaling.x-k8s.io", &["capacitybuffers"], READ, "Room that is kept for pods to come."),
    rule("autoscaling.x-k8s.io", &["capacitybuffers/status"], &["patch"],
        "Whether a buffer has its room."),
    rule(CORE, &["nodes"], &["get", "list", "watch", "patch", "delete"],
        "Nodes get labels, taints and a finalizer when they join, a taint before they go, and are \
         deleted after their machine."),
    rule(CORE, &["pods"], &["get", "list", "watch", "delete"],
        "Pods want nodes. They are deleted only where a deadline ends their grace."),
    rule(CORE, &["pods/eviction"], &["create"], "Nodes are drained within disruption budgets."),
    rule(CORE, &["events"], &["create", "patch"], "What happened, for people."),
    rule(CORE,
        &["namespaces", "persistentvolumes", "persistentvolumeclaims", "services",
          "replicationcontrollers", "podtemplates"],
        READ,
        "Selectors of affinity, zones of volumes, spread by default, pods of buffers."),
    rule("storage.k8s.io", &["storageclasses", "csinodes", "volumeattachments"], READ,
        "Where volumes can be, how many a node takes, and whether they are detached."),
    rule("apps", &["daemonsets", "replicasets", "statefulsets"], READ,
        "What runs on every node, how many pods are to be expected, spread by default."),
    rule("apps", &["deployments"], &["get"], "Pods of capacity buffers."),
    rule("batch", &["jobs"], READ, "How many pods are to be expected."),
    rule("policy", &["poddisruptionbudgets"], READ, "Which pods may be moved."),
    rule("resource.k8s.io", &["deviceclasses", "resourceslices", "resourceclaims"], READ,
        "Devices of pods, with settings.ignoreDRARequests=false."),
];

/// What the AWS provider needs, everywhere in the cluster.
#[rustfmt::skip]
pub const AWS: &[Rule] = &[
    rule("karpenter.k8s.aws", &["ec2nodeclasses"], &["get", "list", "watch", "patch"],
        "Node classes are read, hashed, and kept until nothing uses them."),
    rule("karpenter.k8s.aws", &["ec2nodeclasses/status"], &["patch"],
        "What the selectors of a class found, and whether it can be used."),
];

/// What the KWOK provider needs, everywhere in the cluster.
#[rustfmt::skip]
pub const KWOK: &[Rule] = &[
    rule("karpenter.kwok.sh", &["kwoknodeclasses"], READ, "How simulated nodes come."),
    rule(CORE, &["nodes"], &["create"], "A machine of this provider is a Node and nothing else."),
];

/// What administrators of namespaces may do, whatever the provider.
#[rustfmt::skip]
pub const ADMIN: &[Rule] = &[
    rule(KARPENTER, &["nodepools", "nodepools/status", "nodeclaims", "nodeclaims/status",
                      "nodeoverlays", "nodeoverlays/status"],
        EVERYTHING, "Pools, claims and overlays."),
    rule("autoscaling.x-k8s.io", &["capacitybuffers", "capacitybuffers/status"],
        EVERYTHING, "Buffers."),
];
/// The same for node classes of AWS.
pub const ADMIN_AWS: &[Rule] = &[rule(
    "karpenter.k8s.aws",
    &["ec2nodeclasses"],
    EVERYTHING,
    "Node classes.",
)];
/// The same for node classes of KWOK.
pub const ADMIN_KWOK: &[Rule] = &[rule(
    "karpenter.kwok.sh",
    &["kwoknodeclasses"],
    EVERYTHING,
    "Node classes.",
)];
const EVERYTHING: &[&str] = &[
    "get", "list", "watch", "create", "delete", "patch", "update",
];

/// Leader election, in the namespace of the lease. Creation can't be bound to a name.
#[rustfmt::skip]
pub const LEASE: &[Rule] = &[
    Rule {
        names: &["{{ include \"karpenter.leaseName\" . }}"],
        ..rule("coordination.k8s.io", &["leases"], &["get", "update"],
            "The lease is read, renewed, and given back.")
    },
    rule("coordination.k8s.io", &["leases"], &["create"], "The first candidate makes the lease."),
];

/// The cluster's DNS service, in `kube-system`.
#[rustfmt::skip]
pub const DNS: &[Rule] = &[
    Rule {
        names: &["kube-dns"],
        ..rule(CORE, &["services"], &["get"], "Nodes are told the address of the cluster's DNS.")
    },
];

/// Rules as the `rules` of a role.
pub fn yaml(rules: &[Rule]) -> String {
    let list = |items: &[&str]| {
        Value::from(items.to_vec())
            .to_string()
            .replace("\",", "\", ")
    };
    let mut text = String::new();
    for rule in rules {
        yaml::comment(&mut text, "  # ", 100, rule.why);
        let _ = writeln!(text, "  - apiGroups: {}", list(&[rule.group]));
        let _ = writeln!(text, "    resources: {}", list(rule.resources));
        if !rule.names.is_empty() {
            let names = rule.names.join(", ");
            let _ = writeln!(text, "    resourceNames: [{names}]");
        }
        let _ = writeln!(text, "    verbs: {}", list(rule.verbs));
    }
    text
}

/// The roles of the chart: file name and content.
pub fn templates() -> Vec<(&'static str, String)> {
    vec![
        ("clusterrole-core.yaml", core()),
        ("clusterrole.yaml", provider()),
        ("aggregate-clusterrole.yaml", admin()),
        ("role.yaml", roles()),
    ]
}

const MADE: &str = "{{- /* Made by `cargo xtask charts` from crates/install/src/rbac.rs. */}}\n";

/// Head of a role.
fn head(kind: &str, metadata: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  \
         {{{{- include \"karpenter.metadata\" ({metadata}) | nindent 2 }}}}\n"
    )
}

fn name(suffix: &str) -> String {
    match suffix {
        "" => "\"name\" (include \"karpenter.fullname\" .)".to_owned(),
        suffix => format!("\"name\" (printf \"%s-{suffix}\" (include \"karpenter.fullname\" .))"),
    }
}

/// Binding of a ClusterRole to the controller's account.
fn cluster_binding(suffix: &str) -> String {
    let metadata = format!("dict \"root\" . {}", name(suffix));
    let dash = if suffix.is_empty() { "" } else { "-" };
    format!(
        "---\n{}roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: {{{{ \
         include \"karpenter.fullname\" . }}}}{dash}{suffix}\n{}",
        head("ClusterRoleBinding", &metadata),
        subjects()
    )
}

fn subjects() -> &'static str {
    "subjects:\n  - kind: ServiceAccount\n    name: {{ include \"karpenter.serviceAccountName\" . \
     }}\n    namespace: {{ .Release.Namespace }}\n"
}

fn core() -> String {
    let metadata = format!("dict \"root\" . {}", name("core"));
    format!(
        "{MADE}{}rules:\n{}{{{{- with .Values.additionalClusterRoleRules }}}}\n  {{{{- toYaml . | \
         nindent 2 }}}}\n{{{{- end }}}}\n{}",
        head("ClusterRole", &metadata),
        yaml(LOOPS),
        cluster_binding("core")
    )
}

/// Rules of the provider that is chosen.
fn chosen(aws: &[Rule], kwok: &[Rule]) -> String {
    format!(
        "{{{{- if eq .Values.provider \"aws\" }}}}\n{}{{{{- else }}}}\n{}{{{{- end }}}}\n",
        yaml(aws),
        yaml(kwok)
    )
}

fn provider() -> String {
    let metadata = format!("dict \"root\" . {}", name(""));
    format!(
        "{MADE}{}rules:\n{}{}",
        head("ClusterRole", &metadata),
        chosen(AWS, KWOK),
        cluster_binding("")
    )
}

fn admin() -> String {
    let label = "rbac.authorization.k8s.io/aggregate-to-admin";
    let metadata = format!(
        "dict \"root\" . {} \"labels\" (dict \"{label}\" \"true\")",
        name("admin")
    );
    format!(
        "{MADE}{}rules:\n{}{}",
        head("ClusterRole", &metadata),
        yaml(ADMIN),
        chosen(ADMIN_AWS, ADMIN_KWOK)
    )
}

/// A Role in a namespace, bound to the controller's account.
fn role(suffix: &str, namespace: &str, rules: &[Rule]) -> String {
    let metadata = format!("dict \"root\" . {} \"namespace\" {namespace}", name(suffix));
    let dash = if suffix.is_empty() { "" } else { "-" };
    format!(
        "{}rules:\n{}---\n{}roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: Role\n  \
         name: {{{{ include \"karpenter.fullname\" . }}}}{dash}{suffix}\n{}",
        head("Role", &metadata),
        yaml(rules),
        head("RoleBinding", &metadata),
        subjects()
    )
}

fn roles() -> String {
    let lease = role("", "(include \"karpenter.leaseNamespace\" .)", LEASE);
    let dns = role("dns", "\"kube-system\"", DNS);
    format!("{MADE}{lease}{{{{- if eq .Values.provider \"aws\" }}}}\n---\n{dns}{{{{- end }}}}\n")
}
