//! The controller's environment against the settings that the program knows.

use std::collections::{BTreeMap, BTreeSet};

use install::values::{For, GATES, SETTINGS, Setting, Shape};
use runtime::options::{FLAGS, Options, Parsed, parse};
use serde_json::{Map, Value, json};

use crate::helm::{Helm, NAMED, environment, variable};

/// Set by every chart of Karpenter, read by nobody.
const NOT_READ: [&str; 2] = ["KUBERNETES_MIN_VERSION", "SYSTEM_NAMESPACE"];

/// In the order that tools compare by.
const ORDER: [&str; 30] = [
    "KUBERNETES_MIN_VERSION",
    "KARPENTER_SERVICE",
    "LOG_LEVEL",
    "LOG_OUTPUT_PATHS",
    "LOG_ERROR_OUTPUT_PATHS",
    "METRICS_PORT",
    "HEALTH_PROBE_PORT",
    "SYSTEM_NAMESPACE",
    "CPU_REQUESTS",
    "MEMORY_LIMIT",
    "FEATURE_GATES",
    "AWS_FEATURE_GATES",
    "BATCH_MAX_DURATION",
    "BATCH_IDLE_DURATION",
    "PREFERENCE_POLICY",
    "MIN_VALUES_POLICY",
    "CLUSTER_CA_BUNDLE",
    "CLUSTER_NAME",
    "CLUSTER_ENDPOINT",
    "ISOLATED_VPC",
    "EKS_CONTROL_PLANE",
    "VM_MEMORY_OVERHEAD_PERCENT",
    "INTERRUPTION_QUEUE",
    "ENABLE_ZONAL_SHIFT",
    "RESERVED_ENIS",
    "IGNORE_DRA_REQUESTS",
    "DISABLE_CLUSTER_STATE_OBSERVABILITY",
    "DISABLE_DRY_RUN",
    "AMI_REFRESH_INTERVAL",
    "SUBNET_REFRESH_INTERVAL",
];

/// Another value than the default, and how it reads in the environment.
fn other(setting: &Setting) -> (Value, String) {
    let value = match setting.value.shape {
        Shape::Bool => json!(setting.value.default() != json!(true)),
        Shape::Int => json!(7),
        Shape::Number => json!(0.5),
        Shape::Duration => json!("7m"),
        Shape::OneOf(words) => json!(words[1]),
        _ => json!(format!("of {}", setting.env)),
    };
    let text = value.as_str().map_or(value.to_string(), str::to_owned);
    (value, text)
}

/// Puts a value where a path says.
fn put(values: &mut Value, path: &str, value: Value) {
    let mut at = values;
    for part in path.split('.') {
        at = at
            .as_object_mut()
            .expect("a map")
            .entry(part)
            .or_insert_with(|| Value::Object(Map::new()));
    }
    *at = value;
}

fn options(variables: &BTreeMap<String, String>) -> Options {
    match parse(&[], variables) {
        Ok(Parsed::Run(options)) => *options,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_variable_is_one_that_the_program_reads_and_every_setting_has_a_value() {
    let helm = Helm::new();
    let known: BTreeSet<&str> = FLAGS.iter().map(|flag| flag.env).collect();
    let mut set = BTreeSet::new();
    for provider in ["aws", "kwok"] {
        let mut values = json!({"provider": provider});
        for setting in SETTINGS {
            put(&mut values, setting.value.path, other(setting).0);
        }
        for (name, _) in environment(&helm.with_values(&values)) {
            assert!(
                known.contains(name.as_str()) || NOT_READ.contains(&name.as_str()),
                "the program does not know {name}"
            );
            set.insert(name);
        }
    }
    for flag in FLAGS.iter().filter(|flag| flag.env != "KUBECONFIG") {
        assert!(set.contains(flag.env), "no value sets {}", flag.env);
    }
}

#[test]
fn variables_come_in_the_known_order_and_ours_behind_them() {
    let helm = Helm::new();
    let mut values = json!({});
    for setting in SETTINGS {
        put(&mut values, setting.value.path, other(setting).0);
    }
    let further = json!([{"name": "MINE", "value": "1"}]);
    put(&mut values, "controller.env", further);
    let names: Vec<String> = environment(&helm.with_values(&values))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names[..ORDER.len()], ORDER);
    assert_eq!(names.last().map(String::as_str), Some("MINE"));
    let distinct: BTreeSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
}

#[test]
fn every_setting_arrives_false_and_zero_too() {
    let helm = Helm::new();
    for of in [For::Aws, For::Kwok] {
        let mut values = json!({"provider": if of == For::Aws { "aws" } else { "kwok" }});
        for setting in SETTINGS {
            put(&mut values, setting.value.path, other(setting).0);
        }
        let rendered = helm.with_values(&values);
        for setting in SETTINGS {
            let arrives = setting.of == For::All || setting.of == of;
            let expected = arrives.then(|| other(setting).1);
            assert_eq!(
                variable(&rendered, setting.env),
                expected,
                "{}",
                setting.env
            );
        }
    }
    let off = [
        "--set",
        "settings.ignoreDRARequests=false,settings.vmMemoryOverheadPercent=0,settings.reservedENIs=0",
        "--set",
        "settings.featureGates.reservedCapacity=false,settings.kubeClientQPS=1000000",
    ];
    let rendered = helm.objects(&[&NAMED[..], &off].concat()).expect("renders");
    for (name, value) in [
        ("IGNORE_DRA_REQUESTS", "false"),
        ("VM_MEMORY_OVERHEAD_PERCENT", "0"),
        ("RESERVED_ENIS", "0"),
        ("KUBE_CLIENT_QPS", "1000000"),
        (
            "FEATURE_GATES",
            "ReservedCapacity=false,SpotToSpotConsolidation=false,NodeRepair=false,\
             NodeOverlay=false,StaticCapacity=false,CapacityBuffer=false",
        ),
        ("AWS_FEATURE_GATES", "NodeClassCEL=false"),
    ] {
        assert_eq!(variable(&rendered, name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn older_spellings_are_the_same_settings() {
    let helm = Helm::new();
    let mut values = json!({"settings": {"clusterName": "prod"}});
    let mut older = json!({"settings": {"aws": {"clusterName": "prod"}}});
    for setting in SETTINGS.iter().filter(|setting| !setting.older.is_empty()) {
        let (value, _) = other(setting);
        put(&mut values, setting.value.path, value.clone());
        put(
            &mut older,
            &format!("settings.aws.{}", setting.older),
            value,
        );
    }
    let (today, before) = (helm.with_values(&values), helm.with_values(&older));
    assert_eq!(environment(&today), environment(&before));
    assert_eq!(today, before);
}

#[test]
fn defaults_of_the_chart_are_those_of_the_program() {
    let helm = Helm::new();
    for (provider, given) in [("aws", &NAMED[..]), ("kwok", &["--set", "provider=kwok"])] {
        let rendered = environment(&helm.objects(given).expect("renders"));
        let variables: BTreeMap<String, String> = rendered
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let mut plain = BTreeMap::from([
            ("KARPENTER_PROVIDER".to_owned(), provider.to_owned()),
            ("KARPENTER_SERVICE".to_owned(), "karpenter".to_owned()),
        ]);
        if provider == "aws" {
            plain.insert("CLUSTER_NAME".to_owned(), "prod".to_owned());
        }
        assert_eq!(options(&variables), options(&plain), "{provider}");
    }
}

#[test]
fn null_leaves_a_setting_to_the_program() {
    let helm = Helm::new();
    for setting in SETTINGS
        .iter()
        .filter(|setting| setting.env != "CLUSTER_NAME")
    {
        assert!(setting.value.path.starts_with("settings."));
    }
    let unset = [
        "--set",
        "settings.batchMaxDuration=null,settings.priceByCheapest=null",
    ];
    let rendered = helm
        .objects(&[&NAMED[..], &unset].concat())
        .expect("renders");
    assert_eq!(variable(&rendered, "BATCH_MAX_DURATION"), None);
    assert_eq!(variable(&rendered, "PRICE_BY_CHEAPEST"), None);
    assert_eq!(
        variable(&rendered, "BATCH_IDLE_DURATION").as_deref(),
        Some("1s")
    );
}

#[test]
fn settings_may_be_templates_and_the_scheduler_config_yaml() {
    let helm = Helm::new();
    let rendered = helm.with_values(&json!({
        "settings": {
            "clusterName": "{{ .Release.Namespace }}-prod",
            "isolatedVPC": "{{ eq .Release.Name \"karpenter\" }}",
            "schedulerConfig": {"podTopologySpread": {"defaultConstraints": [
                {"maxSkew": 2, "topologyKey": "topology.kubernetes.io/zone",
                 "whenUnsatisfiable": "ScheduleAnyway"},
            ]}},
        },
    }));
    let value = |name| variable(&rendered, name).unwrap_or_default();
    assert_eq!(value("CLUSTER_NAME"), "karpenter-prod");
    assert_eq!(value("ISOLATED_VPC"), "true");
    let variables = [("KARPENTER_PROVIDER", "kwok".to_owned())]
        .into_iter()
        .chain([("SCHEDULER_CONFIG", value("SCHEDULER_CONFIG"))])
        .map(|(name, value)| (name.to_owned(), value));
    let constraints = options(&variables.collect()).scheduler.default_constraints;
    assert_eq!(constraints[0].max_skew, 2);
}

#[test]
fn the_gates_of_the_chart_are_those_of_the_program() {
    for env in ["FEATURE_GATES", "AWS_FEATURE_GATES"] {
        let flag = FLAGS.iter().find(|flag| flag.env == env).expect("a flag");
        let default: BTreeSet<String> = flag.default.split(',').map(str::to_owned).collect();
        let held = GATES.iter().filter(|gate| gate.env == env);
        let held = held.map(|gate| format!("{}={}", gate.name, gate.value.default));
        assert_eq!(held.collect::<BTreeSet<_>>(), default, "{env}");
    }
}
