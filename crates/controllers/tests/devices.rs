//! Dynamic resource allocation against an API server, in virtual time.

mod common;

use std::time::Duration;

use apiserver::{EVENTS, NODES, Resource};
use common::{CLAIMS, Fault, Rig};
use serde_json::{Value, json};

const DEVICE_CLASSES: Resource<'static> = Resource::new("resource.k8s.io", "v1", "deviceclasses");
const RESOURCE_CLAIMS: Resource<'static> = Resource::new("resource.k8s.io", "v1", "resourceclaims");
const SLICES: Resource<'static> = Resource::new("resource.k8s.io", "v1", "resourceslices");
const SECONDS_20: Duration = Duration::from_secs(20);
const MINUTE: Duration = Duration::from_mins(1);

/// A device class, a claim for one of its devices, and a pod that uses it.
fn make_claim(rig: &Rig) {
    let class = json!({"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass",
        "metadata": {"name": "gpu"}, "spec": {"selectors": [
            {"cel": {"expression": "device.driver == 'gpu.example.com'"}}]}});
    rig.server
        .create(DEVICE_CLASSES, "", class)
        .expect("a class");
    let claim = json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
        "metadata": {"name": "g", "namespace": "default"}, "spec": {"devices": {"requests": [
            {"name": "r", "exactly": {"deviceClassName": "gpu"}}]}}});
    rig.server
        .create(RESOURCE_CLAIMS, "default", claim)
        .expect("a claim");
    let uses = json!({"spec": {"resourceClaims": [{"name": "g", "resourceClaimName": "g"}]}});
    rig.pod("claims", &uses);
}

fn initialized(rig: &Rig) -> Option<(Value, Value)> {
    let claim = rig.list(CLAIMS).into_iter().next()?;
    let conditions = claim["status"]["conditions"].as_array()?.clone();
    let held = conditions
        .into_iter()
        .find(|c| c["type"] == "Initialized")?;
    Some((held["status"].clone(), held["reason"].clone()))
}

/// SCH-303: by default a pod with claims is left alone and told why; nobody looks at claims.
#[tokio::test(start_paused = true)]
async fn pods_with_claims_are_left_alone_by_default() {
    let mut rig = Rig::new();
    rig.start();
    make_claim(&rig);
    let told = |rig: &Rig| {
        rig.list(EVENTS).into_iter().find(|event| {
            event["reason"] == "FailedScheduling" && event["involvedObject"]["name"] == "claims"
        })
    };
    rig.until(SECONDS_20, "an event", |rig| told(rig).is_some())
        .await;
    let message = told(&rig).expect("an event")["message"].to_string();
    assert!(
        message.contains("pod has Dynamic Resource Allocation requirements"),
        "{message}"
    );
    rig.clock.sleep(MINUTE).await;
    assert_eq!(rig.list(CLAIMS).len(), 0);
}

/// SCH-287, LC-36: with the setting the pod gets a claim of the types that have the device, and the
/// node is complete once the driver has published it.
#[tokio::test(start_paused = true)]
async fn pods_with_claims_get_nodes_with_devices_where_claims_are_met() {
    let mut rig = Rig::new();
    rig.start_with(&["--ignore-dra-requests=false"]);
    make_claim(&rig);
    rig.until(SECONDS_20, "a claim", |rig| rig.list(CLAIMS).len() == 1)
        .await;
    let claim = &rig.list(CLAIMS)[0];
    let annotations = &claim["metadata"]["annotations"];
    assert_eq!(
        annotations["karpenter.sh/requested-dra-drivers"],
        "gpu.example.com"
    );
    let requirements = claim["spec"]["requirements"]
        .as_array()
        .expect("requirements");
    let types = requirements
        .iter()
        .find(|r| r["key"] == "node.kubernetes.io/instance-type");
    let names = types.expect("types")["values"].as_array().expect("names");
    assert!(!names.is_empty());
    let named = |name: &Value| name.as_str().is_some_and(|name| name.starts_with("m-"));
    assert!(names.iter().all(named), "{names:?}");

    let waits = (json!("Unknown"), json!("DRADriverPoolsNotPublished"));
    rig.until(MINUTE, "a node", |rig| {
        initialized(rig) == Some(waits.clone())
    })
    .await;
    rig.clock.sleep(MINUTE).await;
    assert_eq!(initialized(&rig), Some(waits));
    let node = rig.list(NODES)[0]["metadata"]["name"].clone();
    let slice = json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice",
        "metadata": {"name": "s"}, "spec": {"driver": "gpu.example.com", "nodeName": node,
            "pool": {"name": node, "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": "gpu-0"}]}});
    rig.server.create(SLICES, "", slice).expect("a slice");
    let complete = |rig: &Rig| initialized(rig).is_some_and(|(status, _)| status == "True");
    rig.until(SECONDS_20, "initialization", complete).await;
}

/// DA-01: nobody is given devices as long as it is not known which there are and who holds them.
#[tokio::test(start_paused = true)]
async fn nothing_is_planned_before_devices_and_claims_have_been_listed() {
    const LOST: usize = 25;
    for path in ["/resourceslices", "/resourceclaims"] {
        let mut rig = Rig::new();
        for _ in 0..LOST {
            rig.wire.aim("GET", path, Fault::LostRequest);
        }
        make_claim(&rig);
        rig.start_with(&["--ignore-dra-requests=false"]);
        rig.until(10 * MINUTE, "the list arrives", |rig| {
            let listed = rig.wire.reads(path) > LOST;
            assert!(listed || rig.list(CLAIMS).is_empty(), "not before");
            listed
        })
        .await;
        rig.until(SECONDS_20, "a claim", |rig| rig.list(CLAIMS).len() == 1)
            .await;
    }
}
