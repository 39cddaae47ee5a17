//! Bottlerocket.

use aws::userdata::{Error, Input, ignored_settings, render_text};
use catalog::ec2::{AmiFamily, InstanceStore};
use serde_json::json;
use toml::{Table, Value};

use crate::{all_managed, input, text, with_custom, with_kubelet};

const FAMILY: AmiFamily = AmiFamily::Bottlerocket;

fn settings(input: &Input) -> Table {
    let mut document: Table = text(input).parse().unwrap();
    assert_eq!(document.len(), 1);
    match document.remove("settings") {
        Some(Value::Table(settings)) => settings,
        other => panic!("{other:?}"),
    }
}

fn toml(text: &str) -> Table {
    text.parse().unwrap()
}

/// What is made where the class brings nothing.
const GENERATED: &str = r#"
    [kubernetes]
    api-server = "https://prod.example"
    cluster-certificate = "Y2EtYnVuZGxl"
    cluster-name = "prod"
    max-pods = 29
    [kubernetes.node-labels]
    "karpenter.sh/capacity-type" = "spot"
    team = "blue"
    [kubernetes.node-taints]
    dedicated = ["web:NoSchedule"]
    "karpenter.sh/unregistered" = [":NoExecute"]
"#;

/// UD-12: without user data of the class.
#[test]
fn bottlerocket_joins_by_settings() {
    assert_eq!(settings(&input(FAMILY)), toml(GENERATED));
    assert_eq!(
        settings(&with_custom(FAMILY, "# nothing\n")),
        toml(GENERATED)
    );
    let mut unknown = input(FAMILY);
    unknown.cluster.ca_bundle.clear();
    let kubernetes = &settings(&unknown)["kubernetes"];
    assert!(kubernetes.get("cluster-certificate").is_none());
}

/// UD-12: settings of the class are kept unless Karpenter decides them.
#[test]
fn bottlerocket_keeps_what_karpenter_does_not_decide() {
    let custom = with_custom(
        FAMILY,
        r#"
        [settings.kernel]
        lockdown = "integrity"
        [settings.kubernetes]
        api-server = "https://elsewhere"
        cluster-certificate = "other"
        max-pods = 5
        log-level = 3
        unheard-of = true
        [settings.kubernetes.node-labels]
        team = "red"
        mine = "yes"
        [settings.kubernetes.node-taints]
        mine = ["a:NoSchedule"]
        [elsewhere]
        dropped = 1
        "#,
    );
    let mut expected = toml(GENERATED);
    expected.extend(toml("[kernel]\nlockdown = \"integrity\""));
    let kubernetes = expected["kubernetes"].as_table_mut().unwrap();
    kubernetes.insert("log-level".to_owned(), Value::Integer(3));
    let labels = kubernetes["node-labels"].as_table_mut().unwrap();
    labels.insert("mine".to_owned(), Value::from("yes"));
    assert_eq!(settings(&custom), expected);
    assert_eq!(
        ignored_settings(&custom),
        ["settings.kubernetes.unheard-of"]
    );
}

/// UD-12: no instance is launched with settings that cannot be read.
#[test]
fn bottlerocket_refuses_what_is_not_settings() {
    let cases = [
        "#!/bin/bash\necho hi\n",
        "settings = 1",
        "[settings]\nkubernetes = 1",
        "[settings.kubernetes]\nmax-pods = \"110\"",
        "[settings.kubernetes]\nimage-gc-high-threshold-percent = 85",
        "[settings.kubernetes.node-labels]\na = 1",
        "[settings.kubernetes.node-taints]\na = \"b:NoSchedule\"",
        "[settings.kubernetes.credential-providers.ecr]\nenabled = \"yes\"",
        "[settings.kubernetes.topology-manager-policy-options]\nmax-allowable-numa-nodes = true",
        "[settings.bootstrap-commands.a]\ncommands = [\"ls\"]",
        "[settings.bootstrap-commands.a]\nmode = \"sometimes\"",
    ];
    for custom in cases {
        let failure = render_text(&with_custom(FAMILY, custom));
        assert!(
            matches!(failure, Err(Error::Settings(_))),
            "{custom}: {failure:?}"
        );
    }
    let failure = render_text(&with_custom(FAMILY, cases[3])).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "invalid UserData, settings.kubernetes.max-pods must be an integer, not string"
    );
}

/// UD-7, UD-13: settings of the kubelet win over the class's user data, map by map.
#[test]
fn settings_of_the_kubelet_win_over_user_data() {
    let custom = r#"
        [settings.kubernetes.system-reserved]
        cpu = "1"
        ephemeral-storage = "1Gi"
        [settings.kubernetes.kube-reserved]
        cpu = "1"
        [settings.kubernetes.eviction-hard]
        "memory.available" = "20%"
    "#;
    let some = json!({"systemReserved": {"cpu": "2"}, "evictionHard": {"pid.available": "5%"}});
    let mut input = with_kubelet(FAMILY, some);
    input.custom = Some(custom.to_owned());
    let kubernetes = settings(&input)["kubernetes"].clone();
    assert_eq!(
        kubernetes["system-reserved"],
        Value::Table(toml("cpu = \"2\""))
    );
    assert_eq!(
        kubernetes["kube-reserved"],
        Value::Table(toml("cpu = \"1\""))
    );
    assert_eq!(
        kubernetes["eviction-hard"],
        Value::Table(toml("\"pid.available\" = \"5%\""))
    );

    let mut expected = toml(GENERATED);
    let all = toml(
        r#"
        cluster-dns-ip = "10.0.100.10"
        cpu-cfs-quota-enforced = false
        eviction-max-pod-grace-period = 60
        image-gc-high-threshold-percent = "85"
        image-gc-low-threshold-percent = "80"
        max-pods = 10
        eviction-hard = {"memory.available" = "5%"}
        eviction-soft = {"memory.available" = "10%", "nodefs.available" = "1Gi"}
        eviction-soft-grace-period = {"memory.available" = "1m30s", "nodefs.available" = "1h0m0s"}
        kube-reserved = {cpu = "90m", memory = "300Mi"}
        system-reserved = {cpu = "100m", memory = "200Mi"}
        "#,
    );
    expected["kubernetes"].as_table_mut().unwrap().extend(all);
    assert_eq!(settings(&with_kubelet(FAMILY, all_managed())), expected);
}

/// UD-14: what is reserved for each node of memory survives.
#[test]
fn reserved_memory_by_numa_node_is_kept() {
    let reserved = r#"
        [settings.kubernetes]
        memory-manager-policy = "Static"
        [settings.kubernetes.memory-manager-reserved-memory.0]
        enabled = true
        memory = "1Gi"
        hugepages-2Mi = "512Mi"
        [settings.kubernetes.memory-manager-reserved-memory.1]
        enabled = true
        memory = "2Gi"
        hugepages-1Gi = "1Gi"
    "#;
    let custom = with_custom(FAMILY, reserved);
    let given = toml(reserved)["settings"]["kubernetes"].clone();
    let kubernetes = settings(&custom)["kubernetes"].clone();
    let key = "memory-manager-reserved-memory";
    assert_eq!(kubernetes[key], given[key]);
    assert_eq!(ignored_settings(&custom), [""; 0]);
    let again = settings(&with_custom(FAMILY, &text(&custom)));
    assert_eq!(again["kubernetes"], kubernetes);
}

fn commands(version: &str, custom: &str) -> Table {
    let input = Input {
        instance_store: InstanceStore::Raid0,
        image_version: version.to_owned(),
        ..with_custom(FAMILY, custom)
    };
    match settings(&input).remove("bootstrap-commands") {
        Some(Value::Table(commands)) => commands,
        other => panic!("{other:?}"),
    }
}

/// UD-9, UD-10: old versions are told which directories go on local disks.
#[test]
fn bottlerocket_is_told_to_join_local_disks() {
    let expected = |dirs: &str| {
        toml(&format!(
            r#"
            [000-mount-instance-storage]
            commands = [
                ["apiclient", "ephemeral-storage", "init"],
                ["apiclient", "ephemeral-storage", "bind"{dirs}],
            ]
            essential = true
            mode = "always"
            "#
        ))
    };
    assert_eq!(commands("v1.46.0", ""), expected(""));
    assert_eq!(commands("latest", ""), expected(""));
    let dirs = r#", "--dirs", "/var/lib/containerd", "/var/lib/kubelet", "/var/log/pods""#;
    assert_eq!(commands("v1.45.0", ""), expected(dirs));
    assert_eq!(commands("", ""), expected(dirs));
}

/// UD-9: commands of the class stay beside ours.
#[test]
fn commands_of_the_class_are_kept() {
    let custom = r#"
        [settings.bootstrap-commands.010-mine]
        commands = [["apiclient", "set", "motd=hi"]]
        essential = false
        mode = "once"
    "#;
    let all = commands("latest", custom);
    assert_eq!(
        all.keys().collect::<Vec<_>>(),
        ["000-mount-instance-storage", "010-mine"]
    );
    assert_eq!(
        all["010-mine"],
        toml(custom)["settings"]["bootstrap-commands"]["010-mine"]
    );
}
