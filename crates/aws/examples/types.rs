//! What the list of a class' instance types costs: `cargo run --release -p aws --example types`.
//!
//! All types of us-west-2 in its four zones, and a few classes that are set up differently. The
//! shortest of many runs counts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::Ec2NodeClass;
use api::ec2nodeclass::Subnet;
use aws::ec2::TypeOffering;
use aws::pricing::Prices;
use aws::types::{
    ClassTypes, Discovered, Market, Options, OverlayPrices, Region, Setup, compiled, kubelet_of,
};
use aws::unavailable::{Mark, Unavailable};
use catalog::ec2::{Ec2Options, bundled, bundled_machines};
use catalog::{CapacityType, Interner};
use model::Timestamp;
use serde_json::json;

const REGION: &str = "us-west-2";
const CLASSES: usize = 5;
const RUNS: usize = 50;

fn main() {
    let region = region();
    let classes: Vec<Ec2NodeClass> = (0..CLASSES).map(|number| class(number, &region)).collect();
    let options = Options::default();
    let mut interner = Interner::default();
    let mut resolve = |class: &Ec2NodeClass| {
        let setup = Setup::new(class, None, &options);
        let compiled = compiled(&class.spec.kubelet, options.expressions);
        let compiled = compiled.expect("the settings are allowed");
        let kubelet = kubelet_of(&compiled);
        ClassTypes::new(&region, setup, &kubelet, &mut interner).expect("there are types")
    };
    let mut known = Known::default();
    let cold = shortest(|| {
        let mut types = resolve(&classes[0]);
        known.list(&mut types)
    });
    let mut lists: Vec<ClassTypes> = classes.iter().map(&mut resolve).collect();
    for types in &mut lists {
        known.list(types);
    }
    let last = &classes[CLASSES - 1];
    let warm = shortest(|| {
        let of = |types: &&mut ClassTypes| types.setup().is_of(last, None, &options);
        let types = lists.iter_mut().find(of).expect("a list");
        known.list(types)
    });
    let mark = Mark::offering(CapacityType::Spot, "m5.large", "us-west-2a");
    let marked = shortest(|| {
        known.marks.mark(mark.clone(), known.now);
        known.list(&mut lists[0])
    });
    let mut price = 1;
    let priced = shortest(|| {
        price += 1;
        let newer = [("m5.large".to_owned(), catalog::Price::from_nanos(price))];
        let outcome = known.prices.update_on_demand(newer.into());
        outcome.expect("there is a price");
        known.list(&mut lists[0])
    });
    let (types, zones) = (region.machines().len(), region.zones().len());
    println!("{types} types, {zones} zones, {CLASSES} classes");
    for (what, took) in [
        ("made anew", cold),
        ("nothing has changed", warm),
        ("one type could not be had", marked),
        ("prices have changed", priced),
    ] {
        println!("{what:<28} {:>9.1} µs", took.as_secs_f64() * 1e6);
    }
}

/// What lists depend on from minute to minute.
struct Known {
    prices: Prices,
    marks: Unavailable,
    shifted: BTreeSet<String>,
    overlay_prices: OverlayPrices,
    memory: Discovered,
    now: Timestamp,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            prices: Prices::initial(REGION),
            marks: Unavailable::new(),
            shifted: BTreeSet::new(),
            overlay_prices: OverlayPrices::new(),
            memory: Discovered::default(),
            now: Timestamp::from_seconds(1_800_000_000),
        }
    }
}

impl Known {
    fn list(&self, types: &mut ClassTypes) -> usize {
        let list = types.list(&Market {
            prices: &self.prices,
            marks: &self.marks,
            shifted: &self.shifted,
            overlay_prices: &self.overlay_prices,
            available: &|_| 0,
            memory: &self.memory,
            further: &[],
            now: self.now,
        });
        list.len()
    }
}

fn region() -> Arc<Region> {
    let catalog = bundled(&Ec2Options::default()).expect("the region is in the table");
    let offered = |ty: &Arc<catalog::InstanceType>| {
        let zones = ty.requirements.get(api::labels::ZONE);
        let zones = zones.map(|zones| zones.values().to_vec());
        let name = ty.name.to_string();
        let offered = zones.unwrap_or_default().into_iter();
        offered
            .map(|zone| TypeOffering {
                instance_type: name.clone(),
                zone: zone.to_string(),
            })
            .collect::<Vec<_>>()
    };
    let offerings: Vec<TypeOffering> = catalog.types.iter().flat_map(offered).collect();
    Arc::new(Region::new(REGION, bundled_machines(), &offerings))
}

/// Classes that differ in how many pods their nodes take.
fn class(number: usize, region: &Region) -> Ec2NodeClass {
    let spec = json!({"amiFamily": "AL2023", "kubelet": {"maxPods": 100 + number}});
    let mut class: Ec2NodeClass =
        serde_json::from_value(json!({"spec": spec})).expect("a node class");
    let zones = region.zones().iter().enumerate();
    class.status.subnets = zones
        .map(|(position, zone)| Subnet {
            id: format!("subnet-{position}"),
            zone: zone.clone(),
            zone_id: format!("usw2-az{position}"),
        })
        .collect();
    class
}

fn shortest(mut work: impl FnMut() -> usize) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..RUNS {
        let began = now();
        let done = work();
        shortest = shortest.min(began.elapsed());
        assert!(done > 1_000, "all types are listed");
    }
    shortest
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is the time that work takes"
)]
fn now() -> Instant {
    Instant::now()
}
