//! Solves every problem of the corpus, has the answers checked, and prints how they compare with
//! the reference's: `cargo run --release -p testkit --bin corpus`.
//!
//! Provisioning is one table, disruption another one (`rounds`).

mod bars;
mod report;
mod rounds;
mod sums;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};
use scheduling::{Batch, solve};
use testkit::corpus::layout::Layout;
use testkit::corpus::{Outcome, Problem, Purpose, judge_placement, stored};
use testkit::random;

use rounds::Followed;

/// Solve every problem of the corpus and compare with the reference.
///
/// The exit status is 1 if an answer is invalid, leaves more pods without a place or costs more
/// than the reference's, if a group misses its bar, or if a round of disruption saves less than the
/// reference's or rounds never end.
#[derive(Debug, Parser)]
#[command(name = "corpus")]
struct Arguments {
    /// A line for each problem, and what is wrong with its answer.
    #[arg(long)]
    problems: bool,
    /// Form of the output.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Only this group, or only problems whose name begins so.
    #[arg(long, value_name = "GROUP")]
    only: Option<String>,
    /// A recorded corpus, one folder per problem, instead of the project's own copy.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Replace the project's own copy by the corpus of `--dir`, and do nothing else.
    #[arg(long, requires = "dir")]
    store: bool,
    /// Solve so many random problems instead and print what is wrong with the answers.
    #[arg(long, value_name = "N", conflicts_with_all = ["dir", "only"])]
    random: Option<u64>,
    /// How often each problem is solved; the shortest time counts.
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// A problem with what came of it.
struct Judged {
    problem: Problem,
    outcome: Outcome,
    /// The shortest time of a solve.
    took: Duration,
}

/// Decision 9.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let (true, Some(folder)) = (arguments.store, &arguments.dir) {
        let count = stored::store(&Layout::new(folder))?;
        println!("{count} problems stored");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(count) = arguments.random {
        return Ok(ExitCode::from(u8::from(!random_problems(count))));
    }
    let (judged, followed) = judge_all(arguments)?;
    let any = !judged.is_empty() || !followed.is_empty();
    ensure!(any, "there is no such problem");
    let groups = sums::by_group(&judged);
    let missed = bars::missed(&judged, &groups, arguments.only.is_none());
    let missed_rounds = rounds::missed(&followed);
    let done = missed.is_empty() && missed_rounds.is_empty();
    match arguments.output {
        Output::Table => {
            if !judged.is_empty() {
                if arguments.problems {
                    report::problems(&judged);
                }
                report::table(&groups, &missed);
            }
            if !followed.is_empty() {
                rounds::print(&followed, arguments.problems, &missed_rounds);
            }
        }
        Output::Json => {
            let mut all = report::json(&judged, &groups, &missed);
            all["disruption"] = rounds::json(&followed, &missed_rounds);
            println!("{}", serde_json::to_string_pretty(&all)?);
        }
    }
    Ok(ExitCode::from(u8::from(!done)))
}

/// Solves the problems of the seeds below `count`. Returns whether all answers are valid.
fn random_problems(count: u64) -> bool {
    let mut invalid = 0;
    for seed in 0..count {
        let problem = random::problem(seed, 5 + (seed % 50) as usize);
        let violations = problem.violations();
        invalid += usize::from(!violations.is_empty());
        for violation in violations {
            println!("seed {seed}: {violation}");
        }
        let cluster = random::cluster(seed, 5 + (seed % 50) as usize);
        let faults = cluster.faults();
        invalid += usize::from(!faults.is_empty());
        for fault in faults {
            println!("seed {seed}, disruption: {fault}");
        }
    }
    println!("{invalid} of {count} random problems and as many clusters have invalid answers");
    invalid == 0
}

fn judge_all(arguments: &Arguments) -> Result<(Vec<Judged>, Vec<Followed>)> {
    let (mut judged, mut followed) = (Vec::new(), Vec::new());
    let mut recorded = arguments.dir.as_deref().map(Layout::new);
    let mut own = stored::Reader::default();
    let names = match &recorded {
        Some(layout) => layout.names()?,
        None => stored::names()?,
    };
    for name in &names {
        let candidate = arguments.only.as_deref().unwrap_or_default();
        if !name.starts_with(candidate) {
            continue;
        }
        let problem = match &mut recorded {
            Some(layout) => layout.problem(name)?,
            None => own.problem(name)?,
        };
        match problem.purpose {
            Purpose::Provisioning => judged.push(judge(problem, arguments.runs.max(1))),
            Purpose::Disruption => followed.push(rounds::run(problem, arguments.runs.max(1))),
        }
    }
    Ok((judged, followed))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program that measures, and the only thing that it does with the time"
)]
fn judge(problem: Problem, runs: u32) -> Judged {
    let snapshot = problem.snapshot();
    let batch = Batch::default();
    let mut took = Duration::MAX;
    let mut placement = None;
    for _ in 0..runs {
        let start = std::time::Instant::now();
        placement = Some(solve(&snapshot, &batch, &problem.options, problem.now, 1));
        took = took.min(start.elapsed());
    }
    let outcome = judge_placement(&problem, &snapshot, &placement.unwrap_or_default());
    Judged {
        problem,
        outcome,
        took,
    }
}
