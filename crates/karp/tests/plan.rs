//! The plan's contract: its form, its exit codes, and what bad input is answered with.

mod common;

use std::io::Write as _;

use common::{json, karp, stderr, stdout};
use serde_json::{Value, json};

const NOW: &str = "2026-01-01T12:00:00Z";

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn pool(requirements: &str) -> String {
    format!(
        "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {{name: default}}\nspec:\n  template:\n    spec:\n      \
         nodeClassRef: {{group: karpenter.kwok.sh, kind: KWOKNodeClass, name: default}}\n      requirements: [{requirements}]\n---\n"
    )
}

const PODS: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 3\n  template:\n    \
                    spec:\n      containers: [{name: c, resources: {requests: {cpu: 500m, memory: 1Gi}}}]\n";

fn plan(text: &str, code: i32) -> Value {
    let file = file(text);
    json(
        &[
            "plan",
            "-f",
            file.path().to_str().unwrap(),
            "--now",
            NOW,
            "-o",
            "json",
        ],
        code,
    )
}

#[test]
fn workloads_without_pods_are_expanded_and_every_field_of_the_contract_is_there() {
    let plan = plan(&(pool("") + PODS), 0);
    assert_eq!((&plan["version"], &plan["now"]), (&json!(1), &json!(NOW)));
    let provisioning = &plan["provisioning"];
    let claim = &provisioning["newNodeClaims"][0];
    assert_eq!(
        claim["pods"],
        json!(["default/web-0", "default/web-1", "default/web-2"])
    );
    assert_eq!(claim["nodePool"], "default");
    assert_eq!(claim["requests"]["pods"], "3");
    for field in [
        "name",
        "instanceTypes",
        "requirements",
        "labels",
        "annotations",
        "taints",
        "startupTaints",
        "launch",
    ] {
        assert!(!claim[field].is_null(), "{field}");
    }
    for field in ["instanceType", "zone", "capacityType", "pricePerHour"] {
        assert!(!claim["launch"][field].is_null(), "launch.{field}");
    }
    assert_eq!(
        claim["instanceTypes"][0], claim["launch"]["instanceType"],
        "cheapest first"
    );
    for field in [
        "existingNodes",
        "unschedulable",
        "pricePerHour",
        "lowerBoundPerHour",
    ] {
        assert!(provisioning.get(field).is_some(), "provisioning.{field}");
    }
    for field in ["commands", "kept"] {
        assert!(plan["disruption"][field].is_array(), "disruption.{field}");
    }
    for field in [
        "pods",
        "nodes",
        "decodeMs",
        "solveMs",
        "disruptionMs",
        "peakRssBytes",
    ] {
        assert!(plan["stats"][field].is_number(), "stats.{field}");
    }
}

#[test]
fn the_answer_is_the_same_for_any_number_of_threads_and_order_of_input() {
    let (pool, pods) = (file(&pool("")), file(PODS));
    let (pool, pods) = (pool.path().to_str().unwrap(), pods.path().to_str().unwrap());
    let run = |files: [&str; 2], threads: &str| {
        let mut plan = json(
            &[
                "plan",
                "-f",
                files[0],
                "-f",
                files[1],
                "--now",
                NOW,
                "--threads",
                threads,
                "-o",
                "json",
            ],
            0,
        );
        plan["stats"] = Value::Null;
        plan
    };
    assert_eq!(run([pool, pods], "1"), run([pods, pool], "2"));
}

#[test]
fn pods_without_a_place_make_exit_status_2_and_have_reasons() {
    let impossible = PODS.replace("cpu: 500m", "cpu: 5000");
    let plan = plan(&(pool("") + &impossible), 2);
    let pods = plan["provisioning"]["unschedulable"].as_array().unwrap();
    assert_eq!(pods.len(), 3);
    assert_eq!(pods[0]["rejections"][0]["candidate"], "nodepool/default");
    assert!(
        pods[0]["reason"].as_str().unwrap().contains("5k"),
        "{}",
        pods[0]["reason"]
    );
}

#[test]
fn bad_input_makes_exit_status_1_and_names_file_document_object_and_field() {
    let cases = [
        ("kind: Pod\n  bad: [\n", &["not YAML"][..]),
        ("kind: Pod\nmetadata: {name: a}\n", &["no apiVersion"][..]),
        (
            "apiVersion: v1\nkind: Node\nmetadata: {name: n}\nspec: {taints: 7}\n",
            &["Node n", "taints"][..],
        ),
    ];
    for (text, expected) in cases {
        let file = file(&format!("{}{text}", pool("")));
        let path = file.path().to_str().unwrap();
        let output = karp(&["plan", "-f", path]);
        assert_eq!(output.status.code(), Some(1), "{text}");
        let error = stderr(&output);
        for part in expected.iter().chain([&path, &"document 2"]) {
            assert!(error.contains(part), "{part:?} is not in {error}");
        }
    }
}

#[test]
fn kinds_that_play_no_part_are_named_in_a_warning() {
    let ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\n";
    let file = file(&(pool("") + PODS + ingress));
    let output = karp(&["plan", "-f", file.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stderr(&output).contains("1 object of kind Ingress"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_missing_file_and_a_wrong_flag_are_told_apart_from_answers() {
    let output = karp(&["plan", "-f", "no/such.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no/such.yaml"));
    let file = file(&pool(""));
    let path = file.path().to_str().unwrap();
    let output = karp(&["plan", "-f", path, "--preference-policy", "Maybe"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("Respect or Ignore"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_bound_by_columns_is_closer_and_neither_is_above_the_price() {
    // Two pods of 1100m do not share a node of two cores.
    let file = file(&(pool("") + &PODS.replace("cpu: 500m", "cpu: 1100m")));
    let path = file.path().to_str().unwrap();
    let run = |bound: &str| {
        let plan = json(&["plan", "-f", path, "--bound", bound, "-o", "json"], 0);
        let part = &plan["provisioning"];
        let number = |field: &str| part[field].as_f64().unwrap();
        (number("lowerBoundPerHour"), number("pricePerHour"))
    };
    let ((density, price), (columns, _)) = (run("density"), run("columns"));
    assert!(
        density < columns && columns <= price,
        "{density} {columns} {price}"
    );
}

/// SCH-303: devices are looked for where the flag says so; types of a catalog file have them.
#[test]
fn pods_with_claims_get_devices_if_the_flag_says_so() {
    let catalog = json!([
        {"name": "plain", "architecture": "amd64", "operatingSystems": ["linux"],
            "resources": {"cpu": "4", "memory": "8Gi", "pods": "10"},
            "offerings": [{"Price": 0.1, "Available": true, "Requirements": [
                {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a"]},
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]}]}]},
        {"name": "gpu", "architecture": "amd64", "operatingSystems": ["linux"],
            "resources": {"cpu": "4", "memory": "8Gi", "pods": "10"},
            "dynamicResources": {"slices": [{"driver": "gpu.example.com", "pool": "p",
                "devices": [{"name": "0"}]}]},
            "offerings": [{"Price": 1, "Available": true, "Requirements": [
                {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a"]},
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]}]}]}
    ]);
    let catalog = file(&catalog.to_string());
    let devices = "apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: gpu}\n---\n\
        apiVersion: resource.k8s.io/v1\nkind: ResourceClaimTemplate\nmetadata: {name: one}\nspec:\n  spec:\n    \
        devices: {requests: [{name: r, exactly: {deviceClassName: gpu}}]}\n---\n\
        apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: train}\nspec:\n  replicas: 2\n  template:\n    \
        spec:\n      resourceClaims: [{name: g, resourceClaimTemplateName: one}]\n      \
        containers: [{name: c, resources: {requests: {cpu: 500m}, claims: [{name: g}]}}]\n";
    let input = file(&(pool("") + devices));
    let run = |flag: &str, code| {
        let (input, catalog) = (input.path(), catalog.path());
        let (input, catalog) = (input.to_str().unwrap(), catalog.to_str().unwrap());
        let args = [
            "plan",
            "-f",
            input,
            "--catalog",
            catalog,
            "--now",
            NOW,
            "-o",
            "json",
            flag,
        ];
        json(&args, code)
    };
    let ignored = run("--ignore-dra-requests", 2);
    let reason = ignored["provisioning"]["unschedulable"][0]["reason"].to_string();
    assert!(reason.contains("Dynamic Resource Allocation"), "{reason}");
    let met = run("--ignore-dra-requests=false", 0);
    let claims = met["provisioning"]["newNodeClaims"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(claims.len(), 2, "a node has one device");
    for claim in claims {
        assert_eq!(claim["instanceTypes"], json!(["gpu"]));
        let drivers = &claim["annotations"]["karpenter.sh/requested-dra-drivers"];
        assert_eq!(drivers, "gpu.example.com");
    }
}

#[test]
fn flags_that_cannot_be_obeyed_are_refused() {
    let file = file(&pool(""));
    let path = file.path().to_str().unwrap();
    for (flag, hint) in [
        ("--feature-gates=NodeRepair", "NodeRepair"),
        ("--feature-gates=NodeRepair=on", "true or false"),
        ("--now=yesterday", "--now"),
    ] {
        let output = karp(&["plan", "-f", path, flag]);
        assert_eq!(output.status.code(), Some(1), "{flag}");
        assert!(
            stderr(&output).contains(hint),
            "{flag}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_pod_that_cannot_be_read_is_named_with_its_field_in_a_json_list_too() {
    let list = r#"{"apiVersion":"v1","kind":"List","items":[
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n"}},
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"b","namespace":"n"},
         "spec":{"containers":[{"resources":{"requests":{"cpu":"much"}}}]}}]}"#;
    let file = file(list);
    let output = karp(&["plan", "-f", file.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    for part in [
        "item 2",
        "Pod n/b",
        "spec.containers[0].resources.requests",
        "much",
    ] {
        assert!(error.contains(part), "{part:?} is not in {error}");
    }
}

#[test]
fn the_table_says_what_comes_for_how_much_and_why() {
    let file = file(&(pool("") + PODS));
    let output = karp(&["plan", "-f", file.path().to_str().unwrap(), "--now", NOW]);
    insta::assert_snapshot!(stdout(&output));
}
