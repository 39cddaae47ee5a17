//! Documents that tell clients what there is: versions, groups, resources, and the small part of
//! OpenAPI that `kubectl` needs to know that the server validates fields itself.

mod openapi;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::{
    ApiError,
    request::Route,
    resource::{PODS, ResourceInfo, StatusSubresource, group_version},
    state::State,
};

/// The release whose behaviour this server follows.
pub(crate) const VERSION: &str = "v1.36.1";

/// Verbs of every resource.
const VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

const JSON: &str = "application/json";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Content type and text of the document at a path.
pub(crate) fn document(
    state: &State,
    route: &Route,
    accept: &str,
) -> Result<(&'static str, String), ApiError> {
    let aggregated = accept.contains("as=APIGroupDiscoveryList") && accept.contains("v=v2;");
    let json = |document: Value| Ok((JSON, document.to_string()));
    match route {
        Route::Root => json(json!({ "paths": ["/api", "/apis", "/openapi/v3", "/version"] })),
        Route::Health => Ok(("text/plain; charset=utf-8", "ok".into())),
        Route::Version => json(version()),
        Route::CoreVersions if aggregated => Ok((AGGREGATED, groups_v2(state, "").to_string())),
        Route::Groups if aggregated => Ok((AGGREGATED, groups_v2(state, "*").to_string())),
        Route::CoreVersions => json(json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        })),
        Route::Groups => {
            let groups: Vec<Value> = state
                .registry
                .groups()
                .filter(|(group, _)| !group.is_empty())
                .map(|(group, versions)| group_document(group, &versions))
                .collect();
            json(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
        }
        Route::Group(wanted) => {
            let mut groups = state.registry.groups();
            let (group, versions) = groups
                .find(|(group, _)| group == wanted && !group.is_empty())
                .ok_or_else(ApiError::no_such_path)?;
            let mut document = group_document(group, &versions);
            document["kind"] = "APIGroup".into();
            document["apiVersion"] = "v1".into();
            json(document)
        }
        Route::GroupVersion { group, version } => json(resources_v1(state, group, version)?),
        Route::OpenApi(rest) => json(openapi::document(state, rest)?),
        Route::Object(_) | Route::Unknown => Err(ApiError::no_such_path()),
    }
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": VERSION, "gitCommit": "", "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

fn group_document(group: &str, versions: &[&str]) -> Value {
    let entry = |version: &str| json!({ "groupVersion": group_version(group, version), "version": version });
    let list: Vec<Value> = versions.iter().map(|v| entry(v)).collect();
    json!({
        "name": group, "versions": list,
        "preferredVersion": versions.first().map(|v| entry(v)),
    })
}

/// `APIResourceList` of one group version.
fn resources_v1(state: &State, group: &str, version: &str) -> Result<Value, ApiError> {
    let resources = state
        .registry
        .of(group, version)
        .ok_or_else(ApiError::no_such_path)?;
    let mut list = Vec::new();
    for info in resources.values() {
        let mut entry = json!({
            "name": info.plural, "singularName": info.singular, "kind": info.kind,
            "namespaced": info.is_namespaced(), "verbs": VERBS,
        });
        if !info.short_names.is_empty() {
            entry["shortNames"] = json!(info.short_names);
        }
        if !info.categories.is_empty() {
            entry["categories"] = json!(info.categories);
        }
        list.push(entry);
        for sub in subresources(info) {
            let mut entry = json!({
                "name": format!("{}/{}", info.plural, sub.name), "singularName": "",
                "kind": sub.kind, "namespaced": info.is_namespaced(), "verbs": sub.verbs,
            });
            if let Some((group, version)) = sub.kind_of {
                entry["group"] = group.into();
                entry["version"] = version.into();
            }
            list.push(entry);
        }
    }
    Ok(json!({
        "kind": "APIResourceList", "apiVersion": "v1",
        "groupVersion": group_version(group, version), "resources": list,
    }))
}

struct Subresource {
    name: &'static str,
    kind: String,
    verbs: &'static [&'static str],
    /// Group and version of the kind where they differ from the resource's.
    kind_of: Option<(&'static str, &'static str)>,
}

fn subresources(info: &ResourceInfo) -> Vec<Subresource> {
    let mut out = Vec::new();
    if info.status == StatusSubresource::Present {
        out.push(Subresource {
            name: "status",
            kind: info.kind.clone(),
            verbs: &["get", "patch", "update"],
            kind_of: None,
        });
    }
    if info.scale.is_some() {
        out.push(Subresource {
            name: "scale",
            kind: "Scale".into(),
            verbs: &["get", "patch", "update"],
            kind_of: Some(("autoscaling", "v1")),
        });
    }
    if info.is(PODS) {
        out.push(Subresource {
            name: "binding",
            kind: "Binding".into(),
            verbs: &["create"],
            kind_of: None,
        });
        out.push(Subresource {
            name: "eviction",
            kind: "Eviction".into(),
            verbs: &["create"],
            kind_of: Some(("policy", "v1")),
        });
    }
    out
}

/// `APIGroupDiscoveryList`: the core group for `""`, all others for `*`.
fn groups_v2(state: &State, which: &str) -> Value {
    let items: Vec<Value> = state
        .registry
        .groups()
        .filter(|(group, _)| group.is_empty() == which.is_empty())
        .map(|(group, versions)| {
            let versions: Vec<Value> =
                versions.iter().map(|version| version_v2(state, group, version)).collect();
            json!({ "metadata": { "name": group, "creationTimestamp": null }, "versions": versions })
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
        "items": items,
    })
}

fn version_v2(state: &State, group: &str, version: &str) -> Value {
    let resources = state.registry.of(group, version);
    let list: Vec<Value> = resources
        .into_iter()
        .flat_map(std::collections::BTreeMap::values)
        .map(|info| {
            let kind = |group: &str, version: &str, kind: &str| {
                json!({ "group": group, "version": version, "kind": kind })
            };
            let subs: Vec<Value> = subresources(info)
                .into_iter()
                .map(|sub| {
                    let (g, v) = sub.kind_of.unwrap_or((group, version));
                    json!({
                        "subresource": sub.name, "responseKind": kind(g, v, &sub.kind),
                        "verbs": sub.verbs,
                    })
                })
                .collect();
            json!({
                "resource": info.plural, "responseKind": kind(group, version, &info.kind),
                "scope": if info.is_namespaced() { "Namespaced" } else { "Cluster" },
                "singularResource": info.singular, "verbs": VERBS,
                "shortNames": info.short_names, "categories": info.categories,
                "subresources": subs,
            })
        })
        .collect();
    json!({ "version": version, "resources": list, "freshness": "Current" })
}
