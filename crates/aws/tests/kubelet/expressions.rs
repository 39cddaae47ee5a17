//! Expressions.

use std::thread;

use aws::kubelet::{Compiled, EvaluationError, Expressions, Field, InvalidExpression, Settings};
use catalog::ec2::{Machine, NodeSettings};
use serde_json::json;

use crate::{compiled, m5_large, map};

/// What a number of pods comes to on an m5.large.
fn pods(expression: &str) -> Result<u32, EvaluationError> {
    let compiled = compiled(&json!({"maxPods": expression}));
    let resolved = compiled.resolve(&m5_large(), &NodeSettings::default());
    resolved.map(|resolved| resolved.max_pods)
}

fn invalid(expression: &str) -> InvalidExpression {
    let settings = Settings::parse(&map(&json!({"maxPods": expression}))).unwrap();
    match settings.compile(Expressions::Enabled) {
        Ok(_) => panic!("{expression:?} was compiled"),
        Err(error) => {
            assert_eq!(error.field, Field::MaxPods);
            error.error
        }
    }
}

/// CEL-1: the pods that interfaces have addresses for.
#[test]
fn the_formula_of_the_documentation_is_evaluated() {
    assert_eq!(pods("default_enis * (ips_per_eni - 1) + 2"), Ok(29));
    assert_eq!(pods("max_pods - 9"), Ok(20));
    assert_eq!(pods("vcpus * 10 + memory_mib / 1024"), Ok(28));
}

/// CEL-2: the larger and the smaller of numbers of any kind.
#[test]
fn the_larger_and_the_smaller_of_two_numbers_are_found() {
    assert_eq!(pods("max(3, 7.9)"), Ok(7));
    assert_eq!(pods("min(7.9, 3)"), Ok(3));
    assert_eq!(pods("max(3.9, 7.9)"), Ok(7));
    assert_eq!(pods("max(3, min(vcpus, 1)) + 1"), Ok(4));
}

/// CEL-3: what has no number.
#[test]
fn what_is_divided_by_zero_has_no_number() {
    for expression in [
        "10 / (vcpus - 2)",
        "10 % (vcpus - 2)",
        "1.0 / 0.0",
        "0.0 / 0.0",
        "max(0.0 / 0.0, 1.0)",
        "-1.0 / 0.0",
        "1e300",
    ] {
        let error = pods(expression).unwrap_err();
        assert_eq!(error.field, Field::MaxPods, "{expression}");
        assert_eq!(error.instance_type, "m5.large");
    }
}

#[test]
fn pods_are_a_number_of_31_bits() {
    assert_eq!(pods("2147483646 + vcpus - 1"), Ok(2_147_483_647));
    let message = |expression: &str| pods(expression).unwrap_err().to_string();
    assert_eq!(
        message("2147483648"),
        "spec.kubelet.maxPods: on m5.large, 2147483648 is out of range"
    );
    assert_eq!(
        message("vcpus - 5"),
        "spec.kubelet.maxPods: on m5.large, -3 is negative"
    );
    assert!(pods("9223372036854775807 + vcpus").is_err());
}

/// CEL-4: what can be no number is refused before it is evaluated.
#[test]
fn what_is_no_number_is_refused() {
    for expression in [
        "vcpus > 1",
        "instance_type",
        "'a' + 'b'",
        "cores * 2",
        "[1, 2]",
        "[]",
        "[][0]",
        "{'a': 1}['a']",
        "vcpus > 1 ? 1 : 2.0",
        "vcpus > 100 ? 1 : 'a'",
        "vcpus * 1.5",
        "vcpus == '2' ? 1 : 2",
        "sqrt(vcpus)",
        "max(vcpus, 'a')",
        "max(1, 2, 3)",
        "dyn(vcpus)",
        "vcpus.size()",
        "1u",
        "null",
        "instance_type.family",
        "[1, 'a'].size()",
        "duration('1h')",
    ] {
        let error = invalid(expression);
        assert!(
            matches!(error, InvalidExpression::Type(..)),
            "{expression}: {error}"
        );
    }
    for expression in ["", "  ", "vcpus *", "(1", "1 +* 2", "'a"] {
        let error = invalid(expression);
        assert!(
            matches!(error, InvalidExpression::Syntax(..)),
            "{expression}: {error}"
        );
    }
    let sum = |terms| format!("vcpus{}", "+1".repeat(terms));
    let deep = invalid(&sum(5000)).to_string();
    assert!(deep.contains("more than 100 steps"), "{deep}");
    assert!(deep.len() < 400, "{deep}");
    compiled(&json!({"maxPods": sum(99)}));
    assert_eq!(
        invalid("cores * 2").to_string(),
        "\"cores * 2\" is not a number, there is no variable \"cores\""
    );
}

/// CEL-5: by the name of the instance type.
#[test]
fn expressions_can_tell_instance_types_apart() {
    let by_type = compiled(&json!({"maxPods": r#"instance_type == "m5.large" ? 10 : 20"#}));
    let on = |name: &str| {
        let machine = Machine {
            name: name.to_owned(),
            ..m5_large()
        };
        let resolved = by_type.resolve(&machine, &NodeSettings::default());
        resolved.unwrap().max_pods
    };
    assert_eq!((on("m5.large"), on("m5.xlarge")), (10, 20));
}

#[test]
fn the_parts_of_the_language_that_are_checked_can_be_evaluated() {
    for (expression, expected) in [
        ("int(double(memory_mib) * 0.001)", 8),
        ("int('12') + size(instance_type)", 20),
        ("instance_type.startsWith('m5') && !(vcpus > 4) ? 7 : 8", 7),
        ("instance_type in ['m5.large', 'c5.large'] ? 5 : 6", 5),
        (
            "['m5.', 'c5.'].exists(f, instance_type.startsWith(f)) ? 3 : 4",
            3,
        ),
        ("[1, 2, 3].filter(n, n > vcpus).size()", 1),
        ("[1, 2].map(n, n * 10)[1]", 20),
        ("instance_type.split('.')[1] == 'large' ? 1 : 2", 1),
        ("instance_type.indexOf('.')", 2),
        ("instance_type.matches('^m[0-9]') || false ? 1 : 2", 1),
        ("-(-vcpus)", 2),
        ("5 % 3 + 7 / 2", 5),
        ("double(7) / 2.0", 3),
        ("int(uint(vcpus) + 1u)", 3),
        ("string(vcpus) == '2' ? 1 : 2", 1),
        (
            "instance_type.upperAscii().replace('M', 'X') == 'X5.LARGE' ? 1 : 2",
            1,
        ),
        ("instance_type.substring(3).size()", 5),
        ("size([1] + [])", 1),
    ] {
        assert_eq!(pods(expression), Ok(expected), "{expression}");
    }
}

/// CEL-11: one compiled class is used by several threads at once.
#[test]
fn expressions_are_evaluated_by_several_threads() {
    let kubelet = json!({
        "maxPods": "vcpus * 10",
        "kubeReserved": {"cpu": "vcpus * 30", "memory": "memory_mib / 100"},
    });
    let shared: &Compiled = &compiled(&kubelet);
    thread::scope(|scope| {
        let running: Vec<_> = (1..=8)
            .map(|vcpus| {
                scope.spawn(move || {
                    let machine = Machine {
                        vcpus,
                        ..m5_large()
                    };
                    (0..50).all(|_| {
                        let node = NodeSettings::default();
                        let resolved = shared.resolve(&machine, &node).unwrap();
                        resolved.max_pods == u32::try_from(vcpus * 10).unwrap()
                            && resolved.kube_reserved["cpu"] == format!("{}m", vcpus * 30)
                            && resolved.kube_reserved["memory"] == "96Mi"
                    })
                })
            })
            .collect();
        for thread in running {
            assert!(thread.join().unwrap());
        }
    });
}
