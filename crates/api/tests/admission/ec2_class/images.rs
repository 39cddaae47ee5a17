//! Images: families, aliases and terms.

use serde_json::{Value, json};

use super::class;
use crate::case::Case;

/// Families that have an alias, the alias, and the article of the family's name.
pub(crate) const FAMILIES: [(&str, &str, &str); 6] = [
    ("al2", "AL2", "an"),
    ("al2023", "AL2023", "an"),
    ("bottlerocket", "Bottlerocket", "a"),
    ("windows2019", "Windows2019", "a"),
    ("windows2022", "Windows2022", "a"),
    ("windows2025", "Windows2025", "a"),
];

fn alias(alias: &str) -> Value {
    class(&json!({"amiSelectorTerms": [{"alias": alias}]}))
}

/// `amiFamily`, with and without terms.
pub(crate) fn families() -> Vec<Case> {
    let alone = |family: &str| class(&json!({"amiSelectorTerms": null, "amiFamily": family}));
    let by_id =
        |family: &str| class(&json!({"amiSelectorTerms": [{"id": "ami-1"}], "amiFamily": family}));
    let neither = "must specify amiFamily if amiSelectorTerms does not contain an alias";
    let mut cases = vec![
        Case::accepted("Ubuntu", alone("Ubuntu")),
        Case::refused(
            "Custom alone",
            alone("Custom"),
            "amiSelectorTerms must select some",
        ),
        Case::refused("an unknown family", by_id("Debian"), "Unsupported value"),
        Case::refused(
            "no family and no terms",
            class(&json!({"amiSelectorTerms": null})),
            neither,
        ),
        Case::refused(
            "no family and no alias",
            class(&json!({"amiSelectorTerms": [{"id": "ami-1"}]})),
            neither,
        ),
        Case::accepted("no user data", class(&json!({"userData": ""}))),
        Case::accepted("Custom by id", by_id("Custom")),
    ];
    for (_, family, _) in FAMILIES {
        cases.push(Case::accepted(&format!("{family} alone"), alone(family)));
        cases.push(Case::accepted(&format!("{family} by id"), by_id(family)));
    }
    cases
}

/// Aliases, with and without a family.
pub(crate) fn aliases() -> Vec<Case> {
    let format = "'alias' is improperly formatted, must match the format 'family@version'";
    let known = "family is not supported, must be one of the following: 'al2', 'al2023', 'bottlerocket', 'windows2019', 'windows2022', 'windows2025'";
    let mut cases = Vec::new();
    for name in [
        "al2@latest",
        "al2@v20240625",
        "al2023@latest",
        "al2023@v20240625",
        "bottlerocket@latest",
        "bottlerocket@1.10.0",
        "windows2019@latest",
        "windows2022@latest",
        "windows2025@latest",
    ] {
        cases.push(Case::accepted(name, alias(name)));
    }
    for name in ["@latest", "al2023", "al2023@", "al2023-latest"] {
        cases.push(Case::refused(name, alias(name), format));
    }
    for name in ["ubuntu@latest", "AL2023@latest"] {
        cases.push(Case::refused(name, alias(name), known));
    }
    for family in ["windows2019", "windows2022", "windows2025"] {
        let name = format!("{family}@v1.0.0");
        let message = "windows families may only specify version 'latest'";
        cases.push(Case::refused(&name, alias(&name), message));
    }
    for (short, family, article) in FAMILIES {
        let with = |other: &str| {
            class(&json!({"amiFamily": other,
                "amiSelectorTerms": [{"alias": format!("{short}@latest")}]}))
        };
        cases.push(Case::accepted(&format!("{short}, {family}"), with(family)));
        cases.push(Case::accepted(&format!("{short}, Custom"), with("Custom")));
        for (_, other, _) in FAMILIES {
            let message = format!(
                "if set, amiFamily must be '{family}' or 'Custom' when using {article} {family} alias"
            );
            if other != family {
                let name = format!("{short}, {other}");
                cases.push(Case::refused(&name, with(other), &message));
            }
        }
    }
    cases
}

/// Terms, alone and several of them.
pub(crate) fn terms() -> Vec<Case> {
    let terms = |terms: Value| class(&json!({"amiSelectorTerms": terms, "amiFamily": "AL2023"}));
    let mixed = |field: &str| {
        format!(
            "'{field}' is mutually exclusive, cannot be set with a combination of other fields in amiSelectorTerms"
        )
    };
    let nothing =
        "expected at least one, got none, ['tags', 'id', 'name', 'alias', 'ssmParameter']";
    let mut cases = vec![
        Case::refused("no term", terms(json!([])), "amiSelectorTerms"),
        Case::refused("an empty term", terms(json!([{}])), nothing),
        Case::refused("no tags", terms(json!([{"tags": {}}])), nothing),
        Case::refused("an owner alone", terms(json!([{"owner": "self"}])), nothing),
        Case::accepted(
            "owner and name",
            terms(json!([{"owner": "self", "name": "n"}])),
        ),
        Case::accepted(
            "owner and tags",
            terms(json!([{"owner": "self", "tags": {"a": "b"}}])),
        ),
        Case::accepted(
            "tags",
            terms(json!([{"tags": {"Name": "eks-al2023-*", "b": "c"}}])),
        ),
        Case::accepted("a parameter", terms(json!([{"ssmParameter": "/my/image"}]))),
        Case::accepted(
            "several terms",
            terms(json!([{"id": "ami-1"}, {"name": "n", "owner": "self"}])),
        ),
        Case::refused(
            "id and name, beside a good one",
            terms(json!([{"id": "ami-1", "name": "n"}, {"id": "ami-2"}])),
            &mixed("id"),
        ),
        Case::refused(
            "alias and another term",
            terms(json!([{"alias": "al2023@latest"}, {"id": "ami-1"}])),
            "'alias' is mutually exclusive, cannot be set with a combination of other amiSelectorTerms",
        ),
        Case::refused(
            "a bad id",
            terms(json!([{"id": "image-1"}])),
            "should match",
        ),
    ];
    let fields = [
        ("alias", json!("al2023@latest")),
        ("id", json!("ami-1")),
        ("tags", json!({"a": "b"})),
        ("name", json!("n")),
        ("owner", json!("self")),
    ];
    for first in ["alias", "id"] {
        for (second, value) in fields.iter().filter(|(field, _)| *field != first) {
            let held = fields.iter().find(|(field, _)| *field == first);
            let held = held.map(|(_, value)| value.clone());
            let both = terms(json!([{first: held, *second: value}]));
            let name = format!("{first} and {second}");
            cases.push(Case::refused(&name, both, &mixed(first)));
        }
    }
    cases
}
