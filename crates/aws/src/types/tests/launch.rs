//! What would be launched for pods, by what can be had at present.

use CapacityType::{OnDemand, Spot};
use serde_json::json;

use super::scheduling::{Pods, selecting};
use super::*;
use crate::testing::status_subnet;
use crate::unavailable::TTL;

/// OFF-3: what could not be had is left for another type, another zone, or a smaller type.
#[test]
fn the_next_launch_is_of_something_else() {
    let mut scene = Scene::new();
    let large = json!([
        {"key": "node.kubernetes.io/instance-type", "operator": "In",
         "values": ["m5.large", "m5.xlarge"]},
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
    ]);
    let place = |scene: &Scene, zone: Option<&str>| {
        let zone = zone.map_or(json!({}), |zone| {
            selecting("topology.kubernetes.io/zone", zone)
        });
        let launch = Pods::new(&scene.list())
            .pool(large.clone())
            .pod(zone)
            .launch();
        let launch = launch.expect("a place");
        (launch.instance_type.to_string(), launch.zone.to_string())
    };
    let pair = |ty: &str, zone: &str| (ty.to_owned(), zone.to_owned());
    assert_eq!(place(&scene, None), pair("m5.large", "test-zone-1a"));
    scene
        .marks
        .mark(out(OnDemand, "m5.large", "test-zone-1a"), NOW);
    assert_eq!(place(&scene, None), pair("m5.large", "test-zone-1b"));
    let here = place(&scene, Some("test-zone-1a"));
    assert_eq!(here, pair("m5.xlarge", "test-zone-1a"));

    // A larger type is out: the pods go to smaller ones.
    let mut scene = Scene::new();
    let two = |scene: &Scene| {
        let pods = Pods::new(&scene.list()).pool(large.clone());
        let pods = pods.pod(requesting("cpu", "1")).pod(requesting("cpu", "1"));
        pods.types()
    };
    for zone in ["test-zone-1a", "test-zone-1b"] {
        scene.marks.mark(out(OnDemand, "m5.xlarge", zone), NOW);
    }
    assert_eq!(two(&scene), ["m5.large", "m5.large"]);
    // OFF-4: later it is there again.
    scene.now = NOW + TTL;
    scene.marks.sweep(scene.now);
    let xlarge = scene.get("m5.xlarge");
    assert!(offering(&xlarge, OnDemand, "test-zone-1a").available);
}

fn requesting(resource: &str, amount: &str) -> Value {
    json!({"containers": [{"name": "app", "resources": {"requests": {resource: amount}}}]})
}

/// OFF-5: where no spot can be had, on demand will do if the pool allows it.
#[test]
fn without_spot_on_demand_is_used_where_it_may_be() {
    let mut scene = Scene::new();
    let pool = |kinds: &[&str]| json!([{"key": "karpenter.sh/capacity-type", "operator": "In", "values": kinds}]);
    let how = |scene: &Scene, kinds: &[&str]| {
        let pods = Pods::new(&scene.list()).pool(pool(kinds));
        let launch = pods.pod(json!({})).launch();
        launch.map(|launch| launch.capacity_type)
    };
    let prices: Vec<SpotPrice> = machines()
        .iter()
        .flat_map(|machine| ZONES.map(|(zone, _)| spot(&machine.name, zone, 0.01)))
        .collect();
    scene.prices.update_spot(&prices).expect("there are prices");
    assert_eq!(how(&scene, &["spot", "on-demand"]), Some(Spot));
    scene.marks.mark(Mark::CapacityType(Spot), NOW);
    assert_eq!(how(&scene, &["spot", "on-demand"]), Some(OnDemand));
    assert_eq!(how(&scene, &["spot"]), None);
}

/// IT-35: a local zone is a zone like any other where there is a subnet.
#[test]
fn instances_can_be_in_a_local_zone() {
    let mut scene = Scene::new();
    let local = selecting("topology.kubernetes.io/zone", "test-zone-1a-local");
    let launch = |scene: &Scene| Pods::new(&scene.list()).pod(local.clone()).launch();
    assert_eq!(launch(&scene), None, "no subnet");
    scene.class.status.subnets.push(status_subnet(4));
    let launch = launch(&scene).expect("a place");
    assert_eq!(&*launch.zone, "test-zone-1a-local");
    assert_eq!(&*launch.instance_type, "m5.large");
}
