use super::*;

fn taint(key: &str, value: &str) -> Taint {
    Taint::new(key, value, TaintEffect::NoSchedule)
}

fn toleration(key: &str, operator: &str, value: &str) -> Toleration {
    Toleration {
        key: key.to_owned(),
        operator: operator.to_owned(),
        value: value.to_owned(),
        ..Toleration::default()
    }
}

#[test]
fn operators_compare_as_documented() {
    let cases = [
        ("k", "", "v", true),
        ("k", "Equal", "v", true),
        ("k", "Equal", "w", false),
        ("k", "Equal", "", false),
        ("k", "Exists", "", true),
        ("other", "Exists", "", false),
        ("", "Exists", "", true),
        ("k", "Unheard", "v", false),
        ("k", "Gt", "1", false),
    ];
    for (key, operator, value, expected) in cases {
        let toleration = toleration(key, operator, value);
        assert_eq!(
            tolerates(&toleration, &taint("k", "v")),
            expected,
            "{toleration:?}"
        );
    }
}

#[test]
fn numeric_operators_compare_the_taint_with_the_toleration() {
    let cases = [
        ("5", "Gt", "4", true),
        ("5", "Gt", "5", false),
        ("5", "Lt", "6", true),
        ("5", "Lt", "5", false),
        ("-5", "Lt", "0", true),
        ("5.0", "Gt", "4", false),
        ("5", "Gt", "four", false),
        ("", "Lt", "1", false),
        ("99999999999999999999", "Gt", "1", false),
    ];
    for (of_taint, operator, value, expected) in cases {
        let toleration = toleration("k", operator, value);
        assert_eq!(
            tolerates(&toleration, &taint("k", of_taint)),
            expected,
            "{toleration:?}"
        );
    }
}

#[test]
fn the_effect_must_match_if_given() {
    let mut any = toleration("k", "Exists", "");
    assert!(tolerates(
        &any,
        &Taint::new("k", "", TaintEffect::NoExecute)
    ));
    any.effect = Some(TaintEffect::NoSchedule);
    assert!(!tolerates(
        &any,
        &Taint::new("k", "", TaintEffect::NoExecute)
    ));
}

#[test]
fn every_taint_must_be_tolerated_and_all_others_are_named() {
    let taints = [
        taint("a", "1"),
        Taint::new("b", "", TaintEffect::PreferNoSchedule),
        taint("c", "3"),
    ];
    let tolerations = [toleration("a", "Equal", "1")];
    let untolerated = tolerate_all(&tolerations, &taints).unwrap_err();
    assert_eq!(untolerated.0, taints[1..]);
    assert_eq!(
        untolerated.to_string(),
        "did not tolerate taint (taint=b:PreferNoSchedule); \
         did not tolerate taint (taint=c=3:NoSchedule)"
    );
    assert!(tolerate_all(&[toleration("", "Exists", "")], &taints).is_ok());
    assert!(tolerate_all(&[], &[]).is_ok());
}

#[test]
fn ephemeral_taints_go_by_key_and_effect() {
    use TaintEffect::{NoExecute, NoSchedule, PreferNoSchedule};
    for (key, effect, expected) in [
        ("node.kubernetes.io/not-ready", NoSchedule, true),
        ("node.kubernetes.io/not-ready", NoExecute, true),
        ("node.kubernetes.io/not-ready", PreferNoSchedule, false),
        ("node.kubernetes.io/unreachable", NoSchedule, true),
        ("node.kubernetes.io/unreachable", NoExecute, false),
        (
            "node.cloudprovider.kubernetes.io/uninitialized",
            NoSchedule,
            true,
        ),
        ("karpenter.sh/unregistered", NoExecute, true),
        ("karpenter.sh/unregistered", NoSchedule, false),
        ("readiness.k8s.io/network", PreferNoSchedule, true),
        ("example.com/readiness.k8s.io/", NoSchedule, false),
    ] {
        assert_eq!(
            is_ephemeral(&Taint::new(key, "any", effect)),
            expected,
            "{key}:{effect}"
        );
    }
}
