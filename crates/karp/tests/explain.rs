//! `karp explain`: what is said about pods, nodes and pools, and how it ends.

mod common;

use std::io::Write as _;

use common::{json, karp, stderr, stdout};
use serde_json::Value;

const NOW: &str = "2026-01-01T12:00:00Z";

/// Two pools, a node with a pod, and pods that go to the node, to a new one, and nowhere.
const WORLD: &str = r#"
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: default}
spec:
  limits: {cpu: "100"}
  template:
    spec:
      nodeClassRef: {group: karpenter.kwok.sh, kind: KWOKNodeClass, name: default}
      requirements:
      - {key: kubernetes.io/arch, operator: In, values: [amd64]}
      - {key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}
---
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: arm}
spec:
  weight: 10
  template:
    spec:
      nodeClassRef: {group: karpenter.kwok.sh, kind: KWOKNodeClass, name: default}
      taints: [{key: arm, effect: NoSchedule}]
      requirements:
      - {key: kubernetes.io/arch, operator: In, values: [arm64]}
---
apiVersion: v1
kind: Node
metadata:
  name: n1
  labels:
    kubernetes.io/hostname: n1
    kubernetes.io/arch: amd64
    kubernetes.io/os: linux
    karpenter.sh/nodepool: default
    karpenter.sh/capacity-type: on-demand
    node.kubernetes.io/instance-type: c-2x-amd64-linux
    topology.kubernetes.io/zone: test-zone-a
spec: {providerID: "kwok://n1"}
status:
  allocatable: {cpu: "2", memory: 4Gi, pods: "16"}
  capacity: {cpu: "2", memory: 4Gi, pods: "16"}
  conditions: [{type: Ready, status: "True"}]
---
apiVersion: v1
kind: Pod
metadata: {name: runs, namespace: shop, uid: a}
spec: {nodeName: n1, containers: [{name: c, resources: {requests: {cpu: "1", memory: 1Gi}}}]}
status: {phase: Running}
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, uid: b, labels: {app: cart}}
spec:
  containers: [{name: c, resources: {requests: {cpu: 3500m, memory: 1Gi}}}]
  affinity:
    nodeAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
      - {weight: 10, preference: {matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [test-zone-b]}]}}
      - {weight: 5, preference: {matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [mars]}]}}
status: &pending {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable}]}
---
apiVersion: v1
kind: Pod
metadata: {name: small, namespace: shop, uid: c}
spec: {containers: [{name: c, resources: {requests: {cpu: 500m, memory: 1Gi}}}]}
status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable}]}
---
apiVersion: v1
kind: Pod
metadata: {name: huge, namespace: shop, uid: d}
spec: {containers: [{name: c, resources: {requests: {cpu: "5000"}}}]}
status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable}]}
---
apiVersion: v1
kind: Pod
metadata: {name: gated, namespace: shop, uid: e}
spec: {schedulingGates: [{name: g}], containers: [{name: c}]}
status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: SchedulingGated}]}
"#;

fn world() -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(WORLD.as_bytes()).unwrap();
    file
}

fn explain(target: &[&str], code: i32) -> Value {
    let file = world();
    let path = file.path().to_str().unwrap();
    let flags = ["-f", path, "--now", NOW, "-o", "json"];
    json(&[&["explain"], target, &flags].concat(), code)
}

fn table(target: &str, code: i32) -> String {
    let file = world();
    let path = file.path().to_str().unwrap();
    let output = karp(&["explain", target, "-f", path, "--now", NOW]);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    stdout(&output)
}

#[test]
fn a_pod_for_a_new_node_has_its_price_its_alternatives_and_what_became_of_its_preferences() {
    let cart = explain(&["pod/shop/cart"], 0);
    assert_eq!(cart["state"], "toNewNode", "{cart:#}");
    assert_eq!(cart["place"]["nodePool"], "default");
    assert_eq!(cart["place"]["zone"], "test-zone-b");
    assert!(cart["place"]["pricePerHour"].as_f64().unwrap() > 0.0);
    let met = |at: usize| cart["preferences"][at]["met"].as_bool().unwrap();
    assert_eq!((met(0), met(1)), (true, false), "{cart:#}");
    let answers: Vec<(&str, bool)> = cart["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| {
            (
                answer["candidate"].as_str().unwrap(),
                answer["takes"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        answers,
        [
            ("node/n1", false),
            ("nodepool/arm", false),
            ("nodepool/default", true)
        ]
    );
    let reason = cart["candidates"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("3500m"), "{reason}");
    insta::assert_snapshot!("a_pod_for_a_new_node", table("pod/shop/cart", 0));
}

#[test]
fn a_pod_for_a_node_that_is_there_costs_nothing_more() {
    let small = explain(&["pod", "shop/small"], 0);
    assert_eq!(
        (&small["state"], &small["place"]["node"]),
        (&"toExistingNode".into(), &"n1".into())
    );
    assert_eq!(small["candidates"][0]["takes"], true);
}

#[test]
fn a_pod_without_a_place_ends_with_2_and_is_told_what_every_candidate_lacks() {
    let huge = explain(&["pod/shop/huge"], 2);
    assert_eq!(huge["state"], "withoutPlace");
    insta::assert_snapshot!("a_pod_without_a_place", table("pod/shop/huge", 2));
}

#[test]
fn pods_that_run_or_are_not_to_be_placed_say_so() {
    let runs = explain(&["pod/shop/runs"], 0);
    assert_eq!(
        (&runs["state"], &runs["place"]["node"]),
        (&"bound".into(), &"n1".into())
    );
    let gated = explain(&["pod/shop/gated"], 0);
    assert_eq!(gated["state"], "notTaken");
    assert!(
        gated["summary"].as_str().unwrap().contains("gate"),
        "{gated}"
    );
}

#[test]
fn a_node_says_what_is_on_it_what_it_costs_and_why_it_stays() {
    let node = explain(&["node/n1"], 0);
    assert_eq!(node["pods"][0]["pod"], "shop/runs");
    assert_eq!(node["coming"], serde_json::json!(["shop/small"]));
    assert_eq!(node["disruption"]["goes"], false);
    assert!(node["pricePerHour"].as_f64().unwrap() > 0.0, "{node:#}");
    insta::assert_snapshot!("a_node", table("node/n1", 0));
}

#[test]
fn a_pool_says_what_each_requirement_keeps_out_and_what_it_would_launch() {
    let pool = explain(&["nodepool", "default"], 0);
    assert_eq!(pool["launches"]["nodes"], 1, "{pool:#}");
    assert_eq!(pool["limits"][0]["resource"], "cpu");
    let filters = pool["types"]["filters"].as_array().unwrap();
    let out: u64 = filters
        .iter()
        .map(|filter| filter["keepsOut"].as_u64().unwrap())
        .sum();
    let (all, admitted) = (&pool["types"]["all"], &pool["types"]["admitted"]);
    assert_eq!(all.as_u64().unwrap() - admitted.as_u64().unwrap(), out);
    insta::assert_snapshot!("a_pool", table("nodepool/default", 0));
}

#[test]
fn what_is_not_there_is_answered_with_names_that_come_close() {
    let file = world();
    let path = file.path().to_str().unwrap();
    for (target, hint) in [
        ("pod/shop/carts", "did you mean shop/cart"),
        ("pod/cart", "did you mean shop/cart"),
        ("node/n2", "did you mean n1"),
        ("nodepool/defualt", "did you mean default"),
        (
            "deployment/web",
            "pod/NAMESPACE/NAME, node/NAME or nodepool/NAME",
        ),
    ] {
        let output = karp(&["explain", target, "-f", path]);
        assert_eq!(output.status.code(), Some(1), "{target}");
        assert!(
            stderr(&output).contains(hint),
            "{target}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn the_help_teaches_by_example() {
    let output = karp(&["explain", "--help"]);
    insta::assert_snapshot!("help", stdout(&output));
}
