//! What `--help` shows, made from the table of settings.

use clap::{Arg, Command};

use super::flags::{FLAGS, ValueKind};

/// The help of the program, wrapped for `columns`.
pub fn help(columns: usize) -> String {
    let mut command = Command::new("karpenter")
        .about("Gives Kubernetes pods the nodes they need, and takes away the nodes nobody needs.")
        .override_usage("karpenter [--name value | --name=value]...")
        .after_help(
            "Every setting is a flag and an environment variable; the flag wins. Durations are \
             written as 300ms, 1.5s or 2h45m. Booleans are true or false.\n\n\
             Try it without a cloud, on any cluster that runs the kwok controller:\n  \
             karpenter --provider kwok --disable-leader-election true",
        )
        .disable_help_flag(true)
        .disable_version_flag(true)
        .term_width(columns);
    for flag in FLAGS {
        let value = match flag.kind {
            ValueKind::Text => "TEXT",
            ValueKind::Int | ValueKind::Float => "NUMBER",
            ValueKind::Bool => "BOOL",
            ValueKind::Duration => "DURATION",
        };
        let default = if flag.default.is_empty() {
            String::new()
        } else {
            format!(", default {}", flag.default.replace(',', ", "))
        };
        command = command.arg(
            Arg::new(flag.name)
                .long(flag.name)
                .value_name(value)
                .help_heading(flag.group)
                .help(format!("{} [{}{default}]", flag.help, flag.env)),
        );
    }
    command.render_long_help().to_string()
}
