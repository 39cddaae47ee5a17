//! What can be wrong with a placement.

use model::Quantity;

/// A broken rule. `node` is the name of a node, or of a planned claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A pod has several places, or a place and a reason for having none.
    #[error("pod {pod} is answered {times} times")]
    Repeated {
        /// The pod.
        pod: String,
        /// How often it occurs.
        times: usize,
    },
    /// A pod of the batch does not occur.
    #[error("pod {pod} is forgotten")]
    Forgotten {
        /// The pod.
        pod: String,
    },
    /// A pod has a place that nobody asked for.
    #[error("pod {pod} is not to be placed")]
    Unasked {
        /// The pod.
        pod: String,
    },
    /// A pod demands what is not built and has a place nevertheless.
    #[error("pod {pod} demands {feature}, which this version does not look at")]
    NotBuilt {
        /// The pod.
        pod: String,
        /// What it demands.
        feature: &'static str,
    },
    /// Two claims have one name.
    #[error("claim {claim} occurs twice")]
    SameName {
        /// The name.
        claim: String,
    },
    /// A claim or an entry for a node has no pods.
    #[error("{node} gets no pods")]
    Pointless {
        /// The node.
        node: String,
    },
    /// The node does not exist, or the pool.
    #[error("{node} does not exist")]
    Missing {
        /// The node or pool.
        node: String,
    },
    /// The node goes, or the pool may not be used.
    #[error("{node} must not get pods: {reason}")]
    Unusable {
        /// The node or pool.
        node: String,
        /// Why.
        reason: String,
    },
    /// There is too little of a resource.
    #[error("{node} as {instance_type}: {requested} of {resource} requested, {available} there")]
    Resources {
        /// The node.
        node: String,
        /// Which instance type; empty for a node that is there.
        instance_type: String,
        /// The resource.
        resource: String,
        /// What its pods and daemons request.
        requested: Quantity,
        /// What it has.
        available: Quantity,
    },
    /// A pod's node selector or required node affinity is not met.
    #[error("{node} as {instance_type}: pod {pod} does not select it with {labels}")]
    Selection {
        /// The node.
        node: String,
        /// Which instance type; empty for a node that is there.
        instance_type: String,
        /// The pod.
        pod: String,
        /// Labels that the node may have.
        labels: String,
    },
    /// A pod does not tolerate a taint.
    #[error("{node}: pod {pod} does not tolerate {taint}")]
    Taint {
        /// The node.
        node: String,
        /// The pod.
        pod: String,
        /// The taint.
        taint: String,
    },
    /// Two pods want one port.
    #[error("{node}: pods {first} and {second} both want port {port}")]
    Port {
        /// The node.
        node: String,
        /// A pod.
        first: String,
        /// Another one.
        second: String,
        /// The port.
        port: i32,
    },
    /// A running pod does not want the pod near.
    #[error("{node}: running pod {running} does not want pod {pod} in its {topology_key}")]
    AntiAffinity {
        /// The node.
        node: String,
        /// The pod that is placed.
        pod: String,
        /// The pod with the anti-affinity.
        running: String,
        /// Where not.
        topology_key: String,
    },
    /// A planned node breaks a requirement of its pool.
    #[error("{node} as {instance_type}: the pool requires {requirement}, the label is {label:?}")]
    PoolRequirement {
        /// The claim.
        node: String,
        /// The instance type.
        instance_type: String,
        /// The pool's requirement.
        requirement: String,
        /// What the node may have.
        label: Option<String>,
    },
    /// Labels, taints or startup taints of the claim are not those of its pool.
    #[error("{node}: {what} differ from the pool's template")]
    Template {
        /// The claim.
        node: String,
        /// What.
        what: &'static str,
    },
    /// A listed type cannot be launched under the claim's requirements.
    #[error("{node}: {instance_type} has no offering")]
    NoOffering {
        /// The claim.
        node: String,
        /// The type.
        instance_type: String,
    },
    /// A listed type is not one of the pool's.
    #[error("{node}: the pool has no {instance_type}")]
    UnknownType {
        /// The claim.
        node: String,
        /// The type.
        instance_type: String,
    },
    /// The list of types is empty, too long, or not cheapest first.
    #[error("{node}: the list of instance types is {what}")]
    TypeList {
        /// The claim.
        node: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The launch is not the cheapest that the claim allows, or not possible.
    #[error("{node}: {what}")]
    Launch {
        /// The claim.
        node: String,
        /// What is wrong.
        what: String,
    },
    /// Fewer different values than the pool asks for.
    #[error("{node}: {count} values of {key} among its types, {wanted} wanted")]
    MinValues {
        /// The claim.
        node: String,
        /// The label.
        key: String,
        /// How many there are.
        count: usize,
        /// How many there must be.
        wanted: u32,
    },
    /// The claim's requests are less than those of its pods.
    #[error("{node}: requests {stated} of {resource}, its pods {needed}")]
    Requests {
        /// The claim.
        node: String,
        /// The resource.
        resource: String,
        /// What the claim says.
        stated: Quantity,
        /// What its pods need.
        needed: Quantity,
    },
    /// A pool may exceed a limit.
    #[error("pool {pool} may come to {total} of {resource}, its limit is {limit}")]
    Limit {
        /// The pool.
        pool: String,
        /// The resource.
        resource: String,
        /// What it may come to.
        total: Quantity,
        /// The limit.
        limit: Quantity,
    },
}
