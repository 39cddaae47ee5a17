//! Domains that have no node yet but could get one: a spread counts them, as Karpenter does, or all
//! pods could be put into one domain of an empty cluster.
//!
//! Only where there is no doubt that a node could be planned there for this very pod: a pool
//! without limits and `minValues`, an available offering, room on an empty node, and nothing else
//! that the pod or others might have against the domain.

use std::collections::BTreeMap;

use catalog::{InstanceType, Offering};
use cluster::PoolState;
use model::ResourceList;
use scheduling::{Batch, NewNodes};

use super::labels::{find, repelled_by, selects};
use super::machine::{attracts, requested};
use super::picture::{Picture, Seat};
use super::spread::Rule;
use super::terms;
use super::ways::{allocatable, breach, listed, worlds};

/// A domain of the rule's key that is not known and where a node for the pod could be planned.
pub(super) fn unused(
    picture: &Picture<'_>,
    batch: &Batch,
    rule: &Rule<'_>,
    seat: &Seat<'_>,
    known: impl Fn(&str) -> bool,
) -> Option<String> {
    let content = &seat.pod.shape.content;
    let others = rule.keys.len() > 1;
    let bound = !terms::near(&content.spec).is_empty()
        || !terms::apart(&content.spec).is_empty()
        || !content.spec.volumes.is_empty();
    let snapshot = picture.snapshot;
    let disliked = || {
        picture.seats.iter().any(|other| {
            let terms = terms::apart(&other.pod.shape.content.spec).iter();
            terms
                .map(|term| terms::complete(other.pod, term))
                .any(|term| terms::is_about(snapshot, other.pod.namespace(), &term, seat.pod))
        })
    };
    if batch.new_nodes == NewNodes::Forbidden || others || bound || disliked() {
        return None;
    }
    let usable = snapshot.pools.iter().filter(|state| {
        let spec = &state.pool.spec;
        let requirements = &spec.template.spec.requirements;
        state.problem.is_none()
            && spec.limits.is_empty()
            && spec.replicas.is_none()
            && requirements.iter().all(|item| item.min_values.is_none())
            && repelled_by(&content.spec.tolerations, &spec.template.spec.taints).is_none()
            // Whether a taint that is a mere preference counts here is not agreed on.
            && (rule.constraint.node_taints_policy.is_none()
                || spec.template.spec.taints.is_empty())
    });
    usable
        .flat_map(|pool| {
            pool.types
                .iter()
                .map(move |instance_type| (pool, instance_type))
        })
        .find_map(|(pool, instance_type)| {
            let offerings = instance_type.offerings.iter().filter(|o| o.available);
            offerings
                .filter(|offering| offering.reservation_capacity.is_none())
                .find_map(|offering| {
                    domain(picture, rule, seat, (pool, instance_type, offering), &known)
                })
        })
}

fn domain(
    picture: &Picture<'_>,
    rule: &Rule<'_>,
    seat: &Seat<'_>,
    (pool, instance_type, offering): (&PoolState, &InstanceType, &Offering),
    known: &impl Fn(&str) -> bool,
) -> Option<String> {
    let snapshot = picture.snapshot;
    let content = &seat.pod.shape.content;
    worlds(choices(pool, instance_type, offering))
        .into_iter()
        .find_map(|labels| {
            let domain = find(&labels, &rule.constraint.topology_key, &snapshot.vocabulary)?;
            let wanted = !known(domain)
                && breach(pool, (instance_type, offering), &labels).is_none()
                && selects(&content.spec, &labels, &snapshot.vocabulary);
            let taints = &pool.pool.spec.template.spec.taints;
            let daemons = || {
                let all = snapshot.daemons.iter().map(|daemon| &*daemon.shape.content);
                all.filter(|daemon| attracts(daemon, taints, &labels, snapshot))
            };
            let fits = || {
                let needed = requested(daemons().chain([&**content]));
                has_room(&needed, &allocatable(instance_type, offering))
            };
            (wanted && fits()).then(|| domain.to_owned())
        })
}

fn has_room(needed: &ResourceList, room: &ResourceList) -> bool {
    needed
        .iter()
        .all(|(resource, needed)| room.get(resource).copied().unwrap_or_default() >= *needed)
}

/// What the node of an offering may have of each key when a pool launches it.
fn choices(
    pool: &PoolState,
    instance_type: &InstanceType,
    offering: &Offering,
) -> BTreeMap<String, Vec<String>> {
    let template = &pool.pool.spec.template;
    let mut choices: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for item in &template.spec.requirements {
        if item.operator == "In" {
            choices.insert(item.key.clone(), item.values.clone());
        }
    }
    for requirement in instance_type
        .requirements
        .iter()
        .chain(offering.requirements.iter())
    {
        let values: Vec<String> = listed(requirement).map(str::to_owned).collect();
        if !values.is_empty() {
            choices.insert(requirement.key().to_string(), values);
        }
    }
    for (key, value) in &template.metadata.labels {
        choices.insert(key.clone(), vec![value.clone()]);
    }
    choices.insert(
        "karpenter.sh/nodepool".to_owned(),
        vec![pool.name().to_owned()],
    );
    choices
}
