//! Selectors in words, for messages that say what was looked for.

use std::collections::BTreeMap;

use api::ec2nodeclass::Ec2NodeClassSpec;

/// Terms that a message names; the others are counted.
const NAMED: usize = 5;

/// That nothing was found, and what was looked for.
pub(super) fn nothing(what: &str, terms: Vec<String>) -> String {
    let terms: Vec<String> = terms.into_iter().filter(|term| !term.is_empty()).collect();
    if terms.is_empty() {
        return what.to_owned();
    }
    let named = terms[..terms.len().min(NAMED)].join("; ");
    match terms.len().saturating_sub(NAMED) {
        0 => format!("{what}: {named}"),
        more => format!("{what}: {named} and {more} other(s)"),
    }
}

pub(super) fn subnets(spec: &Ec2NodeClassSpec) -> Vec<String> {
    let terms = spec.subnet_selector_terms.iter();
    let words = terms.map(|term| {
        join([
            field("id", &term.id),
            field("ids", &term.ids.join(", ")),
            tags(&term.tags),
        ])
    });
    words.collect()
}

pub(super) fn security_groups(spec: &Ec2NodeClassSpec) -> Vec<String> {
    let terms = spec.security_group_selector_terms.iter();
    let words = terms.map(|term| {
        join([
            field("id", &term.id),
            field("ids", &term.ids.join(", ")),
            field("name", &term.name),
            tags(&term.tags),
        ])
    });
    words.collect()
}

pub(super) fn images(spec: &Ec2NodeClassSpec) -> Vec<String> {
    let terms = spec.ami_selector_terms.iter();
    let words = terms.map(|term| {
        join([
            field("alias", &term.alias),
            field("id", &term.id),
            field("ssmParameter", &term.ssm_parameter),
            field("name", &term.name),
            field("owner", &term.owner),
            tags(&term.tags),
        ])
    });
    words.collect()
}

fn join<const N: usize>(fields: [Option<String>; N]) -> String {
    let fields: Vec<String> = fields.into_iter().flatten().collect();
    fields.join(", ")
}

fn field(name: &str, value: &str) -> Option<String> {
    (!value.is_empty()).then(|| format!("{name} {value}"))
}

fn tags(tags: &BTreeMap<String, String>) -> Option<String> {
    let pairs: Vec<String> = tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    (!pairs.is_empty()).then(|| format!("tags {}", pairs.join(", ")))
}
