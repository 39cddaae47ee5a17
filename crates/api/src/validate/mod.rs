//! What is wrong with a manifest of one of our kinds, where, and how to mend it: for people who
//! have no API server at hand.
//!
//! What is *not* here: other kinds, files and their lines, and the rules that need instance types.

mod consistency;
mod contradiction;
mod nearest;
mod structure;
mod terms;

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

use crate::crd;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The API server refuses the object, or the object can't work.
    Error,
    /// The object is accepted, but something in it does nothing or is not what it seems to be.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// Something wrong in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where: `spec.template.spec.requirements[0].operator`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where that can be told.
    pub fix: Option<String>,
}

impl Finding {
    fn error(path: &str, message: impl Into<String>) -> Self {
        let (path, message) = (path.to_owned(), message.into());
        Self {
            severity: Severity::Error,
            path,
            message,
            fix: None,
        }
    }

    fn warning(path: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(path, message)
        }
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.severity, self.path, self.message)?;
        match &self.fix {
            Some(fix) => write!(f, " ({fix})"),
            None => Ok(()),
        }
    }
}

/// All that is wrong with an object, the structure first. Nothing for kinds that are not ours.
pub fn lint(object: &Value) -> Vec<Finding> {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let group = version.split_once('/').map_or("", |(group, _)| group);
    if let Some(finding) = misnamed(version, kind) {
        return vec![finding];
    }
    let Some(schema) = crd::schema(group, kind) else {
        return Vec::new();
    };
    let mut findings = structure::check(&schema, object);
    if object
        .pointer("/metadata/name")
        .or(object.pointer("/metadata/generateName"))
        .is_none()
    {
        findings.push(Finding::error("metadata.name", "is missing").fix("give the object a name"));
    }
    // Objects that are not even decodable have been found wanting above.
    if findings
        .iter()
        .all(|finding| finding.severity != Severity::Error)
    {
        findings.extend(consistency::check(kind, object));
    }
    findings
}

/// Kinds of ours under a name or version that they do not have, and kinds that they replaced.
fn misnamed(version: &str, kind: &str) -> Option<Finding> {
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let ours = group.contains("karpenter");
    let replaced = match kind {
        "Provisioner" if ours => Some("NodePool (karpenter.sh/v1)"),
        "Machine" if ours => Some("NodeClaim (karpenter.sh/v1)"),
        "AWSNodeTemplate" if ours => Some("EC2NodeClass (karpenter.k8s.aws/v1)"),
        _ => None,
    };
    if let Some(replaced) = replaced {
        let message = format!("{kind} is no longer served");
        return Some(Finding::error("kind", message).fix(format!("write a {replaced}")));
    }
    let definitions = crd::all();
    let text = |definition: &Value, pointer: &str| {
        definition
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let served = |definition: &Value| {
        let name = text(definition, "/spec/versions/0/name");
        format!("{}/{name}", text(definition, "/spec/group"))
    };
    let kind_of = |definition: &Value| text(definition, "/spec/names/kind");
    if let Some(named) = definitions
        .iter()
        .find(|definition| kind_of(definition) == kind)
    {
        let served = served(named);
        return (served != version).then(|| {
            let message = format!("{kind} is not served as {version:?}");
            Finding::error("apiVersion", message).fix(format!("write {served}"))
        });
    }
    let groups: Vec<String> = definitions.iter().map(|d| text(d, "/spec/group")).collect();
    if !groups.iter().any(|known| known == group) {
        return None;
    }
    let kinds: Vec<String> = definitions.iter().map(kind_of).collect();
    let message = format!("{version} has no kind {kind:?}");
    let finding = Finding::error("kind", message);
    Some(match nearest::of(kind, kinds.iter().map(String::as_str)) {
        Some(near) => finding.fix(format!("did you mean {near}?")),
        None => finding.fix(format!("write one of {}", kinds.join(", "))),
    })
}
