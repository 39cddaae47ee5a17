//! Every file of the repository that is made from a list, with its content.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{iam, rbac, values, yaml};

/// Comments in which Helm finds the further annotations of the chart `karpenter-crd`. The files are
/// plain YAML, so that `kubectl apply -f` takes them.
const ANNOTATIONS: &str = "    \
    # {{- with .Values.additionalAnnotations }}{{ toYaml . | nindent 4 }}\n    # {{- end }}\n";

/// Folders in which there is nothing but files of [`all`].
pub const WHOLE_FOLDERS: [&str; 3] = [
    "charts/karpenter-crd/templates",
    "charts/karpenter/crds",
    "docs/iam",
];

/// Path from the root of the repository, and content.
pub fn all() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for definition in api::crd::all() {
        let name = api::crd::file_name(&definition);
        let text = crd(&definition);
        files.insert(format!("charts/karpenter/crds/{name}"), text.clone());
        let annotated = text.replacen(
            "  annotations:\n",
            &format!("  annotations:\n{ANNOTATIONS}"),
            1,
        );
        files.insert(format!("charts/karpenter-crd/templates/{name}"), annotated);
    }
    for (name, text) in rbac::templates() {
        files.insert(format!("charts/karpenter/templates/{name}"), text);
    }
    for (path, text) in [
        ("charts/karpenter/values.yaml", values::values()),
        ("charts/karpenter/values.schema.json", values::schema()),
        (
            "charts/karpenter/templates/_environment.tpl",
            values::environment(),
        ),
        ("docs/values.md", values::page()),
        ("docs/aws/cloudformation.yaml", iam::cloudformation()),
    ] {
        files.insert(path.to_owned(), text);
    }
    for (name, text) in iam::documents() {
        files.insert(format!("docs/iam/{name}"), text);
    }
    files
}

/// The text of a definition.
fn crd(definition: &Value) -> String {
    let mut text = String::from("# Made by `cargo xtask charts` from the types in crates/api.\n");
    for (key, value) in definition.as_object().into_iter().flatten() {
        yaml::entry(&mut text, 0, key, value);
    }
    text
}
