use model::Timestamp;
use serde_json::json;

use super::*;

fn spot(instance_type: &str, zone: &str, dollars: Option<f64>) -> SpotPrice {
    SpotPrice {
        instance_type: instance_type.to_owned(),
        zone: zone.to_owned(),
        price: dollars.map(Price::from_dollars),
        since: Some(Timestamp::from_seconds(1_800_000_000)),
    }
}

fn dollars(price: Option<Price>) -> String {
    price.map_or_else(|| "none".to_owned(), |price| price.to_string())
}

fn document(name: &str, currency: &str, price: &str) -> String {
    json!({
        "product": {"productFamily": "Compute Instance", "attributes": {"instanceType": name}},
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {"A.B": {"priceDimensions": {"A.B.C": {
            "unit": "Hrs", "pricePerUnit": {currency: price}}}}}},
    })
    .to_string()
}

/// PR-1: regions with a list of their own begin with it, all others with that of us-east-1.
#[test]
fn prices_begin_with_the_list_that_is_built_in() {
    for (region, price) in [
        ("us-east-1", "0.0960"),
        ("eu-central-1", "0.0960"),
        ("us-gov-east-1", "0.1210"),
        ("us-gov-west-1", "0.1210"),
        ("cn-north-1", "1.0130"),
    ] {
        let prices = Prices::initial(region);
        assert_eq!(dollars(prices.on_demand("m5.large")), price, "{region}");
        assert_eq!(dollars(prices.spot("m5.large", "any")), price, "{region}");
        assert_eq!(prices.on_demand("x1.imaginary"), None);
    }
}

/// PR-5: what is not told anew stays.
#[test]
fn newer_prices_are_laid_over_the_older_ones() {
    let mut prices = Prices::initial("us-east-1");
    let newer = BTreeMap::from([("m5.large".to_owned(), Price::from_dollars(1.5))]);
    assert_eq!(prices.update_on_demand(newer.clone()), Ok(()));
    assert_eq!(dollars(prices.on_demand("m5.large")), "1.5000");
    assert_eq!(dollars(prices.on_demand("m5.xlarge")), "0.1920");
    assert_eq!(prices.changes(), 1);
    assert_eq!(prices.update_on_demand(newer), Ok(()));
    assert_eq!(prices.changes(), 1, "nothing new");
    let none = prices.update_on_demand(BTreeMap::new());
    assert_eq!(none, Err(NoPrices { what: "on-demand" }));
    assert_eq!(dollars(prices.on_demand("m5.large")), "1.5000");
}

/// PR-6: until spot prices are known list prices stand in; then zones without one have none.
#[test]
fn spot_prices_hold_by_zone_once_they_are_known() {
    let mut prices = Prices::initial("us-west-2");
    let nothing = [spot("m5.large", "a", None)];
    assert_eq!(prices.update_spot(&nothing), Err(NoPrices { what: "spot" }));
    let of = |prices: &Prices, zone: &str| dollars(prices.spot("m5.large", zone));
    assert_eq!([of(&prices, "a"), of(&prices, "z")], ["0.0960", "0.0960"]);
    // A newer list price does not change what stands in.
    let newer = BTreeMap::from([("m5.large".to_owned(), Price::from_dollars(1.5))]);
    assert_eq!(prices.update_on_demand(newer), Ok(()));
    assert_eq!(of(&prices, "a"), "0.0960");

    let mut untimed = spot("m5.large", "c", Some(9.0));
    untimed.since = None;
    let answer = [
        spot("m5.large", "a", Some(0.05)),
        spot("m5.large", "b", Some(0.06)),
        spot("m5.large", "a", Some(0.04)),
        untimed,
    ];
    assert_eq!(prices.update_spot(&answer), Ok(()));
    let zones = ["a", "b", "c"].map(|zone| of(&prices, zone));
    assert_eq!(zones, ["0.0400", "0.0600", "none"], "the last one counts");
    assert_eq!(prices.spot("m5.xlarge", "a"), None);

    assert_eq!(
        prices.update_spot(&[spot("m5.large", "b", Some(0.07))]),
        Ok(())
    );
    let zones = ["a", "b"].map(|zone| of(&prices, zone));
    assert_eq!(zones, ["0.0400", "0.0700"], "what is not told anew stays");
}

/// PR-7: both kinds of Linux are asked for.
#[test]
fn spot_prices_are_those_of_linux() {
    assert_eq!(SPOT_PRODUCTS, ["Linux/UNIX", "Linux/UNIX (Amazon VPC)"]);
}

#[test]
fn each_region_has_a_price_list_that_tells_its_prices() {
    for (region, endpoint) in [
        ("us-west-2", "us-east-1"),
        ("sa-east-1", "us-east-1"),
        ("ap-northeast-1", "ap-south-1"),
        ("cn-north-1", "cn-northwest-1"),
        ("eu-west-1", "eu-central-1"),
    ] {
        assert_eq!(endpoint_region(region), endpoint, "{region}");
    }
}

#[test]
fn virtual_machines_and_bare_metal_are_two_questions() {
    let [plain, metal] = questions("eu-west-1");
    let of = |filters: &[(String, String)], name: &str| {
        let found = filters.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.clone())
    };
    for filters in [&plain, &metal] {
        assert_eq!(of(filters, "regionCode").as_deref(), Some("eu-west-1"));
        assert_eq!(of(filters, "operatingSystem").as_deref(), Some("Linux"));
        assert_eq!(filters.len(), 8);
    }
    assert_eq!(of(&plain, "tenancy").as_deref(), Some("Shared"));
    assert_eq!(of(&metal, "tenancy").as_deref(), Some("Dedicated"));
    let family = of(&metal, "productFamily");
    assert_eq!(family.as_deref(), Some("Compute Instance (bare metal)"));
}

/// PR-3: prices of China are in yuan.
#[test]
fn documents_are_read_in_the_currency_of_the_region() {
    let yuan = document("m5.large", "CNY", "1.2500000000");
    let read_as = |region: &str| read([&*yuan], currency(region));
    assert_eq!(read_as("cn-north-1")["m5.large"].to_string(), "1.2500");
    assert!(read_as("us-west-2").is_empty());
}

#[test]
fn what_is_no_price_is_left_out_and_case_does_not_matter() {
    let odd = document("m5.xlarge", "usd", "0.5").replace("pricePerUnit", "priceperunit");
    let documents = [
        document("m5.large", "USD", "0.1"),
        document("c5.large", "USD", "0.0000000000"),
        document("c6.large", "USD", "free"),
        "no JSON".to_owned(),
        odd,
    ];
    let prices = read(documents.iter().map(String::as_str), "USD");
    let names: Vec<&str> = prices.keys().map(String::as_str).collect();
    assert_eq!(names, ["m5.large", "m5.xlarge"]);
}
