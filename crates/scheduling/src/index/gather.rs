//! What a pass is about: which pods, pools and daemons take part, and which keys, resources and
//! bits are in play.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::labels::HOSTNAME;
use cluster::{HostPort, ObjectKey, PodRecord, Snapshot};
use model::k8s::{TaintEffect, Toleration};
use model::{ResourceList, Timestamp};
use requirements::{Key, Operator, Requirement, Requirements, pod};
use rustc_hash::{FxHashMap, FxHashSet};

use super::amounts::Amounts;
use super::devices::{self, Claiming};
use super::open;
use super::pods::{self, Group};
use super::pools::{self, Template};
use super::ports::Bits;
use super::shared::{self, SharedClaims};
use super::source::Source;
use super::topology::rules::{Resolved, host_most, resolve};
use super::topology::terms::{Declarer, declared, terms};
use super::topology::{self, Binds, CounterId, Counters, OwnLabels, counts_declarers};
use super::variants::{SoftTaints, Variant, variants};
use crate::mask::{Keys, KeysBuilder};
use crate::memory::{self, Memory};
use crate::options::{Batch, NewNodes, Options, Pricing, Reserved, ResourceClaims};
use crate::reason::Rejection;
use crate::volumes::{AttachDemand, Unsupported, needs};

/// What takes part in a pass.
pub(super) struct Parts<'s> {
    pub(super) snapshot: &'s Snapshot,
    /// Pods of nodes that go.
    pub(super) moving: Vec<Arc<PodRecord>>,
    pub(super) templates: Vec<Template<'s>>,
    pub(super) wanted: Vec<Wanted>,
    pub(super) asking: Vec<Asking>,
    pub(super) refused: Refused,
    /// Pods with claims, where claims are looked at and there are some.
    pub(super) claiming: Option<Claiming>,
    pub(super) daemons: Vec<DaemonPart>,
    /// Everything that is counted.
    pub(super) counters: Counters,
    /// Bits of counts on hosts: counter, the count that may not be passed, bit.
    pub(super) thresholds: Vec<(CounterId, u32, usize)>,
    pub(super) own_labels: OwnLabels,
    /// Claims that several pods share.
    pub(super) shared: SharedClaims,
    /// What is free again of the limits of pools, by pool.
    pub(super) freed: BTreeMap<String, ResourceList>,
    pub(super) reserved: Reserved,
    pub(super) pricing: Pricing,
    pub(super) keys: Keys,
    pub(super) amounts: Amounts,
    pub(super) bits: Bits,
}

/// Pods that are tried and nothing tells apart but what they ask for.
pub(super) struct Wanted {
    pub(super) group: Group,
    /// Position of what they ask for in [`Parts::asking`].
    pub(super) asking: usize,
    /// Volumes that are to be attached for each pod.
    pub(super) attach: AttachDemand,
}

/// What pods ask for beside room. Pods of many shapes may ask for the same.
pub(super) struct Asking {
    pub(super) variants: Vec<Variant>,
    /// What each variant demands of other pods.
    pub(super) terms: Vec<Vec<Resolved>>,
    /// Number of what selections see of the pods.
    pub(super) identity: usize,
    /// Counters of their own required anti-affinity terms.
    pub(super) declares: Vec<CounterId>,
    pub(super) tolerations: Vec<Toleration>,
    pub(super) host_ports: Vec<HostPort>,
    /// Whether the pods only stand for room that a capacity buffer keeps.
    pub(super) is_virtual: bool,
}

/// A daemon set.
pub(super) struct DaemonPart {
    /// Position in the snapshot's list.
    pub(super) source: usize,
    /// Alternatives of its requirements. Preferences do not count.
    pub(super) alternatives: Vec<Requirements>,
}

/// Finds out what takes part.
pub(super) fn gather<'s>(
    memory: &mut Memory,
    snapshot: &'s Snapshot,
    (batch, movable): (&Batch, &[Arc<PodRecord>]),
    options: &Options,
    now: Timestamp,
) -> Parts<'s> {
    memory.see(snapshot);
    let mut templates = templates(&mut memory.templates, snapshot, batch, options);
    let mut counters = Counters::default();
    let moving = pods::displaced(&memory.nodes, snapshot, batch, now);
    let groups = pods::groups(snapshot, batch, moving.iter().chain(movable));
    let claiming = Claiming::of(snapshot, batch, options, &groups);
    let mut gathered = Gathering {
        snapshot,
        options,
        soft: soft_taints(&templates),
        own_labels: own_labels(&memory.nodes, &groups),
        claiming: claiming.as_ref(),
        counters: &mut counters,
        refused: Vec::new(),
        is_shared: shared::names(snapshot, batch, &groups),
        asking: Vec::new(),
        by_hash: FxHashMap::default(),
    };
    let wanted = gathered.wanted(groups, batch);
    let (refused, own_labels) = (gathered.refused, gathered.own_labels);
    let asking = gathered.asking.into_iter().map(|(_, asking)| asking);
    let asking: Vec<Asking> = asking.collect();
    topology::note_running_declarers(&mut counters, &memory.nodes, snapshot);
    counters.select(&snapshot.namespaces);
    let drivers = wanted
        .iter()
        .flat_map(|w| w.attach.own.keys().chain(w.attach.shared.keys()));
    let amounts = Amounts::of(wanted.iter().map(|w| &w.group.shape.requests), drivers);
    let mut bits = Bits::of(asking.iter().flat_map(|asking| &asking.host_ports));
    let thresholds = thresholds(&asking, &counters, &mut bits);
    let shared = SharedClaims::new(wanted.iter().map(|w| &w.attach), &amounts, &mut bits);
    let daemons = daemons(snapshot, options);
    let places = claiming.as_ref().map(|c| c.places(&templates));
    let places = places.unwrap_or_default();
    let of_nodes = (&counters, &mut memory.nodes);
    let keys = keys(
        snapshot,
        &asking,
        (&daemons, &places),
        &mut templates,
        of_nodes,
    );
    Parts {
        snapshot,
        moving,
        templates,
        wanted,
        asking,
        refused,
        claiming,
        daemons,
        counters,
        thresholds,
        own_labels,
        shared,
        freed: pools::freed(snapshot, batch),
        reserved: options.reserved,
        pricing: options.pricing,
        keys,
        amounts,
        bits,
    }
}

/// Pools that may open nodes, in the order in which they are asked.
fn templates<'s>(
    known: &mut memory::Templates,
    snapshot: &'s Snapshot,
    batch: &Batch,
    options: &Options,
) -> Vec<Template<'s>> {
    if batch.new_nodes == NewNodes::Forbidden {
        return Vec::new();
    }
    known.keep_only(&snapshot.pools);
    let usable = snapshot.pools.iter().enumerate();
    usable
        .filter(|(_, state)| state.problem.is_none())
        .map(|(source, state)| Template {
            source,
            state,
            common: known.of(state, &snapshot.vocabulary, options.taint_labels),
            open: BTreeMap::new(),
        })
        .collect()
}

fn soft_taints(templates: &[Template<'_>]) -> SoftTaints {
    let any = templates
        .iter()
        .flat_map(Template::taints)
        .any(|taint| taint.effect == TaintEffect::PreferNoSchedule);
    if any {
        SoftTaints::Stop
    } else {
        SoftTaints::Tolerated
    }
}

/// Pods that are not tried, with the reason.
pub(super) type Refused = Vec<(Arc<[Arc<PodRecord>]>, Rejection)>;

/// Whether labels that differ from pod to pod decide anything in this pass.
fn own_labels(nodes: &memory::Nodes, groups: &[Group]) -> OwnLabels {
    let of_batch = groups.iter().map(|group| &group.shape);
    let mut seen = FxHashSet::default();
    let running = nodes.with_affinity().filter(|shape| seen.insert(shape.id));
    topology::own_labels(of_batch.chain(running).map(|shape| &**shape))
}

/// Looks at the pods of a batch.
struct Gathering<'a, 's> {
    snapshot: &'s Snapshot,
    options: &'a Options,
    soft: SoftTaints,
    own_labels: OwnLabels,
    claiming: Option<&'a Claiming>,
    counters: &'a mut Counters,
    refused: Refused,
    /// Claims that several pods name, or that some node has attached.
    is_shared: BTreeSet<ObjectKey>,
    asking: Vec<(Source, Asking)>,
    /// Positions in `asking` by hash of the source.
    by_hash: FxHashMap<u64, Vec<usize>>,
}

impl Gathering<'_, '_> {
    /// Pods that are tried; those that are not go to `refused` with the reason.
    fn wanted(&mut self, groups: Vec<Group>, batch: &Batch) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for group in groups {
            for group in devices::tried(group, self.claiming, &mut self.refused) {
                for group in pods::split(group, self.own_labels) {
                    self.add(group, &mut wanted);
                }
            }
        }
        if batch.pods == crate::options::BatchPods::PendingAndDisplaced {
            for group in &*self.snapshot.ignored {
                if let Some(problem) = group.shape.problems.first() {
                    let rejection = Rejection::Pod(problem.clone());
                    self.refused.push((group.pods.clone(), rejection));
                }
            }
        }
        wanted
    }

    /// Adds the pods of a group, apart where their volumes differ.
    fn add(&mut self, group: Group, wanted: &mut Vec<Wanted>) {
        if group.shape.spec.volumes.is_empty() {
            wanted.extend(self.one(group, Vec::new(), AttachDemand::default()));
            return;
        }
        let snapshot = self.snapshot;
        let mut parts: BTreeMap<Needs, Vec<Arc<PodRecord>>> = BTreeMap::new();
        for pod in &*group.pods {
            let unsupported = Unsupported::default();
            match needs(pod, &snapshot.volumes, &snapshot.vocabulary, &unsupported) {
                Ok(needs) => {
                    let attach = needs.demand(|claim| self.is_shared.contains(claim));
                    let part = parts.entry((needs.alternatives, attach)).or_default();
                    part.push(pod.clone());
                }
                Err(problem) => {
                    let pods = [pod.clone()].into();
                    self.refused.push((pods, Rejection::Volume(problem)));
                }
            }
        }
        for ((places, attach), pods) in parts {
            let shape = group.shape.clone();
            let pods = pods.into();
            wanted.extend(self.one(Group { shape, pods }, places, attach));
        }
    }

    fn one(
        &mut self,
        group: Group,
        places: Vec<Requirements>,
        attach: AttachDemand,
    ) -> Option<Wanted> {
        let pod = group.pods.first()?;
        let identity = self.counters.identity(pod, self.own_labels);
        let hash = Source::hash(identity, &group.shape, &places);
        let known = self.by_hash.get(&hash).into_iter().flatten().copied();
        let known = known
            .into_iter()
            .find(|at| self.asking[*at].0.is(identity, &group.shape, &places));
        let asking = if let Some(at) = known {
            at
        } else {
            let Some(asking) = self.ask(pod, identity, &places) else {
                self.refused.push((group.pods, Rejection::EmptyAffinity));
                return None;
            };
            let shape = group.shape.clone();
            let source = Source {
                identity,
                shape,
                places,
            };
            self.asking.push((source, asking));
            let at = self.asking.len() - 1;
            self.by_hash.entry(hash).or_default().push(at);
            at
        };
        Some(Wanted {
            group,
            asking,
            attach,
        })
    }

    /// What a pod asks for; none if no node can serve.
    fn ask(&mut self, pod: &PodRecord, identity: usize, places: &[Requirements]) -> Option<Asking> {
        let shape = &pod.shape;
        let spec = &shape.spec;
        let vocabulary = &self.snapshot.vocabulary;
        let spreads = &spec.topology_spread_constraints;
        let policy = self.options.preference_policy;
        let variants = variants(spec, vocabulary, policy, self.soft, spreads);
        if variants.is_empty() {
            return None;
        }
        let variants = at_places(variants, places);
        let alternatives = pod::required(spec, vocabulary);
        let own = (self.own_labels == OwnLabels::Matter).then(|| pod.labels());
        let declarer = Declarer {
            namespace: pod.namespace(),
            labels: own.as_ref().unwrap_or(&shape.content.labels),
            spec,
            spreads,
        };
        let terms = variants
            .iter()
            .map(|variant| {
                let terms = terms(declarer, &variant.kept, &alternatives);
                resolve(terms, self.counters)
            })
            .collect();
        let declares = declared(declarer);
        let declares = declares
            .into_iter()
            .map(|key| self.counters.intern(key, Binds::Yes));
        Some(Asking {
            declares: declares.collect(),
            variants,
            terms,
            identity,
            tolerations: spec.tolerations.clone(),
            host_ports: shape.host_ports.clone(),
            is_virtual: shape.is_virtual(),
        })
    }
}

/// What pods of one shape may differ in: places of their volumes, and what is to be attached.
type Needs = (Vec<Requirements>, AttachDemand);

/// Each variant once for each place that the pod's volumes can be reached from.
fn at_places(variants: Vec<Variant>, places: &[Requirements]) -> Vec<Variant> {
    if places.is_empty() {
        return variants;
    }
    let at = |variant: &Variant, place: &Requirements| Variant {
        requirements: variant.requirements.intersect(place),
        ..variant.clone()
    };
    let of = |variant| places.iter().map(move |place| at(variant, place));
    variants.iter().flat_map(of).collect()
}

/// Gives every count on a host that somebody asks about a bit.
fn thresholds(
    asking: &[Asking],
    counters: &Counters,
    bits: &mut Bits,
) -> Vec<(CounterId, u32, usize)> {
    let mut asked: BTreeSet<(CounterId, u32)> = BTreeSet::new();
    for asking in asking {
        let selecting = counters.selecting(asking.identity);
        for term in asking.terms.iter().flatten() {
            let counter = term.counter();
            if counters.keys.get(counter).is_per_host() {
                let own = selecting.contains(&counter);
                asked.insert(match term {
                    Resolved::Spread { max_skew, .. } => (counter, host_most(*max_skew, own)),
                    Resolved::Near(_) | Resolved::Away(_) => (counter, 0),
                });
            }
        }
        let declarers = selecting.iter().copied();
        asked.extend(
            declarers
                .map(|counter| (counter, 0))
                .filter(|(counter, _)| {
                    let key = counters.keys.get(*counter);
                    key.is_per_host() && counts_declarers(key)
                }),
        );
    }
    let bit = |(counter, most)| (counter, most, bits.another());
    asked.into_iter().map(bit).collect()
}

fn daemons(snapshot: &Snapshot, options: &Options) -> Vec<DaemonPart> {
    let all = options.resource_claims == ResourceClaims::Allocated;
    snapshot
        .daemons
        .iter()
        .enumerate()
        .filter(|(_, daemon)| all || !daemon.shape.spec.has_resource_claims())
        .map(|(source, daemon)| DaemonPart {
            source,
            alternatives: pod::required(&daemon.shape.spec, &snapshot.vocabulary),
        })
        .collect()
}

/// The label keys that pods, daemons and pools mention.
fn keys(
    snapshot: &Snapshot,
    asking: &[Asking],
    (daemons, places): (&[DaemonPart], &[Requirements]),
    templates: &mut [Template<'_>],
    (counters, nodes): (&Counters, &mut memory::Nodes),
) -> Keys {
    let mut builder = KeysBuilder::default();
    let mut seen: FxHashSet<&Requirements> = FxHashSet::default();
    let of_pods = asking
        .iter()
        .flat_map(|asking| &asking.variants)
        .map(|v| &v.requirements);
    let of_daemons = daemons.iter().flat_map(|daemon| &daemon.alternatives);
    let of_pools = templates.iter().map(|template| &template.requirements);
    for requirements in of_pods.chain(of_daemons).chain(of_pools).chain(places) {
        if seen.insert(requirements) {
            builder.mention(requirements);
        }
    }
    let mut listed = topology_keys(counters, &mut builder);
    open::settle(snapshot, &listed, asking, templates, &mut builder);
    let bounded = builder.mentioned().filter(|key| builder.is_bounded(key));
    listed.extend(bounded.cloned());
    for template in templates.iter() {
        let own = template.requirements.iter();
        let own: Vec<_> = own.filter(|r| listed.contains(r.key())).collect();
        for value in own
            .iter()
            .flat_map(|r| r.values().iter().map(move |v| (r.key(), v)))
        {
            builder.list(value.0, value.1);
        }
        for key in &listed {
            let make = || pools::type_values(key, &template.common);
            for value in template.values.of(key, make).iter() {
                builder.list(key, value);
            }
        }
    }
    for key in listed {
        for value in nodes.values(&key) {
            builder.list(&key, &value);
        }
    }
    builder.build()
}

/// Puts keys of rules about other pods into play.
fn topology_keys(counters: &Counters, builder: &mut KeysBuilder) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for counter in counters.keys.all() {
        for alternative in counter.filter.alternatives.iter().flatten() {
            builder.mention(alternative);
        }
        if !counter.is_per_host() && !keys.contains(&counter.topology_key) {
            keys.push(counter.topology_key.clone());
        }
    }
    for key in &keys {
        builder.mention_one(&Requirement::new(
            key.clone(),
            Operator::Exists,
            [""; 0],
            None,
        ));
    }
    keys
}

/// A node's label as requirements see it; the host name is the node's name where there is no label.
pub(crate) fn label<'n>(node: &'n cluster::NodeState, key: &str) -> Option<&'n str> {
    if key == HOSTNAME {
        Some(node.hostname())
    } else {
        node.label(key)
    }
}
