//! Rules that look at Rust code, with comments and literals told apart from it.

use std::collections::BTreeSet;

use super::{File, Problem};

/// Rust source with the parts told apart. Lines count from 1.
#[derive(Debug, Clone, Default)]
pub(super) struct Source {
    /// The text with comments and the inside of literals blanked; every line is as long as it was.
    pub(super) code: String,
    /// Each line of a comment.
    pub(super) comments: Vec<(usize, String)>,
    /// Lines that a string literal touches.
    pub(super) strings: BTreeSet<usize>,
}

/// Where the reader is in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Code,
    LineComment,
    /// Within this many nested block comments.
    BlockComment(usize),
    String,
    /// Within a raw string that ends with this many `#`.
    RawString(usize),
    Char,
}

impl Source {
    /// Reads the source; what rustc would refuse gives something, but not a panic.
    pub(super) fn new(text: &str) -> Source {
        let characters: Vec<char> = text.chars().collect();
        let mut source = Source::default();
        let mut comment = String::new();
        let (mut at, mut line, mut i) = (At::Code, 1, 0);
        while i < characters.len() {
            let (next, length) = step(at, &characters[i..], &source.code);
            for &c in &characters[i..i + length] {
                let is_code = at == At::Code && next == At::Code;
                source.code.push(if is_code || c == '\n' { c } else { ' ' });
                if matches!(at, At::LineComment | At::BlockComment(_)) && c != '\n' {
                    comment.push(c);
                }
                if matches!(at, At::String | At::RawString(_)) {
                    source.strings.insert(line);
                }
                if c == '\n' {
                    source.keep(&mut comment, line);
                    line += 1;
                }
            }
            if at != next && next == At::Code {
                source.keep(&mut comment, line);
            }
            at = next;
            i += length;
        }
        source.keep(&mut comment, line);
        source
    }

    fn keep(&mut self, comment: &mut String, line: usize) {
        if !comment.is_empty() {
            self.comments.push((line, std::mem::take(comment)));
        }
    }
}

/// Where the reader is after the next characters, and how many these are; never none.
fn step(at: At, rest: &[char], before: &str) -> (At, usize) {
    let starts = |pattern: &str| {
        pattern
            .chars()
            .enumerate()
            .all(|(i, c)| rest.get(i) == Some(&c))
    };
    match at {
        At::Code if starts("//") => (At::LineComment, 2),
        At::Code if starts("/*") => (At::BlockComment(1), 2),
        At::Code if starts("\"") => (At::String, 1),
        At::Code if !ends_in_word(before) && raw_string(rest).is_some() => {
            let hashes = raw_string(rest).unwrap_or_default();
            let prefix = rest.iter().take_while(|c| c.is_ascii_alphabetic()).count();
            (At::RawString(hashes), prefix + hashes + 1)
        }
        At::Code if starts("'") && is_char(rest) => (At::Char, 1),
        At::Code => (At::Code, 1),
        At::LineComment => (
            if starts("\n") {
                At::Code
            } else {
                At::LineComment
            },
            1,
        ),
        At::BlockComment(depth) if starts("/*") => (At::BlockComment(depth + 1), 2),
        At::BlockComment(1) if starts("*/") => (At::Code, 2),
        At::BlockComment(depth) if starts("*/") => (At::BlockComment(depth - 1), 2),
        At::String | At::Char if starts("\\") => (at, rest.len().min(2)),
        At::String if starts("\"") => (At::Code, 1),
        At::Char if starts("'") => (At::Code, 1),
        At::RawString(hashes) if starts(&format!("\"{}", "#".repeat(hashes))) => {
            (At::Code, 1 + hashes)
        }
        At::BlockComment(_) | At::String | At::Char | At::RawString(_) => (at, 1),
    }
}

fn ends_in_word(text: &str) -> bool {
    text.chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// The number of `#` if a raw string begins here: `r"`, `br#"`, `cr##"`.
fn raw_string(rest: &[char]) -> Option<usize> {
    let prefix: String = rest
        .iter()
        .take_while(|c| c.is_ascii_alphabetic())
        .take(3)
        .collect();
    if !["r", "br", "cr"].contains(&prefix.as_str()) {
        return None;
    }
    let after = &rest[prefix.len()..];
    let hashes = after.iter().take_while(|c| **c == '#').count();
    (after.get(hashes) == Some(&'"')).then_some(hashes)
}

/// Whether the quote begins a character, not a lifetime.
fn is_char(rest: &[char]) -> bool {
    rest.get(1) == Some(&'\\') || rest.get(2) == Some(&'\'')
}

/// Macros and attributes that must not be left in.
const UNFINISHED: [&str; 4] = ["todo!", "unimplemented!", "dbg!", "#[ignore"];

/// The rules.
pub(super) fn check(file: &File, source: &Source) -> Vec<Problem> {
    let mut problems = unfinished(file, source);
    problems.extend(sleeps(file, source));
    problems.extend(width(file, source));
    problems.extend(module_docs(file, source));
    problems
}

fn unfinished(file: &File, source: &Source) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (line, code) in (1..).zip(source.code.lines()) {
        for mark in UNFINISHED.iter().filter(|mark| has_mark(code, mark)) {
            problems.push(file.problem(line, "unfinished", format!("remove `{mark}`")));
        }
    }
    for (line, comment) in &source.comments {
        if super::text::has_reminder(comment) {
            problems.push(file.problem(*line, "unfinished", super::text::REMINDER_ADVICE));
        }
    }
    problems
}

/// Whether the mark stands there as a word of its own, so that `my_dbg!` is none.
fn has_mark(code: &str, mark: &str) -> bool {
    code.match_indices(mark)
        .any(|(at, _)| !ends_in_word(&code[..at]))
}

/// Tests wait for conditions. A test under virtual time may sleep, and a loop that polls the real
/// world may pause if it says so.
fn sleeps(file: &File, source: &Source) -> Vec<Problem> {
    let virtual_time = ["start_paused", "time::pause("];
    if virtual_time.iter().any(|mark| source.code.contains(mark)) {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let mut in_test = file.is_test();
    for (line, code) in (1..).zip(source.code.lines()) {
        in_test |= code.trim() == "#[cfg(test)]";
        let sleeps = code.contains("thread::sleep(") || code.contains("time::sleep(");
        let is_near = |at: usize| at == line || at + 1 == line;
        let mut comments = source.comments.iter();
        let reasons = ["poll", "virtual time"];
        let says = |text: &str| reasons.iter().any(|reason| text.contains(reason));
        let excused = comments.any(|(at, text)| is_near(*at) && says(text));
        if in_test && sleeps && !excused {
            let advice = "wait for a condition, or use virtual time; if a loop polls here, or a \
                          caller has paused the clock, say `// poll` or `// virtual time`";
            problems.push(file.problem(line, "no-sleep-in-tests", advice));
        }
    }
    problems
}

/// rustfmt keeps code short; comments it leaves alone, and literals and addresses can't be broken.
fn width(file: &File, source: &Source) -> Vec<Problem> {
    let lines = (1..).zip(file.text.lines());
    let long = lines
        .filter(|(line, text)| super::text::is_too_wide(text) && !source.strings.contains(line));
    long.map(|(line, _)| file.problem(line, "line-width", super::text::WIDTH_ADVICE))
        .collect()
}

/// Files that others hang on say first what is in them.
fn module_docs(file: &File, source: &Source) -> Vec<Problem> {
    let is_root = ["/lib.rs", "/main.rs", "/mod.rs"]
        .iter()
        .any(|name| file.path.ends_with(name));
    let declares = source.code.lines().any(|code| {
        let code = code
            .trim_start_matches("pub ")
            .trim_start_matches("pub(crate) ");
        code.starts_with("mod ") && code.ends_with(';')
    });
    let has_docs = file.text.lines().any(|line| line.starts_with("//!"));
    if has_docs || file.path.ends_with("/tests.rs") || !(is_root || declares) {
        return Vec::new();
    }
    let advice = "begin with `//!`: what is here, and what is not";
    vec![file.problem(1, "module-docs", advice)]
}

#[cfg(test)]
mod tests;
