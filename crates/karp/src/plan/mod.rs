//! `karp plan`: what provisioning and disruption would do now.

mod document;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use model::Timestamp;
use scheduling::{Batch, MinValuesPolicy, Options, PreferencePolicy};

use crate::cli::{Output, PlanArgs, PolicyArgs, Subject};
use crate::failure::{DONE, PODS_LEFT, warn};
use crate::input;

pub(crate) fn run(args: &PlanArgs) -> anyhow::Result<ExitCode> {
    let options = options(&args.policy)?;
    let clock = runtime::Clock::wall();
    let now = match &args.now {
        Some(text) => Timestamp::parse(text).with_context(|| format!("--now {text:?}"))?,
        None => clock.now(),
    };
    let started = clock.now();
    let objects = input::read(&args.sources)?;
    for finding in objects.iter().flat_map(crate::validate::lint) {
        warn(&finding.to_string());
    }
    let chosen = input::choose(&args.catalog, &objects)?;
    let expanded = input::expand(&objects)?;
    let world = input::load_world(&objects, &expanded, &chosen)?;
    for warning in &world.warnings {
        warn(warning);
    }
    let decoded = clock.now();
    let placement = (args.subject != Subject::Disruption)
        .then(|| scheduling::solve(&world.snapshot, &Batch::default(), &options, now, args.seed));
    let solved = clock.now();
    let plan =
        (args.subject != Subject::Provisioning).then(|| disruption::plan(&world.snapshot, now));
    let planned = clock.now();
    let stats = document::Stats {
        pods: world.pods,
        nodes: world.snapshot.nodes.len(),
        decode_ms: milliseconds(decoded.since(started)),
        solve_ms: milliseconds(solved.since(decoded)),
        disruption_ms: milliseconds(planned.since(solved)),
        peak_rss_bytes: peak_rss_bytes(),
    };
    let document = document::Document::new(
        now,
        placement.as_ref(),
        plan.as_ref(),
        &world.snapshot,
        stats,
    );
    match args.output {
        Output::Table => {
            let price_source = chosen.catalogs.default.price_source.to_string();
            print!(
                "{}",
                table::render(&document, &price_source, view::Style::for_stdout())
            );
        }
        output => print!("{}", output.render(&document)?),
    }
    let left = document.unplaced() > 0;
    Ok(ExitCode::from(if left { PODS_LEFT } else { DONE }))
}

/// The solver's settings, from the flags.
pub(crate) fn options(args: &PolicyArgs) -> anyhow::Result<Options> {
    let preference_policy = match args.preference_policy.as_str() {
        "Respect" => PreferencePolicy::Respect,
        "Ignore" => PreferencePolicy::Ignore,
        other => anyhow::bail!("--preference-policy {other:?}: Respect or Ignore is expected"),
    };
    let min_values_policy = match args.min_values_policy.as_str() {
        "Strict" => MinValuesPolicy::Strict,
        "BestEffort" => MinValuesPolicy::BestEffort,
        other => anyhow::bail!("--min-values-policy {other:?}: Strict or BestEffort is expected"),
    };
    for gate in args.feature_gates.iter().flat_map(|text| text.split(',')) {
        let value = gate.split_once('=').map(|(_, value)| value);
        if !matches!(value, Some("true" | "false")) {
            anyhow::bail!("--feature-gates: {gate:?} is not of the form NAME=true or NAME=false");
        }
    }
    Ok(Options {
        preference_policy,
        min_values_policy,
        ..Options::default()
    })
}

fn milliseconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 100_000.0).round() / 100.0
}

/// The most memory that the process held, from the kernel's own count; 0 where there is none.
fn peak_rss_bytes() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return 0;
    };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| {
        line.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()
            .ok()
    });
    kib.unwrap_or(0) * 1024
}
