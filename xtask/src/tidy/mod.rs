//! `cargo xtask tidy`: the house rules that a tool can check.
//!
//! Each rule is a function from the text of a file, or from what cargo says of the workspace, to
//! problems. What is *not* here: what rustfmt and clippy check already.

mod arrows;
mod functions;
mod source;
mod text;
mod wrap;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::Args;

/// A place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    /// The file, from the root of the repository.
    file: String,
    /// The line, from 1.
    line: usize,
    /// The rule's name.
    rule: &'static str,
    /// What to do.
    advice: String,
}

/// A file of the repository.
#[derive(Debug, Clone)]
struct File {
    /// Its path from the root of the repository, with slashes.
    path: String,
    /// Its content.
    text: String,
}

impl File {
    fn problem(&self, line: usize, rule: &'static str, advice: impl Into<String>) -> Problem {
        Problem {
            file: self.path.clone(),
            line,
            rule,
            advice: advice.into(),
        }
    }

    fn is_rust(&self) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|extension| extension == "rs")
    }

    /// Whether all of it is tests or benchmarks.
    fn is_test(&self) -> bool {
        let folders = ["/tests/", "/benches/"];
        self.path.ends_with("/tests.rs")
            || self.path.ends_with("_tests.rs")
            || folders.iter().any(|folder| self.path.contains(folder))
    }
}

/// What to do.
#[derive(Debug, Clone, Args)]
pub(crate) struct Tidy {
    /// Break comments that are too wide.
    #[arg(long)]
    fix: bool,
    /// Change only files below this folder.
    #[arg(long, requires = "fix", default_value = "")]
    only: String,
}

/// Checks everything, and prints what is wrong.
pub(crate) fn run(root: &Path, options: &Tidy) -> Result<ExitCode> {
    let mut files = files(root)?;
    if options.fix {
        fix(root, &mut files, &options.only)?;
    }
    let mut problems: Vec<Problem> = files.iter().flat_map(check).collect();
    problems.extend(arrows::check(&arrows::metadata(root)?));
    problems.sort();
    for Problem {
        file,
        line,
        rule,
        advice,
    } in &problems
    {
        println!("{file}:{line}: {rule}: {advice}");
    }
    if problems.is_empty() {
        println!("tidy: {} files, no problem", files.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} problems", problems.len());
    Ok(ExitCode::FAILURE)
}

/// Mends what can be mended without thinking.
fn fix(root: &Path, files: &mut [File], only: &str) -> Result<()> {
    for file in files
        .iter_mut()
        .filter(|file| file.is_rust() && file.path.starts_with(only))
    {
        let wrapped = wrap::wrap(&file.text);
        if wrapped != file.text {
            fs::write(root.join(&file.path), &wrapped)?;
            file.text = wrapped;
        }
    }
    Ok(())
}

/// All rules for one file.
fn check(file: &File) -> Vec<Problem> {
    let mut problems = text::check(file);
    if file.is_rust() {
        let source = source::Source::new(&file.text);
        problems.extend(source::check(file, &source));
        problems.extend(functions::check(file, &source));
    }
    problems
}

/// The files that git tracks, or would if they were added. Those that are no text are left out.
fn files(root: &Path) -> Result<Vec<File>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("git is needed to list the files")?;
    ensure!(
        output.status.success(),
        "git ls-files failed: is this a git repository?"
    );
    let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let mut paths: Vec<&str> = names.split_terminator('\0').collect();
    paths.sort_unstable();
    paths.dedup();
    let read = |path: &&str| {
        // What is deleted and not yet committed is listed, too.
        let text = fs::read(root.join(PathBuf::from(path))).ok()?;
        Some(File {
            path: (*path).to_owned(),
            text: String::from_utf8(text).ok()?,
        })
    };
    Ok(paths.iter().filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::{File, Problem, check};

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_tidy_file_has_no_problem() {
        let text = "//! What is here.\n\n/// Adds.\nfn add(a: u8, b: u8) -> u8 {\n    a + b\n}\n";
        assert_eq!(
            check(&file("crates/a/src/lib.rs", text)),
            Vec::<Problem>::new()
        );
    }

    #[test]
    fn problems_of_all_kinds_are_found_with_their_lines() {
        let text = "fn now() {\n    dbg!(1);\n}\n// TODO: later\n";
        let problems = check(&file("crates/a/src/lib.rs", text));
        let found: Vec<_> = problems.iter().map(|p| (p.line, p.rule)).collect();
        assert!(found.contains(&(1, "module-docs")), "{found:?}");
        assert!(found.contains(&(2, "unfinished")), "{found:?}");
        assert!(found.contains(&(4, "unfinished")), "{found:?}");
    }
}
