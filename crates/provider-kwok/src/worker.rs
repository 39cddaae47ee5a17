//! Keeping of promises: Nodes are created in their time, again after a restart, and collected when
//! their claim has gone.

use std::{collections::BTreeSet, time::Duration};

use api::{NodeClaim, labels, nodeclaim::conditions};
use model::k8s::Node;
use requirements::{Requirement, Requirements};
use runtime::{
    ApiError, Next, ObjectKey, Shutdown,
    client::{Preconditions, Select},
    queue::{Worker, run_loop},
};
use serde_json::json;

use crate::{
    cloud::{Kwok, Promise, registration_delay},
    node,
};

/// Nodes that are created at a time.
const CONCURRENCY: usize = 50;
/// Time between looks for what a crash has left.
const LOOK: Duration = Duration::from_secs(30);

impl Kwok {
    /// Creates promised Nodes until `shutdown`. What is not created by then is promised again by
    /// the next run, from the claims in the API.
    pub async fn run(&self, shutdown: Shutdown) {
        let queue = self.renew_queue();
        let worker = Worker {
            name: "kwok.nodes",
            concurrency: CONCURRENCY,
            metrics: None,
        };
        let making = run_loop(
            &queue,
            &worker,
            |claim| async move { self.keep(&claim).await },
        );
        let looking = async {
            loop {
                if let Err(error) = self.tidy().await {
                    tracing::warn!(%error, "looking for promised and orphaned nodes");
                }
                self.clock.sleep(LOOK).await;
            }
        };
        let stop = async {
            let _ = shutdown.or_stop(looking).await;
            queue.shut_down();
        };
        tokio::join!(making, stop);
    }

    /// Creates the Node that was promised to a claim, unless the claim is on its way out.
    async fn keep(&self, name: &str) -> Next {
        let Some(promise) = self.promised(name) else {
            return Next::AwaitChange;
        };
        match self.create_node(name, &promise).await {
            Ok(()) => {
                self.settle(name, &promise.uid);
                Next::AwaitChange
            }
            Err(error) => {
                tracing::warn!(NodeClaim.name = name, %error, "creating a node");
                Next::Failed
            }
        }
    }

    async fn create_node(&self, name: &str, promise: &Promise) -> Result<(), ApiError> {
        let claim: Option<NodeClaim> = self.client.find(&ObjectKey::cluster(name)).await?;
        let wanted = claim.is_some_and(|claim| {
            claim.metadata.uid == promise.uid && !claim.metadata.is_deleting()
        });
        if !wanted {
            return Ok(());
        }
        match self
            .client
            .create_from::<Node>("", body(&promise.node))
            .await
        {
            // An earlier attempt whose answer was lost.
            Err(ApiError::AlreadyExists(_)) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Promises again what a crash has made us forget, and deletes Nodes whose claim has gone.
    async fn tidy(&self) -> Result<(), ApiError> {
        // Nodes before claims: a Node's claim is older than the Node, so one that is missing from
        // the later list is gone.
        let nodes = self.nodes().await?;
        let claims = self.client.list::<NodeClaim>(&Select::all()).await?.items;
        let have: BTreeSet<&str> = nodes.iter().map(|node| &*node.metadata.name).collect();
        for claim in &claims {
            let lost = !claim.metadata.is_deleting()
                && !claim.is(conditions::REGISTERED)
                && self.promised(&claim.metadata.name).is_none();
            if let Some(node) = node::node_of(&claim.status.provider_id)
                && lost
                && !have.contains(node)
            {
                self.promise_again(claim, node).await?;
            }
        }
        let living: BTreeSet<&str> = claims.iter().map(|claim| &*claim.metadata.uid).collect();
        for node in &nodes {
            let orphaned = !living.contains(node::claim_uid(node));
            if orphaned && node::knows_claim(node) && !node.metadata.is_deleting() {
                self.collect(node).await?;
            }
        }
        Ok(())
    }

    async fn promise_again(&self, claim: &NodeClaim, name: &str) -> Result<(), ApiError> {
        let node = match self.plan(claim, &decided(claim)) {
            Ok(node) => node,
            Err(error) => {
                let claim = &claim.metadata.name;
                tracing::warn!(NodeClaim.name = claim, %error, "a launched claim gets no node");
                return Ok(());
            }
        };
        if node.metadata.name != name {
            // Launched by somebody else, who names nodes otherwise.
            return Ok(());
        }
        let class = self.class(claim).await?;
        let delay = class.as_ref().map(registration_delay).unwrap_or_default();
        let launched = claim.condition(conditions::LAUNCHED);
        let due = launched.and_then(|launched| Some(launched.last_transition_time? + delay));
        let left = due.map(|due| self.clock.until(due)).unwrap_or_default();
        tracing::info!(NodeClaim.name = claim.metadata.name, "resuming a launch");
        let uid = claim.metadata.uid.clone();
        self.promise(&claim.metadata.name, Promise { uid, node }, left);
        Ok(())
    }

    async fn collect(&self, node: &Node) -> Result<(), ApiError> {
        tracing::info!(Node.name = node.metadata.name, "garbage collected node");
        let key = ObjectKey::of(node);
        match self
            .client
            .delete::<Node>(&key, &Preconditions::same_object(node))
            .await
        {
            Err(ApiError::NotFound(_) | ApiError::Conflict(_)) => Ok(()),
            other => other,
        }
    }
}

/// What was decided when the claim was launched.
fn decided(claim: &NodeClaim) -> Requirements {
    [labels::INSTANCE_TYPE, labels::ZONE, labels::CAPACITY_TYPE]
        .into_iter()
        .filter_map(|key| {
            Some(Requirement::single(
                key,
                claim.metadata.labels.get(key)?.as_str(),
            ))
        })
        .collect()
}

/// The Node as it is sent, with the phase that a machine starts in.
fn body(node: &Node) -> serde_json::Value {
    json!({
        "metadata": node.metadata,
        "spec": node.spec,
        "status": {
            "capacity": node.status.capacity,
            "allocatable": node.status.allocatable,
            "phase": "Pending",
        },
    })
}

#[cfg(test)]
mod tests;
