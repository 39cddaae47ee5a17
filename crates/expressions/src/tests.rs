use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// As much as threads of programs have.
const THREAD: usize = 2 << 20;

/// Compiles and evaluates on such a thread.
fn on_a_thread(text: String) -> Result<Result<Value, ExecutionError>, CompileError> {
    let run = move || {
        let expression = Expression::compile(&text)?;
        Ok(expression.evaluate(&Context::default()))
    };
    let thread = thread::Builder::new().stack_size(THREAD).spawn(run);
    thread.expect("a thread").join().expect("no panic")
}

/// A text with something in its middle, and what stands before and after repeated.
fn around(before: &str, middle: &str, after: &str, times: usize) -> String {
    format!("{}{middle}{}", before.repeat(times), after.repeat(times))
}

/// What can be repeated: before, in the middle, after.
const CHAINS: [(&str, &str, &str); 16] = [
    ("(", "1", ")"),
    ("(", "", ""),
    ("[", "1", "]"),
    ("{1:", "1", "}"),
    ("a[", "1", "]"),
    ("size([", "1", "])"),
    ("!(", "true", ")"),
    ("!", "true", ""),
    ("-", "1", ""),
    ("[1].all(x, ", "true", ")"),
    ("true ? 1 : ", "1", ""),
    ("", "a", ".b"),
    ("", "a", ".b()"),
    ("", "a", "[0]"),
    ("", "1", "+1"),
    ("", "1", "<1"),
];

#[test]
fn nothing_that_repeats_itself_overflows_the_stack() {
    for (before, middle, after) in CHAINS {
        let each = before.len() + after.len();
        for length in [100, 1000, MAX_LENGTH - 10] {
            let times = length / each;
            let _any = on_a_thread(around(before, middle, after, times));
        }
        let length = MAX_LENGTH + 10;
        let refused = on_a_thread(around(before, middle, after, length / each + 1));
        assert!(
            matches!(refused, Err(CompileError::TooLong(_))),
            "{before}{after} {refused:?}"
        );
    }
}

#[test]
fn trees_are_as_deep_as_is_said() {
    let sum = |terms| on_a_thread(around("", "1", "+1", terms));
    let most = MAX_DEPTH - 1;
    let total = i64::try_from(MAX_DEPTH).expect("a small number");
    assert_eq!(sum(most), Ok(Ok(Value::Int(total))));
    assert_eq!(sum(most + 1).expect_err("too deep"), CompileError::TooDeep);
    // The parser stops at 96 by itself.
    let nested = on_a_thread(around("[", "1", "]", 90));
    assert!(matches!(nested, Ok(Ok(Value::List(_)))));
    let fields = on_a_thread(around("", "a", ".b", MAX_DEPTH));
    assert_eq!(fields.expect_err("too deep"), CompileError::TooDeep);
    let keys = on_a_thread(format!("{{{}: 1}}", around("", "1", "+1", most)));
    assert_eq!(keys.expect_err("too deep"), CompileError::TooDeep);
    let over = format!("[1].all(x, {} > x)", around("", "1", "+1", most));
    assert_eq!(
        on_a_thread(over).expect_err("too deep"),
        CompileError::TooDeep
    );
}

/// What selectors are made of may stand side by side as often as there is room.
#[test]
fn conditions_side_by_side_are_not_deep() {
    let text = around("", "true", " && [1, 2].exists(x, x == 2)", 300);
    assert!(text.len() > 8000);
    assert_eq!(on_a_thread(text), Ok(Ok(Value::Bool(true))));
}

#[test]
fn what_is_no_expression_is_told_with_its_place() {
    let error = Expression::compile("1 +").expect_err("no expression");
    assert!(error.to_string().contains("1:4"), "{error}");
    for (before, after) in [("1 + + ", ""), ("\n", ") ) ("), ("'", "a b")] {
        let error = Expression::compile(&around(before, "", after, 1000)).expect_err("junk");
        let length = error.to_string().chars().count();
        assert!(length < 250, "{length}: {before}{after}");
    }
}

/// Runs with so much stack, which it must not exceed.
fn within<T: Send + 'static>(stack: usize, run: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::Builder::new().stack_size(stack).spawn(run);
    thread.expect("a thread").join().expect("no panic")
}

/// The deepest of each chain that is let through.
#[test]
fn half_the_stack_that_evaluation_is_given_is_enough() {
    for (before, middle, after) in CHAINS {
        let compiled = |times: &usize| Expression::compile(&around(before, middle, after, *times));
        let Some(deepest) = (1..=MAX_DEPTH)
            .rev()
            .find_map(|times| compiled(&times).ok())
        else {
            continue;
        };
        within(EVALUATION / 2, move || {
            let _any = deepest.0.execute(&Context::default());
        });
    }
}

/// As long as texts may be, and as short as they can be to nest as deep as the parser goes.
#[test]
fn half_the_stack_that_the_parser_is_given_is_enough() {
    for (before, middle, after) in CHAINS {
        for times in [96, MAX_LENGTH / (before.len() + after.len()) - 1] {
            let text = around(before, middle, after, times);
            within(parser_stack(&text) / 2, move || {
                let _any = parse(&text);
            });
        }
    }
}

#[test]
fn excerpts_are_short() {
    assert_eq!(excerpt("vcpus * 2"), "vcpus * 2");
    let long = excerpt(&"ü".repeat(MAX_LENGTH));
    assert_eq!(long.chars().count(), 201);
    assert!(long.ends_with("ü…"), "{long}");
}

#[test]
fn variables_of_an_expression_are_known() {
    let expression = Expression::compile("a.b > size(c)").expect("an expression");
    assert!(expression.has_variable("a") && expression.has_variable("c"));
    assert!(!expression.has_variable("b") && !expression.has_variable("size"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is written, there is an answer.
    #[test]
    fn any_text_has_an_answer(
        parts in vec(prop::sample::select(&CHAINS[..]), 1..6),
        times in vec(0_usize..120, 6),
    ) {
        let mut text = "1".to_owned();
        for ((before, _, after), times) in parts.iter().zip(times) {
            text = around(before, &text, after, times);
            text.truncate(MAX_LENGTH);
        }
        let _any = on_a_thread(text);
    }
}
