use super::*;

fn list(entries: &[(&str, &str)]) -> ResourceList {
    entries
        .iter()
        .map(|(name, amount)| ((*name).to_owned(), amount.parse().unwrap()))
        .collect()
}

fn machine(capacity: ResourceList, overhead: Overhead) -> InstanceType {
    InstanceType {
        name: "x".into(),
        requirements: Requirements::new(),
        offerings: Vec::new(),
        capacity,
        capacity_overlaid: false,
        dynamic_resources: None,
        overhead,
    }
}

#[test]
fn allocatable_is_capacity_less_all_overhead() {
    let overhead = Overhead {
        kube_reserved: list(&[("cpu", "70m"), ("memory", "574Mi")]),
        system_reserved: list(&[("cpu", "30m"), ("pid", "100")]),
        eviction_threshold: list(&[("memory", "100Mi")]),
    };
    let machine = machine(
        list(&[("cpu", "2"), ("memory", "8Gi"), ("pods", "29")]),
        overhead,
    );
    let expected = list(&[("cpu", "1900m"), ("memory", "7518Mi"), ("pods", "29")]);
    assert_eq!(machine.allocatable(), expected);
}

/// SCH-73: what huge pages take is no memory for pods, which is never less than nothing.
#[test]
fn huge_pages_are_taken_out_of_memory() {
    let capacity = [
        ("memory", "8Gi"),
        ("hugepages-2Mi", "1Gi"),
        ("hugepages-1Gi", "2Gi"),
    ];
    let allocatable = machine(list(&capacity), Overhead::default()).allocatable();
    assert_eq!(allocatable["memory"].to_string(), "5Gi");
    let capacity = [("memory", "1Gi"), ("hugepages-1Gi", "2Gi")];
    let allocatable = machine(list(&capacity), Overhead::default()).allocatable();
    assert_eq!(allocatable["memory"], Quantity::ZERO);
}

#[test]
fn capacity_types_are_spelt_as_labels() {
    for capacity_type in CapacityType::ALL {
        assert_eq!(capacity_type.as_str().parse(), Ok(capacity_type));
        let json = serde_json::to_string(&capacity_type).unwrap();
        assert_eq!(json, format!("\"{capacity_type}\""));
    }
    assert!("Spot".parse::<CapacityType>().is_err());
}
