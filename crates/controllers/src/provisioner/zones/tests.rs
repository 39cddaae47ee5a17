use super::*;

fn zones(zones: &[&str]) -> Requirement {
    Requirement::any_of(ZONE, zones.iter().copied())
}

fn places(all: &[&[&str]]) -> Vec<Requirements> {
    let place = |one: &&[&str]| [zones(one)].into_iter().collect();
    all.iter().map(place).collect()
}

type Case<'a> = (
    Option<Requirement>,
    &'a [&'a [&'a str]],
    Option<&'a [&'a str]>,
    &'a str,
);

/// SCH-235: from a pod's own requirements, its volumes, and what rules about other pods leave.
#[test]
fn a_pod_counts_for_the_zones_that_everything_allows() {
    let not_one = Requirement::new(ZONE, Operator::NotIn, ["1"], None);
    let cases: [Case<'_>; 17] = [
        (None, &[], None, "flexible"),
        (Some(zones(&["1"])), &[], None, "1"),
        (Some(zones(&["1", "2"])), &[], None, "flexible"),
        (Some(not_one.clone()), &[], None, "flexible"),
        (Some(not_one.clone()), &[], Some(&["1", "2"]), "2"),
        // Affinity to a pod in zone 1, anti-affinity to pods in 1 and 2, spread over 1, 1, 0.
        (None, &[], Some(&["1"]), "1"),
        (None, &[], Some(&["3"]), "3"),
        (None, &[], Some(&["1", "2"]), "flexible"),
        // Rules that nothing meets.
        (None, &[], Some(&[]), "none"),
        (Some(zones(&["1"])), &[], Some(&[]), "none"),
        (Some(zones(&["1"])), &[], Some(&["2"]), "none"),
        // Volumes.
        (None, &[&["1", "2"]], None, "flexible"),
        (None, &[&["1"], &["2"]], None, "flexible"),
        (None, &[&["1"]], None, "1"),
        (Some(zones(&["1"])), &[&["2"]], None, "none"),
        (Some(zones(&["1", "2"])), &[&["2"]], None, "2"),
        (Some(not_one), &[&["1", "2"]], None, "2"),
    ];
    for (strict, volumes, rules, expected) in cases {
        let rules = rules.map(|zones| zones.iter().map(ToString::to_string).collect());
        let zone = effective(strict.as_ref(), &places(volumes), rules.as_ref());
        assert_eq!(zone.as_str(), expected, "{strict:?} {volumes:?} {rules:?}");
    }
}
