//! A cluster in an account, with what a guide lets people prepare: tags, a role, a queue.

use std::collections::BTreeSet;
use std::sync::Arc;

use control_plane::Settings;
use moto::{Machine, Moto, Network};
use serde_json::{Value, json};

use crate::common::history::History;
use crate::common::world::World;
use crate::common::{Karpenter, until_within};
use crate::kubelets::Kubelets;

/// The cluster.
pub(crate) const CLUSTER: &str = "demo";
/// Where it is.
pub(crate) const REGION: &str = "us-west-2";
/// The role of its nodes.
pub(crate) const ROLE: &str = "KarpenterNodeRole-demo";
/// The queue of interruptions.
const QUEUE: &str = "karpenter-demo";

/// A cluster and its account.
pub(crate) struct Cloud {
    pub(crate) world: World,
    pub(crate) moto: Arc<Moto>,
    pub(crate) network: Network,
    /// URL of the queue.
    pub(crate) queue: String,
    pub(crate) history: History,
    pub(crate) kubelets: Kubelets,
}

impl Cloud {
    /// Both, empty.
    pub(crate) fn start(name: &str) -> anyhow::Result<Self> {
        let moto = Arc::new(Moto::start()?);
        let network = moto.network(REGION, "karpenter.sh/discovery", CLUSTER)?;
        moto.cluster(REGION, CLUSTER, "1.33")?;
        moto.role(ROLE)?;
        let queue = moto.queue(REGION, QUEUE)?;
        let world = World::of_provider(name, Settings { audit: true }, "aws")?;
        let history = History::follow(&world);
        let kubelets = Kubelets::start(moto.clone(), &world);
        Ok(Self {
            world,
            moto,
            network,
            queue,
            history,
            kubelets,
        })
    }

    /// Starts Karpenter as the guide does, with further settings, and waits until it leads.
    pub(crate) fn karpenter(&self, further: &[&str]) -> Karpenter {
        let karpenter = self.karpenter_starting(further);
        karpenter.says("became leader");
        karpenter
    }

    /// The same without waiting for anything.
    pub(crate) fn karpenter_starting(&self, further: &[&str]) -> Karpenter {
        let mut args = vec!["--cluster-name", CLUSTER, "--interruption-queue", QUEUE];
        args.extend(["--eks-control-plane", "true"]);
        args.extend(["--batch-idle-duration", "200ms"]);
        args.extend(["--batch-max-duration", "2s"]);
        args.extend(["--consolidation-settle", "0s"]);
        args.extend(further);
        let environment = self.moto.environment(REGION);
        self.world.karpenter_with(&environment, &args)
    }

    /// The instances that have not ended.
    pub(crate) fn machines(&self) -> Vec<Machine> {
        self.moto.machines(REGION).expect("instances")
    }

    /// Waits until the instances are those of the claims, one each.
    pub(crate) fn until_nothing_leaks(&self) {
        // Instances without a claim are looked for every two minutes.
        let mut seen = (BTreeSet::new(), BTreeSet::new());
        until_within(8, "the instances are those of the claims", || {
            let now = self.history.now();
            let ids = now.claims().into_iter().map(instance_of);
            seen.0 = ids.collect();
            seen.1 = self.machines().into_iter().map(|one| one.id).collect();
            seen.0 == seen.1
        });
    }

    /// Sends an event of EventBridge about EC2 to the queue.
    pub(crate) fn event(&self, kind: &str, detail: &Value) {
        let sent = self
            .moto
            .send_event(REGION, &self.queue, "aws.ec2", kind, detail);
        sent.expect("sends");
    }

    /// Scales the deployment `inflate`.
    pub(crate) fn scale(&self, replicas: u32) {
        let replicas = format!("--replicas={replicas}");
        let scaled = self
            .world
            .kubectl(&["scale", "deployment/inflate", &replicas]);
        scaled.expect("scales");
    }
}

/// Id of the instance of a claim or node; empty if it has none.
pub(crate) fn instance_of(object: &Value) -> String {
    let id = object["status"]["providerID"].as_str();
    let id = id.or_else(|| object["spec"]["providerID"].as_str());
    let id = id.and_then(|id| id.rsplit('/').next());
    id.unwrap_or_default().to_owned()
}

/// A manifest of the examples.
pub(crate) fn example(name: &str) -> Value {
    let path = format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("an example");
    serde_saphyr::from_str(&text).expect("YAML")
}

/// The example's deployment, without replicas.
pub(crate) fn inflate() -> Value {
    example("inflate/inflate.yaml")
}

/// A pool for the class `default` with requirements, whose empty nodes go at once.
pub(crate) fn pool(requirements: &Value) -> Value {
    json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "default"},
        "spec": {
            "template": {"spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass",
                                 "name": "default"},
                "requirements": requirements,
            }},
            "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "0s",
                           "budgets": [{"nodes": "100%"}]},
        },
    })
}

/// A requirement: one of these values.
pub(crate) fn one_of(key: &str, values: &[&str]) -> Value {
    json!({"key": key, "operator": "In", "values": values})
}
