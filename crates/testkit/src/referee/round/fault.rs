//! What can be wrong with a round of disruption.

use catalog::Price;

use super::super::Violation;

/// A broken rule. Nodes, pods and pools are given by name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The picture at the end breaks a rule of placement.
    #[error(transparent)]
    Placement(#[from] Violation),
    /// A command has no nodes that go.
    #[error("command {command} takes no node")]
    Nothing {
        /// Its place in the plan.
        command: usize,
    },
    /// A node is in several commands, or in one of them twice.
    #[error("node {node} is taken {times} times")]
    Repeated {
        /// The node.
        node: String,
        /// How often.
        times: usize,
    },
    /// What a command says of its node is not so.
    #[error("node {node}: its {what} is not as the command says")]
    Misnamed {
        /// The node.
        node: String,
        /// What.
        what: &'static str,
    },
    /// A node that has to stay goes.
    #[error("node {node} must not go as {reason}: {bar}")]
    MustStay {
        /// The node.
        node: String,
        /// Why the command takes it.
        reason: &'static str,
        /// Why it has to stay.
        bar: Bar,
    },
    /// A node that stays has no reason for it, or several, or one that goes has one.
    #[error("node {node} has {times} reasons to stay")]
    Kept {
        /// The node.
        node: String,
        /// How many.
        times: usize,
    },
    /// More nodes of a pool go than its budgets allow.
    #[error(
        "pool {pool}: {taken} go as {reason} while {disrupting} are going, {allowed} are allowed"
    )]
    Budget {
        /// The pool.
        pool: String,
        /// Why they go.
        reason: &'static str,
        /// How many this command takes.
        taken: usize,
        /// How many are going already, those of earlier commands among them.
        disrupting: usize,
        /// How many may be going at once.
        allowed: usize,
    },
    /// A pod that has to move has no place in the command that takes its node.
    #[error("pod {pod} of node {node}, which goes, has no place")]
    Homeless {
        /// The pod.
        pod: String,
        /// Its node.
        node: String,
    },
    /// A pod of a node that goes is moved where it must not be moved to.
    #[error("pod {pod} must not move to node {node}: {bar}")]
    Destination {
        /// The pod.
        pod: String,
        /// Where to.
        node: String,
        /// Why not.
        bar: Bar,
    },
    /// Nodes come in the place of ones that nobody misses.
    #[error("command {command} deletes empty nodes and replaces them")]
    Needless {
        /// Its place in the plan.
        command: usize,
    },
    /// Several new nodes have one name.
    #[error("there are several new nodes {claim}")]
    SameName {
        /// The name.
        claim: String,
    },
    /// A new node is of a pool that gets none this way.
    #[error("new node {claim} is of pool {pool}, which has a fixed number of nodes")]
    Fixed {
        /// The new node.
        claim: String,
        /// The pool.
        pool: String,
    },
    /// A drifted node of a pool with a fixed number of nodes is not replaced by one of its own.
    #[error("node {node} of a pool with a fixed number of nodes is to be replaced by one of it")]
    OneForOne {
        /// The node.
        node: String,
    },
    /// A pool with a fixed number of nodes has too many to replace any.
    #[error("pool {pool} has {nodes} nodes, {replicas} are wanted")]
    Shrinking {
        /// The pool.
        pool: String,
        /// How many it has.
        nodes: usize,
        /// How many it should have.
        replicas: usize,
    },
    /// A pool with a fixed number of nodes would have more than it may.
    #[error("pool {pool} may come to {nodes} nodes, its limit is {limit}")]
    Surge {
        /// The pool.
        pool: String,
        /// How many it may come to.
        nodes: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A price is not what the catalog says.
    #[error("command {command}: the price {what} is {stated}, the catalog says {real}")]
    Price {
        /// Its place in the plan.
        command: usize,
        /// Before or after.
        what: &'static str,
        /// What the command says.
        stated: Price,
        /// What it is.
        real: Price,
    },
    /// Whatever is launched must be cheaper than what goes.
    #[error("command {command}: the new nodes may cost {worst}, what goes costs {before}")]
    Dearer {
        /// Its place in the plan.
        command: usize,
        /// What they may come to cost.
        worst: Price,
        /// What goes.
        before: Price,
    },
    /// A type may be launched that is no cheaper than a candidate of a type that may be launched.
    #[error(
        "command {command}: {instance_type} may cost {worst}, and a node of a type that may be \
         launched costs {bound}"
    )]
    SameType {
        /// Its place in the plan.
        command: usize,
        /// The type.
        instance_type: String,
        /// What it may cost.
        worst: Price,
        /// What the node costs.
        bound: Price,
    },
    /// Spot nodes are replaced by spot nodes, which is not switched on.
    #[error("new node {claim} replaces spot by spot, which is off")]
    SpotToSpot {
        /// The new node.
        claim: String,
    },
    /// A spot node is replaced by one of too few, or of needlessly many types.
    #[error("new node {claim} replaces a spot node and names {types} types, {wanted} are wanted")]
    SpotTypes {
        /// The new node.
        claim: String,
        /// How many it names.
        types: usize,
        /// How many it should name.
        wanted: usize,
    },
    /// A new node may be had as spot or on demand, so that it may come to be the dearer one.
    #[error("new node {claim} is not pinned to spot")]
    NotPinned {
        /// The new node.
        claim: String,
    },
    /// `minValues` was lowered for the sake of consolidation.
    #[error("new node {claim} has fewer values than its pool asks for")]
    MinValues {
        /// The new node.
        claim: String,
    },
    /// What is saved does not outweigh the pods that move.
    #[error("command {command}: pool {pool} asks for a score of 0.5, it is {score:.3}")]
    Score {
        /// Its place in the plan.
        command: usize,
        /// The pool.
        pool: String,
        /// The score.
        score: f64,
    },
}

/// Why a node has to stay, or takes no pods.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Bar {
    /// It does not exist.
    #[error("it does not exist")]
    Unknown,
    /// It has no claim.
    #[error("nobody manages it")]
    NotManaged,
    /// It has not joined.
    #[error("it has no node")]
    NoNode,
    /// It is not complete.
    #[error("it is not initialized")]
    NotInitialized,
    /// It goes already.
    #[error("it is going already")]
    Going,
    /// Pods are expected on it.
    #[error("it is nominated")]
    Nominated,
    /// An annotation protects it.
    #[error("it is annotated not to be disrupted")]
    DoNotDisrupt,
    /// It has no pool, or one that does not exist or has no types.
    #[error("its pool is not known or has no types")]
    NoPool,
    /// A pod is protected by its annotation.
    #[error("pod {0} is annotated not to be disrupted")]
    ProtectedPod(String),
    /// Budgets keep a pod from being evicted.
    #[error("pod {0} must not be evicted")]
    BlockedPod(String),
    /// It has not drifted.
    #[error("it has not drifted")]
    NotDrifted,
    /// It does not expire.
    #[error("it does not expire")]
    NoExpiry,
    /// Its pool has a fixed number of nodes.
    #[error("its pool has a fixed number of nodes")]
    Static,
    /// Its instance type, zone or capacity type is not known.
    #[error("its {0} is not known")]
    NoLabel(&'static str),
    /// Its pool never gives up nodes.
    #[error("its pool is never consolidated")]
    Never,
    /// Its pool gives up empty nodes only.
    #[error("its pool gives up empty nodes only")]
    WhenEmpty,
    /// Its claim does not say that it may be consolidated.
    #[error("it is not Consolidatable")]
    NotConsolidatable,
    /// Pods came or went a short while ago.
    #[error("pods came or went a short while ago")]
    NotQuiet,
    /// It has pods that somebody would miss.
    #[error("it is not empty")]
    NotEmpty,
    /// It has none.
    #[error("it is empty")]
    Empty,
    /// It keeps room for a capacity buffer, or may do so.
    #[error("it keeps room for a capacity buffer")]
    Buffer,
}
