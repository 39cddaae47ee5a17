//! The answer of a pass.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use catalog::{CapacityType, InstanceType, Price};
use cluster::PodRecord;
use model::ResourceList;
use model::k8s::Taint;
use requirements::Requirements;

use crate::pack::Counters;
use crate::reason::Rejection;
use crate::zones::EffectiveZones;

/// Where every pod of the batch goes, or why it goes nowhere.
#[derive(Clone, Debug, Default)]
pub struct Placement {
    /// Nodes to be created, by pool in order of weight, then in the order in which they were
    /// opened.
    pub new_claims: Vec<PlannedClaim>,
    /// Nodes that are there and get pods, by name.
    pub existing: Vec<ExistingPlacement>,
    /// Pods without a place, by namespace and name.
    pub unplaced: Vec<Unplaced>,
    /// Work done, in units that do not depend on the machine.
    pub counters: Counters,
    /// No placement of the same pods on new nodes can cost less an hour. Topology, preferences and
    /// limits are ignored. `None` where it was not computed.
    pub lower_bound: Option<Price>,
    /// Where pods with rules over zones could go before anything was placed. Not looked at under
    /// [`crate::Effort::Single`].
    pub effective_zones: Vec<EffectiveZones>,
}

impl Placement {
    /// The sum of the launch prices of new claims, an hour.
    pub fn price(&self) -> Price {
        self.new_claims.iter().map(|claim| claim.launch.price).sum()
    }
}

/// A node that is there, and the pods that go to it.
#[derive(Clone, Debug)]
pub struct ExistingPlacement {
    /// Name of the node, or of the claim of one that is not registered.
    pub node: Arc<str>,
    /// Its new pods.
    pub pods: Vec<Arc<PodRecord>>,
}

/// A node to be created. What many have in common is shared.
#[derive(Clone, Debug)]
pub struct PlannedClaim {
    /// Unique in this placement: the pool and a number.
    pub name: String,
    /// The pool.
    pub pool: Arc<str>,
    /// The pods that it is for, in the order in which they were put there. Daemons are not among
    /// them.
    pub pods: Vec<Arc<PodRecord>>,
    /// Types that hold the pods, cheapest first, at most 600. One that can be had with several
    /// capacities stands once for each that holds them, with the offerings that have it.
    pub instance_types: Arc<[Arc<InstanceType>]>,
    /// What the node must be; without the instance types and what is only used while planning.
    pub requirements: Arc<Requirements>,
    /// What the pods and the daemons that are expected request.
    pub requests: Arc<ResourceList>,
    /// Labels of the claim.
    pub labels: Arc<BTreeMap<String, String>>,
    /// Annotations of the claim.
    pub annotations: Arc<BTreeMap<String, String>>,
    /// Taints for good.
    pub taints: Arc<[Taint]>,
    /// Taints until the node is initialized.
    pub startup_taints: Arc<[Taint]>,
    /// What would be started now.
    pub launch: Launch,
    /// Whether a pool's `minValues` was lowered for it.
    pub min_values: MinValuesOutcome,
}

/// What became of a pool's `minValues` on a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinValuesOutcome {
    /// It is met, or there is none.
    #[default]
    Kept,
    /// It could not be met and is lower on the claim than in the pool.
    Relaxed,
}

/// The cheapest offering that a claim's requirements leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Instance type.
    pub instance_type: Arc<str>,
    /// Zone.
    pub zone: Arc<str>,
    /// Capacity type.
    pub capacity_type: CapacityType,
    /// An hour.
    pub price: Price,
}

/// A pod without a place.
#[derive(Clone, Debug)]
pub struct Unplaced {
    /// The pod.
    pub pod: Arc<PodRecord>,
    /// The first thing that would have to change, for each pool and for nodes that are there.
    /// Shared by pods that are alike.
    pub refusals: Arc<[Refusal]>,
}

/// Why a candidate does not take a pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Who.
    pub candidate: Candidate,
    /// Why.
    pub rejection: Rejection,
}

/// Who could take a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// Nobody: the reason is the pod itself.
    Anywhere,
    /// A new node of a pool.
    NodePool(Arc<str>),
    /// Nodes that are there and refuse the pod for the same reason.
    Nodes {
        /// The first of them by name.
        first: Arc<str>,
        /// How many there are besides.
        others: usize,
    },
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anywhere => f.write_str("any node"),
            Self::NodePool(name) => write!(f, "nodepool/{name}"),
            Self::Nodes { first, others: 0 } => write!(f, "node/{first}"),
            Self::Nodes { first, others } => write!(f, "node/{first} and {others} more"),
        }
    }
}
