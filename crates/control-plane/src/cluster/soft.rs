//! Emptying a cluster while it runs: every listable object that a fresh cluster does not have is
//! deleted, owners before what they own, finalizers stripped.
//!
//! Custom resource definitions stay, and events, which nobody waits for.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::deadline;
use crate::http::{Endpoint, Request, Response};

/// How long pods, nodes and namespaces may take to be gone.
const GONE_WITHIN: Duration = Duration::from_mins(1);

const DELETE_NOW: &str = r#"{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0,"propagationPolicy":"Background"}"#;
const NO_FINALIZERS: &str = r#"{"metadata":{"finalizers":null}}"#;

/// A kind of object, as discovery lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kind {
    /// The API group, empty for the core.
    group: String,
    /// `/api/v1` or `/apis/GROUP/VERSION`.
    base: String,
    /// The plural name.
    resource: String,
}

#[derive(Debug, Deserialize)]
struct Listed {
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: Option<String>,
    labels: Option<std::collections::BTreeMap<String, String>>,
    finalizers: Option<Vec<String>>,
}

/// Empties the cluster and waits until pods, nodes and namespaces are gone.
pub(super) fn reset(api: &Endpoint) -> Result<()> {
    let mut kinds: Vec<Kind> = discover(api)?
        .into_iter()
        .filter(|kind| !stays(kind))
        .collect();
    kinds.sort_by_key(rank);
    for kind in &kinds {
        delete_all(api, kind)?;
    }
    let last: Vec<&Kind> = kinds.iter().filter(|kind| rank(kind) >= PODS).collect();
    deadline::wait_for("pods, nodes and namespaces to be gone", GONE_WITHIN, || {
        let mut left = 0;
        for kind in &last {
            // A controller may have made a pod after the others were listed.
            left += delete_all(api, kind)?;
        }
        Ok(left == 0)
    })
}

/// Deletes what does not belong to a fresh cluster, and says how many objects there were.
fn delete_all(api: &Endpoint, kind: &Kind) -> Result<usize> {
    let path = format!("{}/{}", kind.base, kind.resource);
    let response = get(api, &path)?;
    if response.status == 404 || response.status == 405 {
        return Ok(0);
    }
    ensure!(
        response.status == 200,
        "listing {path} answers {}",
        response.status
    );
    let list: Value = serde_json::from_slice(&response.body)?;
    let items: Vec<Listed> = serde_json::from_value(list["items"].clone())
        .with_context(|| format!("decoding the list of {path}"))?;
    let foreign: Vec<Metadata> = items
        .into_iter()
        .map(|item| item.metadata)
        .filter(|metadata| !is_built_in(kind, metadata))
        .collect();
    for metadata in &foreign {
        delete(api, kind, metadata)?;
    }
    Ok(foreign.len())
}

fn delete(api: &Endpoint, kind: &Kind, metadata: &Metadata) -> Result<()> {
    let (base, resource, name) = (&kind.base, &kind.resource, &metadata.name);
    let path = match &metadata.namespace {
        Some(namespace) => format!("{base}/namespaces/{namespace}/{resource}/{name}"),
        None => format!("{base}/{resource}/{name}"),
    };
    send(api, "DELETE", &path, ("application/json", DELETE_NOW))?;
    if metadata
        .finalizers
        .as_ref()
        .is_some_and(|finalizers| !finalizers.is_empty())
    {
        send(
            api,
            "PATCH",
            &path,
            ("application/merge-patch+json", NO_FINALIZERS),
        )?;
    }
    Ok(())
}

/// Sends a write; that the object is gone or changes at the same moment is fine.
fn send(api: &Endpoint, method: &str, path: &str, content: (&str, &str)) -> Result<()> {
    let response = patiently(
        api,
        Request {
            method,
            path,
            content: Some(content),
        },
    )?;
    let fine = matches!(response.status, 200..=299 | 404 | 409);
    let text = String::from_utf8_lossy(&response.body);
    ensure!(fine, "{method} {path} answers {}: {text}", response.status);
    Ok(())
}

fn get(api: &Endpoint, path: &str) -> Result<Response> {
    patiently(
        api,
        Request {
            method: "GET",
            path,
            content: None,
        },
    )
}

/// Sends a request until the server has time for it: while it sets up the storage of a resource
/// definition that has changed, it answers 429.
fn patiently(api: &Endpoint, request: Request<'_>) -> Result<Response> {
    let mut response = api.send(request)?;
    deadline::wait_for("the API server to answer", GONE_WITHIN, || {
        if response.status == 429 {
            response = api.send(request)?;
        }
        Ok(response.status != 429)
    })?;
    Ok(response)
}

/// The order: what makes or holds back other objects goes first.
fn rank(kind: &Kind) -> u8 {
    match (kind.group.as_str(), kind.resource.as_str()) {
        ("admissionregistration.k8s.io", _) => 0,
        (group, _) if group.contains("karpenter") => 1,
        ("apps", "deployments" | "statefulsets" | "daemonsets")
        | ("batch", "cronjobs")
        | ("", "replicationcontrollers") => 2,
        ("apps", "replicasets") | ("batch", "jobs") => 3,
        ("", "pods") => PODS,
        ("", "nodes") => PODS + 1,
        ("", "namespaces") => PODS + 2,
        _ => 4,
    }
}

const PODS: u8 = 5;

/// Kinds of which nothing is deleted.
fn stays(kind: &Kind) -> bool {
    const GROUPS: [&str; 2] = ["flowcontrol.apiserver.k8s.io", "apiregistration.k8s.io"];
    const RESOURCES: [&str; 6] = [
        "events",
        "endpoints",
        "endpointslices",
        "servicecidrs",
        "ipaddresses",
        "customresourcedefinitions",
    ];
    let own = kind.group.is_empty() || kind.group.ends_with(".k8s.io");
    GROUPS.contains(&kind.group.as_str()) || (own && RESOURCES.contains(&kind.resource.as_str()))
}

/// Objects that a fresh cluster has.
fn is_built_in(kind: &Kind, metadata: &Metadata) -> bool {
    const CONFIG_MAPS: [&str; 3] = [
        "kube-root-ca.crt",
        "extension-apiserver-authentication",
        "kube-apiserver-legacy-service-account-token-tracking",
    ];
    let name = metadata.name.as_str();
    let bootstrapping = metadata.labels.as_ref();
    if bootstrapping.is_some_and(|labels| labels.contains_key("kubernetes.io/bootstrapping")) {
        return true;
    }
    if name.starts_with("system:") || name.starts_with("system-") {
        return true;
    }
    let system = metadata.namespace.as_deref() == Some("kube-system");
    match kind.resource.as_str() {
        "namespaces" => {
            ["default", "kube-system", "kube-public", "kube-node-lease"].contains(&name)
        }
        "clusterroles" => ["cluster-admin", "admin", "edit", "view"].contains(&name),
        "clusterrolebindings" => name == "cluster-admin",
        "serviceaccounts" => name == "default",
        "services" => name == "kubernetes" && metadata.namespace.as_deref() == Some("default"),
        "configmaps" => CONFIG_MAPS.contains(&name),
        // Its owner, the Node, takes it along; while kwok runs it must not go before.
        "leases" if metadata.namespace.as_deref() == Some("kube-node-lease") => true,
        "leases" | "roles" | "rolebindings" if system => {
            name.starts_with("extension-") || name.starts_with("apiserver-")
        }
        _ => false,
    }
}

/// Every kind that can be listed and deleted, each in one version.
fn discover(api: &Endpoint) -> Result<Vec<Kind>> {
    let mut kinds = resources(api, "", "/api/v1")?;
    let groups = read(api, "/apis")?;
    for group in groups["groups"].as_array().into_iter().flatten() {
        let name = group["name"].as_str().unwrap_or_default();
        let version = group["preferredVersion"]["groupVersion"]
            .as_str()
            .unwrap_or_default();
        kinds.extend(resources(api, name, &format!("/apis/{version}"))?);
    }
    Ok(kinds)
}

fn resources(api: &Endpoint, group: &str, base: &str) -> Result<Vec<Kind>> {
    let list = read(api, base)?;
    let kind = |resource: &Value| {
        let name = resource["name"]
            .as_str()
            .filter(|name| !name.contains('/'))?;
        let verbs = resource["verbs"].as_array()?;
        let usable = ["list", "delete"]
            .iter()
            .all(|verb| verbs.iter().any(|v| v == verb));
        usable.then(|| Kind {
            group: group.into(),
            base: base.into(),
            resource: name.into(),
        })
    };
    Ok(list["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(kind)
        .collect())
}

fn read(api: &Endpoint, path: &str) -> Result<Value> {
    let response = get(api, path)?;
    ensure!(
        response.status == 200,
        "GET {path} answers {}",
        response.status
    );
    serde_json::from_slice(&response.body).with_context(|| format!("decoding {path}"))
}

#[cfg(test)]
mod tests {
    use super::{Kind, Metadata, is_built_in, rank, stays};

    fn kind(group: &str, resource: &str) -> Kind {
        Kind {
            group: group.into(),
            base: String::new(),
            resource: resource.into(),
        }
    }

    fn named(namespace: Option<&str>, name: &str) -> Metadata {
        let namespace = namespace.map(str::to_owned);
        Metadata {
            name: name.into(),
            namespace,
            ..Metadata::default()
        }
    }

    #[test]
    fn owners_go_before_what_they_own() {
        let order = [
            kind(
                "admissionregistration.k8s.io",
                "validatingwebhookconfigurations",
            ),
            kind("karpenter.sh", "nodepools"),
            kind("apps", "deployments"),
            kind("apps", "replicasets"),
            kind("", "configmaps"),
            kind("", "pods"),
            kind("", "nodes"),
            kind("", "namespaces"),
        ];
        assert!(order.windows(2).all(|pair| rank(&pair[0]) < rank(&pair[1])));
    }

    #[test]
    fn what_a_fresh_cluster_has_is_kept_and_all_else_goes() {
        assert!(stays(&kind(
            "apiextensions.k8s.io",
            "customresourcedefinitions"
        )));
        assert!(!stays(&kind("karpenter.sh", "nodeclaims")));
        let roles = kind("rbac.authorization.k8s.io", "clusterroles");
        assert!(is_built_in(&roles, &named(None, "system:node")));
        assert!(!is_built_in(&roles, &named(None, "karpenter")));
        let leases = kind("coordination.k8s.io", "leases");
        assert!(is_built_in(
            &leases,
            &named(Some("kube-system"), "apiserver-abc")
        ));
        assert!(!is_built_in(
            &leases,
            &named(Some("kube-system"), "karpenter-leader-election")
        ));
        let accounts = kind("", "serviceaccounts");
        assert!(is_built_in(&accounts, &named(Some("default"), "default")));
        assert!(!is_built_in(
            &accounts,
            &named(Some("kube-system"), "karpenter")
        ));
    }
}
