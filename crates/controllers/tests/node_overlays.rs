//! Node overlays, against an API server, in virtual time.

mod common;

use std::time::Duration;

use apiserver::{DeleteOptions, Resource, WriteOptions};
use common::{CLAIMS, POOLS, Rig};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);
const GATE: [&str; 2] = ["--feature-gates", "NodeOverlay=true"];
const OVERLAYS: Resource<'static> = Resource::new("karpenter.sh", "v1alpha1", "nodeoverlays");
const TYPE: &str = "node.kubernetes.io/instance-type";
/// A type of the KWOK set.
const M8: &str = "m-8x-amd64-linux";

fn overlay(rig: &Rig, name: &str, spec: Value) {
    let mut spec = spec;
    if spec["requirements"].is_null() {
        spec["requirements"] = json!([{"key": TYPE, "operator": "In", "values": [M8]}]);
    }
    let overlay = json!({"apiVersion": "karpenter.sh/v1alpha1", "kind": "NodeOverlay",
        "metadata": {"name": name}, "spec": spec});
    rig.server
        .create(OVERLAYS, "", overlay)
        .expect("an overlay");
}

/// Status and reason of the validation of an overlay, and whether it is ready.
fn stands(rig: &Rig, name: &str) -> (String, String, String) {
    let all = rig.list(OVERLAYS);
    let of = |overlay: &&Value| overlay["metadata"]["name"] == name;
    let conditions = all.iter().find(of).expect("the overlay")["status"]["conditions"].clone();
    let conditions = conditions.as_array().cloned().unwrap_or_default();
    let text = |r#type: &str, field: &str| {
        let held = conditions.iter().find(|held| held["type"] == r#type);
        let text = held.and_then(|held| held[field].as_str());
        text.unwrap_or_default().to_owned()
    };
    let validation = "ValidationSucceeded";
    (
        text(validation, "status"),
        text(validation, "reason"),
        text("Ready", "status"),
    )
}

async fn until_stands(rig: &Rig, name: &str, wanted: (&str, &str, &str)) {
    rig.until(MINUTE, &format!("{name} is {wanted:?}"), |rig| {
        let (status, reason, ready) = stands(rig, name);
        (&*status, &*reason, &*ready) == wanted
    })
    .await;
}

const VALID: (&str, &str, &str) = ("True", "ValidationSucceeded", "True");
const CONFLICT: (&str, &str, &str) = ("False", "Conflict", "False");

fn annotation(claim: &Value, name: &str) -> bool {
    claim["metadata"]["annotations"][format!("karpenter.sh/{name}-overlay-applied")] == "true"
}

/// Types that a claim may become.
fn types(claim: &Value) -> Vec<String> {
    let requirements = claim["spec"]["requirements"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let of_type = requirements.into_iter().find(|item| item["key"] == TYPE);
    let values = of_type.expect("instance types")["values"].clone();
    serde_json::from_value(values).expect("names")
}

/// SCH-271, SCH-275, SCH-280: an overlay is told that it is in force, and claims that it has had a
/// part in them.
#[tokio::test(start_paused = true)]
async fn an_overlaid_price_decides_and_is_named_on_the_claim() {
    let mut rig = Rig::new();
    rig.start_with(&GATE);
    rig.scale_up("before", 1);
    rig.until(2 * MINUTE, "the pod runs", Rig::all_running)
        .await;
    assert!(
        !annotation(&rig.list(CLAIMS)[0], "price"),
        "there is no overlay yet"
    );
    overlay(&rig, "free", json!({"price": "0.0001"}));
    until_stands(&rig, "free", VALID).await;
    rig.pod(
        "large",
        &json!({"spec": {"containers": [{"name": "main", "image": "pause",
        "resources": {"requests": {"cpu": "6", "memory": "1Gi"}}}]}}),
    );
    rig.until(2 * MINUTE, "there is a second node", |rig| {
        rig.list(CLAIMS).len() == 2
    })
    .await;
    let claims = rig.list(CLAIMS);
    let claim = claims
        .iter()
        .find(|claim| annotation(claim, "price"))
        .expect("the new claim");
    assert!(types(claim).iter().any(|name| name == M8));
    assert!(!annotation(claim, "capacity"));
}

/// SCH-273, SCH-272, SCH-278: contradictions and mistakes are told, and settled when they end.
#[tokio::test(start_paused = true)]
async fn overlays_that_contradict_each_other_are_told() {
    let mut rig = Rig::new();
    overlay(&rig, "a", json!({"price": "1"}));
    overlay(&rig, "b", json!({"priceAdjustment": "-10%"}));
    let unknown =
        json!([{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["rented"]}]);
    overlay(
        &rig,
        "wrong",
        json!({"requirements": unknown, "price": "1"}),
    );
    rig.start_with(&GATE);
    until_stands(&rig, "b", VALID).await;
    until_stands(&rig, "a", CONFLICT).await;
    until_stands(&rig, "wrong", ("False", "RuntimeValidation", "False")).await;
    let options = WriteOptions::default();
    let weighed = rig.server.modify(OVERLAYS, "", "a", &options, |overlay| {
        overlay["spec"]["weight"] = json!(5);
    });
    weighed.expect("a change");
    until_stands(&rig, "a", VALID).await;
    until_stands(&rig, "b", VALID).await;
    let equal = rig.server.modify(OVERLAYS, "", "b", &options, |overlay| {
        overlay["spec"]["weight"] = json!(5);
    });
    equal.expect("a change");
    until_stands(&rig, "a", CONFLICT).await;
    rig.server
        .delete(OVERLAYS, "", "b", &DeleteOptions::now())
        .expect("a deletion");
    until_stands(&rig, "a", VALID).await;
    // Nothing more is written while nothing changes.
    let writes = rig.wire.writes().len();
    rig.clock.sleep(10 * MINUTE).await;
    let further = rig.wire.writes().split_off(writes);
    assert!(
        !further.iter().any(|write| write.contains("nodeoverlays")),
        "{further:?}"
    );
}

/// SCH-275: a resource that only an overlay knows of is counted on, also while the node is not
/// complete.
#[tokio::test(start_paused = true)]
async fn pods_get_a_node_for_a_resource_that_an_overlay_promises() {
    let mut rig = Rig::new();
    rig.start_with(&GATE);
    let device = |count: &str| {
        json!({"spec": {"containers": [{"name": "main", "image": "pause", "resources":
            {"requests": {"cpu": "1", "memory": "1Gi", "example.com/device": count},
                "limits": {"example.com/device": count}}}]}})
    };
    rig.pod("first", &device("3"));
    rig.clock.sleep(MINUTE).await;
    assert_eq!(rig.list(CLAIMS), Vec::<Value>::new(), "no type has it");
    overlay(
        &rig,
        "device",
        json!({"capacity": {"example.com/device": "4"}}),
    );
    until_stands(&rig, "device", VALID).await;
    rig.until(MINUTE, "there is a node", |rig| rig.list(CLAIMS).len() == 1)
        .await;
    let claim = rig.list(CLAIMS).remove(0);
    assert_eq!(types(&claim), [M8]);
    assert!(annotation(&claim, "capacity") && !annotation(&claim, "price"));
    rig.until(MINUTE, "it is launched", |rig| {
        rig.list(CLAIMS)[0]["status"]["capacity"]["example.com/device"] == "4"
    })
    .await;
    // The device's plugin has not come up yet, and no other node is launched meanwhile.
    rig.clock.sleep(2 * MINUTE).await;
    assert_eq!(rig.list(CLAIMS).len(), 1);
}

/// SCH-279, SCH-280: a pool whose types can't be read waits, the others do not.
#[tokio::test(start_paused = true)]
async fn a_pool_that_cannot_be_looked_at_waits_alone() {
    let mut rig = Rig::new();
    let pool = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool",
        "metadata": {"name": "blind"},
        "spec": {"template": {"spec": {"requirements": [], "nodeClassRef":
            {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}}}}});
    rig.server.create(POOLS, "", pool).expect("a pool");
    overlay(&rig, "o", json!({"requirements": [], "price": "0.5"}));
    rig.cloud.hide(&["blind"]);
    rig.start_with(&GATE);
    rig.scale_up("web", 1);
    let only_blind = json!({"spec": {"nodeSelector": {"karpenter.sh/nodepool": "blind"}}});
    rig.until(2 * MINUTE, "the pod runs", Rig::all_running)
        .await;
    rig.scale_down();
    rig.until(5 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
    rig.pod("blind", &only_blind);
    rig.clock.sleep(2 * MINUTE).await;
    assert_eq!(rig.list(CLAIMS), Vec::<Value>::new());
    rig.cloud.hide(&[]);
    rig.until(20 * MINUTE, "the pod has a node", |rig| {
        rig.list(CLAIMS).len() == 1
    })
    .await;
    let claim = rig.list(CLAIMS).remove(0);
    assert_eq!(
        claim["metadata"]["labels"]["karpenter.sh/nodepool"],
        "blind"
    );
    assert!(annotation(&claim, "price"));
}

/// Without the gate overlays are not looked at.
#[tokio::test(start_paused = true)]
async fn without_the_gate_prices_are_the_providers() {
    let mut rig = Rig::new();
    overlay(&rig, "o", json!({"requirements": [], "price": "0.5"}));
    rig.start();
    rig.scale_up("web", 1);
    rig.until(2 * MINUTE, "the pod runs", Rig::all_running)
        .await;
    assert!(!annotation(&rig.list(CLAIMS)[0], "price"));
    assert_eq!(rig.list(OVERLAYS)[0]["status"], Value::Null);
}
