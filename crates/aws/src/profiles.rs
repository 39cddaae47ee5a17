//! Instance profiles that we make for the roles of classes: names, paths, tags, and which are no
//! longer needed.
//!
//! A profile is never changed: another role is another profile. What is *not* here: the calls, and
//! what is remembered between them (`provider-aws`).

use std::collections::BTreeSet;

use api::Ec2NodeClass;

use crate::tags::{CLUSTER_NAME, Cluster, NODE_CLASS, OWNED, Tags};

/// Key of the tag with the region.
const REGION: &str = api::labels::REGION;

/// A path of IAM, with a slash before, between and after its parts.
pub fn path(parts: &[&str]) -> String {
    let mut path = "/".to_owned();
    for part in parts {
        path.push_str(part);
        path.push('/');
    }
    path
}

impl Cluster {
    /// Path of all profiles of the cluster in its region.
    pub fn profile_path(&self) -> String {
        path(&["karpenter", &self.region, &self.name])
    }

    /// Path of the profiles of a class.
    pub fn class_profile_path(&self, class_uid: &str) -> String {
        path(&["karpenter", &self.region, &self.name, class_uid])
    }

    /// A name for a new profile of a class. `unique` makes it differ from all others.
    pub fn profile_name(&self, class: &str, unique: &str) -> String {
        let hash = api::fnv1(&format!("{}{class}{unique}", self.region));
        format!("{}_{hash}", self.name)
    }

    /// The name that the profile of a class had when it had but one.
    pub fn legacy_profile_name(&self, class: &str) -> String {
        self.profile_name(class, "")
    }

    /// Tags of a class' profiles.
    pub fn profile_tags(&self, class: &Ec2NodeClass) -> Tags {
        let mut tags = class.spec.tags.clone();
        tags.insert(self.ownership_key(), OWNED.to_owned());
        tags.insert(CLUSTER_NAME.to_owned(), self.name.clone());
        tags.insert(NODE_CLASS.to_owned(), class.metadata.name.clone());
        tags.insert(REGION.to_owned(), self.region.clone());
        tags
    }
}

/// The name of a role that may be written with its path: what IAM knows it by.
pub fn role_name(role: &str) -> &str {
    role.rsplit('/').next().unwrap_or(role)
}

/// Whether two texts name the same role, each with or without its path.
pub fn is_same_role(one: &str, other: &str) -> bool {
    role_name(one) == role_name(other)
}

/// Whether a text can be the name of a profile.
pub fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(allowed)
}

/// Names of profiles that are in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    /// By classes: `status.instanceProfile`.
    pub classes: BTreeSet<String>,
    /// By claims, as their annotation says.
    pub claims: BTreeSet<String>,
    /// By claims that may be on their way.
    pub protected: BTreeSet<String>,
}

/// Which profiles, each with its path, are no longer needed: ours that nobody uses.
pub fn unused<'a>(
    profiles: impl IntoIterator<Item = (&'a str, &'a str)>,
    cluster: &Cluster,
    in_use: &InUse,
) -> Vec<&'a str> {
    let ours = cluster.profile_path();
    let used = |name: &str| {
        let by = [&in_use.classes, &in_use.claims, &in_use.protected];
        by.iter().any(|names| names.contains(name))
    };
    let unused = profiles
        .into_iter()
        .filter(|(name, path)| path.starts_with(&ours) && !used(name));
    unused.map(|(name, _)| name).collect()
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
    fn names_differ_by_what_makes_them_unique() {
        let legacy = cluster().legacy_profile_name("default");
        assert_eq!(legacy, "test-cluster_4067990795380418201");
        let fresh = cluster().profile_name("default", "0f3c");
        assert_ne!(fresh, legacy);
        assert_ne!(fresh, cluster().profile_name("default", "0f3d"));
        assert!(fresh.starts_with("test-cluster_") && is_name(&fresh));
    }

    /// IP-14: a path has a slash before, between and after its parts.
    #[test]
    fn paths_have_slashes_around_their_parts() {
        assert_eq!(path(&[]), "/");
        assert_eq!(path(&["eks"]), "/eks/");
        assert_eq!(path(&["a", "b", "c", "d"]), "/a/b/c/d/");
        let of_class = cluster().class_profile_path("9a52");
        assert_eq!(of_class, "/karpenter/us-west-2/test-cluster/9a52/");
    }

    #[test]
    fn profiles_have_the_tags_of_their_class_and_say_whose_they_are() {
        let mut class = Ec2NodeClass::default();
        class.metadata.name = "default".to_owned();
        let own = [("team", "a"), ("eks:eks-cluster-name", "another")];
        class.spec.tags = own.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let expected = [
            ("eks:eks-cluster-name", "test-cluster"),
            ("karpenter.k8s.aws/ec2nodeclass", "default"),
            ("kubernetes.io/cluster/test-cluster", "owned"),
            ("team", "a"),
            ("topology.kubernetes.io/region", "us-west-2"),
        ];
        let expected: Tags = expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(cluster().profile_tags(&class), expected);
    }

    #[test]
    fn roles_are_the_same_with_and_without_their_path() {
        assert_eq!(role_name("CustomPath/role"), "role");
        assert_eq!(role_name("role"), "role");
        assert!(is_same_role("a/b/role", "role"));
        assert!(!is_same_role("role/a", "role"));
    }

    #[test]
    fn names_are_as_iam_has_them() {
        for good in ["a", "a+b=c,d.e@f-g_h", &"x".repeat(128)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a b", "a/b", "ä", &"x".repeat(129)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn profiles_that_nobody_uses_are_garbage_but_not_those_of_others() {
        let of_class = cluster().class_profile_path("9a52");
        let names = ["by-class", "by-claim", "protected", "unused"];
        let mut profiles: Vec<(&str, &str)> = names
            .iter()
            .map(|name| (*name, of_class.as_str()))
            .collect();
        profiles.push(("users", "/"));
        profiles.push(("other", "/karpenter/us-west-2/test-cluster-2/9a52/"));
        let set = |name: &str| BTreeSet::from([name.to_owned()]);
        let in_use = InUse {
            classes: set("by-class"),
            claims: set("by-claim"),
            protected: set("protected"),
        };
        assert_eq!(unused(profiles, &cluster(), &in_use), ["unused"]);
    }
}
