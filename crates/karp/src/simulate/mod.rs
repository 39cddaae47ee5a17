//! `karp simulate`: a whole cluster in virtual time.

mod html;
mod tally;
mod text;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use manifests::{Object, Source};
use model::Timestamp;
use runtime::Options;
use sim::{Config, Report, Scenario, Timing, simulate};
use text::Detail;
use view::{Progress, Style, format};

use crate::cli::{Output, SimulateArgs};
use crate::failure::{DONE, PODS_LEFT, RULE_BROKEN, complain, warn};
use crate::{input, output};

/// The time of day at the start of every run, so that the same input gives the same output.
const START: &str = "2026-01-01T00:00:00Z";

pub(crate) fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let at_most = model::duration::parse_go(&args.at_most)
        .with_context(|| format!("--for {:?}", args.at_most))?;
    let objects = input::read(&args.sources, input::threads(None))?;
    let chosen = input::choose(&args.catalog, &objects)?;
    let scenario = scenario(args.scenario.as_deref(), &objects)?;
    let options = settings(args, &scenario)?;
    let config = Config {
        objects: cluster_objects(&objects),
        scenario,
        catalogs: chosen.catalogs,
        kinds: chosen.kinds,
        options,
        timing: Timing::default(),
        start: Timestamp::parse(START)?,
        at_most,
        seed: args.seed,
    };
    let mut progress = Progress::on_stderr();
    let report = simulate(config, &mut |glimpse| {
        progress.show(&format!(
            "{}  {}, {}, {} waiting",
            format::clock(glimpse.elapsed),
            format::count(glimpse.nodes, "node"),
            format::count(glimpse.pods, "pod"),
            glimpse.waiting
        ));
    })?;
    drop(progress);
    for note in &report.notes {
        warn(note);
    }
    match args.output {
        Output::Table => {
            let detail = if args.full {
                Detail::Full
            } else {
                Detail::Brief
            };
            output::text(&text::render(&report, detail, Style::for_stdout()))?;
        }
        form => output::value(form, &report)?,
    }
    if let Some(path) = &args.report {
        let page = html::render(&report);
        std::fs::write(path, page).with_context(|| path.display().to_string())?;
    }
    Ok(ExitCode::from(outcome(&report)))
}

/// Says what must never happen and did; the exit code.
fn outcome(report: &Report) -> u8 {
    let breaches = &report.tally.breaches;
    if let Some(first) = breaches.first() {
        complain(&format!(
            "Karpenter broke {} that must never break, first at {}: {}",
            format::count(breaches.len(), "rule"),
            format::clock(std::time::Duration::from_millis(first.at_ms)),
            first.what
        ));
        RULE_BROKEN
    } else if report.waiting.is_empty() {
        DONE
    } else {
        PODS_LEFT
    }
}

/// Everything but scenarios.
fn cluster_objects(objects: &[Object]) -> Vec<serde_json::Value> {
    objects
        .iter()
        .filter(|object| !Scenario::is(&object.api_version, &object.kind))
        .map(|object| object.tree().into_owned())
        .collect()
}

/// The scenario of the file, or the one among the manifests; none at all is an empty one.
fn scenario(file: Option<&Path>, objects: &[Object]) -> anyhow::Result<Scenario> {
    let loaded;
    let candidates = match file {
        Some(path) => {
            loaded = manifests::load(&[Source::Path(path.to_owned())], 1)?;
            &loaded
        }
        None => objects,
    };
    let mut found = candidates
        .iter()
        .filter(|object| Scenario::is(&object.api_version, &object.kind));
    let Some(object) = found.next() else {
        if let Some(path) = file {
            anyhow::bail!(
                "{}: no document of apiVersion {} and kind {}",
                path.display(),
                sim::API_VERSION,
                sim::KIND
            );
        }
        return Ok(Scenario::default());
    };
    if let Some(second) = found.next() {
        anyhow::bail!(
            "{}: a second scenario; one run has one (the first is at {})",
            second.origin,
            object.origin
        );
    }
    Scenario::parse(&object.tree()).with_context(|| object.origin.to_string())
}

/// Karpenter's settings: its defaults, what the scenario says, and what the flags say, each before
/// the one that is named before it.
fn settings(args: &SimulateArgs, scenario: &Scenario) -> anyhow::Result<Options> {
    crate::plan::options(&args.policy)?;
    if !args.policy.ignore_dra_requests {
        anyhow::bail!(
            "--ignore-dra-requests=false: no drivers publish devices in a simulated cluster, so \
             pods with resource claims can only be left pending; `karp plan` finds devices"
        );
    }
    let mut flags = vec![
        format!("--preference-policy={}", args.policy.preference_policy),
        format!("--min-values-policy={}", args.policy.min_values_policy),
        "--cluster-name=simulated".to_owned(),
        // Nobody reads the gauges about nodes.
        "--disable-cluster-state-observability=true".to_owned(),
    ];
    let of_flags = args.policy.feature_gates.as_deref().unwrap_or_default();
    let gates = [&*scenario.feature_gates, of_flags];
    let gates: Vec<&str> = gates.into_iter().filter(|text| !text.is_empty()).collect();
    if !gates.is_empty() {
        // Of two settings of one gate the later counts.
        flags.push(format!("--feature-gates={}", gates.join(",")));
    }
    match runtime::options::parse(&flags, &std::collections::BTreeMap::new())? {
        runtime::options::Parsed::Run(options) => Ok(Options {
            scheduler: input::scheduler_config(args.policy.scheduler_config.as_deref())?,
            ..*options
        }),
        _ => anyhow::bail!("the settings of a simulation are no call for help"),
    }
}
