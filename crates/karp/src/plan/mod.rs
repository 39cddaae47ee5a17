//! `karp plan`: what provisioning and disruption would do now.

mod document;
mod table;

use std::mem::ManuallyDrop;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use cluster::Snapshot;
use lifecycle::buffer::kept;
use model::Timestamp;
use scheduling::{
    Batch, Effort, LowerBound, MinValuesPolicy, Options, PreferencePolicy, ResourceClaims,
};

use crate::cli::{Bound, Output, PlanArgs, PolicyArgs, Subject};
use crate::failure::{DONE, PODS_LEFT, warn};
use crate::{input, output};

/// Most pods to be placed for which a plan is made with more work than a controller spends on it.
const THOROUGH_PODS: usize = 2_000;

pub(crate) fn run(args: &PlanArgs) -> anyhow::Result<ExitCode> {
    let options = with_bound(options(&args.policy)?, args.bound);
    let clock = runtime::Clock::wall();
    let now = match &args.now {
        Some(text) => Timestamp::parse(text).with_context(|| format!("--now {text:?}"))?,
        None => clock.now(),
    };
    let started = clock.now();
    let threads = input::threads(args.threads);
    let (objects, chosen) = input::read_with_catalog(&args.sources, &args.catalog, threads)?;
    // The process ends with the plan: what is large is not taken apart before.
    let objects = ManuallyDrop::new(objects);
    for finding in objects.iter().flat_map(crate::validate::lint) {
        warn(&finding.to_string());
    }
    let chosen = chosen.with_policy(&args.policy)?;
    let expanded = input::expand(&objects)?;
    let world = input::load_world(&objects, &expanded, &chosen, threads)?;
    let mut world = ManuallyDrop::new(world);
    for warning in &world.warnings {
        warn(warning);
    }
    let decoded = clock.now();
    let snapshot = &world.snapshot;
    let options = with_effort(options, snapshot);
    let keeps_room = snapshot
        .pending
        .iter()
        .any(|group| group.shape.is_virtual());
    let placement = (args.subject != Subject::Disruption || keeps_room)
        .then(|| scheduling::solve(&world.snapshot, &Batch::default(), &options, now, args.seed));
    if let Some(placement) = &placement {
        let nodes = placement.existing.iter();
        world.snapshot.buffer_pods = kept(nodes.map(|node| (&node.node, &*node.pods)));
    }
    let placement = placement.filter(|_| args.subject != Subject::Disruption);
    let placement = ManuallyDrop::new(placement);
    let solved = clock.now();
    let plan = look(args, &world.snapshot, (options, threads), now)?;
    let planned = clock.now();
    let stats = document::Stats {
        pods: world.pods,
        nodes: world.snapshot.nodes.len(),
        decode_ms: milliseconds(decoded.since(started)),
        solve_ms: milliseconds(solved.since(decoded)),
        disruption_ms: milliseconds(planned.since(solved)),
        peak_rss_bytes: peak_rss_bytes(),
    };
    let decided = document::Decided {
        placement: placement.as_ref(),
        plan: plan.as_ref(),
        snapshot: &world.snapshot,
    };
    let form = match args.output {
        Output::Json => document::Form::Json,
        Output::Table | Output::Yaml => document::Form::Other,
    };
    let document = document::Document::new(now, decided, form, stats);
    match args.output {
        Output::Table => {
            let price_source = chosen.catalogs.default.price_source.to_string();
            let style = view::Style::for_stdout();
            output::text(&table::render(&document, &price_source, style))?;
        }
        form => output::value(form, &document)?,
    }
    let left = document.unplaced() > 0;
    Ok(ExitCode::from(if left { PODS_LEFT } else { DONE }))
}

/// What would become of the nodes, if that is asked for.
fn look(
    args: &PlanArgs,
    snapshot: &Snapshot,
    (options, threads): (Options, usize),
    now: Timestamp,
) -> anyhow::Result<Option<disruption::Plan>> {
    if args.subject == Subject::Provisioning {
        return Ok(None);
    }
    let options = crate::look::options(&options, input::gates(&args.policy)?, threads);
    let mut memory = disruption::Memory::default();
    let plan = disruption::plan(&mut memory, snapshot, &options, now, args.seed);
    Ok(Some(plan))
}

/// The same settings, with more work for a plan of few pods: a person waits for one plan, and
/// nobody notices a tenth of a second. A large one is made as the controller makes it.
pub(crate) fn with_effort(options: Options, snapshot: &Snapshot) -> Options {
    let displaced = snapshot.nodes.iter().filter(|node| node.is_marked());
    let displaced: usize = displaced.map(|node| node.pods.len()).sum();
    let effort = if snapshot.pending_count() + displaced <= THOROUGH_PODS {
        Effort::Thorough
    } else {
        Effort::Portfolio
    };
    Options { effort, ..options }
}

fn with_bound(options: Options, bound: Bound) -> Options {
    let lower_bound = match bound {
        Bound::Density => LowerBound::Density,
        Bound::Columns => LowerBound::Columns,
    };
    Options {
        lower_bound,
        ..options
    }
}

/// The solver's settings, from the flags. A plan is compared by what it launches, so the cheapest
/// type alone is its price.
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
    input::gates(args)?;
    let resource_claims = if args.ignore_dra_requests {
        ResourceClaims::Ignored
    } else {
        ResourceClaims::Allocated
    };
    Ok(Options {
        preference_policy,
        min_values_policy,
        resource_claims,
        price_by_cheapest: 1,
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
