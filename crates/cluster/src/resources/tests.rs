use super::*;
use proptest::prelude::*;

fn list(entries: &[(&str, &str)]) -> ResourceList {
    entries
        .iter()
        .map(|(name, amount)| ((*name).to_owned(), amount.parse().unwrap()))
        .collect()
}

#[test]
fn requests_round_up_and_capacity_rounds_down() {
    let mut dimensions = Dimensions::default();
    let amounts = list(&[("cpu", "1.5m"), ("memory", "1.5"), ("example.com/gpu", "2")]);
    let requests = dimensions.requests(&amounts);
    let gpu = dimensions.get("example.com/gpu").unwrap();
    assert_eq!(requests.get(ResourceId::CPU), 2);
    assert_eq!(requests.get(ResourceId::MEMORY), 2);
    assert_eq!(requests.get(gpu), 2);
    let capacity = dimensions.capacity(&amounts);
    assert_eq!(capacity.get(ResourceId::CPU), 1);
    assert_eq!(capacity.get(ResourceId::MEMORY), 1);
    assert!(!requests.fits(&capacity));
}

#[test]
fn the_four_basic_resources_have_fixed_ids() {
    let dimensions = Dimensions::default();
    assert_eq!(dimensions.get("cpu"), Some(ResourceId::CPU));
    assert_eq!(dimensions.get("memory"), Some(ResourceId::MEMORY));
    assert_eq!(dimensions.get("pods"), Some(ResourceId::PODS));
    assert_eq!(
        dimensions.get("ephemeral-storage"),
        Some(ResourceId::EPHEMERAL_STORAGE)
    );
    assert_eq!(dimensions.name(ResourceId::PODS), "pods");
}

#[test]
fn nothing_fits_where_any_amount_is_negative() {
    let mut dimensions = Dimensions::default();
    let available: ResourceVec = [(ResourceId::CPU, 100), (ResourceId::MEMORY, -1)]
        .into_iter()
        .collect();
    assert!(!ResourceVec::default().fits(&available));
    assert!(
        !dimensions
            .requests(&list(&[("cpu", "1m")]))
            .fits(&available)
    );
}

#[test]
fn zero_of_an_unknown_resource_fits_everywhere() {
    let mut dimensions = Dimensions::default();
    let requests = dimensions.requests(&list(&[("example.com/fpga", "0")]));
    assert!(requests.fits(&ResourceVec::default()));
}

fn amounts() -> impl Strategy<Value = ResourceVec> {
    proptest::collection::btree_map(0_u16..8, -1_000_i64..1_000, 0..8).prop_map(|map| {
        map.into_iter()
            .map(|(id, amount)| (ResourceId(id), amount))
            .collect()
    })
}

proptest! {
    #[test]
    fn adding_and_taking_out_again_changes_no_amount(a in amounts(), b in amounts()) {
        let mut sum = a.clone();
        sum.add(&b);
        sum.subtract(&b);
        for id in 0..8 {
            prop_assert_eq!(sum.get(ResourceId(id)), a.get(ResourceId(id)));
        }
    }
}
