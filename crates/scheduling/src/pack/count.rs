//! Pods that are put on nodes, counted by host and domain.

use crate::topology::{DomainId, DomainRule, Looks, RulesId};

use super::{Ask, NodeId, Packing, Put};

impl Packing<'_, '_> {
    pub(super) fn put(&mut self, ask: Ask, node: NodeId, count: u32) {
        if count == 0 {
            return;
        }
        let class = &self.problem.classes[ask.class];
        self.nodes.put(node, class, &self.problem.topology, count);
        for host in class.hosts.iter() {
            self.on_hosts[*host as usize] += count;
        }
        for counter in class.domains.iter() {
            self.anywhere[*counter as usize] += count;
            let key = self.problem.topology.domains[*counter as usize].key;
            let domain = self.views.domain(self.nodes.view[node], key);
            if let Some(domain) = domain
                && self.declares(ask.rules, *counter)
            {
                self.declared[*counter as usize][domain] += count;
            }
            if !self.count(node, *counter, count) {
                self.loose.entry(node).or_default().push((*counter, count));
            }
        }
        self.puts.push(Put {
            node,
            class: ask.class as u32,
            demand: ask.demand,
            rules: ask.rules,
            count,
        });
    }

    /// Whether pods with these rules are spread over what is counted.
    pub(super) fn declares(&self, rules: RulesId, counter: DomainId) -> bool {
        let mut rules = self.rules(rules).domains.iter();
        rules.any(|rule| matches!(rule, DomainRule::Spread(spread) if spread.counter == counter))
    }

    /// Counts pods in the domain of their node; false if that, or whether the node counts at all,
    /// is not decided.
    fn count(&mut self, node: NodeId, counter: DomainId, count: u32) -> bool {
        let view = self.nodes.view[node];
        let of = &self.problem.topology.domains[counter as usize];
        let Some(domain) = self.views.domain(view, of.key) else {
            return self.views.pool(view).is_none();
        };
        let looks = self.views.looks(view, of.filter);
        if looks == Looks::Surely {
            self.domains[counter as usize][domain] += count;
        }
        looks != Looks::Perhaps
    }

    /// Counts pods of a node that has become another, as far as it is known now.
    pub(super) fn count_loose(&mut self, node: NodeId) {
        let Some(loose) = self.loose.remove(&node) else {
            return;
        };
        let still: Vec<_> = loose
            .into_iter()
            .filter(|(counter, count)| !self.count(node, *counter, *count))
            .collect();
        if !still.is_empty() {
            self.loose.insert(node, still);
        }
    }
}
