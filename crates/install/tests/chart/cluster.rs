//! The charts on a real API server, as the guide installs them.

use std::process::Command;

use control_plane::{Identity, Program, TestCluster};
use serde_json::Value;

use crate::helm::{Helm, output};

/// A control plane with Helm and kubectl.
struct World {
    cluster: TestCluster,
    helm: Helm,
}

impl World {
    fn helm(&self, args: &[&str]) -> Result<String, String> {
        let kubeconfig = self.cluster.kubeconfig(Identity::Admin);
        output(
            self.helm
                .command()
                .arg("--kubeconfig")
                .arg(kubeconfig)
                .args(args),
        )
    }

    fn get(&self, what: &[&str]) -> Value {
        let mut kubectl = Command::new(self.cluster.binaries().path(Program::Kubectl));
        kubectl
            .arg("--kubeconfig")
            .arg(self.cluster.kubeconfig(Identity::Admin))
            .arg("get")
            .args(what)
            .args(["-o", "json"]);
        let text = output(&mut kubectl).unwrap_or_else(|error| panic!("{what:?}: {error}"));
        serde_json::from_str(&text).expect("JSON")
    }
}

const ACCOUNT: &str = "arn:aws:iam::123456789012:role/prod-karpenter";

#[test]
fn the_guides_commands_install_and_upgrade_with_old_and_new_spellings() {
    let world = World {
        cluster: TestCluster::start("chart").expect("starts"),
        helm: Helm::new(),
    };
    let crds = [
        "upgrade",
        "--install",
        "karpenter-crd",
        "charts/karpenter-crd",
    ];
    let noted = ["--namespace", "karpenter", "--create-namespace"];
    let annotated = ["--set", "additionalAnnotations.made=here"];
    world
        .helm(&[&crds[..], &noted, &annotated].concat())
        .expect("installs");
    let pools = world.get(&["crd", "nodepools.karpenter.sh"]);
    assert_eq!(pools["metadata"]["annotations"]["made"], "here");

    let role = format!("serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn={ACCOUNT}");
    let guide = |sets: &[&str]| {
        let mut args = vec!["upgrade", "--install", "karpenter", "charts/karpenter"];
        args.extend(noted);
        args.extend(["--set", &role]);
        for set in sets {
            args.extend(["--set", *set]);
        }
        world.helm(&args).expect("installs")
    };
    let today = [
        "settings.clusterName=prod",
        "settings.interruptionQueue=prod",
        "controller.resources.requests.cpu=1",
        "controller.resources.requests.memory=1Gi",
        "controller.resources.limits.cpu=1",
        "controller.resources.limits.memory=1Gi",
        "serviceMonitor.enabled=true",
    ];
    let said = guide(&today);
    assert!(said.contains("kubectl logs -f -n karpenter"), "{said}");
    assert!(said.contains("No ServiceMonitor was made"), "{said}");
    assert!(!said.contains("Older spellings"), "{said}");
    let deployment = || world.get(&["-n", "karpenter", "deployment", "karpenter"]);
    let first = deployment();
    let resources = &first["spec"]["template"]["spec"]["containers"][0]["resources"];
    assert_eq!(resources["requests"]["cpu"], "1");
    let account = world.get(&["-n", "karpenter", "serviceaccount", "karpenter"]);
    let annotations = &account["metadata"]["annotations"];
    assert_eq!(annotations["eks.amazonaws.com/role-arn"], ACCOUNT);
    for object in [
        ["-n", "karpenter", "service", "karpenter"],
        ["-n", "karpenter", "poddisruptionbudget", "karpenter"],
        ["-n", "karpenter", "role", "karpenter"],
        ["-n", "kube-system", "rolebinding", "karpenter-dns"],
        ["-n", "", "clusterrole", "karpenter-core"],
        ["-n", "", "clusterrolebinding", "karpenter"],
    ] {
        world.get(&object);
    }

    let before = [
        "settings.aws.clusterName=prod",
        "settings.aws.interruptionQueueName=prod",
        "settings.aws.defaultInstanceProfile=KarpenterNodeInstanceProfile-prod",
        "controller.resources.requests.cpu=1",
    ];
    let said = guide(&before);
    assert!(said.contains("Older spellings"), "{said}");
    assert!(
        said.contains("settings.aws.interruptionQueueName is settings.interruptionQueue today")
    );
    let variables = deployment()["spec"]["template"]["spec"]["containers"][0]["env"].to_string();
    for part in [
        "\"INTERRUPTION_QUEUE\",\"value\":\"prod\"",
        "KarpenterNodeInstanceProfile-prod",
    ] {
        assert!(variables.contains(part), "{variables}");
    }
    let simulated = [
        "upgrade",
        "karpenter",
        "charts/karpenter",
        "-n",
        "karpenter",
    ];
    let said = world.helm(&[&simulated[..], &["-f", "charts/karpenter/values-kwok.yaml"]].concat());
    assert!(said.expect("upgrades").contains("KWOKNodeClass"));
}
