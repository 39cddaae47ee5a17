use super::*;

#[test]
fn restricted_are_the_host_name_and_our_domains_unless_well_known() {
    let core = Vocabulary::core();
    let aws = Vocabulary::aws();
    let kwok = Vocabulary::kwok(["example.com/rack"]);
    for (key, by_core, by_aws, by_kwok) in [
        ("kubernetes.io/hostname", true, true, true),
        ("karpenter.sh/anything", true, true, true),
        ("sub.karpenter.sh/anything", true, true, true),
        ("notkarpenter.sh/anything", false, false, false),
        ("karpenter.sh", false, false, false),
        ("karpenter.sh/nodepool", false, false, false),
        ("karpenter.k8s.aws/instance-family", false, false, false),
        ("karpenter.k8s.aws/anything", false, true, false),
        ("karpenter.kwok.sh/instance-size", false, false, false),
        ("karpenter.kwok.sh/anything", false, false, true),
        ("kubernetes.io/anything", false, false, false),
        ("node.k8s.io/anything", false, false, false),
        ("team", false, false, false),
    ] {
        assert_eq!(core.is_restricted(key), by_core, "{key}");
        assert_eq!(aws.is_restricted(key), by_aws, "{key}");
        assert_eq!(kwok.is_restricted(key), by_kwok, "{key}");
    }
    assert!(kwok.is_well_known("example.com/rack"));
    assert!(!core.is_well_known("example.com/rack"));
}

#[test]
fn the_error_says_what_can_be_used_instead() {
    let error = Vocabulary::core()
        .check_label("karpenter.sh/x")
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "using label karpenter.sh/x is not allowed as it might interfere with the internal \
         provisioning logic; specify a well known label: [karpenter.sh/capacity-type \
         karpenter.sh/nodepool kubernetes.io/arch kubernetes.io/os \
         node.kubernetes.io/instance-type node.kubernetes.io/windows-build \
         topology.kubernetes.io/region topology.kubernetes.io/zone], or a custom label that does \
         not use a restricted domain: [karpenter.sh]"
    );
    assert!(Vocabulary::core().check_label("team").is_ok());
}

#[test]
fn a_provider_has_its_own_spellings() {
    let aws = Vocabulary::aws();
    let key = "topology.ebs.csi.aws.com/zone";
    assert_eq!(aws.normalize(key), "topology.kubernetes.io/zone");
    let requirement = aws.requirement(key, Operator::In, ["us-west-2a"], None);
    assert_eq!(
        requirement.to_string(),
        "topology.kubernetes.io/zone In [us-west-2a]"
    );
    assert_eq!(Vocabulary::core().normalize(key), key);

    let zoned = Vocabulary::core().with_value_alias("topology.kubernetes.io/zone", "", "0");
    let requirement = zoned.requirement(
        "failure-domain.beta.kubernetes.io/zone",
        Operator::In,
        [""],
        None,
    );
    assert_eq!(
        requirement.to_string(),
        "topology.kubernetes.io/zone In [0]"
    );
}
