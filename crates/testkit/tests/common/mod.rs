//! Placements made by hand.
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod rounds;

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::{CapacityType, InstanceType, Offering, Price};
use cluster::{PodRecord, Snapshot};
use model::Timestamp;
use requirements::{Requirement, Requirements, Vocabulary};
use scheduling::{
    Batch, ExistingPlacement, Launch, MinValuesOutcome, Placement, PlannedClaim, Unplaced,
};
use serde_json::Value;
use testkit::build::{instance_type, pool};
use testkit::{referee, world};

pub(crate) const ZONE: &str = "topology.kubernetes.io/zone";
pub(crate) const HOST: &str = "kubernetes.io/hostname";
const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
const RESERVATION: &str = "karpenter.k8s.aws/capacity-reservation-id";

/// A row of a table: what is shown, objects, places of pods, what the referee finds.
///
/// A place is the name of a node, or a new node of pool `default`: `new a` in zone a, `new a|b` in
/// either, `new a r-1` in zone a from reservation r-1, `new a r-?` from any.
pub(crate) type Row<'a> = (&'a str, Vec<Value>, &'a [(&'a str, &'a str)], &'a [&'a str]);

/// A pool without limits and one type with room for hundred pods in three zones.
pub(crate) fn boundless() -> Value {
    pool("default").json()
}

/// A pool that can't be said to have a place for anything, since it has a limit.
pub(crate) fn limited() -> Value {
    pool("default").limit("cpu", "1000").json()
}

/// Asserts what the referee finds in each row.
pub(crate) fn check(rows: &[Row<'_>]) {
    for (what, items, places, expected) in rows {
        let (snapshot, placement) = placed(items, places);
        let violations = referee::check(&snapshot, &Batch::default(), NOW, &placement);
        let found: Vec<String> = violations.iter().map(kind).collect();
        let mut different = found.clone();
        different.sort();
        different.dedup();
        assert_eq!(different, *expected, "{what}: {violations:#?}");
    }
}

pub(crate) const NOW: Timestamp = Timestamp::EPOCH;

/// The name of a violation's variant.
pub(crate) fn kind(violation: &referee::Violation) -> String {
    let text = format!("{violation:?}");
    let end = text.find([' ', '{']).unwrap_or(text.len());
    text[..end].to_owned()
}

/// A cluster of these objects, with pods where `places` says: `(place, names)`. All others have no
/// place.
pub(crate) fn placed(items: &[Value], places: &[(&str, &str)]) -> (Snapshot, Placement) {
    let types: Arc<[Arc<InstanceType>]> = [Arc::new(any_type())].into();
    let snapshot = world::cluster_of(items, Vocabulary::core(), &types).snapshot();
    let mut left: BTreeMap<String, Arc<PodRecord>> = pods(&snapshot);
    let mut placement = Placement::default();
    for (place, names) in places {
        let pods: Vec<Arc<PodRecord>> = names
            .split_whitespace()
            .map(|name| left.remove(name).unwrap_or_else(|| panic!("no pod {name}")))
            .collect();
        match place.strip_prefix("new ") {
            Some(place) => {
                let number = placement.new_claims.len();
                placement
                    .new_claims
                    .push(claim(&snapshot, number, place, pods));
            }
            None => placement.existing.push(ExistingPlacement {
                node: (*place).into(),
                pods,
            }),
        }
    }
    placement.unplaced = left
        .into_values()
        .map(|pod| Unplaced {
            pod,
            refusals: Arc::default(),
        })
        .collect();
    (snapshot, placement)
}

fn pods(snapshot: &Snapshot) -> BTreeMap<String, Arc<PodRecord>> {
    let groups = snapshot.pending.iter();
    groups
        .flat_map(|group| group.pods.iter())
        .chain(&snapshot.displaced(NOW))
        .map(|pod| (pod.name.to_string(), pod.clone()))
        .collect()
}

/// A type in three zones, with two reserved instances in zone a.
fn any_type() -> InstanceType {
    let mut any = instance_type(
        "any",
        "cpu=100 memory=100Gi pods=100",
        &["a", "b", "c"],
        0.1,
    );
    let requirements = [
        Requirement::single(ZONE, "a"),
        Requirement::single(CAPACITY_TYPE, "reserved"),
        Requirement::single(RESERVATION, "r-1"),
    ];
    any.requirements.add(Requirement::any_of(
        CAPACITY_TYPE,
        ["on-demand", "reserved"],
    ));
    any.requirements.remove(CAPACITY_TYPE);
    any.requirements.add(Requirement::any_of(
        CAPACITY_TYPE,
        ["on-demand", "reserved"],
    ));
    any.requirements
        .add(Requirement::single(RESERVATION, "r-1"));
    let reserved = Offering {
        requirements: Arc::new(requirements.into_iter().collect()),
        capacity_type: CapacityType::Reserved,
        price: Price::from_dollars(0.01),
        reservation_capacity: Some(2),
        ..any.offerings[0].clone()
    };
    any.offerings.push(reserved);
    any
}

fn claim(
    snapshot: &Snapshot,
    number: usize,
    place: &str,
    pods: Vec<Arc<PodRecord>>,
) -> PlannedClaim {
    let pool = snapshot.pool("default").expect("a pool");
    let (zones, reservation) = place.split_once(' ').unwrap_or((place, ""));
    let zones: Vec<&str> = zones.split('|').collect();
    let capacity_type = if reservation.is_empty() {
        CapacityType::OnDemand
    } else {
        CapacityType::Reserved
    };
    let mut requirements: Requirements = [
        Requirement::any_of(ZONE, zones.iter().copied()),
        Requirement::single(CAPACITY_TYPE, capacity_type.as_str()),
    ]
    .into_iter()
    .collect();
    if !reservation.is_empty() && reservation != "r-?" {
        requirements.add(Requirement::single(RESERVATION, reservation));
    }
    let mut requests = model::ResourceList::new();
    for pod in &pods {
        for (resource, amount) in pod.shape.content.requests() {
            *requests.entry(resource).or_default() += amount;
        }
    }
    let dollars = if reservation.is_empty() { 0.1 } else { 0.01 };
    let template = &pool.pool.spec.template;
    PlannedClaim {
        name: format!("default-{}", number + 1),
        pool: "default".into(),
        pods,
        instance_types: pool.types.clone(),
        requirements: Arc::new(requirements),
        requests: Arc::new(requests),
        labels: Arc::new(BTreeMap::from([(
            "karpenter.sh/nodepool".to_owned(),
            "default".to_owned(),
        )])),
        annotations: Arc::default(),
        taints: template.spec.taints.clone().into(),
        startup_taints: template.spec.startup_taints.clone().into(),
        launch: Launch {
            instance_type: "any".into(),
            zone: zones[0].into(),
            capacity_type,
            price: Price::from_dollars(dollars),
        },
        min_values: MinValuesOutcome::Kept,
    }
}
