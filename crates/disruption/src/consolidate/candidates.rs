//! Which nodes may be consolidated at all.

use std::sync::Arc;

use api::ConsolidationPolicy;
use cluster::{NodeState, PoolState};

use crate::candidate::candidate;
use crate::command::Candidate;
use crate::cost::{reschedulable_pods, reschedule_cost};
use crate::stage::Stage;
use crate::{Options, Reason, Why, emptiness, quiet};

use super::Stays;

/// Nodes that may be consolidated, those first that save most for what they disturb; and why others
/// stay.
pub(super) fn look(stage: &Stage<'_>, options: &Options) -> (Vec<Candidate>, Vec<(Arc<str>, Why)>) {
    let mut candidates = Vec::new();
    let mut kept = Vec::new();
    for node in stage.now_there.nodes.iter() {
        match check(stage, node, options) {
            Ok(Some(candidate)) => candidates.push(candidate),
            Ok(None) => {}
            Err(why) => kept.push((node.name().clone(), why)),
        }
    }
    candidates.sort_by(|a, b| {
        b.savings_ratio
            .total_cmp(&a.savings_ratio)
            .then_with(|| a.node.cmp(&b.node))
    });
    (candidates, kept)
}

/// The node as a candidate; none if others have said what there is to say of it.
fn check(stage: &Stage<'_>, node: &NodeState, options: &Options) -> Result<Option<Candidate>, Why> {
    let (snapshot, now) = (&stage.now_there, stage.now);
    if stage.is_going(node.name()) || reschedule_cost(node) <= 1.0 {
        return Ok(None);
    }
    let class = Reason::Underutilized.class();
    let (candidate, state) = candidate(snapshot, node, class, now)?;
    let pool = &state.pool;
    let name = || pool.metadata.name.clone();
    if pool.spec.replicas.is_some() {
        return Err(Why::Static);
    }
    labelled(node, state)?;
    if pool.spec.disruption.consolidate_after.get().is_none() {
        return Err(Why::ConsolidationOff { pool: name() });
    }
    if pool.spec.disruption.consolidation_policy == ConsolidationPolicy::WhenEmpty {
        let pods = reschedulable_pods(node);
        return Err(Why::NotEmpty { pool: name(), pods });
    }
    emptiness::quiet(node, pool, now)?;
    let claim = node.claim.as_ref();
    let until = claim
        .and_then(|claim| quiet::filled(claim))
        .map(|filled| filled + options.settle);
    if let Some(until) = until.filter(|until| now < *until) {
        return Err(Why::Stays(Stays::Settling { until }));
    }
    if stage.is_getting_pods(node.name()) {
        return Err(Why::Stays(Stays::NotNow));
    }
    Ok(Some(candidate))
}

/// Whether the node says what it is, so that its price is known.
fn labelled(node: &NodeState, pool: &PoolState) -> Result<(), Why> {
    let instance_type = node.instance_type().unwrap_or_default();
    if pool.instance_type(instance_type).is_none() {
        return Err(Why::Stays(Stays::UnknownType {
            instance_type: instance_type.to_owned(),
        }));
    }
    if node.capacity_type().is_none() {
        return Err(Why::Stays(Stays::NoCapacityType));
    }
    if node.zone().is_none() {
        return Err(Why::Stays(Stays::NoZone));
    }
    Ok(())
}
