//! Security groups of node classes.

use std::sync::Arc;
use std::time::Duration;

use api::Ec2NodeClass;
use aws::ec2::SecurityGroup;
use aws::{Failure, selectors};
use runtime::Clock;
use tokio::sync::Mutex;

use super::union;
use crate::cache::Cache;
use crate::calls::Ec2;

/// How long what is found is good.
const GOOD: Duration = Duration::from_mins(1);

/// Finds security groups.
pub struct SecurityGroups {
    ec2: Arc<dyn Ec2>,
    known: Cache<String, Arc<[SecurityGroup]>>,
    round: Mutex<()>,
}

impl SecurityGroups {
    /// Nothing is known yet.
    pub fn new(ec2: Arc<dyn Ec2>, clock: Clock) -> Self {
        Self {
            ec2,
            known: Cache::new(clock, GOOD),
            round: Mutex::new(()),
        }
    }

    /// The security groups of a class, each once.
    pub async fn list(&self, class: &Ec2NodeClass) -> Result<Arc<[SecurityGroup]>, Failure> {
        let queries = selectors::security_groups(&class.spec.security_group_selector_terms);
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
            answers.push(self.ec2.security_groups(filters).await?);
        }
        let found: Arc<[SecurityGroup]> = union(answers, |group| &group.id).into();
        self.known.sweep();
        self.known.put(key, found.clone());
        Ok(found)
    }
}
