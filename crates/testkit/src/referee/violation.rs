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
    /// A pod has a place, and one of its resource claims does not exist.
    #[error("pod {pod}: its resource claim {claim} does not exist")]
    ClaimMissing {
        /// The pod.
        pod: String,
        /// The claim.
        claim: String,
    },
    /// Pods on two nodes use a resource claim that can only have devices of one.
    #[error("resource claim {claim} is used on {first} and on {second}")]
    ClaimTwice {
        /// The claim.
        claim: String,
        /// A node.
        first: String,
        /// Another one.
        second: String,
    },
    /// There are too few devices.
    #[error("{node} as {instance_type}: {needed} devices are claimed, {there} there")]
    Devices {
        /// The node.
        node: String,
        /// Which instance type.
        instance_type: String,
        /// How many its pods' claims want.
        needed: usize,
        /// How many there are.
        there: usize,
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
    /// A pod is where another one does not want it, or where it does not want another one.
    #[error(
        "{node}: pods {pod} and {other} are both in {topology_key}={domain}, which {declarer} forbids"
    )]
    AntiAffinity {
        /// The node.
        node: String,
        /// The pod that is placed.
        pod: String,
        /// The other one, placed or running.
        other: String,
        /// Which of them has the anti-affinity.
        declarer: String,
        /// Where not.
        topology_key: String,
        /// The domain that both are in, or may come to be in.
        domain: String,
    },
    /// A pod with required affinity is where none of the pods is that it wants to be near.
    #[error("{node}: none that pod {pod} must be near is in {topology_key}={domain}")]
    Affinity {
        /// The node.
        node: String,
        /// The pod.
        pod: String,
        /// Near in terms of what.
        topology_key: String,
        /// The domain of the node.
        domain: String,
    },
    /// Pods are spread less evenly than one of them demands.
    #[error(
        "{node}: pod {pod} makes {count} in {topology_key}={domain}, {least} are in {least_domain}, \
         a difference of {max_skew} is allowed"
    )]
    Spread {
        /// The node.
        node: String,
        /// A pod that demands it.
        pod: String,
        /// Over what.
        topology_key: String,
        /// The domain of the node.
        domain: String,
        /// Matching pods there when the pod has come, at the least.
        count: i64,
        /// Matching pods where there are fewest, at the most.
        least: i64,
        /// Where that is.
        least_domain: String,
        /// How much more there may be.
        max_skew: i64,
    },
    /// A pod has a rule over a label that its node does not have.
    #[error("{node} has no label {topology_key}, which a rule of pod {pod} is about")]
    NoDomain {
        /// The node.
        node: String,
        /// The pod.
        pod: String,
        /// The label.
        topology_key: String,
    },
    /// A pod has a rule over a label that its planned node leaves open.
    #[error(
        "{node} may come to be in {topology_key} {values:?}, a rule of pod {pod} needs one of them"
    )]
    Open {
        /// The claim.
        node: String,
        /// The pod.
        pod: String,
        /// The label.
        topology_key: String,
        /// What it may be.
        values: Vec<String>,
    },
    /// A volume of a pod can't be used by anyone as things are.
    #[error("{node}: pod {pod} wants the volume of {claim}, but {reason}")]
    Volume {
        /// The node.
        node: String,
        /// The pod.
        pod: String,
        /// The persistent volume claim.
        claim: String,
        /// Why it can't be used.
        reason: String,
    },
    /// A volume of a pod can't be reached from its node.
    #[error(
        "{node} as {instance_type}: the volume of {claim} of pod {pod} is not there with {labels}"
    )]
    VolumePlace {
        /// The node.
        node: String,
        /// Which instance type; empty for a node that is there.
        instance_type: String,
        /// The pod.
        pod: String,
        /// The persistent volume claim.
        claim: String,
        /// Labels that the node may have.
        labels: String,
    },
    /// More volumes than a node can attach.
    #[error("{node}: {volumes} volumes of {driver}, it can attach {limit}")]
    Attach {
        /// The node.
        node: String,
        /// The driver.
        driver: String,
        /// Volumes of all pods there.
        volumes: usize,
        /// How many can be attached.
        limit: i64,
    },
    /// A reservation is counted on by more planned nodes than it has instances.
    #[error("{claims} claims count on reservation {reservation}, which has {instances} instances")]
    Reservation {
        /// The reservation.
        reservation: String,
        /// How many claims may be launched from it.
        claims: usize,
        /// How many instances it has.
        instances: usize,
    },
    /// A claim may be launched from a reservation without saying so.
    #[error("{node} may use reservation {reservation}, but it does not require {key}")]
    Unreserved {
        /// The claim.
        node: String,
        /// The reservation.
        reservation: String,
        /// The requirement that is missing or too wide.
        key: &'static str,
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
