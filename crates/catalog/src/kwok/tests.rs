use super::*;

#[test]
fn the_standard_set_has_144_types_of_different_names() {
    let catalog = standard();
    let names: BTreeSet<_> = catalog.types.iter().map(|t| t.name.clone()).collect();
    assert_eq!((catalog.types.len(), names.len()), (144, 144));
    assert!(catalog.types.iter().all(|t| t.offerings.len() == 8));
    assert_eq!(catalog.zones().len(), 4);
}

#[test]
fn sizes_and_prices_follow_the_formula() {
    let catalog = standard();
    for (name, cpu, memory, pods, on_demand, spot) in [
        (
            "c-1x-amd64-linux",
            "1",
            "2Gi",
            "16",
            "0.027147484",
            "0.019003239",
        ),
        (
            "c-48x-amd64-linux",
            "48",
            "96Gi",
            "768",
            "1.303079215",
            "0.912155451",
        ),
        (
            "m-256x-arm64-windows",
            "256",
            "2Ti",
            "1024",
            "8.599023256",
            "6.019316279",
        ),
        (
            "s-4x-arm64-linux",
            "4",
            "16Gi",
            "64",
            "0.117179869",
            "0.082025908",
        ),
    ] {
        let found = catalog.get(name).unwrap();
        let amounts = ["cpu", "memory", "pods", "ephemeral-storage"];
        let amounts = amounts.map(|resource| found.capacity[resource].to_string());
        assert_eq!(amounts, [cpu, memory, pods, "20Gi"], "{name}");
        let price = |capacity_type| {
            let of_type = |o: &&Offering| o.capacity_type == capacity_type;
            found
                .offerings
                .iter()
                .find(of_type)
                .map(|o| format!("{:.9}", o.price))
                .unwrap()
        };
        assert_eq!(price(CapacityType::OnDemand), on_demand, "{name}");
        assert_eq!(price(CapacityType::Spot), spot, "{name}");
    }
}

#[test]
fn labels_are_those_of_the_provider() {
    let catalog = standard();
    assert_eq!(
        catalog
            .get("m-2x-arm64-windows")
            .unwrap()
            .requirements
            .to_string(),
        "karpenter.kwok.sh/instance-cpu In [2], karpenter.kwok.sh/instance-family In [m], \
         karpenter.kwok.sh/instance-memory In [16Gi], karpenter.kwok.sh/instance-size In [2], \
         karpenter.sh/capacity-type In [on-demand spot], kubernetes.io/arch In [arm64], \
         kubernetes.io/os In [windows], node.kubernetes.io/instance-type In [m-2x-arm64-windows], \
         topology.kubernetes.io/zone In [test-zone-a test-zone-b test-zone-c test-zone-d]"
    );
}

#[test]
fn nodes_keep_a_little_for_themselves() {
    let catalog = standard();
    let allocatable = catalog.get("c-2x-amd64-linux").unwrap().allocatable();
    assert_eq!(allocatable["cpu"].to_string(), "1900m");
    assert_eq!(allocatable["memory"].to_string(), "4086Mi");
}
