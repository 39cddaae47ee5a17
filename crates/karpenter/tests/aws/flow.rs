//! Pods get instances and empty instances go; images change; a zone has nothing left.

use std::collections::BTreeSet;

use install::rbac;
use serde_json::{Value, json};

use crate::cloud::{CLUSTER, Cloud, REGION, ROLE, example, inflate, instance_of, one_of, pool};
use crate::common::audit::Calls;
use crate::common::history::{Kind, Now, is_deleting, is_true, name, names};
use crate::common::until;

fn class() -> Value {
    example("default-pool/ec2nodeclass.yaml")
}

fn condition(class: &Value, kind: &str) -> Option<Value> {
    let mut conditions = class["status"]["conditions"].as_array()?.iter();
    conditions.find(|one| one["type"] == kind).cloned()
}

/// What the class' status has found, by a field of it.
fn found(class: &Value, list: &str) -> BTreeSet<String> {
    let found = class["status"][list].as_array().into_iter().flatten();
    let ids = found.filter_map(|one| one["id"].as_str());
    ids.map(str::to_owned).collect()
}

/// The only class.
fn the_class(cloud: &Cloud) -> Value {
    let classes = cloud.world.items("ec2nodeclasses");
    assert_eq!(classes.len(), 1);
    classes[0].clone()
}

/// Each instance of the claims is as class and pool want it, and so is what it was booted with.
fn check_instances(cloud: &Cloud, now: &Now) {
    let class = the_class(cloud);
    let subnets = found(&class, "subnets");
    let images = found(&class, "amis");
    let profile = class["status"]["instanceProfile"].as_str().expect("one");
    let network = &cloud.network;
    assert_eq!(found(&class, "securityGroups").len(), 1);
    assert_eq!(
        subnets,
        network.subnets.iter().map(|one| one.id.clone()).collect()
    );
    let claims = now.claims();
    let machines = cloud.machines();
    assert_eq!(machines.len(), claims.len());
    for machine in machines {
        let claim = claims.iter().find(|one| instance_of(one) == machine.id);
        let claim = claim.expect("a claim for each");
        let labels = &claim["metadata"]["labels"];
        assert_eq!(labels["topology.kubernetes.io/zone"], *machine.zone);
        assert_eq!(
            labels["node.kubernetes.io/instance-type"],
            *machine.instance_type
        );
        assert_eq!(claim["status"]["imageID"], *machine.image);
        assert!(images.contains(&machine.image));
        let subnet = network.subnets.iter().find(|one| one.id == machine.subnet);
        assert_eq!(subnet.expect("ours").zone, machine.zone);
        assert_eq!(
            machine.security_groups,
            std::slice::from_ref(&network.security_group)
        );
        assert!(machine.profile.ends_with(&format!("/{profile}")));
        assert_eq!(machine.http_tokens, "required");
        let is_spot = labels["karpenter.sh/capacity-type"] == "spot";
        assert_eq!(machine.lifecycle == "spot", is_spot);
        let tag = |key: &str| machine.tags.get(key).map(String::as_str);
        let owned = format!("kubernetes.io/cluster/{CLUSTER}");
        assert_eq!(tag(&owned), Some("owned"));
        assert_eq!(tag("eks:eks-cluster-name"), Some(CLUSTER));
        assert_eq!(tag("karpenter.sh/nodepool"), Some("default"));
        assert_eq!(tag("karpenter.k8s.aws/ec2nodeclass"), Some("default"));
        // Written once the node has joined.
        assert_eq!(tag("karpenter.sh/nodeclaim"), Some(&*name(claim)));
        assert_eq!(tag("Name"), claim["status"]["nodeName"].as_str());
        check_boot(cloud, &machine.id, labels);
    }
}

/// The whole of what the node agent reads.
fn check_boot(cloud: &Cloud, instance: &str, labels: &Value) {
    let boot = cloud.kubelets.boot(instance);
    let mut config = boot.node_config();
    let kubelet = &mut config["spec"]["kubelet"];
    let flags = kubelet["flags"][0].as_str().expect("a flag").to_owned();
    for label in ["karpenter.sh/capacity-type", "karpenter.sh/nodepool"] {
        let value = labels[label].as_str().expect("a label");
        assert!(flags.contains(&format!("{label}={value}")), "{flags}");
    }
    let max_pods = kubelet["config"]["maxPods"].take();
    assert!(max_pods.as_u64().is_some_and(|pods| pods > 10));
    kubelet["flags"] = json!(null);
    let access = &mut config["spec"]["cluster"];
    let authority = access["certificateAuthority"].take();
    let pem = base64_text(authority.as_str().expect("certificates"));
    let file = std::fs::read_to_string(cloud.world.cluster.ca_path()).expect("reads");
    assert_eq!(pem, file);
    let endpoint = access["apiServerEndpoint"].take();
    assert!(
        endpoint
            .as_str()
            .is_some_and(|it| it.starts_with("https://"))
    );
    let cidr = access["cidr"].take();
    assert!(cidr.as_str().is_some_and(|cidr| cidr.contains('/')));
    let taint = json!({"key": "karpenter.sh/unregistered", "effect": "NoExecute"});
    let expected = json!({
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "metadata": {},
        "spec": {
            "cluster": {"name": CLUSTER, "apiServerEndpoint": null, "cidr": null,
                        "certificateAuthority": null},
            "containerd": {},
            "instance": {"localStorage": {}},
            "kubelet": {
                "config": {"maxPods": null, "registerWithTaints": [taint]},
                "flags": null,
            },
        },
    });
    assert_eq!(config, expected);
}

fn base64_text(encoded: &str) -> String {
    use base64::Engine;
    let decoded = base64::prelude::BASE64_STANDARD.decode(encoded);
    String::from_utf8(decoded.expect("base64")).expect("a text")
}

/// Templates in EC2 that are ours.
fn templates(cloud: &Cloud) -> usize {
    let all = cloud.moto.ec2(REGION, "DescribeLaunchTemplates", &[]);
    all.expect("templates")
        .matches("<launchTemplateId>")
        .count()
}

/// The guide's first steps: its class, its pool, `inflate` from none to ten pods and back to none.
/// Instances are as the class says, and in the end nothing is left in the account.
#[test]
fn the_guides_first_pods_get_instances_and_everything_goes_with_them() -> anyhow::Result<()> {
    let cloud = Cloud::start("aws-inflate")?;
    cloud.moto.transitions(0.3, 0.5)?;
    let mut pool = example("default-pool/nodepool.yaml");
    pool["spec"]["disruption"]["consolidateAfter"] = json!("0s");
    pool["spec"]["disruption"]["budgets"] = json!([{"nodes": "100%"}]);
    cloud.world.apply(&[class(), pool, inflate()]);
    let mut karpenter = cloud.karpenter(&[]);
    until("the class is ready", || {
        let ready = condition(&the_class(&cloud), "Ready");
        ready.is_some_and(|ready| ready["status"] == "True")
    });
    assert_eq!(cloud.machines(), []);

    cloud.scale(10);
    let now = cloud
        .history
        .until("ten pods run", |now| now.is_settled(10));
    until("all instances are tagged", || {
        let machines = cloud.machines();
        let key = "karpenter.sh/nodeclaim";
        machines.iter().all(|one| one.tags.contains_key(key))
    });
    check_instances(&cloud, &now);

    cloud.scale(0);
    cloud.history.until("nodes and claims are gone", |now| {
        now.nodes().is_empty() && now.claims().is_empty()
    });
    until("instances have ended", || cloud.machines().is_empty());
    until("templates are gone", || templates(&cloud) == 0);

    let profile = the_class(&cloud)["status"]["instanceProfile"].clone();
    assert!(profile.as_str().is_some_and(|it| it.starts_with(CLUSTER)));
    let gone = cloud.world.kubectl(&["delete", "ec2nodeclass", "default"]);
    gone.expect("deletes");
    let deleted = cloud.moto.calls_of("DeleteInstanceProfile", "")?;
    assert_eq!(deleted.len(), 1);
    assert_eq!(deleted[0].field("InstanceProfileName"), profile.as_str());
    assert_eq!(cloud.moto.calls_of("CreateInstanceProfile", "")?.len(), 1);
    let added = cloud.moto.calls_of("AddRoleToInstanceProfile", "")?;
    assert_eq!(added[0].field("RoleName"), Some(ROLE));
    karpenter.signal("-TERM");
    assert_eq!(karpenter.ends().code(), Some(0));
    let asked = Calls::of(&cloud.world);
    asked.assert_none_refused();
    asked.assert_all_used(&[rbac::AWS, rbac::DNS].concat(), &[]);
    Ok(())
}

/// The cheapest zone has nothing left: the next is taken, and remembered. Then images of the class
/// get a successor: each node is replaced, its replacement first.
#[test]
fn a_zone_without_capacity_is_left_alone_and_a_new_image_replaces_nodes() -> anyhow::Result<()> {
    let cloud = Cloud::start("aws-image")?;
    cloud
        .moto
        .images(&json!([image("ami-00000000000000001", 1)]))?;
    let mut class = class();
    class["spec"]["amiSelectorTerms"] = json!([{"tags": {"team": "nodes"}}]);
    let capacity = one_of("karpenter.sh/capacity-type", &["spot"]);
    let kind = one_of("node.kubernetes.io/instance-type", &["m5.large"]);
    let zones: Vec<String> = cloud
        .network
        .subnets
        .iter()
        .map(|one| one.zone.clone())
        .collect();
    let (full, rest) = zones.split_first().expect("zones");
    cloud.moto.spot_price("m5.large", full, 0.01)?;
    cloud.moto.pool("m5.large", full, "spot", 0)?;
    cloud
        .world
        .apply(&[class, pool(&json!([capacity, kind])), inflate()]);
    let _karpenter = cloud.karpenter(&["--ami-refresh-interval", "1m"]);

    cloud.scale(1);
    let before = cloud.history.until("a pod runs", |now| now.is_settled(1));
    let zone = &before.claims()[0]["metadata"]["labels"]["topology.kubernetes.io/zone"];
    assert!(rest.iter().any(|other| zone == other), "{zone}");
    assert_eq!(cloud.machines()[0].image, "ami-00000000000000001");

    cloud
        .moto
        .images(&json!([image("ami-00000000000000002", 2)]))?;
    let old = names(&before.claims());
    let after = cloud.history.until("the node has the new image", |now| {
        now.is_settled(1) && names(&now.claims()).is_disjoint(&old)
    });
    assert_eq!(
        after.claims()[0]["status"]["imageID"],
        "ami-00000000000000002"
    );
    let old = old.first().expect("one");
    let drifted = |claim: &Value| {
        let conditions = claim["status"]["conditions"].as_array();
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|one| one["type"] == "Drifted" && one["reason"] == "AMIDrift")
    };
    assert!(cloud.history.first(Kind::Claim, old, drifted).is_some());
    let went = cloud.history.first(Kind::Claim, old, is_deleting);
    let then = cloud.history.at(went.expect("it went").revision);
    let initialized = |claim: &&&Value| is_true(claim, "Initialized");
    assert_eq!(then.claims().iter().filter(initialized).count(), 2);
    cloud.until_nothing_leaks();
    Ok(())
}

fn image(id: &str, day: u32) -> Value {
    json!({"id": id, "name": format!("nodes-{day}"), "owner": "123456789012",
           "created": format!("2026-01-0{day}T00:00:00Z"), "tags": {"team": "nodes"}})
}
