//! The steps of a class's validation that are about its kubelet.

use aws::kubelet::{Evaluation, Expressions, Reason, accept, evaluate_all};
use catalog::ec2::{AmiFamily, NodeSettings};
use serde_json::{Value, json};

use crate::{m5_large, map};

const OWN_IMAGES: [AmiFamily; 5] = [
    AmiFamily::Al2,
    AmiFamily::Bottlerocket,
    AmiFamily::Ubuntu,
    AmiFamily::Windows2019,
    AmiFamily::Windows2022,
];

/// Reason and message of what is refused; none: it is accepted.
fn refused(kubelet: &Value, family: AmiFamily) -> Option<(&'static str, String)> {
    let accepted = accept(&map(kubelet), family, Expressions::Enabled);
    let refusal = accepted.err()?;
    Some((refusal.reason.as_str(), refusal.message))
}

/// VAL-4: settings that are not allowed.
#[test]
fn invalid_settings_are_refused_with_all_that_is_wrong() {
    let kubelet = json!({"nonsense": 1, "maxPods": -1});
    let (reason, message) = refused(&kubelet, AmiFamily::Al2023).unwrap();
    assert_eq!(reason, "InvalidKubeletConfiguration");
    assert_eq!(
        message,
        "spec.kubelet: unknown field \"nonsense\"; spec.kubelet.maxPods: can't be negative"
    );
}

/// VAL-5: settings that an image does not apply.
#[test]
fn settings_that_an_image_does_not_apply_are_refused() {
    let reason = "UnsupportedKubeletConfiguration";
    let qps = json!({"registryPullQPS": 10, "maxPods": 10, "containerLogMaxFiles": 3});
    let two = json!({"clusterDNS": ["10.0.0.1", "10.0.0.2"]});
    for family in OWN_IMAGES {
        let name = family.name();
        let dropped = format!(
            "spec.kubelet has fields not applied by the {name} AMI family that would be silently \
             dropped: containerLogMaxFiles, registryPullQPS"
        );
        assert_eq!(refused(&qps, family), Some((reason, dropped)));
        let entries = format!(
            "spec.kubelet.clusterDNS: the {name} AMI family doesn't accept multiple entries, \
             only one, but 2 were set"
        );
        assert_eq!(refused(&two, family), Some((reason, entries)));
    }
    let per_core = json!({"podsPerCore": 2, "clusterDNS": ["10.0.0.1", "10.0.0.2"]});
    let (_, message) = refused(&per_core, AmiFamily::Bottlerocket).unwrap();
    assert_eq!(
        message,
        "spec.kubelet has fields not applied by the Bottlerocket AMI family that would be \
         silently dropped: podsPerCore; spec.kubelet.clusterDNS: the Bottlerocket AMI family \
         doesn't accept multiple entries, only one, but 2 were set"
    );
    let per_core = json!({"podsPerCore": 2});
    for family in [AmiFamily::Al2, AmiFamily::Windows2025, AmiFamily::Ubuntu] {
        assert_eq!(refused(&per_core, family), None);
    }
    for family in [AmiFamily::Al2023, AmiFamily::Custom] {
        assert_eq!(refused(&qps, family), None);
        assert_eq!(refused(&two, family), None);
    }
    for family in OWN_IMAGES {
        assert_eq!(refused(&json!({}), family), None);
    }
}

/// VAL-6: expressions that cannot be used.
#[test]
fn expressions_that_are_invalid_are_refused() {
    let cases = [
        (json!({"maxPods": "vcpus *"}), "spec.kubelet.maxPods: "),
        (
            json!({"kubeReserved": {"cpu": "cores"}}),
            "spec.kubelet.kubeReserved[cpu]: ",
        ),
        (
            json!({"systemReserved": {"pid": "vcpus > 1"}}),
            "spec.kubelet.systemReserved[pid]: ",
        ),
    ];
    for (kubelet, field) in cases {
        let (reason, message) = refused(&kubelet, AmiFamily::Al2023).unwrap();
        assert_eq!(reason, "KubeletExpressionInvalid");
        assert!(message.starts_with(field), "{message}");
        let gate_off = accept(&map(&kubelet), AmiFamily::Al2023, Expressions::Disabled);
        let refusal = gate_off.err().unwrap();
        assert_eq!(refusal.reason.as_str(), "KubeletExpressionsDisabled");
        assert_eq!(
            refusal.message,
            "spec.kubelet contains a CEL expression, but the NodeClassCEL feature gate is disabled"
        );
    }
    let fixed = json!({"maxPods": 7, "kubeReserved": {"cpu": "100m"}});
    assert!(accept(&map(&fixed), AmiFamily::Al2, Expressions::Disabled).is_ok());
}

fn evaluated(kubelet: &Value) -> Evaluation {
    let compiled = accept(&map(kubelet), AmiFamily::Al2023, Expressions::Enabled);
    let compiled = compiled.unwrap_or_else(|refusal| panic!("{refusal}"));
    evaluate_all(&compiled, [&m5_large()], &NodeSettings::default())
}

/// VAL-6: expressions that have no value on some instance type.
#[test]
fn expressions_without_a_value_are_refused() {
    let cases = [
        (
            json!({"kubeReserved": {"cpu": "vcpus - 3"}}),
            "kubeReserved[cpu]: on m5.large, -1 is",
        ),
        (
            json!({"systemReserved": {"pid": "1 / (vcpus - 2)"}}),
            "systemReserved[pid]: on m5.large",
        ),
        (
            json!({"maxPods": "vcpus - 3"}),
            "maxPods: on m5.large, -1 is negative",
        ),
    ];
    for (kubelet, begin) in cases {
        let Evaluation::Failed(refusal) = evaluated(&kubelet) else {
            panic!("{kubelet} was evaluated");
        };
        assert_eq!(refusal.reason, Reason::EvaluationFailed);
        assert_eq!(refusal.reason.as_str(), "KubeletExpressionEvaluationFailed");
        let begin = format!("spec.kubelet.{begin}");
        assert!(refusal.message.starts_with(&begin), "{refusal}");
    }
    assert_eq!(
        evaluated(&json!({"maxPods": "vcpus"})),
        Evaluation::Succeeded
    );
    assert_eq!(evaluated(&json!({})), Evaluation::Succeeded);
}

/// VAL-6: before instance types are known, nothing is decided.
#[test]
fn without_instance_types_nothing_is_decided() {
    let kubelet = map(&json!({"maxPods": "vcpus - 3"}));
    let compiled = accept(&kubelet, AmiFamily::Al2023, Expressions::Enabled);
    let compiled = compiled.unwrap_or_else(|refusal| panic!("{refusal}"));
    let evaluation = evaluate_all(&compiled, [], &NodeSettings::default());
    assert_eq!(evaluation, Evaluation::NoMachines);
}
