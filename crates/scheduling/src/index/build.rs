//! The parts of a pass as a problem in numbers.

use std::sync::Arc;

use api::labels;
use cluster::{PodRecord, ResourceId};
use requirements::{Requirement, Requirements};
use rustc_hash::FxHashMap;

use super::gather::{Asking, DaemonPart, Parts};
use super::pools::{Limited, Reservation, Template, limits, min_values, reservations};
use super::tolerations::Tolerances;
use super::topology::rules::{RuleBuilder, Subject};
use super::topology::running::{self, Running};
use super::types::types;
use super::variants::{SoftTaints, Variant, tolerate_soft};
use super::{Index, PoolIndex, nodes, pods};
use crate::intern::Interner;
use crate::mask::Mask;
use crate::memory::{Ground, Grounded, Memory, TypesKey};
use crate::options::{Batch, Reserved};
use crate::problem::{self, Class, Daemon, Demand, DemandId, Pool, Problem, SharedClaim, Watch};

/// How many times what pods ask for a limit must be not to be watched.
const FAR: i128 = 8;

/// Pods that became one class.
type ClassPods = Arc<[Arc<PodRecord>]>;

/// What a pool of a problem stands for, beside its template.
struct Pooled {
    limits: Vec<Limited>,
    min_value_keys: Vec<Arc<str>>,
    reservation: Option<Reservation>,
}

/// Numbers for what was gathered.
struct Builder<'p, 's> {
    parts: &'p Parts<'s>,
    tolerances: Tolerances,
    demands: Vec<Demand>,
    demand_ids: FxHashMap<Demand, DemandId>,
    requirements: Vec<Requirements>,
    /// Reservations in play, and how many instances are left in each.
    reservations: Vec<(Reservation, u32)>,
    /// Bits of host ports that some daemon may hold.
    daemon_ports: Vec<usize>,
    /// How many types were put in numbers.
    types_made: usize,
}

/// Makes a problem of what was gathered.
pub(super) fn build<'s>(mut parts: Parts<'s>, memory: &mut Memory, batch: &Batch) -> Index<'s> {
    let (remembered, work) = (&mut memory.nodes, &mut memory.work);
    let ground = memory.grounds.on(&grounded(&parts), &memory.templates);
    let mut counters = std::mem::take(&mut parts.counters);
    let (snapshot, own_labels) = (parts.snapshot, parts.own_labels);
    let mut builder = Builder::of(&parts);
    let mut rules = RuleBuilder::new(
        &counters,
        (snapshot, remembered),
        &parts.keys,
        &parts.thresholds,
        &parts.bits,
    );
    rules.set_filters(&parts.keys, &mut builder.tolerances);
    let (classes, pods) = builder.classes(&mut rules);
    let (mut topology, places) = rules.finish();
    let templates = parts.templates.iter().enumerate();
    let pools = templates.flat_map(|(group, template)| builder.pools(group, template, ground));
    let pools: Vec<(Pool, Pooled)> = pools.collect();
    let types_made = builder.types_made;
    let reservations = std::mem::take(&mut builder.reservations);
    let daemons = parts.daemons.iter().map(|d| builder.daemon(d)).collect();
    let (standing, nodes_made) = nodes::standing(&parts, ground);
    let tolerances = &mut builder.tolerances;
    let (mut nodes, overcommitted) = nodes::nodes(&parts, tolerances, batch, &standing);
    let moving = parts.moving.iter().map(running::address).collect();
    let running = Running::new(&mut counters, own_labels, moving);
    let places_of = (&parts.keys, &*places);
    remembered.tally(running, snapshot, batch);
    nodes::count_running(remembered, places_of, &mut topology, &mut nodes);
    let problem = Problem {
        dims: parts.amounts.len(),
        words: parts.bits.words(),
        nodes,
        classes,
        daemons,
        tolerated: builder.tolerances.matrix(),
        topology,
        reservations: reservations.into_iter().map(|(_, left)| left).collect(),
        demands: builder.demands,
        shelves: ground.shelves(),
        ..Problem::default()
    };
    let requirements = builder.requirements;
    work.count(nodes_made, types_made);
    let claiming = parts.claiming.map(|claiming| claiming.with_classes(&pods));
    let (pools, indexed) = indexed(parts.templates, pools);
    Index {
        problem: Problem {
            pools,
            keys: parts.keys,
            ..problem
        },
        snapshot: parts.snapshot,
        pods,
        requirements,
        pools: indexed,
        daemons: parts.daemons.iter().map(|daemon| daemon.source).collect(),
        amounts: parts.amounts,
        bits: parts.bits,
        counted: counters,
        thresholds: parts.thresholds,
        places,
        overcommitted,
        refused: parts.refused,
        claiming,
    }
}

/// What numbers of types and nodes depend on.
fn grounded<'p>(parts: &'p Parts<'_>) -> Grounded<'p> {
    let (snapshot, amounts) = (parts.snapshot, &parts.amounts);
    let name = |id: &ResourceId| snapshot.dimensions.name(*id).into();
    let daemons = parts.daemons.iter();
    Grounded {
        keys: &parts.keys,
        amounts,
        names: amounts.ids().iter().map(name).collect(),
        daemons: daemons
            .map(|part| snapshot.daemons[part.source].clone())
            .collect(),
        vocabulary: &snapshot.vocabulary,
    }
}

/// Pools in numbers, and what each stands for.
fn indexed<'s>(
    templates: Vec<Template<'s>>,
    pools: Vec<(Pool, Pooled)>,
) -> (Vec<Pool>, Vec<PoolIndex<'s>>) {
    let templates: Vec<Arc<Template<'s>>> = templates.into_iter().map(Arc::new).collect();
    let index = |(pool, pooled): (Pool, Pooled)| {
        let index = PoolIndex {
            template: templates[pool.group].clone(),
            limits: pooled.limits,
            min_value_keys: pooled.min_value_keys,
            reservation: pooled.reservation,
        };
        (pool, index)
    };
    pools.into_iter().map(index).unzip()
}

/// Bits of host ports that some daemon's pods may take away from pods of the batch.
fn daemon_ports(parts: &Parts<'_>) -> Vec<usize> {
    let mut bits: Vec<usize> = parts
        .daemons
        .iter()
        .flat_map(|d| {
            parts
                .bits
                .conflicting(&parts.snapshot.daemons[d.source].shape.host_ports)
        })
        .collect();
    bits.sort_unstable();
    bits.dedup();
    bits
}

impl<'p, 's> Builder<'p, 's> {
    fn of(parts: &'p Parts<'s>) -> Self {
        Self {
            daemon_ports: daemon_ports(parts),
            parts,
            tolerances: Tolerances::default(),
            demands: Vec::new(),
            demand_ids: FxHashMap::default(),
            requirements: Vec::new(),
            reservations: Vec::new(),
            types_made: 0,
        }
    }

    /// Classes in their order, and the pods of each.
    fn classes(&mut self, rules: &mut RuleBuilder<'_, '_>) -> (Vec<Class>, Vec<ClassPods>) {
        let parts = self.parts;
        let kinds: Vec<Kind> = parts.asking.iter().map(|a| self.kind(a, rules)).collect();
        let mut distinct = Interner::default();
        let kind_of: Vec<usize> = kinds
            .into_iter()
            .map(|kind| distinct.intern(kind))
            .collect();
        let mut merged: Vec<(Alike, Vec<ClassPods>)> = Vec::new();
        let mut ids: FxHashMap<Alike, usize> = FxHashMap::default();
        for (at, wanted) in parts.wanted.iter().enumerate() {
            let requests = &wanted.group.shape.requests;
            let claiming = parts.claiming.as_ref();
            let alone = claiming.is_some_and(|claiming| claiming.has(&wanted.group.pods));
            let alike = Alike {
                kind: kind_of[wanted.asking],
                request: parts.amounts.request(requests, &wanted.attach.own),
                shared: parts.shared.of(&wanted.attach),
                alone: alone.then_some(at),
            };
            let at = *ids.entry(alike).or_insert_with_key(|alike| {
                merged.push((alike.clone(), Vec::new()));
                merged.len() - 1
            });
            merged[at].1.push(wanted.group.pods.clone());
        }
        let mut classes: Vec<(Class, ClassPods)> = merged
            .into_iter()
            .map(|(alike, groups)| {
                let pods = pods::merge(groups);
                let Alike {
                    kind,
                    request,
                    shared,
                    ..
                } = alike;
                let kind = distinct.get(kind);
                let class = Class {
                    shared: shared.into(),
                    count: pods.len() as u32,
                    request,
                    variants: kind.variants.clone(),
                    sets: kind.sets.clone(),
                    hosts: kind.hosts.clone(),
                    domains: kind.domains.clone(),
                    is_virtual: kind.is_virtual,
                };
                (class, pods)
            })
            .collect();
        classes.sort_by(|(a, pods_a), (b, pods_b)| {
            pods::class_order((&a.request, pods_a), (&b.request, pods_b))
        });
        classes.into_iter().unzip()
    }

    /// What pods ask for, in numbers.
    fn kind(&mut self, asking: &Asking, rules: &mut RuleBuilder<'_, '_>) -> Kind {
        let parts = self.parts;
        let own = parts.bits.own(&asking.host_ports);
        let subject = Subject {
            identity: asking.identity,
            declares: &asking.declares,
            ports: &parts.bits.conflicting(&asking.host_ports),
            single: !own.is_empty(),
        };
        let mut variants = Vec::new();
        for (variant, terms) in asking.variants.iter().zip(&asking.terms) {
            let demand = self.demand(asking, variant, &own);
            let rules = rules.rules(
                &subject,
                terms,
                (&parts.keys, &parts.bits),
                &parts.templates,
            );
            let variant = problem::Variant { demand, rules };
            if !variants.contains(&variant) {
                variants.push(variant);
            }
        }
        let (hosts, domains) = rules.feeds(&subject);
        Kind {
            variants: variants.into(),
            sets: parts.bits.set(own.iter().copied()).into(),
            hosts: hosts.into(),
            domains: domains.into(),
            is_virtual: asking.is_virtual,
        }
    }

    fn demand(&mut self, asking: &Asking, variant: &Variant, own: &[usize]) -> DemandId {
        let mut tolerations = asking.tolerations.clone();
        if variant.soft_taints == SoftTaints::Tolerated {
            tolerations.push(tolerate_soft());
        }
        let at_stake = own
            .iter()
            .filter(|bit| self.daemon_ports.contains(bit))
            .copied();
        let demand = Demand {
            masks: self.parts.keys.masks(&variant.requirements),
            tolerations: self.tolerances.row(&tolerations),
            ports: self.parts.bits.set(at_stake),
        };
        if let Some(id) = self.demand_ids.get(&demand) {
            return *id;
        }
        let id = self.demands.len() as DemandId;
        self.demand_ids.insert(demand.clone(), id);
        self.demands.push(demand);
        self.requirements.push(variant.requirements.clone());
        id
    }

    /// A template as a pool, and before it as one for each reservation that it may use.
    fn pools(
        &mut self,
        group: usize,
        template: &Template<'s>,
        ground: &mut Ground,
    ) -> Vec<(Pool, Pooled)> {
        let mut pools = Vec::new();
        if self.parts.reserved == Reserved::Used {
            for (reservation, left) in reservations(template) {
                let at = self
                    .reservations
                    .iter()
                    .position(|(known, _)| *known == reservation);
                let at = at.unwrap_or_else(|| {
                    self.reservations.push((reservation.clone(), left));
                    self.reservations.len() - 1
                });
                self.reservations[at].1 = left.min(self.reservations[at].1);
                pools.push(self.pool((group, template), Some((at, reservation)), ground));
            }
        }
        pools.push(self.pool((group, template), None, ground));
        pools
    }

    fn pool(
        &mut self,
        (group, template): (usize, &Template<'s>),
        reservation: Option<(usize, Reservation)>,
        ground: &mut Ground,
    ) -> (Pool, Pooled) {
        let parts = self.parts;
        let (limited, left) = limits(
            template.state,
            parts.snapshot,
            parts.freed.get(template.state.name()),
        );
        let (at, reservation) = reservation.unzip();
        let key = TypesKey {
            common: Arc::as_ptr(&template.common).addr(),
            reservation: reservation.clone(),
            limited: limited.iter().map(|l| (l.resource.clone(), l.id)).collect(),
            pricing: parts.pricing,
        };
        let made = &mut self.types_made;
        let types = ground.types(&template.common, key, || {
            let in_play = (&parts.keys, &parts.amounts);
            let types = types(
                template,
                reservation.as_ref(),
                parts.snapshot,
                in_play,
                &limited,
            );
            *made += types.len();
            types.priced(parts.pricing)
        });
        let (min_value_keys, min_values) = min_values(template, &types).into_iter().unzip();
        let pool = Pool {
            group,
            reservation: at,
            taints: self.tolerances.column(template.taints()),
            hard_taints: self.tolerances.hard_column(template.taints()),
            masks: self.template_masks(template, reservation.as_ref()),
            types,
            watch: watch(parts, &limited, &left),
            limits: left,
            min_values,
        };
        let pooled = Pooled {
            limits: limited,
            min_value_keys,
            reservation,
        };
        (pool, pooled)
    }

    /// Keys that a pool leaves open can be anything if providers set them, and are absent
    /// otherwise.
    fn template_masks(
        &self,
        template: &Template<'_>,
        reservation: Option<&Reservation>,
    ) -> Vec<Mask> {
        let keys = &self.parts.keys;
        let mut masks: Vec<Mask> = (0..keys.len())
            .map(|id| match template.requirements.get(keys.key(id)) {
                Some(requirement) => template.mask(id, keys, requirement),
                None if self.parts.snapshot.vocabulary.is_well_known(keys.key(id)) => {
                    keys.anything(id)
                }
                None => keys.absent(id),
            })
            .collect();
        let reserved = Requirement::single(labels::CAPACITY_TYPE, labels::RESERVED);
        if let Some(reservation) = reservation {
            for requirement in reservation.requirement.iter().chain([&reserved]) {
                if let Some(id) = keys.find(requirement.key()) {
                    masks[id] = masks[id].and(&keys.mask(id, requirement));
                }
            }
        }
        masks
    }

    fn daemon(&mut self, part: &DaemonPart) -> Daemon {
        let shape = &self.parts.snapshot.daemons[part.source].shape;
        let keys = &self.parts.keys;
        let alternatives = part.alternatives.iter().map(|r| keys.masks(r)).collect();
        let bits = &self.parts.bits;
        Daemon {
            alternatives,
            tolerations: self.tolerances.row(&shape.spec.tolerations),
            request: self.parts.amounts.vector(&shape.requests),
            ports: bits.set(bits.conflicting(&shape.host_ports)),
        }
    }
}

/// Limits that are far beyond what all pods together ask for need no watching.
fn watch(parts: &Parts<'_>, limited: &[Limited], left: &[i64]) -> Watch {
    let far = limited.iter().zip(left).all(|(limited, left)| {
        let asked = parts.wanted.iter().map(|wanted| {
            let each = match limited.id {
                Some(id) => wanted.group.shape.requests.get(id).max(1),
                None => 1,
            };
            i128::from(each) * wanted.group.pods.len() as i128
        });
        limited.id.is_some() && asked.sum::<i128>() * FAR <= i128::from(*left)
    });
    if far { Watch::AtTheEnd } else { Watch::Closely }
}

/// What makes pods one class.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Alike {
    /// Number of their kind.
    kind: usize,
    request: Vec<i64>,
    shared: Vec<SharedClaim>,
    /// Set for pods whose resource claims want devices: each is a class.
    alone: Option<usize>,
}

/// What makes pods with the same requests one class.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    variants: Arc<[problem::Variant]>,
    sets: Arc<[u64]>,
    hosts: Arc<[u32]>,
    domains: Arc<[u32]>,
    is_virtual: bool,
}
