//! Gauges of all offerings.

use std::sync::Arc;
use std::time::Duration;

use api::{NodePool, condition};
use aws::types::gauges;
use catalog::InstanceType;
use controllers::{CloudError, CloudProvider};
use runtime::Metrics;
use runtime::metrics::names;

/// How often they are shown.
pub const INTERVAL: Duration = Duration::from_mins(1);

/// Shows what the offerings of all pools cost and whether they can be had. What no pool has any
/// more is no longer shown. Pools whose types are not known now are passed over; the last error of
/// one that is ready is returned once the rest is shown.
pub async fn show_offerings(
    cloud: &dyn CloudProvider,
    pools: &[Arc<NodePool>],
    reserved_capacity: bool,
    metrics: &Metrics,
) -> Result<(), CloudError> {
    let mut lists: Vec<Arc<[Arc<InstanceType>]>> = Vec::new();
    let mut outcome = Ok(());
    for pool in pools {
        match cloud.instance_types(pool).await {
            // Many pools have the same list.
            Ok(list) if lists.iter().any(|known| Arc::ptr_eq(known, &list)) => {}
            Ok(list) => lists.push(list),
            Err(error) => {
                if condition::is_true(&pool.status.conditions, condition::READY) {
                    outcome = Err(error);
                }
            }
        }
    }
    let gauges = gauges(lists.iter().map(|list| &**list), reserved_capacity);
    let labels = |key: &(Arc<str>, catalog::CapacityType, Arc<str>)| {
        let (name, capacity_type, zone) = key;
        vec![
            name.to_string(),
            capacity_type.to_string(),
            zone.to_string(),
        ]
    };
    let available = gauges.iter();
    let available = available.map(|(key, gauge)| (labels(key), f64::from(gauge.available)));
    metrics.replace(&names::OFFERING_AVAILABLE, available);
    let prices = gauges.iter();
    let prices = prices.map(|(key, gauge)| (labels(key), gauge.price.dollars()));
    metrics.replace(&names::OFFERING_PRICE, prices);
    outcome
}
