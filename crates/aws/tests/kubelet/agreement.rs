//! The scheduler's view of an instance type and the node's settings agree.

use aws::kubelet::{Expressions, Resolved, Settings};
use aws::userdata::{Input, render_text};
use catalog::ec2::{AmiFamily, Machine, NodeSettings, bundled_machines, pods};
use serde_json::{Value, json};

use crate::{compiled, m5_large, map};

fn resolved(kubelet: &Value, machine: &Machine, node: &NodeSettings) -> Resolved {
    compiled(kubelet).resolve(machine, node).unwrap()
}

fn text(kubelet: &Resolved, family: AmiFamily) -> String {
    let mut input = Input {
        family,
        kubelet: kubelet.clone(),
        ..Input::default()
    };
    input.cluster.cidr = Some("10.100.0.0/16".to_owned());
    render_text(&input).unwrap()
}

/// The kubelet's configuration that a node of AL2023 gets.
fn config(kubelet: &Resolved) -> Value {
    let text = text(kubelet, AmiFamily::Al2023);
    let (_, part) = text
        .split_once("# Karpenter Generated NodeConfig\n")
        .unwrap();
    let yaml = part.strip_suffix("\n--//--\n").unwrap();
    let document: Value = serde_saphyr::from_str(yaml).unwrap();
    document["spec"]["kubelet"]["config"].clone()
}

/// LT-24: a node reserves what the scheduler took from its machine, on every instance type.
#[test]
fn a_node_gets_the_values_that_the_scheduler_reckons_with() {
    let expressions = compiled(&json!({
        "maxPods": "min(max_pods, vcpus * 10)",
        "podsPerCore": 9,
        "kubeReserved": {"cpu": "max(60, vcpus * 30)", "memory": "memory_mib / 100"},
        "systemReserved": {"memory": "100 + max_pods", "pid": "1000"},
    }));
    let machines = bundled_machines();
    for machine in machines.iter().step_by(13) {
        let node = NodeSettings::default();
        let resolved = expressions.resolve(machine, &node).unwrap();
        let view = resolved.apply(&node);
        let config = config(&resolved);
        assert_eq!(
            config["maxPods"],
            json!(pods(machine, &view)),
            "{}",
            machine.name
        );
        for (field, reserved) in [
            ("kubeReserved", &view.kubelet.kube_reserved),
            ("systemReserved", &view.kubelet.system_reserved),
        ] {
            let told = config[field].as_object().unwrap();
            assert_eq!(told.len(), reserved.len());
            for (resource, amount) in reserved {
                let told: model::Quantity = told[resource].as_str().unwrap().parse().unwrap();
                assert_eq!(told, *amount, "{} {field} {resource}", machine.name);
            }
        }
    }
}

/// UD-17: the number of pods is always a number.
#[test]
fn the_number_of_pods_is_always_known() {
    let node = NodeSettings::default();
    let max_pods = |kubelet: Value, node: &NodeSettings| {
        config(&resolved(&kubelet, &m5_large(), node))["maxPods"].clone()
    };
    assert_eq!(max_pods(json!({}), &node), json!(29));
    assert_eq!(max_pods(json!({"maxPods": "vcpus * 7"}), &node), json!(14));
    assert_eq!(max_pods(json!({"podsPerCore": 4}), &node), json!(8));
    assert_eq!(
        max_pods(json!({"podsPerCore": 4, "maxPods": "max_pods + 1"}), &node),
        json!(8)
    );
    assert_eq!(
        max_pods(json!({"podsPerCore": 4, "maxPods": 20}), &node),
        json!(20)
    );
    let reserved = NodeSettings {
        reserved_enis: 1,
        ..NodeSettings::default()
    };
    assert_eq!(max_pods(json!({}), &reserved), json!(20));
    assert_eq!(
        max_pods(json!({"maxPods": "max_pods - 1"}), &reserved),
        json!(19)
    );
}

#[test]
fn what_is_reserved_sees_the_number_of_pods_that_comes_of_it() {
    let kubelet = json!({
        "maxPods": "max_pods - 9",
        "podsPerCore": 5,
        "kubeReserved": {"memory": "max_pods * 16"},
    });
    let resolved = resolved(&kubelet, &m5_large(), &NodeSettings::default());
    assert_eq!(resolved.max_pods, 1);
    assert_eq!(resolved.kube_reserved["memory"], "16Mi");
}

/// UD-23: without expressions, what is one is not there, and the rest is.
#[test]
fn disabled_expressions_are_dropped() {
    let kubelet = json!({
        "maxPods": "vcpus * 7",
        "kubeReserved": {"cpu": "vcpus * 30", "memory": "300Mi"},
        "systemReserved": {"cpu": "vcpus"},
    });
    let settings = Settings::parse(&map(&kubelet)).unwrap();
    let compiled = settings.compile(Expressions::Disabled).unwrap();
    let node = NodeSettings::default();
    let resolved = compiled.resolve(&m5_large(), &node).unwrap();
    let config = config(&resolved);
    assert_eq!(config["maxPods"], json!(29));
    assert_eq!(config["kubeReserved"], json!({"memory": "300Mi"}));
    assert_eq!(config.get("systemReserved"), None);
    for family in [AmiFamily::Al2, AmiFamily::Bottlerocket] {
        let text = text(&resolved, family);
        assert!(text.contains("300Mi") && !text.contains("vcpus"), "{text}");
    }
    let view = resolved.apply(&node).kubelet;
    assert_eq!(
        (view.kube_reserved.len(), view.system_reserved.len()),
        (1, 0)
    );
}

/// UD-1: a node of AL2 is told the number of pods that its capacity has.
#[test]
fn the_flag_has_the_number_of_pods_of_the_capacity() {
    let node = NodeSettings {
        family: AmiFamily::Al2,
        ..NodeSettings::default()
    };
    let kubelet = resolved(&json!({}), &m5_large(), &node);
    let flag = format!("--max-pods={}'", pods(&m5_large(), &kubelet.apply(&node)));
    let text = text(&kubelet, AmiFamily::Al2);
    assert!(text.contains(&flag) && flag.contains("29"), "{text}");
}
