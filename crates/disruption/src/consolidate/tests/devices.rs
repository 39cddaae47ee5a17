//! Nodes with devices that drivers hand out.

use cluster::{Change, Event};
use scheduling::ResourceClaims;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::testing::Scene;
use crate::testing::market::{cores_and, on_demand, told, why_of};
use crate::{Options, Plan, Stays, Why};

const GPU: &str = "gpu.example.com";

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("an object")
}

/// A type that comes with one device.
fn with_device(name: &str, cores: u32, dollars: f64) -> Value {
    let mut ty = on_demand(name, cores, dollars);
    ty["dynamicResources"] = json!({"slices":
        [{"driver": GPU, "pool": "local", "devices": [{"name": "d"}]}]});
    ty
}

/// A slice of a device `d`, on a node or wherever it is needed.
fn slice(scene: &mut Scene, place: &Value, device: &Value) {
    let mut spec = json!({"driver": GPU, "devices": [device],
        "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1}});
    crate::testing::merge(&mut spec, place);
    let slice = json!({"metadata": {"name": "s"}, "spec": spec});
    let event = Event::ResourceSlice(Change::Applied(read(slice)));
    scene.0.apply(event);
}

/// A claim for a device, and the pod that holds `d` by it.
fn holder(scene: &mut Scene, name: &str, node: &str, share: Option<&str>) {
    let mut exactly = json!({"deviceClassName": "gpu"});
    let mut result = json!({"request": "r", "driver": GPU, "pool": "p", "device": "d"});
    if let Some(share) = share {
        exactly["capacity"] = json!({"requests": {"memory": share}});
        result["shareID"] = json!(name);
        result["consumedCapacity"] = json!({"memory": share});
    }
    let claim = json!({"metadata": {"name": name, "namespace": "n", "uid": name},
        "spec": {"devices": {"requests": [{"name": "r", "exactly": exactly}]}},
        "status": {"allocation": {"devices": {"results": [result]}},
            "reservedFor": [{"resource": "pods", "name": name, "uid": name}]}});
    let event = Event::ResourceClaim(Change::Applied(read(claim)));
    scene.0.apply(event);
    let uses = json!({"spec": {"resourceClaims": [{"name": "g", "resourceClaimName": name}]}});
    scene.pod(name, node, &cores_and("1", &uses));
}

fn class(scene: &mut Scene) {
    let class = json!({"metadata": {"name": "gpu"}, "spec": {"selectors":
        [{"cel": {"expression": format!("device.driver == '{GPU}'")}}]}});
    let event = Event::DeviceClass(Change::Applied(read(class)));
    scene.0.apply(event);
}

fn look(scene: &mut Scene) -> Plan {
    let mut options = Options::default();
    options.scheduling.resource_claims = ResourceClaims::Allocated;
    scene.look(&options)
}

/// CO-43: a node with a device is replaced by a cheaper one with an equivalent device, and not by
/// one without.
#[test]
fn a_replacement_has_an_equivalent_device() {
    for (cheaper, goes) in [
        (with_device("small", 2, 0.2), true),
        (on_demand("small", 2, 0.2), false),
    ] {
        let mut scene = Scene::market(&[with_device("large", 8, 0.8), cheaper]);
        class(&mut scene);
        scene.launched("a", ("large", "on-demand"));
        slice(&mut scene, &json!({"nodeName": "a"}), &json!({"name": "d"}));
        holder(&mut scene, "x", "a", None);
        let plan = look(&mut scene);
        if goes {
            assert_eq!(told(&plan.commands), ["a -> small"]);
        } else {
            let why = why_of(&plan, "a");
            assert!(matches!(why, Why::Stays(_)), "{why}");
        }
    }
}

/// CO-43: of a device that pods share, the share of a pod that stays is not given away.
#[test]
fn the_share_of_a_pod_that_stays_is_kept() {
    for (memory, goes) in [("10Gi", true), ("9Gi", false)] {
        let mut scene = Scene::market(&[on_demand("large", 8, 0.8), on_demand("small", 2, 0.2)]);
        class(&mut scene);
        scene
            .launched("a", ("large", "on-demand"))
            .launched("b", ("small", "on-demand"))
            .running("full", "b", "1");
        let device = json!({"name": "d", "allowMultipleAllocations": true,
            "capacity": {"memory": {"value": memory}}});
        slice(&mut scene, &json!({"allNodes": true}), &device);
        holder(&mut scene, "x", "a", Some("5Gi"));
        holder(&mut scene, "y", "b", Some("5Gi"));
        let plan = look(&mut scene);
        if goes {
            assert_eq!(told(&plan.commands), ["a -> small"]);
        } else {
            assert!(plan.commands.is_empty(), "{:?}", told(&plan.commands));
        }
    }
}

/// Where claims are not looked at, nothing is known of where their pods could go.
#[test]
fn pods_with_claims_keep_their_node_where_claims_are_ignored() {
    let mut scene = Scene::market(&[with_device("large", 8, 0.8), with_device("small", 2, 0.2)]);
    scene.launched("a", ("large", "on-demand"));
    holder(&mut scene, "x", "a", None);
    let why = scene.stays("a");
    assert!(
        matches!(why, Why::Stays(Stays::Unplaceable { .. })),
        "{why}"
    );
}
