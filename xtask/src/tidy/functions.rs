//! Functions are short.

use super::source::Source;
use super::{File, Problem};

/// The most lines from `fn` to the closing brace.
const LINES: usize = 70;
/// The same for tests, where a table of cases is one function.
const TEST_LINES: usize = 140;

/// A function with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Function {
    name: String,
    /// The line of `fn`.
    line: usize,
    /// How many lines it has.
    lines: usize,
}

/// The rule.
pub(super) fn check(file: &File, source: &Source) -> Vec<Problem> {
    let most = if file.is_test() { TEST_LINES } else { LINES };
    let long = functions(&source.code)
        .into_iter()
        .filter(|function| function.lines > most);
    let problem = |Function { name, line, lines }: Function| {
        let advice = format!("split `{name}`: {lines} lines, at most {most}");
        file.problem(line, "function-length", advice)
    };
    long.map(problem).collect()
}

/// Every function with a body, also those within another.
fn functions(code: &str) -> Vec<Function> {
    let mut functions = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let is_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let after = &code[at + "fn ".len()..];
        let name: String = after
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if !is_word || name.is_empty() {
            continue;
        }
        if let Some(length) = extent(after) {
            let line = 1 + code[..at].matches('\n').count();
            functions.push(Function {
                name,
                line,
                lines: 1 + after[..length].matches('\n').count(),
            });
        }
    }
    functions
}

/// Where the body ends; none if there is no body.
fn extent(after: &str) -> Option<usize> {
    let mut brackets = 0;
    let mut braces = 0;
    for (at, c) in after.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if brackets == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 && brackets == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Function, check, functions};
    use crate::tidy::File;
    use crate::tidy::source::Source;

    #[test]
    fn functions_are_measured_with_what_they_hold() {
        let code = "trait A {\n    fn a(&self, b: [u8; 3]);\n}\n\nfn c() {\n    fn d() {}\n    let e: fn (u8) = f;\n}\n";
        let function = |name: &str, line, lines| Function {
            name: name.into(),
            line,
            lines,
        };
        assert_eq!(functions(code), [function("c", 5, 4), function("d", 6, 1)]);
    }

    #[test]
    fn a_long_function_is_found_at_its_first_line() {
        for (lines, found) in [(68, 0), (69, 1)] {
            let text = format!("\nfn a() {{\n{}}}\n", "    b(\"}\");\n".repeat(lines));
            let file = File {
                path: "a.rs".into(),
                text,
            };
            let problems = check(&file, &Source::new(&file.text));
            assert_eq!(problems.len(), found, "{problems:?}");
            assert!(problems.iter().all(|problem| problem.line == 2));
        }
    }
}
