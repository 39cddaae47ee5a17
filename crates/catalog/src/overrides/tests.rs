use super::*;
use crate::file;

const ZONE: &str = "topology.kubernetes.io/zone";

/// A type of 4 cpu with a plain offering, one with two devices, dearer and in two zones, and one
/// with eight and less overhead, that can't be had unless `available`.
fn ty(available: bool) -> Arc<InstanceType> {
    let offering = |zones: &[&str], price: f64, more: serde_json::Value| {
        let mut offering = serde_json::json!({"Price": price, "Requirements": [
            {"key": ZONE, "operator": "In", "values": zones},
            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
        ]});
        let members = offering.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        offering
    };
    let file = serde_json::json!([{
        "name": "m", "architecture": "amd64", "operatingSystems": ["linux"],
        "resources": {"cpu": "4", "memory": "8Gi"},
        "overhead": {"cpu": "100m", "memory": "1Gi"},
        "offerings": [
            offering(&["a"], 1.0, serde_json::json!({})),
            offering(&["a", "b"], 2.0, serde_json::json!({"capacityOverride": {"x.com/device": 2}})),
            offering(&["c"], 3.0, serde_json::json!({"Available": available,
                "CapacityOverride": {"x.com/device": "8", "cpu": "8"},
                "OverheadOverride": {"KubeReserved": {"memory": "1Gi"}, "EvictionThreshold": {"memory": "1Gi"}}})),
            offering(&["d"], 1.0, serde_json::json!({"CapacityOverride": {}})),
        ],
    }]);
    let catalog = file::parse(file.to_string().as_bytes()).unwrap();
    catalog.types[0].clone()
}

/// Zones of the offerings, and what pods can have of cpu, memory in Mi, and devices.
fn shown(ty: &InstanceType) -> (Vec<&str>, String, i64, String) {
    let allocatable = ty.allocatable();
    let zones = ty.offerings.iter().map(|offering| &*offering.zone);
    let devices = resources::get(&allocatable, "x.com/device");
    let memory = allocatable["memory"].units_floor() >> 20;
    let cpu = allocatable["cpu"].to_string();
    (zones.collect(), cpu, memory, devices.to_string())
}

#[test]
fn a_type_stands_once_for_each_capacity_that_it_can_be_had_with() {
    let all: Vec<_> = by_capacity(&[ty(true)]).collect();
    let shown: Vec<_> = all.iter().map(|ty| shown(ty)).collect();
    let of = |zones: &[&'static str], cpu: &str, memory: i64, devices: &str| {
        (zones.to_vec(), cpu.to_owned(), memory, devices.to_owned())
    };
    assert_eq!(
        shown,
        [
            of(&["a", "d"], "3900m", 7168, "0"),
            of(&["a", "b"], "3900m", 7168, "2"),
            of(&["c"], "7900m", 6144, "8"),
        ]
    );
    assert!(all.iter().all(|ty| &*ty.name == "m"));
}

#[test]
fn what_cannot_be_had_is_no_capacity_of_its_own() {
    let all: Vec<_> = by_capacity(&[ty(false)]).collect();
    let zones: Vec<_> = all.iter().map(|ty| shown(ty).0).collect();
    assert_eq!(zones, [vec!["a", "c", "d"], vec!["a", "b"]]);
    assert!(all.iter().all(|ty| ty.capacity["cpu"].units_floor() == 4));
}

#[test]
fn a_type_without_overrides_is_the_same_one() {
    let mut plain = InstanceType::clone(&ty(true));
    plain.offerings.truncate(1);
    let plain = Arc::new(plain);
    let all: Vec<_> = by_capacity(std::slice::from_ref(&plain)).collect();
    assert!(all.len() == 1 && Arc::ptr_eq(&all[0], &plain));
}

#[test]
fn an_offering_serves_what_its_machines_hold() {
    let ty = ty(true);
    let asked =
        |text: &str| ResourceList::from([("x.com/device".to_owned(), text.parse().unwrap())]);
    let serving = |requests: &ResourceList| -> Vec<String> {
        let serving = ty.offerings.iter().filter(|o| ty.serves(o, requests));
        serving.map(|o| format!("{} {}", o.zone, o.price)).collect()
    };
    assert_eq!(serving(&asked("0")).len(), 5);
    assert_eq!(serving(&asked("1")), ["a 2.0000", "b 2.0000", "c 3.0000"]);
    assert_eq!(serving(&asked("8")), ["c 3.0000"]);
    assert_eq!(serving(&asked("9")), [""; 0]);
    let eight = ty.offerings.iter().find(|o| &*o.zone == "c").unwrap();
    assert_eq!(ty.capacity_of(eight)["cpu"].units_floor(), 8);
    assert_eq!(ty.capacity_of(eight)["memory"], ty.capacity["memory"]);
    assert_eq!(ty.allocatable_of(eight)["cpu"].to_string(), "7900m");
}
