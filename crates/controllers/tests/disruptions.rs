//! Drift and consolidation by the product's own decisions, against an API server, in virtual time.

mod common;

use std::cell::Cell;
use std::time::Duration;

use apiserver::{DeleteOptions, NODES, PODS, WriteOptions};
use common::{CLAIMS, POOLS, Rig};
use controllers::CloudError;
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);

/// A workload whose pods come back when they are evicted.
struct Workload {
    app: &'static str,
    replicas: Cell<usize>,
    made: Cell<usize>,
}

impl Workload {
    fn new(app: &'static str, replicas: usize) -> Self {
        Self {
            app,
            replicas: Cell::new(replicas),
            made: Cell::new(0),
        }
    }

    fn pods(&self, rig: &Rig) -> Vec<Value> {
        let mut pods = rig.list(PODS);
        pods.retain(|pod| {
            pod["metadata"]["labels"]["app"] == self.app
                && pod["metadata"]["deletionTimestamp"].is_null()
        });
        pods
    }

    fn keep_up(&self, rig: &Rig) {
        for _ in self.pods(rig).len()..self.replicas.get() {
            let number = self.made.replace(self.made.get() + 1);
            let patch = json!({"metadata": {"labels": {"app": self.app}}});
            rig.pod(&format!("{}-{number}", self.app), &patch);
        }
    }

    fn scale_down(&self, rig: &Rig, replicas: usize) {
        self.replicas.set(replicas);
        for pod in self.pods(rig).iter().skip(replicas) {
            let name = pod["metadata"]["name"].as_str().expect("a name");
            let options = DeleteOptions::default();
            rig.server
                .delete(PODS, "default", name, &options)
                .expect("a deletion");
        }
    }
}

fn running(rig: &Rig) -> usize {
    let pods = rig.list(PODS);
    let running = pods
        .iter()
        .filter(|pod| pod["status"]["phase"] == "Running");
    running.count()
}

/// Two nodes with three pods each.
async fn two_nodes() -> (Rig, [Workload; 2]) {
    let mut rig = Rig::new();
    rig.start();
    let workloads = [Workload::new("a", 3), Workload::new("b", 3)];
    for (number, workload) in workloads.iter().enumerate() {
        workload.keep_up(&rig);
        rig.until(3 * MINUTE, "all pods run", |rig| {
            rig.all_running() && rig.list(NODES).len() == number + 1
        })
        .await;
    }
    (rig, workloads)
}

/// CO-17: two nodes whose pods fit one become one, and no pod is without a place for long.
#[tokio::test(start_paused = true)]
async fn nodes_that_are_hardly_used_become_one() {
    let (rig, workloads) = two_nodes().await;
    for workload in &workloads {
        workload.scale_down(&rig, 1);
    }
    rig.until(10 * MINUTE, "one node is left", |rig| {
        for workload in &workloads {
            workload.keep_up(rig);
        }
        rig.list(NODES).len() == 1 && rig.list(CLAIMS).len() == 1 && running(rig) == 2
    })
    .await;
    rig.clock.sleep(15 * MINUTE).await;
    assert_eq!(rig.list(NODES).len(), 1, "and then it is quiet");
    assert!(
        rig.cloud.launched() <= 4,
        "{} launches",
        rig.cloud.launched()
    );
    let text = rig.metrics.to_text();
    let decided = text.lines().any(|line| {
        line.starts_with("karpenter_voluntary_disruption_decisions_total")
            && line.contains("underutilized")
    });
    assert!(decided, "{text}");
}

/// DR-03, DR-06: nodes of a template that has changed are replaced, one at a time if the budget
/// says so, each after its replacement is complete.
#[tokio::test(start_paused = true)]
async fn drifted_nodes_are_replaced_within_the_budget() {
    let (rig, workloads) = two_nodes().await;
    let old: Vec<Value> = names(&rig.list(CLAIMS));
    let options = WriteOptions::default();
    let changed = rig.server.modify(POOLS, "", "default", &options, |pool| {
        pool["spec"]["disruption"]["budgets"] = json!([{"nodes": "1"}]);
        pool["spec"]["template"]["metadata"]["labels"] = json!({"generation": "2"});
    });
    changed.expect("a change");
    // As budgets count: a node whose instance is being ended has gone.
    let going = |rig: &Rig| {
        let claims = rig.list(CLAIMS);
        let is_ended = |node: &Value| {
            let mut own = claims
                .iter()
                .filter(|claim| claim["status"]["providerID"] == node["spec"]["providerID"]);
            own.any(|claim| {
                let conditions = claim["status"]["conditions"].as_array();
                let mut conditions = conditions.into_iter().flatten();
                conditions
                    .any(|held| held["type"] == "InstanceTerminating" && held["status"] == "True")
            })
        };
        let nodes = rig.list(NODES);
        let going = nodes.iter().filter(|node| {
            let taints = node["spec"]["taints"].as_array();
            let mut taints = taints.into_iter().flatten();
            taints.any(|taint| taint["key"] == "karpenter.sh/disrupted") && !is_ended(node)
        });
        going.count()
    };
    rig.until(20 * MINUTE, "both are replaced", |rig| {
        for workload in &workloads {
            workload.keep_up(rig);
        }
        assert!(going(rig) <= 1, "more go than the budget says");
        let claims = rig.list(CLAIMS);
        names(&claims).iter().all(|name| !old.contains(name)) && running(rig) == 6
    })
    .await;
    for claim in rig.list(CLAIMS) {
        assert_eq!(claim["metadata"]["labels"]["generation"], "2");
    }
}

/// A node that is soon taken away is replaced while it works, the new one first, and within the
/// budget; the other one stays.
#[tokio::test(start_paused = true)]
async fn a_node_that_is_to_be_replaced_goes_after_the_new_one_came() {
    let (rig, workloads) = two_nodes().await;
    let old: Vec<Value> = names(&rig.list(CLAIMS));
    let (marked, other) = (&old[0], &old[1]);
    let budget = |nodes: &'static str| {
        move |pool: &mut Value| {
            pool["spec"]["disruption"]["budgets"] = json!([{"nodes": nodes}]);
        }
    };
    rig.change_pool(budget("0"));
    let mark = |claim: &mut Value| {
        claim["metadata"]["annotations"]["karpenter.sh/replace"] = "rebalance".into();
    };
    let name = marked.as_str().expect("a name");
    let options = WriteOptions::default();
    let written = rig.server.modify(CLAIMS, "", name, &options, mark);
    written.expect("a change");
    rig.clock.sleep(10 * MINUTE).await;
    assert_eq!(names(&rig.list(CLAIMS)), old, "the budget allows nothing");
    rig.change_pool(budget("1"));
    rig.until(10 * MINUTE, "it is replaced", |rig| {
        for workload in &workloads {
            workload.keep_up(rig);
        }
        let claims = names(&rig.list(CLAIMS));
        assert!(running(rig) >= 3, "the other node's pods are not touched");
        assert!(claims.contains(other), "the other one stays");
        let replaced = !claims.contains(marked);
        assert!(!replaced || claims.len() == 2, "the new one comes first");
        replaced && running(rig) == 6
    })
    .await;
}

/// IN-07: a launch that hangs holds up no disruption.
#[tokio::test(start_paused = true)]
async fn a_launch_that_hangs_holds_up_no_disruption() {
    let mut rig = Rig::new();
    rig.start_with(&["--feature-gates", "StaticCapacity=true"]);
    rig.scale_up("a", 3);
    rig.until(3 * MINUTE, "all pods run", Rig::all_running)
        .await;
    let failure = || CloudError::Other("not now".to_owned());
    rig.cloud.fail(std::iter::repeat_with(failure).take(100));
    let pool = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool",
        "metadata": {"name": "fixed"},
        "spec": {"replicas": 1, "template": {"spec": {"requirements": [], "nodeClassRef":
            {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}}}}});
    rig.server.create(POOLS, "", pool).expect("a pool");
    rig.until(MINUTE, "a claim that hangs", |rig| {
        rig.list(CLAIMS).len() == 2
    })
    .await;
    rig.scale_down();
    rig.until(3 * MINUTE, "the empty node is gone", |rig| {
        rig.list(NODES).is_empty()
    })
    .await;
    let claims = rig.list(CLAIMS);
    let unlaunched = |claim: &Value| {
        let id = claim["status"]["providerID"].as_str();
        id.unwrap_or_default().is_empty()
    };
    assert!(
        claims.len() == 1 && claims.iter().all(unlaunched),
        "{claims:?}"
    );
}

fn names(objects: &[Value]) -> Vec<Value> {
    let names = objects.iter();
    names
        .map(|object| object["metadata"]["name"].clone())
        .collect()
}
