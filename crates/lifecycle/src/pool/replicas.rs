//! Pools with a fixed number of nodes: how many claims to create, and which to give up.
//!
//! What is *not* here: creating and deleting them, and what it costs to make pods move, which the
//! caller says.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use api::NodePool;
use cluster::disposition::protection;
use cluster::{NodeState, OwnerKind};
use model::Timestamp;
use model::resources::NODES;

use crate::conditions::{READY, is_true};

/// How many claims a pool has, by what is to become of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Those that stay. Claims that are not launched yet are among them.
    pub active: u64,
    /// Those whose replacement is on its way.
    pub replaced: u64,
    /// Those that go.
    pub going: u64,
}

impl Standing {
    /// The machines of a pool, counted. Until replacements are tracked, none is being replaced.
    pub fn of<'a>(machines: impl IntoIterator<Item = &'a NodeState>) -> Self {
        let mut standing = Self::default();
        for machine in machines.into_iter().filter(|machine| machine.is_managed()) {
            if machine.is_marked() {
                standing.going += 1;
            } else {
                standing.active += 1;
            }
        }
        standing
    }

    fn total(self) -> u64 {
        self.active + self.replaced + self.going
    }
}

/// Why nothing is done about a pool's number of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Its number of nodes is not fixed.
    NotFixed,
    /// It is being deleted.
    Deleting,
    /// It is not ready.
    NotReady,
}

/// How many claims a pool lacks, before its limit is looked at.
pub fn lacking(pool: &NodePool, standing: Standing) -> Result<u64, Idle> {
    let replicas = replicas(pool)?;
    if !is_true(&pool.status.conditions, READY) {
        return Err(Idle::NotReady);
    }
    if standing.active + standing.replaced >= replicas {
        return Ok(0);
    }
    Ok(replicas - standing.active)
}

/// How many claims a pool has too many. A pool that is not ready can still shrink.
pub fn excess(pool: &NodePool, standing: Standing) -> Result<u64, Idle> {
    Ok(standing.active.saturating_sub(replicas(pool)?))
}

fn replicas(pool: &NodePool) -> Result<u64, Idle> {
    let replicas = pool.spec.replicas.ok_or(Idle::NotFixed)?;
    if pool.metadata.is_deleting() {
        return Err(Idle::Deleting);
    }
    Ok(u64::try_from(replicas).unwrap_or(0))
}

/// Claims that are about to be created, by pool: counted against the limit before the API server
/// has answered, so that no two loops exceed it together.
#[derive(Debug, Default)]
pub struct Reservations {
    reserved: BTreeMap<String, u64>,
}

impl Reservations {
    /// Sets aside room for up to `wanted` further claims of a pool; how many is the answer.
    /// Whatever came of them, give it back with [`Reservations::release`].
    pub fn reserve(&mut self, pool: &NodePool, standing: Standing, wanted: u64) -> u64 {
        let limit = pool.spec.limits.get(NODES);
        let limit = limit.map_or(u64::MAX, |limit| {
            u64::try_from(limit.units_floor()).unwrap_or(0)
        });
        let reserved = self.reserved.get(&pool.metadata.name).copied();
        let reserved = reserved.unwrap_or(0);
        let left = limit
            .saturating_sub(standing.total())
            .saturating_sub(reserved);
        let granted = wanted.min(left);
        if granted > 0 {
            self.reserved
                .insert(pool.metadata.name.clone(), reserved + granted);
        }
        granted
    }

    /// How many claims of a pool are about to be created.
    pub fn of(&self, pool: &str) -> u64 {
        self.reserved.get(pool).copied().unwrap_or(0)
    }

    /// Gives room back.
    pub fn release(&mut self, pool: &str, granted: u64) {
        let Some(reserved) = self.reserved.get_mut(pool) else {
            return;
        };
        *reserved = reserved.saturating_sub(granted);
        if *reserved == 0 {
            self.reserved.remove(pool);
        }
    }
}

/// How readily a machine is given up; the first is given up first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// It has no instance.
    Unlaunched,
    /// Nobody would miss it.
    Empty,
    /// It has pods.
    Used,
    /// It has pods that ask to be left alone.
    Protected,
}

/// The claims to give up, `count` at most: those without an instance, then those without pods, then
/// those whose pods hurt least. `cost` is what it costs to make a machine's pods move. Machines
/// that go already are left out.
pub fn to_give_up<'a>(
    machines: impl IntoIterator<Item = &'a NodeState>,
    count: u64,
    now: Timestamp,
    cost: impl Fn(&NodeState) -> f64,
) -> Vec<Arc<str>> {
    let mut ranked: Vec<(Rank, f64, Arc<str>)> = machines
        .into_iter()
        .filter(|machine| !machine.is_marked())
        .filter_map(|machine| {
            let claim = machine.claim.as_ref()?;
            let hurt = cost(machine) * lifetime_left(machine, now);
            let name: Arc<str> = claim.metadata.name.as_str().into();
            Some((rank(machine, now), hurt, name))
        })
        .collect();
    ranked.sort_by(|a, b| {
        let by_cost = if a.0 < Rank::Used {
            Ordering::Equal
        } else {
            a.1.total_cmp(&b.1)
        };
        a.0.cmp(&b.0).then(by_cost).then_with(|| a.2.cmp(&b.2))
    });
    ranked.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    ranked.into_iter().map(|(_, _, name)| name).collect()
}

fn rank(machine: &NodeState, now: Timestamp) -> Rank {
    if machine.provider_id().is_empty() {
        return Rank::Unlaunched;
    }
    if machine
        .pods
        .iter()
        .any(|pod| protection(pod, now).is_active())
    {
        return Rank::Protected;
    }
    let stays = |kind: OwnerKind| matches!(kind, OwnerKind::DaemonSet | OwnerKind::Node);
    if machine.pods.iter().all(|pod| stays(pod.shape.owner.kind)) {
        return Rank::Empty;
    }
    Rank::Used
}

/// The part of its life that a machine has before it: 1 for a new one and for one that does not
/// expire, 0 for one that has expired.
fn lifetime_left(machine: &NodeState, now: Timestamp) -> f64 {
    let Some(claim) = &machine.claim else {
        return 1.0;
    };
    let expires = claim
        .spec
        .expire_after
        .as_ref()
        .and_then(api::NillableDuration::get);
    let (Some(expires), Some(created)) = (expires, claim.metadata.creation_timestamp) else {
        return 1.0;
    };
    let total = expires.as_secs_f64();
    if total <= 0.0 {
        return 0.0;
    }
    (1.0 - now.since(created).as_secs_f64() / total).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests;
