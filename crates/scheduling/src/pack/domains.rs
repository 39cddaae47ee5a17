//! Pods whose rules are about domains: the domain is chosen first, then a node in it.
//!
//! Each key of a variant's `pins` gets one value; what is placed is the variant's demand with these
//! values fixed. A domain that does not take what it was to take is left alone for the rest of the
//! class. With room that can't run out the pods of a class are dealt to all domains at once;
//! otherwise a few at a time, so that the skew stays right when a domain refuses.

use crate::mask::KeyId;
use crate::problem::{DemandId, Problem};
use crate::topology::{DomainRule, RulesId, Spread, level};

use super::{Ask, NodeId, Packing};

/// The most combinations of domains that are looked at for one class.
const MOST_CHOICES: usize = 4096;

/// One domain for each key.
#[derive(Debug)]
struct Choice {
    /// By position in the rules' pins.
    domains: Vec<usize>,
    demand: DemandId,
    /// What one more pod costs there on a node of its own.
    price: u64,
    alive: bool,
}

/// Whether a class that had no place may have one once others are placed.
pub(super) fn depends_on_others(problem: &Problem, class: usize) -> bool {
    problem.classes[class].variants.iter().any(|variant| {
        let rules = &problem.topology.rules[variant.rules as usize];
        !rules.domains.is_empty() || !rules.together.is_empty()
    })
}

impl<'p> Packing<'_, 'p> {
    /// Places pods of a class with rules over domains; says how many are left.
    pub(super) fn place_in_domains(&mut self, ask: Ask, count: u32) -> u32 {
        let keys = &self.rules(ask.rules).pins;
        let mut choices = self.choices(ask, keys);
        if self.policy.first_fit {
            return self.join_one_by_one(ask, &choices, count);
        }
        let mut left = self.fill_where_free(ask, &choices, count);
        if let Some(spread) = self.bulk_spread(ask.rules)
            && choices
                .iter()
                .filter(|choice| spread.eligible.get(choice.domains[0]) == Some(&true))
                .all(|choice| self.never_runs_out(ask, choice))
        {
            left = self.deal(ask, spread, &choices, left);
            if self.waits(ask.rules) {
                return left;
            }
        }
        while left > 0 {
            let Some((at, most)) = self.next(ask.rules, &choices) else {
                break;
            };
            let wanted = most.min(left);
            let pinned = Ask {
                demand: choices[at].demand,
                ..ask
            };
            let rest = self.place(pinned, wanted);
            choices[at].alive = rest == 0;
            left -= wanted - rest;
        }
        left
    }

    /// The reference's way: nodes that are there, then planned ones by number of pods, in whatever
    /// domain, and only then a new one in the domain that has fewest pods.
    fn join_one_by_one(&mut self, ask: Ask, choices: &[Choice], count: u32) -> u32 {
        let mut left = count;
        while left > 0 && self.join_in_a_domain(ask, choices) {
            left -= 1;
        }
        left
    }

    fn join_in_a_domain(&mut self, ask: Ask, choices: &[Choice]) -> bool {
        let mut allowed: Vec<usize> = (0..choices.len()).collect();
        allowed.retain(|at| self.addable(ask.rules, &choices[*at]).is_some());
        allowed.sort_by_key(|at| {
            (
                self.pods_there(ask.rules, &choices[*at]),
                choices[*at].price,
                *at,
            )
        });
        let there = self.problem.nodes.len();
        let mut nodes: Vec<NodeId> = (0..self.nodes.len()).collect();
        nodes[there..].sort_by_key(|node| (self.nodes.pods[*node], *node));
        for node in nodes {
            if !self.admits(ask, node) {
                continue;
            }
            for at in &allowed {
                let pinned = Ask {
                    demand: choices[*at].demand,
                    ..ask
                };
                let request = &self.problem.classes[ask.class].request;
                let joined = if node >= there {
                    self.join(pinned, node)
                } else {
                    self.nodes.has_slack(node, request) && self.fill_node(pinned, 1, node) > 0
                };
                if joined {
                    return true;
                }
            }
        }
        allowed.iter().any(|at| {
            let pinned = Ask {
                demand: choices[*at].demand,
                ..ask
            };
            self.open_for_one(pinned).is_some()
        })
    }

    /// The ask with its domains fixed, once for each that may have one more pod: those with fewest
    /// pods first, of several the cheapest.
    pub(super) fn pinned(&mut self, ask: Ask) -> Vec<Ask> {
        let keys = &self.rules(ask.rules).pins;
        if keys.is_empty() {
            return vec![ask];
        }
        let choices = self.choices(ask, keys);
        let mut allowed: Vec<usize> = (0..choices.len()).collect();
        allowed.retain(|at| self.addable(ask.rules, &choices[*at]).is_some());
        allowed.sort_by_key(|at| {
            let pods = self.pods_there(ask.rules, &choices[*at]);
            (pods, choices[*at].price, *at)
        });
        let pinned = |at: usize| Ask {
            demand: choices[at].demand,
            ..ask
        };
        allowed.into_iter().map(pinned).collect()
    }

    /// Puts pods into slack in whatever domain it is, where no rule of theirs counts them.
    fn fill_where_free(&mut self, ask: Ask, choices: &[Choice], count: u32) -> u32 {
        let nodes = self.nodes.len();
        let mut left = count;
        for choice in choices {
            if left > 0 && self.addable(ask.rules, choice) == Some(u32::MAX) {
                let pinned = Ask {
                    demand: choice.demand,
                    ..ask
                };
                left = self.fill(pinned, left, nodes);
            }
        }
        left
    }

    /// The demand with the domains fixed in which a node for the class is cheapest, and how many
    /// pods may go there.
    pub(super) fn cheapest_choice(&mut self, ask: Ask) -> Option<(DemandId, u32)> {
        let choices = self.choices(ask, &self.rules(ask.rules).pins);
        let allowed = choices
            .iter()
            .filter_map(|choice| Some((choice, self.addable(ask.rules, choice)?)));
        let (choice, most) = allowed.min_by_key(|(choice, _)| choice.price)?;
        Some((choice.demand, most))
    }

    /// All combinations of domains in which a pod may be at all.
    fn choices(&mut self, ask: Ask, keys: &[KeyId]) -> Vec<Choice> {
        let mut combinations: Vec<(Vec<usize>, DemandId)> = vec![(Vec::new(), ask.demand)];
        for key in keys {
            let mut next = Vec::new();
            for (domains, demand) in &combinations {
                for domain in 0..self.problem.keys.domains(*key) {
                    if next.len() < MOST_CHOICES && self.leaves(*demand, *key, domain) {
                        let mut domains = domains.clone();
                        domains.push(domain);
                        next.push((domains, self.views.pin(*demand, *key, domain)));
                    }
                }
            }
            combinations = next;
        }
        combinations
            .into_iter()
            .map(|(domains, demand)| Choice {
                price: self.price_of_one(Ask { demand, ..ask }),
                domains,
                demand,
                alive: true,
            })
            .collect()
    }

    /// Whether a demand leaves a domain open.
    fn leaves(&self, demand: DemandId, key: KeyId, domain: usize) -> bool {
        let masks = &self.views.demand(demand).masks;
        masks
            .binary_search_by_key(&key, |(key, _)| *key)
            .map_or(true, |at| {
                self.problem.keys.has_domain(key, &masks[at].1, domain)
            })
    }

    /// The price of the cheapest type that holds one pod; the largest number if no pool has one.
    fn price_of_one(&mut self, ask: Ask) -> u64 {
        let request = &self.problem.classes[ask.class].request;
        for pool in self.open_pools() {
            let root = self.views.root(pool);
            let view = root.and_then(|root| self.views.step(root, ask.demand));
            let Some(view) = view else {
                continue;
            };
            let shelf = self.views.shelf(view);
            if let Some(slot) = shelf.cheapest(request) {
                return shelf.slot(slot).price;
            }
        }
        u64::MAX
    }

    /// The choice that comes next, and how many pods it may get: the one with the fewest pods, of
    /// several the cheapest, then the first.
    fn next(&self, rules: RulesId, choices: &[Choice]) -> Option<(usize, u32)> {
        let key = |at: usize| {
            let choice = &choices[at];
            (self.pods_there(rules, choice), choice.price, at)
        };
        (0..choices.len())
            .filter(|at| choices[*at].alive)
            .filter_map(|at| Some((at, self.addable(rules, &choices[at])?)))
            .min_by_key(|(at, _)| key(*at))
    }

    /// How many pods a choice may get as counts are; none if none.
    fn addable(&self, rules: RulesId, choice: &Choice) -> Option<u32> {
        let rules = self.rules(rules);
        let mut most = u32::MAX;
        for rule in &rules.domains {
            let counter = rule.counter() as usize;
            let key = self.problem.topology.domains[counter].key;
            let at = rules.pins.iter().position(|pin| *pin == key)?;
            let domain = choice.domains[at];
            // As a last resort pods that merely match a spread count as coming later.
            let own = if self.keeps_promises || !matches!(rule, DomainRule::Spread(_)) {
                &self.domains
            } else {
                &self.declared
            };
            let count = own[counter].get(domain).copied();
            most = most.min(rule.addable_to(&self.domains[counter], domain, count));
        }
        (most > 0).then_some(most)
    }

    /// How full the domains of a choice are.
    fn pods_there(&self, rules: RulesId, choice: &Choice) -> u32 {
        let rules = self.rules(rules);
        let mut pods = 0;
        for rule in &rules.domains {
            let DomainRule::Spread(spread) = rule else {
                continue;
            };
            let key = self.problem.topology.domains[spread.counter as usize].key;
            if let Some(at) = rules.pins.iter().position(|pin| *pin == key) {
                let counts = &self.domains[spread.counter as usize];
                pods += counts.get(choice.domains[at]).copied().unwrap_or(0);
            }
        }
        pods
    }

    /// The spread of a class that may be dealt out at once: it counts itself, and it is the only
    /// rule that does.
    fn bulk_spread(&self, rules: RulesId) -> Option<&'p Spread> {
        let rules = self.rules(rules);
        if rules.joins_others() {
            // They go where others are, and that may be one domain only.
            return None;
        }
        let mut own = rules.domains.iter().filter_map(|rule| match rule {
            DomainRule::Spread(spread) if spread.own => Some(Ok(spread)),
            DomainRule::Apart { own: true, .. } => Some(Err(())),
            _ => None,
        });
        let only = own.next()?.ok()?;
        (own.next().is_none() && rules.pins.len() == 1).then_some(only)
    }

    /// Whether some pool opens nodes for the class in a domain as long as there are pods.
    fn never_runs_out(&mut self, ask: Ask, choice: &Choice) -> bool {
        let pinned = Ask {
            demand: choice.demand,
            ..ask
        };
        choice.price < u64::MAX
            && (0..self.problem.pools.len()).any(|pool| {
                let root = self.views.root(pool);
                let view = root.and_then(|root| self.views.step(root, pinned.demand));
                let request = &self.problem.classes[ask.class].request;
                !self.problem.pools[pool].is_picky()
                    && view.is_some_and(|view| self.views.shelf(view).cheapest(request).is_some())
            })
    }

    /// Deals pods to the choices so that counts become level.
    fn deal(&mut self, ask: Ask, spread: &Spread, choices: &[Choice], count: u32) -> u32 {
        let counts = self.domains[spread.counter as usize].clone();
        let mut open = vec![false; counts.len()];
        let choices = || {
            choices
                .iter()
                .filter(|choice| choice.domains[0] < counts.len())
        };
        for choice in choices() {
            open[choice.domains[0]] = self.addable_beside(ask.rules, spread, choice);
        }
        let quotas = self.quotas(spread, &counts, &open, count);
        let mut left = count;
        let mut order: Vec<&Choice> = choices().collect();
        order.sort_by_key(|choice| (counts[choice.domains[0]], choice.domains[0]));
        for choice in order {
            let quota = quotas[choice.domains[0]];
            let pinned = Ask {
                demand: choice.demand,
                ..ask
            };
            left -= quota - self.place(pinned, quota);
        }
        left
    }

    /// How many pods each open domain gets.
    fn quotas(&self, spread: &Spread, counts: &[u32], open: &[bool], pods: u32) -> Vec<u32> {
        // Domains that count but are not open to the pod hold the others down.
        let closed = (0..counts.len()).filter(|domain| spread.eligible[*domain] && !open[*domain]);
        let held = closed.map(|domain| counts[domain]).min();
        let few = (spread.eligible.iter().filter(|yes| **yes).count() as u32) < spread.min_domains;
        let least = if few { Some(0) } else { held };
        let ceiling = least.map_or(u32::MAX, |least| least.saturating_add(spread.max_skew));
        let promised = self.promised.get(spread.counter as usize);
        let Some(promised) = promised
            .filter(|promised| self.keeps_promises && promised.iter().any(|pods| *pods > 0))
        else {
            return level(counts, open, pods, ceiling);
        };
        // As if those were there already that can be nowhere else; no further than the skew allows
        // as long as they are not.
        let expected: Vec<u32> = counts.iter().zip(promised).map(|(a, b)| a + b).collect();
        let quotas = level(&expected, open, pods, ceiling);
        let filled = |domain: usize| counts[domain] + quotas[domain];
        let eligible = (0..counts.len()).filter(|domain| spread.eligible[*domain]);
        let least = if few {
            0
        } else {
            eligible.map(filled).min().unwrap_or(0)
        };
        let most = least.saturating_add(spread.max_skew);
        let within = |domain: usize| quotas[domain].min(most.saturating_sub(counts[domain]));
        (0..counts.len()).map(within).collect()
    }

    /// Whether pods of a class are to wait for others that can be in one domain only.
    fn waits(&self, rules: RulesId) -> bool {
        let promised = |rule: &DomainRule| {
            let promised = self.promised.get(rule.counter() as usize);
            promised.is_some_and(|promised| promised.iter().any(|pods| *pods > 0))
        };
        self.keeps_promises && self.rules(rules).domains.iter().any(promised)
    }

    /// Whether all rules but one let pods into a choice.
    fn addable_beside(&self, rules: RulesId, spread: &Spread, choice: &Choice) -> bool {
        spread.eligible[choice.domains[0]]
            && self.rules(rules).domains.iter().all(|rule| {
                matches!(rule, DomainRule::Spread(other) if other == spread)
                    || rule.addable(&self.domains[rule.counter() as usize], choice.domains[0]) > 0
            })
    }
}
