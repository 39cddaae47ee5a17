use aws::kubelet::Settings;
use serde_json::json;

use super::*;
use crate::testing::rig::Rig;

/// Settings over the types of a rig, with expressions.
async fn kubelets(reserved_enis: u64) -> (Rig, Kubelets) {
    let rig = Rig::still(&[], |_| {}).await;
    let types = rig.provider.types.clone();
    let clock = rig.kube.clock.clone();
    let kubelets = Kubelets::new(clock, Expressions::Enabled, reserved_enis, types);
    (rig, kubelets)
}

fn class(kubelet: &Value) -> Ec2NodeClass {
    serde_json::from_value(json!({"spec": {"amiFamily": "AL2023", "kubelet": kubelet}}))
        .expect("a class")
}

/// LT-24: a node is told what its type's capacity was computed with.
#[tokio::test(start_paused = true)]
async fn settings_are_those_of_the_type() {
    let (rig, kubelets) = kubelets(0).await;
    let plain = class(&json!({}));
    let pods = |name: &str| kubelets.resolve(&plain, name).map(|it| it.max_pods);
    assert_eq!(pods("m5.large"), Some(29));
    assert_eq!(pods("m5.xlarge"), Some(58));
    assert_eq!(pods("x9.huge"), None);
    let wanted = class(&json!({"maxPods": "vcpus * 10"}));
    let pods = |name: &str| kubelets.resolve(&wanted, name).map(|it| it.max_pods);
    assert_eq!(pods("m5.large"), Some(20));
    assert_eq!(pods("m5.xlarge"), Some(40));
    let listed = rig.provider.types.region().machines().len();
    assert!(listed > 10);
}

#[tokio::test(start_paused = true)]
async fn interfaces_that_are_kept_free_have_no_pods() {
    let (_rig, kubelets) = kubelets(1).await;
    let resolved = kubelets.resolve(&class(&json!({})), "m5.large");
    assert_eq!(resolved.map(|it| it.max_pods), Some(20));
}

#[tokio::test(start_paused = true)]
async fn settings_of_which_nothing_can_be_made_are_none() {
    let (_rig, kubelets) = kubelets(0).await;
    for kubelet in [
        json!({"maxPods": "vcpus *"}),
        json!({"maxPods": "vcpus - 100"}),
        json!({"maxPods": {"a": 1}}),
    ] {
        assert_eq!(
            kubelets.resolve(&class(&kubelet), "m5.large"),
            None,
            "{kubelet}"
        );
    }
}

/// Expressions are compiled once for all types and classes, and forgotten when nobody uses them.
#[tokio::test(start_paused = true)]
async fn settings_are_compiled_once() {
    let (rig, kubelets) = kubelets(0).await;
    let wanted = class(&json!({"maxPods": "vcpus * 10"}));
    let known = |kubelets: &Kubelets| kubelets.compiled.all().len();
    for name in ["m5.large", "m5.xlarge", "m5.large"] {
        kubelets.resolve(&wanted, name).expect("settings");
    }
    assert_eq!(known(&kubelets), 1);
    rig.kube.clock.sleep(UNUSED * 2).await;
    kubelets
        .resolve(&class(&json!({})), "m5.large")
        .expect("settings");
    assert_eq!(known(&kubelets), 1);
    assert!(Settings::parse(&wanted.spec.kubelet).is_ok());
}
