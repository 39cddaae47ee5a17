//! Labels whose value a pool leaves open, as far as rules about other pods are over them.
//!
//! Whatever value such a label gets is a domain as soon as there is a node: pods are counted there,
//! and where there are none the smallest count is 0. So it gets none but those that are settled
//! before anything is placed: what nodes have and other pools name, what pods ask for by name, and
//! where none of that will do, a value that is made up. Which of them a node gets whose pods don't
//! mind is chosen in the end (`claims::open`).

use std::collections::BTreeSet;

use cluster::Snapshot;
use requirements::{Key, Requirement, Value};

use super::gather::{Asking, label};
use super::pools::Template;
use crate::mask::KeysBuilder;

/// Settles the values of keys of rules about other pods.
pub(super) fn settle(
    snapshot: &Snapshot,
    keys: &[Key],
    asking: &[Asking],
    templates: &mut [Template<'_>],
    builder: &mut KeysBuilder,
) {
    for key in keys.iter().filter(|key| snapshot.vocabulary.is_custom(key)) {
        if !templates
            .iter()
            .any(|template| open_of(template, key).is_some())
        {
            continue;
        }
        let mut wanted: Vec<&Requirement> = Vec::new();
        let variants = asking.iter().flat_map(|asking| &asking.variants);
        for requirement in variants.filter_map(|variant| variant.requirements.get(key)) {
            if !wanted.contains(&requirement) {
                wanted.push(requirement);
            }
        }
        settle_key(snapshot, key, &wanted, templates, builder);
    }
}

fn settle_key(
    snapshot: &Snapshot,
    key: &Key,
    wanted: &[&Requirement],
    templates: &mut [Template<'_>],
    builder: &mut KeysBuilder,
) {
    let standing = snapshot.nodes.iter().filter_map(|node| label(node, key));
    let mut known: BTreeSet<Value> = standing.map(Value::from).collect();
    for template in templates.iter() {
        let of_types = template
            .types
            .iter()
            .filter_map(|ty| ty.requirements.get(key));
        let own = of_types.chain(template.requirements.get(key));
        let listed = own.filter(|requirement| !requirement.is_complement());
        known.extend(listed.flat_map(|requirement| requirement.values().iter().cloned()));
    }
    let open: Vec<Requirement> = templates
        .iter()
        .filter_map(|t| open_of(t, key).cloned())
        .collect();
    let named = wanted.iter().filter(|wanted| !wanted.is_complement());
    let named = named.flat_map(|wanted| wanted.values());
    known.extend(
        named
            .filter(|value| open.iter().any(|own| own.has(value)))
            .cloned(),
    );
    for own in &open {
        let narrowed = wanted.iter().map(|wanted| own.intersect(wanted));
        for requirement in std::iter::once(own.clone()).chain(narrowed) {
            // Where its pool speaks of a label, a node gets it even if it need not have it.
            if requirement.is_complement() && !known.iter().any(|value| requirement.has(value)) {
                // Not by the seed of the pass: packing is not to depend on it.
                known.extend(requirement.pick(0));
            }
        }
    }
    for value in &known {
        builder.list(key, value);
    }
    for template in templates {
        if let Some(own) = open_of(template, key) {
            let values = known.iter().filter(|value| own.has(value)).cloned();
            let values = values.collect();
            template.open.insert(key.clone(), values);
        }
    }
}

/// What a pool requires of a key that it leaves open.
fn open_of<'t>(template: &'t Template<'_>, key: &Key) -> Option<&'t Requirement> {
    let own = template.requirements.get(key);
    own.filter(|own| own.is_complement())
}
