//! What is rarer: capacity buffers, reserved capacity, budgets, and passes that are what-ifs.

use std::sync::Arc;

use api::labels;
use catalog::{CapacityType, InstanceType, Offering, Price};
use requirements::{Requirement, Requirements};
use scheduling::{Batch, BatchPods, NewNodes};
use serde_json::{Value, json};

use super::demand::{self, APPS, ZONES};
use super::dice::Dice;
use crate::build::pod;

/// Pods that stand for the room that a capacity buffer keeps.
pub(super) fn buffer(dice: &mut Dice) -> Vec<Value> {
    if !dice.chance(15) {
        return Vec::new();
    }
    let app = dice.one(&APPS);
    let patches: Vec<Value> = (0..dice.below(2)).map(|_| demand::any(dice, app)).collect();
    let cpu = dice.one(&["100m", "1", "3500m"]);
    let one = |number: usize| {
        let mut pod = pod(&format!("capacity-buffer-b-{number}"))
            .cpu(cpu)
            .label("app", app)
            .annotation("karpenter.sh/capacity-buffer-fake-pod", "true")
            .annotation("karpenter.sh/capacity-buffer-name", "b");
        for patch in &patches {
            pod = pod.with(&json!({"spec": patch}));
        }
        pod.json()
    };
    (0..dice.between(1, 4)).map(one).collect()
}

/// Budgets of disruption, which say who may be moved from nodes that go.
pub(super) fn budgets(dice: &mut Dice) -> Vec<Value> {
    if !dice.chance(15) {
        return Vec::new();
    }
    vec![
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "budget", "namespace": "default"},
        "spec": {"maxUnavailable": dice.below(2),
            "selector": {"matchLabels": {"app": dice.one(&APPS)}}}}),
    ]
}

/// Mostly the pass that there is; now and then one that thinks nodes away.
pub(super) fn batch(dice: &mut Dice, nodes: &[String]) -> Batch {
    let mut batch = Batch::default();
    if !nodes.is_empty() && dice.chance(12) {
        batch.without = dice
            .some(&(0..nodes.len()).collect::<Vec<_>>())
            .into_iter()
            .map(|at| nodes[at].clone())
            .collect();
        if dice.chance(50) {
            batch.pods = BatchPods::Displaced;
        }
    }
    if dice.chance(6) {
        batch.new_nodes = NewNodes::Forbidden;
    }
    batch
}

/// Some of the types with a few instances of reserved capacity.
pub(super) fn reserve(dice: &mut Dice, types: &mut [Arc<InstanceType>]) {
    if !dice.chance(15) {
        return;
    }
    for at in 0..dice.between(1, 3) {
        let of = dice.below(types.len());
        let (zone, id) = (dice.one(&ZONES), format!("cr-{at}"));
        let requirements: Requirements = [
            (labels::ZONE, zone),
            (labels::CAPACITY_TYPE, labels::RESERVED),
            (labels::CAPACITY_RESERVATION_ID, &id),
        ]
        .map(|(key, value)| Requirement::single(key, value))
        .into_iter()
        .collect();
        let mut with = InstanceType::clone(&types[of]);
        with.offerings.push(Offering {
            requirements: Arc::new(requirements),
            zone: zone.into(),
            capacity_type: CapacityType::Reserved,
            price: Price::from_nanos(1_000),
            available: true,
            reservation_capacity: Some(dice.between(1, 2) as u32),
            price_overlaid: false,
            overrides: None,
        });
        types[of] = Arc::new(with);
    }
}
