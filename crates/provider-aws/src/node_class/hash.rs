//! The hash of a class, in annotations of the class and of its claims.

use api::labels::{EC2NODECLASS_HASH, EC2NODECLASS_HASH_VERSION};
use api::nodeclaim::conditions::DRIFTED;
use api::{Ec2NodeClass, NodeClaim, condition};
use model::ObjectMeta;
use runtime::client::Preconditions;
use runtime::{ApiError, ObjectKey};
use serde_json::{Value, json};

use super::NodeClasses;

/// The algorithm of the hash.
const VERSION: &str = api::ec2nodeclass::EC2NODECLASS_HASH_VERSION;

/// The annotations that an object lacks; none if it has them.
pub(super) fn annotations(metadata: &ObjectMeta, hash: &str) -> Option<Value> {
    let has = |key: &str, value: &str| {
        let found = metadata.annotations.get(key);
        found.is_some_and(|found| found == value)
    };
    if has(EC2NODECLASS_HASH, hash) && has(EC2NODECLASS_HASH_VERSION, VERSION) {
        return None;
    }
    Some(json!({EC2NODECLASS_HASH: hash, EC2NODECLASS_HASH_VERSION: VERSION}))
}

impl NodeClasses {
    /// Where the class' hash was made by another algorithm, gives its claims today's: they are as
    /// the class is, unless it is known that they have drifted.
    pub(super) async fn migrate(&self, class: &Ec2NodeClass, hash: &str) -> Result<(), ApiError> {
        let version =
            |metadata: &ObjectMeta| metadata.annotations.get(EC2NODECLASS_HASH_VERSION).cloned();
        if version(&class.metadata).as_deref() == Some(VERSION) {
            return Ok(());
        }
        let mut result = Ok(());
        for claim in self.parts.objects.claims_of_class(&class.metadata.name) {
            if version(&claim.metadata).as_deref() == Some(VERSION) {
                continue;
            }
            match self.migrate_claim(&claim, hash).await {
                Err(error) if !error.is_not_found() => result = Err(error),
                _ => {}
            }
        }
        result
    }

    async fn migrate_claim(&self, claim: &NodeClaim, hash: &str) -> Result<(), ApiError> {
        let mut annotations = json!({EC2NODECLASS_HASH_VERSION: VERSION});
        if condition::find(&claim.status.conditions, DRIFTED).is_none() {
            annotations[EC2NODECLASS_HASH] = json!(hash);
        }
        let patch = json!({"metadata": {"annotations": annotations}});
        let only_if = Preconditions::same_object(claim);
        let client = &self.parts.client;
        let key = ObjectKey::of(claim);
        let written = client.patch::<NodeClaim>(&key, patch, &only_if);
        written.await.map(drop)
    }
}
