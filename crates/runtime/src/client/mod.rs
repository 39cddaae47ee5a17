//! Thin typed access to the Kubernetes API, for our slim types.
//!
//! Writers send patches or whole new objects as JSON; readers decode only what they use. Every call
//! waits for the client-side rate limit, has a time limit, and is repeated when that is safe.
//!
//! What is *not* here: watching (`watch`), and a cache: `cluster` is the only one.

mod call;
mod connect;
mod error;
mod request;

pub use connect::{ConnectError, Source};
pub use error::{ApiError, Cause, Details, Retry, Status};
/// Body of a request that the client makes, for services that stand between it and a server.
pub use kube::client::Body as RequestBody;
pub use request::{Kind, ObjectKey, Preconditions, Select};

pub(crate) use call::ByteStream;
pub(crate) use request::Query;

use std::time::Duration;

use call::{Call, Verb};
use model::k8s::Resource;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{limit::Limiter, metrics::Metrics};

/// Objects on a page of a list.
const PAGE_SIZE: u32 = 500;

/// Access to one API server; cheap to clone, clones share connection and rate limit.
#[derive(Clone)]
pub struct Client {
    http: kube::Client,
    limiter: Limiter,
    timeout: Duration,
    metrics: Option<Metrics>,
}

/// All objects that a list found, and the version of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T> {
    /// The objects, in the server's order.
    pub items: Vec<T>,
    /// The version at which the list was true.
    pub resource_version: String,
}

/// The version of an API server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ServerVersion {
    /// `1`.
    pub major: String,
    /// `33`; some servers put a `+` behind it.
    pub minor: String,
}

impl Client {
    /// Calls `service` in process, without a rate limit: the embedded API server.
    pub fn from_service<S, B>(service: S) -> Self
    where
        S: tower::Service<http::Request<kube::client::Body>, Response = http::Response<B>>,
        S: Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<tower::BoxError>,
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<tower::BoxError>,
    {
        Self::from_kube(kube::Client::new(service, "default"))
    }

    /// Uses a client that somebody else has built, without a rate limit.
    pub fn from_kube(http: kube::Client) -> Self {
        let (limiter, timeout) = (Limiter::unlimited(), Duration::from_secs(30));
        Self {
            http,
            limiter,
            timeout,
            metrics: None,
        }
    }

    /// Limits to `qps` calls per second after an initial `burst`.
    #[must_use]
    pub fn with_limit(self, qps: f64, burst: u32) -> Self {
        Self {
            limiter: Limiter::new(qps, burst),
            ..self
        }
    }

    /// Limits how long one attempt of a call may take; 30 s unless said otherwise.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Counts and times calls in `metrics`.
    #[must_use]
    pub fn with_metrics(self, metrics: Metrics) -> Self {
        Self {
            metrics: Some(metrics),
            ..self
        }
    }

    /// Reads one object.
    pub async fn get<T: Resource + DeserializeOwned>(
        &self,
        key: &ObjectKey,
    ) -> Result<T, ApiError> {
        let kind = Kind::of::<T>();
        self.typed(Call::new(Verb::Get, kind, kind.object_path(key)))
            .await
    }

    /// Reads one object; `None` when it does not exist.
    pub async fn find<T>(&self, key: &ObjectKey) -> Result<Option<T>, ApiError>
    where
        T: Resource + DeserializeOwned,
    {
        match self.get(key).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads every object that `select` names, page by page.
    pub async fn list<T>(&self, select: &Select) -> Result<List<T>, ApiError>
    where
        T: Resource + DeserializeOwned,
    {
        let kind = Kind::of::<T>();
        let path = kind.collection_path(&select.namespace);
        let mut items = Vec::new();
        let mut token = String::new();
        loop {
            let mut query = select.query();
            query.add("limit", &PAGE_SIZE.to_string());
            query.add("continue", &token);
            let page: Page<T> = self
                .typed(Call::new(Verb::List, kind, query.on(&path)))
                .await?;
            items.extend(page.items.unwrap_or_default());
            if page.metadata.token.is_empty() {
                return Ok(List {
                    items,
                    resource_version: page.metadata.resource_version,
                });
            }
            token = page.metadata.token;
        }
    }

    /// Creates an object from `object`, whose metadata says where; returns what the server made of
    /// it.
    pub async fn create<T>(&self, object: &T) -> Result<T, ApiError>
    where
        T: Resource + Serialize + DeserializeOwned,
    {
        self.create_from(object.meta().namespace(), to_json(object)?)
            .await
    }

    /// Creates an object of kind `T` from JSON, which may carry fields that the slim type lacks.
    /// `apiVersion` and `kind` are filled in.
    pub async fn create_from<T>(&self, namespace: &str, object: Value) -> Result<T, ApiError>
    where
        T: Resource + DeserializeOwned,
    {
        let kind = Kind::of::<T>();
        let call = Call::new(Verb::Create, kind, kind.collection_path(namespace));
        self.typed(call.json(typed_json(kind, object))).await
    }

    /// Replaces an object; the resource version in its metadata must be the current one. Only for
    /// types that we know whole.
    pub async fn replace<T>(&self, object: &T) -> Result<T, ApiError>
    where
        T: Resource + Serialize + DeserializeOwned,
    {
        let kind = Kind::of::<T>();
        let call = Call::new(Verb::Update, kind, kind.object_path(&ObjectKey::of(object)));
        self.typed(call.json(typed_json(kind, to_json(object)?)))
            .await
    }

    /// Changes an object by a JSON merge patch.
    pub async fn patch<T>(
        &self,
        key: &ObjectKey,
        patch: Value,
        only_if: &Preconditions,
    ) -> Result<T, ApiError>
    where
        T: Resource + DeserializeOwned,
    {
        let kind = Kind::of::<T>();
        let call = Call::new(Verb::Patch, kind, kind.object_path(key));
        self.typed(call.merge_patch(only_if.apply_to_patch(patch)))
            .await
    }

    /// Changes an object's status by a JSON merge patch.
    pub async fn patch_status<T>(
        &self,
        key: &ObjectKey,
        patch: Value,
        only_if: &Preconditions,
    ) -> Result<T, ApiError>
    where
        T: Resource + DeserializeOwned,
    {
        let kind = Kind::of::<T>();
        let path = format!("{}/status", kind.object_path(key));
        let call = Call::new(Verb::Patch, kind, path);
        self.typed(call.merge_patch(only_if.apply_to_patch(patch)))
            .await
    }

    /// Asks for an object's deletion. Finalizers and grace may keep it for a while.
    pub async fn delete<T: Resource>(
        &self,
        key: &ObjectKey,
        only_if: &Preconditions,
    ) -> Result<(), ApiError> {
        let kind = Kind::of::<T>();
        let call = Call::new(Verb::Delete, kind, kind.object_path(key));
        self.call(call.json(only_if.delete_options()))
            .await
            .map(drop)
    }

    /// Evicts a pod through the eviction API, which honours disruption budgets; a budget that
    /// forbids it answers [`ApiError::TooManyRequests`] at once.
    pub async fn evict(&self, pod: &ObjectKey, only_if: &Preconditions) -> Result<(), ApiError> {
        let eviction = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"namespace": pod.namespace, "name": pod.name},
            "deleteOptions": only_if.delete_options(),
        });
        self.create_subresource::<model::k8s::Pod>(pod, "eviction", eviction)
            .await
    }

    /// Posts `body` to a subresource, such as `binding`.
    pub async fn create_subresource<T: Resource>(
        &self,
        key: &ObjectKey,
        subresource: &str,
        body: Value,
    ) -> Result<(), ApiError> {
        let kind = Kind::of::<T>();
        let path = format!("{}/{subresource}", kind.object_path(key));
        self.call(Call::new(Verb::Subresource, kind, path).json(body))
            .await
            .map(drop)
    }

    /// Whether the server serves `kind`, by discovery of its group and version.
    pub async fn serves(&self, kind: Kind) -> Result<bool, ApiError> {
        #[derive(Deserialize)]
        struct Served {
            name: String,
        }
        #[derive(Deserialize)]
        struct Discovery {
            resources: Vec<Served>,
        }
        let answer: Result<Discovery, _> = self
            .typed(Call::new(Verb::Get, kind, kind.group_path()))
            .await;
        match answer {
            Ok(found) => Ok(found
                .resources
                .iter()
                .any(|served| served.name == kind.plural)),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The version of the server.
    pub async fn server_version(&self) -> Result<ServerVersion, ApiError> {
        let kind = Kind {
            group: "",
            version: "",
            kind: "Version",
            plural: "version",
        };
        self.typed(Call::new(Verb::Get, kind, "/version".to_owned()))
            .await
    }

    async fn typed<A: DeserializeOwned>(&self, call: Call) -> Result<A, ApiError> {
        let path = call.path().to_owned();
        let body = self.call(call).await?;
        serde_json::from_slice(&body).map_err(|cause| ApiError::Decode {
            path,
            cause: cause.to_string(),
        })
    }
}

/// Reading of a list's page, as much of it as is needed.
#[derive(Deserialize)]
struct Page<T> {
    metadata: PageMeta,
    /// `null` when a Go server has nothing.
    items: Option<Vec<T>>,
}

/// Metadata of a list.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PageMeta {
    /// The version at which the list was true.
    pub(crate) resource_version: String,
    /// Where the next page begins; empty on the last.
    #[serde(rename = "continue")]
    pub(crate) token: String,
}

fn to_json<T: Serialize>(object: &T) -> Result<Value, ApiError> {
    serde_json::to_value(object).map_err(|cause| ApiError::Request(cause.to_string()))
}

fn typed_json(kind: Kind, mut object: Value) -> Value {
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.kind.into();
    object
}

#[cfg(test)]
mod tests;
