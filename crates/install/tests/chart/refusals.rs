//! Values that the chart refuses, in words that say which.

use crate::helm::{Helm, NAMED};

#[test]
fn a_value_that_nobody_knows_is_named() {
    let helm = Helm::new();
    for (given, named) in [
        ("settings.clusterNam=x", "clusterNam"),
        ("setings.x=1", "setings"),
        ("settings.aws.clusterNam=x", "clusterNam"),
        ("settings.aws.assumeRoleARN=x", "assumeRoleARN"),
        ("settings.featureGates.nodeRepairs=true", "nodeRepairs"),
        ("controller.resources.request.cpu=1", "request"),
        ("controller.securityContext.privileged=true", "privileged"),
        ("controller.image.repo=x", "repo"),
        ("serviceMonitor.enable=true", "enable"),
        ("replica=3", "replica"),
        ("webhook.enabled=true", "webhook"),
    ] {
        let refused = helm.objects(&[&NAMED[..], &["--set", given]].concat());
        let said = refused.expect_err(given);
        assert!(said.contains(&format!("'{named}'")), "{given}: {said}");
    }
}

#[test]
fn a_value_that_the_program_could_not_read_is_named() {
    let helm = Helm::new();
    for (given, place) in [
        ("settings.isolatedVPC=maybe", "/settings/isolatedVPC"),
        ("settings.batchMaxDuration=10", "/settings/batchMaxDuration"),
        (
            "settings.batchIdleDuration=1sec",
            "/settings/batchIdleDuration",
        ),
        ("settings.reservedENIs=many", "/settings/reservedENIs"),
        (
            "settings.vmMemoryOverheadPercent=7%",
            "/settings/vmMemoryOverheadPercent",
        ),
        (
            "settings.preferencePolicy=Maybe",
            "/settings/preferencePolicy",
        ),
        (
            "settings.featureGates.nodeRepair=on",
            "/settings/featureGates/nodeRepair",
        ),
        (
            "settings.aws.isolatedVPC=maybe",
            "/settings/aws/isolatedVPC",
        ),
        ("replicas=two", "/replicas"),
        ("provider=gcp", "/provider"),
        ("logLevel=loud", "/logLevel"),
    ] {
        let refused = helm.objects(&[&NAMED[..], &["--set", given]].concat());
        let said = refused.expect_err(given);
        assert!(said.contains(place), "{given}: {said}");
    }
}

#[test]
fn a_cluster_without_a_name_is_refused_with_the_known_message() {
    let helm = Helm::new();
    let message = "Chart cannot be installed without a valid settings.clusterName!";
    let said = helm.objects(&[]).expect_err("no name");
    assert!(said.contains(message), "{said}");
    let said = helm.objects(&["--set", "settings.aws.clusterName="]);
    assert!(said.expect_err("no name").contains(message));
    helm.objects(&["--set", "provider=kwok"])
        .expect("needs no name");
}

#[test]
fn two_spellings_must_say_the_same() {
    let helm = Helm::new();
    let both = ["--set", "settings.aws.clusterName=test"];
    let said = helm.objects(&[&NAMED[..], &both].concat());
    let said = said.expect_err("two names");
    for part in [
        "settings.clusterName",
        "\"prod\"",
        "settings.aws.clusterName",
        "\"test\"",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let same = ["--set", "settings.aws.clusterName=prod"];
    helm.objects(&[&NAMED[..], &same].concat())
        .expect("one name");
}

#[test]
fn a_chart_that_has_this_one_inside_may_share_values_with_it() {
    let helm = Helm::new();
    let shared = ["--set", "global.region=us-west-2,enabled=true"];
    helm.objects(&[&NAMED[..], &shared].concat())
        .expect("renders");
}
