//! Prices over a pretended AWS.

use aws::ec2::SpotPrice;
use aws::{Failure, Operation};
use catalog::Price;
use serde_json::json;

use super::*;
use crate::fake::{Fake, Request};

struct Scene {
    fake: Fake,
    clock: Clock,
    pricing: PricingProvider,
}

impl Scene {
    fn new(region: &str) -> Self {
        Self::with(region, PriceList::Reachable)
    }

    fn with(region: &str, list: PriceList) -> Self {
        let clock = Clock::simulated("2026-01-01T00:00:00Z".parse().expect("a time"));
        let fake = Fake::new(clock.clone());
        let pricing = PricingProvider::new(region, list, clock.clone(), &fake.calls());
        Self {
            fake,
            clock,
            pricing,
        }
    }

    /// What the price list tells from now on.
    fn tell(&self, currency: &str, prices: &[(&str, &str)]) {
        let document = |(name, price): &(&str, &str)| {
            json!({
                "product": {"attributes": {"instanceType": name}},
                "terms": {"OnDemand": {"A.B": {"priceDimensions": {"A.B.C": {
                    "pricePerUnit": {currency: price}}}}}},
            })
            .to_string()
        };
        let documents = prices.iter().map(document).collect();
        self.fake.change(|state| state.products = documents);
    }

    /// What the history of spot prices tells from now on.
    fn tell_spot(&self, prices: &[(&str, &str, f64)]) {
        let since = Some(self.clock.now());
        let price = |(name, zone, dollars): &(&str, &str, f64)| SpotPrice {
            instance_type: (*name).to_owned(),
            zone: (*zone).to_owned(),
            price: Some(Price::from_dollars(*dollars)),
            since,
        };
        let prices = prices.iter().map(price).collect();
        self.fake.change(|state| state.spot_prices = prices);
    }

    fn on_demand(&self, name: &str) -> String {
        text(self.pricing.prices().on_demand(name))
    }

    fn spot(&self, name: &str, zone: &str) -> String {
        text(self.pricing.prices().spot(name, zone))
    }
}

fn text(price: Option<Price>) -> String {
    price.map_or_else(|| "none".to_owned(), |price| price.to_string())
}

/// PR-1: while AWS tells nothing the built-in prices hold.
#[tokio::test(start_paused = true)]
async fn built_in_prices_hold_while_aws_does_not_answer() {
    for (region, price) in [
        ("us-east-1", "0.0960"),
        ("us-gov-west-1", "0.1210"),
        ("cn-north-1", "1.0130"),
    ] {
        let scene = Scene::new(region);
        scene.pricing.update().await.expect_err("no prices");
        assert_eq!(scene.on_demand("m5.large"), price, "{region}");
    }
}

/// PR-2, PR-4, PR-5: what AWS tells is laid over what is known; both questions are asked, and all
/// documents count.
#[tokio::test(start_paused = true)]
async fn prices_of_aws_are_laid_over_those_that_are_known() {
    let scene = Scene::new("us-west-2");
    scene.tell("USD", &[("m5.large", "1.5"), ("m5.metal", "7.25")]);
    scene.pricing.update_on_demand().await.expect("prices");
    assert_eq!(scene.on_demand("m5.large"), "1.5000");
    assert_eq!(scene.on_demand("m5.metal"), "7.2500");
    assert_eq!(scene.on_demand("m5.xlarge"), "0.1920", "as it was");
    let asked = scene.fake.requests(Operation::GetProducts);
    let [plain, metal] = questions("us-west-2").map(Request::Products);
    assert_eq!(asked, [plain, metal]);
    scene.tell("USD", &[("m5.xlarge", "0.3")]);
    scene.pricing.update_on_demand().await.expect("prices");
    assert_eq!(scene.on_demand("m5.large"), "1.5000", "as it was");
    assert_eq!(scene.on_demand("m5.xlarge"), "0.3000");
}

/// PR-2: one question without an answer is enough for nothing to change.
#[tokio::test(start_paused = true)]
async fn half_an_answer_counts_for_nothing() {
    let scene = Scene::new("us-west-2");
    scene.tell("USD", &[("m5.large", "1.5")]);
    let failure = Failure::new(Operation::GetProducts, "ThrottlingException", "");
    scene.fake.fail(failure, 1);
    let error = scene
        .pricing
        .update_on_demand()
        .await
        .expect_err("a failure");
    assert!(matches!(
        error,
        PricingError::Call {
            what: "on-demand",
            ..
        }
    ));
    assert_eq!(scene.on_demand("m5.large"), "0.0960");
    scene.tell("EUR", &[("m5.large", "1.5")]);
    let error = scene
        .pricing
        .update_on_demand()
        .await
        .expect_err("no dollars");
    assert!(matches!(
        error,
        PricingError::Empty(NoPrices { what: "on-demand" })
    ));
}

/// PR-3: yuan in China.
#[tokio::test(start_paused = true)]
async fn prices_in_china_are_in_yuan() {
    let scene = Scene::new("cn-north-1");
    scene.tell("CNY", &[("m5.large", "2.5")]);
    scene.pricing.update_on_demand().await.expect("prices");
    assert_eq!(scene.on_demand("m5.large"), "2.5000");
}

/// PR-6: list prices stand in until AWS has told spot prices; then zones count.
#[tokio::test(start_paused = true)]
async fn spot_prices_count_by_zone_once_aws_has_told_some() {
    let scene = Scene::new("us-west-2");
    scene.pricing.update_spot().await.expect_err("no prices");
    assert_eq!(scene.spot("m5.large", "test-zone-1a"), "0.0960");
    scene.tell_spot(&[
        ("m5.large", "test-zone-1a", 0.04),
        ("m5.large", "test-zone-1b", 0.05),
    ]);
    scene.pricing.update_spot().await.expect("prices");
    assert_eq!(scene.spot("m5.large", "test-zone-1a"), "0.0400");
    assert_eq!(scene.spot("m5.large", "test-zone-1c"), "none");
    scene.tell_spot(&[("m5.large", "test-zone-1a", 0.06)]);
    scene.pricing.update_spot().await.expect("prices");
    assert_eq!(scene.spot("m5.large", "test-zone-1a"), "0.0600");
    assert_eq!(
        scene.spot("m5.large", "test-zone-1b"),
        "0.0500",
        "as it was"
    );
}

/// PR-7: the history is asked from now on, which gives the prices of now.
#[tokio::test(start_paused = true)]
async fn spot_prices_are_asked_for_from_now_on() {
    let scene = Scene::new("us-west-2");
    tokio::time::advance(Duration::from_mins(90)).await;
    scene.tell_spot(&[("m5.large", "test-zone-1a", 0.04)]);
    scene.pricing.update_spot().await.expect("prices");
    let asked = scene.fake.requests(Operation::DescribeSpotPriceHistory);
    assert_eq!(asked, [Request::Since(scene.clock.now())]);
}

/// PR-8, PR-9: without a way to the price list, or where it has nothing to tell, it is not asked;
/// spot prices are.
#[tokio::test(start_paused = true)]
async fn the_price_list_is_not_asked_where_it_cannot_answer() {
    for (region, list) in [
        ("us-west-2", PriceList::Isolated),
        ("us-gov-west-1", PriceList::Reachable),
        ("us-gov-east-1", PriceList::Reachable),
    ] {
        let scene = Scene::with(region, list);
        scene.tell("USD", &[("m5.large", "1.5")]);
        scene.tell_spot(&[("m5.large", "test-zone-1a", 0.04)]);
        scene.pricing.update().await.expect("prices");
        assert_eq!(scene.fake.count(Operation::GetProducts), 0, "{region}");
        assert_ne!(scene.on_demand("m5.large"), "1.5000");
        assert_eq!(scene.spot("m5.large", "test-zone-1a"), "0.0400");
    }
}

#[tokio::test(start_paused = true)]
async fn prices_are_asked_for_every_twelve_hours_and_sooner_after_failures() {
    let scene = Scene::new("us-west-2");
    let shutdown = Shutdown::new();
    let operation = Operation::DescribeSpotPriceHistory;
    let watching = async {
        scene.clock.sleep(Duration::from_mins(1)).await;
        let failed = scene.fake.count(operation);
        assert!((3..=10).contains(&failed), "{failed}");
        scene.tell("USD", &[("m5.large", "1.5")]);
        scene.tell_spot(&[("m5.large", "test-zone-1a", 0.04)]);
        scene.clock.sleep(Duration::from_mins(2)).await;
        assert_eq!(scene.on_demand("m5.large"), "1.5000");
        let asked = scene.fake.count(operation);
        scene.clock.sleep(INTERVAL).await;
        assert_eq!(scene.fake.count(operation), asked + 1);
        shutdown.trigger();
    };
    let metrics = Metrics::new();
    tokio::join!(scene.pricing.run(&metrics, &shutdown), watching);
}
