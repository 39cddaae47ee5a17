//! What instances cost: list prices that are built in, and newer ones from AWS laid over them.
//!
//! What is *not* here: asking AWS, and when. Surcharges for Windows, dedicated hosts and volumes
//! are not known.

use std::collections::BTreeMap;

use catalog::Price;
use catalog::ec2::bundled_on_demand_prices;
use serde_json::Value;

use crate::ec2::SpotPrice;

/// Kinds of products that spot prices are asked for.
pub const SPOT_PRODUCTS: [&str; 2] = ["Linux/UNIX", "Linux/UNIX (Amazon VPC)"];

/// AWS has answered without any price that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no {what} pricing found")]
pub struct NoPrices {
    /// `on-demand` or `spot`.
    pub what: &'static str,
}

/// Prices in a region, per hour, in its currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    list: BTreeMap<String, Price>,
    on_demand: BTreeMap<String, Price>,
    spot: Option<BTreeMap<String, BTreeMap<String, Price>>>,
    changes: u64,
}

impl Prices {
    /// The list prices that are built in: those of the region if it has a list of its own, or else
    /// those of us-east-1.
    pub fn initial(region: &str) -> Self {
        let list = bundled_on_demand_prices(region);
        Self {
            on_demand: list.clone(),
            list,
            spot: None,
            changes: 0,
        }
    }

    /// The price on demand.
    pub fn on_demand(&self, instance_type: &str) -> Option<Price> {
        self.on_demand.get(instance_type).copied()
    }

    /// The spot price in a zone. As long as no spot price is known at all, the built-in list price
    /// stands in for it.
    pub fn spot(&self, instance_type: &str, zone: &str) -> Option<Price> {
        self.spot_of(instance_type).in_zone(zone)
    }

    /// The spot prices of a type, to be asked about each zone.
    pub fn spot_of(&self, instance_type: &str) -> SpotOf<'_> {
        match &self.spot {
            None => SpotOf::Everywhere(self.list.get(instance_type).copied()),
            Some(spot) => SpotOf::ByZone(spot.get(instance_type)),
        }
    }

    /// Grows with every update that changed a price.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Lays newer prices over those that are known; types without a new one keep theirs.
    pub fn update_on_demand(&mut self, newer: BTreeMap<String, Price>) -> Result<(), NoPrices> {
        if newer.is_empty() {
            return Err(NoPrices { what: "on-demand" });
        }
        let before = self.on_demand.clone();
        self.on_demand.extend(newer);
        self.changes += u64::from(before != self.on_demand);
        Ok(())
    }

    /// Lays newer spot prices over those that are known. Entries without a price or a time don't
    /// count; of several for one zone the last does.
    pub fn update_spot(&mut self, newer: &[SpotPrice]) -> Result<(), NoPrices> {
        let mut spot = self.spot.clone().unwrap_or_default();
        let mut found = false;
        for entry in newer.iter().filter(|entry| entry.since.is_some()) {
            let Some(price) = entry.price else { continue };
            found = true;
            let zones = spot.entry(entry.instance_type.clone()).or_default();
            zones.insert(entry.zone.clone(), price);
        }
        if !found {
            return Err(NoPrices { what: "spot" });
        }
        if self.spot.as_ref() != Some(&spot) {
            self.spot = Some(spot);
            self.changes += 1;
        }
        Ok(())
    }
}

/// Spot prices of a type.
#[derive(Clone, Copy, Debug)]
pub enum SpotOf<'a> {
    /// The same in every zone.
    Everywhere(Option<Price>),
    /// By zone; a zone that is not there has none.
    ByZone(Option<&'a BTreeMap<String, Price>>),
}

impl SpotOf<'_> {
    /// The price in a zone.
    pub fn in_zone(self, zone: &str) -> Option<Price> {
        match self {
            Self::Everywhere(price) => price,
            Self::ByZone(zones) => zones?.get(zone).copied(),
        }
    }
}

/// The region whose price list service tells the prices of a region.
pub fn endpoint_region(region: &str) -> &'static str {
    let near = [
        ("ap-", "ap-south-1"),
        ("cn-", "cn-northwest-1"),
        ("eu-", "eu-central-1"),
    ];
    let near = near.iter().find(|(prefix, _)| region.starts_with(prefix));
    near.map_or("us-east-1", |(_, endpoint)| endpoint)
}

/// Whether the price list can be asked about a region at all. It has nothing about GovCloud.
pub fn has_price_list(region: &str) -> bool {
    !region.starts_with("us-gov")
}

/// The currency of a region's prices.
pub fn currency(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "CNY"
    } else {
        "USD"
    }
}

/// What the price list is asked: filters of the questions about virtual machines and about bare
/// metal.
pub fn questions(region: &str) -> [Vec<(String, String)>; 2] {
    let about = |tenancy: &str, family: &str| {
        [
            ("regionCode", region),
            ("serviceCode", "AmazonEC2"),
            ("preInstalledSw", "NA"),
            ("operatingSystem", "Linux"),
            ("capacitystatus", "Used"),
            ("marketoption", "OnDemand"),
            ("tenancy", tenancy),
            ("productFamily", family),
        ]
        .map(|(field, value)| (field.to_owned(), value.to_owned()))
        .to_vec()
    };
    [
        about("Shared", "Compute Instance"),
        about("Dedicated", "Compute Instance (bare metal)"),
    ]
}

/// The prices in documents of the price list. What can't be read and what costs nothing does not
/// count.
pub fn read<'a>(
    documents: impl IntoIterator<Item = &'a str>,
    currency: &str,
) -> BTreeMap<String, Price> {
    documents
        .into_iter()
        .filter_map(|document| read_one(document, currency))
        .collect()
}

fn read_one(document: &str, currency: &str) -> Option<(String, Price)> {
    let document: Value = serde_json::from_str(document).ok()?;
    let product = field(&document, "product")?;
    let name = field(field(product, "attributes")?, "instanceType")?.as_str()?;
    let offers = field(field(&document, "terms")?, "OnDemand")?.as_object()?;
    let dimensions = offers
        .values()
        .filter_map(|offer| field(offer, "priceDimensions")?.as_object());
    let price = dimensions
        .flat_map(|dimensions| dimensions.values())
        .filter_map(|dimension| field(field(dimension, "pricePerUnit")?, currency)?.as_str())
        .find_map(price)?;
    Some((name.to_owned(), price))
}

/// A price that is one.
fn price(text: &str) -> Option<Price> {
    let price: f64 = text.parse().ok()?;
    (price.is_finite() && price > 0.0).then(|| Price::from_dollars(price))
}

/// A field by its name, whose case does not matter.
fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    let similar = || {
        fields
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    fields.get(name).or_else(|| Some(similar()?.1))
}

#[cfg(test)]
mod tests;
