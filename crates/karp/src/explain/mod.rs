//! `karp explain`: why a pod is pending or where it goes, what a node costs and whether it stays,
//! what a pool can launch.
//!
//! What is *not* here: decisions. Everything is asked of `scheduling` and `disruption`, with the
//! same input as `karp plan`.

mod node;
mod pod;
mod pool;
mod preferences;
mod probe;
mod target;
mod text;

use std::process::ExitCode;

use anyhow::Context as _;
use cluster::Snapshot;
use model::Timestamp;
use scheduling::{Batch, Options, Placement};
use serde::Serialize;

use crate::cli::{ExplainArgs, Output};
use crate::failure::{DONE, PODS_LEFT, warn};
use crate::{input, output, plan};
use target::Target;

/// An answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Explanation {
    Pod(pod::PodExplanation),
    Node(node::NodeExplanation),
    Pool(pool::PoolExplanation),
}

/// What answers are made from.
struct Case<'a> {
    snapshot: &'a Snapshot,
    /// What provisioning would do now.
    placement: &'a Placement,
    options: &'a Options,
    look: &'a disruption::Options,
    now: Timestamp,
    seed: u64,
}

impl Case<'_> {
    fn solve(&self, snapshot: &Snapshot, batch: &Batch) -> Placement {
        scheduling::solve(snapshot, batch, self.options, self.now, self.seed)
    }
}

pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let target = Target::parse(&args.target)?;
    let options = plan::options(&args.policy)?;
    let now = match &args.now {
        Some(text) => Timestamp::parse(text).with_context(|| format!("--now {text:?}"))?,
        None => runtime::Clock::wall().now(),
    };
    let threads = input::threads(None);
    let (objects, chosen) = input::read_with_catalog(&args.sources, &args.catalog, threads)?;
    let chosen = chosen.with_policy(&args.policy)?;
    let expanded = input::expand(&objects)?;
    let world = input::load_world(&objects, &expanded, &chosen, threads)?;
    for warning in &world.warnings {
        warn(warning);
    }
    let snapshot = &world.snapshot;
    let options = plan::with_effort(options, snapshot);
    let placement = scheduling::solve(snapshot, &Batch::default(), &options, now, args.seed);
    let case = Case {
        snapshot,
        placement: &placement,
        options: &options,
        look: &crate::look::options(&options, crate::input::gates(&args.policy)?, threads),
        now,
        seed: args.seed,
    };
    let explanation = explain(&case, &target).ok_or_else(|| target.missing(snapshot))?;
    match args.output {
        Output::Table => {
            let source = chosen.catalogs.default.price_source.to_string();
            output::text(&text::render(
                &explanation,
                &source,
                view::Style::for_stdout(),
            ))?;
        }
        form => output::value(form, &explanation)?,
    }
    let homeless = matches!(&explanation, Explanation::Pod(pod) if pod.is_without_place());
    Ok(ExitCode::from(if homeless { PODS_LEFT } else { DONE }))
}

fn explain(case: &Case<'_>, target: &Target) -> Option<Explanation> {
    Some(match target {
        Target::Pod { namespace, name } => {
            let pod = case.snapshot.find_pod(namespace, name)?;
            Explanation::Pod(pod::explain(case, &pod))
        }
        Target::Node(name) => {
            let known = case.snapshot.node(name);
            let of_claim = || {
                let mut nodes = case.snapshot.nodes.iter();
                nodes.find(|node| {
                    let claim = node.claim.as_ref();
                    claim.is_some_and(|claim| claim.metadata.name == *name)
                })
            };
            Explanation::Node(node::explain(case, known.or_else(of_claim)?))
        }
        Target::Pool(name) => Explanation::Pool(pool::explain(case, case.snapshot.pool(name)?)),
    })
}
