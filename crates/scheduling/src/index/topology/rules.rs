//! What variants of classes demand, in terms of counters, bits and domains.

use cluster::Snapshot;
use requirements::AllowUndefined;
use rustc_hash::FxHashMap;

use super::terms::{CounterKey, Of, Term};
use super::{Binds, CounterId, Counters};
use crate::index::pools::Template;
use crate::index::ports::Bits;
use crate::index::tolerations::Tolerances;
use crate::intern::Interner;
use crate::mask::{KeyId, Keys, Mask};
use crate::memory::Nodes;
use crate::topology::{
    DomainCounter, DomainRule, Filter, HostCounter, HostId, Rules, RulesId, Spread, Topology,
};

/// A term whose counter is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Resolved {
    /// Topology spread.
    Spread {
        /// What is counted.
        counter: CounterId,
        /// How uneven domains may be.
        max_skew: u32,
        /// With fewer domains the smallest count is 0.
        min_domains: u32,
    },
    /// Near pods.
    Near(CounterId),
    /// Away from pods.
    Away(CounterId),
}

impl Resolved {
    /// What is counted.
    pub(crate) fn counter(&self) -> CounterId {
        match self {
            Self::Spread { counter, .. } | Self::Near(counter) | Self::Away(counter) => *counter,
        }
    }
}

/// Gives the counters of terms their numbers.
pub(crate) fn resolve(terms: Vec<Term>, counters: &mut Counters) -> Vec<Resolved> {
    let mut resolved: Vec<Resolved> = Vec::new();
    for term in terms {
        let next = match term {
            Term::Spread {
                counter,
                max_skew,
                min_domains,
            } => Resolved::Spread {
                counter: counters.intern(counter, Binds::No),
                max_skew,
                min_domains,
            },
            Term::Near(counter) => Resolved::Near(counters.intern(counter, Binds::Yes)),
            Term::Away(counter) => Resolved::Away(counters.intern(counter, Binds::Yes)),
        };
        if !resolved.contains(&next) {
            resolved.push(next);
        }
    }
    resolved
}

/// Where counters are found in a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Per node.
    Host(HostId),
    /// Per domain.
    Domain(u32),
}

/// A class as rules see it.
pub(crate) struct Subject<'a> {
    /// Number of what selections see of its pods.
    pub(crate) identity: usize,
    /// Counters of its own required anti-affinity terms.
    pub(crate) declares: &'a [CounterId],
    /// Host port bits that must be clear.
    pub(crate) ports: &'a [usize],
    /// Whether it takes a host port.
    pub(crate) single: bool,
}

/// Makes rules.
pub(crate) struct RuleBuilder<'a, 's> {
    counters: &'a Counters,
    snapshot: &'s Snapshot,
    nodes: &'a mut Nodes,
    places: Vec<Place>,
    topology: Topology,
    rules: Interner<Rules>,
    filters: Interner<Filter>,
    /// The bit of a count on a host.
    threshold_bits: FxHashMap<(HostId, u32), usize>,
    /// Per key: domains that pools could open, with the pool's position.
    offered: FxHashMap<KeyId, Vec<Mask>>,
    /// Eligible domains by counter.
    eligible: FxHashMap<CounterId, Vec<bool>>,
    words: usize,
}

impl<'a, 's> RuleBuilder<'a, 's> {
    /// To make rules over these counters. `thresholds` are the bits of counts on hosts.
    pub(crate) fn new(
        counters: &'a Counters,
        (snapshot, nodes): (&'s Snapshot, &'a mut Nodes),
        keys: &Keys,
        thresholds: &[(CounterId, u32, usize)],
        bits: &Bits,
    ) -> Self {
        let mut builder = Self {
            counters,
            snapshot,
            nodes,
            places: Vec::new(),
            topology: Topology::default(),
            rules: Interner::default(),
            filters: Interner::default(),
            threshold_bits: FxHashMap::default(),
            offered: FxHashMap::default(),
            eligible: FxHashMap::default(),
            words: bits.words(),
        };
        for key in counters.keys.all() {
            builder.place(key, keys);
        }
        for (counter, most, bit) in thresholds {
            if let Place::Host(host) = builder.places[*counter] {
                builder.threshold_bits.insert((host, *most), *bit);
                let of = &mut builder.topology.hosts[host as usize];
                of.thresholds.push((*most, *bit));
            }
        }
        for host in &mut builder.topology.hosts {
            host.thresholds.sort_unstable();
        }
        builder
    }

    fn place(&mut self, key: &CounterKey, keys: &Keys) {
        if key.is_per_host() {
            self.places
                .push(Place::Host(self.topology.hosts.len() as u32));
            self.topology.hosts.push(HostCounter::default());
            return;
        }
        let id = keys.find(&key.topology_key);
        let id = id.unwrap_or_else(|| unreachable!("keys of topologies are mentioned"));
        self.places
            .push(Place::Domain(self.topology.domains.len() as u32));
        self.topology.domains.push(DomainCounter {
            key: id,
            running: vec![0; keys.domains(id)],
            anywhere: 0,
            filter: None,
            of_declarers: key.of == Of::Declarers,
        });
    }

    /// Sets which nodes counters look at.
    pub(in crate::index) fn set_filters(&mut self, keys: &Keys, tolerances: &mut Tolerances) {
        for (at, key) in self.counters.keys.all().iter().enumerate() {
            let Place::Domain(domain) = self.places[at] else {
                continue;
            };
            let filter = &key.filter;
            if filter.alternatives.is_none() && filter.tolerations.is_none() {
                continue;
            }
            let in_numbers = Filter {
                alternatives: filter
                    .alternatives
                    .as_ref()
                    .map(|all| all.iter().map(|r| keys.masks(r)).collect()),
                tolerations: filter.tolerations.as_ref().map(|all| tolerances.row(all)),
            };
            let id = self.filters.intern(in_numbers);
            self.topology.domains[domain as usize].filter = Some(id);
        }
    }

    /// Counters that count a class, per host and per domain.
    pub(crate) fn feeds(&self, subject: &Subject<'_>) -> (Vec<u32>, Vec<u32>) {
        let selected = self.counters.selecting(subject.identity).iter().copied();
        let selected =
            selected.filter(|counter| self.counters.keys.get(*counter).of == Of::Selected);
        let (mut hosts, mut domains) = (Vec::new(), Vec::new());
        for counter in selected.chain(subject.declares.iter().copied()) {
            match self.places[counter] {
                Place::Host(host) => hosts.push(host),
                Place::Domain(domain) => domains.push(domain),
            }
        }
        for list in [&mut hosts, &mut domains] {
            list.sort_unstable();
            list.dedup();
        }
        (hosts, domains)
    }

    /// The rules of a variant.
    pub(crate) fn rules(
        &mut self,
        subject: &Subject<'_>,
        terms: &[Resolved],
        (keys, bits): (&Keys, &Bits),
        templates: &[Template<'_>],
    ) -> RulesId {
        let mut draft = Draft::default();
        draft.clear.extend_from_slice(subject.ports);
        for term in terms {
            self.add(subject, term, keys, templates, &mut draft);
        }
        for counter in self.counters.selecting(subject.identity) {
            if self.counters.keys.get(*counter).of == Of::Declarers {
                let own = subject.declares.contains(counter);
                self.add_away(*counter, own, &mut draft);
            }
        }
        self.add_pins(subject, &mut draft);
        let near_others = draft.near_others;
        let is_near = |rule: &DomainRule| matches!(rule, DomainRule::Together { .. });
        let wants_company = !draft.together.is_empty() || draft.domains.iter().any(is_near);
        let mut rules = Rules {
            clear: bits.set(draft.clear.iter().copied()),
            set: bits.set(draft.set.iter().copied()),
            caps: draft.caps,
            single: subject.single,
            domains: draft.domains,
            pins: draft.pins,
            together: draft.together,
            first: None,
        };
        debug_assert_eq!(rules.clear.len(), self.words);
        if wants_company && !near_others {
            let mut first = rules.clone();
            first.set = bits.set([]);
            first.domains.retain(|rule| !is_near(rule));
            rules.first = Some(self.rules.intern(first) as RulesId);
        }
        self.rules.intern(rules) as RulesId
    }

    fn add(
        &mut self,
        subject: &Subject<'_>,
        term: &Resolved,
        keys: &Keys,
        templates: &[Template<'_>],
        draft: &mut Draft,
    ) {
        let counter = term.counter();
        let own = self.counters.selecting(subject.identity).contains(&counter);
        match (term, self.places[counter]) {
            (Resolved::Away(_), _) => self.add_away(counter, own, draft),
            (Resolved::Near(_), place) => {
                draft.near_others |= !own;
                match place {
                    Place::Host(host) => {
                        draft.set.push(self.threshold_bits[&(host, 0)]);
                        draft.together.push(host);
                        self.topology.hosts[host as usize].followed |= !own;
                    }
                    Place::Domain(counter) => draft.domains.push(DomainRule::Together { counter }),
                }
            }
            (Resolved::Spread { max_skew, .. }, Place::Host(host)) => {
                let most = host_most(*max_skew, own);
                draft.clear.push(self.threshold_bits[&(host, most)]);
                if own {
                    draft.caps.push((host, *max_skew));
                }
            }
            (
                Resolved::Spread {
                    max_skew,
                    min_domains,
                    ..
                },
                Place::Domain(id),
            ) => draft.domains.push(DomainRule::Spread(Spread {
                counter: id,
                max_skew: *max_skew,
                min_domains: *min_domains,
                own,
                eligible: self.eligible(counter, keys, templates),
            })),
        }
    }

    fn add_away(&self, counter: CounterId, own: bool, draft: &mut Draft) {
        match self.places[counter] {
            Place::Host(host) => {
                draft.clear.push(self.threshold_bits[&(host, 0)]);
                if own {
                    draft.caps.push((host, 1));
                }
            }
            Place::Domain(counter) => draft.domains.push(DomainRule::Apart { counter, own }),
        }
    }

    /// A pod is in one domain as soon as it, or somebody who looks for it, has a rule over the key.
    fn add_pins(&self, subject: &Subject<'_>, draft: &mut Draft) {
        let of = |domain: u32| self.topology.domains[domain as usize].key;
        draft.pins = draft
            .domains
            .iter()
            .map(|rule| of(rule.counter()))
            .collect();
        let selected = self.counters.selecting(subject.identity).iter();
        for counter in selected.chain(subject.declares) {
            if let (true, Place::Domain(domain)) =
                (self.counters.binding[*counter], self.places[*counter])
            {
                draft.pins.push(of(domain));
            }
        }
        draft.pins.sort_unstable();
        draft.pins.dedup();
    }

    /// Domains whose counts make the minimum of a spread.
    fn eligible(
        &mut self,
        counter: CounterId,
        keys: &Keys,
        templates: &[Template<'_>],
    ) -> Vec<bool> {
        if let Some(known) = self.eligible.get(&counter) {
            return known.clone();
        }
        let key = self.counters.keys.get(counter);
        let id = keys.find(&key.topology_key);
        let id = id.unwrap_or_else(|| unreachable!("keys of topologies are mentioned"));
        let mut found = vec![false; keys.domains(id)];
        for value in self.nodes.looked_at(key) {
            if let Some(domain) = keys.domain(id, &value) {
                found[domain] = true;
            }
        }
        self.offer(id, keys, templates);
        let planned = AllowUndefined::WellKnown(&self.snapshot.vocabulary);
        for (mask, template) in self.offered[&id].iter().zip(templates) {
            let tolerated = key.filter.tolerations.as_ref().is_none_or(|tolerations| {
                requirements::taints::tolerate_all(tolerations, template.taints()).is_ok()
            });
            // What of the pool's domains the pods may be in that the rule is for.
            let reachable = match &key.filter.alternatives {
                None => keys.anything(id),
                Some(alternatives) => alternatives
                    .iter()
                    .filter(|set| template.requirements.is_compatible(set, &planned))
                    .map(|set| match set.get(&key.topology_key) {
                        Some(requirement) => keys.mask(id, requirement),
                        None => keys.anything(id),
                    })
                    .fold(keys.nothing(id), |all, mask| all.or(&mask)),
            };
            let reachable = reachable.and(mask);
            for (domain, found) in found.iter_mut().enumerate() {
                *found |= tolerated && keys.has_domain(id, &reachable, domain);
            }
        }
        self.eligible.insert(counter, found.clone());
        found
    }

    /// Finds the domains that each pool could open.
    fn offer(&mut self, id: KeyId, keys: &Keys, templates: &[Template<'_>]) {
        self.offered.entry(id).or_insert_with(|| {
            let of = |template: &Template<'_>| template.domains(id, keys);
            templates.iter().map(of).collect()
        });
    }

    /// The counters and rules, with nothing counted yet.
    pub(crate) fn finish(self) -> (Topology, Vec<Place>) {
        let topology = Topology {
            rules: self.rules.into_all(),
            filters: self.filters.into_all(),
            ..self.topology
        };
        (topology, self.places)
    }
}

/// The count that a host may have for one more pod to be let on.
pub(crate) fn host_most(max_skew: u32, own: bool) -> u32 {
    if own { max_skew - 1 } else { max_skew }
}

/// Rules in the making.
#[derive(Default)]
struct Draft {
    clear: Vec<usize>,
    set: Vec<usize>,
    caps: Vec<(HostId, u32)>,
    domains: Vec<DomainRule>,
    pins: Vec<KeyId>,
    together: Vec<HostId>,
    /// Whether pods are wanted that the class is none of.
    near_others: bool,
}
