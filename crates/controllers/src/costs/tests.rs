use super::*;
use serde_json::json;

fn claim(name: &str, pool: &str, labels: &[(&str, &str)]) -> NodeClaim {
    let mut claim: NodeClaim = serde_json::from_value(json!({
        "metadata": {"name": name, "labels": {NODEPOOL: pool}},
        "spec": {"requirements": [], "nodeClassRef": {"group": "g", "kind": "k", "name": "n"}}}))
    .expect("a claim");
    let labels = labels
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.to_owned()));
    claim.metadata.labels.extend(labels);
    claim
}

/// Types and the labels of a claim that has become the first offering of the one at a place.
fn types() -> Vec<Arc<InstanceType>> {
    catalog::kwok::standard().types
}

fn labels_of(types: &[Arc<InstanceType>], at: usize) -> ([(&'static str, String); 3], Price) {
    let (ty, offering) = (&types[at], &types[at].offerings[0]);
    let labels = [
        (INSTANCE_TYPE, ty.name.to_string()),
        (ZONE, offering.zone.to_string()),
        (CAPACITY_TYPE, offering.capacity_type.as_str().to_owned()),
    ];
    (labels, offering.price)
}

fn running(name: &str, pool: &str, types: &[Arc<InstanceType>], at: usize) -> (NodeClaim, Price) {
    let (labels, price) = labels_of(types, at);
    let labels: Vec<(&str, &str)> = labels.iter().map(|(key, value)| (*key, &**value)).collect();
    (claim(name, pool, &labels), price)
}

fn totals(costs: &Costs) -> Vec<(String, Price)> {
    let totals = costs.totals();
    totals
        .map(|(pool, price)| (pool.to_owned(), price))
        .collect()
}

/// The same types at `numerator` times the price.
fn dearer(types: &[Arc<InstanceType>], numerator: u64) -> Vec<Arc<InstanceType>> {
    let dearer = |ty: &Arc<InstanceType>| {
        let mut ty = (**ty).clone();
        let mut offerings = ty.offerings.clone();
        for offering in &mut offerings {
            offering.price = offering.price.scaled(numerator, 1);
        }
        ty.offerings = offerings;
        Arc::new(ty)
    };
    types.iter().map(dearer).collect()
}

/// SCH-258: adding, twice, mixed, for several pools, removing, and adding again.
#[test]
fn claims_count_once_until_they_are_gone() {
    let (types, mut costs) = (types(), Costs::default());
    let (one, small) = running("one", "a", &types, 0);
    let (two, _) = running("two", "a", &types, 0);
    let (three, large) = running("three", "a", &types, 5);
    let (other, _) = running("other", "b", &types, 5);
    for claim in [&one, &two, &three, &other] {
        assert_eq!(costs.add(claim, &types), Counted::Priced);
        assert_eq!(costs.add(claim, &types), Counted::Unchanged, "once");
    }
    let all = small.scaled(2, 1) + large;
    assert_eq!(
        totals(&costs),
        [("a".to_owned(), all), ("b".to_owned(), large)]
    );
    assert!(costs.remove("two"));
    assert!(!costs.remove("two"), "once");
    assert!(costs.remove("other"));
    assert_eq!(totals(&costs), [("a".to_owned(), small + large)]);
    assert_eq!(costs.add(&two, &types), Counted::Priced);
    assert_eq!(totals(&costs), [("a".to_owned(), all)]);
}

/// SCH-258: new prices, from the provider or from an overlay, count for what runs already.
#[test]
fn what_runs_is_priced_anew() {
    let (types, mut costs) = (types(), Costs::default());
    let (one, price) = running("one", "a", &types, 0);
    costs.add(&one, &types);
    costs.reprice("a", &dearer(&types, 3));
    assert_eq!(totals(&costs), [("a".to_owned(), price.scaled(3, 1))]);
    costs.reprice("b", &types);
    costs.reprice("a", &[]);
    assert_eq!(
        totals(&costs),
        [("a".to_owned(), price.scaled(3, 1))],
        "kept"
    );
}

#[test]
fn a_claim_counts_when_it_says_what_it_is() {
    let (types, mut costs) = (types(), Costs::default());
    let young = claim("one", "a", &[(ZONE, "z")]);
    assert_eq!(costs.add(&young, &types), Counted::Unchanged);
    let (grown, price) = running("one", "a", &types, 0);
    assert_eq!(costs.add(&grown, &types), Counted::Priced);
    assert_eq!(totals(&costs), [("a".to_owned(), price)]);
}

#[test]
fn what_has_no_price_is_free_until_it_has_one() {
    let (types, mut costs) = (types(), Costs::default());
    let (one, price) = running("one", "a", &types, 0);
    assert_eq!(costs.add(&one, &types[1..]), Counted::Unpriced);
    assert_eq!(totals(&costs), [("a".to_owned(), Price::default())]);
    costs.reprice("a", &types);
    assert_eq!(totals(&costs), [("a".to_owned(), price)]);
    assert_eq!(
        Costs::default().add(&one, &[]),
        Counted::Priced,
        "nobody has been asked yet"
    );
}
