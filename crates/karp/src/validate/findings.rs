//! Findings with their place in the input.

use std::fmt;

use api::validate::{Finding, Severity};
use manifests::Object;
use serde::Serialize;

/// A finding and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Located {
    /// `error` or `warning`.
    pub(crate) severity: String,
    /// File, line, document.
    pub(crate) at: String,
    /// `Kind namespace/name`.
    pub(crate) object: String,
    /// Path of the field; empty where the whole object is meant.
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) message: String,
    /// How to mend it, where that is known.
    pub(crate) fix: Option<String>,
}

impl Located {
    pub(crate) fn new(object: &Object, finding: Finding) -> Self {
        Self {
            severity: finding.severity.to_string(),
            at: object.origin.to_string(),
            object: object.title(),
            field: finding.path,
            message: finding.message,
            fix: finding.fix,
        }
    }

    pub(crate) fn warning(object: &Object, field: &str, message: String, fix: &str) -> Self {
        let severity = Severity::Warning;
        let (path, fix) = (field.to_owned(), Some(fix.to_owned()));
        Self::new(
            object,
            Finding {
                severity,
                path,
                message,
                fix,
            },
        )
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.at, self.object)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        match &self.fix {
            Some(fix) => write!(f, ": {fix}"),
            None => Ok(()),
        }
    }
}

/// What is wrong with an object of one of our kinds.
pub(crate) fn lint(object: &Object) -> Vec<Located> {
    if !object.api_version.contains('/') {
        return Vec::new();
    }
    let findings = api::validate::lint(&object.tree());
    findings
        .into_iter()
        .map(|finding| Located::new(object, finding))
        .collect()
}
