use std::cell::Cell;

use super::*;
use crate::kubelet::expression::{Functions, Variables};

fn amounts(entries: &[(&str, &str)]) -> BTreeMap<String, Amount> {
    entries
        .iter()
        .map(|(key, text)| ((*key).to_owned(), Amount::compile(text).unwrap()))
        .collect()
}

/// What the amounts come to, which have no value, and how often the variables were made.
fn resolved(entries: &[(&str, &str)], vcpus: i64) -> (Vec<String>, Vec<String>, u32) {
    let functions = Functions::default();
    let made = Cell::new(0);
    let scope = LazyCell::new(|| {
        made.set(made.get() + 1);
        functions.scope(&Variables {
            vcpus,
            memory_mib: 65_536,
            ..Variables::default()
        })
    });
    let (resolved, failed) = resolve(&amounts(entries), &scope);
    let resolved = resolved.iter().map(|(key, text)| format!("{key}={text}"));
    let failed = failed.iter().map(|(key, error)| format!("{key}: {error}"));
    (resolved.collect(), failed.collect(), made.get())
}

fn values(entries: &[(&str, &str)], vcpus: i64) -> Vec<String> {
    resolved(entries, vcpus).0
}

/// CEL-6: processor time is rounded up to ten millicores; quantities stay as they are.
#[test]
fn processor_time_is_in_tens_of_millicores() {
    assert_eq!(values(&[("cpu", "vcpus * 30")], 16), ["cpu=480m"]);
    assert_eq!(values(&[("cpu", "max(60, vcpus * 30)")], 1), ["cpu=60m"]);
    assert_eq!(values(&[("cpu", "71")], 16), ["cpu=71"]);
    assert_eq!(values(&[("cpu", "70 + vcpus")], 2), ["cpu=80m"]);
}

/// CEL-7: each resource has its unit.
#[test]
fn each_resource_has_its_unit() {
    let memory = |expression: &str| values(&[("memory", expression)], 1);
    assert_eq!(memory("80 + vcpus"), ["memory=96Mi"]);
    assert_eq!(memory("vcpus - 1"), ["memory=0Mi"]);
    assert_eq!(memory("memory_mib / 100"), ["memory=656Mi"]);
    assert_eq!(
        values(
            &[("ephemeral-storage", "2 + vcpus"), ("pid", "4 + vcpus")],
            1
        ),
        ["ephemeral-storage=3Gi", "pid=5"]
    );
    assert_eq!(values(&[("cpu", "vcpus - 1")], 1), ["cpu=0m"]);
}

/// CEL-8: what is negative is dropped, and the rest stays.
#[test]
fn negative_amounts_are_dropped() {
    let (resolved, failed, _) = resolved(
        &[
            ("cpu", "vcpus - 100"),
            ("memory", "vcpus * 100"),
            ("pid", "1 / (vcpus - 2)"),
        ],
        2,
    );
    assert_eq!(resolved, ["memory=208Mi"]);
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert_eq!(failed[0], "cpu: -98 is negative");
}

/// CEL-9: rounding never goes beyond all numbers.
#[test]
fn the_largest_numbers_are_rounded_to_what_there_is() {
    let largest = "9223372036854775807 * vcpus";
    assert_eq!(
        values(
            &[("cpu", largest), ("memory", largest), ("pid", largest)],
            1
        ),
        [
            "cpu=9223372036854775800m",
            "memory=9223372036854775792Mi",
            "pid=9223372036854775807",
        ]
    );
    assert_eq!(round_up(i64::MAX - 7, 10), i64::MAX - 7);
}

/// CEL-10: variables are made for expressions only, and once.
#[test]
fn variables_are_made_when_they_are_needed_and_once() {
    assert_eq!(resolved(&[], 1).2, 0);
    assert_eq!(resolved(&[("cpu", "100m"), ("memory", "1Gi")], 1).2, 0);
    assert_eq!(
        resolved(&[("cpu", "vcpus * 1"), ("memory", "vcpus * 2")], 1).2,
        1
    );
}
