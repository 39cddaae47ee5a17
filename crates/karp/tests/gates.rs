//! What counts behind a feature gate only: overlays, buffers, pools with a fixed number of nodes.

mod common;

use std::io::Write as _;

use common::{karp, stderr};
use serde_json::{Value, json};

const POOL: &str = "
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: default}
spec:
  disruption: {consolidateAfter: 0s, budgets: [{nodes: 100%}]}
  template:
    spec:
      requirements: []
      nodeClassRef: {group: karpenter.kwok.sh, kind: KWOKNodeClass, name: default}
---
";

const POD: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default}
spec: {containers: [{name: c, resources: {requests: {cpu: 500m}}}]}
status: {phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable}]}
---
";

const BUFFER: &str = "
apiVersion: v1
kind: PodTemplate
metadata: {name: t}
template: {spec: {containers: [{name: c, resources: {requests: {cpu: 500m}}}]}}
---
apiVersion: autoscaling.x-k8s.io/v1beta1
kind: CapacityBuffer
metadata: {name: b}
spec: {podTemplateRef: {name: t}, replicas: 2}
---
";

const NODE: &str = "
apiVersion: v1
kind: Node
metadata:
  name: n1
  labels: {karpenter.sh/nodepool: default, karpenter.sh/registered: 'true', karpenter.sh/initialized: 'true',
    node.kubernetes.io/instance-type: c-4x-amd64-linux, topology.kubernetes.io/zone: test-zone-a,
    karpenter.sh/capacity-type: on-demand, kubernetes.io/arch: amd64, kubernetes.io/os: linux, kubernetes.io/hostname: n1}
spec: {providerID: i-1}
status:
  capacity: {cpu: '4', memory: 8Gi, pods: '110'}
  allocatable: {cpu: '4', memory: 8Gi, pods: '110'}
  conditions: [{type: Ready, status: 'True'}]
---
apiVersion: karpenter.sh/v1
kind: NodeClaim
metadata: {name: c1, labels: {karpenter.sh/nodepool: default}}
spec: {requirements: [], nodeClassRef: {group: karpenter.kwok.sh, kind: KWOKNodeClass, name: default}}
status:
  providerID: i-1
  nodeName: n1
  conditions:
  - {type: Initialized, status: 'True', lastTransitionTime: 2026-01-01T00:00:00Z}
  - {type: Consolidatable, status: 'True', lastTransitionTime: 2026-01-01T00:00:00Z}
---
";

/// A file of some manifests.
fn written(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new()
        .suffix(".yaml")
        .tempfile()
        .expect("a file");
    file.write_all(text.as_bytes()).expect("a file");
    file
}

/// The plan for some manifests, and what was said about them.
fn plan(text: &str, further: &[&str]) -> (Value, String) {
    let file = written(text);
    let path = file.path().to_str().expect("a path");
    let mut args = vec![
        "plan",
        "-f",
        path,
        "--now",
        "2026-01-02T00:00:00Z",
        "-o",
        "json",
    ];
    args.extend(further);
    let output = karp(&args);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let plan = serde_json::from_slice(&output.stdout).expect("a plan");
    (plan, said)
}

const BUFFERS_ON: [&str; 2] = ["--feature-gates", "CapacityBuffer=true"];
const OVERLAYS_ON: [&str; 2] = ["--feature-gates", "NodeOverlay=true"];

/// SCH-284, SCH-281: the pods of a buffer appear under their names; without the gate they do not,
/// and a warning says why.
#[test]
fn the_pods_of_a_buffer_are_planned_for() {
    let text = [POOL, POD, BUFFER].concat();
    let (planned, said) = plan(&text, &BUFFERS_ON);
    let claims = planned["provisioning"]["newNodeClaims"].as_array().cloned();
    let mut pods: Vec<Value> = claims
        .expect("claims")
        .iter()
        .flat_map(|claim| claim["pods"].as_array().cloned().unwrap_or_default())
        .collect();
    pods.sort_by_key(ToString::to_string);
    let expected = json!([
        "default/capacity-buffer-b-1",
        "default/capacity-buffer-b-2",
        "default/web"
    ]);
    assert_eq!(Value::from(pods), expected, "{said}");
    let (planned, said) = plan(&text, &[]);
    let claims = &planned["provisioning"]["newNodeClaims"];
    assert_eq!(claims[0]["pods"], json!(["default/web"]));
    assert!(
        said.contains("CapacityBuffer left out: --feature-gates CapacityBuffer=true"),
        "{said}"
    );
    let lost = BUFFER.replace("podTemplateRef: {name: t}", "podTemplateRef: {name: u}");
    let (_, said) = plan(&[POOL, POD, &lost].concat(), &BUFFERS_ON);
    assert!(
        said.contains("CapacityBuffer default/b keeps no room: PodTemplate \"u\" not found"),
        "{said}"
    );
}

/// SCH-286: an empty node that a buffer's pods fit on stays, whatever is planned.
#[test]
fn a_node_that_keeps_room_stays() {
    let text = [POOL, NODE, BUFFER].concat();
    for subject in ["all", "disruption"] {
        let further = ["--for", subject];
        let (planned, said) = plan(&text, &[&BUFFERS_ON[..], &further].concat());
        let disruption = &planned["disruption"];
        assert_eq!(disruption["commands"], json!([]), "{said}");
        assert!(
            disruption.to_string().contains("has buffer pods"),
            "{disruption}"
        );
        let (planned, _) = plan(&text, &further);
        let commands = planned["disruption"]["commands"].as_array().map(Vec::len);
        assert_eq!(commands, Some(1), "without the gate it goes");
    }
}

/// SCH-275, SCH-273: overlaid prices decide and are shown; what is not in force is said.
#[test]
fn overlays_change_the_prices_of_a_plan() {
    let overlay = |name: &str, price: &str| {
        format!(
            "apiVersion: karpenter.sh/v1alpha1\nkind: NodeOverlay\nmetadata: {{name: {name}}}\nspec:\n  \
             price: '{price}'\n  requirements: [{{key: node.kubernetes.io/instance-type, operator: In, \
             values: [m-256x-arm64-linux]}}]\n---\n"
        )
    };
    let text = [POOL, POD, &overlay("a", "9"), &overlay("b", "0.0001")].concat();
    let launch = |planned: &Value| {
        let launch = planned["provisioning"]["newNodeClaims"][0]["launch"].clone();
        (
            launch["instanceType"].clone(),
            launch["pricePerHour"].clone(),
        )
    };
    let (planned, said) = plan(&text, &OVERLAYS_ON);
    assert_eq!(
        launch(&planned),
        (json!("m-256x-arm64-linux"), json!(0.0001)),
        "{planned}"
    );
    assert!(
        said.contains("NodeOverlay a is not in force: conflict with another overlay"),
        "{said}"
    );
    let (planned, said) = plan(&text, &[]);
    assert_ne!(launch(&planned).0, json!("m-256x-arm64-linux"));
    assert!(said.contains("NodeOverlay left out"), "{said}");
}

/// Nobody asks for the nodes of such a pool and their types are not listed, and that is what a run
/// says. The gate may be turned on by the scenario, and off again by a flag.
#[test]
fn a_run_tells_claims_of_a_fixed_pool_from_others() {
    let pool = POOL.replace(
        "spec:\n  disruption:",
        "spec:\n  replicas: 2\n  disruption:",
    );
    let scenario = "
apiVersion: sim.karpenter.sh/v1
kind: Scenario
metadata: {name: fixed}
spec: {featureGates: StaticCapacity=true, steps: []}
";
    let file = written(&[&*pool, scenario].concat());
    let path = file.path().to_str().expect("a path");
    let run = |further: &[&str]| {
        let output = karp(&[&["simulate", "-f", path, "--for", "5m"], further].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        String::from_utf8(output.stdout).expect("text")
    };
    let text = run(&[]);
    let said = text.matches("by NodePool default, which has a fixed number of nodes");
    assert_eq!(said.count(), 2, "{text}");
    assert!(!text.contains("to choose from"), "{text}");
    let text = run(&["--feature-gates", "StaticCapacity=false"]);
    assert!(!text.contains("by NodePool"), "{text}");
}
