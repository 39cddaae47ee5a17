//! What becomes of claims and nodes whose reservation has left them.
//!
//! What is *not* here: the reservations ([`crate::reservations`]), and the calls.

use std::collections::BTreeMap;

use api::labels::{CAPACITY_TYPE, ON_DEMAND, RESERVATION_LABELS, RESERVED};
/// Changes of labels: a value, or none for a label that goes.
pub type Changes = BTreeMap<&'static str, Option<&'static str>>;

/// What changes in the labels of a claim or node whose instance runs on demand now; nothing if they
/// don't say that it is reserved.
pub fn demoted(labels: &BTreeMap<String, String>) -> Changes {
    if labels.get(CAPACITY_TYPE).map(String::as_str) != Some(RESERVED) {
        return Changes::new();
    }
    let gone = RESERVATION_LABELS
        .iter()
        .filter(|key| labels.contains_key(**key));
    let mut changes: Changes = gone.map(|key| (*key, None)).collect();
    changes.insert(CAPACITY_TYPE, Some(ON_DEMAND));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_reserved_loses_all_that_says_so() {
        let mut labels: BTreeMap<String, String> = RESERVATION_LABELS
            .iter()
            .map(|key| ((*key).to_owned(), "x".to_owned()))
            .collect();
        assert_eq!(
            demoted(&labels),
            Changes::new(),
            "nothing says that it is reserved"
        );
        labels.insert(CAPACITY_TYPE.to_owned(), RESERVED.to_owned());
        let mut expected: Changes = RESERVATION_LABELS.iter().map(|key| (*key, None)).collect();
        expected.insert(CAPACITY_TYPE, Some(ON_DEMAND));
        assert_eq!(demoted(&labels), expected);
        labels.insert(CAPACITY_TYPE.to_owned(), "spot".to_owned());
        assert_eq!(demoted(&labels), Changes::new());
    }
}
