use super::*;
use flags::ValueKind;

fn args(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn run(line: &str, variables: &[(&str, &str)]) -> Result<Options, String> {
    match parse(&args(line), &env(variables)) {
        Ok(Parsed::Run(options)) => Ok(*options),
        Ok(other) => panic!("{line}: {other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

fn kwok(line: &str, variables: &[(&str, &str)]) -> Options {
    run(&format!("--provider kwok {line}"), variables).expect("valid")
}

#[test]
fn defaults_are_those_of_the_reference() {
    let options = kwok("", &[]);
    assert_eq!(
        (options.metrics_port, options.health_probe_port),
        (8080, 8081)
    );
    assert_eq!(
        (options.kube_client_qps, options.kube_client_burst),
        (200.0, 300)
    );
    assert_eq!(options.batch_max_duration, Duration::from_secs(10));
    assert_eq!(options.batch_idle_duration, Duration::from_secs(1));
    assert_eq!(options.leader_election_name, "karpenter-leader-election");
    assert_eq!(options.leader_election_namespace, "");
    assert_eq!(
        (options.memory_limit, options.cpu_requests_milli),
        (-1, 1000)
    );
    assert_eq!(options.log.level, LogLevel::Info);
    assert_eq!(options.log.output_paths, ["stdout"]);
    assert_eq!(options.preference_policy, PreferencePolicy::Respect);
    assert_eq!(options.min_values_policy, MinValuesPolicy::Strict);
    assert_eq!(options.feature_gates, FeatureGates::default());
    assert!(options.ignore_dra_requests && options.disable_controller_warmup);
    assert!(options.label_nodes_from_taints && !options.disable_leader_election);
    assert!((options.aws.vm_memory_overhead_percent - 0.075).abs() < 1e-12);
    assert_eq!(options.aws.ami_refresh_interval, Duration::from_mins(1));
    assert_eq!(options.kubeconfig, None);
}

#[test]
fn every_default_in_the_table_can_be_read() {
    for flag in FLAGS {
        let line = format!("--provider=kwok --{}={}", flag.name, flag.default);
        assert!(flag.name == "provider" || run(&line, &[]).is_ok(), "{line}");
    }
}

#[test]
fn names_and_variables_are_unique_and_follow_each_other() {
    let names: std::collections::BTreeSet<_> = FLAGS.iter().map(|flag| flag.name).collect();
    let variables: std::collections::BTreeSet<_> = FLAGS.iter().map(|flag| flag.env).collect();
    assert_eq!((names.len(), variables.len()), (FLAGS.len(), FLAGS.len()));
    for flag in FLAGS.iter().filter(|flag| flag.name != "provider") {
        assert_eq!(flag.env, flag.name.to_uppercase().replace('-', "_"));
    }
}

#[test]
fn a_flag_wins_over_its_variable_and_that_over_the_default() {
    let variables = [("METRICS_PORT", "9000"), ("LEADER_ELECTION_NAME", "")];
    assert_eq!(kwok("", &variables).metrics_port, 9000);
    assert_eq!(kwok("--metrics-port 9001", &variables).metrics_port, 9001);
    assert_eq!(
        kwok("", &variables).leader_election_name,
        "",
        "set but empty is set"
    );
}

#[test]
fn every_spelling_of_a_flag_is_understood() {
    for line in [
        "--metrics-port 1",
        "--metrics-port=1",
        "-metrics-port 1",
        "-metrics-port=1",
    ] {
        assert_eq!(kwok(line, &[]).metrics_port, 1, "{line}");
    }
    assert_eq!(kwok("--memory-limit -1", &[]).memory_limit, -1);
}

#[test]
fn a_variable_that_cannot_be_read_is_ignored() {
    let variables = [
        ("METRICS_PORT", "many"),
        ("ENABLE_PROFILING", "yes"),
        ("BATCH_MAX_DURATION", "10"),
        ("VM_MEMORY_OVERHEAD_PERCENT", ""),
    ];
    let options = kwok("", &variables);
    assert_eq!(options, kwok("", &[]));
}

#[test]
fn booleans_are_strict_on_the_command_line_and_loose_in_the_environment() {
    for value in ["1", "t", "T", "true", "TRUE", "True"] {
        assert!(
            kwok("", &[("ENABLE_PROFILING", value)]).enable_profiling,
            "{value}"
        );
    }
    assert!(!kwok("", &[("IGNORE_DRA_REQUESTS", "F")]).ignore_dra_requests);
    assert!(kwok("--enable-profiling true", &[]).enable_profiling);
    assert_eq!(
        run("--enable-profiling=True", &[]).expect_err("strict"),
        "parsing flags, invalid value \"True\" for flag -enable-profiling: \"True\" is not a valid \
         value, must be true or false"
    );
}

#[test]
fn nodes_are_weighed_by_at_least_one_type() {
    assert_eq!(kwok("", &[]).initialization_timeout, None);
    assert_eq!(
        kwok("", &[("INITIALIZATION_TIMEOUT", "30m")]).initialization_timeout,
        Some(Duration::from_mins(30))
    );
    assert_eq!(kwok("", &[]).price_by_cheapest, 3);
    assert_eq!(kwok("--price-by-cheapest 1", &[]).price_by_cheapest, 1);
    assert_eq!(
        kwok("", &[("PRICE_BY_CHEAPEST", "-4")]).price_by_cheapest,
        1
    );
}

#[test]
fn refusals_have_the_known_texts() {
    let cases = [
        (
            "--no-such-thing x",
            "parsing flags, flag provided but not defined: -no-such-thing",
        ),
        (
            "--metrics-prot 1",
            "parsing flags, flag provided but not defined: -metrics-prot, did you mean \
             -metrics-port?",
        ),
        (
            "--metrics-port",
            "parsing flags, flag needs an argument: -metrics-port",
        ),
        (
            "--metrics-port many",
            "parsing flags, invalid value \"many\" for flag -metrics-port: parse error",
        ),
        (
            "--batch-idle-duration 5",
            "parsing flags, invalid value \"5\" for flag -batch-idle-duration: parse error",
        ),
        (
            "--log-level loud",
            "validating cli flags / env vars, invalid LOG_LEVEL \"loud\"",
        ),
        (
            "--preference-policy Maybe",
            "validating cli flags / env vars, invalid PREFERENCE_POLICY \"Maybe\"",
        ),
        (
            "--min-values-policy Lax",
            "validating cli flags / env vars, invalid MIN_VALUES_POLICY \"Lax\"",
        ),
        (
            "--metrics-port 70000",
            "validating cli flags / env vars, invalid METRICS_PORT \"70000\", must be 0 to 65535",
        ),
        (
            "--feature-gates NodeRepair",
            "parsing feature gates, missing bool value for NodeRepair",
        ),
        (
            "--feature-gates NodeRepair=on",
            "parsing feature gates, invalid value of NodeRepair=on, must be true or false",
        ),
        (
            "serve",
            "parsing flags, unexpected argument \"serve\", all settings are flags or environment \
             variables",
        ),
    ];
    for (line, text) in cases {
        let error = run(&format!("--provider kwok {line}"), &[]).expect_err(line);
        assert_eq!(error, text, "{line}");
    }
    let error = run("--provider gcp", &[]).expect_err("unknown provider");
    assert_eq!(
        error,
        "validating cli flags / env vars, invalid KARPENTER_PROVIDER \"gcp\""
    );
}

#[test]
fn aws_settings_are_checked_together_and_only_for_aws() {
    let wrong = "--cluster-endpoint nowhere --vm-memory-overhead-percent -0.1 --reserved-enis -1 \
                 --ami-refresh-interval 59s --subnet-refresh-interval 1s";
    assert_eq!(
        run(wrong, &[]).expect_err("all wrong"),
        "validating options, missing field, cluster-name; cluster endpoint URL is not valid, \
         cluster-endpoint; vm-memory-overhead-percent cannot be negative; reserved-enis cannot be \
         negative; ami-refresh-interval must be at least 1m; subnet-refresh-interval must be at \
         least 1m"
    );
    kwok(wrong, &[]);
    let good = "--cluster-name c --cluster-endpoint https://10.0.0.1:443";
    assert_eq!(run(good, &[]).expect("valid").aws.cluster_name, "c");
}

#[test]
fn gates_not_mentioned_keep_their_default_and_unknown_ones_are_ignored() {
    let gates = kwok("--feature-gates NodeOverlay=true,Mystery=true", &[]).feature_gates;
    assert_eq!(
        gates,
        FeatureGates {
            node_overlay: true,
            ..FeatureGates::default()
        }
    );
    let all = [("FEATURE_GATES", "ReservedCapacity=false, CapacityBuffer=T")];
    let gates = kwok("", &all).feature_gates;
    assert!(!gates.reserved_capacity && gates.capacity_buffer);
    assert!(
        kwok("--aws-feature-gates NodeClassCEL=true", &[])
            .aws
            .feature_gates
            .node_class_cel
    );
}

#[test]
fn the_scheduler_config_is_read_strictly() {
    let yaml = "podTopologySpread:\n  defaultConstraints:\n  - maxSkew: 2\n    topologyKey: \
                topology.kubernetes.io/zone\n    whenUnsatisfiable: ScheduleAnyway\n";
    let read = kwok("", &[("SCHEDULER_CONFIG", yaml)]).scheduler;
    assert_eq!(read.default_constraints.len(), 1);
    assert_eq!(read.default_constraints[0].max_skew, 2);
    assert_eq!(
        kwok("", &[("SCHEDULER_CONFIG", " ")]).scheduler,
        SchedulerConfig::default()
    );

    let error = run("--provider kwok", &[("SCHEDULER_CONFIG", "podSpread: {}")]);
    let error = error.expect_err("unknown field");
    assert!(
        error.starts_with("parsing scheduler config, decoding scheduler config, "),
        "{error}"
    );
}

#[test]
fn each_fault_of_a_default_constraint_is_named() {
    let good = r#"{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}"#;
    let cases = [
        (
            r#"{"topologyKey":"zone"}"#,
            ".maxSkew must be greater than 0",
        ),
        (r#"{"maxSkew":1}"#, ".topologyKey must be set"),
        (
            r#"{"maxSkew":1,"topologyKey":"a b"}"#,
            ".topologyKey \"a b\" is not a valid label name",
        ),
        (
            r#"{"maxSkew":1,"topologyKey":"A/b"}"#,
            ".topologyKey \"A/b\" is not a valid label name",
        ),
        (
            r#"{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"Never"}"#,
            ".whenUnsatisfiable \"Never\" must be one of \"DoNotSchedule\" or \"ScheduleAnyway\"",
        ),
        (
            r#"{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule","labelSelector":{}}"#,
            ".labelSelector must not be set, as selectors are deduced for each pod",
        ),
        (
            r#"{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule","matchLabelKeys":["a"]}"#,
            ".matchLabelKeys must not be set, as it has no effect on default constraints",
        ),
        (good, " is a duplicate of [0], {zone, DoNotSchedule}"),
    ];
    for (constraint, text) in cases {
        let config =
            format!(r#"{{"podTopologySpread":{{"defaultConstraints":[{good},{constraint}]}}}}"#);
        let error = SchedulerConfig::parse(&config)
            .expect_err(constraint)
            .to_string();
        let start =
            "validating scheduler config, podTopologySpread.defaultConstraints[1]".to_owned();
        assert!(error.starts_with(&(start + text)), "{error}");
    }
}

#[test]
fn workers_grow_with_cores_in_a_straight_line() {
    let workers = |milli: &str| kwok(&format!("--cpu-requests {milli}"), &[]).workers(10, 1000);
    assert_eq!(workers("1000"), 10);
    assert_eq!(workers("1500"), 26);
    assert_eq!(workers("15000"), 244);
    assert_eq!(workers("60000"), 1000);
    assert_eq!(workers("90000"), 1000);
    assert_eq!(workers("0"), 10, "nonsense is replaced by one core");
    assert_eq!(Options::bucket(10, 1000, 5000), (50.0, 500));
    assert_eq!(Options::bucket(10, 1000, 1016), (11.0, 110));
}

#[test]
fn help_and_version_are_asked_for_in_every_spelling() {
    for line in ["-h", "--help", "-help", "--metrics-port 1 --help"] {
        assert_eq!(parse(&args(line), &env(&[])), Ok(Parsed::Help), "{line}");
    }
    assert_eq!(parse(&args("--version"), &env(&[])), Ok(Parsed::Version));
}

#[test]
fn the_help_names_every_flag_variable_and_default() {
    let text = help(100);
    for flag in FLAGS {
        assert!(text.contains(&format!("--{}", flag.name)), "{}", flag.name);
    }
    assert!(text.contains("[BATCH_IDLE_DURATION, default 1s]"), "{text}");
    for line in text.lines() {
        assert!(line.len() <= 100, "{line}");
    }
}

/// Two values of a setting that are valid, differ, and are not its default.
fn two_values(flag: &Flag) -> (&'static str, &'static str) {
    let spread = r#"{"podTopologySpread":{"defaultConstraints":[{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"}]}}"#;
    match (flag.name, flag.kind) {
        ("log-level", _) => ("debug", "error"),
        ("preference-policy", _) => ("Ignore", "Respect"),
        ("min-values-policy", _) => ("BestEffort", "Strict"),
        ("rebalance-recommendations", _) => ("Replace", "Ignore"),
        ("feature-gates", _) => ("NodeRepair=true", "NodeOverlay=true"),
        ("aws-feature-gates", _) => ("NodeClassCEL=true", "NodeClassCEL=false"),
        ("scheduler-config", _) => (spread, ""),
        ("cluster-endpoint", _) => ("https://10.0.0.1", "https://10.0.0.2"),
        (_, ValueKind::Bool) if flag.default == "true" => ("false", "true"),
        (_, ValueKind::Bool) => ("true", "false"),
        (_, ValueKind::Int) => ("17", "18"),
        (_, ValueKind::Float) => ("0.5", "0.25"),
        (_, ValueKind::Duration) => ("7m", "8m"),
        (_, ValueKind::Text) => ("one", "two"),
    }
}

/// All but the provider, and the kubeconfig, whose variable is read by whoever connects.
fn settings() -> impl Iterator<Item = &'static Flag> {
    let others = ["provider", "kubeconfig"];
    FLAGS
        .iter()
        .filter(move |flag| !others.contains(&flag.name))
}

/// All settings by flag, of the cluster that the variables name.
fn by_flag() -> Vec<String> {
    settings()
        .map(|flag| format!("--{}={}", flag.name, two_values(flag).0))
        .collect()
}

fn options_of(args: &[String], env: &BTreeMap<String, String>) -> Options {
    match parse(args, env) {
        Ok(Parsed::Run(options)) => *options,
        other => panic!("{other:?}"),
    }
}

/// OPT-1: all options as flags, other values in the environment.
#[test]
fn every_flag_wins_over_its_variable() {
    let env: BTreeMap<String, String> = settings()
        .map(|flag| (flag.env.to_owned(), two_values(flag).1.to_owned()))
        .collect();
    let both = options_of(&by_flag(), &env);
    assert_eq!(both, options_of(&by_flag(), &BTreeMap::new()));
    assert_eq!(both.aws.cluster_name, "one");
    assert_eq!(both.aws.cluster_endpoint, "https://10.0.0.1");
    assert_eq!(both.aws.ami_refresh_interval, Duration::from_mins(7));
    assert!(both.aws.isolated_vpc && both.aws.feature_gates.node_class_cel);
    assert_eq!((both.aws.reserved_enis, both.metrics_port), (17, 17));
    assert_ne!(both, options_of(&[], &env));
}

/// OPT-2: only variables.
#[test]
fn every_variable_does_what_its_flag_does() {
    let env: BTreeMap<String, String> = settings()
        .map(|flag| (flag.env.to_owned(), two_values(flag).0.to_owned()))
        .collect();
    let read = options_of(&[], &env);
    assert_eq!(read, options_of(&by_flag(), &BTreeMap::new()));
    assert_eq!(read.aws.subnet_refresh_interval, Duration::from_mins(7));
    assert!(read.aws.eks_control_plane && read.aws.disable_dry_run && !read.ignore_dra_requests);
    // Each of them does something.
    let named = BTreeMap::from([("CLUSTER_NAME".to_owned(), "one".to_owned())]);
    let plain = options_of(&[], &named);
    for flag in settings().filter(|flag| flag.name != "cluster-name") {
        let mut env = named.clone();
        env.insert(flag.env.to_owned(), two_values(flag).0.to_owned());
        assert_ne!(options_of(&[], &env), plain, "{}", flag.env);
    }
}

/// OPT-3, OPT-4: what is not set.
#[test]
fn images_and_subnets_are_good_for_a_minute_and_expressions_are_off() {
    let aws = run("--cluster-name c", &[]).expect("valid").aws;
    let minute = Duration::from_mins(1);
    assert_eq!(
        (aws.ami_refresh_interval, aws.subnet_refresh_interval),
        (minute, minute)
    );
    assert!(!aws.feature_gates.node_class_cel);
}

/// OPT-5, OPT-6: the gate by flag, and beside gates that nobody knows.
#[test]
fn a_gate_of_the_flag_wins_and_unknown_gates_change_nothing() {
    let off = [("AWS_FEATURE_GATES", "NodeClassCEL=false")];
    let given = run(
        "--cluster-name c --aws-feature-gates NodeClassCEL=true",
        &off,
    );
    assert!(given.expect("valid").aws.feature_gates.node_class_cel);
    let unknown = run("--cluster-name c --aws-feature-gates Mystery=true", &[]);
    assert!(!unknown.expect("valid").aws.feature_gates.node_class_cel);
}

/// OPT-7, OPT-8, OPT-9, OPT-10, OPT-11, OPT-12: one wrong setting each.
#[test]
fn each_wrong_setting_of_aws_is_refused_alone() {
    let endpoint = "00000000000000000000000.us-west-2.eks.amazonaws.com";
    for (given, fault) in [
        ("--cluster-name=".to_owned(), AwsFault::ClusterName),
        (
            format!("--cluster-endpoint={endpoint}"),
            AwsFault::ClusterEndpoint,
        ),
        (
            "--vm-memory-overhead-percent=-0.01".to_owned(),
            AwsFault::MemoryOverhead,
        ),
        ("--reserved-enis=-1".to_owned(), AwsFault::ReservedEnis),
        (
            "--ami-refresh-interval=30s".to_owned(),
            AwsFault::AmiRefresh,
        ),
        (
            "--subnet-refresh-interval=59s".to_owned(),
            AwsFault::SubnetRefresh,
        ),
    ] {
        let refused = run(&given, &[("CLUSTER_NAME", "c")]).expect_err(&given);
        assert_eq!(refused, format!("validating options, {fault}"), "{given}");
    }
}
