//! Which instances nobody knows of any more.
//!
//! What is *not* here: listing them, and ending them.

use std::time::Duration;

use api::NodeClaim;
use model::Timestamp;

use crate::ec2::Instance;
use crate::provider_id::instance_id;
use crate::tags;

/// Instances that are younger may belong to a claim that does not say so yet.
pub const GRACE: Duration = Duration::from_secs(30);

/// The instances that no claim has, and that none may be about to have.
pub fn lost<'i>(
    instances: &'i [Instance],
    claims: &[&NodeClaim],
    now: Timestamp,
) -> Vec<&'i Instance> {
    let claimed: std::collections::BTreeSet<&str> = claims
        .iter()
        .filter_map(|claim| instance_id(&claim.status.provider_id))
        .collect();
    let lost = instances.iter().filter(|instance| {
        let old = |launched: Timestamp| now.since(launched) > GRACE;
        !instance.state.is_ending()
            && instance.launched.is_none_or(old)
            && !claimed.contains(instance.id.as_str())
            && !claims.iter().any(|claim| may_be_of(instance, claim))
    });
    lost.collect()
}

/// Whether an instance may be the one of a claim whose launch has not been written down yet: the
/// API server may be out of reach for longer than any grace.
fn may_be_of(instance: &Instance, claim: &NodeClaim) -> bool {
    let older = claim.metadata.creation_timestamp <= instance.launched;
    let pool = instance.tags.get(tags::NODEPOOL).map(String::as_str);
    claim.status.provider_id.is_empty() && older && claim.pool() == pool
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::InstanceState;
    use crate::provider_id::provider_id;

    const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

    fn instance(id: &str, age: u64) -> Instance {
        let mut instance = Instance {
            id: id.to_owned(),
            launched: Some(NOW.before(Duration::from_secs(age))),
            state: InstanceState::Running,
            ..Instance::default()
        };
        let tags = &mut instance.tags;
        tags.insert(tags::NODEPOOL.to_owned(), "default".to_owned());
        instance
    }

    fn claim(instance: &str, age: u64) -> NodeClaim {
        let mut claim = NodeClaim::default();
        let labels = &mut claim.metadata.labels;
        labels.insert(tags::NODEPOOL.to_owned(), "default".to_owned());
        claim.metadata.creation_timestamp = Some(NOW.before(Duration::from_secs(age)));
        if !instance.is_empty() {
            claim.status.provider_id = provider_id("us-west-2a", instance);
        }
        claim
    }

    fn ids(instances: &[Instance], claims: &[NodeClaim]) -> Vec<String> {
        let claims: Vec<&NodeClaim> = claims.iter().collect();
        let lost = lost(instances, &claims, NOW);
        lost.iter().map(|instance| instance.id.clone()).collect()
    }

    /// GC-1: old ones without a claim are lost; young ones, those that are ending and those with a
    /// claim are not.
    #[test]
    fn an_instance_without_a_claim_is_lost_after_its_grace() {
        let mut ending = instance("i-4", 600);
        ending.state = InstanceState::ShuttingDown;
        let all = [
            instance("i-1", 31),
            instance("i-2", 30),
            instance("i-3", 600),
            ending,
        ];
        assert_eq!(ids(&all, &[claim("i-3", 610)]), ["i-1"]);
    }

    #[test]
    fn an_instance_whose_launch_may_not_be_written_yet_is_not_lost() {
        let all = [instance("i-1", 600)];
        assert_eq!(ids(&all, &[claim("", 610)]), Vec::<String>::new());
        assert_eq!(
            ids(&all, &[claim("", 590)]),
            ["i-1"],
            "the claim is younger"
        );
        let mut other = claim("", 610);
        let labels = &mut other.metadata.labels;
        labels.insert(tags::NODEPOOL.to_owned(), "other".to_owned());
        assert_eq!(ids(&all, &[other]), ["i-1"], "of another pool");
    }
}
