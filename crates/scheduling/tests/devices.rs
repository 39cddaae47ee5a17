//! Scenarios of dynamic resource allocation: pods with claims among others.

mod common;

use api::labels::REQUESTED_DRA_DRIVERS;
use common::world::{
    Place, World, ZONE, bound, daemon_set, instance_type, merge, new_node, node, place, reasons,
};
use scheduling::{PlannedClaim, ResourceClaims};
use serde_json::{Value, json};

const GPU: &str = "gpu.example.com";
const NET: &str = "net.example.com";
const IGNORED: &str =
    "pod has Dynamic Resource Allocation requirements that are not yet supported by Karpenter";

/// Types `cpu` without devices, `gpu-1` and `gpu-2` with so many, dearer the more they have.
fn types() -> Vec<Value> {
    vec![
        instance_type("cpu", 4, 4, json!({})),
        with_devices("gpu-1", 8, &[(GPU, 1)]),
        with_devices("gpu-2", 15, &[(GPU, 2)]),
    ]
}

fn with_devices(name: &str, cpu: u32, drivers: &[(&str, usize)]) -> Value {
    let slice = |(driver, count): &(&str, usize)| {
        json!({"driver": driver, "pool": "local",
        "devices": devices(*count, &json!({}))})
    };
    let slices: Vec<Value> = drivers.iter().map(slice).collect();
    instance_type(
        name,
        cpu,
        cpu,
        json!({"dynamicResources": {"slices": slices}}),
    )
}

fn devices(count: usize, fields: &Value) -> Value {
    let device = |at: usize| {
        let mut device = fields.clone();
        device["name"] = json!(format!("device-{at}"));
        device
    };
    (0..count).map(device).collect()
}

/// A world in which claims are met, with a device class for each driver.
fn world() -> World {
    let mut world = World::new().with_types(&types());
    world.options.resource_claims = ResourceClaims::Allocated;
    world.object(class("gpu", GPU)).object(class("net", NET))
}

fn class(name: &str, driver: &str) -> Value {
    let expression = format!("device.driver == '{driver}'");
    json!({"kind": "DeviceClass", "metadata": {"name": name},
        "spec": {"selectors": [{"cel": {"expression": expression}}]}})
}

/// A claim for so many devices of a class.
fn claim(name: &str, class: &str, count: usize) -> Value {
    let exactly = json!({"deviceClassName": class, "count": count});
    requests(name, json!([{"name": "r", "exactly": exactly}]))
}

fn requests(name: &str, requests: Value) -> Value {
    json!({"kind": "ResourceClaim", "metadata": {"name": name, "namespace": "default"},
        "spec": {"devices": {"requests": requests}}})
}

/// A claim that has a device already, held by a pod.
fn held(name: &str, device: &str, uid: &str) -> Value {
    let mut held = claim(name, "gpu", 1);
    let result = json!({"request": "r", "driver": GPU, "pool": "p", "device": device});
    held["status"] = json!({"allocation": {"devices": {"results": [result]}},
        "reservedFor": [{"resource": "pods", "name": "x", "uid": uid}]});
    held
}

/// The part of a pod's spec that refers to claims.
fn uses(claims: &[&str]) -> Value {
    let reference = |name: &&str| json!({"name": name, "resourceClaimName": name});
    json!({"resourceClaims": claims.iter().map(reference).collect::<Vec<_>>()})
}

/// A slice of one device each for the names.
fn slice(name: &str, names: &[&str], more: Value) -> Value {
    let devices: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    let mut slice = json!({"kind": "ResourceSlice", "metadata": {"name": name}, "spec": {
        "driver": GPU, "devices": devices,
        "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1}}});
    merge(&mut slice, more);
    slice
}

fn on_node(node: &str) -> Value {
    json!({"spec": {"nodeName": node, "pool": {"name": node}},
        "metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": node}]}})
}

fn in_zones(zones: &[&str]) -> Value {
    json!({"spec": {"nodeSelector": {"nodeSelectorTerms": [{"matchExpressions": [
        {"key": ZONE, "operator": "In", "values": zones}]}]}}})
}

/// A node of ours, complete or not.
fn own_node(name: &str, instance_type: &str, initialized: bool) -> World {
    let labels = json!({
        "karpenter.sh/nodepool": "default",
        "node.kubernetes.io/instance-type": instance_type,
        "karpenter.sh/registered": "true",
        "karpenter.sh/initialized": initialized.to_string(),
    });
    let claim = json!({"kind": "NodeClaim", "metadata": {"name": format!("claim-{name}"), "labels": labels},
        "spec": {"nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}},
        "status": {"providerID": format!("test://{name}"), "nodeName": name}});
    let mut world = world().object(claim);
    world = world.node(name, "8", json!({"metadata": {"labels": labels}}));
    world
}

fn names(claim: &PlannedClaim) -> Vec<&str> {
    claim.instance_types.iter().map(|ty| &*ty.name).collect()
}

fn drivers(claim: &PlannedClaim) -> Option<&str> {
    claim
        .annotations
        .get(REQUESTED_DRA_DRIVERS)
        .map(String::as_str)
}

/// SCH-287, SCH-295: a pod with a claim gets a node of a type with the device, and the claim names
/// the driver; plain pods are placed as ever, beside it where there is room.
#[test]
fn pods_with_claims_and_plain_pods_are_each_handled() {
    let world = world()
        .object(claim("g", "gpu", 1))
        .pod("g", "1", uses(&["g"]));
    let alone = world.solve();
    assert_eq!(names(new_node(&alone, "g")), ["gpu-1", "gpu-2"]);
    assert_eq!(drivers(new_node(&alone, "g")), Some(GPU));

    let mixed = world.pods("plain", 12, "2", json!({})).solve();
    assert!(mixed.unplaced.is_empty());
    assert_eq!(drivers(new_node(&mixed, "g")), Some(GPU));
    assert!(
        names(new_node(&mixed, "g"))
            .iter()
            .all(|name| name.starts_with("gpu"))
    );
    let beside = new_node(&mixed, "g").pods.len();
    assert!(beside > 1, "the rest of the node is used: {beside}");
    let of_g = new_node(&mixed, "g").name.clone();
    let others: Vec<_> = mixed.new_claims.iter().filter(|c| c.name != of_g).collect();
    assert!(!others.is_empty());
    assert!(others.iter().all(|claim| drivers(claim).is_none()));
}

/// SCH-288: claims of templates are found through the pod's status; one that is not needed asks for
/// nothing; one that is not there keeps the pod waiting, unless its template is known.
#[test]
fn claims_of_templates_are_found_or_made_up_or_waited_for() {
    let mut pod = common::world::pod(
        "p",
        "1",
        json!({"resourceClaims": [
        {"name": "dev", "resourceClaimTemplateName": "t"}]}),
    );
    let with_status = |made: Value| {
        let mut pod = pod.clone();
        pod["status"]["resourceClaimStatuses"] = json!([made]);
        pod
    };
    let found = with_status(json!({"name": "dev", "resourceClaimName": "p-dev-x7"}));
    let waits = world().object(found.clone()).solve();
    let expected =
        ["any node: allocating dynamic resources, resourceclaim \"default/p-dev-x7\" not found"];
    assert_eq!(reasons(&waits, "p"), expected);
    let goes = world()
        .object(found)
        .object(claim("p-dev-x7", "gpu", 2))
        .solve();
    assert_eq!(names(new_node(&goes, "p")), ["gpu-2"]);

    let unneeded = world().object(with_status(json!({"name": "dev"}))).solve();
    assert_eq!(drivers(new_node(&unneeded, "p")), None);
    assert!(names(new_node(&unneeded, "p")).contains(&"cpu"));

    let expected =
        ["any node: allocating dynamic resources, resourceclaim \"default/p-dev\" not found"];
    assert_eq!(reasons(&world().object(pod.clone()).solve(), "p"), expected);
    let mut template = claim("t", "gpu", 2);
    template["kind"] = json!("ResourceClaimTemplate");
    template["spec"] = json!({"spec": template["spec"]});
    let made_up = world().object(template.clone()).object(pod.clone()).solve();
    assert_eq!(names(new_node(&made_up, "p")), ["gpu-2"]);
    // Two pods of a template have a claim each.
    pod["metadata"]["name"] = json!("q");
    let two = world().object(template).object(pod.clone());
    pod["metadata"]["name"] = json!("p");
    let two = two.object(pod).solve();
    assert_ne!(new_node(&two, "p").name, new_node(&two, "q").name);
}

/// SCH-289: as many pods share a node as it has devices.
#[test]
fn pods_share_a_node_as_long_as_it_has_devices() {
    let two = || {
        let world = world()
            .object(claim("a", "gpu", 1))
            .object(claim("b", "gpu", 1));
        world
            .pod("a", "1", uses(&["a"]))
            .pod("b", "1", uses(&["b"]))
    };
    let shared = two().solve();
    assert_eq!(new_node(&shared, "a").name, new_node(&shared, "b").name);
    assert_eq!(names(new_node(&shared, "a")), ["gpu-2"]);
    let apart = two()
        .with_types(&[with_devices("gpu-1", 8, &[(GPU, 1)])])
        .solve();
    assert_ne!(new_node(&apart, "a").name, new_node(&apart, "b").name);
}

/// SCH-291, SCH-292: the first alternative that some type has is taken; of types whose devices come
/// from different drivers only those are listed that agree with the cheapest; several drivers are
/// named in order.
#[test]
fn a_claim_names_the_drivers_that_all_its_types_agree_on() {
    let either = json!([{"name": "r", "firstAvailable": [
        {"name": "best", "deviceClassName": "gpu", "count": 3},
        {"name": "next", "deviceClassName": "net"},
        {"name": "last", "deviceClassName": "gpu"}]}]);
    let world = |types: &[Value], requested: Value| {
        let world = world().with_types(types).object(requests("c", requested));
        world.pod("p", "1", uses(&["c"])).solve()
    };
    let net = with_devices("net", 6, &[(NET, 1)]);
    let of_either = world(&[types()[1].clone(), types()[2].clone(), net], either);
    assert_eq!(names(new_node(&of_either, "p")), ["net"]);
    assert_eq!(drivers(new_node(&of_either, "p")), Some(NET));

    let both = json!([{"name": "n", "exactly": {"deviceClassName": "net"}},
        {"name": "g", "exactly": {"deviceClassName": "gpu"}}]);
    let of_both = world(
        &[
            types()[1].clone(),
            with_devices("both", 8, &[(NET, 1), (GPU, 1)]),
        ],
        both,
    );
    assert_eq!(names(new_node(&of_both, "p")), ["both"]);
    assert_eq!(
        drivers(new_node(&of_both, "p")),
        Some("gpu.example.com,net.example.com")
    );
}

/// SCH-294: what can't be had has a reason.
#[test]
fn devices_that_cannot_be_had_have_a_reason() {
    let refused = |claim: Value, spec: Value, expected: &str| {
        let mut spec = spec;
        merge(&mut spec, uses(&["c"]));
        let placement = world().object(claim).pod("p", "1", spec).solve();
        let all = reasons(&placement, "p");
        assert!(
            all.iter().any(|reason| reason.contains(expected)),
            "{all:?} {expected}"
        );
    };
    refused(
        claim("c", "gpu", 3),
        json!({}),
        "nodepool/default: allocating dynamic resources, no instance type can satisfy the allocation, of 3",
    );
    refused(
        claim("c", "net", 1),
        json!({}),
        "no instance type can satisfy the allocation",
    );
    refused(
        claim("c", "tpu", 1),
        json!({}),
        "any node: allocating dynamic resources, resourceclaim default/c: request r names device class tpu, which does not exist",
    );
    // The types that the pod allows have no device.
    let cpu = json!({"nodeSelector": {"node.kubernetes.io/instance-type": "cpu"}});
    refused(
        claim("c", "gpu", 1),
        cpu,
        "no instance type can satisfy the allocation, of 1",
    );
}

/// SCH-296, SCH-299, SCH-300: a free device of a complete node is preferred to a new node; one that
/// a pod holds is not free, unless the pod's node goes; slices of unknown nodes do not count.
#[test]
fn published_devices_are_used_before_a_node_is_opened() {
    let want = |world: World| {
        world
            .object(claim("c", "gpu", 1))
            .pod("p", "1", uses(&["c"]))
    };
    let ready = || own_node("n", "gpu-1", true).object(slice("s", &["d"], on_node("n")));
    assert!(matches!(
        place(&want(ready()).solve(), "p"),
        Place::Node("n")
    ));

    // Two pods do not get one device.
    let two = want(ready())
        .object(claim("e", "gpu", 1))
        .pod("q", "1", uses(&["e"]))
        .solve();
    let places = [place(&two, "p"), place(&two, "q")];
    assert_eq!(
        places
            .iter()
            .filter(|place| matches!(place, Place::Node(_)))
            .count(),
        1
    );

    let mut taken = held("h", "d", "uid-x");
    taken["status"]["allocation"]["devices"]["results"][0]["pool"] = json!("n");
    let busy = want(ready()).object(taken);
    new_node(&busy.solve(), "p");

    let unknown = want(world()).object(slice("s", &["d"], on_node("gone")));
    new_node(&unknown.solve(), "p");
}

/// SCH-293, SCH-299: a device that many nodes reach is held by whoever has it, and free once that
/// pod's node goes.
#[test]
fn a_device_of_the_network_is_free_once_its_holder_goes() {
    let device = || {
        world()
            .with_types(&[instance_type("cpu", 4, 4, json!({}))])
            .object(slice("s", &["d"], json!({"spec": {"allNodes": true}})))
    };
    let want = |world: World| {
        world
            .object(claim("c", "gpu", 1))
            .pod("p", "1", uses(&["c"]))
    };
    let free = want(device()).solve();
    // Nobody has to wait for the driver: the device is there.
    assert_eq!(drivers(new_node(&free, "p")), None);

    let mut holder = bound("x", "1", "old", uses(&["h"]));
    holder["metadata"]["uid"] = json!("uid-x");
    let busy = || {
        want(device())
            .node("old", "4", json!({}))
            .object(held("h", "d", "uid-x"))
            .object(holder.clone())
    };
    assert_eq!(reasons(&busy().solve(), "p").len(), 2);
    let mut going = busy();
    going.batch.without.insert("old".to_owned());
    let going = going.solve();
    // One device for two pods: the holder itself needs a place, too.
    assert_eq!((going.new_claims.len(), going.unplaced.len()), (1, 1));
}

/// SCH-300: a node that is not complete has what its type promises, and once it is complete only
/// what is published.
#[test]
fn a_node_that_comes_up_has_the_devices_of_its_type() {
    let want = |world: World| {
        world
            .object(claim("c", "gpu", 1))
            .pod("p", "1", uses(&["c"]))
    };
    let young = want(own_node("n", "gpu-1", false)).solve();
    assert!(matches!(place(&young, "p"), Place::Node("n")));
    let own_slice = want(own_node("n", "cpu", false)).object(slice("s", &["d"], on_node("n")));
    new_node(&own_slice.solve(), "p");
    new_node(&want(own_node("n", "gpu-1", true)).solve(), "p");
    let counted_once = own_node("n", "gpu-1", true).object(slice("s", &["d"], on_node("n")));
    let counted_once = counted_once
        .object(claim("c", "gpu", 2))
        .pod("p", "1", uses(&["c"]));
    assert_eq!(names(new_node(&counted_once.solve(), "p")), ["gpu-2"]);
}

/// SCH-294, SCH-297: a new node goes where its devices can be reached; two that are nowhere
/// together are not given.
#[test]
fn a_new_node_goes_where_its_devices_are() {
    let zoned = |net: &[&str]| {
        let mut other = slice("t", &["e"], in_zones(net));
        other["spec"]["driver"] = json!(NET);
        let world = world().object(slice(
            "s",
            &["d"],
            in_zones(&["test-zone-1", "test-zone-2"]),
        ));
        let world = world
            .object(other)
            .object(claim("g", "gpu", 1))
            .object(claim("n", "net", 1));
        let mut world = world.with_types(&[instance_type("cpu", 4, 4, json!({}))]);
        world = world.pod("p", "1", uses(&["g", "n"]));
        world.solve()
    };
    let shared = zoned(&["test-zone-2", "test-zone-3"]);
    let claim = new_node(&shared, "p");
    let zone = claim.requirements.get(ZONE).unwrap();
    assert_eq!(
        zone.single_value().map(|value| &**value),
        Some("test-zone-2")
    );
    assert_eq!(&*claim.launch.zone, "test-zone-2");
    let apart = zoned(&["test-zone-3"]);
    assert!(reasons(&apart, "p")[0].contains("no instance type can satisfy the allocation"));
}

/// SCH-298: a claim that two pods share holds both on one node if its devices come with the node.
#[test]
fn pods_that_share_a_claim_share_its_node() {
    let world = || world().object(claim("c", "gpu", 1));
    let pods = |cpu: &str| {
        world()
            .pod("a", cpu, uses(&["c"]))
            .pod("b", cpu, uses(&["c"]))
            .solve()
    };
    let together = pods("1");
    assert_eq!(new_node(&together, "a").name, new_node(&together, "b").name);
    let too_large = pods("9");
    assert_eq!(
        (too_large.new_claims.len(), too_large.unplaced.len()),
        (1, 1)
    );
    let left = too_large.unplaced[0].pod.name.to_string();
    let all = reasons(&too_large, &left);
    assert!(
        all[0].contains("claim is bound to a different in-flight NodeClaim"),
        "{all:?}"
    );
    // A device that is reached from everywhere can be used from two nodes.
    let network = world().object(slice("s", &["d"], json!({"spec": {"allNodes": true}})));
    let network = network
        .pod("a", "9", uses(&["c"]))
        .pod("b", "9", uses(&["c"]))
        .solve();
    assert_eq!(network.new_claims.len(), 2);
}

/// SCH-301: devices that several claims can have are shared as far as their capacity goes.
#[test]
fn a_shared_device_is_packed_by_capacity() {
    let slices = json!([{"driver": GPU, "pool": "local", "devices": [{"name": "d",
        "allowMultipleAllocations": true, "capacity": {"memory": {"value": "10Gi"}}}]}]);
    let ty = instance_type(
        "shared",
        16,
        16,
        json!({"dynamicResources": {"slices": slices}}),
    );
    let share = |name: &str, memory: &str| {
        let exactly =
            json!({"deviceClassName": "gpu", "capacity": {"requests": {"memory": memory}}});
        requests(name, json!([{"name": "r", "exactly": exactly}]))
    };
    let mut world = world().with_types(&[ty]);
    for name in ["a", "b", "c"] {
        world = world
            .object(share(name, "5Gi"))
            .pod(name, "1", uses(&[name]));
    }
    let world = world.object(share("d", "11Gi")).pod("d", "1", uses(&["d"]));
    let placement = world.solve();
    let mut counts: Vec<usize> = placement.new_claims.iter().map(|c| c.pods.len()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2]);
    assert!(reasons(&placement, "d")[0].contains("no instance type can satisfy the allocation"));
}

/// Pods with devices keep to rules about other pods, and limits hold for their nodes.
#[test]
fn pods_with_claims_keep_all_other_rules() {
    let spread = json!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": ZONE,
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "p-0"}}}]});
    let mut world = world();
    for at in 0..3 {
        let name = format!("p-{at}");
        let mut spec = uses(&[&name]);
        merge(&mut spec, spread.clone());
        let mut pod = common::world::pod(&name, "1", spec);
        pod["metadata"]["labels"]["app"] = json!("p-0");
        world = world.object(claim(&name, "gpu", 1)).object(pod);
    }
    let placement = world.solve();
    let mut zones: Vec<&str> = placement
        .new_claims
        .iter()
        .map(|c| &*c.launch.zone)
        .collect();
    zones.sort_unstable();
    assert_eq!(zones, ["test-zone-1", "test-zone-2", "test-zone-3"]);

    let mut limited = self::world()
        .object(claim("a", "gpu", 1))
        .object(claim("b", "gpu", 2));
    merge(
        limited
            .items
            .iter_mut()
            .find(|item| item["kind"] == "NodePool")
            .unwrap(),
        json!({"spec": {"limits": {"cpu": "20"}}}),
    );
    let limited = limited
        .pod("a", "7", uses(&["a"]))
        .pod("b", "9", uses(&["b"]))
        .solve();
    assert_eq!((limited.new_claims.len(), limited.unplaced.len()), (1, 1));
}

/// SCH-303: by default pods with claims are left with the reason, whatever they prefer; others are
/// as ever.
#[test]
fn claims_are_ignored_by_default() {
    let container = json!({"containers": [{"name": "app", "resources": {
        "requests": {"cpu": "1"}, "claims": [{"name": "g"}]}}]});
    let init =
        json!({"initContainers": [{"name": "init", "resources": {"claims": [{"name": "g"}]}}]});
    let mut both = container.clone();
    merge(&mut both, init.clone());
    let mut prefers = uses(&["g"]);
    merge(
        &mut prefers,
        json!({"affinity": {"nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference":
            {"matchExpressions": [{"key": ZONE, "operator": "In", "values": ["nowhere"]}]}}]}}}),
    );
    for spec in [container, init, both, uses(&["g"]), prefers] {
        let world = World::new().with_types(&types()).object(class("gpu", GPU));
        let world = world.object(claim("g", "gpu", 1)).pod("p", "1", spec);
        let placement = world.pod("plain", "1", json!({})).solve();
        assert_eq!(reasons(&placement, "p"), [format!("any node: {IGNORED}")]);
        new_node(&placement, "plain");
    }
}

/// SCH-303: daemons with claims are expected only where claims are met.
#[test]
fn daemons_with_claims_are_expected_where_claims_are_met() {
    let container = json!({"containers": [{"name": "app", "resources": {
        "requests": {"cpu": "3"}, "claims": [{"name": "g"}]}}]});
    for spec in [uses(&["g"]), container] {
        let world = |claims| {
            let mut world = World::new().object(daemon_set("d", "3", spec.clone()));
            world.options.resource_claims = claims;
            world.pod("p", "2", json!({})).solve()
        };
        let cpu = |placement: &scheduling::Placement| {
            new_node(placement, "p").requests["cpu"].to_string()
        };
        assert_eq!(cpu(&world(ResourceClaims::Ignored)), "2");
        assert_eq!(cpu(&world(ResourceClaims::Allocated)), "5");
    }
}

/// The answer does not depend on the order of the input.
#[test]
fn the_same_pods_in_another_order_get_the_same_places() {
    let mut items: Vec<Value> = Vec::new();
    for at in 0..6 {
        let name = format!("p-{at}");
        items.push(claim(&name, "gpu", 1 + at % 2));
        items.push(common::world::pod(&name, "1", uses(&[&name])));
        items.push(node(&format!("n-{at}"), "1", json!({})));
    }
    let solved = |items: &[Value]| {
        let world = items
            .iter()
            .fold(world(), |world, item| world.object(item.clone()));
        format!(
            "{:?}",
            world
                .solve()
                .new_claims
                .iter()
                .map(|c| (
                    &c.name,
                    names(c).join(" "),
                    c.pods
                        .iter()
                        .map(|p| p.name.to_string())
                        .collect::<Vec<_>>()
                ))
                .collect::<Vec<_>>()
        )
    };
    let forward = solved(&items);
    items.reverse();
    assert_eq!(solved(&items), forward);
}
