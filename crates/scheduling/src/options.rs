//! What a pass is asked to do.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::Price;

/// How preferences of pods are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreferencePolicy {
    /// As requirements, given up one by one where they can't be met.
    #[default]
    Respect,
    /// They are not looked at.
    Ignore,
}

/// How `minValues` of a pool is treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinValuesPolicy {
    /// A claim that can't meet it is not made.
    #[default]
    Strict,
    /// It is lowered to what can be met, and the claim says so in an annotation.
    BestEffort,
}

/// Whether nodes get labels from their pool's taints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaintLabels {
    /// A template taint `k=v` gives the label `k=v`, unless the pool sets or requires the key or
    /// users may not set it.
    #[default]
    FromTaints,
    /// Taints give no labels.
    Off,
}

/// Whether capacity reservations are used (feature gate `ReservedCapacity`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reserved {
    /// They are, before anything else.
    #[default]
    Used,
    /// They are not.
    Ignored,
}

/// What becomes of claims of dynamic resource allocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResourceClaims {
    /// Pods that have any are left, with a reason. Daemons that have any are not expected.
    #[default]
    Ignored,
    /// They get devices.
    Allocated,
}

/// Which of the packings that are known is tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// Several, and the cheapest of those that place most pods is made cheaper still.
    #[default]
    Portfolio,
    /// As before, with more work spent on making it cheaper. For plans that nobody waits for.
    Thorough,
    /// The one that is best on average. For what-ifs.
    Single,
}

/// What a type is taken to cost that can be had in several ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pricing {
    /// What its cheapest offering costs.
    #[default]
    Cheapest,
    /// What it costs at most: of the capacity type that is tried first, the dearest offering. For
    /// what must be cheaper than something else whatever is launched.
    Surely,
}

/// How the lower bound of a placement's price is found. Both are sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LowerBound {
    /// Not at all.
    None,
    /// By a pod's share of a node under one weighting of resources: at once.
    #[default]
    Density,
    /// By linear programming over fillings of single nodes: closer, in up to a few seconds. Where
    /// there are too many kinds of pods it is the same as `Density`.
    Columns,
}

/// Settings of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Preferences.
    pub preference_policy: PreferencePolicy,
    /// `minValues`.
    pub min_values_policy: MinValuesPolicy,
    /// Labels from taints.
    pub taint_labels: TaintLabels,
    /// What a node costs beside its price, an hour: image pulls, addresses, work. It decides
    /// between growing and opening, and it is not part of any reported price.
    pub node_cost: Price,
    /// A node is priced at the mean of so many of the cheapest types that hold its pods, so that it
    /// is still cheap when the cheapest is out of stock. At least 1.
    pub price_by_cheapest: u32,
    /// What a type is taken to cost.
    pub pricing: Pricing,
    /// How many packings are tried.
    pub effort: Effort,
    /// Capacity reservations.
    pub reserved: Reserved,
    /// Claims for devices.
    pub resource_claims: ResourceClaims,
    /// How [`crate::Placement::lower_bound`] is found.
    pub lower_bound: LowerBound,
}

impl Default for Options {
    /// The reference's defaults, and a cent an hour for a node (decision 7).
    fn default() -> Self {
        Self {
            preference_policy: PreferencePolicy::default(),
            min_values_policy: MinValuesPolicy::default(),
            taint_labels: TaintLabels::default(),
            node_cost: Price::from_nanos(10_000_000),
            price_by_cheapest: 1,
            pricing: Pricing::default(),
            effort: Effort::default(),
            reserved: Reserved::default(),
            resource_claims: ResourceClaims::default(),
            lower_bound: LowerBound::default(),
        }
    }
}

/// Which pods are placed, and where they may not go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Which pods.
    pub pods: BatchPods,
    /// Names of nodes that are to be thought away. Their pods need a place, as those of nodes that
    /// are marked for deletion do.
    pub without: BTreeSet<String>,
    /// Which nodes stay as they are and take no more pods, by position in the snapshot's list;
    /// those beyond the end take some.
    pub closed: Arc<[bool]>,
    /// Whether new nodes may be planned.
    pub new_nodes: NewNodes,
}

/// Which pods are placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BatchPods {
    /// All that are pending, and those of nodes that go.
    #[default]
    PendingAndDisplaced,
    /// Only those of nodes that go.
    Displaced,
}

/// Whether new nodes may be planned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewNodes {
    /// They may.
    #[default]
    Allowed,
    /// Only nodes that are there.
    Forbidden,
}
