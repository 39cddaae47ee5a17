//! Query parameters, typed.

use std::time::Duration;

use crate::{
    ApiError,
    options::{
        Conflicts, DryRun, FieldSelector, FieldValidation, LabelSelector, Part, Selectors,
        WriteOptions,
    },
};

/// Decoded parameters in the order given.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text
            .split('&')
            .filter(|p| !p.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (
                    decode(&name.replace('+', " ")),
                    decode(&value.replace('+', " ")),
                )
            })
            .collect();
        Self { pairs }
    }

    /// The first value of a parameter, unless empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(n, v)| n == name && !v.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a switch is on: `true`, `1`, or given without a value.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        let found = self.pairs.iter().find(|(n, _)| n == name);
        found.is_some_and(|(_, value)| matches!(value.as_str(), "" | "true" | "1"))
    }

    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let parsed = text.parse().map(Some);
        parsed.map_err(|_| ApiError::bad_request(format!("invalid value for {name}: {text:?}")))
    }

    pub(crate) fn selectors(&self) -> Result<Selectors, ApiError> {
        Ok(Selectors {
            labels: LabelSelector::parse(self.get("labelSelector").unwrap_or_default())?,
            fields: FieldSelector::parse(self.get("fieldSelector").unwrap_or_default())?,
        })
    }

    pub(crate) fn timeout(&self) -> Result<Option<Duration>, ApiError> {
        let seconds = self.number::<u64>("timeoutSeconds")?;
        Ok(seconds.filter(|s| *s > 0).map(Duration::from_secs))
    }

    pub(crate) fn dry_run(&self) -> Result<DryRun, ApiError> {
        match self.get("dryRun") {
            None => Ok(DryRun::Off),
            Some("All") => Ok(DryRun::All),
            Some(other) => Err(ApiError::bad_request(format!(
                "unsupported value for dryRun: {other:?}"
            ))),
        }
    }

    /// Options of a write; `user_agent` names the manager where the client doesn't.
    pub(crate) fn write_options(
        &self,
        part: Part,
        user_agent: Option<&str>,
    ) -> Result<WriteOptions, ApiError> {
        let agent = user_agent
            .and_then(|a| a.split('/').next())
            .filter(|a| !a.is_empty());
        Ok(WriteOptions {
            field_manager: self.get("fieldManager").or(agent).map(str::to_owned),
            dry_run: self.dry_run()?,
            field_validation: match self.get("fieldValidation") {
                None | Some("Warn") => FieldValidation::Warn,
                Some("Ignore") => FieldValidation::Ignore,
                Some("Strict") => FieldValidation::Strict,
                Some(other) => {
                    let why = format!("unsupported value for fieldValidation: {other:?}");
                    return Err(ApiError::bad_request(why));
                }
            },
            conflicts: if self.is_on("force") {
                Conflicts::Force
            } else {
                Conflicts::Refuse
            },
            part,
        })
    }
}

/// Undoes percent encoding; what is not valid stays as it is.
pub(super) fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%')
            .then(|| bytes.get(i + 1..i + 3))
            .flatten();
        let byte = hex
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        out.push(byte.unwrap_or(bytes[i]));
        i += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}
