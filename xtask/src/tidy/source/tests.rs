use super::{Source, check};
use crate::tidy::File;

fn rules(path: &str, text: &str) -> Vec<(usize, &'static str)> {
    let file = File {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let problems = check(&file, &Source::new(text));
    problems
        .into_iter()
        .map(|problem| (problem.line, problem.rule))
        .collect()
}

#[test]
fn comments_and_literals_are_told_apart_from_code() {
    let text = "let a = \"x // {\"; // b {\nlet c = '{'; let d: &'a str = r#\"\" {\"#;\n/* e\n/* f */ */ g";
    let source = Source::new(text);
    assert!(!source.code.contains('{'), "{}", source.code);
    assert!(
        source.code.contains("&'a str") && source.code.ends_with('g'),
        "{}",
        source.code
    );
    assert_eq!(source.code.chars().count(), text.chars().count());
    assert_eq!(
        source
            .comments
            .iter()
            .map(|(line, _)| *line)
            .collect::<Vec<_>>(),
        [1, 3, 4]
    );
    assert_eq!(source.strings.into_iter().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn escapes_do_not_end_a_literal() {
    let source = Source::new(r#"let a = "\"{"; let b = '\''; let c = "\\"; d {"#);
    assert_eq!(source.code.matches('{').count(), 1, "{}", source.code);
}

#[test]
fn what_is_unfinished_is_found_in_code_but_not_in_text() {
    assert_eq!(
        rules("a.rs", "fn a() {\n    todo!()\n}\n"),
        [(2, "unfinished")]
    );
    assert_eq!(rules("a.rs", "#[ignore = \"slow\"]\n"), [(1, "unfinished")]);
    assert_eq!(rules("a.rs", "// FIXME: b\n"), [(1, "unfinished")]);
    assert_eq!(rules("a.rs", "let a = \"todo! TODO\"; my_dbg!();\n"), []);
}

#[test]
fn tests_do_not_sleep_unless_time_is_virtual_or_a_loop_polls() {
    let sleep = "fn a() {\n    std::thread::sleep(b);\n}\n";
    assert_eq!(
        rules("crates/a/tests/b.rs", sleep),
        [(2, "no-sleep-in-tests")]
    );
    assert_eq!(rules("crates/a/src/b.rs", sleep), []);
    let inner = format!("#[cfg(test)]\n{sleep}");
    assert_eq!(
        rules("crates/a/src/b.rs", &inner),
        [(3, "no-sleep-in-tests")]
    );
    let paused = format!("#[tokio::test(start_paused = true)]\n{sleep}");
    assert_eq!(rules("crates/a/tests/b.rs", &paused), []);
    let polls = sleep.replace(";\n", "; // poll\n");
    assert_eq!(rules("crates/a/tests/b.rs", &polls), []);
}

#[test]
fn long_lines_are_found_unless_they_can_not_be_broken() {
    let long = "a".repeat(101);
    assert_eq!(rules("a.rs", &format!("// {long}\n")), [(1, "line-width")]);
    assert_eq!(rules("a.rs", &format!("let a = \"{long}\";\n")), []);
    assert_eq!(
        rules("a.rs", &format!("// https://example.com/{long}\n")),
        []
    );
    assert_eq!(rules("a.rs", &format!("// {}\n", "ä".repeat(97))), []);
}

#[test]
fn modules_begin_with_what_is_in_them() {
    assert_eq!(
        rules("crates/a/src/lib.rs", "fn a() {}\n"),
        [(1, "module-docs")]
    );
    assert_eq!(
        rules("crates/a/src/b.rs", "pub(crate) mod c;\n"),
        [(1, "module-docs")]
    );
    assert_eq!(rules("crates/a/src/b.rs", "//! B.\nmod c;\n"), []);
    assert_eq!(rules("crates/a/src/b.rs", "fn a() {}\n"), []);
}
