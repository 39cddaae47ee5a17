//! Small problems for unit tests: types with a price and sizes, classes with a count and a request.

use std::sync::Arc;

use catalog::{CapacityType, InstanceType, Offering, Overhead, Price};
use requirements::{Requirement, Requirements};

use crate::mask::{Keys, KeysBuilder};
use crate::pack::{Packed, pack};
use crate::policy::{Charge, Order, Policy};
use crate::problem::{Class, Demand, Existing, Pool, Problem, Variant, Watch};
use crate::topology::{Rules, Topology};
use crate::types::{MaskId, Offer, Type, Types};
use crate::view::Views;

/// A policy that weighs prices.
pub(crate) const BY_PRICE: Policy = Policy {
    order: Order::ByCost,
    first_fit: false,
    candidates: 4,
    patience: 1000,
    node_fee: 0,
    relax_min_values: false,
    charge: Charge::Launched,
};

/// The reference's policy.
pub(crate) const FIRST_FIT: Policy = Policy {
    order: Order::BySize,
    first_fit: true,
    ..BY_PRICE
};

/// A problem with one pool and one demand that asks for nothing.
pub(crate) fn problem(types: &[(u64, &[i64])], classes: &[(u32, &[i64])]) -> Problem {
    let dims = classes.first().map_or(1, |(_, request)| request.len());
    let mut problem = Problem {
        dims,
        words: 1,
        demands: vec![Demand {
            masks: Vec::new(),
            tolerations: 0,
            ports: vec![0],
        }],
        tolerated: vec![vec![true]],
        topology: Topology {
            rules: vec![free(), alone()],
            ..Topology::default()
        },
        ..Problem::default()
    };
    problem.pools.push(pool(&problem.keys, types));
    problem.classes = classes
        .iter()
        .map(|(count, request)| class(*count, request))
        .collect();
    problem
}

/// Rules that demand nothing.
pub(crate) fn free() -> Rules {
    Rules {
        clear: vec![0],
        set: vec![0],
        ..Rules::default()
    }
}

/// Rules of pods that take host port 0.
fn alone() -> Rules {
    Rules {
        clear: vec![1],
        single: true,
        ..free()
    }
}

/// Makes a class one that takes host port 0.
pub(crate) fn takes_a_port(class: Class) -> Class {
    Class {
        variants: [variant(0, 1)].into(),
        sets: [1].into(),
        ..class
    }
}

/// A variant.
pub(crate) fn variant(demand: u32, rules: u32) -> Variant {
    Variant { demand, rules }
}

/// A class that only wants room.
pub(crate) fn class(count: u32, request: &[i64]) -> Class {
    Class {
        count,
        request: request.to_vec(),
        variants: [variant(0, 0)].into(),
        sets: [0].into(),
        hosts: [].into(),
        domains: [].into(),
        shared: [].into(),
        is_virtual: false,
    }
}

/// A pool without requirements; all its types can be had at one price.
pub(crate) fn pool(keys: &Keys, types: &[(u64, &[i64])]) -> Pool {
    Pool {
        group: 0,
        reservation: None,
        taints: 0,
        hard_taints: 0,
        masks: (0..keys.len()).map(|id| keys.anything(id)).collect(),
        types: Arc::new(types_like(keys, types)),
        limits: Vec::new(),
        watch: Watch::Closely,
        min_values: Vec::new(),
    }
}

fn types_like(keys: &Keys, types: &[(u64, &[i64])]) -> Types {
    let mut all = Types::new(keys.len());
    let asks = all.asks(Vec::new());
    let any: Vec<MaskId> = (0..keys.len())
        .map(|id| all.mask(id, keys.anything(id)))
        .collect();
    for (at, (price, sizes)) in types.iter().enumerate() {
        let ty = Type {
            instance: instance(&format!("type-{at}")),
            allocatable: sizes.to_vec(),
            charge: Vec::new(),
            offerings: vec![Offer {
                asks,
                price: *price,
                capacity_type: CapacityType::OnDemand,
                index: 0,
            }],
        };
        all.push(ty, &any);
    }
    all
}

/// The types of a pool, to be changed.
pub(crate) fn types_of(pool: &mut Pool) -> &mut [Type] {
    let types = Arc::get_mut(&mut pool.types).expect("nobody else has them");
    types.list_mut()
}

/// A node that is there, without labels that are in play.
pub(crate) fn existing(keys: &Keys, room: &[i64]) -> Existing {
    Existing {
        source: 0,
        taints: 0,
        masks: (0..keys.len()).map(|id| keys.absent(id)).collect(),
        room: room.into(),
        bits: vec![0],
        counts: Vec::new(),
    }
}

/// The keys that these requirements mention.
pub(crate) fn keys(requirements: &[Requirement]) -> Keys {
    let mut builder = KeysBuilder::default();
    for requirement in requirements {
        builder.mention_one(requirement);
    }
    builder.build()
}

/// An instance type of which nothing is known.
pub(crate) fn instance(name: &str) -> Arc<InstanceType> {
    Arc::new(InstanceType {
        name: name.into(),
        requirements: Requirements::new(),
        offerings: vec![Offering {
            requirements: Arc::new(Requirements::new()),
            zone: "zone-a".into(),
            capacity_type: CapacityType::OnDemand,
            price: Price::ZERO,
            available: true,
            reservation_capacity: None,
            price_overlaid: false,
            overrides: None,
        }],
        capacity: model::ResourceList::new(),
        capacity_overlaid: false,
        dynamic_resources: None,
        overhead: Overhead::default(),
    })
}

/// Packs and checks that nothing is overfull and no pod is lost.
pub(crate) fn pack_checked(problem: &Problem, policy: &Policy) -> Packed {
    let mut views = Views::new(problem);
    let packed = pack(problem, &mut views, policy);
    let mut counts: Vec<u32> = packed.left.clone();
    for put in &packed.puts {
        counts[put.class as usize] += put.count;
    }
    let expected: Vec<u32> = problem.classes.iter().map(|class| class.count).collect();
    assert_eq!(counts, expected, "every pod is placed once or left");
    for node in 0..packed.nodes.len() {
        assert!(
            packed.nodes.slack(node).iter().all(|slack| *slack >= 0),
            "node {node} is overfull"
        );
    }
    packed
}
