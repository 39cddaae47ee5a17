//! Parameters of SSM that hold ids of images.
//!
//! What is *not* here: which parameters there are, and what their values are good for (`images`).

use std::sync::Arc;
use std::time::Duration;

use aws::Failure;
use aws::images::Lifetime;
use runtime::Clock;

use crate::cache::Cache;
use crate::calls::Ssm;

/// How long the value of a public parameter is good, unless it is found to be out of date.
const GOOD: Duration = Duration::from_hours(24);
/// How long the value of a user's parameter is good.
const USERS_GOOD: Duration = Duration::from_mins(5);

/// Reads parameters.
pub struct Parameters {
    ssm: Arc<dyn Ssm>,
    /// Values by name and lifetime.
    known: Cache<(String, Lifetime), String>,
}

impl Parameters {
    /// Nothing is known yet.
    pub fn new(ssm: Arc<dyn Ssm>, clock: Clock) -> Self {
        Self {
            ssm,
            known: Cache::new(clock, GOOD),
        }
    }

    /// The value of a parameter. Failures are not remembered.
    pub async fn get(&self, name: &str, lifetime: Lifetime) -> Result<String, Failure> {
        let key = (name.to_owned(), lifetime);
        if let Some(known) = self.known.get(&key) {
            return Ok(known);
        }
        let value = self.ssm.parameter(name).await?;
        tracing::info!(parameter = name, value, "discovered ssm parameter");
        let good = match lifetime {
            Lifetime::Fixed | Lifetime::Changing => GOOD,
            Lifetime::Users => USERS_GOOD,
        };
        self.known.sweep();
        self.known.put_for(key, value.clone(), good);
        Ok(value)
    }

    /// Names and values of parameters that change in time, as far as they are known.
    pub fn changing(&self) -> Vec<(String, String)> {
        let known = self.known.all().into_iter();
        let changing = known.filter(|((_, lifetime), _)| *lifetime == Lifetime::Changing);
        changing.map(|((name, _), value)| (name, value)).collect()
    }

    /// Forgets the value of a parameter that changes in time, so that it is read again.
    pub fn forget(&self, name: &str) {
        self.known.remove(&(name.to_owned(), Lifetime::Changing));
    }
}
