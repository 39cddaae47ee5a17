//! The zones that rules about other pods leave the pods of a batch, before anything is placed.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::labels::ZONE;
use cluster::PodRecord;

use crate::index::Index;
use crate::mask::KeyId;
use crate::topology::{DomainRule, Rules};

/// Pods that are alike, and the zones that their rules about other pods leave them.
#[derive(Clone, Debug)]
pub struct EffectiveZones {
    /// The pods.
    pub pods: Arc<[Arc<PodRecord>]>,
    /// The zones. None at all if no zone will do as things are.
    pub zones: BTreeSet<String>,
}

/// The zones of all pods with a rule over zones. Their own requirements and volumes play no part.
pub(crate) fn effective(index: &Index<'_>) -> Vec<EffectiveZones> {
    let Some(key) = index.problem.keys.find(ZONE) else {
        return Vec::new();
    };
    let mut known: Option<Vec<usize>> = None;
    let classes = index.problem.classes.iter().zip(&index.pods);
    let mut found = Vec::new();
    for (class, pods) in classes {
        let Some(rules) = class.variants.first().map(|v| rules(index, v.rules)) else {
            continue;
        };
        if !rules.domains.iter().any(|rule| is_over(index, key, rule)) {
            continue;
        }
        let known = known.get_or_insert_with(|| known_zones(index, key));
        let allowed = allowed(index, key, rules);
        let zones = known.iter().filter(|zone| allowed(**zone));
        let zones = zones.map(|zone| index.problem.keys.domain_value(key, *zone).to_string());
        found.push(EffectiveZones {
            pods: pods.clone(),
            zones: zones.collect(),
        });
    }
    found
}

/// Whether all rules over zones let a pod into a zone.
fn allowed<'a>(index: &'a Index<'_>, key: KeyId, rules: &'a Rules) -> impl Fn(usize) -> bool + 'a {
    let topology = &index.problem.topology;
    let counter = |rule: &DomainRule| &topology.domains[rule.counter() as usize];
    // Of a group that is nowhere yet the first pod may go anywhere.
    let is_nowhere = |rule: &DomainRule| counter(rule).anywhere == 0;
    let near = |rule: &&DomainRule| matches!(rule, DomainRule::Together { .. });
    let founds = rules.first.is_some() && rules.domains.iter().filter(near).all(is_nowhere);
    move |zone| {
        let over = rules
            .domains
            .iter()
            .filter(|rule| is_over(index, key, rule));
        over.filter(|rule| !(founds && near(rule)))
            .all(|rule| rule.addable(&counter(rule).running, zone) > 0)
    }
}

fn rules<'a>(index: &'a Index<'_>, id: u32) -> &'a Rules {
    &index.problem.topology.rules[id as usize]
}

fn is_over(index: &Index<'_>, key: KeyId, rule: &DomainRule) -> bool {
    index.problem.topology.domains[rule.counter() as usize].key == key
}

/// Zones that nodes are in or that pools could open.
fn known_zones(index: &Index<'_>, key: KeyId) -> Vec<usize> {
    let keys = &index.problem.keys;
    let of_nodes = index
        .problem
        .nodes
        .iter()
        .map(|node| node.masks[key].clone());
    let of_pools = index
        .pools
        .iter()
        .map(|pool| pool.template.domains(key, keys));
    let any = of_nodes
        .chain(of_pools)
        .fold(keys.nothing(key), |all, mask| all.or(&mask));
    let zones = 0..keys.domains(key);
    zones
        .filter(|zone| keys.has_domain(key, &any, *zone))
        .collect()
}
