use super::{text::number, *};

static BUCKETS: Definition = Definition {
    name: "test_seconds",
    help: "Seconds",
    kind: Kind::Histogram(&[0.5, 1.0, 2_592_000.0]),
    labels: Labels::Fixed(&["pool"]),
};
static QUANTILES: Definition = Definition {
    name: "test_summary",
    help: "Summary",
    kind: Kind::Summary,
    labels: Labels::Fixed(&[]),
};

#[test]
fn the_text_shows_exactly_the_names_that_dashboards_use() {
    let metrics = Metrics::new();
    metrics.add(
        &names::LEGACY_DEPROVISIONING_ACTIONS,
        &["delete", "success"],
        2.0,
    );
    metrics.add(&names::NODES_CREATED, &["default", "zone-a"], 1.0);
    metrics.observe(&names::LEGACY_SCHEDULING_SECONDS, &[], 0.02);
    let text = metrics.to_text();
    for line in [
        "# TYPE karpenter_deprovisioning_actions counter",
        "karpenter_deprovisioning_actions{action=\"delete\",result=\"success\"} 2",
        "# TYPE karpenter_nodes_created_total counter",
        "karpenter_nodes_created_total{nodepool=\"default\",zone=\"zone-a\"} 1",
        "karpenter_provisioner_scheduling_duration_seconds_bucket{le=\"0.025\"} 1",
        "karpenter_provisioner_scheduling_duration_seconds_count 1",
        "karpenter_cluster_state_synced 0",
        "karpenter_interruption_deleted_messages_total 0",
    ] {
        assert!(
            text.lines().any(|have| have == line),
            "no {line} in\n{text}"
        );
    }
    assert!(!text.contains("karpenter_deprovisioning_actions_total"));
    assert!(!text.contains("# EOF"));
}

#[test]
fn histograms_count_each_observation_in_all_larger_buckets() {
    let metrics = Metrics::new();
    for value in [0.1, 0.5, 0.7, 3_000_000.0] {
        metrics.observe(&BUCKETS, &["a"], value);
    }
    let text = metrics.to_text();
    let start = text.find("# HELP test_seconds").expect("shown");
    assert_eq!(
        &text[start..],
        "# HELP test_seconds Seconds\n\
         # TYPE test_seconds histogram\n\
         test_seconds_bucket{pool=\"a\",le=\"0.5\"} 2\n\
         test_seconds_bucket{pool=\"a\",le=\"1\"} 3\n\
         test_seconds_bucket{pool=\"a\",le=\"2.592e+06\"} 3\n\
         test_seconds_bucket{pool=\"a\",le=\"+Inf\"} 4\n\
         test_seconds_sum{pool=\"a\"} 3.0000013e+06\n\
         test_seconds_count{pool=\"a\"} 4\n"
    );
}

#[test]
fn summaries_show_quantiles_of_the_latest_observations() {
    let metrics = Metrics::new();
    for value in 1..=2_000 {
        metrics.observe(&QUANTILES, &[], f64::from(value));
    }
    let text = metrics.to_text();
    for line in [
        "test_summary{quantile=\"0\"} 1001",
        "test_summary{quantile=\"0.5\"} 1500",
        "test_summary{quantile=\"0.99\"} 1990",
        "test_summary{quantile=\"1\"} 2000",
        "test_summary_count 2000",
    ] {
        assert!(
            text.lines().any(|have| have == line),
            "no {line} in\n{text}"
        );
    }
}

#[test]
fn series_go_by_part_of_their_labels_and_wholesale() {
    let metrics = Metrics::new();
    for (pool, zone) in [("a", "1"), ("a", "2"), ("b", "1")] {
        metrics.add(&names::NODES_CREATED, &[pool, zone], 1.0);
    }
    metrics.remove(&names::NODES_CREATED, &[("nodepool", "a"), ("zone", "2")]);
    assert_eq!(metrics.value(&names::NODES_CREATED, &["a", "2"]), None);
    assert_eq!(metrics.value(&names::NODES_CREATED, &["a", "1"]), Some(1.0));
    metrics.remove(&names::NODES_CREATED, &[("nodepool", "a")]);
    assert_eq!(metrics.value(&names::NODES_CREATED, &["a", "1"]), None);
    assert_eq!(metrics.value(&names::NODES_CREATED, &["b", "1"]), Some(1.0));
    metrics.replace(&names::NODES_TOTAL, [(vec!["a".to_owned()], 3.0)]);
    metrics.replace(&names::NODES_TOTAL, [(vec!["b".to_owned()], 1.0)]);
    assert_eq!(metrics.value(&names::NODES_TOTAL, &["a"]), None);
    assert_eq!(metrics.value(&names::NODES_TOTAL, &["b"]), Some(1.0));
}

#[test]
fn the_world_extends_the_labels_of_node_gauges() {
    let metrics = Metrics::new();
    metrics.extend_labels(
        &names::NODES_ALLOCATABLE,
        &["nodepool".into(), "zone".into()],
    );
    metrics.set(
        &names::NODES_ALLOCATABLE,
        &["n", "", "true", "cpu", "default", "z"],
        4.0,
    );
    let line = "karpenter_nodes_allocatable{node_name=\"n\",phase=\"\",managed=\"true\",\
                resource_type=\"cpu\",nodepool=\"default\",zone=\"z\"} 4";
    assert!(metrics.to_text().lines().any(|have| have == line));
}

#[test]
fn label_values_are_escaped_and_measures_apply() {
    let metrics = Metrics::new();
    metrics.apply(&Measure {
        metric: &names::NODES_TOTAL,
        labels: vec!["a\"b\\c\nd".into()],
        change: Change::Set(1.0),
    });
    metrics.apply(&Measure {
        metric: &names::NODES_TOTAL,
        labels: vec!["a\"b\\c\nd".into()],
        change: Change::Add(0.5),
    });
    let line = r#"karpenter_nodes_total{nodepool="a\"b\\c\nd"} 1.5"#;
    assert!(
        metrics.to_text().lines().any(|have| have == line),
        "{}",
        metrics.to_text()
    );
}

#[test]
fn numbers_look_as_go_prints_them() {
    let cases = [
        (0.0, "0"),
        (1.0, "1"),
        (-2.5, "-2.5"),
        (0.005, "0.005"),
        (0.0001, "0.0001"),
        (0.000_01, "1e-05"),
        (999_999.0, "999999"),
        (1_000_000.0, "1e+06"),
        (17_179_869_184.0, "1.7179869184e+10"),
        (f64::INFINITY, "+Inf"),
    ];
    for (value, text) in cases {
        assert_eq!(number(value), text);
    }
    assert_eq!(number(f64::NAN), "NaN");
}

#[test]
fn names_are_unique_well_formed_and_say_what_they_count() {
    let all = names::all();
    let unique: std::collections::BTreeSet<_> = all.iter().map(|metric| metric.name).collect();
    assert_eq!(unique.len(), all.len());
    assert!(all.len() > 90, "{}", all.len());
    for metric in all {
        assert!(!metric.help.is_empty());
        assert!(
            !metric.name.starts_with("karpenter_") || metric.name == metric.name.to_lowercase()
        );
        let exceptions = ["karpenter_deprovisioning_actions"];
        if metric.kind == Kind::Counter && !exceptions.contains(&metric.name) {
            assert!(metric.name.ends_with("_total"), "{}", metric.name);
        }
        if let Kind::Histogram(bounds) = metric.kind {
            assert!(bounds.is_sorted(), "{}", metric.name);
        }
    }
}

#[test]
fn series_are_removed_by_their_first_labels() {
    let metrics = Metrics::new();
    let gauge = &names::PODS_UNBOUND_SECONDS;
    for (name, namespace) in [("a", "x"), ("a", "y"), ("a0", "x"), ("b", "x")] {
        metrics.set(gauge, &[name, namespace], 1.0);
    }
    metrics.remove_first(gauge, &["a"]);
    assert_eq!(metrics.value(gauge, &["a", "x"]), None);
    assert_eq!(metrics.value(gauge, &["a", "y"]), None);
    assert_eq!(metrics.value(gauge, &["a0", "x"]), Some(1.0));
    metrics.remove_first(gauge, &["b", "x"]);
    assert_eq!(metrics.value(gauge, &["b", "x"]), None);
    metrics.remove_first(gauge, &["c", "x"]);
    assert_eq!(metrics.value(gauge, &["a0", "x"]), Some(1.0));
}

#[test]
fn the_series_of_a_counter_add_up_by_one_of_their_labels() {
    let metrics = Metrics::new();
    for (controller, result, by) in [
        ("a", "success", 2.0),
        ("b", "error", 1.0),
        ("a", "error", 3.0),
    ] {
        metrics.add(&names::RECONCILES, &[controller, result], by);
    }
    let sums = metrics.sums(&names::RECONCILES, "controller");
    let sums: Vec<(&str, f64)> = sums.iter().map(|(name, sum)| (&**name, *sum)).collect();
    assert_eq!(sums, [("a", 5.0), ("b", 1.0)]);
    assert!(metrics.sums(&names::RECONCILES, "pool").is_empty());
}

#[test]
fn series_that_are_there_can_be_brought_up_to_date_without_their_labels() {
    let metrics = Metrics::new();
    for pool in ["a", "b"] {
        metrics.set(&names::NODES_TOTAL, &[pool], 1.0);
    }
    metrics.refresh(&names::NODES_TOTAL, |labels| {
        (*labels[0] == *"a").then_some(2.0)
    });
    assert_eq!(metrics.value(&names::NODES_TOTAL, &["a"]), Some(2.0));
    assert_eq!(metrics.value(&names::NODES_TOTAL, &["b"]), Some(1.0));
}
