//! What a URL path names.

use super::query::decode;
use crate::resource::Resource;

/// A parsed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/`
    Root,
    /// `/version`
    Version,
    /// `/healthz`, `/livez`, `/readyz` and what is below them.
    Health,
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    /// `/apis/{group}`
    Group(String),
    /// `/api/v1` or `/apis/{group}/{version}`
    GroupVersion {
        group: String,
        version: String,
    },
    /// `/openapi/v3` and below.
    OpenApi(String),
    /// Objects of a resource.
    Object(ObjectPath),
    Unknown,
}

/// A path to a resource, an object or a subresource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ObjectPath {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl ObjectPath {
    pub(crate) fn resource(&self) -> Resource<'_> {
        Resource::new(&self.group, &self.version, &self.plural)
    }

    /// The namespace of the path, empty for cluster scope.
    pub(crate) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

/// Parses a path.
pub(crate) fn route(path: &str) -> Route {
    let parts: Vec<String> = path
        .split('/')
        .filter(|p| !p.is_empty())
        .map(decode)
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        [] => Route::Root,
        ["version"] => Route::Version,
        ["healthz" | "livez" | "readyz", ..] => Route::Health,
        ["openapi", "v3", rest @ ..] => Route::OpenApi(rest.join("/")),
        ["api"] => Route::CoreVersions,
        ["apis"] => Route::Groups,
        ["apis", group] => Route::Group((*group).to_owned()),
        ["api", version] => Route::GroupVersion {
            group: String::new(),
            version: (*version).to_owned(),
        },
        ["apis", group, version] => Route::GroupVersion {
            group: (*group).to_owned(),
            version: (*version).to_owned(),
        },
        ["api", version, rest @ ..] => object("", version, rest),
        ["apis", group, version, rest @ ..] => object(group, version, rest),
        _ => Route::Unknown,
    }
}

fn object(group: &str, version: &str, rest: &[&str]) -> Route {
    let own = |text: &&str| Some((*text).to_owned());
    let base = ObjectPath {
        group: group.to_owned(),
        version: version.to_owned(),
        ..ObjectPath::default()
    };
    let namespaces = ("namespaces").to_owned();
    let path = match rest {
        ["namespaces"] => ObjectPath {
            plural: namespaces,
            ..base
        },
        ["namespaces", name] => ObjectPath {
            plural: namespaces,
            name: own(name),
            ..base
        },
        ["namespaces", name, sub @ ("status" | "finalize")] if group.is_empty() => ObjectPath {
            plural: namespaces,
            name: own(name),
            subresource: own(sub),
            ..base
        },
        ["namespaces", namespace, rest @ ..] => {
            let inner = ObjectPath {
                namespace: own(namespace),
                ..base
            };
            return in_scope(inner, rest);
        }
        _ => return in_scope(base, rest),
    };
    Route::Object(path)
}

fn in_scope(base: ObjectPath, rest: &[&str]) -> Route {
    let own = |text: &str| Some(text.to_owned());
    match *rest {
        [plural] => Route::Object(ObjectPath {
            plural: plural.to_owned(),
            ..base
        }),
        [plural, name] => Route::Object(ObjectPath {
            plural: plural.to_owned(),
            name: own(name),
            ..base
        }),
        [plural, name, subresource] => Route::Object(ObjectPath {
            plural: plural.to_owned(),
            name: own(name),
            subresource: own(subresource),
            ..base
        }),
        _ => Route::Unknown,
    }
}
