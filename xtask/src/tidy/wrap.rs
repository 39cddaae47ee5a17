//! `cargo xtask tidy --fix`: breaks comments that are too wide, which rustfmt leaves alone.

use std::collections::VecDeque;

use super::source::Source;
use super::text::{WIDTH, is_too_wide};

/// A line that is nothing but a comment, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Comment<'a> {
    /// The indentation and `//`, `///` or `//!`.
    marker: &'a str,
    /// What follows the space behind the marker.
    text: &'a str,
}

/// The same source with no comment line too wide, as far as it has spaces to break at.
pub(super) fn wrap(source: &str) -> String {
    let strings = Source::new(source).strings;
    let lines = source.lines().enumerate();
    let mut lines: VecDeque<(String, bool)> = lines
        .map(|(i, line)| (line.to_owned(), strings.contains(&(i + 1))))
        .collect();
    let mut wrapped = String::new();
    let mut in_code = false;
    while let Some((line, in_string)) = lines.pop_front() {
        let comment = if in_string { None } else { comment(&line) };
        in_code = match &comment {
            Some(comment) => in_code ^ comment.text.starts_with("```"),
            None => false,
        };
        let cut = comment
            .filter(|_| !in_code && is_too_wide(&line))
            .and_then(|c| cut(&c));
        let Some((head, rest)) = cut else {
            wrapped.extend([line.as_str(), "\n"]);
            continue;
        };
        wrapped.extend([head.as_str(), "\n"]);
        carry(&mut lines, rest);
    }
    wrapped
}

/// What fits, and the line of what does not.
fn cut(comment: &Comment<'_>) -> Option<(String, String)> {
    if comment.text.starts_with('|') {
        return None;
    }
    let Comment { marker, text } = comment;
    // The items of lists go on below their first word.
    let item = text.trim_start();
    let hang = if item.starts_with("- ") || item.starts_with("* ") {
        2
    } else {
        0
    };
    let hang = hang + text.len() - item.len();
    let room = WIDTH.checked_sub(marker.chars().count() + 1)?;
    let end = text.char_indices().nth(room)?.0;
    // A word must not become an item of a list by standing first.
    let is_place = |at: &usize| !starts_block(&text[at + 1..]);
    let spaces = text[..=end].match_indices(' ').map(|(at, _)| at);
    let at = spaces.filter(|at| *at > hang).rfind(is_place)?;
    let head = format!("{marker} {}", &text[..at]);
    Some((
        head,
        format!("{marker} {}{}", " ".repeat(hang), &text[at + 1..]),
    ))
}

/// Puts the rest before the next line if that goes on with the paragraph, else on a line of its
/// own.
fn carry(lines: &mut VecDeque<(String, bool)>, rest: String) {
    let joined = lines
        .front()
        .filter(|(_, in_string)| !in_string)
        .and_then(|(next, _)| {
            let (next, rest) = (comment(next)?, comment(&rest)?);
            let indent = |text: &str| text.len() - text.trim_start().len();
            let goes_on = next.marker == rest.marker
                && !next.text.is_empty()
                && indent(next.text) == indent(rest.text)
                && !starts_block(next.text.trim_start());
            goes_on.then(|| format!("{} {} {}", rest.marker, rest.text, next.text.trim_start()))
        });
    if let Some(joined) = joined {
        lines.pop_front();
        lines.push_front((joined, false));
    } else {
        lines.push_front((rest, false));
    }
}

/// Whether Markdown would begin something new here.
fn starts_block(text: &str) -> bool {
    let numbered = text.split_once(". ").is_some_and(|(number, _)| {
        !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
    });
    let marks = ["- ", "* ", "+ ", "#", "|", "```", ">", "["];
    numbered || marks.iter().any(|mark| text.starts_with(mark))
}

fn comment(line: &str) -> Option<Comment<'_>> {
    let indent = line.len() - line.trim_start().len();
    let marker = ["///", "//!", "//"]
        .into_iter()
        .find(|m| line[indent..].starts_with(m))?;
    let (marker, text) = line.split_at(indent + marker.len());
    Some(Comment {
        marker,
        text: text.strip_prefix(' ').unwrap_or(text),
    })
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn what_is_too_wide_goes_to_the_next_line_of_the_paragraph() {
        let words = "word ".repeat(20);
        let text = format!("    /// {words}last.\n    /// More of it.\n    ///\n    fn a() {{}}\n");
        let first = format!("    /// {}", "word ".repeat(18));
        let expected = format!(
            "{}\n    /// word word last. More of it.\n    ///\n    fn a() {{}}\n",
            first.trim_end()
        );
        assert_eq!(wrap(&text), expected);
        assert_eq!(wrap(&expected), expected);
    }

    #[test]
    fn items_of_lists_stay_apart() {
        let words = "word ".repeat(20);
        let text = format!("//! - {words}last.\n//! - Second.\n");
        let wrapped = wrap(&text);
        let lines: Vec<&str> = wrapped.lines().collect();
        assert_eq!(
            lines[1..],
            ["//!   word last.", "//! - Second."],
            "{wrapped}"
        );
    }

    #[test]
    fn code_tables_and_strings_stay() {
        let words = "word ".repeat(25);
        for text in [
            format!("/// ```\n/// {words}\n/// ```\n"),
            format!("/// | {words} |\n"),
            format!("let a = \"\n// {words}\n\";\n"),
            format!("// {}\n", "w".repeat(120)),
        ] {
            assert_eq!(wrap(&text), text);
        }
    }
}
