//! AL2023.

use aws::userdata::{Error, Input, render_text};
use catalog::ec2::{AmiFamily, InstanceStore};
use serde_json::{Value, json};

use crate::{all_managed, input, text, with_custom, with_kubelet};

/// The `NodeConfig` that is last in a document.
fn last_config(text: &str) -> Value {
    let part = text
        .rsplit("Content-Type: application/node.eks.aws\n\n")
        .next();
    let yaml = part.unwrap().strip_suffix("\n--//--\n").unwrap();
    serde_saphyr::from_str(yaml).unwrap()
}

/// UD-15: the whole text where the class brings nothing.
#[test]
fn al2023_joins_by_a_node_config() {
    let expected = r#"MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="//"

--//
Content-Type: application/node.eks.aws

# Karpenter Generated NodeConfig
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
metadata: {}
spec:
  cluster:
    apiServerEndpoint: https://prod.example
    certificateAuthority: Y2EtYnVuZGxl
    cidr: 10.100.0.0/16
    name: prod
  containerd: {}
  instance:
    localStorage: {}
  kubelet:
    config:
      maxPods: 29
      registerWithTaints:
      - effect: NoSchedule
        key: dedicated
        value: web
      - effect: NoExecute
        key: karpenter.sh/unregistered
    flags:
    - --node-labels="karpenter.sh/capacity-type=spot,team=blue"

--//--
"#;
    assert_eq!(text(&input(AmiFamily::Al2023)), expected);
    assert_eq!(text(&with_custom(AmiFamily::Al2023, " \n")), expected);
}

/// UD-15: parts, mappings and scripts of the class come first.
#[test]
fn al2023_takes_documents_configurations_and_scripts() {
    let begin = |custom: &str| {
        let text = text(&with_custom(AmiFamily::Al2023, custom));
        let (_, parts) = text.split_once("boundary=\"//\"\n\n").unwrap();
        let ours = parts.find("--//\nContent-Type: application/node.eks.aws\n\n# Karpenter");
        parts[..ours.unwrap()].to_owned()
    };
    let yaml = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\n";
    let as_config =
        |text: &str| format!("--//\nContent-Type: application/node.eks.aws\n\n{text}\n");
    assert_eq!(begin(yaml), as_config(yaml));
    assert_eq!(begin("# nothing\n"), as_config("# nothing\n"));
    let as_script = |text: &str| {
        format!("--//\nContent-Type: text/x-shellscript; charset=\"us-ascii\"\n\n{text}\n")
    };
    for script in [
        "#!/bin/bash\necho hi\n",
        "echo hi",
        "#!/bin/bash\n# nothing\n",
    ] {
        assert_eq!(begin(script), as_script(script));
    }
    let document = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
                    --b\nContent-Type: application/node.eks.aws\nX-Mine: 1\n\nkind: NodeConfig\n\
                    --b\nX-Mine: 2\nContent-Type: text/x-shellscript\n\necho hi\n--b--";
    assert_eq!(
        begin(document),
        "--//\nContent-Type: application/node.eks.aws\n\nkind: NodeConfig\n\
         --//\nContent-Type: text/x-shellscript\n\necho hi\n"
    );
}

/// UD-15: without the addresses of services there is no user data.
#[test]
fn al2023_needs_the_addresses_of_services() {
    for cidr in [None, Some(String::new())] {
        let mut input = input(AmiFamily::Al2023);
        input.cluster.cidr = cidr;
        assert_eq!(render_text(&input), Err(Error::ClusterCidrUnknown));
        input.family = AmiFamily::Al2;
        assert!(render_text(&input).is_ok());
    }
}

#[test]
fn certificates_must_be_base64_and_may_be_missing() {
    let mut input = input(AmiFamily::Al2023);
    input.cluster.ca_bundle = "no base64!".to_owned();
    assert!(matches!(render_text(&input), Err(Error::CaBundle(_))));
    input.cluster.ca_bundle.clear();
    input.labels.clear();
    let config = last_config(&text(&input));
    assert_eq!(config["spec"]["cluster"].get("certificateAuthority"), None);
    assert_eq!(config["spec"]["kubelet"].get("flags"), None);
}

/// UD-9: nodeadm makes local disks one file system.
#[test]
fn al2023_is_told_to_join_local_disks() {
    let text = text(&Input {
        instance_store: InstanceStore::Raid0,
        ..input(AmiFamily::Al2023)
    });
    let storage = &last_config(&text)["spec"]["instance"]["localStorage"];
    assert_eq!(*storage, json!({"strategy": "RAID0"}));
}

/// UD-16: every setting of the class is there, with its type.
#[test]
fn al2023_gets_every_setting_of_the_kubelet() {
    let mut kubelet = all_managed();
    let others = json!({
        "topologyManagerPolicy": "single-numa-node",
        "serializeImagePulls": false,
        "containerLogMaxSize": "50Mi",
        "registryPullQPS": 10,
        "memoryThrottlingFactor": 0.8,
        "featureGates": {"NodeSwap": true},
        "enforceNodeAllocatable": ["pods", "no"],
        "cpuManagerPolicyOptions": {"full-pcpus-only": "true"},
    });
    kubelet
        .as_object_mut()
        .unwrap()
        .extend(others.as_object().unwrap().clone());
    let config = last_config(&text(&with_kubelet(AmiFamily::Al2023, kubelet.clone())));
    let mut expected = kubelet;
    expected["registerWithTaints"] = json!([
        {"key": "dedicated", "value": "web", "effect": "NoSchedule"},
        {"key": "karpenter.sh/unregistered", "effect": "NoExecute"},
    ]);
    assert_eq!(config["spec"]["kubelet"]["config"], expected);
}

#[test]
fn readers_of_older_yaml_find_texts_where_they_are_texts() {
    let kubelet = json!({"enforceNodeAllocatable": ["no", "on", "1_000", "0x1", "~", "12:30"]});
    let text = text(&with_kubelet(AmiFamily::Al2023, kubelet));
    let list = text.split("enforceNodeAllocatable:\n").nth(1).unwrap();
    for line in list.lines().take(6) {
        let scalar = line.trim().strip_prefix("- ").unwrap();
        assert!(scalar.starts_with(['"', '\'']), "{line}");
    }
}

#[test]
fn the_cluster_tells_its_name_service_where_the_class_does_not() {
    let mut input = input(AmiFamily::Al2023);
    input.cluster.dns = Some("10.100.0.10".to_owned());
    let dns = |input: &Input| {
        last_config(&text(input))["spec"]["kubelet"]["config"]["clusterDNS"].clone()
    };
    assert_eq!(dns(&input), json!(["10.100.0.10"]));
    let mut given = with_kubelet(
        AmiFamily::Al2023,
        json!({"clusterDNS": ["10.0.0.1", "10.0.0.2"]}),
    );
    given.cluster.dns = Some("10.100.0.10".to_owned());
    assert_eq!(dns(&given), json!(["10.0.0.1", "10.0.0.2"]));
}
