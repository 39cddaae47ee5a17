use super::*;

fn list(entries: &[(&str, &str)]) -> ResourceList {
    entries
        .iter()
        .map(|(name, amount)| ((*name).to_owned(), amount.parse().unwrap()))
        .collect()
}

#[test]
fn sums_name_the_resources_of_both() {
    let sum = add(
        &list(&[("cpu", "1"), ("memory", "1Gi")]),
        &list(&[("cpu", "500m"), ("pods", "1")]),
    );
    assert_eq!(
        sum,
        list(&[("cpu", "1500m"), ("memory", "1Gi"), ("pods", "1")])
    );
}

#[test]
fn differences_keep_only_the_resources_of_the_left_side() {
    let left = list(&[("cpu", "1"), ("memory", "1Gi")]);
    let right = list(&[("cpu", "1500m"), ("pods", "1")]);
    assert_eq!(
        subtract(&left, &right),
        list(&[("cpu", "-500m"), ("memory", "1Gi")])
    );
}

#[test]
fn taking_out_of_a_total_names_new_resources() {
    let mut total = list(&[("cpu", "1")]);
    subtract_from(&mut total, &list(&[("cpu", "1"), ("pods", "2")]));
    assert_eq!(total, list(&[("cpu", "0"), ("pods", "-2")]));
}

#[test]
fn the_largest_is_taken_over_the_union_and_the_smallest_over_what_both_name() {
    let left = list(&[("cpu", "1"), ("memory", "1Gi")]);
    let right = list(&[("cpu", "2"), ("pods", "1")]);
    assert_eq!(
        max_each(&left, &right),
        list(&[("cpu", "2"), ("memory", "1Gi"), ("pods", "1")])
    );
    assert_eq!(min_each(&left, &right), list(&[("cpu", "1")]));
}

#[test]
fn a_request_fits_if_no_resource_is_short() {
    let available = list(&[("cpu", "2"), ("memory", "4Gi")]);
    assert!(fits(
        &list(&[("cpu", "2000m"), ("memory", "4096Mi")]),
        &available
    ));
    assert!(fits(&list(&[("example.com/unknown", "0")]), &available));
    let requests = list(&[("cpu", "2001m"), ("memory", "1"), ("nvidia.com/gpu", "1")]);
    assert!(!fits(&requests, &available));
    let short = shortfalls(&requests, &available);
    let by: Vec<_> = short
        .iter()
        .map(|s| (s.resource.as_str(), s.by().to_string()))
        .collect();
    assert_eq!(
        by,
        [("cpu", "1m".to_owned()), ("nvidia.com/gpu", "1".to_owned())]
    );
}

#[test]
fn nothing_fits_where_anything_is_overdrawn() {
    let available = list(&[("cpu", "2"), ("memory", "-1")]);
    assert!(!fits(&list(&[("cpu", "1")]), &available));
    let short = shortfalls(&list(&[("cpu", "1")]), &available);
    assert_eq!(short.len(), 1);
    assert_eq!(short[0].resource, "memory");
}
