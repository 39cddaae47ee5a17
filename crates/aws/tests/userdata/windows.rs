//! Windows.

use aws::userdata::Input;
use catalog::ec2::{AmiFamily, InstanceStore};

use crate::{input, text, with_custom};

/// UD-19: the script of the class runs before the one that joins.
#[test]
fn windows_runs_the_classs_script_and_joins() {
    let expected = |custom: &str, dns: &str| {
        format!(
            "<powershell>\n{custom}\
             [string]$EKSBootstrapScriptFile = \
             \"$env:ProgramFiles\\Amazon\\EKS\\Start-EKSBootstrap.ps1\"\n\
             & $EKSBootstrapScriptFile -EKSClusterName 'prod' \
             -APIServerEndpoint 'https://prod.example' -Base64ClusterCA 'Y2EtYnVuZGxl' \
             -KubeletExtraArgs '--node-labels=\"karpenter.sh/capacity-type=spot,team=blue\" \
             --register-with-taints=\"dedicated=web:NoSchedule,karpenter.sh/unregistered:NoExecute\" \
             --max-pods=29'{dns}\n</powershell>"
        )
    };
    for family in [
        AmiFamily::Windows2019,
        AmiFamily::Windows2022,
        AmiFamily::Windows2025,
    ] {
        assert_eq!(text(&input(family)), expected("", ""));
        let script = "Write-Host \"hello\"";
        let lines = format!("{script}\n");
        assert_eq!(text(&with_custom(family, script)), expected(&lines, ""));
        let tagged = format!("<powershell>\n{script}\n</powershell>\n");
        assert_eq!(text(&with_custom(family, &tagged)), expected(&lines, ""));
        let mut input = Input {
            instance_store: InstanceStore::Raid0,
            ..input(family)
        };
        input.cluster.dns = Some("10.100.0.10".to_owned());
        assert_eq!(text(&input), expected("", " -DNSClusterIP '10.100.0.10'"));
    }
}

#[test]
fn quotes_do_not_end_what_is_quoted() {
    let mut input = input(AmiFamily::Windows2022);
    input.cluster.name = "it's".to_owned();
    input.cluster.ca_bundle.clear();
    let text = text(&input);
    assert!(
        text.contains("-EKSClusterName 'it''s' -APIServerEndpoint"),
        "{text}"
    );
    assert!(!text.contains("-Base64ClusterCA"), "{text}");
}
