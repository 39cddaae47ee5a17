//! The cluster as it is when all has come about: nodes that stay and nodes that are planned, pods
//! that stay and pods that are placed.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use cluster::{PodRecord, Snapshot};
use model::k8s::Taint;
use scheduling::{Batch, Placement, PlannedClaim};

use super::labels::{Labels, find};
use super::violation::Violation;
use super::ways::{Possible, Ways, as_launched};
use super::{node, terms};

const HOSTNAME: &str = "kubernetes.io/hostname";

/// Everything that rules between pods look at.
pub(super) struct Picture<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) sites: Vec<Site<'a>>,
    pub(super) seats: Vec<Seat<'a>>,
}

/// A node.
pub(super) struct Site<'a> {
    pub(super) name: &'a str,
    /// Labels; of a planned node those that it has when it is launched as planned.
    pub(super) labels: Labels,
    pub(super) taints: &'a [Taint],
    /// Whether it is there now, will go, or is planned.
    pub(super) state: State,
    /// What a planned node may have of each key.
    possible: Option<Rc<Possible>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Staying,
    Going,
    Planned,
}

/// A pod on a node.
pub(super) struct Seat<'a> {
    pub(super) pod: &'a PodRecord,
    pub(super) site: usize,
    /// Whether it was put there by the placement, or runs there and stays.
    pub(super) placed: bool,
}

impl<'a> Picture<'a> {
    /// The picture of a placement. What is placed on nodes that don't exist is left out.
    pub(super) fn new(
        snapshot: &'a Snapshot,
        batch: &Batch,
        placement: &'a Placement,
        displaced: &BTreeSet<String>,
        ways: &mut Ways<'_>,
    ) -> Self {
        let mut picture = Self {
            snapshot,
            sites: Vec::new(),
            seats: Vec::new(),
        };
        let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
        for node in snapshot.nodes.iter() {
            let site = picture.sites.len();
            by_name.insert(node.name(), site);
            let going = node.is_marked() || batch.without.contains(&**node.name());
            picture.sites.push(Site {
                name: node.name(),
                labels: node::labels(node),
                taints: node.taints(),
                state: if going { State::Going } else { State::Staying },
                possible: None,
            });
            let stay = |pod: &&std::sync::Arc<PodRecord>| {
                !going || !displaced.contains(&pod.key().to_string())
            };
            let pods = node.pods.iter().filter(stay);
            picture.seats.extend(pods.map(|pod| Seat {
                pod,
                site,
                placed: false,
            }));
        }
        for existing in &placement.existing {
            if let Some(site) = by_name.get(&*existing.node) {
                picture.seat(&existing.pods, *site);
            }
        }
        for claim in &placement.new_claims {
            picture.add_claim(claim, ways);
        }
        picture
    }

    fn add_claim(&mut self, claim: &'a PlannedClaim, ways: &mut Ways<'_>) {
        let snapshot = self.snapshot;
        let Some(pool) = snapshot
            .pools
            .iter()
            .find(|pool| pool.name() == &*claim.pool)
        else {
            return;
        };
        let mut labels = as_launched(claim);
        // Nobody knows the name yet, but it is no other node's.
        labels.insert(HOSTNAME.to_owned(), format!("planned {}", claim.name));
        self.sites.push(Site {
            name: &claim.name,
            labels,
            taints: &claim.taints,
            state: State::Planned,
            possible: Some(ways.possible(pool, claim)),
        });
        self.seat(&claim.pods, self.sites.len() - 1);
    }

    fn seat(&mut self, pods: &'a [std::sync::Arc<PodRecord>], site: usize) {
        let pods = pods.iter().map(|pod| Seat {
            pod,
            site,
            placed: true,
        });
        self.seats.extend(pods);
    }

    /// The domain of a seat; of a planned node that of the launch.
    pub(super) fn domain(&self, seat: &Seat<'_>, key: &str) -> Option<&str> {
        self.sites[seat.site].domain(key, self.snapshot)
    }

    /// The domain of a seat if it can be no other one.
    pub(super) fn pinned(&self, seat: &Seat<'_>, key: &str) -> Option<&str> {
        let site = &self.sites[seat.site];
        site.open(key, self.snapshot)
            .is_none()
            .then(|| site.domain(key, self.snapshot))
            .flatten()
    }

    /// All domains that a seat may come to be in.
    pub(super) fn domains(&self, seat: &Seat<'_>, key: &str) -> Vec<&str> {
        let site = &self.sites[seat.site];
        match site.open(key, self.snapshot) {
            Some(values) => values.iter().flatten().map(String::as_str).collect(),
            None => site.domain(key, self.snapshot).into_iter().collect(),
        }
    }

    /// Every pod that has a rule over a label has a node with one value of it. Nodes without the
    /// label are none of this.
    pub(super) fn check_open(&self, violations: &mut Vec<Violation>) {
        for seat in self.seats.iter().filter(|seat| seat.placed) {
            let site = &self.sites[seat.site];
            let keys: BTreeSet<&str> = terms::topology_keys(&seat.pod.shape.content.spec).collect();
            for key in keys {
                if let Some(values) = site.open(key, self.snapshot) {
                    violations.push(Violation::Open {
                        node: site.name.to_owned(),
                        pod: seat.pod.key().to_string(),
                        topology_key: key.to_owned(),
                        values: values
                            .iter()
                            .map(|v| v.clone().unwrap_or_default())
                            .collect(),
                    });
                }
            }
        }
    }
}

impl Site<'_> {
    /// The value of a label; of a planned node that of the launch.
    pub(super) fn domain(&self, key: &str, snapshot: &Snapshot) -> Option<&str> {
        find(&self.labels, key, &snapshot.vocabulary)
    }

    /// The values that a planned node may have of a label, if that is more than one.
    fn open(&self, key: &str, snapshot: &Snapshot) -> Option<&BTreeSet<Option<String>>> {
        let possible = self.possible.as_ref()?;
        let usual = snapshot.vocabulary.normalize(key);
        if usual == HOSTNAME {
            return None;
        }
        let values = possible.get(usual).or_else(|| possible.get(key))?;
        (values.len() > 1).then_some(values)
    }
}
