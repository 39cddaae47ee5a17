//! What a pass is about: which pods, pools and daemons take part, and which keys, resources and
//! bits are in play.

use std::sync::Arc;

use cluster::{PodRecord, Snapshot};
use model::Timestamp;
use model::k8s::TaintEffect;
use requirements::{Requirements, pod};
use rustc_hash::FxHashSet;

use super::amounts::Amounts;
use super::features::unbuilt;
use super::pods::{self, Group};
use super::pools::{self, Template};
use super::ports::Bits;
use super::unwelcome::{self, HOSTNAME, Term};
use super::variants::{SoftTaints, Variant, variants};
use crate::mask::{Keys, KeysBuilder};
use crate::options::{Batch, NewNodes, Options};
use crate::reason::Rejection;

/// What takes part in a pass.
pub(super) struct Parts<'s> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) templates: Vec<Template<'s>>,
    pub(super) wanted: Vec<Wanted>,
    pub(super) refused: Refused,
    pub(super) daemons: Vec<DaemonPart>,
    /// Terms over single nodes, by bit.
    pub(super) unwelcome: Vec<(usize, Term<'s>)>,
    pub(super) keys: Keys,
    pub(super) amounts: Amounts,
    pub(super) bits: Bits,
}

/// Pods of one shape that are tried, and what they ask for.
pub(super) struct Wanted {
    pub(super) group: Group,
    pub(super) variants: Vec<Variant>,
    /// Bits of terms over single nodes that select them.
    pub(super) unwelcome: Vec<usize>,
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
    snapshot: &'s Snapshot,
    batch: &Batch,
    options: &Options,
    now: Timestamp,
) -> Parts<'s> {
    let templates = templates(snapshot, batch, options);
    let (mut wanted, refused) = wanted(snapshot, batch, options, now, soft_taints(&templates));
    let amounts = Amounts::of(wanted.iter().map(|w| &w.group.shape.requests));
    let mut bits = Bits::of(wanted.iter().flat_map(|w| &w.group.shape.host_ports));
    let (per_node, kept_out) = unwelcome::terms(snapshot)
        .into_iter()
        .partition::<Vec<_>, _>(Term::is_per_node);
    keep_out(&mut wanted, &kept_out, snapshot);
    let unwelcome = bits_of_terms(&mut wanted, per_node, snapshot, &mut bits);
    let daemons = daemons(snapshot);
    let keys = keys(snapshot, &wanted, &daemons, &templates);
    Parts {
        snapshot,
        templates,
        wanted,
        refused,
        daemons,
        unwelcome,
        keys,
        amounts,
        bits,
    }
}

/// Pools that may open nodes, in the order in which they are asked.
fn templates<'s>(snapshot: &'s Snapshot, batch: &Batch, options: &Options) -> Vec<Template<'s>> {
    if batch.new_nodes == NewNodes::Forbidden {
        return Vec::new();
    }
    snapshot
        .pools
        .iter()
        .enumerate()
        .filter(|(_, state)| state.problem.is_none())
        .map(|(at, state)| Template::new(at, state, &snapshot.vocabulary, options.taint_labels))
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

type Refused = Vec<(Arc<[Arc<PodRecord>]>, Rejection)>;

/// Pods that are tried, and those that are not with the reason.
fn wanted(
    snapshot: &Snapshot,
    batch: &Batch,
    options: &Options,
    now: Timestamp,
    soft: SoftTaints,
) -> (Vec<Wanted>, Refused) {
    let mut wanted = Vec::new();
    let mut refused: Refused = Vec::new();
    for group in pods::groups(snapshot, batch, now) {
        let spec = &group.shape.spec;
        if let Some(feature) = unbuilt(spec) {
            refused.push((group.pods, Rejection::NotBuilt { feature }));
            continue;
        }
        let policy = options.preference_policy;
        let variants = variants(spec, &snapshot.vocabulary, policy, soft);
        if variants.is_empty() {
            refused.push((group.pods, Rejection::EmptyAffinity));
            continue;
        }
        wanted.push(Wanted {
            group,
            variants,
            unwelcome: Vec::new(),
        });
    }
    if batch.pods == crate::options::BatchPods::PendingAndDisplaced {
        for group in &*snapshot.ignored {
            if let Some(problem) = group.shape.problems.first() {
                refused.push((group.pods.clone(), Rejection::Pod(problem.clone())));
            }
        }
    }
    (wanted, refused)
}

fn selects(term: &Term<'_>, wanted: &Wanted, snapshot: &Snapshot) -> bool {
    let pods = &wanted.group.pods;
    pods.iter()
        .any(|pod| term.selects(pod, &snapshot.namespaces))
}

/// Adds to pods what terms of running pods over zones and the like keep them out of.
fn keep_out(wanted: &mut [Wanted], terms: &[Term<'_>], snapshot: &Snapshot) {
    for term in terms {
        let Some(requirement) = term.requirement() else {
            continue;
        };
        for wanted in wanted.iter_mut() {
            if selects(term, wanted, snapshot) {
                for variant in &mut wanted.variants {
                    variant.requirements.add(requirement.clone());
                }
            }
        }
    }
}

/// Gives each term over single nodes that selects a pod of the batch a bit.
fn bits_of_terms<'s>(
    wanted: &mut [Wanted],
    terms: Vec<Term<'s>>,
    snapshot: &Snapshot,
    bits: &mut Bits,
) -> Vec<(usize, Term<'s>)> {
    let mut with_bits = Vec::new();
    for term in terms {
        let mut bit = None;
        for wanted in wanted.iter_mut() {
            if selects(&term, wanted, snapshot) {
                let bit = *bit.get_or_insert_with(|| bits.another());
                wanted.unwelcome.push(bit);
            }
        }
        with_bits.extend(bit.map(|bit| (bit, term)));
    }
    with_bits
}

fn daemons(snapshot: &Snapshot) -> Vec<DaemonPart> {
    snapshot
        .daemons
        .iter()
        .enumerate()
        .filter(|(_, daemon)| daemon.shape.spec.resource_claims.is_empty())
        .map(|(source, daemon)| DaemonPart {
            source,
            alternatives: pod::required(&daemon.shape.spec, &snapshot.vocabulary),
        })
        .collect()
}

/// The label keys that pods, daemons and pools mention.
fn keys(
    snapshot: &Snapshot,
    wanted: &[Wanted],
    daemons: &[DaemonPart],
    templates: &[Template<'_>],
) -> Keys {
    let mut builder = KeysBuilder::default();
    let mut seen: FxHashSet<&Requirements> = FxHashSet::default();
    let of_pods = wanted
        .iter()
        .flat_map(|w| &w.variants)
        .map(|v| &v.requirements);
    let of_daemons = daemons.iter().flat_map(|daemon| &daemon.alternatives);
    let of_pools = templates.iter().map(|template| &template.requirements);
    for requirements in of_pods.chain(of_daemons).chain(of_pools) {
        if seen.insert(requirements) {
            builder.mention(requirements);
        }
    }
    for template in templates {
        pools::list_bounded(&template.types, &mut builder);
    }
    let bounded: Vec<_> = builder
        .mentioned()
        .filter(|key| builder.is_bounded(key))
        .cloned()
        .collect();
    for key in bounded {
        for node in &*snapshot.nodes {
            if let Some(value) = label(node, &key) {
                builder.list(&key, &value.into());
            }
        }
    }
    builder.build()
}

/// A node's label as requirements see it; the host name is the node's name where there is no label.
pub(super) fn label<'n>(node: &'n cluster::NodeState, key: &str) -> Option<&'n str> {
    if key == HOSTNAME {
        Some(node.hostname())
    } else {
        node.label(key)
    }
}
