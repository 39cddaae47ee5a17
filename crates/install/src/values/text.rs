//! The list of values as files: defaults, template of the environment, documentation.

use std::fmt::Write as _;

use serde_json::Value;

use super::{ChartValue, For, GATES, SETTINGS, Setting, all};
use crate::yaml;

/// The content of `values.yaml`.
pub fn values() -> String {
    let mut text = String::from(
        "# Made by `cargo xtask charts` from crates/install/src/values. Every value with its \
         default.\n# Values that are not in here are refused.\n",
    );
    let mut open: Vec<&str> = Vec::new();
    for value in all() {
        let mut path: Vec<&str> = value.path.split('.').collect();
        let key = path.pop().unwrap_or("");
        let shared = open
            .iter()
            .zip(&path)
            .take_while(|(held, part)| held == part)
            .count();
        open.truncate(shared);
        for part in &path[shared..] {
            let _ = writeln!(text, "{:indent$}{part}:", "", indent = open.len() * 2);
            if open.is_empty() && *part == "settings" {
                older(&mut text);
            }
            open.push(part);
        }
        let indent = open.len() * 2;
        let prefix = format!("{:indent$}# ", "");
        yaml::comment(&mut text, &prefix, 100, value.help);
        yaml::entry(&mut text, indent, key, &value.default());
    }
    text
}

fn older(text: &mut String) {
    let names: Vec<&str> = SETTINGS
        .iter()
        .map(|setting| setting.older)
        .filter(|name| !name.is_empty())
        .collect();
    let prose = format!("Older spellings, which work as well: {}.", names.join(", "));
    yaml::comment(text, "  # ", 100, &prose);
    text.push_str("  aws: {}\n");
}

/// The content of `templates/_environment.tpl`.
pub fn environment() -> String {
    let mut text =
        String::from("{{- /* Made by `cargo xtask charts` from crates/install/src/values. */}}\n");
    gates(&mut text);
    text.push_str("{{- define \"karpenter.settings\" -}}\n");
    let mut of = For::All;
    for setting in SETTINGS {
        if setting.of != of {
            close(&mut text, of);
            open(&mut text, setting.of);
            of = setting.of;
        }
        let _ = writeln!(
            text,
            "{{{{- include \"karpenter.setting\" ({}) }}}}",
            call(setting)
        );
    }
    close(&mut text, of);
    text.push_str("{{- end }}\n\n{{- define \"karpenter.older\" -}}\n");
    for setting in SETTINGS.iter().filter(|setting| !setting.older.is_empty()) {
        let _ = writeln!(
            text,
            "{{{{- include \"karpenter.olderLine\" ({}) }}}}",
            call(setting)
        );
    }
    text.push_str("{{- end }}\n\n{{- define \"karpenter.clusterName\" -}}\n");
    for setting in SETTINGS
        .iter()
        .filter(|setting| setting.env == "CLUSTER_NAME")
    {
        let _ = writeln!(
            text,
            "{{{{- include \"karpenter.value\" ({}) }}}}",
            call(setting)
        );
    }
    text.push_str("{{- end }}\n");
    text
}

fn open(text: &mut String, of: For) {
    let provider = match of {
        For::All => return,
        For::Aws => "aws",
        For::Kwok => "kwok",
    };
    let _ = writeln!(text, "{{{{- if eq .Values.provider \"{provider}\" }}}}");
}

fn close(text: &mut String, of: For) {
    if of != For::All {
        text.push_str("{{- end }}\n");
    }
}

/// Arguments of the templates about a setting.
fn call(setting: &Setting) -> String {
    let older = match setting.older {
        "" => String::new(),
        name => format!(" \"older\" \"{name}\""),
    };
    format!(
        "dict \"root\" $ \"key\" \"{}\" \"env\" \"{}\" \"default\" \"{}\"{older}",
        setting.value.key(),
        setting.env,
        setting.value.printed()
    )
}

fn gates(text: &mut String) {
    for (env, of) in [
        ("FEATURE_GATES", "featureGates"),
        ("AWS_FEATURE_GATES", "awsFeatureGates"),
    ] {
        let _ = writeln!(text, "{{{{- define \"karpenter.{of}\" -}}}}");
        let own: Vec<String> = GATES
            .iter()
            .filter(|gate| gate.env == env)
            .map(|gate| {
                format!(
                    "{}={{{{ include \"karpenter.gate\" (dict \"root\" $ \"of\" \"{of}\" \"key\" \
                     \"{}\" \"default\" \"{}\") }}}}",
                    gate.name,
                    gate.value.key(),
                    gate.value.default
                )
            })
            .collect();
        let _ = writeln!(text, "{}\n{{{{- end }}}}\n", own.join(","));
    }
}

/// The content of `docs/values.md`.
pub fn page() -> String {
    let mut text = String::from(
        "# Values of the chart\n\n<!-- Made by `cargo xtask charts` from crates/install/src/values. \
         -->\n\nEvery value of `charts/karpenter` with its default. A value that is not in this \
         list is refused, and so is one that the\nprogram could not read. `null` unsets a value: \
         the program's own default applies. Texts below `settings` may be\ntemplates.\n\n\
         | value | default | what it is for | variable |\n|---|---|---|---|\n",
    );
    for value in all() {
        row(&mut text, &value);
    }
    text.push_str(
        "\n## Older spellings\n\nThey work as well. Where both are given they must say the same.\n\n\
         | older | today |\n|---|---|\n",
    );
    for setting in SETTINGS.iter().filter(|setting| !setting.older.is_empty()) {
        let _ = writeln!(
            text,
            "| `settings.aws.{}` | `{}` |",
            setting.older, setting.value.path
        );
    }
    text
}

fn row(text: &mut String, value: &ChartValue) {
    let setting = SETTINGS
        .iter()
        .find(|setting| setting.value.path == value.path);
    let gate = GATES.iter().find(|gate| gate.value.path == value.path);
    let env = setting
        .map(|setting| setting.env)
        .or(gate.map(|gate| gate.env))
        .map_or(String::new(), |env| format!("`{env}`"));
    let default = match value.default() {
        Value::String(text) if text.is_empty() => String::new(),
        Value::String(text) => format!("`{text}`"),
        Value::Null => "none".to_owned(),
        other => format!("`{other}`"),
    };
    let _ = writeln!(
        text,
        "| `{}` | {default} | {} | {env} |",
        value.path, value.help
    );
}
