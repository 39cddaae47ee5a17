//! What Karpenter asks of the API server, seen on the way there: the calls that end pods, and a
//! count of all writes.
//!
//! A call that ends a pod is kept with the pod and its budgets as they were when it was made, so
//! that whoever judges it does not depend on what Karpenter thought. What is *not* here: the
//! judging (`engine::referee`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apiserver::{Body, HttpService, Selectors, Server};
use http::{Method, Request, Response};
use model::Timestamp;
use model::k8s::{Pod, PodDisruptionBudget};
use runtime::Clock;
use serde::Deserialize as _;
use tower::{BoxError, Service, ServiceExt as _};

/// A connection to the API server that takes notes. Clones share them.
#[derive(Clone)]
pub(crate) struct Wire {
    server: Server,
    service: HttpService,
    clock: Clock,
    notes: Arc<Mutex<Notes>>,
}

#[derive(Default)]
struct Notes {
    asks: Vec<Ask>,
    writes: BTreeMap<String, u64>,
    last_write: Option<Timestamp>,
}

/// A call that ends a pod.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// When.
    pub(crate) at: Timestamp,
    /// How.
    pub(crate) how: How,
    /// The pod, as it was.
    pub(crate) pod: Pod,
    /// The fewest further disruptions that a budget of the pod allowed; none without budgets.
    pub(crate) budget_left: Option<i32>,
    /// The server's answer.
    pub(crate) code: u16,
}

/// How a pod is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// By the eviction API.
    Evict,
    /// By deletion, whatever protects it.
    Delete,
}

/// Writes that were made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writes {
    /// How many, by method and resource.
    pub(crate) counts: BTreeMap<String, u64>,
    /// When the last one was made.
    pub(crate) last: Option<Timestamp>,
}

impl Wire {
    pub(crate) fn new(server: Server, clock: Clock) -> Self {
        Self {
            service: server.client_service(),
            server,
            clock,
            notes: Arc::default(),
        }
    }

    /// The calls that ended pods since the last time.
    pub(crate) fn take_asks(&self) -> Vec<Ask> {
        std::mem::take(&mut self.lock().asks)
    }

    /// All writes so far.
    pub(crate) fn writes(&self) -> Writes {
        let notes = self.lock();
        Writes {
            counts: notes.writes.clone(),
            last: notes.last_write,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service for a client.
    pub(crate) fn service(
        &self,
    ) -> impl Service<
        Request<runtime::client::RequestBody>,
        Response = Response<Body>,
        Error = BoxError,
        Future: Send + 'static,
    > + Send
    + 'static {
        let wire = self.clone();
        tower::service_fn(move |request: Request<runtime::client::RequestBody>| {
            let wire = wire.clone();
            async move {
                if request.method() == Method::GET {
                    return Ok(wire.service.oneshot(request).await?);
                }
                let path = Path::of(request.uri().path());
                wire.count(request.method(), &path);
                let ask = wire.ask(request.method(), &path);
                let answer = wire.service.clone().oneshot(request).await?;
                if let Some(ask) = ask {
                    let code = answer.status().as_u16();
                    wire.lock().asks.push(Ask { code, ..ask });
                }
                Ok(answer)
            }
        })
    }

    fn count(&self, method: &Method, path: &Path) {
        let mut notes = self.lock();
        let title = match path.part.as_str() {
            "" => format!("{method} {}", path.plural),
            part => format!("{method} {}/{part}", path.plural),
        };
        *notes.writes.entry(title).or_default() += 1;
        notes.last_write = Some(self.clock.now());
    }

    fn ask(&self, method: &Method, path: &Path) -> Option<Ask> {
        let how = match (method, path.part.as_str()) {
            (&Method::POST, "eviction") => How::Evict,
            (&Method::DELETE, "") => How::Delete,
            _ => return None,
        };
        if path.plural != "pods" || path.name.is_empty() {
            return None;
        }
        let held = self
            .server
            .get(apiserver::PODS, &path.namespace, &path.name)
            .ok()?;
        let pod = Pod::deserialize(&*held).ok()?;
        Some(Ask {
            at: self.clock.now(),
            how,
            budget_left: self.budget_left(&pod),
            pod,
            code: 0,
        })
    }

    fn budget_left(&self, pod: &Pod) -> Option<i32> {
        let namespace = Some(pod.metadata.namespace());
        let budgets = self
            .server
            .list(apiserver::PDBS, namespace, &Selectors::default())
            .ok()?;
        let budgets = budgets
            .items
            .iter()
            .filter_map(|budget| PodDisruptionBudget::deserialize(&**budget).ok());
        let of_pod = budgets.filter(|budget| {
            let selector = budget.spec.selector.as_ref();
            selector.is_some_and(|selector| selector.matches(&pod.metadata.labels))
        });
        of_pod.map(|budget| budget.status.disruptions_allowed).min()
    }
}

/// What a path is about.
#[derive(Debug, Default, PartialEq, Eq)]
struct Path {
    namespace: String,
    plural: String,
    name: String,
    /// Subresource; empty for the object itself.
    part: String,
}

impl Path {
    /// `/api/v1/...` or `/apis/GROUP/VERSION/...`.
    fn of(path: &str) -> Self {
        let mut parts = path.trim_matches('/').split('/');
        let skip = if parts.next() == Some("apis") { 2 } else { 1 };
        let rest: Vec<&str> = parts.skip(skip).collect();
        let (namespace, rest) = match rest.as_slice() {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        let at = |number: usize| rest.get(number).copied().unwrap_or_default().to_owned();
        Self {
            namespace: namespace.to_owned(),
            plural: at(0),
            name: at(1),
            part: at(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn paths_are_read_with_and_without_groups_namespaces_and_subresources() {
        let path = |namespace: &str, plural: &str, name: &str, part: &str| Path {
            namespace: namespace.to_owned(),
            plural: plural.to_owned(),
            name: name.to_owned(),
            part: part.to_owned(),
        };
        for (text, expected) in [
            (
                "/api/v1/namespaces/shop/pods/cart/eviction",
                path("shop", "pods", "cart", "eviction"),
            ),
            ("/api/v1/nodes/a", path("", "nodes", "a", "")),
            (
                "/api/v1/namespaces/shop",
                path("", "namespaces", "shop", ""),
            ),
            (
                "/apis/karpenter.sh/v1/nodeclaims/c/status",
                path("", "nodeclaims", "c", "status"),
            ),
        ] {
            assert_eq!(Path::of(text), expected, "{text}");
        }
    }
}
