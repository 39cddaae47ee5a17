//! Requests as values: where a kind lives and what is asked of it. Nothing is sent here.

use std::fmt::{self, Write as _};

use model::k8s::Resource;
use serde_json::{Value, json};

/// Names one object of a kind: namespace (empty for cluster scope) and name. Orders by namespace,
/// then name, so it serves as a queue key.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Namespace; empty for objects of cluster scope.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl ObjectKey {
    /// The key of an object of cluster scope.
    pub fn cluster(name: impl Into<String>) -> Self {
        Self {
            namespace: String::new(),
            name: name.into(),
        }
    }

    /// The key of an object in a namespace.
    pub fn namespaced(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// The key of `object`.
    pub fn of<T: Resource>(object: &T) -> Self {
        Self::namespaced(object.meta().namespace(), object.meta().name.clone())
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_empty() {
            write!(formatter, "{}/", self.namespace)?;
        }
        formatter.write_str(&self.name)
    }
}

/// A kind as the REST paths name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// Served version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural, as in the path.
    pub plural: &'static str,
}

impl Kind {
    /// The kind of `T`.
    pub fn of<T: Resource>() -> Self {
        Self {
            group: T::GROUP,
            version: T::VERSION,
            kind: T::KIND,
            plural: T::PLURAL,
        }
    }

    /// `apiVersion` as manifests write it.
    pub fn api_version(self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The path of the group and version, where its resources are discovered.
    pub fn group_path(self) -> String {
        if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        }
    }

    /// The path of the collection; an empty namespace means all namespaces or cluster scope.
    pub fn collection_path(self, namespace: &str) -> String {
        let mut path = self.group_path();
        if !namespace.is_empty() {
            path.push_str("/namespaces/");
            path.push_str(&escape(namespace));
        }
        path.push('/');
        path.push_str(self.plural);
        path
    }

    /// The path of one object.
    pub fn object_path(self, key: &ObjectKey) -> String {
        format!(
            "{}/{}",
            self.collection_path(&key.namespace),
            escape(&key.name)
        )
    }
}

/// Which objects a list or watch is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Select {
    /// Namespace; empty for all.
    pub namespace: String,
    /// Label selector; empty for all.
    pub labels: String,
    /// Field selector; empty for all.
    pub fields: String,
}

impl Select {
    /// Everything of a kind.
    pub fn all() -> Self {
        Self::default()
    }

    /// Everything in `namespace`.
    pub fn in_namespace(namespace: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            ..Self::default()
        }
    }

    /// Restricts to a label selector.
    #[must_use]
    pub fn labels(self, selector: impl Into<String>) -> Self {
        Self {
            labels: selector.into(),
            ..self
        }
    }

    /// Restricts to a field selector.
    #[must_use]
    pub fn fields(self, selector: impl Into<String>) -> Self {
        Self {
            fields: selector.into(),
            ..self
        }
    }

    /// The query parameters that say so.
    pub(crate) fn query(&self) -> Query {
        let mut query = Query::default();
        query.add("labelSelector", &self.labels);
        query.add("fieldSelector", &self.fields);
        query
    }
}

/// What must hold for a write to be performed, and how a deletion is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// The object's uid; empty for any.
    pub uid: String,
    /// The object's resource version; empty for any.
    pub resource_version: String,
    /// Grace period of a deletion or eviction in seconds; `None` leaves the object's own.
    pub grace_period_seconds: Option<i64>,
}

impl Preconditions {
    /// Nothing is required.
    pub fn none() -> Self {
        Self::default()
    }

    /// The object must be this very one (same uid), in any version.
    pub fn same_object<T: Resource>(object: &T) -> Self {
        Self {
            uid: object.meta().uid.clone(),
            ..Self::default()
        }
    }

    /// The object must not have changed since it was read.
    pub fn unchanged<T: Resource>(object: &T) -> Self {
        Self {
            resource_version: object.meta().resource_version.clone(),
            ..Self::same_object(object)
        }
    }

    /// Grants `seconds` of grace.
    #[must_use]
    pub fn grace(self, seconds: i64) -> Self {
        Self {
            grace_period_seconds: Some(seconds),
            ..self
        }
    }

    /// The body of a deletion.
    pub(crate) fn delete_options(&self) -> Value {
        let mut options = json!({"kind": "DeleteOptions", "apiVersion": "v1"});
        if let Some(seconds) = self.grace_period_seconds {
            options["gracePeriodSeconds"] = seconds.into();
        }
        if !self.uid.is_empty() {
            options["preconditions"]["uid"] = self.uid.clone().into();
        }
        if !self.resource_version.is_empty() {
            options["preconditions"]["resourceVersion"] = self.resource_version.clone().into();
        }
        options
    }

    /// Puts what is required into a merge patch: the server answers a conflict when it does not
    /// hold.
    pub(crate) fn apply_to_patch(&self, mut patch: Value) -> Value {
        if !self.uid.is_empty() {
            patch["metadata"]["uid"] = self.uid.clone().into();
        }
        if !self.resource_version.is_empty() {
            patch["metadata"]["resourceVersion"] = self.resource_version.clone().into();
        }
        patch
    }
}

/// A query string under construction; empty values are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(String);

impl Query {
    /// Adds `name=value` unless the value is empty.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&escape(value));
    }

    /// The path with the query attached.
    pub(crate) fn on(&self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}

/// Percent-encodes everything but unreserved characters (RFC 3986, 2.3).
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: Kind = Kind {
        group: "",
        version: "v1",
        kind: "Node",
        plural: "nodes",
    };
    const LEASES: Kind = Kind {
        group: "coordination.k8s.io",
        version: "v1",
        kind: "Lease",
        plural: "leases",
    };

    #[test]
    fn paths_follow_the_scope_and_the_group() {
        assert_eq!(
            NODES.object_path(&ObjectKey::cluster("a")),
            "/api/v1/nodes/a"
        );
        assert_eq!(
            LEASES.object_path(&ObjectKey::namespaced("kube-system", "x")),
            "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x"
        );
        assert_eq!(
            LEASES.collection_path(""),
            "/apis/coordination.k8s.io/v1/leases"
        );
        assert_eq!(LEASES.api_version(), "coordination.k8s.io/v1");
    }

    #[test]
    fn selectors_are_escaped_and_empty_ones_left_out() {
        let query = Select::all().labels("a in (b,c)").query();
        assert_eq!(query.on("/x"), "/x?labelSelector=a%20in%20%28b%2Cc%29");
        assert_eq!(Select::in_namespace("n").query().on("/x"), "/x");
    }

    #[test]
    fn preconditions_reach_deletions_and_patches() {
        let conditions = Preconditions {
            uid: "u".into(),
            resource_version: "7".into(),
            grace_period_seconds: Some(0),
        };
        assert_eq!(
            conditions.delete_options(),
            json!({"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0,
                   "preconditions": {"uid": "u", "resourceVersion": "7"}})
        );
        assert_eq!(
            conditions.apply_to_patch(json!({"spec": {}})),
            json!({"spec": {}, "metadata": {"uid": "u", "resourceVersion": "7"}})
        );
        assert_eq!(Preconditions::none().apply_to_patch(json!({})), json!({}));
    }

    #[test]
    fn keys_order_by_namespace_then_name_and_print_like_kubectl() {
        let mut keys = [
            ObjectKey::namespaced("b", "a"),
            ObjectKey::namespaced("a", "z"),
        ];
        keys.sort();
        assert_eq!(keys[0].to_string(), "a/z");
        assert_eq!(ObjectKey::cluster("n").to_string(), "n");
    }
}
