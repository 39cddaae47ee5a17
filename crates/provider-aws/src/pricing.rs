//! Prices from AWS, asked for at the start and every twelve hours.
//!
//! What is *not* here: what the answers mean (`aws::pricing`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws::Failure;
use aws::pricing::{NoPrices, Prices, currency, has_price_list, questions, read};
use runtime::{Clock, Metrics, Shutdown};

use crate::calls::{self, Calls, Ec2};
use crate::rounds::Rounds;

/// How often prices are asked for.
pub const INTERVAL: Duration = Duration::from_hours(12);

/// Whether the price list can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PriceList {
    /// It can.
    #[default]
    Reachable,
    /// It cannot: the cluster's network has no way out (`ISOLATED_VPC`).
    Isolated,
}

/// Why prices could not be brought up to date. Those that are known stay.
#[derive(Debug, thiserror::Error)]
pub enum PricingError {
    /// A call failed.
    #[error("updating {what} pricing, {failure}")]
    Call {
        /// `on-demand` or `spot`.
        what: &'static str,
        /// How.
        failure: Failure,
    },
    /// The answer has no prices.
    #[error("updating pricing, {0}")]
    Empty(#[from] NoPrices),
}

/// The prices of this process.
pub struct PricingProvider {
    region: String,
    list: PriceList,
    clock: Clock,
    ec2: Arc<dyn Ec2>,
    pricing: Arc<dyn calls::Pricing>,
    prices: Mutex<Arc<Prices>>,
}

impl PricingProvider {
    /// Prices of a region; until AWS is asked those that are built in.
    pub fn new(region: &str, list: PriceList, clock: Clock, calls: &Calls) -> Self {
        Self {
            region: region.to_owned(),
            list,
            clock,
            ec2: calls.ec2.clone(),
            pricing: calls.pricing.clone(),
            prices: Mutex::new(Arc::new(Prices::initial(region))),
        }
    }

    /// What is known now.
    pub fn prices(&self) -> Arc<Prices> {
        self.lock().clone()
    }

    /// Asks for both kinds of prices. What can be brought up to date is, though the other fails.
    pub async fn update(&self) -> Result<(), PricingError> {
        let (on_demand, spot) = tokio::join!(self.update_on_demand(), self.update_spot());
        on_demand.and(spot)
    }

    /// Asks for prices on demand, of virtual machines and of bare metal; both or none count. The
    /// price list is not asked where it can't be reached or has nothing to tell.
    pub async fn update_on_demand(&self) -> Result<(), PricingError> {
        if self.list == PriceList::Isolated || !has_price_list(&self.region) {
            return Ok(());
        }
        let [plain, metal] = questions(&self.region);
        let answers =
            tokio::try_join!(self.pricing.products(&plain), self.pricing.products(&metal));
        let (plain, metal) = answers.map_err(|failure| PricingError::Call {
            what: "on-demand",
            failure,
        })?;
        let currency = currency(&self.region);
        let read = |answer: &[String]| read(answer.iter().map(String::as_str), currency);
        let (mut newer, metal) = (read(&plain), read(&metal));
        if newer.is_empty() || metal.is_empty() {
            return Err(NoPrices { what: "on-demand" }.into());
        }
        newer.extend(metal);
        self.change(|prices| prices.update_on_demand(newer))
    }

    /// Asks for spot prices.
    pub async fn update_spot(&self) -> Result<(), PricingError> {
        let answer = self.ec2.spot_prices(self.clock.now()).await;
        let answer = answer.map_err(|failure| PricingError::Call {
            what: "spot",
            failure,
        })?;
        self.change(|prices| prices.update_spot(&answer))
    }

    /// Keeps prices up to date until `shutdown`.
    pub async fn run(&self, metrics: &Metrics, shutdown: &Shutdown) {
        if self.list == PriceList::Isolated || !has_price_list(&self.region) {
            tracing::info!(
                region = self.region,
                "prices on demand stay as they are built in: the price list cannot be asked"
            );
        }
        let rounds = Rounds {
            name: "providers.pricing",
            clock: &self.clock,
            metrics,
        };
        let update = || async { self.update().await.map(|()| INTERVAL) };
        rounds.run(shutdown, update).await;
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Prices) -> Result<(), NoPrices>,
    ) -> Result<(), PricingError> {
        let mut prices = self.lock();
        let before = prices.changes();
        let mut newer = Prices::clone(&prices);
        change(&mut newer)?;
        if newer.changes() != before {
            *prices = Arc::new(newer);
        }
        Ok(())
    }

    /// A panic while the lock was held leaves whole prices.
    fn lock(&self) -> MutexGuard<'_, Arc<Prices>> {
        self.prices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
