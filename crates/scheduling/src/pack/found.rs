//! The first pods of a group that wants to be together and is nowhere yet: they may go anywhere,
//! and decide where the rest goes.

use std::cmp::Reverse;

use crate::shelf::times;
use crate::topology::DomainRule;

use super::{Ask, NodeId, Packing};

impl Packing<'_, '_> {
    /// What the first pods of a group ask for; none if the group is somewhere, or if the pods that
    /// are wanted are others.
    pub(super) fn founding(&self, ask: Ask) -> Option<Ask> {
        let rules = self.rules(ask.rules);
        let first = rules.first?;
        let on_hosts = rules
            .together
            .iter()
            .all(|host| self.on_hosts[*host as usize] == 0);
        let in_domains = rules.domains.iter().all(|rule| match rule {
            DomainRule::Together { counter } => self.anywhere[*counter as usize] == 0,
            _ => true,
        });
        (on_hosts && in_domains).then_some(Ask {
            rules: first,
            ..ask
        })
    }

    /// Places a pod that others want to be on one node with where there is room for them too; says
    /// how many were placed.
    pub(super) fn lead(&mut self, ask: Ask, count: u32) -> u32 {
        let Some(extra) = self.followers(ask).filter(|_| count > 0) else {
            return 0;
        };
        if !self.rules(ask.rules).pins.is_empty() || !self.rules(ask.rules).together.is_empty() {
            return 0;
        }
        let request = &self.problem.classes[ask.class].request;
        let need: Vec<i64> = request
            .iter()
            .zip(&extra)
            .map(|(own, more)| own + more)
            .collect();
        let open = (0..self.nodes.len()).find(|node| {
            let view = self.nodes.view[*node];
            self.nodes.has_slack(*node, &need)
                && self.admits(ask, *node)
                && self.views.step(view, ask.demand) == Some(view)
        });
        if let Some(node) = open {
            return self.fill_node(ask, 1, node);
        }
        match self.best_holding(ask, &need) {
            Some(new) => {
                self.open_node(ask, 1, new);
                1
            }
            None => 0,
        }
    }

    /// What pods request in all that want to be on one node with pods of a class, and pods that
    /// want to be with these, as far as none of the class is anywhere yet.
    fn followers(&self, ask: Ask) -> Option<Vec<i64>> {
        let problem = self.problem;
        let is_new = |host: &u32| self.on_hosts[*host as usize] == 0;
        let mut leaders: Vec<u32> = problem.classes[ask.class].hosts.to_vec();
        leaders.retain(|host| is_new(host) && problem.topology.hosts[*host as usize].followed);
        let mut extra = vec![0; problem.dims];
        let mut seen = vec![ask.class];
        while let Some(host) = leaders.pop() {
            for (at, class) in problem.classes.iter().enumerate() {
                let rules = class
                    .variants
                    .first()
                    .map(|variant| self.rules(variant.rules));
                let follows = rules.is_some_and(|rules| rules.together.contains(&host));
                if !follows || seen.contains(&at) {
                    continue;
                }
                seen.push(at);
                for (extra, request) in extra.iter_mut().zip(&class.request) {
                    *extra += request * i64::from(class.count);
                }
                let more = class.hosts.iter().filter(|host| is_new(host));
                leaders.extend(more.filter(|h| problem.topology.hosts[**h as usize].followed));
            }
        }
        (seen.len() > 1).then_some(extra)
    }

    /// Places the first pods of a group, up to `count`; says how many were placed.
    pub(super) fn found(&mut self, first: Ask, count: u32) -> u32 {
        let on_one_node = !self.rules(first.rules).together.is_empty();
        if self.rules(first.rules).pins.is_empty() {
            return self.found_on_node(first, count);
        }
        // Where domains tie, prices decide; what is found there draws the others.
        if on_one_node {
            let Some((demand, most)) = self.cheapest_choice(first) else {
                return 0;
            };
            return self.found_on_node(Ask { demand, ..first }, count.min(most));
        }
        1 - self.place_in_domains(first, 1)
    }

    /// Puts as many pods as can be on one node.
    fn found_on_node(&mut self, first: Ask, count: u32) -> u32 {
        let existing = self.roomiest(first, count);
        if let Some((node, most)) = existing
            && most == count
        {
            return self.fill_node(first, most, node);
        }
        let most_new = self.largest_new(first, count);
        match existing {
            Some((node, most)) if most >= most_new => self.fill_node(first, most, node),
            _ if most_new == 0 => 0,
            _ => match self.best_for_all(first, most_new) {
                Some(new) => {
                    let node = self.open_node(first, most_new, new);
                    self.nodes.pods[node]
                }
                None => 0,
            },
        }
    }

    /// The open node that takes most pods, and how many.
    fn roomiest(&mut self, first: Ask, count: u32) -> Option<(NodeId, u32)> {
        let request = &self.problem.classes[first.class].request;
        (0..self.nodes.len())
            .filter_map(|node| {
                let fits = self.nodes.has_slack(node, request) && self.admits(first, node);
                let view = self.nodes.view[node];
                if !fits || self.views.step(view, first.demand) != Some(view) {
                    return None;
                }
                let most = count.min(self.cap(first, node));
                let class = &self.problem.classes[first.class];
                Some((node, self.nodes.fit(node, class, most)))
            })
            .min_by_key(|(node, most)| (Reverse(*most), *node))
            .filter(|(_, most)| *most > 0)
    }

    /// How many pods, up to `count`, the largest type of the first pool that has one holds.
    fn largest_new(&mut self, first: Ask, count: u32) -> u32 {
        let most = count.min(self.fresh_cap(first));
        let request = &self.problem.classes[first.class].request;
        let counts = self.open_pools().into_iter().filter_map(|pool| {
            let root = self.views.root(pool)?;
            let view = self.views.step(root, first.demand)?;
            let shelf = self.views.shelf(view);
            let slots = 0..shelf.slots().len();
            slots
                .map(|slot| times(shelf.room(slot), request, most))
                .max()
        });
        counts
            .filter(|most| *most > 0)
            .collect::<Vec<_>>()
            .first()
            .copied()
            .unwrap_or(0)
    }
}
