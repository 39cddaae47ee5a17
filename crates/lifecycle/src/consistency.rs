//! Whether a node has what its claim was promised: the condition `ConsistentStateFound`.
//!
//! What is *not* here: what a node lacks before it is initialized (`claim`).

use std::fmt;
use std::time::Duration;

use api::NodeClaim;
use api::nodeclaim::conditions::{CONSISTENT_STATE_FOUND, INITIALIZED};
use model::k8s::Node;
use model::{Quantity, Timestamp, resources};

use crate::conditions::{Conditions, Status, is_true};
use crate::notice::{News, Notice, Subject};

/// How often a claim is compared with its node.
pub const INTERVAL: Duration = Duration::from_mins(10);

/// Something of which a node has too little: less than 90 % of what was promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The resource.
    pub resource: String,
    /// How much was promised.
    pub expected: Quantity,
    /// How much there is.
    pub found: Quantity,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = 100.0 * self.found.to_f64() / self.expected.to_f64();
        write!(
            f,
            "expected {} of resource {}, but found {} ({percent:.1}% of expected)",
            self.expected, self.resource, self.found
        )
    }
}

/// Whether a claim is to be compared with its node at all: its node was complete once, and it is
/// not on its way out.
pub fn concerns(claim: &NodeClaim) -> bool {
    !claim.metadata.is_deleting()
        && !claim.status.provider_id.is_empty()
        && is_true(&claim.status.conditions, INITIALIZED)
}

/// How long to wait with the next comparison; none if it is due.
pub fn wait(compared: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    let left = INTERVAL.saturating_sub(now.since(compared?));
    (!left.is_zero()).then_some(left)
}

/// What a node has too little of, among what the claim's pods asked for.
pub fn compare(claim: &NodeClaim, node: &Node) -> Vec<Issue> {
    let requested = claim.spec.resources.requests.iter();
    let requested = requested.filter(|(_, amount)| !amount.is_zero());
    let issue = |resource: &String| {
        let expected = resources::get(&claim.status.capacity, resource);
        let found = resources::get(&node.status.capacity, resource);
        let too_little = !expected.is_zero() && found < expected.fraction(9, 10);
        too_little.then(|| Issue {
            resource: resource.clone(),
            expected,
            found,
        })
    };
    requested
        .filter_map(|(resource, _)| issue(resource))
        .collect()
}

/// The claim with the condition that follows from a comparison.
#[must_use]
pub fn judged(claim: &NodeClaim, issues: &[Issue], now: Timestamp) -> NodeClaim {
    let mut changed = claim.clone();
    let mut conditions = Conditions::of_claim(&mut changed, now);
    if !issues.is_empty() {
        conditions.set(
            CONSISTENT_STATE_FOUND,
            Status::False,
            "ConsistencyCheckFailed",
            "Consistency Check Failed",
        );
    } else if !conditions.is_true(CONSISTENT_STATE_FOUND) {
        conditions.set_true(CONSISTENT_STATE_FOUND);
    }
    changed
}

/// What to tell about issues.
pub fn notices(claim: &NodeClaim, issues: Vec<Issue>) -> Vec<Notice> {
    let notice = |issue| Notice {
        about: Subject::of(claim),
        news: News::FailedConsistencyCheck { issue },
    };
    issues.into_iter().map(notice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conditions::{find, status};
    use crate::testing::{at, launched_claim, node};

    fn amounts(list: &[(&str, &str)]) -> model::ResourceList {
        let amount =
            |&(name, amount): &(&str, &str)| (name.to_owned(), amount.parse().expect("an amount"));
        list.iter().map(amount).collect()
    }

    /// A claim whose pods ask for CPU and memory, with 16 CPU and 128Gi promised.
    fn promised() -> NodeClaim {
        let mut claim = launched_claim("a");
        claim.spec.resources.requests =
            amounts(&[("cpu", "1"), ("memory", "1Gi"), ("example.com/none", "0")]);
        claim.status.capacity = amounts(&[
            ("cpu", "16"),
            ("memory", "128Gi"),
            ("example.com/none", "4"),
            ("pods", "110"),
        ]);
        Conditions::of_claim(&mut claim, at(30)).set_true(INITIALIZED);
        claim
    }

    fn with(capacity: &[(&str, &str)]) -> Node {
        let mut node = node("a");
        node.status.capacity = amounts(capacity);
        node
    }

    /// CN-01, CN-02: what was asked for counts, from 90 % on.
    #[test]
    fn a_node_may_have_a_tenth_less_than_promised() {
        for (capacity, lacking) in [
            (&[("cpu", "16"), ("memory", "128Gi")][..], &[][..]),
            (&[("cpu", "14400m"), ("memory", "128Gi")], &[]),
            (&[("cpu", "14399m"), ("memory", "128Gi")], &["cpu"]),
            (&[("cpu", "16"), ("memory", "64Gi")], &["memory"]),
            (&[("memory", "64Gi")], &["cpu", "memory"]),
        ] {
            let issues = compare(&promised(), &with(capacity));
            let found: Vec<&str> = issues.iter().map(|issue| &*issue.resource).collect();
            assert_eq!(found, lacking, "{capacity:?}");
        }
    }

    /// CN-02.
    #[test]
    fn what_a_node_lacks_is_told_and_what_it_has_again_is_not() {
        let half = compare(&promised(), &with(&[("cpu", "16"), ("memory", "64Gi")]));
        let judged = |claim: &NodeClaim, issues: &[Issue], now| super::judged(claim, issues, now);
        let failed = judged(&promised(), &half, at(100));
        let held = find(&failed.status.conditions, CONSISTENT_STATE_FOUND).expect("a condition");
        assert_eq!(
            (&*held.status, &*held.reason),
            ("False", "ConsistencyCheckFailed")
        );
        assert_eq!(judged(&failed, &half, at(700)), failed, "nothing new");
        let told = notices(&promised(), half);
        assert_eq!(told[0].news.reason(), "FailedConsistencyCheck");
        assert_eq!(told[0].news.severity(), crate::Severity::Warning);
        let text = told[0].news.to_string();
        assert!(text.contains("50.0%") && text.contains("64Gi"), "{text}");
        let mended = judged(&failed, &[], at(1300));
        let found = status(&mended.status.conditions, CONSISTENT_STATE_FOUND);
        assert_eq!(found, Status::True);
        assert_eq!(judged(&mended, &[], at(1900)), mended);
    }

    /// CN-03.
    #[test]
    fn comparisons_are_ten_minutes_apart() {
        assert_eq!(wait(None, at(0)), None);
        assert_eq!(wait(Some(at(0)), at(60)), Some(Duration::from_mins(9)));
        assert_eq!(wait(Some(at(0)), at(600)), None);
    }

    #[test]
    fn claims_that_are_not_complete_or_on_their_way_out_are_left_alone() {
        assert!(concerns(&promised()));
        assert!(!concerns(&launched_claim("a")), "not initialized");
        let mut going = promised();
        going.metadata.deletion_timestamp = Some(at(50));
        assert!(!concerns(&going));
    }
}
