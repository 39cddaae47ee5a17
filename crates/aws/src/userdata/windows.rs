//! The PowerShell script that makes instances of Windows join.

use super::{Input, flags};

const BEGIN: &str = "<powershell>";
const END: &str = "</powershell>";
/// Says where the image has its own script.
const SCRIPT: &str = "[string]$EKSBootstrapScriptFile = \
                      \"$env:ProgramFiles\\Amazon\\EKS\\Start-EKSBootstrap.ps1\"";

/// The script: what the class brings, then what joins the cluster.
pub(super) fn render(input: &Input) -> String {
    let custom = input.custom();
    let cluster = &input.cluster;
    let mut call = vec![
        "& $EKSBootstrapScriptFile -EKSClusterName".to_owned(),
        quoted(&cluster.name),
        "-APIServerEndpoint".to_owned(),
        quoted(&cluster.endpoint),
    ];
    let mut option = |name: &str, value: &str| call.extend([name.to_owned(), quoted(value)]);
    if !cluster.ca_bundle.is_empty() {
        option("-Base64ClusterCA", &cluster.ca_bundle);
    }
    option("-KubeletExtraArgs", &flags::all(input));
    if let Some(dns) = input.dns().first() {
        option("-DNSClusterIP", dns);
    }
    let mut lines = vec![BEGIN];
    let custom = without_tags(&custom);
    if !custom.is_empty() {
        lines.push(custom);
    }
    let call = call.join(" ");
    lines.extend([SCRIPT, &call, END]);
    lines.join("\n")
}

/// A script without the tags around it: they cannot be nested.
fn without_tags(script: &str) -> &str {
    let inside = script.trim().strip_prefix(BEGIN);
    match inside.and_then(|rest| rest.strip_suffix(END)) {
        Some(inside) => inside.trim_matches(['\r', '\n']),
        None => script,
    }
}

/// In single quotes, as PowerShell reads them.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
