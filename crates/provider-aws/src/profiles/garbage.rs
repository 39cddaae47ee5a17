//! `instanceprofile.garbagecollection`: profiles that nobody uses any more are deleted.
//!
//! Not for clusters that can't reach IAM (`ISOLATED_VPC`).

use std::sync::Arc;
use std::time::Duration;

use api::{Ec2NodeClass, NodeClaim, labels};
use aws::Failure;
use aws::profiles::{InUse, unused};

use super::Profiles;

/// How often garbage is looked for.
const INTERVAL: Duration = Duration::from_mins(30);

impl Profiles {
    /// Deletes the cluster's profiles that none of these classes and claims uses, all of them being
    /// given. Stops at the first failure. Returns the names of those that were deleted.
    pub async fn collect_garbage(
        &self,
        classes: &[Arc<Ec2NodeClass>],
        claims: &[Arc<NodeClaim>],
    ) -> Result<Vec<String>, Failure> {
        let profiles = self.list(&self.cluster.profile_path()).await?;
        let of_classes = classes
            .iter()
            .map(|class| class.status.instance_profile.clone());
        let of_claim = |claim: &Arc<NodeClaim>| {
            let annotations = &claim.metadata.annotations;
            annotations.get(labels::AWS_INSTANCE_PROFILE_NAME).cloned()
        };
        let protected = self.protected.all().into_iter();
        let in_use = InUse {
            classes: of_classes.collect(),
            claims: claims.iter().filter_map(of_claim).collect(),
            protected: protected.map(|(name, ())| name).collect(),
        };
        let named = profiles
            .iter()
            .map(|profile| (profile.name.as_str(), profile.path.as_str()));
        let mut deleted = Vec::new();
        for name in unused(named, &self.cluster, &in_use) {
            self.delete(name).await?;
            tracing::info!(profile = name, "deleted instance profile that nobody uses");
            deleted.push(name.to_owned());
        }
        Ok(deleted)
    }

    /// One round of the loop, with all classes and claims of this provider that there are. Says
    /// when the next one is due.
    pub async fn garbage_round(
        &self,
        classes: &[Arc<Ec2NodeClass>],
        claims: &[Arc<NodeClaim>],
    ) -> Result<Duration, Failure> {
        let deleted = self.collect_garbage(classes, claims).await?;
        if !deleted.is_empty() {
            tracing::debug!(count = deleted.len(), "collected instance profiles");
        }
        Ok(INTERVAL)
    }
}
