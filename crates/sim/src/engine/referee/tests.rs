use std::sync::Arc;

use apiserver::{NODES, PODS, Resource, WriteOptions};
use catalog::Catalogs;
use runtime::client::{Kind, ObjectKey, Preconditions};
use runtime::{Client, Clock, Metrics};
use serde_json::{Value, json};

use super::super::{Config, Engine, setup};
use crate::cloud::SimCloud;
use crate::wire::Wire;
use crate::{Scenario, Timing};

const CLAIMS: Resource<'static> = Resource::new("karpenter.sh", "v1", "nodeclaims");
const KWOK: Kind = Kind {
    group: "karpenter.kwok.sh",
    version: "v1alpha1",
    kind: "KWOKNodeClass",
    plural: "kwoknodeclasses",
};
const START: &str = "2026-01-01T00:00:00Z";
const EARLIER: &str = "2025-12-31T20:00:00Z";

/// A cluster with a pool of four nodes of which one may go at once.
fn engine() -> Engine {
    let start = model::Timestamp::parse(START).unwrap();
    let clock = Clock::simulated(start);
    let server = setup::server(&clock, 1).unwrap();
    let catalogs = Catalogs::same(catalog::kwok::standard());
    let cloud = Arc::new(SimCloud::new(catalogs.clone(), vec![KWOK], clock.clone()));
    let wire = Wire::new(server.clone(), clock.clone());
    let pool = json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": { "name": "p" },
        "spec": {
            "disruption": { "consolidateAfter": "0s", "budgets": [{ "nodes": "1" }] },
            "template": { "spec": { "requirements": [], "nodeClassRef":
                { "group": KWOK.group, "kind": KWOK.kind, "name": "default" } } },
        },
    });
    let config = Config {
        objects: vec![pool],
        scenario: Scenario::default(),
        catalogs,
        kinds: vec![KWOK],
        options: settings(),
        timing: Timing::default(),
        start,
        at_most: std::time::Duration::from_hours(1),
        seed: 1,
    };
    let mut engine = Engine::new(config, server, wire, cloud, (clock, Metrics::new())).unwrap();
    engine.start().unwrap();
    for number in 0..4 {
        add_node(&engine, number);
    }
    engine.absorb().unwrap();
    assert!(engine.referee.breaches.is_empty());
    engine
}

fn settings() -> runtime::Options {
    let flags = ["--cluster-name=simulated".to_owned()];
    match runtime::options::parse(&flags, &std::collections::BTreeMap::new()) {
        Ok(runtime::options::Parsed::Run(options)) => *options,
        _ => panic!("these are settings"),
    }
}

fn condition(name: &str, reason: &str) -> Value {
    json!({ "type": name, "status": "True", "reason": reason, "message": "",
            "lastTransitionTime": EARLIER })
}

fn add_node(engine: &Engine, number: usize) {
    let node = json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": format!("n{number}"),
            "labels": { "karpenter.sh/nodepool": "p" } },
        "spec": { "providerID": format!("kwok:///n{number}") },
    });
    engine.server.create(NODES, "", node).unwrap();
    status(
        engine,
        NODES,
        &format!("n{number}"),
        &json!({
            "conditions": [condition("Ready", "KubeletReady")],
        }),
    );
    let claim = json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
        "metadata": { "name": format!("c{number}"), "labels": { "karpenter.sh/nodepool": "p" } },
        "spec": { "requirements": [], "nodeClassRef":
            { "group": KWOK.group, "kind": KWOK.kind, "name": "default" } },
    });
    engine.server.create(CLAIMS, "", claim).unwrap();
    status(
        engine,
        CLAIMS,
        &format!("c{number}"),
        &json!({
            "nodeName": format!("n{number}"),
            "providerID": format!("kwok:///n{number}"),
            "conditions": [condition("Initialized", "Initialized")],
        }),
    );
}

fn status(engine: &Engine, resource: Resource<'_>, name: &str, status: &Value) {
    let options = WriteOptions::status();
    let change = |object: &mut Value| object["status"] = status.clone();
    let written = engine.server.modify(resource, "", name, &options, change);
    written.unwrap();
}

/// Marks a claim as Karpenter does that wants its node to go.
fn mark(engine: &mut Engine, number: usize, reason: &str) {
    let marked = condition("DisruptionReason", reason);
    let name = format!("c{number}");
    let options = WriteOptions::status();
    let add = |claim: &mut Value| {
        let conditions = claim["status"]["conditions"].as_array_mut();
        conditions.unwrap().push(marked.clone());
    };
    engine
        .server
        .modify(CLAIMS, "", &name, &options, add)
        .unwrap();
    engine.absorb().unwrap();
}

fn add_pod(engine: &Engine, node: &str, protected: &str) {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "w", "namespace": "default",
            "annotations": { "karpenter.sh/do-not-disrupt": protected } },
        "spec": { "nodeName": node, "containers": [{ "name": "w", "image": "w" }] },
    });
    engine.server.create(PODS, "default", pod).unwrap();
    let options = WriteOptions::status();
    let runs = |pod: &mut Value| {
        pod["status"]["phase"] = json!("Running");
        pod["status"]["startTime"] = json!(EARLIER);
    };
    let written = engine.server.modify(PODS, "default", "w", &options, runs);
    written.unwrap();
}

/// What was found to be wrong; one thing.
fn breach(engine: &Engine) -> &str {
    match &engine.referee.breaches[..] {
        [one] => &one.what,
        other => panic!("{other:?} is not one breach"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_node_that_goes_is_more_than_a_budget_of_one_allows() {
    let mut engine = engine();
    mark(&mut engine, 0, "Empty");
    assert!(engine.referee.breaches.is_empty());
    let pool = &engine.referee.pools["p"];
    assert_eq!((pool.most_going, pool.allowed_then), (1, Some(1)));
    mark(&mut engine, 1, "Drifted");
    let expected = "n1 goes because it is Drifted: then 2 of 4 nodes of NodePool p are going at \
                    once, and its budgets allow 1";
    assert_eq!(breach(&engine), expected);
}

#[tokio::test(start_paused = true)]
async fn a_node_with_a_protected_pod_may_not_be_chosen() {
    for (annotation, breaks) in [
        ("true", true),
        ("5h", true),
        ("1h", false),
        ("false", false),
    ] {
        let mut engine = engine();
        add_pod(&engine, "n0", annotation);
        engine.absorb().unwrap();
        mark(&mut engine, 0, "Underutilized");
        let expected = usize::from(breaks);
        assert_eq!(engine.referee.breaches.len(), expected, "{annotation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_protected_pod_may_not_be_evicted_nor_deleted_before_a_deadline() {
    for (evicted, expected) in [
        (
            true,
            "pod default/w on n0 was evicted although it is marked do-not-disrupt",
        ),
        (
            false,
            "pod default/w on n0 was deleted before the deadline of its node, which goes because \
             it is Deleted",
        ),
    ] {
        let mut engine = engine();
        add_pod(&engine, "n0", "true");
        engine.absorb().unwrap();
        let client = Client::from_service(engine.wire.service());
        let key = ObjectKey::namespaced("default".to_owned(), "w".to_owned());
        if evicted {
            client.evict(&key, &Preconditions::none()).await.unwrap();
        } else {
            let any = Preconditions::none();
            client.delete::<model::k8s::Pod>(&key, &any).await.unwrap();
        }
        engine.absorb().unwrap();
        engine.judge_asks();
        assert_eq!(breach(&engine), expected);
        let counts = [&engine.referee.evicted, &engine.referee.forced];
        let counts = counts.map(|counts| counts.values().sum::<u64>());
        assert_eq!(counts, if evicted { [1, 0] } else { [0, 1] });
    }
}
