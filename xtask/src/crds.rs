//! `cargo xtask crds`: the chart `karpenter-crd`, made from the types of `api`.
//!
//! The files are plain YAML, so that `kubectl apply -f` takes them, and Helm templates as well:
//! what only Helm is to read stands in comments.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Where the files are, from the root of the repository.
const FOLDER: &str = "charts/karpenter-crd/templates";

/// Comments in which Helm finds the chart's further annotations.
const ANNOTATIONS: &str = "    \
    # {{- with .Values.additionalAnnotations }}{{ toYaml . | nindent 4 }}\n    # {{- end }}\n";

/// Options of `cargo xtask crds`.
#[derive(Debug, clap::Args)]
pub(crate) struct Crds {
    /// Write nothing; fail if a file is not what it would be.
    #[arg(long)]
    check: bool,
}

/// Writes or checks the files.
pub(crate) fn run(root: &Path, options: &Crds) -> Result<()> {
    let folder = root.join(FOLDER);
    let definitions = api::crd::all();
    let names: Vec<String> = definitions.iter().map(api::crd::file_name).collect();
    let mut stale = Vec::new();
    for (definition, name) in definitions.iter().zip(&names) {
        let path = folder.join(name);
        let text = file(definition);
        if fs::read_to_string(&path).is_ok_and(|held| held == text) {
            continue;
        }
        if options.check {
            stale.push(name.clone());
        } else {
            fs::create_dir_all(&folder)?;
            fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
            println!("wrote {FOLDER}/{name}");
        }
    }
    for entry in fs::read_dir(&folder).with_context(|| format!("can't read {FOLDER}"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !names.contains(&name) {
            bail!("{FOLDER}/{name} is none of the definitions: remove it");
        }
    }
    if !stale.is_empty() {
        bail!(
            "{} not up to date: run `cargo xtask crds`",
            stale.join(", ")
        );
    }
    Ok(())
}

/// The text of a definition's file.
fn file(definition: &Value) -> String {
    let mut text = String::from("# Made by `cargo xtask crds` from the types in crates/api.\n");
    for (key, value) in definition.as_object().into_iter().flatten() {
        entry(&mut text, 0, key, value);
    }
    text.replacen(
        "  annotations:\n",
        &format!("  annotations:\n{ANNOTATIONS}"),
        1,
    )
}

/// Writes `key: value` at a depth of indentation.
fn entry(text: &mut String, indent: usize, key: &str, value: &Value) {
    let _ = write!(text, "{:indent$}{}:", "", scalar_text(key));
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push('\n');
            for (key, value) in map {
                entry(text, indent + 2, key, value);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            text.push('\n');
            for value in list {
                item(text, indent, value);
            }
        }
        scalar => {
            let _ = writeln!(text, " {}", inline(scalar));
        }
    }
}

/// Writes `- value` at a depth of indentation.
fn item(text: &mut String, indent: usize, value: &Value) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut fields = String::new();
            for (key, value) in map {
                entry(&mut fields, indent + 2, key, value);
            }
            let _ = write!(text, "{:indent$}- {}", "", fields.trim_start());
        }
        value => {
            let _ = writeln!(text, "{:indent$}- {}", "", inline(value));
        }
    }
}

/// A value on one line. JSON is YAML, so only plain texts are written differently.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => scalar_text(text),
        other => other.to_string(),
    }
}

/// A text, without quotes where YAML reads it as the same text in any version.
fn scalar_text(text: &str) -> String {
    let words = [
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "~",
    ];
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./ ()".contains(c))
        && !text.ends_with(' ')
        && !words.contains(&text.to_lowercase().as_str());
    if plain {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_yaml_would_read_otherwise_are_quoted() {
        assert_eq!(scalar_text("NodePool"), "NodePool");
        assert_eq!(scalar_text("No"), "\"No\"");
        assert_eq!(scalar_text("10%"), "\"10%\"");
        assert_eq!(scalar_text("a: b"), "\"a: b\"");
        assert_eq!(scalar_text(""), "\"\"");
    }

    #[test]
    fn nested_lists_and_maps_keep_their_shape() {
        let value = serde_json::json!({"a": [{"b": [1, 2], "c": {}}], "d": {"e": "x y"}});
        let mut text = String::new();
        for (key, value) in value.as_object().into_iter().flatten() {
            entry(&mut text, 0, key, value);
        }
        assert_eq!(text, "a:\n- b:\n  - 1\n  - 2\n  c: {}\nd:\n  e: x y\n");
    }
}
