//! Solves every problem of the corpus, has the answers checked, and prints how they compare with
//! the reference's: `cargo run --release -p testkit --bin corpus`.

mod bars;
mod report;
mod sums;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};
use scheduling::{Batch, solve};
use testkit::corpus::layout::Layout;
use testkit::corpus::{Outcome, Problem, judge_placement, stored};
use testkit::random;

/// Solve every problem of the corpus and compare with the reference.
///
/// The exit status is 1 if an answer is invalid, leaves more pods without a place or costs more
/// than the reference's, or if a group misses its bar.
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
    let judged = judge_all(arguments)?;
    ensure!(!judged.is_empty(), "there is no such problem");
    let groups = sums::by_group(&judged);
    let missed = bars::missed(&judged, &groups, arguments.only.is_none());
    match arguments.output {
        Output::Table => {
            if arguments.problems {
                report::problems(&judged);
            }
            report::table(&groups, &missed);
        }
        Output::Json => report::json(&judged, &groups, &missed)?,
    }
    Ok(ExitCode::from(u8::from(!missed.is_empty())))
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
    }
    println!("{invalid} of {count} random problems have invalid answers");
    invalid == 0
}

fn judge_all(arguments: &Arguments) -> Result<Vec<Judged>> {
    let mut judged = Vec::new();
    let mut recorded = arguments.dir.as_deref().map(Layout::new);
    let mut own = stored::Reader::default();
    let names = match &recorded {
        Some(layout) => layout.names()?,
        None => stored::names()?,
    };
    for name in names.iter().filter(|name| !name.starts_with("d-")) {
        let candidate = arguments.only.as_deref().unwrap_or_default();
        if !name.starts_with(candidate) {
            continue;
        }
        let problem = match &mut recorded {
            Some(layout) => layout.problem(name)?,
            None => own.problem(name)?,
        };
        judged.push(judge(problem, arguments.runs.max(1)));
    }
    Ok(judged)
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
