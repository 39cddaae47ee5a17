//! Subnets of node classes.
//!
//! Whoever counts free addresses is told of each answer of EC2. What is *not* here: which subnet a
//! launch uses.

use std::sync::Arc;
use std::time::Duration;

use api::Ec2NodeClass;
use aws::ec2::Subnet;
use aws::{Failure, selectors};
use runtime::Clock;
use tokio::sync::Mutex;

use super::union;
use crate::cache::Cache;
use crate::calls::Ec2;

/// Told of subnets as EC2 has just answered them, with their free addresses.
pub type Listener = Box<dyn Fn(&[Subnet]) + Send + Sync>;

/// Finds subnets.
pub struct Subnets {
    ec2: Arc<dyn Ec2>,
    known: Cache<String, Arc<[Subnet]>>,
    round: Mutex<()>,
    listener: Listener,
}

impl Subnets {
    /// What is found is good for `refresh` (`SUBNET_REFRESH_INTERVAL`).
    pub fn new(ec2: Arc<dyn Ec2>, clock: Clock, refresh: Duration, listener: Listener) -> Self {
        Self {
            ec2,
            known: Cache::new(clock, refresh),
            round: Mutex::new(()),
            listener,
        }
    }

    /// The subnets of a class, each once.
    pub async fn list(&self, class: &Ec2NodeClass) -> Result<Arc<[Subnet]>, Failure> {
        let queries = selectors::subnets(&class.spec.subnet_selector_terms);
        if queries.is_empty() {
            return Ok(Arc::new([]));
        }
        let key = selectors::cache_key(class);
        let _round = self.round.lock().await;
        if let Some(known) = self.known.get(&key) {
            return Ok(known);
        }
        let mut answers = Vec::new();
        for filters in &queries {
            answers.push(self.ec2.subnets(filters).await?);
        }
        let found = union(answers, |subnet| &subnet.id);
        (self.listener)(&found);
        let found: Arc<[Subnet]> = found.into();
        self.known.sweep();
        self.known.put(key, found.clone());
        Ok(found)
    }
}
