//! What is allowed.

use aws::kubelet::{Expressions, ParseError, Settings, validate};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::map;

fn problems(kubelet: &Value) -> Vec<String> {
    let violations = validate(&map(kubelet));
    violations.iter().map(ToString::to_string).collect()
}

fn is_fine(kubelet: &Value) {
    assert_eq!(problems(kubelet), [""; 0], "{kubelet}");
}

/// KUB-1: nothing is set.
#[test]
fn no_settings_are_fine() {
    is_fine(&json!({}));
}

/// KUB-2: every setting that means something to Karpenter.
#[test]
fn every_managed_setting_is_fine() {
    is_fine(&json!({
        "clusterDNS": ["10.0.0.10"],
        "maxPods": 10,
        "podsPerCore": 2,
        "systemReserved": {"cpu": "100m", "pid": "100"},
        "kubeReserved": {"memory": "300Mi", "ephemeral-storage": "1Gi"},
        "evictionHard": {"memory.available": "5%", "nodefs.inodesFree": "10%"},
        "evictionSoft": {"imagefs.available": "10%", "nodefs.available": "1Gi"},
        "evictionSoftGracePeriod": {"imagefs.available": "90s", "nodefs.available": "0"},
        "evictionMaxPodGracePeriod": 60,
        "imageGCHighThresholdPercent": 85,
        "imageGCLowThresholdPercent": 80,
        "cpuCFSQuota": false,
    }));
}

/// KUB-3: settings that mean nothing to Karpenter, and such within others.
#[test]
fn other_settings_of_the_kubelet_are_fine() {
    is_fine(&json!({
        "kind": "KubeletConfiguration",
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "podPidsLimit": 4096,
        "authentication": {"webhook": {"enabled": true, "cacheTTL": "2m0s"}, "x509": {}},
        "memoryThrottlingFactor": 0.9,
        "featureGates": {"NodeSwap": true},
        "staticPodURLHeader": {"a": ["b"]},
        "reservedMemory": [{"numaNode": 0, "limits": {"memory": "1Gi", "hugepages-2Mi": 0}}],
        "shutdownGracePeriodByPodPriority": [{"priority": 1, "shutdownGracePeriodSeconds": 60}],
        "logging": {
            "format": "json",
            "flushFrequency": 5_000_000_000_u64,
            "verbosity": 2,
            "options": {"json": {"infoBufferSize": "0"}},
            "vmodule": [{"filePattern": "a*", "verbosity": 4}],
        },
        "tracing": {"samplingRatePerMillion": 100},
        "syncFrequency": "-1s",
        "runOnce": null,
    }));
}

/// KUB-4: each unknown field is named, at any depth.
#[test]
fn unknown_fields_are_named_each() {
    let unknown = json!({
        "maxpods": 10,
        "authentication": {"hook": {}, "webhook": {"on": true}},
        "clusterDNS": [],
    });
    assert_eq!(
        problems(&unknown),
        [
            "spec.kubelet: unknown field \"authentication.hook\"",
            "spec.kubelet: unknown field \"authentication.webhook.on\"",
            "spec.kubelet: unknown field \"maxpods\"",
        ]
    );
}

/// KUB-5: values of other types.
#[test]
fn values_of_the_wrong_type_are_refused() {
    let cases = [
        (
            json!({"maxPods": true}),
            "maxPods must be a whole number of 32 bits",
        ),
        (
            json!({"maxPods": 1.5}),
            "maxPods must be a whole number of 32 bits",
        ),
        (
            json!({"maxPods": 2_147_483_648_u64}),
            "maxPods must be a whole number of 32 bits",
        ),
        (
            json!({"podsPerCore": "10"}),
            "podsPerCore must be a whole number of 32 bits",
        ),
        (
            json!({"clusterDNS": "10.0.0.10"}),
            "clusterDNS must be a list",
        ),
        (
            json!({"clusterDNS": [null]}),
            "clusterDNS[0] must be a text",
        ),
        (
            json!({"kubeReserved": {"cpu": 1}}),
            "kubeReserved[cpu] must be a text",
        ),
        (
            json!({"syncFrequency": "often"}),
            "syncFrequency must be a duration such as 1m30s",
        ),
    ];
    for (kubelet, problem) in cases {
        assert_eq!(problems(&kubelet), [format!("spec.kubelet: {problem}")]);
    }
}

/// KUB-6: numbers below zero.
#[test]
fn negative_numbers_are_refused() {
    for field in ["maxPods", "podsPerCore", "evictionMaxPodGracePeriod"] {
        assert_eq!(
            problems(&json!({ field: -1 })),
            [format!("spec.kubelet.{field}: can't be negative")]
        );
        is_fine(&json!({ field: 0 }));
    }
}

/// KUB-7: marks of the collection of images.
#[test]
fn marks_are_percentages_and_the_high_one_is_above_the_low_one() {
    for field in ["imageGCHighThresholdPercent", "imageGCLowThresholdPercent"] {
        for percent in [101, -1] {
            assert_eq!(
                problems(&json!({ field: percent })),
                [format!("spec.kubelet.{field}: must be between 0 and 100")]
            );
        }
        is_fine(&json!({ field: 100 }));
    }
    let marks = |high: i64, low: i64| {
        problems(&json!({"imageGCHighThresholdPercent": high, "imageGCLowThresholdPercent": low}))
    };
    assert_eq!(
        marks(80, 80),
        [
            "spec.kubelet: imageGCHighThresholdPercent (80) must be greater than \
          imageGCLowThresholdPercent (80)"
        ]
    );
    assert_eq!(marks(70, 80).len(), 1);
    assert_eq!(marks(81, 80), [""; 0]);
}

/// KUB-8: what can be reserved, and how much.
#[test]
fn only_some_resources_can_be_reserved() {
    for field in ["kubeReserved", "systemReserved"] {
        assert_eq!(
            problems(&json!({ field: {"gpu": "1"} })),
            [format!(
                "spec.kubelet.{field}: \"gpu\" isn't a reservable resource, must be one of cpu, \
                 memory, ephemeral-storage, pid"
            )]
        );
        assert_eq!(
            problems(&json!({ field: {"memory": "-1Gi"} })),
            [format!(
                "spec.kubelet.{field}[memory]: \"-1Gi\" can't be a negative resource quantity"
            )]
        );
        is_fine(&json!({ field: {"cpu": "vcpus * 10"} }));
    }
}

/// KUB-9: signals of eviction and their thresholds.
#[test]
fn thresholds_are_percentages_or_quantities_of_known_signals() {
    let maps = [
        ("evictionHard", "5%"),
        ("evictionMinimumReclaim", "500Mi"),
        ("evictionSoft", "5%"),
        ("evictionSoftGracePeriod", "1m"),
    ];
    for (field, value) in maps {
        let problems = problems(&json!({ field: {"memory": value} }));
        assert_eq!(
            problems[0],
            format!(
                "spec.kubelet.{field}: \"memory\" isn't a valid eviction signal, must be one of \
                 memory.available, nodefs.available, nodefs.inodesFree, imagefs.available, \
                 imagefs.inodesFree, pid.available"
            )
        );
    }
    for field in ["evictionHard", "evictionMinimumReclaim"] {
        let with = |value: &str| problems(&json!({ field: {"memory.available": value} }));
        for value in ["101%", "-5%", "abc", "%"] {
            assert_eq!(
                with(value),
                [format!(
                    "spec.kubelet.{field}[memory.available]: \"{value}\" must be a percentage or \
                     a resource quantity"
                )]
            );
        }
        assert_eq!(
            with("-5Mi"),
            [format!(
                "spec.kubelet.{field}[memory.available]: \"-5Mi\" can't be a negative resource \
                 quantity"
            )]
        );
        for value in ["5%", "500Mi", "0%", "100%", "12.5%"] {
            assert_eq!(with(value), [""; 0]);
        }
    }
}

/// KUB-10: grace periods, and the signals that they are for.
#[test]
fn soft_eviction_has_a_grace_period_for_each_signal() {
    let grace = |value: &str| {
        problems(&json!({
            "evictionSoft": {"memory.available": "5%"},
            "evictionSoftGracePeriod": {"memory.available": value},
        }))
    };
    let field = "spec.kubelet.evictionSoftGracePeriod[memory.available]";
    assert_eq!(
        grace("5 minutes"),
        [format!("{field}: \"5 minutes\" must be a duration")]
    );
    assert_eq!(
        grace("-30s"),
        [format!("{field}: \"-30s\" can't be a negative duration")]
    );
    assert_eq!(grace("1m30s"), [""; 0]);
    assert_eq!(
        problems(&json!({
            "evictionSoft": {"memory.available": "5%", "pid.available": "5%"},
            "evictionSoftGracePeriod": {"nodefs.available": "1m"},
        })),
        [
            "spec.kubelet.evictionSoft[memory.available]: has no matching \
             evictionSoftGracePeriod",
            "spec.kubelet.evictionSoft[pid.available]: has no matching evictionSoftGracePeriod",
            "spec.kubelet.evictionSoftGracePeriod[nodefs.available]: has no matching evictionSoft",
        ]
    );
}

/// KUB-11: taints come from the claim.
#[test]
fn taints_cannot_be_set() {
    let taints = json!({"registerWithTaints": [{"key": "a", "effect": "NoSchedule"}]});
    assert_eq!(
        problems(&taints),
        [
            "spec.kubelet.registerWithTaints: can't be set, Karpenter sets it from the NodeClaim's \
          taints so the node registers unschedulable until it's ready"
        ]
    );
}

/// KUB-12: everything that is wrong is reported at once.
#[test]
fn all_problems_are_reported() {
    let kubelet = json!({
        "nonsense": 1,
        "maxPods": -1,
        "kubeReserved": {"gpu": "1"},
    });
    assert_eq!(problems(&kubelet).len(), 3, "{:?}", problems(&kubelet));
}

/// AMI-17: what cannot be read is an error and not a default.
#[test]
fn settings_that_cannot_be_read_are_an_error() {
    let parse = |kubelet: Value| Settings::parse(&map(&kubelet));
    let error = parse(json!({"podsPerCore": "2"})).unwrap_err();
    assert_eq!(
        error,
        ParseError {
            field: "podsPerCore".to_owned(),
            wanted: "a whole number of 32 bits, not negative",
            found: "\"2\"".to_owned(),
        }
    );
    assert_eq!(
        error.to_string(),
        "parsing spec.kubelet, podsPerCore must be a whole number of 32 bits, not negative, not \
         \"2\""
    );
    assert!(parse(json!({"evictionHard": {"memory.available": 5}})).is_err());
    assert!(parse(json!({"maxPods": [1]})).is_err());
    assert!(parse(json!({"anything": [1]})).is_ok());
}

/// KUB-14: what is evaluated.
#[test]
fn texts_for_pods_and_amounts_that_are_no_quantities_are_expressions() {
    let has = |kubelet: Value| Settings::parse(&map(&kubelet)).unwrap().has_expressions();
    assert!(has(json!({"maxPods": "7"})));
    assert!(!has(json!({"maxPods": 7})));
    for field in ["kubeReserved", "systemReserved"] {
        assert!(!has(json!({ field: {"cpu": "100m"} })));
        assert!(has(json!({ field: {"cpu": "vcpus*10"} })));
    }
    assert!(!has(json!({"evictionHard": {"memory.available": "5%"}})));
    assert!(!has(json!({})));
}

/// Settings that are mostly allowed.
fn kubelet() -> impl Strategy<Value = Map<String, Value>> {
    let names = prop::sample::select(vec![
        "clusterDNS",
        "maxPods",
        "podsPerCore",
        "systemReserved",
        "kubeReserved",
        "evictionHard",
        "evictionSoft",
        "evictionSoftGracePeriod",
        "evictionMaxPodGracePeriod",
        "imageGCHighThresholdPercent",
        "imageGCLowThresholdPercent",
        "cpuCFSQuota",
        "registryPullQPS",
        "nonsense",
    ]);
    let texts = prop::sample::select(vec![
        "5%",
        "100m",
        "1Gi",
        "-1Gi",
        "1m",
        "-1s",
        "vcpus * 10",
        "",
        "0",
        "101%",
        "1e3",
        "9999999h",
    ]);
    let keys = prop::sample::select(vec!["memory.available", "pid.available", "cpu", "memory"]);
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..200).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        texts.clone().prop_map(Value::from),
        prop::collection::vec(texts.clone().prop_map(Value::from), 0..3).prop_map(Value::from),
        prop::collection::btree_map(keys.prop_map(str::to_owned), texts, 0..3)
            .prop_map(|map| map.into_iter().map(|(k, v)| (k, Value::from(v))).collect()),
    ];
    prop::collection::btree_map(names.prop_map(str::to_owned), value, 0..3)
        .prop_map(|map| map.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// KUB-13: what is allowed can be read.
    #[test]
    fn whatever_is_allowed_can_be_read(kubelet in kubelet()) {
        if validate(&kubelet).is_empty() {
            let settings = Settings::parse(&kubelet);
            prop_assert!(settings.is_ok(), "{settings:?}");
            let disabled = settings.unwrap().compile(Expressions::Disabled);
            prop_assert!(disabled.is_ok());
        }
    }
}
