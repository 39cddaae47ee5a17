use super::*;

fn faults(key: &str, operator: &str, values: &[&str], min_values: Option<u32>) -> Vec<String> {
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    Vocabulary::core()
        .validate(key, operator, &values, min_values)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn good_requirements_have_no_fault() {
    let none: [String; 0] = [];
    assert_eq!(faults("team", "In", &["a"], None), none);
    assert_eq!(
        faults("example.com/team", "NotIn", &["", "A.b_c-9"], None),
        none
    );
    assert_eq!(faults("karpenter.sh/nodepool", "Exists", &[], None), none);
    assert_eq!(faults("example.com/cores", "Gte", &["0"], Some(3)), none);
    assert_eq!(
        faults("karpenter.sh/capacity-type", "In", &["spot", "free"], None),
        none
    );
    assert_eq!(faults("team", "In", &["a", "b"], Some(2)), none);
    assert_eq!(faults("kubernetes.io/anything", "Exists", &[], None), none);
}

#[test]
fn each_fault_is_named() {
    for (key, operator, values, min_values, start) in [
        (
            "team",
            "in",
            &["a"][..],
            None,
            "key team has an unsupported operator: \"in\"",
        ),
        (
            "karpenter.sh/x",
            "Exists",
            &[],
            None,
            "using label karpenter.sh/x is not allowed",
        ),
        (
            "kubernetes.io/hostname",
            "In",
            &["a"],
            None,
            "using label kubernetes.io/hostname",
        ),
        (
            "karpenter.sh/capacity-type",
            "In",
            &["free"],
            None,
            "no valid value for key karpenter",
        ),
        (
            "Team/x",
            "Exists",
            &[],
            None,
            "key \"Team/x\" is not a label key",
        ),
        (
            "a/b/c",
            "Exists",
            &[],
            None,
            "key \"a/b/c\" is not a label key",
        ),
        ("-a", "Exists", &[], None, "key \"-a\" is not a label key"),
        ("", "Exists", &[], None, "key \"\" is not a label key"),
        (
            "team",
            "In",
            &["a b"],
            None,
            "invalid value \"a b\" for key team",
        ),
        (
            "team",
            "In",
            &[],
            None,
            "key team with operator In must have a value",
        ),
        (
            "n",
            "Gt",
            &["x"],
            None,
            "key n with operator Gt must have a single positive integer",
        ),
        (
            "n",
            "Lt",
            &["1", "2"],
            None,
            "key n with operator Lt must have a single",
        ),
        (
            "n",
            "Lte",
            &[],
            None,
            "key n with operator Lte must have a single",
        ),
        (
            "team",
            "In",
            &["a"],
            Some(2),
            "key team with minValues 2 must list at least that many",
        ),
    ] {
        let faults = faults(key, operator, values, min_values);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with(start), "{faults:?}");
    }
    assert_eq!(faults("n", "Gt", &["-1"], None).len(), 2);
}
