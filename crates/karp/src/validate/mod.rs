//! `karp validate`: what is wrong with manifests, where, and how to mend it.

mod findings;
mod pools;
mod workloads;

use std::fmt::Write as _;
use std::process::ExitCode;

use api::validate::Severity;
use view::{Align, Paint, Style, Table};

use crate::cli::{Output, ValidateArgs};
use crate::failure::{BAD_INPUT, DONE};
use crate::{input, output};
pub(crate) use findings::{Located, lint};

pub(crate) fn run(args: &ValidateArgs) -> anyhow::Result<ExitCode> {
    let objects = input::read(&args.sources, input::threads(None))?;
    let mut found: Vec<Located> = objects.iter().flat_map(lint).collect();
    found.extend(objects.iter().flat_map(workloads::check));
    // Pools that cannot even be read have been found wanting; the others are tried on the catalog.
    if found
        .iter()
        .all(|located| located.severity != Severity::Error.to_string())
    {
        found.extend(pools::check(args, &objects)?);
    }
    let errors = count(&found, Severity::Error);
    match args.output {
        Output::Table => output::text(&table(&found, objects.len(), Style::for_stdout()))?,
        form => output::value(form, &found)?,
    }
    Ok(ExitCode::from(if errors > 0 { BAD_INPUT } else { DONE }))
}

fn count(found: &[Located], severity: Severity) -> usize {
    let severity = severity.to_string();
    found
        .iter()
        .filter(|located| located.severity == severity)
        .count()
}

fn table(found: &[Located], objects: usize, style: Style) -> String {
    let mut text = String::new();
    if !found.is_empty() {
        let mut table = Table::new(&[
            ("SEVERITY", Align::Left),
            ("WHERE", Align::Left),
            ("OBJECT", Align::Left),
            ("FIELD", Align::Left),
            ("WHAT IS WRONG", Align::Left),
        ]);
        for located in found {
            let paint = if located.severity == "error" {
                Paint::Bad
            } else {
                Paint::Warn
            };
            let fix = located
                .fix
                .as_ref()
                .map(|fix| format!(": {fix}"))
                .unwrap_or_default();
            table.row([
                style.paint(paint, &located.severity),
                located.at.clone(),
                located.object.clone(),
                located.field.clone(),
                format!("{}{fix}", located.message),
            ]);
        }
        text.push_str(&table.render(style));
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "{} checked: {}, {}",
        view::format::count(objects, "object"),
        view::format::count(count(found, Severity::Error), "error"),
        view::format::count(count(found, Severity::Warning), "warning")
    );
    text
}
