//! Rules that look at any text file.

use super::{File, Problem};

/// The most lines of a file, and of one that is all tests.
const LINES: usize = 500;
const TEST_LINES: usize = 800;
/// The most characters of a line.
pub(super) const WIDTH: usize = 100;

pub(super) const WIDTH_ADVICE: &str = "break the line: at most 100 characters";
pub(super) const REMINDER_ADVICE: &str =
    "do it, or file it: the tree holds no reminders of what is not done";

/// What may not stand anywhere, with the reason. Put together here, so that this file passes.
const FORBIDDEN: [(&str, &str); 3] = [
    (concat!("/wo", "rk/"), "no path of one machine"),
    (concat!("/ro", "ot/"), "no path of one machine"),
    (
        concat!("../sha", "red"),
        "nothing outside of the repository is needed",
    ),
];

/// The rules.
pub(super) fn check(file: &File) -> Vec<Problem> {
    let mut problems = length(file);
    problems.extend(forbidden(file));
    if !file.is_rust() {
        problems.extend(reminders(file));
    }
    problems
}

fn length(file: &File) -> Vec<Problem> {
    let most = if file.is_test() { TEST_LINES } else { LINES };
    let lines = file.text.lines().count();
    if !file.is_rust() || lines <= most {
        return Vec::new();
    }
    let advice = format!("split it by subject: {lines} lines, at most {most}");
    vec![file.problem(most + 1, "file-length", advice)]
}

fn forbidden(file: &File) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (line, text) in (1..).zip(file.text.lines()) {
        for (words, reason) in FORBIDDEN {
            let mut places = text.match_indices(words).map(|(at, _)| &text[..at]);
            if places.any(|before| !ends_in_path(before)) {
                problems.push(file.problem(line, "forbidden", format!("remove it: {reason}")));
            }
        }
    }
    problems
}

/// So that the folder `work` of some other path is none of a machine.
fn ends_in_path(before: &str) -> bool {
    before.ends_with(|c: char| c.is_alphanumeric() || "._-}~".contains(c))
}

fn reminders(file: &File) -> Vec<Problem> {
    let lines = (1..)
        .zip(file.text.lines())
        .filter(|(_, text)| has_reminder(text));
    lines
        .map(|(line, _)| file.problem(line, "unfinished", REMINDER_ADVICE))
        .collect()
}

/// Whether a word is left that says that something is not done.
pub(super) fn has_reminder(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words
        .into_iter()
        .any(|word| word == concat!("TO", "DO") || word == concat!("FIX", "ME"))
}

/// Whether a line is too long without holding an address.
pub(super) fn is_too_wide(text: &str) -> bool {
    text.chars().count() > WIDTH && !text.contains("://")
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::File;

    fn rules(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        let file = File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&file)
            .into_iter()
            .map(|problem| (problem.line, problem.rule))
            .collect()
    }

    #[test]
    fn files_are_of_one_subject() {
        assert_eq!(rules("src/a.rs", &"a\n".repeat(500)), []);
        assert_eq!(
            rules("src/a.rs", &"a\n".repeat(501)),
            [(501, "file-length")]
        );
        assert_eq!(rules("crates/a/tests/b.rs", &"a\n".repeat(800)), []);
        assert_eq!(
            rules("crates/a/src/b/tests.rs", &"a\n".repeat(801)),
            [(801, "file-length")]
        );
        assert_eq!(rules("data.txt", &"a\n".repeat(5_000)), []);
    }

    #[test]
    fn paths_of_one_machine_are_forbidden() {
        let path = concat!("see /wo", "rk/main");
        assert_eq!(rules("a.toml", path), [(1, "forbidden")]);
        assert_eq!(
            rules("a.toml", concat!("a = \"../sha", "red/b\"")),
            [(1, "forbidden")]
        );
        assert_eq!(
            rules("a.toml", concat!("https://example.com/home/wo", "rk/main")),
            []
        );
    }

    #[test]
    fn reminders_are_found_as_words() {
        assert_eq!(
            rules("a.yaml", concat!("a\n# TO", "DO b\n")),
            [(2, "unfinished")]
        );
        assert_eq!(rules("a.yaml", concat!("# TO", "DOS b\n")), []);
    }
}
