//! How commands end: exit codes, and errors on standard error.

use std::process::ExitCode;

use view::{Paint, Style};

/// Everything that was asked for is fine.
pub(crate) const DONE: u8 = 0;
/// The input or the flags cannot be used.
pub(crate) const BAD_INPUT: u8 = 1;
/// The answer is there, but some pods have no place.
pub(crate) const PODS_LEFT: u8 = 2;
/// A simulation has shown something that must never happen.
pub(crate) const RULE_BROKEN: u8 = 3;

/// Prints an error with its causes and gives the exit code for bad input.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let style = Style::for_stderr();
    eprintln!("{} {error:#}", style.paint(Paint::Bad, "error:"));
    ExitCode::from(BAD_INPUT)
}

/// Prints an error that does not end the program.
pub(crate) fn complain(text: &str) {
    let style = Style::for_stderr();
    eprintln!("{} {text}", style.paint(Paint::Bad, "error:"));
}

/// Prints a warning.
pub(crate) fn warn(text: &str) {
    let style = Style::for_stderr();
    eprintln!("{} {text}", style.paint(Paint::Warn, "warning:"));
}
