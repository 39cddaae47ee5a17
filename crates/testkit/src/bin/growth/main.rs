//! How time and memory grow with what a cluster holds: `cargo run --release -p testkit --bin
//! growth`. Tables in Markdown, for `docs/performance.md`.
//!
//! Each case runs in a process of its own, so that its peak of memory is its own. It reads objects
//! line by line from a file that is made before, so that what makes them is not measured.

mod cases;
mod look;
mod measure;
mod objects;
mod report;
mod standing;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Parser;

use cases::{Case, Question, all};
use measure::measure;

/// How time and memory grow with pods, shapes, types, nodes and topology groups, for placing pods
/// and for looking at nodes.
#[derive(Debug, Parser)]
#[command(name = "growth")]
struct Arguments {
    /// Only cases whose title or name begins so.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// How often each case is solved; the shortest time counts.
    #[arg(long, value_name = "N", default_value_t = 5)]
    runs: u32,
    /// Write the objects of this case to the file, and do nothing else.
    #[arg(long, value_name = "CASE", requires = "file", hide = true)]
    make: Option<String>,
    /// Measure this case, whose objects are in the file.
    #[arg(
        long,
        value_name = "CASE",
        requires = "file",
        hide = true,
        conflicts_with = "make"
    )]
    measure: Option<String>,
    /// Where the objects are.
    #[arg(long, value_name = "FILE", hide = true)]
    file: Option<PathBuf>,
}

/// Decision 9.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.file.as_deref().unwrap_or(Path::new(""));
    if let Some(name) = &arguments.make {
        return make(&find(name)?, file);
    }
    if let Some(name) = &arguments.measure {
        let (case, runs) = (find(name)?, arguments.runs.max(1));
        let measured = match case.question {
            Question::Placement => serde_json::to_string(&measure(&case, file, runs)?)?,
            Question::Look { .. } => serde_json::to_string(&look::look(&case, file, runs)?)?,
        };
        println!("{measured}");
        return Ok(());
    }
    let wanted = |case: &Case| {
        let only = arguments.only.as_deref().unwrap_or_default();
        case.title.starts_with(only) || case.name.starts_with(only)
    };
    let cases: Vec<Case> = all().into_iter().filter(wanted).collect();
    let mut title = "";
    for case in &cases {
        if case.title != title {
            title = case.title;
            println!("{}", report::head(case));
        }
        let measured = apart(case, arguments.runs)?;
        let row = match case.question {
            Question::Placement => report::row(case, &serde_json::from_slice(&measured)?),
            Question::Look { .. } => report::look_row(case, &serde_json::from_slice(&measured)?),
        };
        println!("{row}");
    }
    Ok(())
}

/// Measures a case in a process of its own. Returns JSON.
fn apart(case: &Case, runs: u32) -> Result<Vec<u8>> {
    let file = std::env::temp_dir().join(format!("growth-{}.jsonl", std::process::id()));
    let own = |flag: &str| -> Result<Vec<u8>> {
        let output = Command::new(std::env::current_exe()?)
            .args([flag, &case.name, "--runs", &runs.to_string(), "--file"])
            .arg(&file)
            .output()?;
        if !output.status.success() {
            bail!("{}: {}", case.name, String::from_utf8_lossy(&output.stderr));
        }
        Ok(output.stdout)
    };
    let measured = own("--make").and_then(|_| own("--measure"));
    // It may not be there, if it could not be made.
    std::fs::remove_file(&file).ok();
    measured
}

fn find(name: &str) -> Result<Case> {
    let case = all().into_iter().find(|case| case.name == name);
    case.with_context(|| format!("there is no case {name}"))
}

fn make(case: &Case, file: &Path) -> Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    for item in objects::of(&case.content) {
        serde_json::to_writer(&mut out, &item)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
