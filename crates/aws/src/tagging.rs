//! Tags that an instance gets once its node has joined.
//!
//! What is *not* here: tags that it is launched with ([`crate::tags`]), and the calls.

use api::{NodeClaim, labels};

use crate::{Tags, tags};

/// Annotations of claims whose instance has all its tags.
pub const DONE: [&str; 2] = [labels::AWS_TAGGED, labels::AWS_CLUSTER_NAME_TAGGED];

/// Whether a claim's instance is to be tagged.
pub fn is_due(claim: &NodeClaim) -> bool {
    let annotations = &claim.metadata.annotations;
    let is_done = |key: &str| annotations.get(key).is_some_and(|value| value == "true");
    !DONE.iter().all(|key| is_done(key))
        && !claim.status.node_name.is_empty()
        && !claim.metadata.is_deleting()
}

/// The tags that an instance lacks. What it has is left as it is.
pub fn missing(claim: &NodeClaim, cluster: &str, have: &Tags) -> Tags {
    let wanted = [
        (tags::NAME, claim.status.node_name.as_str()),
        (tags::NODECLAIM, claim.metadata.name.as_str()),
        (tags::CLUSTER_NAME, cluster),
    ];
    let lacking = wanted
        .into_iter()
        .filter(|(key, _)| !have.contains_key(*key));
    lacking
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    fn claim() -> NodeClaim {
        let mut claim = NodeClaim::default();
        claim.metadata.name = "a".to_owned();
        claim.status.node_name = "node-a".to_owned();
        claim
    }

    #[test]
    fn a_claim_is_due_with_its_node_until_both_annotations_say_that_it_is_done() {
        assert!(is_due(&claim()));
        let mut nameless = claim();
        nameless.status.node_name.clear();
        assert!(!is_due(&nameless));
        let mut going = claim();
        going.metadata.deletion_timestamp = Some(Timestamp::EPOCH);
        assert!(!is_due(&going));
        let mut half = claim();
        for (key, due) in DONE.into_iter().zip([true, false]) {
            half.metadata
                .annotations
                .insert(key.to_owned(), "true".to_owned());
            assert_eq!(is_due(&half), due, "{key}");
        }
        half.metadata
            .annotations
            .insert(DONE[0].to_owned(), "false".to_owned());
        assert!(is_due(&half));
    }

    /// TAG-2: only what is missing is added, whatever the values of the others.
    #[test]
    fn only_what_is_missing_is_added() {
        let all = [tags::NAME, tags::NODECLAIM, tags::CLUSTER_NAME];
        for have in 0..8_usize {
            let has = |at: usize| have & (1 << at) != 0;
            let present = all.iter().enumerate().filter(|(at, _)| has(*at));
            let present: Tags = present
                .map(|(_, key)| ((*key).to_owned(), "another".to_owned()))
                .collect();
            let missing = missing(&claim(), "cluster", &present);
            for (at, key) in all.iter().enumerate() {
                assert_eq!(missing.contains_key(*key), !has(at), "{have} {key}");
            }
        }
        let missing = missing(&claim(), "cluster", &Tags::new());
        let values: Vec<&str> = missing.values().map(String::as_str).collect();
        assert_eq!(values, ["node-a", "cluster", "a"]);
    }
}
