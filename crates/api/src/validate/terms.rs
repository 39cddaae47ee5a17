//! Selector terms of an EC2NodeClass: what may stand together in one.

use serde_json::Value;

use super::Finding;

/// One list of terms.
struct Kind {
    list: &'static str,
    /// A term needs one of these.
    one_of: &'static [&'static str],
    /// A field that stands alone, and those that it must not stand with.
    alone: &'static [(&'static str, &'static [&'static str])],
}

const KINDS: [Kind; 4] = [
    Kind {
        list: "subnetSelectorTerms",
        one_of: &["tags", "id", "ids"],
        alone: &[("id", &["tags", "ids"]), ("ids", &["tags"])],
    },
    Kind {
        list: "securityGroupSelectorTerms",
        one_of: &["tags", "id", "ids", "name"],
        alone: &[
            ("id", &["tags", "ids", "name"]),
            ("ids", &["tags", "name"]),
            ("name", &["tags"]),
        ],
    },
    Kind {
        list: "capacityReservationSelectorTerms",
        one_of: &["tags", "id", "instanceMatchCriteria"],
        alone: &[("id", &["tags", "ownerID", "instanceMatchCriteria"])],
    },
    Kind {
        list: "amiSelectorTerms",
        one_of: &["tags", "id", "name", "alias", "ssmParameter"],
        alone: &[
            ("id", &["alias", "tags", "name", "owner"]),
            ("alias", &["tags", "name", "owner"]),
        ],
    },
];

/// Terms that select nothing, or whose fields must not stand together.
pub(super) fn check(object: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for kind in &KINDS {
        let terms = object["spec"][kind.list].as_array();
        for (index, term) in terms.into_iter().flatten().enumerate() {
            let path = format!("spec.{}[{index}]", kind.list);
            findings.extend(of_term(kind, term, &path));
        }
    }
    findings
}

fn of_term(kind: &Kind, term: &Value, path: &str) -> Vec<Finding> {
    let has = |field: &&str| term.get(*field).is_some_and(|value| !value.is_null());
    if !kind.one_of.iter().any(has) {
        let fields = kind.one_of.join(", ");
        let finding = Finding::error(path, "selects by nothing");
        return vec![finding.fix(format!("add one of {fields}"))];
    }
    let mut findings = Vec::new();
    for (field, others) in kind.alone.iter().filter(|(field, _)| has(field)) {
        if let Some(other) = others.iter().find(|other| has(other)) {
            let message = format!("'{field}' is mutually exclusive, it stands beside {other}");
            findings.push(Finding::error(path, message).fix("make them two terms, or keep one"));
        }
    }
    findings
}
