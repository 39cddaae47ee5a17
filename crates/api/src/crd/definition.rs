//! What surrounds a schema: names, columns, subresources.

use model::k8s::Resource;
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::structural;
use crate::{CapacityBuffer, Ec2NodeClass, KwokNodeClass, NodeClaim, NodeOverlay, NodePool};

/// A column that `kubectl get` prints.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    name: &'static str,
    path: &'static str,
    r#type: &'static str,
    /// Whether only `-o wide` prints it.
    wide: bool,
    description: &'static str,
}

const fn column(name: &'static str, r#type: &'static str, path: &'static str) -> Column {
    Column {
        name,
        path,
        r#type,
        wide: false,
        description: "",
    }
}

const fn wide(name: &'static str, r#type: &'static str, path: &'static str) -> Column {
    Column {
        name,
        path,
        r#type,
        wide: true,
        description: "",
    }
}

const fn described(column: Column, description: &'static str) -> Column {
    Column {
        description,
        ..column
    }
}

const READY: Column = column(
    "Ready",
    "string",
    r#".status.conditions[?(@.type=="Ready")].status"#,
);
const AGE: Column = column("Age", "date", ".metadata.creationTimestamp");

/// How a kind presents itself beyond its schema.
pub trait Define: Resource + JsonSchema {
    /// Short names for the command line.
    const SHORT_NAMES: &'static [&'static str] = &[];
    /// Groups of kinds that it belongs to on the command line.
    const CATEGORY: &'static str = "karpenter";
    /// Version of the generator that existing clusters name.
    const GENERATOR: &'static str = "v0.20.1";
    /// Where `kubectl scale` writes and reads replicas.
    const SCALE: Option<(&'static str, &'static str)> = None;

    /// What `kubectl get` prints.
    fn columns() -> Vec<Column>;
}

impl Define for NodePool {
    const SCALE: Option<(&'static str, &'static str)> = Some((".spec.replicas", ".status.nodes"));

    fn columns() -> Vec<Column> {
        vec![
            column(
                "NodeClass",
                "string",
                ".spec.template.spec.nodeClassRef.name",
            ),
            column("Nodes", "string", ".status.nodes"),
            READY,
            AGE,
            wide("Weight", "integer", ".spec.weight"),
            wide("CPU", "string", ".status.resources.cpu"),
            wide("Memory", "string", ".status.resources.memory"),
        ]
    }
}

impl Define for NodeClaim {
    fn columns() -> Vec<Column> {
        let label = |name, path| column(name, "string", path);
        vec![
            label(
                "Type",
                r".metadata.labels.node\.kubernetes\.io/instance-type",
            ),
            label("Capacity", r".metadata.labels.karpenter\.sh/capacity-type"),
            label("Zone", r".metadata.labels.topology\.kubernetes\.io/zone"),
            column("Node", "string", ".status.nodeName"),
            READY,
            AGE,
            wide("ImageID", "string", ".status.imageID"),
            wide("ID", "string", ".status.providerID"),
            wide(
                "NodePool",
                "string",
                r".metadata.labels.karpenter\.sh/nodepool",
            ),
            wide("NodeClass", "string", ".spec.nodeClassRef.name"),
            wide(
                "Drifted",
                "string",
                r#".status.conditions[?(@.type=="Drifted")].status"#,
            ),
        ]
    }
}

impl Define for NodeOverlay {
    const SHORT_NAMES: &'static [&'static str] = &["overlays"];

    fn columns() -> Vec<Column> {
        vec![READY, AGE, wide("Weight", "integer", ".spec.weight")]
    }
}

impl Define for CapacityBuffer {
    const SHORT_NAMES: &'static [&'static str] = &["cb"];
    const CATEGORY: &'static str = "autoscaling";

    fn columns() -> Vec<Column> {
        let of_conditions = |name, path, about| described(column(name, "string", path), about);
        vec![
            described(
                column("Strategy", "string", ".spec.provisioningStrategy"),
                "How the room is kept.",
            ),
            described(
                column("PodTemplate", "string", ".status.podTemplateRef.name"),
                "The pod template that the room is for.",
            ),
            described(
                column("Replicas", "integer", ".status.replicas"),
                "How many chunks of room are kept.",
            ),
            of_conditions(
                "ConditionsType",
                ".status.conditions[*].type",
                "The conditions.",
            ),
            of_conditions(
                "ConditionsStatus",
                ".status.conditions[*].status",
                "Whether they hold.",
            ),
            of_conditions(
                "ConditionsReason",
                ".status.conditions[*].reason",
                "And why.",
            ),
            described(AGE, "The time since the buffer was made."),
        ]
    }
}

impl Define for Ec2NodeClass {
    const SHORT_NAMES: &'static [&'static str] = &["ec2nc", "ec2ncs"];
    const GENERATOR: &'static str = "v0.21.0";

    fn columns() -> Vec<Column> {
        vec![READY, AGE, wide("Role", "string", ".spec.role")]
    }
}

impl Define for KwokNodeClass {
    const SHORT_NAMES: &'static [&'static str] = &["kwoknc", "kwokncs"];

    fn columns() -> Vec<Column> {
        vec![READY, AGE]
    }
}

/// The definition of a kind.
pub(super) fn of<T: Define>() -> Value {
    let mut names = json!({
        "categories": [T::CATEGORY],
        "kind": T::KIND,
        "listKind": format!("{}List", T::KIND),
        "plural": T::PLURAL,
        "singular": T::KIND.to_lowercase(),
    });
    if !T::SHORT_NAMES.is_empty() {
        names["shortNames"] = json!(T::SHORT_NAMES);
    }
    let mut subresources = json!({"status": {}});
    if let Some((spec, status)) = T::SCALE {
        subresources["scale"] = json!({"specReplicasPath": spec, "statusReplicasPath": status});
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{}.{}", T::PLURAL, T::GROUP),
            "annotations": {"controller-gen.kubebuilder.io/version": T::GENERATOR},
        },
        "spec": {
            "group": T::GROUP,
            "names": names,
            "scope": if T::NAMESPACED { "Namespaced" } else { "Cluster" },
            "versions": [{
                "name": T::VERSION,
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": structural::of::<T>()},
                "subresources": subresources,
                "additionalPrinterColumns":
                    T::columns().iter().map(print_column).collect::<Vec<_>>(),
            }],
        },
    })
}

fn print_column(column: &Column) -> Value {
    let mut print = json!({
        "name": column.name,
        "type": column.r#type,
        "jsonPath": column.path,
    });
    if column.wide {
        print["priority"] = json!(1);
    }
    if !column.description.is_empty() {
        print["description"] = json!(column.description);
    }
    print
}
