//! The provider beneath the loops of every cloud: pods whose first pool can't be used.

use super::*;
use crate::testing::CLAIMS;

fn class(rig: &Rig, name: &str, fields: &Value) {
    let mut class = crate::testing::rig::class(fields);
    class["metadata"]["name"] = json!(name);
    rig.kube.create(CLASSES, class);
}

fn pool(rig: &Rig, name: &str, weight: u32) {
    let class = json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": name});
    rig.kube.create(
        POOLS,
        json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool",
            "metadata": {"name": name},
            "spec": {"weight": weight,
                "template": {"spec": {"requirements": [], "nodeClassRef": class}}}}),
    );
}

fn pending_pod(rig: &Rig, name: &str) {
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{"name": "main", "image": "x",
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}]}});
    let server = &rig.kube.server;
    let pods = apiserver::PODS;
    server.create(pods, "default", pod).expect("a pod");
    let options = apiserver::WriteOptions::status();
    let unschedulable = |pod: &mut Value| {
        pod["status"] = json!({"phase": "Pending", "conditions":
            [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]});
    };
    let written = server.modify(pods, "default", name, &options, unschedulable);
    written.expect("a status");
}

/// CP-3: a class that selects no subnets, no security groups or no images keeps no pod from
/// getting a node of another pool, whatever the weights.
#[tokio::test(start_paused = true)]
async fn pods_get_nodes_of_a_pool_whose_class_finds_what_it_selects() {
    let nothing = json!([{"tags": {"no": "such"}}]);
    for fields in [
        json!({"subnetSelectorTerms": nothing}),
        json!({"securityGroupSelectorTerms": nothing}),
        json!({"amiFamily": "AL2023", "amiSelectorTerms": nothing}),
    ] {
        let rig = Rig::new().await;
        class(&rig, "empty", &fields);
        class(&rig, "good", &json!({}));
        pool(&rig, "empty", 100);
        pool(&rig, "good", 1);
        let world = controllers::World {
            client: rig.kube.client.clone(),
            cloud: rig.provider.cloud(),
            clock: rig.kube.clock.clone(),
            recorder: rig.kube.recorder.clone(),
            metrics: rig.kube.metrics.clone(),
            options: rig.provider.options.clone(),
            seed: 7,
        };
        let stop = rig.shutdown.clone();
        tokio::spawn(async move { controllers::run(world, stop).await });
        pending_pod(&rig, "pod");
        let launched = || {
            let all = apiserver::Selectors::default();
            let claims = rig.kube.server.list(CLAIMS, None, &all).expect("claims");
            let has_instance = |claim: &Value| claim["status"]["providerID"].is_string();
            let claims = claims.items.iter();
            let launched = claims.filter(|claim| has_instance(claim));
            let pools = launched.map(|claim| claim["metadata"]["labels"][NODEPOOL].clone());
            pools.collect::<Vec<Value>>()
        };
        rig.until("there is an instance", || !launched().is_empty())
            .await;
        assert_eq!(launched(), ["good"], "{fields}");
        let instances = rig.fake.change(|state| state.instances.len());
        assert_eq!(instances, 1, "{fields}");
    }
}
