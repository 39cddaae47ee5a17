//! Tags of what is made in AWS, and which keys users may not set.

use std::collections::BTreeMap;

use api::{Ec2NodeClass, labels};

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Key of the tag with the NodePool's name.
pub const NODEPOOL: &str = labels::NODEPOOL;
/// Key of the tag with the NodeClaim's name.
pub const NODECLAIM: &str = "karpenter.sh/nodeclaim";
/// Key of the tag with the node class' name.
pub const NODE_CLASS: &str = labels::EC2NODECLASS;
/// Key of the tag with the cluster's name.
pub const CLUSTER_NAME: &str = "eks:eks-cluster-name";
/// Key of the tag that people see as an instance's name.
pub const NAME: &str = "Name";
/// What a key begins with whose rest is the name of the cluster that owns the resource.
pub const CLUSTER_PREFIX: &str = "kubernetes.io/cluster/";
/// Value of the tag that begins with [`CLUSTER_PREFIX`].
pub const OWNED: &str = "owned";

/// The cluster that resources belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
}

/// A node class sets tags that only we may.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tags failed validation requirements, {}", keys.join(", "))]
pub struct RestrictedTags {
    /// The keys.
    pub keys: Vec<String>,
}

/// Whether a key is not for users.
pub fn is_restricted(key: &str) -> bool {
    let of_cluster = key.strip_prefix(CLUSTER_PREFIX).is_some_and(|name| {
        let mut bytes = name.bytes();
        bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
            && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    });
    of_cluster || [NODEPOOL, CLUSTER_NAME, NODE_CLASS, NODECLAIM].contains(&key)
}

impl Cluster {
    /// Key of the tag that says whose a resource is.
    pub fn ownership_key(&self) -> String {
        format!("{CLUSTER_PREFIX}{}", self.name)
    }

    /// Tags of what is launched from a class for a pool; empty where no pool is known.
    pub fn tags(&self, class: &Ec2NodeClass, pool: &str) -> Result<Tags, RestrictedTags> {
        let keys = class.spec.tags.keys();
        let restricted: Vec<String> = keys.filter(|key| is_restricted(key)).cloned().collect();
        if !restricted.is_empty() {
            return Err(RestrictedTags { keys: restricted });
        }
        let mut tags = class.spec.tags.clone();
        tags.insert(self.ownership_key(), OWNED.to_owned());
        tags.insert(NODEPOOL.to_owned(), pool.to_owned());
        tags.insert(CLUSTER_NAME.to_owned(), self.name.clone());
        tags.insert(NODE_CLASS.to_owned(), class.metadata.name.clone());
        Ok(tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> Cluster {
        Cluster {
            name: "test-cluster".to_owned(),
            region: "us-west-2".to_owned(),
        }
    }

    #[test]
    fn everything_says_whose_it_is() {
        let mut class = Ec2NodeClass::default();
        class.metadata.name = "default".to_owned();
        class.spec.tags = Tags::from([("team".to_owned(), "a".to_owned())]);
        let tags = cluster().tags(&class, "pool").expect("tags");
        let expected = [
            ("eks:eks-cluster-name", "test-cluster"),
            ("karpenter.k8s.aws/ec2nodeclass", "default"),
            ("karpenter.sh/nodepool", "pool"),
            ("kubernetes.io/cluster/test-cluster", "owned"),
            ("team", "a"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(tags, Tags::from(expected));
    }

    #[test]
    fn keys_that_say_whose_something_is_are_not_for_users() {
        for key in [
            NODEPOOL,
            NODECLAIM,
            NODE_CLASS,
            CLUSTER_NAME,
            "kubernetes.io/cluster/x-1",
        ] {
            assert!(is_restricted(key), "{key}");
        }
        for key in [
            NAME,
            "karpenter.sh/discovery",
            "kubernetes.io/cluster/",
            "kubernetes.io/clusterx",
        ] {
            assert!(!is_restricted(key), "{key}");
        }
        let mut class = Ec2NodeClass::default();
        class.spec.tags = Tags::from([(NODECLAIM.to_owned(), "a".to_owned())]);
        let error = cluster()
            .tags(&class, "")
            .expect_err("restricted")
            .to_string();
        assert!(error.contains(NODECLAIM), "{error}");
    }
}
