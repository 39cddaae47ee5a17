//! A registration hook: a node in a placement group with partitions is not registered before its
//! partition is known.
//!
//! What is *not* here: which group and partition an instance is launched into.

use api::NodeClaim;
use api::labels::{PLACEMENT_GROUP_ID, PLACEMENT_GROUP_PARTITION};
use async_trait::async_trait;
use aws::provider_id::instance_id;
use controllers::cloud::{HookOutcome, RegistrationHook};

use crate::instances::{Freshness, Instances};

/// The hook.
pub struct PlacementGroupHook {
    instances: Instances,
}

impl PlacementGroupHook {
    /// Asks for instances here.
    pub fn new(instances: Instances) -> Self {
        Self { instances }
    }
}

#[async_trait]
impl RegistrationHook for PlacementGroupHook {
    fn name(&self) -> &'static str {
        "PlacementGroupRegistrationHook"
    }

    async fn register(&self, claim: &NodeClaim) -> Result<HookOutcome, String> {
        let labels = &claim.metadata.labels;
        let is_open = labels.contains_key(PLACEMENT_GROUP_ID)
            && labels
                .get(PLACEMENT_GROUP_PARTITION)
                .is_some_and(String::is_empty);
        if !is_open {
            return Ok(HookOutcome::done());
        }
        if claim.status.provider_id.is_empty() {
            return Ok(HookOutcome::pending());
        }
        let Some(id) = instance_id(&claim.status.provider_id) else {
            return Err(format!("no instance in {:?}", claim.status.provider_id));
        };
        let instance = self.instances.get(id, Freshness::Fresh).await;
        let instance = instance.map_err(|error| error.to_string())?;
        Ok(match instance.partition.filter(|number| *number > 0) {
            None => HookOutcome::pending(),
            Some(number) => {
                HookOutcome::done().label(PLACEMENT_GROUP_PARTITION, &number.to_string())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use controllers::cloud::HookState;

    use super::*;
    use crate::testing::{Cloud, instance};

    fn claim(labels: &[(&str, &str)], instance: &str) -> NodeClaim {
        let mut claim = NodeClaim::default();
        let own = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        claim.metadata.labels.extend(own);
        if !instance.is_empty() {
            claim.status.provider_id = format!("aws:///test-zone-1a/{instance}");
        }
        claim
    }

    /// PG-7: only a partition that is open is asked for, until EC2 tells it.
    #[tokio::test(start_paused = true)]
    async fn a_partition_that_is_open_is_asked_for_until_it_is_told() {
        let cloud = Cloud::new().await;
        let hook = PlacementGroupHook::new(cloud.instances());
        let (group, open) = (
            (PLACEMENT_GROUP_ID, "pg-1"),
            (PLACEMENT_GROUP_PARTITION, ""),
        );
        let set = (PLACEMENT_GROUP_PARTITION, "2");
        for labels in [&[][..], &[open], &[group], &[group, set]] {
            let outcome = hook.register(&claim(labels, "i-1")).await;
            assert_eq!(outcome, Ok(HookOutcome::done()), "{labels:?}");
        }
        let waits = claim(&[group, open], "");
        let outcome = hook.register(&waits).await.expect("an outcome");
        assert_eq!(outcome.state, HookState::Pending, "not launched");

        let waits = claim(&[group, open], "i-1");
        hook.register(&waits).await.expect_err("no such instance");
        cloud.put(instance("i-1"));
        let outcome = hook.register(&waits).await.expect("an outcome");
        assert_eq!(outcome.state, HookState::Pending, "not told yet");
        let mut told = instance("i-1");
        told.partition = Some(3);
        cloud.put(told);
        let outcome = hook.register(&waits).await;
        let expected = HookOutcome::done().label(PLACEMENT_GROUP_PARTITION, "3");
        assert_eq!(outcome, Ok(expected));
    }
}
