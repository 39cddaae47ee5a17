//! Expiry: a claim that has lived long enough is deleted, whatever runs on it.

use std::time::Duration;

use api::NodeClaim;
use model::Timestamp;

/// What its age means for a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It does not expire, or is going already.
    Never,
    /// It expires after this time.
    After(Duration),
    /// It is to be deleted.
    Expired,
}

/// What its age means for a claim. Its own `expireAfter` counts, not that of its pool.
pub fn decide(claim: &NodeClaim, now: Timestamp) -> Expiry {
    let Some(limit) = claim
        .spec
        .expire_after
        .as_ref()
        .and_then(api::NillableDuration::get)
    else {
        return Expiry::Never;
    };
    if claim.metadata.is_deleting() {
        return Expiry::Never;
    }
    let at = claim.metadata.creation_timestamp.unwrap_or(now) + limit;
    if now < at {
        Expiry::After(at.since(now))
    } else {
        Expiry::Expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, claim};

    /// EX-01, EX-02, EX-03, EX-05.
    #[test]
    fn a_claim_expires_at_its_age_and_not_before() {
        let with = |text: &str| {
            let mut claim = claim("a");
            claim.spec.expire_after = Some(text.parse().expect("a duration"));
            claim
        };
        assert_eq!(decide(&with("30s"), at(31)), Expiry::Expired);
        assert_eq!(
            decide(&with("131s"), at(31)),
            Expiry::After(Duration::from_secs(100))
        );
        assert_eq!(decide(&with("Never"), at(1_000_000_000)), Expiry::Never);
        let mut going = with("30s");
        going.metadata.deletion_timestamp = Some(at(20));
        assert_eq!(decide(&going, at(31)), Expiry::Never);
    }
}
