//! When pods last came to a claim's node or left it.

use std::time::Duration;

use api::NodeClaim;
use cluster::{OwnerKind, PodRecord};
use model::Timestamp;

/// A time that is younger than this is not written anew.
pub const SHORTEST: Duration = Duration::from_secs(10);

/// Where a pod stands, as far as its node's quiet is disturbed by a change of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodStand {
    node: std::sync::Arc<str>,
    active: bool,
}

/// Where a pod stands; none if it does not count: it is not bound, or comes with its node.
pub fn stand(pod: &PodRecord) -> Option<PodStand> {
    if matches!(pod.shape.owner.kind, OwnerKind::DaemonSet) {
        return None;
    }
    let node = pod.node.clone()?;
    Some(PodStand {
        node,
        active: pod.is_active(),
    })
}

impl PodStand {
    /// The node whose quiet is disturbed when a pod comes from `before` to this stand: it was
    /// bound, ended, or began to leave.
    pub fn disturbs(&self, before: Option<&Self>) -> Option<&str> {
        (before != Some(self)).then_some(&*self.node)
    }
}

/// The claim with the time of the event, unless it has one that is young enough.
pub fn note(claim: &NodeClaim, now: Timestamp) -> Option<NodeClaim> {
    let last = claim.status.last_pod_event_time;
    if last.is_some_and(|last| now.since(last) < SHORTEST) {
        return None;
    }
    let mut changed = claim.clone();
    changed.status.last_pod_event_time = Some(now.truncated_to_seconds());
    Some(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, bound, claim, daemon};

    /// PE-01, PE-03.
    #[test]
    fn a_time_is_written_unless_there_is_a_young_one() {
        let noted = note(&claim("a"), at(100)).expect("a change");
        assert_eq!(noted.status.last_pod_event_time, Some(at(100)));
        assert_eq!(note(&noted, at(105)), None);
        assert!(note(&noted, at(111)).is_some());
    }

    #[test]
    fn binding_ending_and_leaving_count_and_daemons_do_not() {
        let running = stand(&bound("p", "n")).expect("a stand");
        assert_eq!(running.disturbs(None), Some("n"));
        assert_eq!(running.disturbs(Some(&running)), None);
        let mut leaving = bound("p", "n");
        leaving.facts.deletion = Some(at(1));
        let leaving = stand(&leaving).expect("a stand");
        assert_eq!(leaving.disturbs(Some(&running)), Some("n"));
        assert_eq!(stand(&daemon("d", "n")), None);
    }
}
