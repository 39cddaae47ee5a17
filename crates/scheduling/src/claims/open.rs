//! Values of labels that a claim leaves open, where rules about other pods are over them: a domain
//! that counts anyway, so that no empty one comes into being (`index::open`).

use requirements::Requirements;

use crate::index::Index;
use crate::mask::KeyId;
use crate::pack::Packed;
use crate::topology::{DomainRule, Looks, Spread};
use crate::view::{ViewId, Views};

/// Custom keys of rules about other pods, each with its spreads, one per counter.
pub(super) struct OpenLabels<'a>(Vec<(KeyId, Vec<&'a Spread>)>);

impl<'a> OpenLabels<'a> {
    /// Finds them.
    pub(super) fn of(index: &'a Index<'_>) -> Self {
        let topology = &index.problem.topology;
        let vocabulary = &index.snapshot.vocabulary;
        let mut found: Vec<(KeyId, Vec<&Spread>)> = Vec::new();
        for counter in &topology.domains {
            let is_new = found.iter().all(|(key, _)| *key != counter.key);
            if is_new && vocabulary.is_custom(index.problem.keys.key(counter.key)) {
                found.push((counter.key, Vec::new()));
            }
        }
        if found.is_empty() {
            return Self(found);
        }
        for rule in topology.rules.iter().flat_map(|rules| &rules.domains) {
            let DomainRule::Spread(spread) = rule else {
                continue;
            };
            let key = topology.domains[spread.counter as usize].key;
            if let Some((_, spreads)) = found.iter_mut().find(|(known, _)| *known == key)
                && spreads.iter().all(|known| known.counter != spread.counter)
            {
                spreads.push(spread);
            }
        }
        Self(found)
    }

    /// The labels of a node that leaves some of these keys open.
    pub(super) fn choose(
        &self,
        index: &Index<'_>,
        (views, view): (&Views<'_>, ViewId),
        packed: &Packed,
        requirements: &Requirements,
    ) -> Vec<(String, String)> {
        let keys = &index.problem.keys;
        let pool = views.pool(view);
        let pool = pool.map(|pool| &index.pools[pool].template.requirements);
        let choose = |(key, spreads): &(KeyId, Vec<&Spread>)| {
            let own = requirements.get(keys.key(*key))?;
            let speaks = || pool.is_some_and(|pool| pool.contains(keys.key(*key)));
            if !own.is_complement() || (own.admits_absence() && !speaks()) {
                return None;
            }
            let looks = |spread: &&&Spread| {
                let counter = &index.problem.topology.domains[spread.counter as usize];
                views.looks(view, counter.filter) != Looks::Never
            };
            let looking: Vec<&Spread> = spreads.iter().filter(looks).copied().collect();
            let mask = &views.masks(view)[*key];
            let domain = (0..keys.domains(*key))
                .filter(|domain| keys.has_domain(*key, mask, *domain))
                .min_by_key(|domain| {
                    let new = looking.iter().filter(|spread| !spread.eligible[*domain]);
                    let there = looking.iter();
                    let there =
                        there.map(|spread| packed.domains[spread.counter as usize][*domain]);
                    (new.count(), there.sum::<u32>())
                })?;
            let value = keys.domain_value(*key, domain);
            Some((keys.key(*key).to_string(), value.to_string()))
        };
        self.0.iter().filter_map(choose).collect()
    }
}
