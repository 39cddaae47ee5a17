//! Scenarios of nodes that are on their way, or there and not complete.

mod common;

use common::world::{Place, World, ZONE, claim, new_node, node, place};
use serde_json::{Value, json};

/// SCH-109: a kubelet may report an extended resource as zero until its device plugin runs. Until
/// the node is initialized what the claim promises counts, and no second node is opened.
#[test]
fn a_resource_that_is_not_there_yet_counts_until_the_node_is_complete() {
    let device = json!({"containers": [{"name": "app", "resources": {"requests": {"fake.com/vendor-a": "1"}}}]});
    let promise = json!({"fake.com/vendor-a": "2"});
    let nothing = json!({"fake.com/vendor-a": "0"});
    let table = [
        ("", &nothing, true),
        ("", &json!({}), true),
        ("true", &nothing, false),
        ("true", &promise, true),
    ];
    for (initialized, reported, reused) in table {
        let of = |amounts: &Value| json!({"capacity": amounts, "allocatable": amounts});
        let young = json!({"metadata": {"labels": {
            "karpenter.sh/nodepool": "default", "karpenter.sh/registered": "true",
            "karpenter.sh/initialized": initialized,
        }}, "status": of(reported)});
        let placement = World::new()
            .object(claim("n1", json!({"status": of(&promise)})))
            .object(node("n1", "4", young))
            .pod("p", "1", device.clone())
            .solve();
        let found = matches!(place(&placement, "p"), Place::Node("n1"));
        assert_eq!(
            found, reused,
            "initialized {initialized:?}, reports {reported}"
        );
        if !reused {
            assert_eq!(&*new_node(&placement, "p").launch.instance_type, "gpu-a");
        }
    }
}

/// SCH-110: pods that want to be in one zone join the one for which a node is on its way, though it
/// is not bound there yet. If the node has no room, another one is opened in its zone.
#[test]
fn pods_of_one_zone_follow_the_first_to_the_node_that_is_on_its_way() {
    let together = |cpu: &str| {
        let spec = json!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": ZONE, "labelSelector": {"matchExpressions": [
                {"key": "app", "operator": "In", "values": ["first", "second"]}]}},
        ]}}});
        World::new()
            .object(claim("c1", json!({})))
            .pod("first", cpu, spec.clone())
            .pod("second", cpu, spec)
            .solve()
    };
    let placement = together("1");
    for pod in ["first", "second"] {
        assert!(matches!(place(&placement, pod), Place::Node("c1")), "{pod}");
    }
    let placement = together("3");
    assert!(matches!(place(&placement, "first"), Place::Node("c1")));
    assert_eq!(&*new_node(&placement, "second").launch.zone, "test-zone-2");
}
